// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "toy_mac.h"
#include <string.h>

int toy_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	uint64_t h[4] = {1469598103934665603ULL + algorithm, 2, 3, 4};

	for (size_t lane = 0; lane < 4; lane++) {
		for (size_t i = 0; i < key_len; i++)
			h[lane] = (h[lane] ^ key[i]) * 1099511628211ULL;
		for (size_t k = 0; k < count; k++)
			for (size_t i = 0; i < chunks[k].len; i++)
				h[lane] = (h[lane] ^ ((const uint8_t *)chunks[k].data)[i]) *
					  1099511628211ULL;
		h[(lane + 1) % 4] ^= h[lane] >> 7;
	}
	memcpy(ret_mac, h, 32);
	return 0;
}
