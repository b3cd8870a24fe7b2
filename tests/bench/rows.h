/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rows that a section of the bench writes: see README. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum row_verdict { ROW_NO_GOAL, ROW_REACHED, ROW_MISSED };

struct row {
	const char *name; /* words with hyphens, parts with slashes */
	const char *what; /* for people */
	double value, spread, minimum;
	const char *unit;
	const char *goal; /* for people; NULL: none */
	enum row_verdict verdict;
	const char *group; /* rows of one plot; NULL: not plotted */
	const char *line;  /* which line of it */
	double x;
};

/* Begins BUILD/bench/SECTION.json. 0 or negative errno. */
int rows_begin(const char *build, const char *section);
void rows_add(const struct row *row);
/* 0, or negative errno if not all of it could be written. */
int rows_end(void);

/* Of `count` values, which are put into order: the middle one, and half of them lie between. */
double rows_median(double *values, unsigned int count);
double rows_spread(double *values, unsigned int count);
