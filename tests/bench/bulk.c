// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bulk NETNS-FROM NETNS-TO ADDRESS MS [CPU]: one TCP connection between two namespaces for so long,
 * both ends of it in this one thread on one processor. Prints what was received, and how long the
 * thread and ksoftirqd have worked for it, as JSON.
 */
#include "softirq.h"
#include "tests/tools/tool.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 20100, CHUNK = 128 << 10, READ_AT_ONCE = 1 << 20, ROUNDS_BETWEEN_CLOCKS = 16 };

static void enter(const char *netns)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("%s", path);
	close(fd);
}

static int listener_open(const char *netns)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	int fd, one = 1;

	enter(netns);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 1))
		die("listen");
	return fd;
}

static int sender_open(const char *netns, const char *to)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	int fd;

	enter(netns);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (inet_pton(AF_INET6, to, &a.sin6_addr) != 1)
		die("'%s' is no IPv6 address", to);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect to %s", to);
	return fd;
}

/* Whatever there is; the octets are not copied. */
static uint64_t drain(int fd)
{
	ssize_t got = recv(fd, NULL, READ_AT_ONCE, MSG_TRUNC | MSG_DONTWAIT);

	return got > 0 ? (uint64_t)got : 0;
}

static uint64_t transfer(int out, int in, uint64_t end_ns)
{
	static const char chunk[CHUNK];
	struct pollfd ready[2] = {{.fd = out, .events = POLLOUT}, {.fd = in, .events = POLLIN}};
	uint64_t received = 0, got;
	bool sent;

	while (monotonic_ns() < end_ns)
		for (int i = 0; i < ROUNDS_BETWEEN_CLOCKS; i++) {
			sent = send(out, chunk, sizeof(chunk), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
			got = drain(in);
			received += got;
			if (!sent && !got)
				poll(ready, 2, 1);
		}
	return received;
}

int main(int argc, char **argv)
{
	int cpu = argc > 5 ? (int)number_of(argv[5], "CPU") : 0, listener, out, in;
	uint64_t thread_ns, softirq_ns, begin_ns, end_ns, received;

	if (argc < 5)
		die("usage: bulk NETNS-FROM NETNS-TO ADDRESS MS [CPU]");
	stay_on(cpu);
	listener = listener_open(argv[2]);
	out = sender_open(argv[1], argv[3]);
	in = accept(listener, NULL, NULL);
	if (in < 0)
		die("accept");
	begin_ns = monotonic_ns();
	end_ns = begin_ns + number_of(argv[4], "MS") * NS_PER_MS;
	softirq_ns = softirqd_ns(cpu);
	thread_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	received = transfer(out, in, end_ns);
	printf("{\"received\": %lu, \"thread_ns\": %lu, \"softirqd_ns\": %lu, \"wall_ns\": %lu}\n",
		received, clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread_ns,
		softirqd_ns(cpu) - softirq_ns, monotonic_ns() - begin_ns);
	return 0;
}
