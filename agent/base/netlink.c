// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/netlink.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BUFFER_LEN = 32768, RECEIVE_BUFFER = 1 << 20 };

struct netlink {
	struct mnl_socket *socket;
	uint32_t port;
	uint32_t sequence;
	char buffer[BUFFER_LEN];
};

/* What one answer is turned into, and for whom. */
struct reader {
	int (*read)(const struct nlmsghdr *h, struct reader *r);
	netlink_link_fn *link;
	netlink_neighbour_fn *neighbour;
	void *arg;
	struct netlink_route *route;
	int count;
};

static struct netlink *open_groups(unsigned int groups, int flags)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int size = RECEIVE_BUFFER;

	if (!nl)
		return NULL;
	nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);
	if (!nl->socket)
		goto free_struct;
	if (mnl_socket_bind(nl->socket, groups, MNL_SOCKET_AUTOPID) < 0)
		goto close_socket;
	/* A burst of neighbour changes must not overflow; if it does, netlink_read() says so. */
	(void)setsockopt(
		mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	nl->port = mnl_socket_get_portid(nl->socket);
	return nl;
close_socket:
	mnl_socket_close(nl->socket);
free_struct:
	free(nl);
	return NULL;
}

struct netlink *netlink_open(void)
{
	return open_groups(0, 0);
}

struct netlink *netlink_watch(bool routing)
{
	unsigned int groups = RTMGRP_LINK;

	if (routing)
		groups |= RTMGRP_NEIGH | RTMGRP_IPV6_ROUTE | RTMGRP_IPV6_IFADDR;
	return open_groups(groups, SOCK_NONBLOCK);
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	mnl_socket_close(nl->socket);
	free(nl);
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->socket);
}

static void copy_text(char *dst, size_t cap, const struct nlattr *a)
{
	size_t len = mnl_attr_get_payload_len(a);

	if (len >= cap)
		len = cap - 1;
	memcpy(dst, mnl_attr_get_payload(a), len);
	dst[len] = 0;
}

static void read_link_info(const struct nlattr *info, struct netlink_link *link)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, info) if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
		copy_text(link->kind, sizeof(link->kind), a);
}

static void read_link_attribute(const struct nlattr *a, struct netlink_link *link)
{
	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		copy_text(link->name, sizeof(link->name), a);
		break;
	case IFLA_MTU:
		link->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(link->mac))
			memcpy(link->mac, mnl_attr_get_payload(a), sizeof(link->mac));
		break;
	case IFLA_LINKINFO:
		read_link_info(a, link);
		break;
	}
}

static int read_link(const struct nlmsghdr *h, struct reader *r)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
	struct netlink_link link = {
		.ifindex = (uint32_t)i->ifi_index,
		.up = (i->ifi_flags & IFF_UP) && (i->ifi_flags & IFF_RUNNING),
		.ethernet = i->ifi_type == ARPHRD_ETHER,
		.deleted = h->nlmsg_type == RTM_DELLINK,
	};
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return 0;
	mnl_attr_for_each(a, h, sizeof(*i)) read_link_attribute(a, &link);
	if (r->link)
		r->link(&link, r->arg);
	return 0;
}

static int read_neighbour(const struct nlmsghdr *h, struct reader *r)
{
	enum { USABLE = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT };
	const struct ndmsg *m = mnl_nlmsg_get_payload(h);
	struct netlink_neighbour n = {.ifindex = (uint32_t)m->ndm_ifindex};
	bool mac = false;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWNEIGH || m->ndm_family != AF_INET6)
		return 0;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		size_t len = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) == NDA_DST && len == sizeof(n.address))
			memcpy(&n.address, mnl_attr_get_payload(a), len);
		if (mnl_attr_get_type(a) == NDA_LLADDR && len == sizeof(n.mac)) {
			memcpy(n.mac, mnl_attr_get_payload(a), len);
			mac = true;
		}
	}
	n.usable = mac && (m->ndm_state & USABLE);
	n.permanent = m->ndm_state & NUD_PERMANENT;
	r->neighbour(&n, r->arg);
	return 0;
}

static void read_route_metrics(const struct nlattr *metrics, struct netlink_route *route)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, metrics) if (mnl_attr_get_type(a) == RTAX_MTU) route->mtu =
		mnl_attr_get_u32(a);
}

static int read_route(const struct nlmsghdr *h, struct reader *r)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (m->rtm_type != RTN_UNICAST)
		return -EHOSTUNREACH;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == RTA_OIF)
			r->route->ifindex = mnl_attr_get_u32(a);
		if (mnl_attr_get_type(a) == RTA_GATEWAY && mnl_attr_get_payload_len(a) == 16)
			memcpy(&r->route->next_hop, mnl_attr_get_payload(a), 16);
		if (mnl_attr_get_type(a) == RTA_METRICS)
			read_route_metrics(a, r->route);
	}
	return 0;
}

static int on_message(const struct nlmsghdr *h, void *arg)
{
	struct reader *r = arg;
	int err;

	r->count++;
	err = r->read(h, r);
	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

static struct nlmsghdr *request(
	struct netlink *nl, uint16_t type, uint16_t flags, void *header, size_t len)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(nl->buffer);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++nl->sequence;
	memcpy(mnl_nlmsg_put_extra_header(h, len), header, len);
	return h;
}

/* Sends the request and reads its answers to the last one. */
static int ask(struct netlink *nl, const struct nlmsghdr *h, struct reader *r)
{
	uint32_t sequence = h->nlmsg_seq;
	bool whole = !(h->nlmsg_flags & (NLM_F_DUMP | NLM_F_ACK));
	int err = 0;

	if (mnl_socket_sendto(nl->socket, h, h->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(nl->socket, nl->buffer, sizeof(nl->buffer));

		if (n < 0)
			return -errno;
		err = mnl_cb_run(nl->buffer, (size_t)n, sequence, nl->port, on_message, r);
	} while (err > MNL_CB_STOP && !whole);
	return err < 0 ? -errno : 0;
}

int netlink_read(struct netlink *nl, netlink_link_fn *fn, void *arg)
{
	struct reader r = {.read = read_link, .link = fn, .arg = arg};

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl->socket, nl->buffer, sizeof(nl->buffer));

		if (n < 0 && errno == EAGAIN)
			return r.count;
		if (n < 0 && errno == ENOBUFS) {
			r.count++;
			continue;
		}
		if (n < 0)
			return -errno;
		(void)mnl_cb_run(nl->buffer, (size_t)n, 0, 0, on_message, &r);
	}
}

int netlink_links(struct netlink *nl, netlink_link_fn *fn, void *arg)
{
	struct ifinfomsg i = {.ifi_family = AF_UNSPEC};
	struct reader r = {.read = read_link, .link = fn, .arg = arg};

	return ask(nl, request(nl, RTM_GETLINK, NLM_F_DUMP, &i, sizeof(i)), &r);
}

int netlink_neighbours(struct netlink *nl, netlink_neighbour_fn *fn, void *arg)
{
	struct ndmsg m = {.ndm_family = AF_INET6};
	struct reader r = {.read = read_neighbour, .neighbour = fn, .arg = arg};

	return ask(nl, request(nl, RTM_GETNEIGH, NLM_F_DUMP, &m, sizeof(m)), &r);
}

int netlink_route_get(struct netlink *nl, const struct dlma_addr *dst, struct netlink_route *ret)
{
	struct netlink_route route = {.next_hop = *dst};
	struct reader r = {.read = read_route, .route = &route};
	struct rtmsg m = {.rtm_family = AF_INET6, .rtm_dst_len = 128};
	struct nlmsghdr *h = request(nl, RTM_GETROUTE, 0, &m, sizeof(m));
	int err;

	mnl_attr_put(h, RTA_DST, sizeof(*dst), dst);
	err = ask(nl, h, &r);
	if (!err && !route.ifindex)
		err = -ENETUNREACH;
	if (!err)
		*ret = route;
	return err;
}

int netlink_resolve(struct netlink *nl, uint32_t ifindex, const struct dlma_addr *address)
{
	struct reader r = {.read = read_link};
	struct ndmsg m = {
		.ndm_family = AF_INET6,
		.ndm_ifindex = (int)ifindex,
		.ndm_state = NUD_NONE,
		.ndm_flags = NTF_USE,
	};
	struct nlmsghdr *h = request(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, &m, sizeof(m));

	mnl_attr_put(h, NDA_DST, sizeof(*address), address);
	return ask(nl, h, &r);
}
