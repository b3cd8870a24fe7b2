// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who a MN is (RFC 4283, RFC 5213 8.6): kept once, however many tables name it. With a million MNs
 * that is what the memory of an agent goes by.
 */
#include "core/internal.h"
#include <stdlib.h>

struct known {
	struct table_node node;
	uint32_t holders;
	struct identity mn; /* allocated up to the end of its MN-ID */
};

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->id_len == b->id_len && a->ll_len == b->ll_len &&
	       !memcmp(a->id, b->id, a->id_len) && !memcmp(a->ll, b->ll, a->ll_len);
}

uint64_t identity_hash(const struct table *t, const struct identity *mn)
{
	return table_hash(t, mn->id, mn->id_len) ^ table_hash(t, mn->ll, mn->ll_len);
}

void identity_copy(struct identity *ret, const struct identity *mn)
{
	*ret = (struct identity){.id_len = mn->id_len, .ll_len = mn->ll_len};
	memcpy(ret->ll, mn->ll, sizeof(ret->ll));
	memcpy(ret->id, mn->id, mn->id_len);
}

static bool known_equal(const struct table_node *node, const void *key)
{
	return identity_equal(&container_of(node, struct known, node)->mn, key);
}

/* Not inlined: compilers warn of structs that end early, if they see it. */
__attribute__((noinline)) static struct known *allocate(uint8_t id_len)
{
	return malloc(offsetof(struct known, mn.id) + id_len + 1);
}

static struct known *create(struct table *t, const struct identity *mn, uint64_t hash)
{
	struct known *k = allocate(mn->id_len);

	if (!k)
		return NULL;
	k->holders = 0;
	memcpy(&k->mn, mn, offsetof(struct identity, id));
	memcpy(k->mn.id, mn->id, mn->id_len);
	k->mn.id[mn->id_len] = 0;
	if (!table_insert(t, &k->node, hash))
		return k;
	free(k);
	return NULL;
}

const struct identity *identity_hold(struct core *c, const struct identity *mn)
{
	struct table *t = &c->identities;
	uint64_t hash = identity_hash(t, mn);
	struct table_node *n = table_find(t, hash, known_equal, mn);
	struct known *k = n ? container_of(n, struct known, node) : create(t, mn, hash);

	if (!k)
		return NULL;
	k->holders++;
	return &k->mn;
}

void identity_release(struct core *c, const struct identity *mn)
{
	struct known *k = mn ? container_of(mn, struct known, mn) : NULL;

	if (!k || --k->holders)
		return;
	table_remove(&c->identities, &k->node);
	free(k);
}

void identity_done(struct core *c)
{
	struct table_node *n = table_next(&c->identities, NULL), *next;

	for (; n; n = next) {
		next = table_next(&c->identities, n);
		free(container_of(n, struct known, node));
	}
	table_done(&c->identities);
}
