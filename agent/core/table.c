// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 64 };

void table_init(struct table *t, const uint64_t seed[2])
{
	*t = (struct table){.seed = {seed[0], seed[1]}};
}

void table_done(struct table *t)
{
	free(t->slots);
	t->slots = NULL;
	t->slot_count = t->count = 0;
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t table_hash(const struct table *t, const void *data, size_t len)
{
	uint64_t v[4] = {
		t->seed[0] ^ 0x736f6d6570736575ULL,
		t->seed[1] ^ 0x646f72616e646f6dULL,
		t->seed[0] ^ 0x6c7967656e657261ULL,
		t->seed[1] ^ 0x7465646279746573ULL,
	};
	const uint8_t *p = data;
	uint64_t word = 0, last = (uint64_t)len << 56;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sip_word(v, word);
	}
	word = 0;
	memcpy(&word, p, len);
	sip_word(v, word | last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct table_node **slot_of(const struct table *t, uint64_t hash)
{
	return &t->slots[hash & (t->slot_count - 1)];
}

struct table_node *table_find(
	const struct table *t, uint64_t hash, table_equal_fn *equal, const void *key)
{
	struct table_node *node = t->slot_count ? *slot_of(t, hash) : NULL;

	while (node && !(node->hash == hash && equal(node, key)))
		node = node->next;
	return node;
}

static void put(struct table *t, struct table_node *node)
{
	struct table_node **slot = slot_of(t, node->hash);

	node->next = *slot;
	*slot = node;
}

static int grow(struct table *t)
{
	struct table old = *t;

	t->slot_count = old.slot_count ? 2 * old.slot_count : SLOTS_FIRST;
	t->slots = calloc(t->slot_count, sizeof(*t->slots));
	if (!t->slots) {
		*t = old;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old.slot_count; i++) {
		struct table_node *node = old.slots[i];

		while (node) {
			struct table_node *next = node->next;

			put(t, node);
			node = next;
		}
	}
	free(old.slots);
	return 0;
}

int table_reserve(struct table *t, size_t count)
{
	int err = 0;

	while (!err && t->slot_count < count)
		err = grow(t);
	return err;
}

int table_insert(struct table *t, struct table_node *node, uint64_t hash)
{
	int err = table_reserve(t, t->count + 1);

	if (err)
		return err;
	node->hash = hash;
	put(t, node);
	t->count++;
	return 0;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **p = slot_of(t, node->hash);

	while (*p != node)
		p = &(*p)->next;
	*p = node->next;
	t->count--;
}

struct table_node *table_next(const struct table *t, const struct table_node *after)
{
	size_t slot = 0;

	if (after && after->next)
		return after->next;
	if (after)
		slot = (after->hash & (t->slot_count - 1)) + 1;
	while (slot < t->slot_count && !t->slots[slot])
		slot++;
	return slot < t->slot_count ? t->slots[slot] : NULL;
}
