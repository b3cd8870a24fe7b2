// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/agent.h"
#include "base/addr.h"
#include "base/log.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* The messages of one turn share a commit, however slow the disk is. */
enum { BATCH = 128, SOCKET_BUFFER = 4 << 20 };

static struct sockaddr_in6 address_of(const struct dlma_addr *a)
{
	struct sockaddr_in6 s = {.sin6_family = AF_INET6};

	memcpy(&s.sin6_addr, a, sizeof(s.sin6_addr));
	return s;
}

static void receive(struct agent *a, const uint8_t *bytes, ssize_t len, const struct in6_addr *src)
{
	struct event e = {.kind = EVENT_DATAGRAM};

	memcpy(&e.datagram.src, src, sizeof(*src));
	e.datagram.dst = domain_self(&a->conf)->address; /* the socket is bound to it */
	e.datagram.bytes = bytes;
	e.datagram.len = (size_t)len;
	agent_event(a, &e);
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct agent *a = io->data;
	uint8_t bytes[MH_MAX_LEN + 8];

	(void)loop;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof(from);
		ssize_t n =
			recvfrom(a->mh_fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		receive(a, bytes, n, &from.sin6_addr);
	}
}

/* The core makes and checks the checksums itself: what is wrong is counted, not just lost. */
static int set_options(int fd)
{
	int off = -1, size = SOCKET_BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &off, sizeof(off)) ? -errno : 0;
}

static int bind_own(int fd, const struct domain_node *self)
{
	struct sockaddr_in6 own = address_of(&self->address);
	char text[ADDR_TEXT_MAX];
	int err;

	if (!bind(fd, (struct sockaddr *)&own, sizeof(own)))
		return 0;
	err = errno;
	if (err == EADDRNOTAVAIL)
		log_error("no interface has %s, the address of node %s; add it: "
			  "ip -6 address add %s/64 dev INTERFACE",
			addr_format(&self->address, text), self->name, text);
	else
		log_error("cannot use %s: %s", addr_format(&self->address, text), strerror(err));
	return -err;
}

int mhsock_open(struct agent *a)
{
	int err;

	a->mh_fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, MH_PROTOCOL);
	if (a->mh_fd < 0) {
		err = -errno;
		log_error("cannot open a socket for Mobility Headers: %s", strerror(-err));
		return err;
	}
	err = set_options(a->mh_fd);
	if (!err)
		err = bind_own(a->mh_fd, domain_self(&a->conf));
	if (err)
		return err;
	ev_io_init(&a->mh_io, on_readable, a->mh_fd, EV_READ);
	a->mh_io.data = a;
	ev_io_start(a->loop, &a->mh_io);
	return 0;
}

void mhsock_close(struct agent *a)
{
	if (a->mh_fd >= 0)
		close(a->mh_fd);
}

/* Lost like any packet, if it cannot be sent: whatever matters is retransmitted. */
void mhsock_send(struct agent *a, const struct effect *e)
{
	struct sockaddr_in6 to = address_of(&e->send.dst);
	char text[ADDR_TEXT_MAX];

	if (sendto(a->mh_fd, e->send.bytes, e->send.len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		log_debug("cannot send to %s: %s, ignoring", addr_format(&e->send.dst, text),
			strerror(errno));
}
