// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TUNNEL_HOP_LIMIT = 64 }; /* RFC 2473 6.3 */

/* A picture of the kernel's tables, taken once per refresh. */
struct picture {
	struct netlink_link *links;
	struct netlink_neighbour *neighbours;
	uint32_t link_count, link_cap;
	uint32_t neighbour_count, neighbour_cap;
};

static void *grown(void *array, uint32_t count, uint32_t *cap, size_t size)
{
	if (count < *cap)
		return array;
	*cap = *cap ? 2 * *cap : 64;
	return reallocarray(array, *cap, size);
}

static void keep_link(const struct netlink_link *link, void *arg)
{
	struct picture *p = arg;
	void *a = grown(p->links, p->link_count, &p->link_cap, sizeof(*link));

	if (!a)
		return;
	p->links = a;
	p->links[p->link_count++] = *link;
}

static void keep_neighbour(const struct netlink_neighbour *n, void *arg)
{
	struct picture *p = arg;
	void *a = grown(p->neighbours, p->neighbour_count, &p->neighbour_cap, sizeof(*n));

	if (!a)
		return;
	p->neighbours = a;
	p->neighbours[p->neighbour_count++] = *n;
}

static int picture_take(struct picture *p, struct netlink *nl)
{
	int err = netlink_links(nl, keep_link, p);

	return err ? err : netlink_neighbours(nl, keep_neighbour, p);
}

static void picture_drop(struct picture *p)
{
	free(p->links);
	free(p->neighbours);
}

static const struct netlink_link *picture_link(const struct picture *p, uint32_t ifindex)
{
	for (uint32_t i = 0; i < p->link_count; i++)
		if (p->links[i].ifindex == ifindex)
			return &p->links[i];
	return NULL;
}

static const struct netlink_neighbour *picture_neighbour(
	const struct picture *p, const struct netlink_route *route)
{
	for (uint32_t i = 0; i < p->neighbour_count; i++) {
		const struct netlink_neighbour *n = &p->neighbours[i];

		if (n->usable && n->ifindex == route->ifindex &&
			addr_equal(&n->address, &route->next_hop))
			return n;
	}
	return NULL;
}

static int map_adjacencies(struct loader *l)
{
	int fd = pin_open(&l->conf, "maps", "adjacencies");
	void *p;

	if (fd < 0)
		return fd;
	p = mmap(NULL, sizeof(struct dlma_adjacency) * DLMA_PEERS_MAX, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return -errno;
	l->adjacency = p;
	return 0;
}

int adjacency_find(const struct loader *l, const struct dlma_addr *address)
{
	if (addr_equal(address, &domain_self(&l->conf)->address))
		return DLMA_ADJACENCY_SELF;
	for (uint32_t i = 1; i < l->adjacency_count; i++)
		if (addr_equal(&l->adjacency[i].peer, address))
			return (int)i;
	return -ENOENT;
}

/* Slots are never given to another peer while the pins live: cached locations name them. */
static int assign_slot(struct loader *l, const struct domain_node *node)
{
	if (adjacency_find(l, &node->address) >= 0)
		return 0;
	if (l->adjacency_count == DLMA_PEERS_MAX)
		return -ENOSPC;
	l->adjacency[l->adjacency_count++].peer = node->address;
	return 0;
}

int adjacency_assign(struct loader *l)
{
	int err = l->adjacency ? 0 : map_adjacencies(l);

	l->adjacency_count = 1;
	while (!err && l->adjacency_count < DLMA_PEERS_MAX &&
		!addr_is_zero(&l->adjacency[l->adjacency_count].peer))
		l->adjacency_count++;
	for (uint32_t i = 0; !err && i < l->conf.domain.node_count; i++)
		err = assign_slot(l, &l->conf.domain.nodes[i]);
	if (err)
		log_error("cannot set up the adjacencies: %s; to start anew, run: "
			  "dlma-loader --detach",
			strerror(-err));
	return err;
}

static void header_fill(struct dlma_header *h, const struct loader *l, const struct dlma_addr *peer,
	const struct netlink_link *link, const struct netlink_neighbour *neighbour)
{
	struct ipv6hdr ip6 = {
		.version = 6,
		.nexthdr = IPPROTO_IPV6,
		.hop_limit = TUNNEL_HOP_LIMIT,
	};

	memcpy(&ip6.saddr, &domain_self(&l->conf)->address, sizeof(ip6.saddr));
	memcpy(&ip6.daddr, peer, sizeof(ip6.daddr));
	memcpy(h->ip6, &ip6, sizeof(ip6));
	h->ethertype = htons(ETH_P_IPV6);
	if (!neighbour)
		return;
	memcpy(h->dst_mac, neighbour->mac, sizeof(h->dst_mac));
	memcpy(h->src_mac, link->mac, sizeof(h->src_mac));
}

static uint16_t link_mtu(const struct netlink_link *link, const struct netlink_route *route)
{
	uint32_t mtu = link ? link->mtu : ETH_DATA_LEN;

	if (route->mtu && route->mtu < mtu)
		mtu = route->mtu;
	return (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX);
}

/* As far as routers have told. */
static uint16_t path_mtu(const struct loader *l, uint32_t slot)
{
	uint16_t mtu = l->errors.link_mtu[slot];

	return l->errors.path ? icmp_path_mtu(&l->errors.path[slot], mtu, clock_ms()) : mtu;
}

/* What the next hop of a peer should be; ifindex 0 where the kernel must send. */
static struct dlma_next_hop next_hop_find(
	struct loader *l, const struct picture *p, uint32_t slot, bool confirm)
{
	const struct dlma_addr *peer = &l->adjacency[slot].peer;
	struct dlma_next_hop hop = {0};
	struct netlink_route route = {0};
	const struct netlink_link *link = NULL;
	const struct netlink_neighbour *neighbour = NULL;

	if (!netlink_route_get(l->netlink, peer, &route)) {
		link = picture_link(p, route.ifindex);
		neighbour = picture_neighbour(p, &route);
		/*
		 * Redirected packets do not refresh the kernel's entry, so ask for it. Not for a
		 * permanent one: since Linux 5.16 it is not permanent any more after that.
		 */
		if (!neighbour || (confirm && !neighbour->permanent))
			(void)netlink_resolve(l->netlink, route.ifindex, &route.next_hop);
	}
	l->errors.link_mtu[slot] = link_mtu(link, &route);
	hop.mtu = path_mtu(l, slot);
	if (link && link->up && link->ethernet && neighbour)
		hop.ifindex = link->ifindex;
	header_fill(&hop.header, l, peer, link, hop.ifindex ? neighbour : NULL);
	return hop;
}

/* The idle copy is filled, then made the active one: see struct dlma_adjacency. */
static void publish(struct dlma_adjacency *a, const struct dlma_next_hop *hop)
{
	uint32_t active = a->active & 1;

	if (!memcmp(&a->copy[active], hop, sizeof(*hop)))
		return;
	a->copy[!active] = *hop;
	__atomic_store_n(&a->active, !active, __ATOMIC_RELEASE);
}

void adjacency_lower(struct loader *l, uint32_t slot)
{
	struct dlma_adjacency *a = &l->adjacency[slot];
	struct dlma_next_hop hop = a->copy[a->active & 1];

	hop.mtu = path_mtu(l, slot);
	publish(a, &hop);
}

int adjacency_refresh(struct loader *l, bool confirm)
{
	struct picture p = {0};
	int err = picture_take(&p, l->netlink);

	l->unresolved = 0;
	for (uint32_t i = 1; !err && i < l->adjacency_count; i++) {
		struct dlma_next_hop hop = next_hop_find(l, &p, i, confirm);

		publish(&l->adjacency[i], &hop);
		l->unresolved += !hop.ifindex;
	}
	picture_drop(&p);
	return err;
}
