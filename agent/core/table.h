/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hash tables of structs that carry their own link. Keys are hashed with SipHash-2-4 under a
 * random seed: what a peer or a MN chooses must not choose the slot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {
	struct table_node **slots;
	size_t slot_count; /* power of two, or 0 */
	size_t count;
	uint64_t seed[2];
};

typedef bool table_equal_fn(const struct table_node *node, const void *key);

void table_init(struct table *t, const uint64_t seed[2]);
/* Frees the slots, not what hangs in them. */
void table_done(struct table *t);

uint64_t table_hash(const struct table *t, const void *data, size_t len);
struct table_node *table_find(
	const struct table *t, uint64_t hash, table_equal_fn *equal, const void *key);
/* Room for so many nodes in all: inserting up to them cannot fail. 0 or -ENOMEM. */
int table_reserve(struct table *t, size_t count);
/* The caller has made sure that the key is not there. 0 or -ENOMEM. */
int table_insert(struct table *t, struct table_node *node, uint64_t hash);
void table_remove(struct table *t, struct table_node *node);

/* First node if `after` is NULL. The table must not change between the calls. */
struct table_node *table_next(const struct table *t, const struct table_node *after);
