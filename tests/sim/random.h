/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers that only depend on the seed (xoshiro256**, seeded by splitmix64). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t s[4];
};

static inline uint64_t random_mix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline struct random random_of(uint64_t seed)
{
	struct random r;

	for (int i = 0; i < 4; i++)
		r.s[i] = random_mix(&seed);
	return r;
}

static inline uint64_t random_rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline uint64_t random_next(struct random *r)
{
	uint64_t *s = r->s, ret = random_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = random_rotate(s[3], 45);
	return ret;
}

/* 0 .. n - 1; n > 0 */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)((random_next(r) >> 32) * n >> 32);
}

/* least .. most */
static inline uint64_t random_between(struct random *r, uint64_t least, uint64_t most)
{
	return least +
	       (uint64_t)((double)(random_next(r) >> 11) * 0x1p-53 * (double)(most - least + 1));
}

/* True so many times in 1000. */
static inline bool random_permille(struct random *r, uint32_t permille)
{
	return random_below(r, 1000) < permille;
}
