/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pseudo-random contents of the maps and frames that go with them: addresses come from small pools,
 * so that every branch happens often. The same state gives the same sequence on every machine.
 */
#pragma once

#include "harness.h"

struct random_frame {
	enum side side;
	enum link from;
	struct frame frame;
};

uint32_t random_below(uint64_t *state, uint32_t bound);

/* `seed` and a number make the seed of one of many independent sequences. */
uint64_t random_seed(uint64_t seed, uint32_t number);

void random_tables(uint64_t *state, const uint32_t ifindex[LINK_COUNT], struct tables *ret);

void random_frame(uint64_t *state, struct random_frame *ret);
