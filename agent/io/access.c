// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Access links of a MAG: what MNs say about themselves, and what is said to one of them. */
#include "io/agent.h"
#include "base/addr.h"
#include "base/log.h"
#include <errno.h>
#include <fnmatch.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <unistd.h>

enum {
	FRAME_MAX = 2048,
	MTU_MIN = 1280, /* RFC 8200 5 */
	TUNNEL_HEADER = 40,
	BATCH = 32,
};

/* RFC 6543: the address that all MAGs share, so that a MN sees one router everywhere. */
static const uint8_t fixed_mac[6] = {0x00, 0x00, 0x5e, 0x00, 0x52, 0x13};

/*
 * ICMPv6 133, 135, 136 as they are; MLD 131 and 143 behind a hop-by-hop header of 8 octets.
 * Offsets are from the IPv6 header: next header 6, payload 40.
 */
static struct sock_filter filter_code[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 5),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_ROUTER_SOLICITATION, 9, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICITATION, 8, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERTISEMENT, 7, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_HOPOPTS, 0, 4),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 48),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_MLD2_REPORT, 3, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_MLD_REPORT, 2, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
};

static struct access_port *port_find(struct agent *a, uint32_t ifindex)
{
	for (int i = 0; i < AGENT_ACCESS_MAX; i++)
		if (a->ports[i].ifindex == ifindex)
			return &a->ports[i];
	return NULL;
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct access_port *port = io->data;
	uint8_t bytes[FRAME_MAX];

	(void)loop;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		struct event e = {.kind = EVENT_NEIGHBOUR};
		struct sockaddr_ll from;
		socklen_t len = sizeof(from);
		ssize_t n =
			recvfrom(port->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		if (from.sll_pkttype == PACKET_OUTGOING ||
			nd_decode(bytes, (size_t)n, &e.neighbour.message))
			continue;
		e.neighbour.ifindex = port->ifindex;
		memcpy(e.neighbour.mac, from.sll_addr, sizeof(e.neighbour.mac));
		agent_event(port->agent, &e);
	}
}

static int open_socket(uint32_t ifindex)
{
	struct sock_fprog filter = {sizeof(filter_code) / sizeof(*filter_code), filter_code};
	struct sockaddr_ll on = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) &&
		!bind(fd, (struct sockaddr *)&on, sizeof(on)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* What a packet of the MN may have so that the tunnel to the LMA takes it (RFC 2473 7). */
static uint32_t mtu_for_mn(const struct agent *a, const struct netlink_link *link)
{
	const struct domain_node *self = domain_self(&a->conf);
	struct dlma_next_hop hop;
	int index = maps_adjacency_index(a, &a->conf.domain.nodes[self->lma].address);
	uint32_t mtu = link->mtu;

	if (index > 0 && maps_adjacency(a, (uint32_t)index, &hop) && hop.mtu &&
		(uint32_t)(hop.mtu - TUNNEL_HEADER) < mtu)
		mtu = (uint32_t)(hop.mtu - TUNNEL_HEADER);
	return mtu > MTU_MIN ? mtu : MTU_MIN;
}

static void tell_core(struct agent *a, const struct netlink_link *link, uint32_t mtu)
{
	struct event e = {.kind = EVENT_LINK};

	e.link.ifindex = link->ifindex;
	e.link.mtu = mtu;
	memcpy(e.link.mac, link->mac, sizeof(e.link.mac));
	agent_event(a, &e);
}

static void port_open(struct agent *a, const struct netlink_link *link)
{
	struct access_port *port = port_find(a, 0);
	int fd = port ? open_socket(link->ifindex) : -ENOSPC;
	char mac[MAC_TEXT_MAX];

	if (fd < 0) {
		log_error("%s: cannot listen for MNs: %s", link->name, strerror(-fd));
		return;
	}
	port->ifindex = link->ifindex;
	port->fd = fd;
	port->agent = a;
	ev_io_init(&port->io, on_readable, fd, EV_READ);
	port->io.data = port;
	ev_io_start(a->loop, &port->io);
	if (memcmp(link->mac, fixed_mac, sizeof(fixed_mac)))
		log_warn("%s has the address %s: a MN that comes from another MAG would look for "
			 "its old router; run: ip link set %s address 00:00:5e:00:52:13",
			link->name, mac_format(link->mac, mac), link->name);
}

static void port_close(struct agent *a, struct access_port *port)
{
	ev_io_stop(a->loop, &port->io);
	close(port->fd);
	port->ifindex = 0;
	port->mtu = 0;
}

static bool is_access(const struct agent *a, const char *name)
{
	for (uint32_t i = 0; i < a->conf.interface_count; i++)
		if (!fnmatch(a->conf.interfaces[i].match, name, 0))
			return a->conf.interfaces[i].access;
	return false;
}

/* For the MNs that will be on the link, and for those that are. */
static void set_mtu(struct agent *a, const struct netlink_link *link)
{
	struct access_port *port = port_find(a, link->ifindex);

	if (!port || port->mtu == link->mtu)
		return;
	port->mtu = link->mtu;
	maps_set_access_mtu(a, link->ifindex, link->mtu);
}

uint32_t access_mtu(const struct agent *a, uint32_t ifindex)
{
	for (int i = 0; ifindex && i < AGENT_ACCESS_MAX; i++)
		if (a->ports[i].ifindex == ifindex)
			return a->ports[i].mtu;
	return 0;
}

static void on_link(const struct netlink_link *link, void *arg)
{
	struct agent *a = arg;
	struct access_port *port = port_find(a, link->ifindex);

	if (link->deleted && port) {
		port_close(a, port);
		tell_core(a, link, 0);
	}
	if (link->deleted || !link->ethernet || !is_access(a, link->name))
		return;
	if (!port)
		port_open(a, link);
	set_mtu(a, link);
	tell_core(a, link, mtu_for_mn(a, link));
}

static void on_watch(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct agent *a = io->data;

	(void)loop;
	(void)events;
	(void)netlink_read(a->watch, on_link, a);
}

int access_open(struct agent *a)
{
	a->questions = netlink_open();
	a->watch = netlink_watch(false);
	if (!a->questions || !a->watch) {
		int err = -errno;

		log_error("cannot watch the interfaces: %s", strerror(-err));
		return err;
	}
	ev_io_init(&a->link_io, on_watch, netlink_fd(a->watch), EV_READ);
	a->link_io.data = a;
	ev_io_start(a->loop, &a->link_io);
	return netlink_links(a->questions, on_link, a);
}

void access_close(struct agent *a)
{
	for (int i = 0; i < AGENT_ACCESS_MAX; i++)
		if (a->ports[i].ifindex)
			port_close(a, &a->ports[i]);
	netlink_close(a->questions);
	netlink_close(a->watch);
}

void access_send(struct agent *a, const struct effect *e)
{
	struct access_port *port = port_find(a, e->frame.ifindex);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)e->frame.ifindex,
		.sll_halen = sizeof(e->frame.mac),
	};

	memcpy(to.sll_addr, e->frame.mac, sizeof(e->frame.mac));
	if (port && e->frame.len)
		(void)sendto(port->fd, e->frame.bytes, e->frame.len, 0, (struct sockaddr *)&to,
			sizeof(to));
}
