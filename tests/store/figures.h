/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Figures of reliability: printed, and written to $DLMA_BUILD/reliability/PART.json. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

FILE *figures_open(const char *part);
void figures_add(FILE *f, const char *name, const char *goal, bool ok, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void figures_close(FILE *f);
