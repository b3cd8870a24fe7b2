// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include "base/node.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/*
 * Locations are numbered anew: before any of that is to be seen, the front table is out of service
 * for the programs, until an agent has filled it again.
 */
static int retire_front(int fd, struct dlma_node *before, const struct dlma_node *node)
{
	uint32_t zero = 0;

	if (before->front_id == node->front_id)
		return 0;
	before->front_id = 0;
	return bpf_map_update_elem(fd, &zero, before, BPF_ANY) ? -errno : 0;
}

static int fill_node(struct loader *l, int fd)
{
	const struct domain *d = &l->conf.domain;
	struct dlma_node before, node;
	uint32_t zero = 0;
	int err;

	/* The label key of an earlier run is kept: flows keep their labels, and so their paths. */
	if (bpf_map_lookup_elem(fd, &zero, &before))
		return -errno;
	node = before;
	while (!node.label_key)
		if (getrandom(&node.label_key, sizeof(node.label_key), 0) < 0)
			return -errno;
	node.version = DLMA_ABI_VERSION;
	node.roles = domain_self(&l->conf)->roles;
	if (domain_discloses(d))
		node.roles |= DLMA_ROLE_MAG_PEERS;
	if (d->ask_first)
		node.roles |= DLMA_ROLE_ASK_FIRST;
	node.address = domain_self(&l->conf)->address;
	node.superset_count = d->superset_count;
	node.hold_ifindex = if_nametoindex(DLMA_HOLD_NAME);
	memcpy(node.superset, d->superset, sizeof(node.superset));
	node_set_labels(&node);
	node_set_front(&node, l->conf.locations_max);
	err = retire_front(fd, &before, &node);
	if (err)
		return err;
	return bpf_map_update_elem(fd, &zero, &node, BPF_ANY) ? -errno : 0;
}

static bool peer_known(const struct loader *l, const void *key)
{
	const struct domain *d = &l->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++)
		if (i != l->conf.self &&
			!memcmp(&d->nodes[i].address, key, sizeof(struct dlma_addr)))
			return true;
	return false;
}

/* Who is no peer any more must not be one by the short cut either. */
static void sweep_roles(struct loader *l)
{
	for (uint32_t i = 1; i < l->adjacency_count; i++)
		if (!peer_known(l, &l->adjacency[i].peer))
			__atomic_store_n(&l->adjacency[i].roles, 0, __ATOMIC_RELEASE);
}

/* Of two peers in one slot, the first has the short cut. */
static void fill_index(struct loader *l, struct dlma_peer_index *index)
{
	memset(index, 0, sizeof(*index));
	for (uint32_t i = 1; i < l->adjacency_count; i++) {
		uint16_t *slot = &index->adjacency[peer_slot(&l->adjacency[i].peer)];

		if (l->adjacency[i].roles && !*slot)
			*slot = (uint16_t)i;
	}
}

static int fill_peer_index(struct loader *l, int fd)
{
	static struct dlma_peer_index index;
	uint32_t zero = 0;

	fill_index(l, &index);
	return bpf_map_update_elem(fd, &zero, &index, BPF_ANY) ? -errno : 0;
}

static int fill_peers(struct loader *l, int fd)
{
	const struct domain *d = &l->conf.domain;

	sweep_roles(l);
	for (uint32_t i = 0; i < d->node_count; i++) {
		struct dlma_peer peer = {.roles = d->nodes[i].roles};
		int slot = adjacency_find(l, &d->nodes[i].address);

		if (i == l->conf.self || slot < 0)
			continue;
		peer.adjacency = (uint32_t)slot;
		if (bpf_map_update_elem(fd, &d->nodes[i].address, &peer, BPF_ANY))
			return -errno;
		__atomic_store_n(&l->adjacency[slot].roles, peer.roles, __ATOMIC_RELEASE);
	}
	return 0;
}

static struct dlma_owner_key owner_key(const struct dlma_prefix *p)
{
	struct dlma_owner_key key = {.prefixlen = p->len};

	memcpy(key.prefix, &p->addr, sizeof(key.prefix));
	return key;
}

static int fill_owners(struct loader *l, int fd)
{
	const struct domain *d = &l->conf.domain;

	for (uint32_t i = 0; i < d->prefix_count; i++) {
		struct dlma_owner_key key = owner_key(&d->prefixes[i].prefix);
		struct dlma_owner owner = {0};
		int slot = adjacency_find(l, &d->nodes[d->prefixes[i].owner].address);

		if (slot < 0)
			continue;
		owner.adjacency = (uint32_t)slot;
		if (bpf_map_update_elem(fd, &key, &owner, BPF_ANY))
			return -errno;
	}
	return 0;
}

static bool owner_known(const struct loader *l, const void *key)
{
	const struct domain *d = &l->conf.domain;

	for (uint32_t i = 0; i < d->prefix_count; i++) {
		struct dlma_owner_key known = owner_key(&d->prefixes[i].prefix);

		if (!memcmp(&known, key, sizeof(known)))
			return true;
	}
	return false;
}

/* Deletes what an earlier configuration left. The iteration goes on from a key still there. */
static void sweep(
	const struct loader *l, int fd, bool (*known)(const struct loader *, const void *))
{
	uint8_t key[sizeof(struct dlma_owner_key)], next[sizeof(key)];
	bool first = true;

	while (!bpf_map_get_next_key(fd, first ? NULL : key, next)) {
		if (known(l, next)) {
			memcpy(key, next, sizeof(key));
			first = false;
		} else if (bpf_map_delete_elem(fd, next)) {
			return;
		}
	}
}

struct filling {
	const char *name;
	int (*fill)(struct loader *l, int fd);
	bool (*known)(const struct loader *l, const void *key); /* NULL: nothing to sweep */
};

static int fill(struct loader *l, const struct filling *f)
{
	int fd = pin_open(&l->conf, "maps", f->name);
	int err = fd < 0 ? fd : f->fill(l, fd);

	if (!err && f->known)
		sweep(l, fd, f->known);
	if (fd >= 0)
		close(fd);
	if (err)
		log_error("cannot fill the map %s: %s", f->name, strerror(-err));
	return err;
}

int fill_maps(struct loader *l)
{
	static const struct filling peers = {"peers", fill_peers, peer_known};
	static const struct filling index = {"peer_index", fill_peer_index, NULL};
	static const struct filling owners = {"owners", fill_owners, owner_known};
	int err = fill(l, &peers);

	err = err ? err : fill(l, &index);
	return err ? err : fill(l, &owners);
}

int fill_activate(struct loader *l)
{
	static const struct filling node = {"node", fill_node, NULL};

	return fill(l, &node);
}
