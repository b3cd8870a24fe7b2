// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "harness_parts.h"
#include "base/node.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_full(const struct dlma_bucket *b)
{
	for (int i = 0; i < DLMA_FRONT_WAYS; i++)
		if (!b->word[i])
			return false;
	return true;
}

static int put(const struct rig *r, enum map map, const void *key, const void *value)
{
	return bpf_map_update_elem(r->map[map], key, value, BPF_ANY) ? -errno : 0;
}

static int empty(const struct rig *r, enum map map)
{
	uint8_t key[32];

	while (!bpf_map_get_next_key(r->map[map], NULL, key))
		if (bpf_map_delete_elem(r->map[map], key))
			return -errno;
	return 0;
}

static int put_owner(
	const struct rig *r, const struct dlma_prefix *prefix, const struct dlma_owner *value)
{
	struct dlma_owner_key key = {.prefixlen = prefix->len};

	memcpy(key.prefix, &prefix->addr, sizeof(key.prefix));
	return put(r, MAP_OWNERS, &key, value);
}

int rig_set_clock(struct rig *r, const struct dlma_clock *clock)
{
	r->clock->tick = clock->tick;
	r->clock->expecting = clock->expecting;
	return 0;
}

void rig_set_front(struct rig *r, enum front_mode mode)
{
	r->front = mode;
}

static int forget_said(struct rig *r, enum dlma_gate_of which)
{
	uint32_t key = which;

	memset(r->scratch, 0, (size_t)r->cpus * sizeof(struct dlma_gate));
	return put(r, MAP_GATE, &key, r->scratch);
}

int rig_forget_errors(struct rig *r)
{
	return forget_said(r, DLMA_GATE_ERRORS);
}

/* The slots of adjacencies belong to peers, so these have their roles beside. */
static int put_adjacency(struct rig *r, const struct tables *t, uint32_t i)
{
	struct dlma_adjacency a = t->adjacencies[i];

	for (uint32_t k = 0; k < t->peer_count; k++)
		if (addr_equal(&t->peers[k].key, &a.peer))
			a.roles = t->peers[k].value.roles;
	return put(r, MAP_ADJACENCIES, &i, &a);
}

static int put_peer_index(struct rig *r, const struct tables *t)
{
	static struct dlma_peer_index index;
	uint32_t zero = 0;

	memset(&index, 0, sizeof(index));
	for (uint32_t i = 0; i < t->peer_count && r->front != FRONT_OUT; i++)
		index.adjacency[peer_slot(&t->peers[i].key)] =
			(uint16_t)t->peers[i].value.adjacency;
	return put(r, MAP_PEER_INDEX, &zero, &index);
}

/* HNPs that no test uses, until there is no room left where this one would be. */
static int crowd(struct rig *r, const struct dlma_addr *hnp)
{
	const struct dlma_location other = {.kind = DLMA_LOCATION_BINDING, .adjacency = NODE_N_LMA};
	struct dlma_bucket *b = locations_bucket(&r->locations, hnp);
	struct dlma_addr key = packet_addr("2001:db8:1:4000::");
	int err = 0;

	for (unsigned int i = 0; !err && b && i < 0x4000 && !is_full(b); i++) {
		key.b[6] = (uint8_t)(0x40 | i >> 8);
		key.b[7] = (uint8_t)i;
		if (locations_bucket(&r->locations, &key) == b)
			err = locations_put(&r->locations, &key, &other);
	}
	return err;
}

static int put_location(
	struct rig *r, const struct dlma_addr *key, const struct dlma_location *value)
{
	int err = r->front == FRONT_CROWDED ? crowd(r, key) : 0;

	return err ?: locations_put(&r->locations, key, value);
}

/* Where an agent would be killed that changes them all. */
static void doubt_all(struct rig *r)
{
	for (uint32_t i = 0; i < 1 << FRONT_BITS; i++)
		for (int k = 0; k < DLMA_FRONT_WAYS; k++)
			r->locations.front[i].word[k] &= ~(uint64_t)DLMA_FRONT_KIND_MASK;
}

static int put_locations(struct rig *r, const struct tables *t)
{
	int err = r->front == FRONT_OUT ? 0 : locations_adopt(&r->locations);

	for (uint32_t i = 0; !err && i < t->location_count; i++)
		err = put_location(r, &t->locations[i].key, &t->locations[i].value);
	if (r->front == FRONT_DOUBTFUL)
		doubt_all(r);
	return err;
}

static int fill_tables(struct rig *r, const struct tables *t)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < t->peer_count; i++)
		err = put(r, MAP_PEERS, &t->peers[i].key, &t->peers[i].value);
	for (uint32_t i = 0; !err && i < t->owner_count; i++)
		err = put_owner(r, &t->owners[i].key, &t->owners[i].value);
	for (uint32_t i = 0; !err && i < TABLE_ADJACENCIES; i++)
		err = put_adjacency(r, t, i);
	for (uint32_t i = 0; !err && i < t->access_count; i++)
		err = put(r, MAP_ACCESS, &t->access[i].key, &t->access[i].value);
	return err ?: put_peer_index(r, t) ?: put_locations(r, t);
}

static int put_node(struct rig *r, const struct tables *t)
{
	uint32_t zero = 0;

	r->node = t->node;
	node_set_labels(&r->node);
	node_set_front(&r->node, HASH_MAX);
	r->clock->front = 0;
	return r->node.front_bits == FRONT_BITS ? put(r, MAP_NODE, &zero, &r->node) : -EDOM;
}

int rig_fill(struct rig *r, const struct tables *t)
{
	static const enum map hashed[] = {MAP_PEERS, MAP_OWNERS, MAP_LOCATIONS, MAP_ACCESS};
	int err = put_node(r, t);

	for (size_t i = 0; !err && i < sizeof(hashed) / sizeof(*hashed); i++)
		err = empty(r, hashed[i]);
	return err ?: rig_set_clock(r, &t->clock) ?: fill_tables(r, t)
		       ?: forget_said(r, DLMA_GATE_EVENTS) ?: rig_forget_errors(r);
}

/* All entries of a small hash map at once. Returns how many, or negative errno. */
static int read_all(const struct rig *r, enum map map, struct dlma_addr *keys, void *values)
{
	uint32_t next, count = HASH_MAX;

	if (bpf_map_lookup_batch(r->map[map], NULL, &next, keys, values, &count, NULL) &&
		errno != ENOENT)
		return -errno;
	return (int)count;
}

static int read_locations(const struct rig *r, struct tables *t)
{
	for (uint32_t i = 0; i < t->location_count; i++) {
		struct dlma_location l;

		if (!locations_get(&r->locations, &t->locations[i].key, &l))
			return -ESTALE;
		t->locations[i].value.used = l.used;
	}
	return 0;
}

static int read_access(const struct rig *r, struct tables *t)
{
	struct dlma_addr keys[HASH_MAX];
	struct dlma_access values[HASH_MAX];
	int count = read_all(r, MAP_ACCESS, keys, values);

	for (uint32_t i = 0; i < t->access_count; i++)
		for (int k = 0; k < count; k++)
			if (addr_equal(&t->access[i].key, &keys[k]))
				t->access[i].value.used = values[k].used;
	return count == (int)t->access_count ? 0 : -ESTALE;
}

int rig_read_used(struct rig *r, struct tables *t)
{
	return read_locations(r, t) ?: read_access(r, t);
}

int rig_fill_open(struct rig *r)
{
	void *clock = mmap(
		NULL, sizeof(*r->clock), PROT_READ | PROT_WRITE, MAP_SHARED, r->map[MAP_CLOCK], 0);

	if (clock == MAP_FAILED)
		return -errno;
	r->clock = clock;
	r->node.front_bits = FRONT_BITS;
	return locations_open(
		&r->locations, dup(r->map[MAP_LOCATIONS]), r->map[MAP_FRONT], r->clock, &r->node);
}

void rig_fill_close(struct rig *r)
{
	if (r->clock)
		munmap(r->clock, sizeof(*r->clock));
	if (r->locations.front)
		locations_close(&r->locations);
}
