// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node.h"
#include "base/node.h"
#include "io/locations.h"
#include "zipf.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILL_AT_ONCE = 4096, OWN_MAC = 2, MN_MAC = 3 };

const char *const bench_hook_names[BENCH_HOOKS] = {"xdp", "tc"};

static const struct {
	uint32_t roles;
	uint8_t kind;
} roles[BENCH_ROLES] = {
	[BENCH_OLMA] = {DLMA_ROLE_LMA, DLMA_LOCATION_CACHED},
	[BENCH_DLMA] = {DLMA_ROLE_LMA, DLMA_LOCATION_BINDING},
	[BENCH_HLMA] = {DLMA_ROLE_LMA, DLMA_LOCATION_ANCHOR},
	[BENCH_MAG] = {DLMA_ROLE_MAG, DLMA_LOCATION_NONE},
};

static int complain(const char *doing, int err)
{
	fprintf(stderr, "bench: cannot %s: %s\n", doing, strerror(-err));
	return err;
}

struct dlma_addr bench_self(void)
{
	return bench_peer(0);
}

struct dlma_addr bench_peer(uint32_t adjacency)
{
	struct dlma_addr a = {.b = {0xfd}};

	a.b[14] = 1;
	a.b[15] = (uint8_t)adjacency;
	return a;
}

void bench_mac(uint8_t number, uint8_t ret[6])
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, number};

	memcpy(ret, mac, sizeof(mac));
}

uint32_t bench_target(enum bench_role role, uint32_t index)
{
	return role == BENCH_DLMA ? BENCH_SENDER + 1 + index % 15 : 1 + index % 15;
}

struct dlma_addr bench_hnp(uint32_t key)
{
	struct dlma_addr a = {.b = {0x20, 0x01, 0x0d, 0xb8}};

	a.w[1] = htonl(key);
	return a;
}

static int map_fd(const struct bench_node *n, const char *name)
{
	return bpf_object__find_map_fd_by_name(n->object, name);
}

static int put(const struct bench_node *n, const char *map, const void *key, const void *value)
{
	int err = bpf_map_update_elem(map_fd(n, map), key, value, BPF_ANY) ? -errno : 0;

	return err ? complain(map, err) : 0;
}

static void *memory_of(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int fill_node(struct bench_node *n)
{
	struct dlma_node node = {
		.version = DLMA_ABI_VERSION,
		.roles = roles[n->role].roles,
		.address = bench_self(),
		.label_key = 0x0123456789abcdef,
		.superset_count = 1,
	};
	struct dlma_addr ones;
	uint32_t zero = 0;

	memset(&ones, 0xff, sizeof(ones));
	node.superset[0].prefix = bench_hnp(0);
	node.superset[0].mask = addr_masked(ones, 32);
	node.superset[0].hnp_mask = addr_masked(ones, 64);
	node_set_labels(&node);
	node_set_front(&node, n->locations);
	n->node = node;
	return put(n, "node", &zero, &node);
}

static int fill_peers(const struct bench_node *n)
{
	static struct dlma_peer_index index;
	uint32_t zero = 0;
	int err = 0;

	for (uint32_t i = 1; !err && i <= BENCH_PEERS; i++) {
		struct dlma_addr address = bench_peer(i);
		struct dlma_peer peer = {
			.adjacency = i,
			.roles = i <= BENCH_SENDER ? DLMA_ROLE_LMA : DLMA_ROLE_MAG,
		};

		err = put(n, "peers", &address, &peer);
		index.adjacency[peer_slot(&address)] = (uint16_t)i;
	}
	return err ? err : put(n, "peer_index", &zero, &index);
}

int bench_node_set_out(struct bench_node *n, uint32_t ifindex)
{
	int err = 0;

	for (uint32_t i = 1; !err && n->out != ifindex && i <= BENCH_PEERS; i++) {
		struct dlma_adjacency a = {
			.peer = bench_peer(i),
			.roles = i <= BENCH_SENDER ? DLMA_ROLE_LMA : DLMA_ROLE_MAG,
		};
		struct dlma_next_hop *hop = &a.copy[0];
		struct dlma_addr self = bench_self();

		hop->ifindex = ifindex;
		hop->mtu = MTU;
		hop->header.ethertype = htons(0x86dd);
		bench_mac((uint8_t)(0x20 + i), hop->header.dst_mac);
		bench_mac(OWN_MAC, hop->header.src_mac);
		memcpy(hop->header.ip6, "\x60\0\0\0\0\0\x29\x40", 8);
		memcpy(hop->header.ip6 + 8, &self, sizeof(self));
		memcpy(hop->header.ip6 + 24, &a.peer, sizeof(a.peer));
		err = put(n, "adjacencies", &i, &a);
	}
	n->out = ifindex;
	return err;
}

int bench_node_set_owners(struct bench_node *n, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < DLMA_OWNERS_MAX && (i < count || i < n->owners); i++) {
		struct dlma_owner_key key = {.prefixlen = BENCH_OWNED_LEN};
		struct dlma_addr prefix = bench_hnp(i << 16);
		struct dlma_owner owner = {.adjacency = n->role == BENCH_HLMA ? 0 : 1 + i % 15};

		memcpy(key.prefix, &prefix, sizeof(key.prefix));
		if (i < count)
			err = put(n, "owners", &key, &owner);
		else
			(void)bpf_map_delete_elem(map_fd(n, "owners"), &key);
	}
	n->owners = count;
	return err;
}

int bench_node_locations(const struct bench_node *n, struct locations *ret)
{
	int err = locations_open(
		ret, dup(map_fd(n, "locations")), map_fd(n, "front"), n->clock, &n->node);

	err = err ? err : locations_adopt(ret);
	return err ? complain("adopt the locations", err) : 0;
}

/* As an agent does that finds a full map. */
static int adopt_locations(const struct bench_node *n)
{
	struct locations t;
	int err = bench_node_locations(n, &t);

	locations_close(&t);
	return err;
}

static int fill_locations(const struct bench_node *n)
{
	static struct dlma_addr keys[FILL_AT_ONCE];
	static struct dlma_location values[FILL_AT_ONCE];
	int fd = map_fd(n, "locations");

	for (uint32_t i = 0; i < n->locations;) {
		uint32_t count = 0;

		for (; count < FILL_AT_ONCE && i < n->locations; i++, count++) {
			keys[count] = bench_hnp(bench_key(i));
			values[count] = (struct dlma_location){
				.adjacency = (uint16_t)bench_target(n->role, i),
				.kind = roles[n->role].kind};
		}
		if (bpf_map_update_batch(fd, keys, values, &count, NULL))
			return complain("fill the locations", -errno);
	}
	return adopt_locations(n);
}

static int fill_access(const struct bench_node *n, const struct links *links)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < n->locations; i++) {
		struct dlma_addr key = bench_hnp(bench_key(i));
		struct dlma_access a = {
			.ifindex = links->ifindex[LINK_ACCESS],
			.uplink = 1 + i % 15,
			.mtu = MTU,
		};

		bench_mac(MN_MAC, a.mn_mac);
		bench_mac(OWN_MAC, a.own_mac);
		err = put(n, "access", &key, &a);
	}
	return err;
}

static int fill(struct bench_node *n, const struct links *links)
{
	int err = fill_node(n);

	err = err ? err : fill_peers(n);
	err = err ? err : bench_node_set_out(n, links->ifindex[LINK_CORE]);
	err = err ? err : bench_node_set_owners(n, 16);
	if (err)
		return err;
	return n->role == BENCH_MAG ? fill_access(n, links) : fill_locations(n);
}

/* A random cycle through all of it (Sattolo). */
static int fill_chain(const struct bench_node *n, uint32_t count)
{
	size_t size = (size_t)count * BENCH_CHAIN_LINE;
	uint32_t *order = malloc(count * sizeof(*order));
	uint8_t *lines = order && count > 1 ? memory_of(map_fd(n, "chain"), size) : NULL;
	uint64_t state = 7;

	for (uint32_t i = 0; lines && i < count; i++)
		order[i] = i;
	for (uint32_t i = count - 1; lines && i > 0; i--) {
		uint32_t k = (uint32_t)((zipf_random(&state) >> 32) * i >> 32), kept = order[i];

		order[i] = order[k];
		order[k] = kept;
	}
	for (uint32_t i = 0; lines && i < count; i++)
		memcpy(lines + (size_t)order[i] * BENCH_CHAIN_LINE, &order[(i + 1) % count],
			sizeof(*order));
	if (lines)
		munmap(lines, size);
	free(order);
	return lines || count <= 1 ? 0 : -ENOMEM;
}

/* What the kernel says that a map takes. */
static double memory_octets(const struct bench_node *n, const char *map)
{
	char line[128];
	long octets = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", map_fd(n, map));
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f))
		(void)sscanf(line, "memlock: %ld", &octets);
	if (f)
		fclose(f);
	return (double)octets;
}

/* One /32 of HNPs needs no more than the locations do. */
static uint32_t front_entries(const struct bench_node *n)
{
	struct dlma_node node = {.superset_count = 0};

	node_set_front(&node, n->locations);
	return 1u << node.front_bits;
}

/* Nothing is shared with the programs of this machine. */
static int size_maps(struct bench_node *n, uint32_t chain)
{
	struct bpf_map *m;
	int err = 0;

	bpf_object__for_each_map(m, n->object)
	{
		const char *name = bpf_map__name(m);

		err = err ? err : bpf_map__set_pin_path(m, NULL);
		if (!strcmp(name, n->role == BENCH_MAG ? "access" : "locations"))
			err = err ? err : bpf_map__set_max_entries(m, n->locations);
		else if (!strcmp(name, "front"))
			err = err ? err : bpf_map__set_max_entries(m, front_entries(n));
		else if (!strcmp(name, "chain"))
			err = err ? err : bpf_map__set_max_entries(m, chain);
	}
	return err;
}

static int load(struct bench_node *n, const struct bench_shared *s, uint32_t chain)
{
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%s/bench/packet_%s.bpf.o", s->build,
		bench_hook_names[n->hook]);
	n->object = bpf_object__open_file(path, NULL);
	if (!n->object)
		return complain(path, -errno);
	err = size_maps(n, chain);
	if (!err && s->samples_fd >= 0)
		err = bpf_map__reuse_fd(
			bpf_object__find_map_by_name(n->object, "samples"), s->samples_fd);
	err = err ? err : bpf_object__load(n->object);
	return err ? complain("load the programs", err) : 0;
}

static int start(struct bench_node *n, const struct bench_shared *s, uint32_t chain)
{
	int err = load(n, s, chain);

	if (err)
		return err;
	n->control = memory_of(map_fd(n, "control"), sizeof(*n->control));
	n->clock = memory_of(map_fd(n, "clock"), sizeof(*n->clock));
	if (!n->control || !n->clock)
		return complain("map the control", -errno);
	err = fill(n, &s->links);
	err = err ? err : fill_chain(n, chain);
	n->memory = (memory_octets(n, "locations") + memory_octets(n, "front")) / n->locations;
	return err;
}

struct bench_node *bench_node_open(const struct bench_shared *s, enum bench_hook hook,
	enum bench_role role, uint32_t locations, uint32_t chain)
{
	struct bench_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->hook = hook;
	n->role = role;
	n->locations = locations;
	if (!start(n, s, chain))
		return n;
	bench_node_close(n);
	return NULL;
}

void bench_node_close(struct bench_node *n)
{
	if (!n)
		return;
	if (n->control)
		munmap(n->control, sizeof(*n->control));
	if (n->clock)
		munmap(n->clock, sizeof(*n->clock));
	bpf_object__close(n->object);
	free(n);
}

int bench_node_program(const struct bench_node *n, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(n->object, name);

	return p ? bpf_program__fd(p) : -ENOENT;
}

int bench_node_counters(struct bench_node *n, struct dlma_counter ret[DLMA_PACKET_REASON_COUNT])
{
	int cpus = libbpf_num_possible_cpus();
	struct dlma_counters *each = calloc((size_t)cpus, sizeof(*each));
	uint32_t zero = 0;
	int err = each ? 0 : -ENOMEM;

	memset(ret, 0, DLMA_PACKET_REASON_COUNT * sizeof(*ret));
	if (!err && bpf_map_lookup_elem(map_fd(n, "counters"), &zero, each))
		err = -errno;
	for (int cpu = 0; !err && cpu < cpus; cpu++)
		for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++) {
			ret[i].packets += each[cpu].of[i].packets;
			ret[i].bytes += each[cpu].of[i].bytes;
		}
	free(each);
	return err;
}

int bench_shared_open(struct bench_shared *s, const char *build)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	const char *missing = links_open(&s->links);
	size_t size = BENCH_SAMPLES * sizeof(*s->samples);

	s->build = build;
	s->samples_fd = -1;
	if (missing) {
		fprintf(stderr, "bench: this needs %s\n", missing);
		return -ENODEV;
	}
	s->samples_fd = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "samples", sizeof(uint32_t), (uint32_t)size, 1, &opts);
	if (s->samples_fd < 0)
		return complain("make a map", -errno);
	s->samples = memory_of(s->samples_fd, size);
	return s->samples ? 0 : complain("map a map", -errno);
}
