/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The few questions that we ask the kernel about links, routes and neighbours (rtnetlink). */
#pragma once

#include "dlma/types.h"
#include <stdint.h>

struct netlink;

enum { NETLINK_NAME_MAX = 16, NETLINK_KIND_MAX = 16 };

struct netlink_link {
	uint32_t ifindex;
	uint32_t mtu;
	char name[NETLINK_NAME_MAX];
	char kind[NETLINK_KIND_MAX]; /* "veth", "bridge"...; empty for hardware */
	uint8_t mac[6];
	bool up; /* administratively up, with carrier */
	bool ethernet;
	bool deleted; /* in notifications only */
};

struct netlink_neighbour {
	uint32_t ifindex;
	struct dlma_addr address;
	uint8_t mac[6];
	bool usable;	/* the MAC may be used */
	bool permanent; /* somebody configured it: there is nothing to confirm */
};

struct netlink_route {
	uint32_t ifindex;
	uint32_t mtu;		   /* of the route; 0 if it has none */
	struct dlma_addr next_hop; /* the gateway, or the destination itself */
};

typedef void netlink_link_fn(const struct netlink_link *link, void *arg);
typedef void netlink_neighbour_fn(const struct netlink_neighbour *neighbour, void *arg);

/* Opens a socket for questions. NULL with errno set on failure. */
struct netlink *netlink_open(void);

/*
 * Opens a socket that hears of changes to links, and to IPv6 addresses, routes and neighbours if
 * `routing` is set. Non-blocking; poll netlink_fd().
 */
struct netlink *netlink_watch(bool routing);
void netlink_close(struct netlink *nl);
int netlink_fd(const struct netlink *nl);

/*
 * Reads what has come. Calls `fn` for each change of a link (it may be NULL). Returns the number
 * of changes of any kind, at least 1 if some were lost (then look at everything), or -errno.
 */
int netlink_read(struct netlink *nl, netlink_link_fn *fn, void *arg);

/* Call `fn` for every link or every IPv6 neighbour there is. Return 0 or -errno. */
int netlink_links(struct netlink *nl, netlink_link_fn *fn, void *arg);
int netlink_neighbours(struct netlink *nl, netlink_neighbour_fn *fn, void *arg);

/* The way to an address. Returns 0, or -errno (-ENETUNREACH and the like: there is none). */
int netlink_route_get(struct netlink *nl, const struct dlma_addr *dst, struct netlink_route *ret);

/* Makes the kernel find out, or confirm, a neighbour's MAC. Returns 0 or -errno. */
int netlink_resolve(struct netlink *nl, uint32_t ifindex, const struct dlma_addr *address);
