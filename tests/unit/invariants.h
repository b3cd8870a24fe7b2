/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What holds in a core between any two steps, whatever happened to it. For tests that do more to
 * it than anybody can foresee: fuzzing, failing allocations.
 */
#pragma once

#include "core/internal.h"

/* What does not hold; NULL if all does. */
const char *invariants_broken(const struct core *c);

/* Whether nothing is left of what ends by itself: true long after the last event. */
bool invariants_settled(const struct core *c);
