/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records the frames of a network namespace into one pcapng file. By default each frame once per
 * interface, as it comes in there: on the ports of the laboratory's switches that is what a node
 * put on its wire. With --both also what leaves, that is what a node received.
 *
 * Beyond plain pcapng: the comment of the section is "monotonic-offset-ns N", what to add to a
 * time stamp to get monotonic time; and the comment "partial checksum" stands at a frame whose
 * TCP or UDP checksum a network card would still have to fill in.
 */
#include "tool.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The frames wait in the socket, not in a ring of packet(7): a ring as large would have to be
 * allocated at once, and a kernel without preemption does nothing else on that processor for as
 * long as 200 ms.
 */
enum {
	BATCH = 64,
	FRAME_MAX = 1 << 18,	   /* also super-packets */
	SOCKET_BUFFER = 512 << 20, /* of kernel memory, most of it overhead of each frame */
	NICE = -20,
	PAUSE_MS = 5,
	IFINDEX_MAX = 65536,
	NOT_RECORDED = 0xffff,
	FILE_BUFFER = 1 << 20,
};

/* Block types and options of pcapng. */
enum {
	PCAPNG_SECTION = 0x0a0d0d0a,
	PCAPNG_INTERFACE = 1,
	PCAPNG_PACKET = 6,
	PCAPNG_MAGIC = 0x1a2b3c4d,
	PCAPNG_ETHERNET = 1,
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_IF_NAME = 2,
	OPTION_EPB_FLAGS = 2,
	OPTION_IF_TSRESOL = 9,
	EPB_INBOUND = 1,
	EPB_OUTBOUND = 2,
};

struct block {
	unsigned char data[256]; /* all but the bytes of the frame */
	uint32_t len;
};

struct capture {
	int socket;
	FILE *file;
	uint32_t snaplen;
	uint16_t id[IFINDEX_MAX]; /* ifindex to the number of the interface in the file */
	uint16_t id_count;
	uint64_t frames;
};

static const char partial_checksum[] = "partial checksum";

static void block_add(struct block *b, const void *data, uint32_t len)
{
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void block_add_u32(struct block *b, uint32_t value)
{
	block_add(b, &value, sizeof(value));
}

static void block_add_option(struct block *b, uint16_t code, const void *value, uint16_t len)
{
	static const unsigned char zero[4];

	block_add(b, &code, sizeof(code));
	block_add(b, &len, sizeof(len));
	block_add(b, value, len);
	block_add(b, zero, -len & 3);
}

/* Writes a block that has no frame: the length stands in front, and again at the end. */
static void block_write(struct block *b, FILE *file)
{
	uint32_t total = b->len + sizeof(total);

	memcpy(b->data + 4, &total, sizeof(total));
	block_add_u32(b, total);
	fwrite(b->data, 1, b->len, file);
}

static void write_section(FILE *file)
{
	uint16_t version[2] = {1, 0};
	int64_t unknown_length = -1;
	struct block b = {.len = 0};
	char comment[64];

	snprintf(comment, sizeof(comment), "monotonic-offset-ns %ld", monotonic_offset_ns());
	block_add_u32(&b, PCAPNG_SECTION);
	block_add_u32(&b, 0);
	block_add_u32(&b, PCAPNG_MAGIC);
	block_add(&b, version, sizeof(version));
	block_add(&b, &unknown_length, sizeof(unknown_length));
	block_add_option(&b, OPTION_COMMENT, comment, strlen(comment));
	block_add_option(&b, OPTION_END, "", 0);
	block_write(&b, file);
}

static void write_interface(struct capture *c, const char *name)
{
	uint16_t link[2] = {PCAPNG_ETHERNET, 0};
	uint8_t nanoseconds = 9;
	struct block b = {.len = 0};

	block_add_u32(&b, PCAPNG_INTERFACE);
	block_add_u32(&b, 0);
	block_add(&b, link, sizeof(link));
	block_add_u32(&b, c->snaplen);
	block_add_option(&b, OPTION_IF_NAME, name, strlen(name));
	block_add_option(&b, OPTION_IF_TSRESOL, &nanoseconds, 1);
	block_add_option(&b, OPTION_END, "", 0);
	block_write(&b, c->file);
}

/* What follows the frame: padding, options, length of the block. Returns that length. */
static uint32_t packet_tail(
	struct block *b, uint32_t head, uint32_t len, uint32_t flags, bool partial)
{
	uint32_t total;

	block_add(b, (unsigned char[4]){0}, -len & 3);
	block_add_option(b, OPTION_EPB_FLAGS, &flags, sizeof(flags));
	if (partial)
		block_add_option(b, OPTION_COMMENT, partial_checksum, sizeof(partial_checksum) - 1);
	block_add_option(b, OPTION_END, "", 0);
	total = head + len + b->len + sizeof(total);
	block_add_u32(b, total);
	return total;
}

/* One frame, and what the kernel says about it. */
struct frame {
	unsigned char *data;
	uint32_t len; /* on the wire; in `data` not more than FRAME_MAX */
	uint64_t time_ns;
	bool out;
	bool partial;
};

static void write_packet(struct capture *c, const struct frame *f, uint16_t id)
{
	uint32_t limit = c->snaplen < FRAME_MAX ? c->snaplen : FRAME_MAX;
	uint32_t len = f->len < limit ? f->len : limit;
	uint32_t head[7] = {PCAPNG_PACKET, 0, id, f->time_ns >> 32, f->time_ns, len, f->len};
	struct block tail = {.len = 0};

	head[1] = packet_tail(
		&tail, sizeof(head), len, f->out ? EPB_OUTBOUND : EPB_INBOUND, f->partial);
	fwrite(head, 1, sizeof(head), c->file);
	fwrite(f->data, 1, len, c->file);
	fwrite(tail.data, 1, tail.len, c->file);
	c->frames++;
}

/* Room for a batch of frames, with who sent them and what is said about them. */
static struct {
	struct mmsghdr message[BATCH];
	struct iovec vector[BATCH];
	struct sockaddr_ll from[BATCH];
	char control[BATCH][256];
	unsigned char *data; /* BATCH times FRAME_MAX */
} inbox;

static void inbox_prepare(void)
{
	for (int i = 0; i < BATCH; i++) {
		inbox.vector[i] = (struct iovec){inbox.data + (size_t)i * FRAME_MAX, FRAME_MAX};
		inbox.message[i].msg_hdr = (struct msghdr){.msg_name = &inbox.from[i],
			.msg_namelen = sizeof(inbox.from[i]),
			.msg_iov = &inbox.vector[i],
			.msg_iovlen = 1,
			.msg_control = inbox.control[i],
			.msg_controllen = sizeof(inbox.control[i])};
	}
}

static void frame_control(struct frame *f, struct msghdr *m)
{
	struct tpacket_auxdata aux;
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			f->partial = aux.tp_status & TP_STATUS_CSUMNOTREADY;
		}
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			f->time_ns = t.tv_sec * NS_PER_S + t.tv_nsec;
		}
	}
}

static void capture_message(struct capture *c, int i)
{
	struct frame f = {.data = inbox.vector[i].iov_base, .len = inbox.message[i].msg_len};
	uint32_t index = inbox.from[i].sll_ifindex;

	if (index >= IFINDEX_MAX || c->id[index] == NOT_RECORDED)
		return;
	f.out = inbox.from[i].sll_pkttype == PACKET_OUTGOING;
	frame_control(&f, &inbox.message[i].msg_hdr);
	write_packet(c, &f, c->id[index]);
}

/* Writes all that has come so far. */
static void capture_drain(struct capture *c)
{
	int got = BATCH;

	while (got == BATCH) {
		inbox_prepare();
		got = recvmmsg(c->socket, inbox.message, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
		for (int i = 0; i < got; i++)
			capture_message(c, i);
	}
	if (fflush(c->file))
		die("writing the capture");
}

static void socket_set(int fd, int level, int option, int value, const char *what)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die("%s", what);
}

static void capture_open(struct capture *c, bool both)
{
	struct sockaddr_ll every = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	inbox.data = mmap(NULL, (size_t)BATCH * FRAME_MAX, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (inbox.data == MAP_FAILED)
		die("mmap");
	c->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (c->socket < 0)
		die("packet socket");
	socket_set(c->socket, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER, "SO_RCVBUFFORCE");
	socket_set(c->socket, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
	socket_set(c->socket, SOL_PACKET, PACKET_AUXDATA, 1, "PACKET_AUXDATA");
	if (!both)
		socket_set(c->socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1,
			"PACKET_IGNORE_OUTGOING (needs Linux 4.20)");
	if (bind(c->socket, (struct sockaddr *)&every, sizeof(every)))
		die("bind");
}

static void capture_add(struct capture *c, uint32_t index, const char *name)
{
	if (!index || index >= IFINDEX_MAX)
		die("interface %s", name);
	c->id[index] = c->id_count++;
	write_interface(c, name);
}

static void capture_add_all(struct capture *c)
{
	struct if_nameindex *all = if_nameindex();

	if (!all)
		die("list of interfaces");
	for (int i = 0; all[i].if_name; i++)
		capture_add(c, all[i].if_index, all[i].if_name);
	if_freenameindex(all);
}

/*
 * Until a signal; what has come before it is recorded. Pauses between two looks, so that a stream
 * of packets is not disturbed by as many wake-ups.
 */
static void capture_run(struct capture *c)
{
	struct pollfd fd[2] = {
		{.fd = c->socket, .events = POLLIN}, {.fd = end_signal_open(), .events = POLLIN}};

	say_ready();
	while (!fd[1].revents) {
		if (poll(fd, 2, -1) < 0 || poll(fd + 1, 1, PAUSE_MS) < 0)
			die("poll");
		capture_drain(c);
	}
}

static void capture_report(struct capture *c)
{
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);

	if (getsockopt(c->socket, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		die("PACKET_STATISTICS");
	printf("{\"frames\": %lu, \"dropped\": %u}\n", c->frames, stats.tp_drops);
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"both", 0, NULL, 'b'}, {"snaplen", 1, NULL, 's'}, {0}};
	static struct capture c = {.snaplen = FRAME_MAX};
	bool both = false;
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (o == 'b')
			both = true;
		else if (o == 's')
			c.snaplen = number_of(optarg, "--snaplen");
		else
			return 2;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: capture [--both] [--snaplen N] FILE [INTERFACE...]\n");
		return 2;
	}
	memset(c.id, 0xff, sizeof(c.id));
	c.file = fopen(argv[optind], "we");
	if (!c.file)
		die("%s", argv[optind]);
	setvbuf(c.file, NULL, _IOFBF, FILE_BUFFER);
	write_section(c.file);
	if (++optind == argc)
		capture_add_all(&c);
	for (; optind < argc; optind++)
		capture_add(&c, if_nametoindex(argv[optind]), argv[optind]);
	capture_open(&c, both);
	if (setpriority(PRIO_PROCESS, 0, NICE))
		perror("no higher priority"); /* only makes drops, which are reported, likelier */
	capture_run(&c);
	capture_report(&c);
	return 0;
}
