/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Figures of reliability, as the tests that measured them leave them behind. */
#pragma once

#include <stdbool.h>

/* Prints a figure and writes it to $BUILD/reliability/NAME.json ($BUILD: "build"). */
__attribute__((format(printf, 4, 5))) void record_figure(
	const char *name, const char *goal, bool ok, const char *value, ...);
