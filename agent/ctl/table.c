// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ctl/ctl.h"
#include <stdlib.h>
#include <string.h>

enum { CELL_MAX = 256, COLUMNS_MAX = 16 };

static const json_t *reach(const json_t *object, const char *key)
{
	const char *dot = strchr(key, '.');
	char first[64];

	if (!dot)
		return json_object_get(object, key);
	snprintf(first, sizeof(first), "%.*s", (int)(dot - key), key);
	return reach(json_object_get(object, first), dot + 1);
}

static void join(const json_t *list, char *cell)
{
	const json_t *item;
	size_t i, n = 0;

	*cell = 0;
	json_array_foreach (list, i, item) {
		if (n < CELL_MAX)
			n += (size_t)snprintf(cell + n, CELL_MAX - n, "%s%s", i ? "," : "",
				json_string_value(item));
	}
}

static void cell_text(const json_t *value, const char *unit, char *cell)
{
	if (!unit)
		unit = "";
	if (json_is_string(value))
		snprintf(cell, CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(cell, CELL_MAX, "%lld%s", (long long)json_integer_value(value), unit);
	else if (json_is_real(value))
		snprintf(cell, CELL_MAX, "%.1f%s", json_real_value(value), unit);
	else if (json_is_boolean(value))
		snprintf(cell, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
	else if (json_is_array(value))
		join(value, cell);
	else
		snprintf(cell, CELL_MAX, "-");
}

static void measure(const json_t *rows, const struct column *columns, size_t count, int *widths)
{
	const json_t *row;
	char cell[CELL_MAX];
	size_t i;

	for (size_t k = 0; k < count; k++)
		widths[k] = (int)strlen(columns[k].title);
	json_array_foreach (rows, i, row) {
		for (size_t k = 0; k < count; k++) {
			cell_text(reach(row, columns[k].key), columns[k].unit, cell);
			if ((int)strlen(cell) > widths[k])
				widths[k] = (int)strlen(cell);
		}
	}
}

static void print_cell(FILE *out, const char *text, const struct column *c, int width, bool last)
{
	if (c->right)
		fprintf(out, "%*s", width, text);
	else
		fprintf(out, "%-*s", last ? 0 : width, text);
	fputs(last ? "\n" : "  ", out);
}

void table_print(FILE *out, const json_t *rows, const struct column *columns, size_t count)
{
	int widths[COLUMNS_MAX];
	const json_t *row;
	char cell[CELL_MAX];
	size_t i;

	measure(rows, columns, count, widths);
	for (size_t k = 0; k < count; k++)
		print_cell(out, columns[k].title, &columns[k], widths[k], k + 1 == count);
	json_array_foreach (rows, i, row) {
		for (size_t k = 0; k < count; k++) {
			cell_text(reach(row, columns[k].key), columns[k].unit, cell);
			print_cell(out, cell, &columns[k], widths[k], k + 1 == count);
		}
	}
}
