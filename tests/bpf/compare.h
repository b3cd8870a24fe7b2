/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells in what the outcome of a run differs from what it should be. */
#pragma once

#include "harness.h"

enum { COMPARE_TEXT_MAX = 512 };

/* The first difference as a line of text, or NULL. `ifindex` is where the frame came in. */
const char *compare_outcomes(uint32_t ifindex, const struct outcome *expected,
	const struct outcome *got, char text[COMPARE_TEXT_MAX]);

/* Likewise for the `used` fields of two tables with the same entries. */
const char *compare_used(
	const struct tables *expected, const struct tables *got, char text[COMPARE_TEXT_MAX]);

/* A frame in hexadecimal, 16 octets to a line, to stderr. */
void compare_dump(const char *title, const struct frame *f);
