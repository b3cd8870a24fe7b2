// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rows.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static json_t *rows;
static char file[512];

int rows_begin(const char *build, const char *section)
{
	int n = snprintf(file, sizeof(file), "%s/bench", build);

	if (n >= (int)sizeof(file) || (mkdir(file, 0777) && errno != EEXIST))
		return -errno;
	n = snprintf(file, sizeof(file), "%s/bench/%s.json", build, section);
	rows = json_array();
	return n < (int)sizeof(file) && rows ? 0 : -ENOMEM;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

void rows_add(const struct row *r)
{
	json_t *ok =
		r->verdict == ROW_NO_GOAL ? json_null() : json_boolean(r->verdict == ROW_REACHED);

	json_array_append_new(rows,
		json_pack("{s:s, s:s, s:f, s:s, s:o, s:o, s:f, s:f, s:o, s:o, s:f}", "name",
			r->name, "what", r->what, "value", r->value, "unit", r->unit, "goal",
			text_or_null(r->goal), "ok", ok, "spread", r->spread, "minimum", r->minimum,
			"group", text_or_null(r->group), "line", text_or_null(r->line), "x", r->x));
}

int rows_end(void)
{
	int err = json_dump_file(rows, file, JSON_INDENT(1) | JSON_REAL_PRECISION(6));

	json_decref(rows);
	rows = NULL;
	return err ? -EIO : 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double rows_median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), by_size);
	return count ? (values[(count - 1) / 2] + values[count / 2]) / 2 : 0;
}

double rows_spread(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), by_size);
	return count ? values[3 * count / 4] - values[count / 4] : 0;
}
