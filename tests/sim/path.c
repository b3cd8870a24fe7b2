// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* These maps would take the place of functions. */
#define access	   access_map
#define clock	   clock_map
#define peer_index peer_index_map

/* What clang says nothing about when it compiles for BPF. */
#pragma GCC diagnostic ignored "-Waddress-of-packed-member"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunknown-pragmas"

#include <bpf/bpf_helpers.h>
#include "hook_sim.h"
#include "../../bpf/pipeline.h"
#include <stdlib.h>

/* The run under way. */
static struct {
	const struct path_domain *domain;
	struct path_node *node;
	struct path_result *result;
	bool dry;
	/* Lookups hand out pointers; these are of one frame. */
	struct dlma_peer peer;
	struct dlma_owner owner;
	struct dlma_adjacency adjacency;
	struct dlma_location location;
	struct dlma_bucket bucket; /* of no use: path.h */
	struct dlma_counters counters;
} run;

struct dlma_addr path_node_address(uint16_t index)
{
	return (struct dlma_addr){
		.b = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(index >> 8), [15] = (uint8_t)index}};
}

int path_node_of(const struct dlma_addr *a)
{
	return a->b[0] == 0x20 && !a->b[4] ? a->b[14] << 8 | a->b[15] : -1;
}

struct dlma_prefix path_block(uint16_t block)
{
	return (struct dlma_prefix){
		.addr.b = {0xfd, 0, (uint8_t)(block >> 8), (uint8_t)block}, .len = 32};
}

struct dlma_prefix path_hnp(int slot)
{
	struct dlma_prefix hnp = path_block((uint16_t)(slot / PATH_SLOTS));

	hnp.addr.b[7] = (uint8_t)(slot % PATH_SLOTS);
	hnp.len = 64;
	return hnp;
}

int path_slot_of(const struct dlma_addr *a)
{
	int block = a->b[2] << 8 | a->b[3], number = a->b[6] << 8 | a->b[7];

	if (a->b[0] != 0xfd || a->b[4] || a->b[5] || block >= PATH_BLOCKS_MAX ||
		number >= PATH_SLOTS)
		return PATH_NO_SLOT;
	return block * PATH_SLOTS + number;
}

static uint32_t adjacency_of(uint16_t index)
{
	return index == run.node->index ? DLMA_ADJACENCY_SELF : index + 1U;
}

static struct dlma_peer *find_peer(const struct dlma_addr *a)
{
	int i = path_node_of(a);

	if (i < 0 || i >= run.domain->node_count || i == run.node->index)
		return NULL;
	run.peer = (struct dlma_peer){adjacency_of((uint16_t)i), run.domain->roles[i]};
	return &run.peer;
}

static struct dlma_owner *find_owner(const struct dlma_owner_key *key)
{
	int block = key->prefix[2] << 8 | key->prefix[3];

	if (key->prefix[0] != 0xfd || block >= run.domain->block_count)
		return NULL;
	run.owner = (struct dlma_owner){.adjacency = adjacency_of(run.domain->owner[block])};
	return &run.owner;
}

static struct dlma_adjacency *find_adjacency(uint32_t i)
{
	struct dlma_next_hop *hop = &run.adjacency.copy[0];
	struct ip6 *h = (void *)hop->header.ip6;

	if (!i || i > run.domain->node_count)
		return NULL;
	run.adjacency.peer = path_node_address((uint16_t)(i - 1));
	hop->ifindex = PATH_PEER + i - 1;
	hop->mtu = 1500;
	hop->header.ethertype = bpf_htons(ETH_P_IPV6);
	h->next_header = IPPROTO_IPV6;
	h->hop_limit = 64;
	h->src = run.node->self.address;
	h->dst = run.adjacency.peer;
	return &run.adjacency;
}

static struct dlma_location *find_location(const struct dlma_addr *hnp)
{
	int slot = path_slot_of(hnp);
	struct dlma_location *l = slot < 0 ? NULL : &run.node->locations[slot];

	if (!l || !l->kind)
		return NULL;
	if (!run.dry)
		return l;
	run.location = *l;
	return &run.location;
}

static struct dlma_access *find_access(const struct dlma_addr *hnp)
{
	int slot = path_slot_of(hnp);
	struct dlma_access *a = slot < 0 ? NULL : &run.node->access[slot];

	return a && a->ifindex ? a : NULL;
}

/* Under which reason the frame was counted, beside notes; all counters are 0 again afterwards. */
static enum dlma_packet_reason take_reason(void)
{
	enum dlma_packet_reason ret = DLMA_PACKET_not_ready;

	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++) {
		struct dlma_counter *c = &run.counters.of[i];

		if (c->packets && dlma_packet_texts[i].class != DLMA_NOTE)
			ret = (enum dlma_packet_reason)i;
		*c = (struct dlma_counter){0};
	}
	return ret;
}

static void *bpf_map_lookup_elem(void *map, const void *key)
{
	if (map == &node)
		return &run.node->self;
	if (map == &clock)
		return &run.node->clock;
	if (map == &locations)
		return find_location(key);
	if (map == &access)
		return find_access(key);
	if (map == &peers)
		return find_peer(key);
	if (map == &owners)
		return find_owner(key);
	if (map == &adjacencies)
		return find_adjacency(*(const uint32_t *)key);
	if (map == &counters)
		return &run.counters;
	if (map == &front)
		return &run.bucket;
	if (map == &peer_index)
		return NULL;
	if (map == &gate)
		return run.dry ? NULL : &run.node->gate[*(const uint32_t *)key];
	abort();
}

static long bpf_perf_event_output(void *ctx, void *map, uint64_t flags, void *data, uint64_t size)
{
	struct path_result *r = run.result;

	(void)ctx;
	(void)flags;
	if (map != &events || size != sizeof(*r->events) || r->event_count == PATH_EVENTS_MAX)
		abort();
	memcpy(&r->events[r->event_count++], data, sizeof(*r->events));
	return 0;
}

/* Only packets that are too big need these. */
static uint64_t bpf_ktime_get_ns(void)
{
	abort();
}

static int64_t bpf_csum_diff(
	__be32 *from, uint32_t from_size, __be32 *to, uint32_t to_size, uint32_t seed)
{
	(void)from;
	(void)from_size;
	(void)to;
	(void)to_size;
	(void)seed;
	abort();
}

void path_frame_init(struct path_frame *f, const struct dlma_addr *src, const struct dlma_addr *dst,
	const uint8_t *mac)
{
	enum { PAYLOAD = 8 };
	struct ethhdr *eth = (void *)(f->bytes + PATH_HEADROOM);
	struct ip6 *h = (void *)(eth + 1);

	f->start = PATH_HEADROOM;
	f->len = ETH_LEN + IP6_LEN + PAYLOAD;
	f->in = mac ? PATH_ACCESS : PATH_NETWORK;
	memset(eth, 0, f->len);
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	if (mac)
		memcpy(eth->h_source, mac, ETH_ALEN);
	ip6_set(h, 0, 0);
	h->payload_len = bpf_htons(PAYLOAD);
	h->next_header = IPPROTO_UDP;
	h->hop_limit = 64;
	h->src = *src;
	h->dst = *dst;
}

void path_frame_tunnel(struct path_frame *f, uint16_t from, uint16_t to)
{
	struct ethhdr *eth;
	struct ip6 *h;

	f->start -= IP6_LEN;
	f->len += IP6_LEN;
	eth = (void *)(f->bytes + f->start);
	h = (void *)(eth + 1);
	*eth = (struct ethhdr){.h_proto = bpf_htons(ETH_P_IPV6)};
	ip6_set(h, 0, 1);
	h->payload_len = bpf_htons(f->len - ETH_LEN - IP6_LEN);
	h->next_header = IPPROTO_IPV6;
	h->hop_limit = 64;
	h->src = path_node_address(from);
	h->dst = path_node_address(to);
}

struct dlma_addr path_destination(const struct path_frame *f)
{
	const struct ip6 *h = (const void *)(f->bytes + f->start + ETH_LEN);

	return h->next_header == IPPROTO_IPV6 ? h[1].dst : h->dst;
}

void path_run(const struct path_domain *d, struct path_node *n, struct path_frame *f, bool dry,
	struct path_result *ret)
{
	run.domain = d;
	run.node = n;
	run.result = ret;
	run.dry = dry;
	ret->event_count = 0;
	ret->action = (enum path_action)pipeline(f, f->in == PATH_ACCESS);
	ret->reason = take_reason();
}
