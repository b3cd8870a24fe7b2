// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Libraries that have no answer to "out of memory" but a crash. They are made to wait a moment for
 * it, and then the agent ends in good order: the data path goes on, and the next agent adopts it.
 */
#include "io/agent.h"
#include "base/log.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>

enum { ATTEMPTS = 20, PAUSE_MS = 10 };

static bool patient; /* with OpenSSL, whose functions can fail once it has started */

static void *insist(void *p, size_t size)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	for (int i = 0; i < ATTEMPTS; i++) {
		void *grown = realloc(p, size);

		if (grown)
			return grown;
		nanosleep(&pause, NULL);
	}
	log_error("out of memory; the agent ends, what is pinned goes on");
	exit(1);
}

static void *ev_allocate(void *p, long size)
{
	if (size)
		return insist(p, (size_t)size);
	free(p);
	return NULL;
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return patient ? insist(p, size) : realloc(p, size);
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
	return crypto_realloc(NULL, size, file, line);
}

static void crypto_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

void memory_insist(void)
{
	ev_set_allocator(ev_allocate);
	(void)CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
	patient = true;
}

void memory_relent(void)
{
	patient = false;
}
