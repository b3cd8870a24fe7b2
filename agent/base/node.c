// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/node.h"

enum { NUMBER_BITS = 64, TAG_BITS = NUMBER_BITS - DLMA_FRONT_TAG_AT };

/* Twice, so that more than 64 bits are seen to be too many. */
typedef unsigned __int128 range;

static const uint64_t GOLDEN = 0x9e3779b97f4a7c15;

/* splitmix64 */
static uint64_t scramble(uint64_t *state)
{
	uint64_t z = *state += GOLDEN;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int mask_len(const struct dlma_addr *mask)
{
	unsigned int len = 0;

	for (unsigned int i = 0; i < sizeof(mask->b); i++)
		len += (unsigned int)__builtin_popcount(mask->b[i]);
	return len;
}

/*
 * Which bits tell the HNPs of a prefix apart. Where they are on both sides of the middle of the
 * address, or none at all, it is the half that holds the end: with one bit more for none.
 */
static void find_bits(struct dlma_superset *s)
{
	unsigned int from = mask_len(&s->mask), to = mask_len(&s->hnp_mask);
	unsigned int half = to > NUMBER_BITS ? NUMBER_BITS : 0;

	if (from == to)
		from--;
	s->front_word = half ? 1 : 0;
	if (!to || from < half) {
		s->front_word = DLMA_FRONT_NONE;
		return;
	}
	s->front_drop = (uint8_t)(from - half);
	s->front_keep = (uint8_t)(NUMBER_BITS - (to - from));
}

static range count_of(const struct dlma_superset *s)
{
	return (range)1 << (NUMBER_BITS - s->front_keep);
}

/* Gives each prefix a range of numbers, as long as they last. Returns where the last one ends. */
static range number(struct dlma_node *n, uint64_t base[DLMA_SUPERSET_MAX])
{
	const range last = (range)1 << NUMBER_BITS;
	range next = 0;

	for (uint32_t i = 0; i < n->superset_count; i++) {
		struct dlma_superset *s = &n->superset[i];

		find_bits(s);
		if (s->front_word != DLMA_FRONT_NONE && next + count_of(s) > last)
			s->front_word = DLMA_FRONT_NONE;
		base[i] = (uint64_t)next;
		if (s->front_word != DLMA_FRONT_NONE)
			next += count_of(s);
	}
	return next;
}

static uint32_t bits_of(range count)
{
	uint32_t bits = 1;

	while (bits < NUMBER_BITS && (range)1 << bits < count)
		bits++;
	return bits;
}

/* Buckets, so that few locations find theirs full, and the tags fit into their words. */
static uint32_t bucket_bits(uint32_t locations_max, uint32_t number_bits)
{
	uint32_t bits = DLMA_FRONT_BITS_MIN;

	while (bits < DLMA_FRONT_BITS_MAX &&
		(5ULL << bits < 2ULL * locations_max || number_bits > bits + TAG_BITS))
		bits++;
	return bits;
}

/* Two numberings that differ have different names, but for a chance that is none. */
static uint32_t name_of(const struct dlma_node *n)
{
	uint64_t state = n->front_bits ^ n->front_mult;

	for (uint32_t i = 0; i < n->superset_count; i++) {
		const uint64_t *word = (const uint64_t *)&n->superset[i];

		for (size_t k = 0; k < sizeof(n->superset[i]) / sizeof(*word); k++) {
			state ^= word[k];
			state = scramble(&state);
		}
	}
	return (uint32_t)(state >> 32) | 1;
}

void node_set_front(struct dlma_node *n, uint32_t locations_max)
{
	uint64_t base[DLMA_SUPERSET_MAX];
	uint32_t bits = bits_of(number(n, base));

	n->front_bits = bucket_bits(locations_max, bits);
	n->front_mult = GOLDEN << (NUMBER_BITS - bits);
	for (uint32_t i = 0; i < n->superset_count; i++)
		n->superset[i].front_add = base[i] * n->front_mult;
	n->front_id = name_of(n);
}

void node_set_labels(struct dlma_node *n)
{
	uint64_t state = n->label_key;

	for (int i = 0; i < DLMA_LABEL_KEYS; i++)
		n->label[i] = scramble(&state);
}
