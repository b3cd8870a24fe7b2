/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <stdint.h>

uint64_t zipf_random(uint64_t *state);

/* Draws `samples` numbers below `count`, number i with a weight of 1 / (i + 1). */
void zipf_draw(uint32_t *ret, uint32_t samples, uint32_t count, uint64_t seed);
