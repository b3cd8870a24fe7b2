// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tables.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>

static const struct {
	const char *address;
	uint32_t adjacency, roles;
	uint16_t mtu; /* 0: not resolved */
	enum link link;
} nodes[] = {
	{H_LMA, NODE_H_LMA, DLMA_ROLE_LMA, MTU, LINK_CORE2},
	{D_LMA, NODE_D_LMA, DLMA_ROLE_LMA, MTU, LINK_CORE2},
	{N_LMA, NODE_N_LMA, DLMA_ROLE_LMA, MTU, LINK_CORE},
	{MAG, NODE_MAG, DLMA_ROLE_MAG, MTU, LINK_CORE2},
	{MAG2, NODE_MAG2, DLMA_ROLE_MAG, MTU, LINK_CORE2},
	{UNRESOLVED, NODE_UNRESOLVED, DLMA_ROLE_LMA, MTU, LINK_NONE},
	{NARROW, NODE_NARROW, DLMA_ROLE_LMA, MTU_NARROW, LINK_CORE2},
	{BOTH, NODE_BOTH, DLMA_ROLE_LMA | DLMA_ROLE_MAG, MTU, LINK_CORE2},
};

static const struct {
	const char *prefix;
	uint8_t len;
	uint32_t adjacency;
} blocks[] = {
	{"2001:db8:1::", 48, NODE_H_LMA},
	{"2001:db8:1:8000::", 49, NODE_D_LMA},
	{"2001:db8:1:8000::", 56, NODE_N_LMA},
	{"2001:db8:2::", 48, NODE_SELF},
	{"2001:db8:2:9000::", 52, NODE_NARROW},
	{"2001:db8:4::", 56, NODE_UNRESOLVED},
};

/* Longest first; the /47 holds a /48 that nobody owns. */
static const struct {
	const char *prefix;
	uint8_t len, hnp_len;
} superset[] = {
	{"2001:db8:4:40::", 60, 64},
	{"2001:db8:1:ff00::", 56, 128},
	{"2001:db8:4::", 56, 128},
	{"2001:db8:1::", 48, 64},
	{"2001:db8:2::", 47, 64},
};

static struct dlma_addr mask(unsigned int len)
{
	struct dlma_addr ones;

	memset(&ones, 0xff, sizeof(ones));
	return addr_masked(ones, len);
}

static void init_node(struct dlma_node *n, uint32_t roles)
{
	n->version = DLMA_ABI_VERSION;
	n->roles = roles;
	n->address = packet_addr(SELF);
	n->label_key = PACKET_LABEL_KEY;
	n->superset_count = sizeof(superset) / sizeof(*superset);
	for (unsigned int i = 0; i < n->superset_count; i++)
		n->superset[i] = (struct dlma_superset){
			.prefix = packet_addr(superset[i].prefix),
			.mask = mask(superset[i].len),
			.hnp_mask = mask(superset[i].hnp_len),
		};
}

static void init_header(struct dlma_header *h, const char *peer, uint8_t mac_to, uint8_t mac_from)
{
	struct dlma_addr src = packet_addr(SELF), dst = packet_addr(peer);

	h->ethertype = htons(0x86dd);
	packet_mac(mac_to, h->dst_mac);
	packet_mac(mac_from, h->src_mac);
	memcpy(h->ip6, "\x60\0\0\0\0\0\x29\x40", 8);
	memcpy(h->ip6 + 8, &src, sizeof(src));
	memcpy(h->ip6 + 24, &dst, sizeof(dst));
}

/* The copy that is not active is one of yesterday: another link, another MAC, any size. */
static void init_adjacency(struct dlma_adjacency *a, const uint32_t ifindex[LINK_COUNT], int i)
{
	uint32_t active = nodes[i].adjacency & 1;
	struct dlma_next_hop *now = &a->copy[active], *before = &a->copy[!active];
	uint8_t link = (uint8_t)nodes[i].link;

	a->active = active;
	a->peer = packet_addr(nodes[i].address);
	now->ifindex = link ? ifindex[link] : 0;
	now->mtu = nodes[i].mtu;
	before->ifindex = ifindex[LINK_ACCESS2];
	before->mtu = 9000;
	init_header(&before->header, STRANGER, MAC_STALE, MAC_STALE);
	init_header(&now->header, nodes[i].address,
		link ? (uint8_t)(MAC_NEXT + nodes[i].adjacency) : 0, link ? MAC_LINK + link : 0);
	if (!link)
		memset(now->header.dst_mac, 0, 12);
}

void tables_init(struct tables *t, const uint32_t ifindex[LINK_COUNT], uint32_t roles)
{
	*t = (struct tables){.clock.tick = TABLE_TICK};
	init_node(&t->node, roles);
	t->node.hold_ifindex = ifindex[LINK_HOLD];
	t->adjacencies[NODE_SELF].peer = packet_addr(SELF);
	for (int i = 0; i < (int)(sizeof(nodes) / sizeof(*nodes)); i++) {
		t->peers[t->peer_count].key = packet_addr(nodes[i].address);
		t->peers[t->peer_count].value.adjacency = nodes[i].adjacency;
		t->peers[t->peer_count++].value.roles = nodes[i].roles;
		init_adjacency(&t->adjacencies[nodes[i].adjacency], ifindex, i);
	}
	for (unsigned int i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		t->owners[i].key = prefix_make(packet_addr(blocks[i].prefix), blocks[i].len);
		t->owners[i].value.adjacency = blocks[i].adjacency;
		t->owner_count++;
	}
}

struct dlma_location *tables_add_location(
	struct tables *t, const char *hnp, uint8_t kind, uint32_t adjacency)
{
	cr_assert_lt(t->location_count, TABLE_LOCATIONS);
	t->locations[t->location_count].key = packet_addr(hnp);
	t->locations[t->location_count].value = (struct dlma_location){
		.adjacency = (uint16_t)adjacency, .kind = kind, .used = TABLE_USED};
	return &t->locations[t->location_count++].value;
}

struct dlma_access *tables_add_access(struct tables *t, const char *hnp, uint32_t ifindex,
	enum link link, uint32_t uplink, uint8_t mn_mac)
{
	struct dlma_access a = {
		.ifindex = ifindex, .uplink = uplink, .used = TABLE_USED, .mtu = MTU_ACCESS};

	cr_assert_lt(t->access_count, TABLE_ACCESS);
	packet_mac(mn_mac, a.mn_mac);
	packet_mac((uint8_t)(MAC_LINK + link), a.own_mac);
	t->access[t->access_count].key = packet_addr(hnp);
	t->access[t->access_count].value = a;
	return &t->access[t->access_count++].value;
}
