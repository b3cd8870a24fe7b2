// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fuzz.h"
#include <stdio.h>
#include <stdlib.h>

void fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

int fuzz_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	uint64_t h = 0xcbf29ce484222325 + algorithm;

	/* FNV-1a: each round is a bijection, so two messages that differ in one octet never meet.
	 */
	for (size_t i = 0; i < key_len; i++)
		h = (h ^ key[i]) * 0x100000001b3;
	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; i < chunks[k].len; i++)
			h = (h ^ ((const uint8_t *)chunks[k].data)[i]) * 0x100000001b3;
	for (size_t i = 0; i < 4; i++) {
		memcpy(ret_mac + 8 * i, &h, sizeof(h));
		h *= 0x9e3779b97f4a7c15;
	}
	return 0;
}

uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	return copy;
}
