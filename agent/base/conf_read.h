/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the configuration is read, for conf*.c only: a table per group, a row per setting, that
 * says what the setting is called, what it takes and where its value goes. Reading goes on after
 * an error, so that a person sees all of them at once.
 */
#pragma once

#include "dlma/domain.h"
#include <libconfig.h>
#include <stdio.h>

/* A file and what it includes, which stands in the same directory. */
struct conf_reader {
	const char *path;
	FILE *errors;
	uint32_t error_count;
	const struct domain *domain; /* for the settings that name a node; may be empty yet */
};

struct conf_field;

struct conf_kind {
	const char *takes; /* completes "NAME must be ..." */
	/* 0, or -EINVAL after a line that says why, there or at what it refers to. */
	int (*read)(struct conf_reader *r, const config_setting_t *s, const struct conf_field *f,
		void *ret);
};

/* A table of them ends with a row without a name. Rows are read in this order. */
struct conf_field {
	const char *name;
	const struct conf_kind *kind;
	size_t offset;
	bool required;
	uint32_t fallback; /* numbers and times: value unless set */
	/* Numbers: range. Times: range in ms. Lists: how many entries. Texts: max is the room. */
	uint32_t min, max;
};

/* Where a row writes to: a member of the struct of its group, or wherever in it it likes. */
#define CONF_AT(type, member)	.offset = offsetof(type, member)
#define CONF_ROOM(type, member) CONF_AT(type, member), .max = sizeof(((type *)0)->member)
#define CONF_WHOLE		.offset = 0

/* What the rows write. */
extern const struct conf_kind conf_text;       /* char[max] */
extern const struct conf_kind conf_name;       /* char[max] */
extern const struct conf_kind conf_path;       /* char[max] */
extern const struct conf_kind conf_flag;       /* bool */
extern const struct conf_kind conf_number;     /* uint32_t */
extern const struct conf_kind conf_seconds;    /* uint32_t, milliseconds */
extern const struct conf_kind conf_address;    /* struct dlma_addr, fit for the ends of a tunnel */
extern const struct conf_kind conf_prefix;     /* struct dlma_prefix */
extern const struct conf_kind conf_peer;       /* uint16_t, index of a node of r->domain */
extern const struct conf_kind conf_disclosure; /* enum domain_disclosure */

/* Sections; each in the file that is called like it. */
extern const struct conf_kind conf_domain;  /* struct domain */
extern const struct conf_kind conf_timers;  /* struct domain_timers */
extern const struct conf_kind conf_mobiles; /* struct domain */
extern const struct conf_kind conf_node;    /* struct node_conf */
extern const struct conf_kind conf_keys;    /* struct node_conf */

/* Rows of conf_timers, whose fallbacks hold too when the group is not there. */
extern const struct conf_field conf_timer_fields[];

/* What to say of a node without the setting "keys", if it needs them. */
void conf_keys_absent(
	struct conf_reader *r, const config_setting_t *where, const struct node_conf *conf);

/* One line about a place; without one (NULL) about the beginning of the file. */
__attribute__((format(printf, 3, 4))) void conf_error(
	struct conf_reader *r, const config_setting_t *where, const char *format, ...);
/* The same where there is no setting; `file` is NULL or the name in an @include. */
__attribute__((format(printf, 4, 5))) void conf_error_at(
	struct conf_reader *r, const char *file, unsigned int line, const char *format, ...);

/* "NAME must be ..."; returns -EINVAL. */
int conf_refuse(struct conf_reader *r, const config_setting_t *s, const struct conf_field *f);

/* The named member of a group; the group itself if it has none: where to point at. */
const config_setting_t *conf_where(const config_setting_t *group, const char *name);

/* Line of a setting, from 1. */
unsigned int conf_line(const config_setting_t *s);

/* Writes the fallbacks of a table. */
void conf_defaults(const struct conf_field *fields, void *base);

/* Reads the members of a group. Returns 0, or -EINVAL after one or more lines. */
int conf_read_group(struct conf_reader *r, const config_setting_t *group,
	const struct conf_field *fields, void *base);

/* Zeroed elements, one for each entry of a list; the caller owns them. NULL after a line. */
void *conf_list(struct conf_reader *r, const config_setting_t *s, const struct conf_field *f,
	size_t size, uint32_t *ret_count);

/* Finds what may stand only once. */
struct conf_seen {
	void *tree;
};

/* The earlier setting with the same octets, or NULL; then this one is noted. */
const config_setting_t *conf_seen_before(
	struct conf_seen *seen, const config_setting_t *s, const void *key, size_t len);
void conf_seen_done(struct conf_seen *seen);

/* Finds the candidate that a person who wrote `word` may have meant. */
struct conf_nearest {
	const char *word;
	const char *best; /* NULL: none is like it */
	unsigned int distance;
};

void conf_nearest_try(struct conf_nearest *n, const char *candidate);

/* conf_file.c: files as text, and text as settings. */

/*
 * The whole of a regular file, zero-terminated; the caller owns it. `ret_mode` are its
 * permission bits. Returns 0 or -errno; -EISDIR if it is no regular file, -EILSEQ if it is no text.
 */
int conf_file_load(const char *path, char **ret_text, uint32_t *ret_mode);

/* What such an error means; good until strerror() is called again. */
const char *conf_file_problem(int err);

/* Wipes and frees it; NULL is fine. */
void conf_file_wipe(char *text);

/*
 * Parses into a config that is zeroed, and fit for config_destroy() afterwards, whatever happens.
 * Returns 0, or -EINVAL after one or more lines.
 */
int conf_file_parse(struct conf_reader *r, const char *text, config_t *config);

/* Path of a file that a setting names: relative to the file that the setting stands in. */
int conf_file_beside(const struct conf_reader *r, const config_setting_t *s, const char *name,
	char ret[DOMAIN_PATH_MAX]);
