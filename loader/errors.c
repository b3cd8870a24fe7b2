// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ICMPv6 errors from inside our tunnels. Packet Too Big lowers the MTU of a path, and then the
 * programs tell the sources (RFC 2473 8.1); that nobody can be reached is handed on to the source
 * of the inner packet if it is a CN.
 */
#include "loader.h"
#include "base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 2048,
	BATCH = 64,
	RELAYS_MAX = 10, /* in RELAYS_MS */
	RELAYS_MS = 1000,
};

static int listener_open(void)
{
	struct icmp6_filter filter;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);

	if (fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &filter);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &filter);
	ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &filter);
	if (!setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)))
		return fd;
	close(fd);
	return -errno;
}

/* The kernel leaves the whole packet to us, its source address included. */
static int relay_open(void)
{
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);

	return fd < 0 ? -errno : fd;
}

void errors_open(struct loader *l)
{
	struct errors *e = &l->errors;
	int err = 0;

	e->path = calloc(DLMA_PEERS_MAX, sizeof(*e->path));
	e->fd = e->path ? listener_open() : -ENOMEM;
	e->relay_fd = e->fd < 0 ? -1 : relay_open();
	err = e->fd < 0 ? e->fd : e->relay_fd < 0 ? e->relay_fd : 0;
	if (err)
		log_warn("cannot hear what routers say about our tunnels: %s%s; paths narrower "
			 "than their first link lose large packets",
			strerror(-err), err == -EPERM ? " (CAP_NET_RAW)" : "");
}

void errors_close(struct loader *l)
{
	struct errors *e = &l->errors;

	if (e->fd >= 0)
		close(e->fd);
	if (e->relay_fd >= 0)
		close(e->relay_fd);
	free(e->path);
	*e = ERRORS_CLOSED;
}

static bool learn(struct loader *l, uint32_t slot, uint32_t mtu)
{
	struct icmp_path *p = &l->errors.path[slot];
	uint16_t before = p->mtu;
	char peer[INET6_ADDRSTRLEN];

	if (!icmp_path_lower(p, mtu, l->errors.link_mtu[slot], clock_ms()))
		return false;
	adjacency_lower(l, slot);
	l->errors.learned++;
	if (p->mtu == before)
		return true;
	log_info("packets to %s may have %u octets from now on, a router says",
		inet_ntop(AF_INET6, &l->adjacency[slot].peer, peer, sizeof(peer)), p->mtu);
	status_write(l);
	return true;
}

static bool may_relay(struct errors *e)
{
	uint64_t now_ms = clock_ms();

	if (now_ms - e->relays_since_ms >= RELAYS_MS) {
		e->relays_since_ms = now_ms;
		e->relays = 0;
	}
	return e->relays < RELAYS_MAX;
}

/* To a CN; the kernel knows no way to a MN. */
static bool relay(struct loader *l, const struct icmp_error *error)
{
	struct errors *e = &l->errors;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};
	uint8_t packet[ICMP_IP6_MTU_MIN];
	size_t len = icmp_write_relay(error, packet, sizeof(packet));

	if (!len || domain_block(&l->conf.domain, &error->src))
		return false;
	if (!may_relay(e))
		return false;
	memcpy(&to.sin6_addr, &error->src, sizeof(to.sin6_addr));
	if (sendto(e->relay_fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
		log_debug("cannot relay an ICMPv6 error: %s, ignoring", strerror(errno));
		return false;
	}
	e->relays++;
	e->relayed++;
	return true;
}

/* Whether a message has changed anything. */
static bool handle(struct loader *l, const uint8_t *message, size_t len)
{
	struct icmp_error error;
	int slot;

	if (icmp_parse(message, len, &domain_self(&l->conf)->address, &error))
		return false;
	slot = adjacency_find(l, &error.peer);
	if (slot <= DLMA_ADJACENCY_SELF)
		return false;
	if (!domain_block(&l->conf.domain, &error.src) &&
		!domain_block(&l->conf.domain, &error.dst))
		return false;
	if (error.type == ICMP_PACKET_TOO_BIG)
		return learn(l, (uint32_t)slot, error.mtu);
	return relay(l, &error);
}

void errors_read(struct loader *l)
{
	uint8_t message[MESSAGE_MAX];

	for (int i = 0; i < BATCH; i++) {
		ssize_t n = recv(l->errors.fd, message, sizeof(message), 0);

		if (n < 0)
			return;
		if (!handle(l, message, (size_t)n))
			l->errors.ignored++;
	}
}
