/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A cable between two interfaces: every frame that comes in at one end leaves at the other after
 * a fixed delay, in order. With options it is a bad cable: it loses, doubles and holds back
 * packets, the same ones for the same seed.
 *
 * Both ends must show frames as they are on a wire: no GRO where it reads, no checksum or
 * segmentation offload at the peer that sends into it.
 */
#include "tool.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64,
	POOL = 65536, /* frames on their way in one direction */
	FRAME_MAX = 4000,
	SOCKET_BUFFER = 64 << 20,
	HOLD_DEFAULT_US = 10000,
	GRAIN_NS = 50000, /* frames that are due within this time leave together */
};

struct frame {
	uint64_t due_ns;
	uint64_t number; /* of frames with the same due_ns, the first that came leaves first */
	uint32_t len;
	unsigned char data[FRAME_MAX];
};

struct faults {
	double loss;
	double dup;
	double reorder;
	uint64_t hold_ns; /* how much later a packet that is reordered comes */
};

/* One direction. */
struct way {
	int in;
	int out;
	uint64_t random;
	uint64_t number;
	struct frame *pool;
	struct frame **unused;
	uint32_t unused_count;
	struct frame **heap; /* on the way, the one due first at the top */
	uint32_t heap_count;
	struct {
		uint64_t in, out, lost, doubled, reordered;   /* as ordered by the options */
		uint64_t overflow, too_long, refused, missed; /* failures of this program */
	} count;
};

struct cable {
	struct way way[2];
	uint64_t delay_ns;
	struct faults faults;
	uint64_t drained_ns; /* when both ends were last found empty */
};

static bool frame_before(const struct frame *a, const struct frame *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void heap_push(struct way *w, struct frame *f)
{
	uint32_t i = w->heap_count++;

	for (; i && frame_before(f, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = f;
}

static struct frame *heap_pop(struct way *w)
{
	struct frame *top = w->heap[0], *last = w->heap[--w->heap_count];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < w->heap_count) {
		if (child + 1 < w->heap_count && frame_before(w->heap[child + 1], w->heap[child]))
			child++;
		if (!frame_before(w->heap[child], last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return top;
}

/* splitmix64, as a number in [0, 1). */
static double random_unit(struct way *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (double)((z ^ z >> 31) >> 11) / (double)(1ULL << 53);
}

/*
 * Neighbour discovery and multicast listener reports come whenever the kernels like. They take
 * no part in the faults, or the same seed would hit other packets each time.
 */
static bool frame_is_housekeeping(const struct frame *f)
{
	enum { NEXT_HEADER = 14 + 6, ICMP_TYPE = 14 + 40, MLD_FIRST = 130, MLD2_REPORT = 143 };

	if (f->len < ICMP_TYPE + 1 || f->data[12] != 0x86 || f->data[13] != 0xdd)
		return true;
	if (f->data[NEXT_HEADER] == 0)
		return true; /* hop-by-hop options: MLD */
	return f->data[NEXT_HEADER] == 58 && f->data[ICMP_TYPE] >= MLD_FIRST &&
	       f->data[ICMP_TYPE] <= MLD2_REPORT;
}

static void way_put(struct way *w, struct frame *f, uint64_t due_ns)
{
	f->due_ns = due_ns;
	f->number = w->number++;
	heap_push(w, f);
}

static void way_put_copy(struct way *w, const struct frame *f, uint64_t due_ns)
{
	struct frame *copy;

	if (!w->unused_count) {
		w->count.overflow++;
		return;
	}
	copy = w->unused[--w->unused_count];
	copy->len = f->len;
	memcpy(copy->data, f->data, f->len);
	way_put(w, copy, due_ns);
	w->count.doubled++;
}

/* A frame that just came in. Always takes three random numbers, whatever the options are. */
static void way_accept(struct way *w, const struct cable *c, struct frame *f, uint64_t due_ns)
{
	const struct faults *faults = &c->faults;
	bool lose = false, twice = false, hold = false;

	w->count.in++;
	if (!frame_is_housekeeping(f)) {
		lose = random_unit(w) < faults->loss;
		twice = random_unit(w) < faults->dup;
		hold = random_unit(w) < faults->reorder;
	}
	if (lose) {
		w->count.lost++;
		w->unused[w->unused_count++] = f;
		return;
	}
	w->count.reordered += hold;
	way_put(w, f, due_ns + (hold ? faults->hold_ns : 0));
	if (twice)
		way_put_copy(w, f, due_ns);
}

/* Up to one batch of messages with room for a time stamp each. */
struct batch {
	struct mmsghdr message[BATCH];
	struct iovec vector[BATCH];
	struct frame *frame[BATCH];
	char control[BATCH][CMSG_SPACE(sizeof(struct timespec))];
};

static int batch_prepare(struct batch *b, struct way *w)
{
	int count = w->unused_count < BATCH ? w->unused_count : BATCH;

	for (int i = 0; i < count; i++) {
		b->frame[i] = w->unused[w->unused_count - 1 - i];
		b->vector[i] = (struct iovec){.iov_base = b->frame[i]->data, .iov_len = FRAME_MAX};
		b->message[i].msg_hdr = (struct msghdr){.msg_iov = &b->vector[i],
			.msg_iovlen = 1,
			.msg_control = b->control[i],
			.msg_controllen = sizeof(b->control[i])};
	}
	return count;
}

/* When the frame came in: not when we got round to look at it. */
static uint64_t message_time_ns(struct msghdr *m, int64_t offset_ns)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct timespec t;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return monotonic_ns();
	memcpy(&t, CMSG_DATA(c), sizeof(t));
	return t.tv_sec * NS_PER_S + t.tv_nsec + offset_ns;
}

/* Takes up to one batch of what waits at the end of the cable; returns how many frames. */
static int way_receive(struct way *w, const struct cable *c, int64_t offset_ns)
{
	static struct batch b;
	int count = batch_prepare(&b, w), i, got;
	struct frame *f;

	got = count ? recvmmsg(w->in, b.message, count, MSG_DONTWAIT | MSG_TRUNC, NULL) : 0;
	if (got <= 0)
		return 0;
	w->unused_count -= got;
	for (i = 0; i < got; i++) {
		f = b.frame[i];
		f->len = b.message[i].msg_len;
		if (f->len <= FRAME_MAX) {
			way_accept(w, c, f,
				message_time_ns(&b.message[i].msg_hdr, offset_ns) + c->delay_ns);
			continue;
		}
		w->count.too_long++;
		w->unused[w->unused_count++] = f;
	}
	return got;
}

/* Sends a batch. A frame that the interface refuses is counted and forgotten, as on a wire. */
static void way_transmit(struct way *w, struct frame **frame, int count)
{
	struct mmsghdr message[BATCH] = {0};
	struct iovec vector[BATCH];
	int i, done = 0, sent;

	for (i = 0; i < count; i++) {
		vector[i] = (struct iovec){.iov_base = frame[i]->data, .iov_len = frame[i]->len};
		message[i].msg_hdr.msg_iov = &vector[i];
		message[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < count) {
		sent = sendmmsg(w->out, message + done, count - done, 0);
		if (sent <= 0) {
			w->count.refused++;
			done++;
			continue;
		}
		w->count.out += sent;
		done += sent;
	}
}

/* Sends all that is due; returns when the next frame is, 0 if there is none. */
static uint64_t way_flush(struct way *w)
{
	struct frame *frame[BATCH];
	uint64_t now_ns = monotonic_ns();
	int count = BATCH;

	while (count == BATCH) {
		for (count = 0; count < BATCH && w->heap_count && w->heap[0]->due_ns <= now_ns;)
			frame[count++] = heap_pop(w);
		way_transmit(w, frame, count);
		for (int i = count; i--;)
			w->unused[w->unused_count++] = frame[i];
	}
	return w->heap_count ? w->heap[0]->due_ns : 0;
}

static void cable_receive(struct cable *c)
{
	int64_t offset_ns = monotonic_offset_ns();

	c->drained_ns = monotonic_ns();
	for (int i = 0; i < 2; i++)
		while (way_receive(&c->way[i], c, offset_ns) == BATCH)
			;
}

/* When something has to be done next, 0 if nothing before a frame comes. */
static uint64_t cable_flush(struct cable *c)
{
	uint64_t a = way_flush(&c->way[0]), b = way_flush(&c->way[1]);
	uint64_t due_ns = !a || (b && b < a) ? b : a;

	/* A frame that comes after we looked is due this much later, or after that. */
	if (due_ns > c->drained_ns + c->delay_ns)
		due_ns = c->drained_ns + c->delay_ns;
	return due_ns;
}

/*
 * While frames are on their way nobody has to look at the ends: what comes in has its time stamp
 * from the kernel and waits until the next frame is due. That halves the wake-ups.
 */
static void cable_run(struct cable *c)
{
	struct pollfd fd[3] = {{.fd = end_signal_open(), .events = POLLIN},
		{.fd = c->way[0].in, .events = POLLIN}, {.fd = c->way[1].in, .events = POLLIN}};
	bool patient = c->delay_ns > GRAIN_NS;
	struct timespec timeout;
	uint64_t due_ns = 0, now_ns;

	while (!fd[0].revents) {
		now_ns = monotonic_ns();
		timeout = timespec_of(due_ns > now_ns + GRAIN_NS ? due_ns - now_ns : GRAIN_NS);
		if (ppoll(fd, due_ns && patient ? 1 : 3, due_ns ? &timeout : NULL, NULL) < 0)
			die("ppoll");
		cable_receive(c);
		due_ns = cable_flush(c);
	}
}

static int end_open(const char *name)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd, on = 1, size = SOCKET_BUFFER;

	address.sll_ifindex = if_nametoindex(name);
	if (!address.sll_ifindex)
		die("%s", name);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("packet socket");
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)))
		die("PACKET_IGNORE_OUTGOING (needs Linux 4.20)");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("SO_RCVBUFFORCE");
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)))
		die("SO_TIMESTAMPNS");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		die("SO_SNDBUFFORCE");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind to %s", name);
	return fd;
}

static void *memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void way_init(struct way *w, int in, int out, uint64_t seed)
{
	w->in = in;
	w->out = out;
	w->random = seed;
	w->pool = memory(POOL * sizeof(*w->pool));
	w->unused = memory(POOL * sizeof(*w->unused));
	w->heap = memory(POOL * sizeof(*w->heap));
	while (w->unused_count < POOL) {
		w->unused[w->unused_count] = &w->pool[POOL - 1 - w->unused_count];
		w->unused_count++;
	}
}

static void way_print(struct way *w, const char *from, const char *to, const char *end)
{
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);

	getsockopt(w->in, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	w->count.missed = stats.tp_drops;
	printf("\"%s>%s\": {\"in\": %lu, \"out\": %lu, \"lost\": %lu, \"doubled\": %lu, "
	       "\"reordered\": %lu, \"overflow\": %lu, \"too_long\": %lu, \"refused\": %lu, "
	       "\"missed\": %lu}%s",
		from, to, w->count.in, w->count.out, w->count.lost, w->count.doubled,
		w->count.reordered, w->count.overflow, w->count.too_long, w->count.refused,
		w->count.missed, end);
}

static double probability_of(const char *text, const char *what)
{
	char *end;
	double p = strtod(text, &end);

	errno = 0; /* for die() */
	if (end == text || *end || p < 0 || p > 1)
		die("--%s: '%s' is not a probability (0 to 1)", what, text);
	return p;
}

static void options(struct cable *c, int argc, char **argv, uint64_t *ret_seed)
{
	static const struct option known[] = {{"delay-us", 1, NULL, 'd'}, {"loss", 1, NULL, 'l'},
		{"dup", 1, NULL, 'u'}, {"reorder", 1, NULL, 'r'}, {"hold-us", 1, NULL, 'h'},
		{"seed", 1, NULL, 's'}, {0}};
	int o;

	c->faults.hold_ns = HOLD_DEFAULT_US * 1000ULL;
	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (o == 'd')
			c->delay_ns = number_of(optarg, "--delay-us") * 1000;
		else if (o == 'h')
			c->faults.hold_ns = number_of(optarg, "--hold-us") * 1000;
		else if (o == 's')
			*ret_seed = number_of(optarg, "--seed");
		else if (o == 'l')
			c->faults.loss = probability_of(optarg, "loss");
		else if (o == 'u')
			c->faults.dup = probability_of(optarg, "dup");
		else if (o == 'r')
			c->faults.reorder = probability_of(optarg, "reorder");
		else
			exit(2);
	}
}

/* A cable does not wait for the load of the machine. Not fatal: only times get less exact. */
static void prefer_us(void)
{
	struct sched_param first = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &first))
		perror("no real-time priority");
	prctl(PR_SET_TIMERSLACK, 1);
}

int main(int argc, char **argv)
{
	static struct cable c;
	uint64_t seed = 1;
	int a, b;

	options(&c, argc, argv, &seed);
	if (argc - optind != 2) {
		fprintf(stderr, "usage: cable [--delay-us N] [--loss P] [--dup P] [--reorder P "
				"[--hold-us N]] [--seed N] INTERFACE INTERFACE\n");
		return 2;
	}
	a = end_open(argv[optind]);
	b = end_open(argv[optind + 1]);
	way_init(&c.way[0], a, b, 2 * seed);
	way_init(&c.way[1], b, a, 2 * seed + 1);
	prefer_us();
	say_ready();
	cable_run(&c);
	printf("{");
	way_print(&c.way[0], argv[optind], argv[optind + 1], ", ");
	way_print(&c.way[1], argv[optind + 1], argv[optind], "}\n");
	return 0;
}
