// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every file tests/conf/bad/NAME.conf is wrong, and says in its comments how:
 *
 *	# expect: LINE: what the error on that line of this file contains
 *
 * What NAME.conf includes or names, NAME.inc and NAME.keys, may expect errors of its own. All
 * of them must come, and no others. "# mode: OCTAL" is the mode that a file of keys gets.
 */
#include "base/conf.h"
#include "scratch.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char corpus[] = "tests/conf/bad";

enum { EXPECTED_MAX = 32, FILES_LEAST = 46, TEXT_MAX = 512 };

struct expected {
	char file[64];
	unsigned int line;
	char text[256];
	bool came;
};

static char *dir;
static struct expected expected[EXPECTED_MAX];
static size_t expected_count;

static void read_comment(const char *file, const char *line)
{
	struct expected *e = &expected[expected_count];
	unsigned int mode;

	if (sscanf(line, "# mode: %o", &mode) == 1)
		cr_assert_eq(chmod(scratch_path(dir, file), mode), 0);
	if (sscanf(line, "# expect: %u: %255[^\n]", &e->line, e->text) != 2)
		return;
	cr_assert_lt(expected_count, EXPECTED_MAX - 1);
	snprintf(e->file, sizeof(e->file), "%s", file);
	e->came = false;
	expected_count++;
}

static void read_comments(const char *name, const char *suffix)
{
	char file[64], line[TEXT_MAX];
	FILE *f;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	f = fopen(scratch_path(dir, file), "r");
	while (f && fgets(line, sizeof(line), f))
		read_comment(file, line);
	if (f)
		fclose(f);
}

static bool is_expected(const char *file, unsigned int line, const char *text)
{
	for (size_t i = 0; i < expected_count; i++) {
		struct expected *e = &expected[i];

		if (e->came || e->line != line || strcmp(e->file, file) || !strstr(text, e->text))
			continue;
		e->came = true;
		return true;
	}
	return false;
}

/* "DIR/FILE:LINE: text" */
static void check_error(const char *error)
{
	char file[64], text[TEXT_MAX];
	unsigned int line;

	cr_assert_eq(strncmp(error, dir, strlen(dir)), 0, "not in the directory: %s", error);
	cr_assert_eq(sscanf(error + strlen(dir), "/%63[^:]:%u: %511[^\n]", file, &line, text), 3,
		"not FILE:LINE: text: %s", error);
	cr_expect(is_expected(file, line, text), "not expected: %s:%u: %s", file, line, text);
	/* All secrets of the corpus begin like this. */
	cr_expect_null(strstr(text, "001122"), "a secret is told: %s", text);
}

static void check_errors(char *said)
{
	char *rest = NULL;

	for (char *line = strtok_r(said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		check_error(line);
	for (size_t i = 0; i < expected_count; i++)
		cr_expect(expected[i].came, "did not come: %s:%u: %s", expected[i].file,
			expected[i].line, expected[i].text);
}

static void check_file(const char *name)
{
	static const struct node_conf empty;
	char file[64], *said = NULL;
	struct node_conf conf;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	expected_count = 0;
	read_comments(name, ".conf");
	read_comments(name, ".inc");
	read_comments(name, ".keys");
	cr_expect_neq(expected_count, 0, "%s.conf expects nothing", name);
	snprintf(file, sizeof(file), "%s.conf", name);
	cr_expect_eq(conf_load(scratch_path(dir, file), &conf, errors), -EINVAL, "%s", file);
	cr_expect_eq(memcmp(&conf, &empty, sizeof(conf)), 0, "%s left something", file);
	fclose(errors);
	check_errors(said);
	free(said);
}

static void setup(void)
{
	dir = scratch_make();
	scratch_copy(dir, corpus);
}

static void teardown(void)
{
	scratch_remove(dir);
}

TestSuite(conf_bad, .init = setup, .fini = teardown);

Test(conf_bad, corpus)
{
	DIR *d = opendir(dir);
	unsigned int files = 0;
	struct dirent *e;
	char name[64];

	while ((e = readdir(d))) {
		const char *suffix = strstr(e->d_name, ".conf");

		if (!suffix)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(suffix - e->d_name), e->d_name);
		check_file(name);
		files++;
	}
	closedir(d);
	cr_assert_geq(files, FILES_LEAST);
}
