// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys of the peers, derived from the secrets of the configuration; all change at once. */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

struct keyring {
	struct peer_keys keys[PEER_KEYS_MAX];
	uint8_t count;
};

/* One key per direction: what a node sent can never be reflected to it. */
static int derive(const struct core *c, const struct domain_key *secret,
	const struct dlma_addr *from, const struct dlma_addr *to, struct auth_key *ret)
{
	static const char label[] = "dlma message key 1";
	const struct auth_chunk chunks[] = {
		{label, sizeof(label)}, {from, sizeof(*from)}, {to, sizeof(*to)}};

	*ret = (struct auth_key){
		.algorithm = AUTH_HMAC_SHA256_128, .spi = secret->spi, .key_len = 32};
	return c->options.mac(
		AUTH_HMAC_SHA256_128, secret->secret, secret->secret_len, chunks, 3, ret->key);
}

static int add(const struct core *c, const struct domain_key *key, struct keyring *ring)
{
	const struct dlma_addr *own = &c->state.self->address;
	const struct dlma_addr *other = &c->state.domain->nodes[key->peer].address;
	struct peer_keys *k = &ring->keys[ring->count];
	int err;

	if (ring->count == PEER_KEYS_MAX)
		return -E2BIG;
	err = derive(c, key, own, other, &k->out);
	if (!err)
		err = derive(c, key, other, own, &k->in);
	if (!err)
		ring->count++;
	return err;
}

static void install(struct peer *p, const struct keyring *ring)
{
	memcpy(p->keys, ring->keys, sizeof(p->keys));
	p->key_count = ring->count;
}

int keys_install(struct core *c, const struct domain_key *keys, uint32_t count)
{
	size_t nodes = c->state.domain->node_count;
	struct keyring *rings = calloc(nodes, sizeof(*rings));
	int err = rings ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < count; i++)
		err = add(c, &keys[i], &rings[keys[i].peer]);
	for (size_t i = 0; !err && i < nodes; i++)
		install(&c->state.peers[i], &rings[i]);
	if (rings)
		explicit_bzero(rings, nodes * sizeof(*rings));
	free(rings);
	return err;
}
