// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libconfig writes to what malloc() returns without a look at it, and dies if that is nothing. So
 * in our programs it is linked with these functions instead, which leave it in the middle of what
 * it was doing. What it had until then is lost, which is better than an agent that dies because
 * somebody asked it to read its keys again.
 */
#include "base/conf_memory.h"
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf out_of_memory;
static bool inside;

static void *checked(void *p)
{
	if (!p && inside)
		longjmp(out_of_memory, 1);
	return p;
}

void *conf_memory_malloc(size_t size)
{
	return checked(malloc(size));
}

void *conf_memory_calloc(size_t count, size_t size)
{
	return checked(calloc(count, size));
}

void *conf_memory_realloc(void *p, size_t size)
{
	return checked(realloc(p, size));
}

char *conf_memory_strdup(const char *text)
{
	return checked(strdup(text));
}

int conf_memory_read(config_t *config, const char *include_dir, const char *text)
{
	bool good;

	if (setjmp(out_of_memory)) {
		inside = false;
		memset(config, 0, sizeof(*config)); /* config_init() would ask for memory again */
		return -ENOMEM;
	}
	inside = true;
	config_init(config);
	config_set_include_dir(config, include_dir);
	good = config_read_string(config, text);
	inside = false;
	return good ? 0 : -EINVAL;
}
