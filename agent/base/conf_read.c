// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/conf_read.h"
#include "base/text.h"
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
	ERROR_LINE_MAX = 512,
	WORD_MAX = 48, /* longer words are not compared */
};

__attribute__((format(printf, 4, 0))) static void error_line(struct conf_reader *r,
	const char *file, unsigned int line, const char *format, va_list args)
{
	const char *slash = strrchr(r->path, '/');
	int directory = slash && file ? (int)(slash + 1 - r->path) : 0;
	char text[ERROR_LINE_MAX], plain[ERROR_LINE_MAX];

	vsnprintf(text, sizeof(text), format, args);
	/* What a file says may hold anything; an error stays one line of plain text. */
	text_plain(text, sizeof(text), plain, sizeof(plain));
	r->error_count++;
	fprintf(r->errors, "%.*s%s:%u: %s\n", directory, r->path, file ? file : r->path,
		line ? line : 1, plain);
}

void conf_error_at(
	struct conf_reader *r, const char *file, unsigned int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_line(r, file, line, format, args);
	va_end(args);
}

void conf_error(struct conf_reader *r, const config_setting_t *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_line(r, where ? config_setting_source_file(where) : NULL,
		where ? config_setting_source_line(where) : 0, format, args);
	va_end(args);
}

int conf_refuse(struct conf_reader *r, const config_setting_t *s, const struct conf_field *f)
{
	conf_error(r, s, "\"%s\" must be %s", f->name, f->kind->takes);
	return -EINVAL;
}

const config_setting_t *conf_where(const config_setting_t *group, const char *name)
{
	const config_setting_t *member = config_setting_get_member(group, name);

	return member ? member : group;
}

unsigned int conf_line(const config_setting_t *s)
{
	return config_setting_source_line(s);
}

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein: letters to insert, remove or replace. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1];
	size_t width = strlen(b);

	for (unsigned int j = 0; j <= width; j++)
		row[j] = j;
	for (unsigned int i = 1; *a; i++, a++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			unsigned int above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (*a != b[j - 1]));
			diagonal = above;
		}
	}
	return row[width];
}

void conf_nearest_try(struct conf_nearest *n, const char *candidate)
{
	size_t len = strlen(candidate);
	unsigned int d;

	if (len > WORD_MAX || strlen(n->word) > WORD_MAX)
		return;
	d = distance(n->word, candidate);
	if (3 * d > len + 1 || (n->best && d >= n->distance))
		return;
	n->best = candidate;
	n->distance = d;
}

static const struct conf_field *field_find(const struct conf_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name))
			return fields;
	return NULL;
}

static void error_unknown(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *fields)
{
	struct conf_nearest nearest = {.word = config_setting_name(s)};
	char known[256] = "";

	for (const struct conf_field *f = fields; f->name; f++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", f->name);
		conf_nearest_try(&nearest, f->name);
	}
	if (nearest.best)
		conf_error(r, s, "unknown setting \"%.64s\"; did you mean \"%s\"?", nearest.word,
			nearest.best);
	else
		conf_error(r, s, "unknown setting \"%.64s\"; what may stand here: %s", nearest.word,
			known);
}

void conf_defaults(const struct conf_field *fields, void *base)
{
	for (; fields->name; fields++)
		if (fields->fallback)
			*(uint32_t *)((char *)base + fields->offset) = fields->fallback;
}

/* A group inside a list has no name of its own. */
static const char *group_name(const config_setting_t *s)
{
	const config_setting_t *parent = config_setting_parent(s);

	return config_setting_name(s) || !parent ? config_setting_name(s)
						 : config_setting_name(parent);
}

int conf_read_group(struct conf_reader *r, const config_setting_t *group,
	const struct conf_field *fields, void *base)
{
	uint32_t before = r->error_count;
	int err = 0;

	if (!config_setting_is_group(group)) {
		conf_error(r, group, "\"%s\" takes settings in braces here: { %s = ...; }",
			group_name(group), fields->name);
		return -EINVAL;
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);

		if (!field_find(fields, config_setting_name(s)))
			error_unknown(r, s, fields);
	}
	for (const struct conf_field *f = fields; f->name; f++) {
		const config_setting_t *s = config_setting_get_member(group, f->name);

		if (!s && f->required)
			conf_error(r, group, "\"%s\" is missing; it must be %s", f->name,
				f->kind->takes);
		else if (s && f->kind->read(r, s, f, (char *)base + f->offset))
			err = -EINVAL;
	}
	return r->error_count == before ? err : -EINVAL;
}

void *conf_list(struct conf_reader *r, const config_setting_t *s, const struct conf_field *f,
	size_t size, uint32_t *ret_count)
{
	uint32_t count = config_setting_is_list(s) ? (uint32_t)config_setting_length(s) : 0;
	void *entries;

	if (!config_setting_is_list(s) || count < f->min) {
		(void)conf_refuse(r, s, f);
		return NULL;
	}
	if (f->max && count > f->max) {
		conf_error(r, s, "\"%s\" has %u entries; there may be %u at most", f->name, count,
			f->max);
		return NULL;
	}
	entries = calloc(count + 1, size);
	if (!entries)
		conf_error(r, s, "out of memory for %u entries of \"%s\"", count, f->name);
	else
		*ret_count = count;
	return entries;
}

struct note {
	const config_setting_t *where;
	size_t len;
	unsigned char key[];
};

static int note_compare(const void *left, const void *right)
{
	const struct note *a = left, *b = right;

	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->key, b->key, a->len);
}

const config_setting_t *conf_seen_before(
	struct conf_seen *seen, const config_setting_t *s, const void *key, size_t len)
{
	struct note *note = malloc(sizeof(*note) + len), **found;

	if (!note)
		return NULL;
	note->where = s;
	note->len = len;
	memcpy(note->key, key, len);
	found = tsearch(note, &seen->tree, note_compare);
	if (found && *found == note)
		return NULL;
	free(note);
	return found ? (*found)->where : NULL;
}

void conf_seen_done(struct conf_seen *seen)
{
	tdestroy(seen->tree, free);
	seen->tree = NULL;
}
