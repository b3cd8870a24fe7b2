// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "random.h"
#include <netinet/in.h>

#define COUNT(array)   (sizeof(array) / sizeof(*(array)))
#define PICK(s, array) ((array)[random_below(s, COUNT(array))])

static const char *const hoas[] = {HOA, HOA, HOA, HOA2, HOA2, HOA_OWN, HOA_OWN, HOA_49, HOA_56,
	HOA_128, HOA_128B, HOA_60, HOA_NARROW, HOA_UNRESOLVED, HOA_NOBODY, "2001:db8:1:5::77"};

/* Their HNPs, and some that none of them has. */
static const char *const hnps[] = {HNP, HNP2, HNP_OWN, HNP_49, HNP_56, HOA_128, HNP_128, HNP_60,
	"2001:db8:2:9005::", HOA_UNRESOLVED, "2001:db8:3:1::"};

static const char *const nodes[] = {
	H_LMA, D_LMA, N_LMA, MAG, MAG, MAG2, UNRESOLVED, NARROW, BOTH, STRANGER, SELF};

static const char *const odd[] = {"2001:db8:9::1", "ff02::1", "ff0e::5", "fe80::1", "febf::1",
	"fec0::1", "::", "::1", "::2", "2001:db8:4:55::1"};

/* splitmix64 */
static uint64_t random_u64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t random_below(uint64_t *state, uint32_t bound)
{
	return (uint32_t)((random_u64(state) >> 32) * bound >> 32);
}

uint64_t random_seed(uint64_t seed, uint32_t number)
{
	uint64_t state = seed ^ (uint64_t)number << 40;

	return number ? random_u64(&state) >> 1 : seed;
}

static bool one_in(uint64_t *s, uint32_t n)
{
	return !random_below(s, n);
}

static void random_node(uint64_t *s, struct dlma_node *n)
{
	static const uint32_t roles[] = {
		DLMA_ROLE_LMA, DLMA_ROLE_LMA, DLMA_ROLE_MAG, DLMA_ROLE_LMA | DLMA_ROLE_MAG};

	n->roles = PICK(s, roles) | (one_in(s, 2) ? DLMA_ROLE_MAG_PEERS : 0) |
		   (one_in(s, 4) ? DLMA_ROLE_ASK_FIRST : 0);
	n->label_key = one_in(s, 2) ? random_u64(s) : n->label_key;
	if (one_in(s, 32))
		n->version = one_in(s, 2) ? DLMA_ABI_VERSION + 1 : 0;
	if (one_in(s, 8))
		n->superset_count = random_below(s, n->superset_count + 1);
	if (one_in(s, 4))
		n->hold_ifindex = 0;
}

static void random_adjacency(
	uint64_t *s, const uint32_t ifindex[LINK_COUNT], struct dlma_adjacency *a)
{
	static const uint16_t mtus[] = {0, 100, 140, 1280, MTU_NARROW, MTU, 9000, UINT16_MAX};
	struct dlma_next_hop *hop = &a->copy[a->active];

	if (one_in(s, 4))
		hop->mtu = PICK(s, mtus);
	if (one_in(s, 6))
		hop->ifindex = 0;
	else if (hop->ifindex && one_in(s, 2))
		hop->ifindex = ifindex[1 + random_below(s, LINK_COUNT - 1)];
}

static void random_locations(uint64_t *s, struct tables *t)
{
	static const uint8_t kinds[] = {DLMA_LOCATION_BINDING, DLMA_LOCATION_BINDING,
		DLMA_LOCATION_BINDING, DLMA_LOCATION_FORWARDING, DLMA_LOCATION_FORWARDING,
		DLMA_LOCATION_ANCHOR, DLMA_LOCATION_CACHED, DLMA_LOCATION_HELD};

	for (size_t i = 0; i < COUNT(hnps); i++) {
		uint8_t kind = PICK(s, kinds);
		/* Only a MN can be at this node itself. */
		bool mn = kind == DLMA_LOCATION_BINDING || kind == DLMA_LOCATION_CACHED;
		uint32_t lowest = mn ? NODE_SELF : NODE_H_LMA;
		uint32_t node = lowest + random_below(s, NODE_FREE + 1 - lowest);

		if (one_in(s, 3))
			continue;
		if (kind == DLMA_LOCATION_BINDING && one_in(s, 2))
			node = NODE_MAG;
		tables_add_location(t, hnps[i], kind, one_in(s, 40) ? NODE_BEYOND : node)->flags =
			(uint8_t)random_below(s, 4);
	}
}

static void random_access(uint64_t *s, const uint32_t ifindex[LINK_COUNT], struct tables *t)
{
	static const enum link links[] = {
		LINK_ACCESS, LINK_ACCESS, LINK_ACCESS, LINK_ACCESS2, LINK_CORE};
	static const uint32_t mtus[] = {0, 68, 1280, 1281, MTU_ACCESS, MTU_ACCESS, UINT32_MAX};

	for (size_t i = 0; i < COUNT(hnps); i++) {
		enum link link = PICK(s, links);
		uint32_t uplink = one_in(s, 2) ? NODE_SELF : random_below(s, NODE_FREE + 1);

		if (one_in(s, 3))
			continue;
		tables_add_access(t, hnps[i], ifindex[link], link,
			one_in(s, 40) ? NODE_BEYOND : uplink, (uint8_t)(MAC_MN + one_in(s, 4)))
			->direct = random_below(s, 2);
		t->access[t->access_count - 1].value.mtu = PICK(s, mtus);
	}
}

void random_tables(uint64_t *s, const uint32_t ifindex[LINK_COUNT], struct tables *t)
{
	unsigned int kept = 0;

	tables_init(t, ifindex, 0);
	random_node(s, &t->node);
	for (int i = NODE_H_LMA; i < NODE_FREE; i++)
		random_adjacency(s, ifindex, &t->adjacencies[i]);
	for (unsigned int i = 0; i < t->peer_count; i++)
		if (!one_in(s, 10))
			t->peers[kept++] = t->peers[i];
	t->peer_count = kept;
	kept = 0;
	for (unsigned int i = 0; i < t->owner_count; i++)
		if (!one_in(s, 10))
			t->owners[kept++] = t->owners[i];
	t->owner_count = kept;
	t->clock.tick = (uint32_t)random_u64(s);
	t->clock.expecting = one_in(s, 4) ? random_below(s, 3) : 0;
	random_locations(s, t);
	/* Ago, but not for years. */
	for (unsigned int i = 0; i < t->location_count; i++)
		t->locations[i].value.used = t->clock.tick - random_below(s, 1 << 23);
	random_access(s, ifindex, t);
}

static const char *random_source(uint64_t *s)
{
	switch (random_below(s, 8)) {
	case 0:
		return PICK(s, odd);
	case 1:
		return PICK(s, nodes);
	case 2:
	case 3:
	case 4:
		return PICK(s, hoas);
	default:
		return CN;
	}
}

static const char *random_destination(uint64_t *s)
{
	switch (random_below(s, 12)) {
	case 0:
		return PICK(s, odd);
	case 1:
		return PICK(s, nodes);
	case 2:
	case 3:
		return CN;
	default:
		return PICK(s, hoas);
	}
}

/* The fields that a header may have anything in, and now and then a lie. */
static void random_header(uint64_t *s, struct layer *l)
{
	static const uint16_t hops[] = {HOP_ZERO, 1, 2, 3, 255};
	static const uint32_t labels[] = {0x80000, 0xc0000, 0x40000};
	static const uint32_t lies[] = {PAYLOAD_ZERO, 1, 7, 8, 39, 40, 41, 1500, 0xfff0, 0xffff};
	static const uint8_t nexts[] = {4, 6, 17, 41, 43, 44, 47, 50, 58, 59, 60, 135};

	l->tc = one_in(s, 2) ? (uint8_t)random_below(s, 256) : (uint8_t)random_below(s, 4);
	l->label = one_in(s, 3) ? 0 : random_below(s, 1 << 20);
	if (one_in(s, 3))
		l->label = (l->label & 0x3ffff) | PICK(s, labels);
	if (one_in(s, 6))
		l->hop = PICK(s, hops);
	if (one_in(s, 24))
		l->payload = PICK(s, lies);
	if (one_in(s, 40))
		l->version = (uint8_t)(1 + random_below(s, 15));
	if (one_in(s, 32))
		l->next = PICK(s, nexts);
}

static struct layer *put_payload(uint64_t *s, struct layer *l)
{
	static const struct layer first[] = {UDP, TCP, ICMP6, FRAGMENT, HOP_BY_HOP, DST_OPTIONS,
		ROUTING, ENCAP_LIMIT, RAW(17, 3, "\1\2\3"), RAW(6, 4, "\1\2\3\4"),
		RAW(135, 8, "\x3b\0\x0d\0\0\0\0\0"), RAW(50, 8, "\0\0\0\1\0\0\0\1")};
	static const uint16_t sizes[] = {0, 1, 2, 40, 60, 100, 1000, 1192, 1232, 1272, 1400, 1412};

	*l++ = one_in(s, 3) ? PICK(s, first) : first[random_below(s, 3)];
	*l = (struct layer)DATA(PICK(s, sizes));
	l->count += (uint16_t)random_below(s, 3);
	return l + 1;
}

static struct layer *put_own(uint64_t *s, struct layer *l)
{
	*l = (struct layer)IP6(random_source(s), random_destination(s));
	random_header(s, l);
	return put_payload(s, l + 1);
}

static struct layer *put_tunnel(uint64_t *s, struct layer *l)
{
	static const struct layer between[] = {
		ENCAP_LIMIT, ENCAP_LIMIT, ENCAP_LIMIT, DST_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING};

	*l = (struct layer)IP6(PICK(s, nodes), one_in(s, 16) ? PICK(s, nodes) : SELF);
	random_header(s, l++);
	if (one_in(s, 6))
		*l++ = PICK(s, between);
	return put_own(s, l);
}

static struct layer *put_ethernet(uint64_t *s, struct layer *l, enum side side)
{
	static const uint16_t types[] = {0x0800, 0x0806, 0x8100, 0x88a8, 0x86dc, 46};
	uint8_t to = (uint8_t)(MAC_LINK + (side == SIDE_ACCESS ? LINK_ACCESS : LINK_CORE));
	uint8_t from = side == SIDE_ACCESS ? (uint8_t)(MAC_MN + one_in(s, 6)) : MAC_ROUTER;
	uint16_t type = one_in(s, 50) ? PICK(s, types) : 0x86dd;

	*l = (struct layer)ETH_TYPE(to, from, type);
	return l + 1;
}

/* What a wire does to a frame. */
static void damage(uint64_t *s, struct frame *f)
{
	uint32_t flips = one_in(s, 6) ? 1 + random_below(s, 3) : 0;

	if (one_in(s, 10) && f->len > ETH_LEN)
		f->len = ETH_LEN + random_below(s, f->len - ETH_LEN);
	for (; flips; flips--) {
		uint32_t at = random_below(s, f->len < 110 ? f->len : 110);

		f->bytes[at] ^= (uint8_t)(1u << random_below(s, 8));
	}
}

void random_frame(uint64_t *s, struct random_frame *ret)
{
	static const enum link network[] = {LINK_CORE, LINK_CORE, LINK_CORE, LINK_CORE2, LINK_HOLD};
	static const enum link access[] = {LINK_ACCESS, LINK_ACCESS, LINK_ACCESS2};
	struct layer layers[LAYERS_MAX] = {0}, *l = layers;

	ret->side = one_in(s, 3) ? SIDE_ACCESS : SIDE_NETWORK;
	ret->from = ret->side == SIDE_ACCESS ? PICK(s, access) : PICK(s, network);
	l = put_ethernet(s, l, ret->side);
	l = ret->side == SIDE_NETWORK && !one_in(s, 3) ? put_tunnel(s, l) : put_own(s, l);
	if (one_in(s, 8))
		*l++ = (struct layer)PAD((uint16_t)random_below(s, 20));
	l->kind = LAYER_END;
	packet_build(layers, &ret->frame);
	damage(s, &ret->frame);
}
