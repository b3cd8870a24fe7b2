// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static int fill_node(const struct loader *l, int fd)
{
	const struct domain *d = &l->conf.domain;
	struct dlma_node node;
	uint32_t zero = 0;

	/* The label key of an earlier run is kept: flows keep their labels, and so their paths. */
	if (bpf_map_lookup_elem(fd, &zero, &node))
		return -errno;
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
	return bpf_map_update_elem(fd, &zero, &node, BPF_ANY) ? -errno : 0;
}

static int fill_peers(const struct loader *l, int fd)
{
	const struct domain *d = &l->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++) {
		struct dlma_peer peer = {.roles = d->nodes[i].roles};
		int slot = adjacency_find(l, &d->nodes[i].address);

		if (i == l->conf.self || slot < 0)
			continue;
		peer.adjacency = (uint32_t)slot;
		if (bpf_map_update_elem(fd, &d->nodes[i].address, &peer, BPF_ANY))
			return -errno;
	}
	return 0;
}

static struct dlma_owner_key owner_key(const struct dlma_prefix *p)
{
	struct dlma_owner_key key = {.prefixlen = p->len};

	memcpy(key.prefix, &p->addr, sizeof(key.prefix));
	return key;
}

static int fill_owners(const struct loader *l, int fd)
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

static bool peer_known(const struct loader *l, const void *key)
{
	const struct domain *d = &l->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++)
		if (i != l->conf.self &&
			!memcmp(&d->nodes[i].address, key, sizeof(struct dlma_addr)))
			return true;
	return false;
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
	int (*fill)(const struct loader *l, int fd);
	bool (*known)(const struct loader *l, const void *key); /* NULL: nothing to sweep */
};

static int fill(const struct loader *l, const struct filling *f)
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
	static const struct filling owners = {"owners", fill_owners, owner_known};
	int err = fill(l, &peers);

	return err ? err : fill(l, &owners);
}

int fill_activate(struct loader *l)
{
	static const struct filling node = {"node", fill_node, NULL};

	return fill(l, &node);
}
