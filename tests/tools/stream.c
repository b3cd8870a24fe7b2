/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Probe flows. UDP: numbered, stamped packets at an even pace, and a receiver that logs each of
 * them. TCP: a byte pattern that the receiver checks. Both ends print one line of JSON when they
 * are told to stop (SIGTERM), or when they are done.
 */
#include "tool.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAGIC = 0x616d6c64,
	BATCH = 64,
	PAYLOAD_MAX = 65000,
	SOCKET_BUFFER = 32 << 20,
	CHUNK = 16384,
	TCP_POLL_MS = 10,
};

struct payload {
	uint32_t magic;
	uint32_t zero;
	uint64_t sequence;
	uint64_t sent_ns;
} __attribute__((packed));

/* One line of the receiver's log; tests/net/lab/probe.py reads it. */
struct record {
	uint64_t sequence;
	uint64_t sent_ns;
	uint64_t received_ns;
	uint32_t hop_limit;
	uint32_t size;
};

struct options {
	int traffic_class;
	uint64_t rate; /* TCP: octets per second; 0: as fast as it goes */
	uint64_t bytes;
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static struct sockaddr_in6 address_of(const char *text, const char *port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	uint64_t number = number_of(port, "PORT");

	errno = 0;
	if (inet_pton(AF_INET6, text, &a.sin6_addr) != 1)
		die("'%s' is not an IPv6 address", text);
	if (number > 65535)
		die("port %s is too large", port);
	a.sin6_port = htons(number);
	return a;
}

static void socket_set(int fd, int level, int option, int value, const char *what)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die("%s", what);
}

static int socket_bound(int type, const char *address, const char *port)
{
	struct sockaddr_in6 a = address_of(address, port);
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die("bind to [%s]:%s", address, port);
	return fd;
}

static int socket_connected(int type, char **arg, const struct options *o)
{
	struct sockaddr_in6 to = address_of(arg[1], arg[2]);
	int fd = socket_bound(type, arg[0], "0");

	socket_set(fd, IPPROTO_IPV6, IPV6_TCLASS, o->traffic_class, "traffic class");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect to [%s]:%s", arg[1], arg[2]);
	return fd;
}

/* Until that time, or until we are stopped. */
static void sleep_until(uint64_t ns)
{
	struct timespec at = timespec_of(ns);

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/*
 * SRC DST PORT RATE_PPS SIZE COUNT. Who falls behind catches up at once: the mean rate holds. An
 * error of one packet (no route during a handoff) is counted: to the receiver it is lost.
 */
static int udp_send(char **arg, const struct options *o)
{
	static union {
		struct payload p;
		unsigned char octets[PAYLOAD_MAX];
	} packet;
	uint64_t rate = number_of(arg[3], "RATE_PPS"), size = number_of(arg[4], "SIZE");
	uint64_t count = number_of(arg[5], "COUNT"), errors = 0, start_ns;
	int fd = socket_connected(SOCK_DGRAM, arg, o);

	errno = 0;
	if (!rate || size < sizeof(packet.p) || size > sizeof(packet))
		die("RATE_PPS is at least 1, SIZE %zu to %zu", sizeof(packet.p), sizeof(packet));
	packet.p.magic = MAGIC;
	say_ready();
	start_ns = monotonic_ns();
	while (!stopped && (!count || packet.p.sequence < count)) {
		packet.p.sent_ns = monotonic_ns();
		errors += send(fd, &packet, size, 0) < 0;
		packet.p.sequence++;
		sleep_until(start_ns + packet.p.sequence * NS_PER_S / rate);
	}
	printf("{\"sent\": %lu, \"errors\": %lu, \"seconds\": %.6f}\n", packet.p.sequence, errors,
		(double)(monotonic_ns() - start_ns) / NS_PER_S);
	return 0;
}

/* What the receiver knows of the whole flow. */
struct summary {
	uint64_t received, duplicates, reordered, foreign;
	uint64_t highest; /* sequence + 1 */
	uint64_t last_ns, longest_gap_ns;
	uint8_t *seen; /* a bit for each sequence number */
	uint64_t seen_size;
};

/* Marks a sequence number; true if it was marked already. */
static bool summary_mark(struct summary *s, uint64_t sequence)
{
	uint64_t octet = sequence / 8, size = s->seen_size ? s->seen_size : 1 << 16;
	uint8_t bit = 1 << sequence % 8;
	bool before;

	while (octet >= size)
		size *= 2;
	if (size != s->seen_size) {
		s->seen = realloc(s->seen, size);
		if (!s->seen)
			die("memory for sequence %lu", sequence);
		memset(s->seen + s->seen_size, 0, size - s->seen_size);
		s->seen_size = size;
	}
	before = s->seen[octet] & bit;
	s->seen[octet] |= bit;
	return before;
}

static void summary_add(struct summary *s, const struct record *r)
{
	s->received++;
	if (summary_mark(s, r->sequence))
		s->duplicates++;
	else if (r->sequence < s->highest)
		s->reordered++;
	if (r->sequence >= s->highest)
		s->highest = r->sequence + 1;
	if (s->last_ns && r->received_ns > s->last_ns + s->longest_gap_ns)
		s->longest_gap_ns = r->received_ns - s->last_ns;
	s->last_ns = r->received_ns;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* One-way delays of all records of the log, sorted; NULL if there are none. */
static uint64_t *delays_ns(FILE *log, uint64_t count)
{
	uint64_t *delay = malloc(count * sizeof(*delay));
	struct record r;

	if (!count || !delay)
		return NULL;
	rewind(log);
	for (uint64_t i = 0; i < count; i++) {
		if (fread(&r, sizeof(r), 1, log) != 1)
			die("the log got shorter");
		delay[i] = r.received_ns - r.sent_ns;
	}
	qsort(delay, count, sizeof(*delay), compare_u64);
	return delay;
}

static void summary_print(const struct summary *s, FILE *log)
{
	uint64_t n = s->received, *delay = delays_ns(log, n);

	printf("{\"received\": %lu, \"lost\": %lu, \"duplicates\": %lu, \"reordered\": %lu, "
	       "\"foreign\": %lu, \"longest_gap_ms\": %.3f",
		n, s->highest - (n - s->duplicates), s->duplicates, s->reordered, s->foreign,
		(double)s->longest_gap_ns / NS_PER_MS);
	if (delay)
		printf(", \"delay_ms\": {\"min\": %.3f, \"median\": %.3f, \"max\": %.3f}",
			(double)delay[0] / NS_PER_MS, (double)delay[n / 2] / NS_PER_MS,
			(double)delay[n - 1] / NS_PER_MS);
	puts("}");
	free(delay);
}

struct inbox {
	struct mmsghdr message[BATCH];
	struct iovec vector[BATCH];
	unsigned char data[BATCH][PAYLOAD_MAX];
	unsigned char control[BATCH][128];
};

static void inbox_prepare(struct inbox *in)
{
	for (int i = 0; i < BATCH; i++) {
		in->vector[i] = (struct iovec){in->data[i], PAYLOAD_MAX};
		in->message[i].msg_hdr = (struct msghdr){.msg_iov = &in->vector[i],
			.msg_iovlen = 1,
			.msg_control = in->control[i],
			.msg_controllen = sizeof(in->control[i])};
	}
}

/* Hop limit and time of arrival stand in the control messages. */
static void record_control(struct record *r, struct msghdr *m, int64_t offset_ns)
{
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)
			memcpy(&r->hop_limit, CMSG_DATA(c), sizeof(r->hop_limit));
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			r->received_ns = t.tv_sec * NS_PER_S + t.tv_nsec + offset_ns;
		}
	}
}

/* Takes one batch; returns how many packets that was. */
static int inbox_receive(struct inbox *in, int fd, struct summary *s, FILE *log)
{
	int64_t offset_ns;
	int i, got;

	inbox_prepare(in);
	got = recvmmsg(fd, in->message, BATCH, MSG_WAITFORONE, NULL);
	offset_ns = monotonic_offset_ns();
	for (i = 0; i < got; i++) {
		struct record r = {.size = in->message[i].msg_len};
		struct payload p;

		memcpy(&p, in->data[i], sizeof(p));
		if (r.size < sizeof(p) || p.magic != MAGIC) {
			s->foreign++;
			continue;
		}
		r.sequence = p.sequence;
		r.sent_ns = p.sent_ns;
		record_control(&r, &in->message[i].msg_hdr, offset_ns);
		fwrite(&r, sizeof(r), 1, log);
		summary_add(s, &r);
	}
	return got;
}

/* PORT FILE */
static int udp_receive(char **arg, const struct options *o)
{
	static struct inbox in;
	struct timeval brief = {.tv_usec = 10000};
	struct summary s = {0};
	int fd = socket_bound(SOCK_DGRAM, "::", arg[0]);
	FILE *log = fopen(arg[1], "w+e");

	(void)o;
	if (!log)
		die("%s", arg[1]);
	socket_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER, "SO_RCVBUFFORCE");
	socket_set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
	socket_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief)))
		die("SO_RCVTIMEO");
	say_ready();
	/* After the signal: what has arrived already still counts. */
	while (inbox_receive(&in, fd, &s, log) > 0 || !stopped)
		fflush(log);
	if (fflush(log) || ferror(log))
		die("writing %s", arg[1]);
	summary_print(&s, log);
	free(s.seen);
	fclose(log);
	close(fd);
	return 0;
}

static uint64_t pattern_word(uint64_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15;
}

/* The octets of the pattern from `offset` on, and up to 7 more. */
static void pattern_fill(unsigned char *out, uint64_t offset, uint32_t len)
{
	unsigned char word[8];
	uint32_t i;

	for (i = 0; i < len; i++, offset++) {
		if (!i || offset % 8 == 0)
			memcpy(word, &(uint64_t){pattern_word(offset / 8)}, sizeof(word));
		out[i] = word[offset % 8];
	}
}

static uint64_t pattern_mismatches(const unsigned char *data, uint64_t offset, uint32_t len)
{
	static unsigned char expected[CHUNK];
	uint64_t count = 0;

	pattern_fill(expected, offset, len);
	if (!memcmp(data, expected, len))
		return 0;
	for (uint32_t i = 0; i < len; i++)
		count += data[i] != expected[i];
	return count;
}

/* Progress of a transfer, and the longest time without any. */
struct transfer {
	uint64_t bytes, mismatches, start_ns, last_ns, stall_ns;
};

static void transfer_advance(struct transfer *t, uint64_t bytes)
{
	uint64_t now_ns = monotonic_ns();

	if (now_ns - t->last_ns > t->stall_ns)
		t->stall_ns = now_ns - t->last_ns;
	t->last_ns = now_ns;
	t->bytes += bytes;
}

static void transfer_print(const struct transfer *t, const char *end)
{
	printf("{\"bytes\": %lu, \"mismatches\": %lu, \"longest_stall_ms\": %.3f, "
	       "\"seconds\": %.6f, \"end\": \"%s\"}\n",
		t->bytes, t->mismatches, (double)t->stall_ns / NS_PER_MS,
		(double)(t->last_ns - t->start_ns) / NS_PER_S, end);
}

/* Writes the next piece of the pattern if the socket takes it within TCP_POLL_MS. */
static int transfer_write(struct transfer *t, int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	unsigned char data[CHUNK];
	ssize_t sent;

	if (poll(&ready, 1, TCP_POLL_MS) <= 0)
		return 0;
	pattern_fill(data, t->bytes, sizeof(data));
	sent = send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		transfer_advance(t, sent);
	return sent > 0 || errno == EAGAIN ? 0 : -errno;
}

/* Waits until the receiver has taken all and closed, for as long as that takes. */
static int transfer_finish(int fd)
{
	char nothing;

	shutdown(fd, SHUT_WR);
	return recv(fd, &nothing, 1, 0) < 0 ? -errno : 0;
}

/* SRC DST PORT */
static int tcp_send(char **arg, const struct options *o)
{
	int fd = socket_connected(SOCK_STREAM, arg, o), err = 0;
	struct transfer t = {.start_ns = monotonic_ns()};

	t.last_ns = t.start_ns;
	say_ready();
	while (!err && !stopped && (!o->bytes || t.bytes < o->bytes)) {
		if (o->rate)
			sleep_until(t.start_ns + t.bytes * NS_PER_S / o->rate);
		err = transfer_write(&t, fd);
	}
	if (!err)
		err = transfer_finish(fd);
	transfer_advance(&t, 0);
	transfer_print(&t, err ? strerror(-err) : "done");
	return err ? 1 : 0;
}

static int transfer_read(struct transfer *t, int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	unsigned char data[CHUNK];
	ssize_t got;

	if (poll(&ready, 1, TCP_POLL_MS) <= 0)
		return -EAGAIN;
	got = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (got <= 0)
		return got ? -errno : 0;
	t->mismatches += pattern_mismatches(data, t->bytes, got);
	transfer_advance(t, got);
	return 1;
}

/* PORT; one connection */
static int tcp_receive(char **arg, const struct options *o)
{
	int listener = socket_bound(SOCK_STREAM, "::", arg[0]), fd, err;
	struct transfer t = {0};

	(void)o;
	if (listen(listener, 1))
		die("listen");
	say_ready();
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	t.start_ns = t.last_ns = monotonic_ns();
	do {
		err = transfer_read(&t, fd);
	} while (err > 0 || (err == -EAGAIN && !stopped));
	if (err)
		transfer_advance(&t, 0); /* a stall that has not ended is one too */
	transfer_print(&t, err == -EAGAIN ? "stopped" : err ? strerror(-err) : "done");
	return err && err != -EAGAIN ? 1 : 0;
}

static const struct mode {
	const char *name;
	const char *arguments;
	int argument_count;
	int (*run)(char **arg, const struct options *o);
} modes[] = {
	{"send", "SRC DST PORT RATE_PPS SIZE COUNT|0", 6, udp_send},
	{"recv", "PORT FILE", 2, udp_receive},
	{"tcp-send", "SRC DST PORT", 3, tcp_send},
	{"tcp-recv", "PORT", 1, tcp_receive},
};

enum { MODE_COUNT = sizeof(modes) / sizeof(modes[0]) };

static int usage(void)
{
	for (int i = 0; i < MODE_COUNT; i++)
		fprintf(stderr, "%s stream %s %s\n", i ? "      " : "usage:", modes[i].name,
			modes[i].arguments);
	fprintf(stderr, "options: --tclass N, of tcp-send: --rate OCTETS_PER_S, --bytes N\n");
	return 2;
}

static void options_read(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"tclass", 1, NULL, 't'}, {"rate", 1, NULL, 'r'}, {"bytes", 1, NULL, 'b'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 't')
			o->traffic_class = number_of(optarg, "--tclass");
		else if (c == 'r')
			o->rate = number_of(optarg, "--rate");
		else if (c == 'b')
			o->bytes = number_of(optarg, "--bytes");
		else
			exit(usage());
	}
}

int main(int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = on_stop};
	struct options o = {0};

	options_read(&o, argc, argv);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	for (int i = 0; optind < argc && i < MODE_COUNT; i++)
		if (!strcmp(argv[optind], modes[i].name) &&
			argc - optind - 1 == modes[i].argument_count)
			return modes[i].run(argv + optind + 1, &o);
	return usage();
}
