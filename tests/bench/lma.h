/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An LMA in this process: the production core with real HMACs and, if wanted, its store. All others
 * of the domain are played here. What cannot be done ends the program.
 */
#pragma once

#include "core/core.h"
#include "core/state.h"
#include "io/outbox.h"
#include <stdbool.h>

enum { HOME, VISITED, OTHER, MAG, NODES };

struct letter {
	uint16_t len;
	uint8_t bytes[EFFECT_BYTES_MAX];
};

struct lma {
	struct node_conf conf;
	struct profiles *profiles;
	struct core *core;
	struct store *store; /* NULL: nothing is durable */
	struct outbox *outbox;
	struct effects effects;
	uint64_t now_ms;
	uint64_t counter[NODES];
	uint64_t accepted; /* PBAs with status 0 that have left */
	bool answers;	   /* the H-LMA is played here, too */
	double profile_octets;
};

/* Once, before anything else. */
void lma_make_mobiles(uint32_t how_many);

/* As one of HOME and VISITED, which asks HOME. `store` is a directory; NULL: nothing is durable. */
void lma_start(struct lma *l, int self, const char *store);
void lma_end(struct lma *l);

/* The PBU with which a MN comes: by a V-LMA to the H-LMA, or by a MAG to its LMA. */
void lma_make_pbu(struct lma *l, int from, uint32_t mn, struct letter *ret);
void lma_receive(struct lma *l, int from, const struct letter *letter);
/* One millisecond, and whatever is due. */
void lma_pass_time(struct lma *l);

/* What the allocator has given out to this process. */
double heap_octets(void);
