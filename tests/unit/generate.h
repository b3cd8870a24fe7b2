/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pseudo-random input for tests: the same state gives the same sequence on every machine. */
#pragma once

#include "wire/mh.h"

/* A state for a test: from the environment variable DLMA_SEED, or else from the clock; says so. */
uint64_t generate_seed(void);

/* Below `bound`. */
uint32_t generate_number(uint64_t *state, uint32_t bound);

void generate_bytes(uint64_t *state, void *to, size_t len);

/* A message of any type with any options that mh_encode() takes, as it is once decoded. */
void generate_message(uint64_t *state, struct mh_message *ret);
