/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A configuration that is read while memory runs out: each call of malloc() and the like fails
 * once, those of libconfig included, which is linked as in the programs (agent/base/conf_memory.c).
 */
#include "base/conf.h"
#include "ctl/keygen.h"
#include "scratch.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_LEAST = 300 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
/* What libconfig had when it was left is lost. */
__attribute__((weak)) void __lsan_disable(void);

static unsigned int calls, failing; /* from 1; 0: none */

static bool fails(void)
{
	return ++calls == failing;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

static int try_load(const char *path, unsigned int n, FILE *errors)
{
	struct node_conf conf;
	int err;

	rewind(errors);
	calls = 0;
	failing = n;
	err = conf_load(path, &conf, errors);
	failing = 0;
	if (!err) {
		cr_expect_eq(conf.domain.node_count, 6);
		cr_expect_eq(conf.key_count, 5);
		conf_done(&conf);
	}
	fputc(0, errors);
	fflush(errors);
	return err;
}

Test(conf_memory, every_call_fails_once)
{
	char *dir = scratch_make(), path[256], *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	unsigned int all, refused = 0;

	if (__lsan_disable)
		__lsan_disable();
	scratch_copy(dir, "configs/figure5");
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FRESH, stderr), 0);
	snprintf(path, sizeof(path), "%s", scratch_path(dir, "v-lma-1.conf"));
	cr_assert_eq(try_load(path, 0, errors), 0, "%s", said);
	all = calls;
	cr_assert_geq(all, CALLS_LEAST, "%u", all);
	for (unsigned int n = 1; n <= all; n++) {
		int err = try_load(path, n, errors);

		cr_expect(!err || err == -EINVAL, "call %u: %d", n, err);
		cr_expect(!err || strstr(said, "memory"), "call %u: \"%s\"", n, said);
		refused += err != 0;
	}
	cr_expect_geq(refused, CALLS_LEAST, "%u of %u", refused, all);
	cr_expect_eq(try_load(path, 0, errors), 0, "and then there is memory again");
	fclose(errors);
	free(said);
	scratch_remove(dir);
}
