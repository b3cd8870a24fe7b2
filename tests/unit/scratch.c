// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "scratch.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *scratch_make(void)
{
	char *dir = strdup("/tmp/dlma-test-XXXXXX");

	cr_assert_not_null(mkdtemp(dir), "cannot make a directory in /tmp");
	return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

void scratch_remove(char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

const char *scratch_path(const char *dir, const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int turn;
	char *path = paths[turn++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", dir, name);
	return path;
}

/* Mode 0600, which is what a file of keys must have. */
void scratch_write(const char *dir, const char *name, const char *text)
{
	const char *path = scratch_path(dir, name);
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f, "cannot write %s", path);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(chmod(path, 0600), 0);
}

char *scratch_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	cr_assert_not_null(f, "cannot read %s", path);
	if (getdelim(&text, &size, '\0', f) < 0)
		*text = '\0';
	fclose(f);
	return text;
}

void scratch_copy(const char *dir, const char *from)
{
	DIR *d = opendir(from);
	struct dirent *e;

	cr_assert_not_null(d, "cannot read %s: run the test from the top of the tree", from);
	while ((e = readdir(d))) {
		char *text;

		if (e->d_type == DT_DIR)
			continue;
		text = scratch_read(scratch_path(from, e->d_name));
		scratch_write(dir, e->d_name, text);
		free(text);
	}
	closedir(d);
}
