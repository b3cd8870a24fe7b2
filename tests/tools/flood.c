// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Hostile signalling and tunnels, from any source that it likes: many times what was recorded, as
 *it was, with bits turned, or cut; Mobility Headers of strangers; tunnelled packets of nobody. Says
 * under which reason the receiver has to count each, as JSON.
 *
 *	flood [OPTION...] as-is|turned|cut FILE		FILE: source, destination, length, octets;
 *... flood [OPTION...] stranger TO flood [OPTION...] tunnel TO INNER-SRC INNER-DST
 *
 * Whatever is sent again goes to the destination that it had, or to that of --to. With --watch the
 * tool waits whenever the receiver's socket has something left to read, so that nothing is lost.
 */
#include "tool.h"
#include "wire/mh.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	IP6_LEN = 40,
	UDP_LEN = 8,
	LETTERS_MAX = 4096,
	BURST = 64,
	PATIENCE_MS = 10000,
	MH_TYPE_AT = 2,
	TURNABLE_FROM = 6, /* the checksum before is made anew */
	TURNS_MAX = 4,
	STRANGER_LEN_MAX = 64,
};

struct letter {
	struct dlma_addr src, dst;
	uint16_t len;
	uint8_t bytes[MH_MAX_LEN];
};

struct flood {
	uint64_t count, rate;
	uint64_t random;
	const char *to;	     /* NULL: where each was going */
	const char *watched; /* process; NULL: nobody */
	struct letter *letters;
	size_t letter_count;
	uint64_t reasons[DLMA_SIGNAL_REASON_COUNT];
	uint64_t sent, lost;
	int fd;
};

/* xorshift64: the same seed floods alike. */
static uint64_t next_random(struct flood *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

static uint32_t below(struct flood *f, uint32_t limit)
{
	return (uint32_t)(next_random(f) >> 16) % limit;
}

static struct dlma_addr address_of(const char *text)
{
	struct dlma_addr a;

	errno = 0;
	if (inet_pton(AF_INET6, text, &a) != 1)
		die("'%s' is not an IPv6 address", text);
	return a;
}

/* An address of 2001:db8:bad::/48, where nobody lives. */
static struct dlma_addr nobody(struct flood *f)
{
	struct dlma_addr a = {.b = {0x20, 1, 0x0d, 0xb8, 0x0b, 0xad}};

	for (int i = 8; i < 16; i++)
		a.b[i] = (uint8_t)below(f, 256);
	return a;
}

static void read_letters(struct flood *f, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct letter *l;
	uint8_t len[2];

	if (!file)
		die("%s", path);
	f->letters = calloc(LETTERS_MAX, sizeof(*f->letters));
	if (!f->letters)
		die("no memory");
	while (f->letter_count < LETTERS_MAX) {
		l = &f->letters[f->letter_count];
		if (fread(&l->src, 16, 1, file) != 1)
			break;
		if (fread(&l->dst, 16, 1, file) != 1 || fread(len, 2, 1, file) != 1)
			die("%s is cut off", path);
		l->len = (uint16_t)(len[0] << 8 | len[1]);
		if (l->len > sizeof(l->bytes) || fread(l->bytes, l->len, 1, file) != 1)
			die("%s is cut off", path);
		f->letter_count++;
	}
	fclose(file);
	errno = 0;
	if (!f->letter_count)
		die("%s is empty", path);
}

/* Sending */

static void put_header(uint8_t *p, uint8_t next, size_t len, const struct dlma_addr *src,
	const struct dlma_addr *dst)
{
	memset(p, 0, 8);
	p[0] = 6 << 4;
	p[4] = (uint8_t)(len >> 8);
	p[5] = (uint8_t)len;
	p[6] = next;
	p[7] = 64;
	memcpy(p + 8, src, 16);
	memcpy(p + 24, dst, 16);
}

static void emit(struct flood *f, const uint8_t *packet, size_t len)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};

	memcpy(&to.sin6_addr, packet + 24, 16);
	while (sendto(f->fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
		if (errno != ENOBUFS && errno != EAGAIN)
			die("cannot send");
		usleep(100);
	}
	f->sent++;
}

static void emit_letter(struct flood *f, const struct letter *l)
{
	uint8_t packet[IP6_LEN + sizeof(l->bytes)];

	put_header(packet, MH_PROTOCOL, l->len, &l->src, &l->dst);
	memcpy(packet + IP6_LEN, l->bytes, l->len);
	if (l->len >= MH_MIN_LEN)
		mh_checksum_set(&l->src, &l->dst, packet + IP6_LEN, l->len);
	emit(f, packet, IP6_LEN + l->len);
}

/* Octets that the watched process has not read yet, and how many messages were lost on it. */
static uint64_t unread(const struct flood *f, uint64_t *ret_drops)
{
	char path[64], line[512];
	unsigned int protocol;
	unsigned long tx, rx;
	uint64_t left = 0;
	FILE *file;

	*ret_drops = 0;
	snprintf(path, sizeof(path), "/proc/%s/net/raw6", f->watched);
	file = fopen(path, "r");
	if (!file)
		die("%s", path);
	while (fgets(line, sizeof(line), file)) {
		char *drops = strrchr(line, ' ');

		if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %*x %lx:%lx", &protocol, &tx,
			    &rx) != 3 ||
			protocol != MH_PROTOCOL)
			continue;
		while (drops > line && drops[1] == '\n')
			*drops = '\n', drops = strrchr(line, ' ');
		left += rx;
		*ret_drops += strtoull(drops, NULL, 10);
	}
	fclose(file);
	return left;
}

static void wait_until_read(const struct flood *f)
{
	uint64_t end = monotonic_ns() + PATIENCE_MS * NS_PER_MS, drops;

	while (f->watched && unread(f, &drops)) {
		errno = 0;
		if (monotonic_ns() > end)
			die("process %s reads no more", f->watched);
		usleep(200);
	}
}

static void pace(struct flood *f, uint64_t start_ns)
{
	uint64_t due_ns = start_ns + f->sent * NS_PER_S / f->rate;
	struct timespec due = timespec_of(due_ns);

	if (f->sent % BURST)
		return;
	wait_until_read(f);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

/* What is sent, and what has to become of it */

/* Nothing here has a key, so what can be read at all fails at the authentication. */
static enum dlma_signal_reason fate_of(const struct letter *l, uint32_t spi)
{
	struct mh_message m;
	unsigned int unknown = 0;
	enum dlma_signal_reason reason = mh_decode(l->bytes, l->len, &m, &unknown);

	if (reason != DLMA_SIGNAL_accepted)
		return reason;
	if (!mh_option_has(&m.options, MH_OPTION_AUTHENTICATION) || m.options.auth.subtype != 1)
		return DLMA_SIGNAL_auth_missing;
	return m.options.auth.spi == spi ? DLMA_SIGNAL_auth_failed : DLMA_SIGNAL_auth_spi;
}

static uint32_t spi_of(const struct letter *l)
{
	struct mh_message m;
	unsigned int unknown = 0;

	errno = 0;
	if (mh_decode(l->bytes, l->len, &m, &unknown) ||
		!mh_option_has(&m.options, MH_OPTION_AUTHENTICATION))
		die("a message of the file is not authenticated");
	return m.options.auth.spi;
}

static void turn(struct flood *f, struct letter *l)
{
	struct letter was = *l;

	do {
		*l = was;
		for (uint32_t i = below(f, TURNS_MAX) + 1; i; i--)
			l->bytes[TURNABLE_FROM + below(f, l->len - TURNABLE_FROM)] ^=
				(uint8_t)(1 << below(f, 8));
	} while (!memcmp(l->bytes, was.bytes, l->len));
}

/* Half of the time the Header Len field is made to fit. */
static void cut(struct flood *f, struct letter *l)
{
	l->len = (uint16_t)(1 + below(f, l->len - 1));
	if (l->len >= MH_MIN_LEN && below(f, 2)) {
		l->len &= (uint16_t)~7;
		l->bytes[1] = (uint8_t)(l->len / 8 - 1);
	}
}

static void send_letters(struct flood *f, void (*change)(struct flood *f, struct letter *l))
{
	uint64_t start_ns = monotonic_ns();

	while (f->sent < f->count) {
		struct letter l = f->letters[f->sent % f->letter_count];
		uint32_t spi = spi_of(&l);

		if (f->to)
			l.dst = address_of(f->to);
		if (change) {
			change(f, &l);
			f->reasons[fate_of(&l, spi)]++;
		}
		emit_letter(f, &l);
		pace(f, start_ns);
	}
}

static void send_strangers(struct flood *f, const char *to)
{
	uint64_t start_ns = monotonic_ns();

	while (f->sent < f->count) {
		struct letter l = {.src = nobody(f), .dst = address_of(to)};

		l.len = (uint16_t)(8 + 8 * below(f, STRANGER_LEN_MAX / 8));
		for (uint16_t i = 0; i < l.len; i++)
			l.bytes[i] = (uint8_t)below(f, 256);
		l.bytes[0] = MH_NO_NEXT_HEADER;
		l.bytes[1] = (uint8_t)(l.len / 8 - 1);
		l.bytes[MH_TYPE_AT] = (uint8_t)f->sent;
		f->reasons[DLMA_SIGNAL_stranger]++;
		emit_letter(f, &l);
		pace(f, start_ns);
	}
}

static void send_tunnels(struct flood *f, char **words)
{
	struct dlma_addr to = address_of(words[0]), src = address_of(words[1]),
			 dst = address_of(words[2]);
	uint8_t packet[2 * IP6_LEN + UDP_LEN] = {0};
	uint64_t start_ns = monotonic_ns();

	put_header(packet + IP6_LEN, IPPROTO_UDP, UDP_LEN, &src, &dst);
	packet[2 * IP6_LEN + 5] = UDP_LEN;
	while (f->sent < f->count) {
		struct dlma_addr from = nobody(f);

		put_header(packet, IPPROTO_IPV6, IP6_LEN + UDP_LEN, &from, &to);
		emit(f, packet, sizeof(packet));
		pace(f, start_ns);
	}
}

static void print_report(struct flood *f)
{
	uint64_t drops = 0;

	wait_until_read(f);
	if (f->watched)
		(void)unread(f, &drops);
	printf("{\"sent\": %llu, \"dropped\": %llu, \"reasons\": {", (unsigned long long)f->sent,
		(unsigned long long)(drops - f->lost));
	for (int i = 0, some = 0; i < DLMA_SIGNAL_REASON_COUNT; i++)
		if (f->reasons[i])
			printf("%s\"%s\": %llu", some++ ? ", " : "", dlma_signal_texts[i].name,
				(unsigned long long)f->reasons[i]);
	printf("}}\n");
}

static void run(struct flood *f, char **words, int count)
{
	const char *mode = words[0];

	errno = 0;
	if (!strcmp(mode, "stranger") && count == 2) {
		send_strangers(f, words[1]);
	} else if (!strcmp(mode, "tunnel") && count == 4) {
		send_tunnels(f, words + 1);
	} else if (count == 2) {
		read_letters(f, words[1]);
		if (!strcmp(mode, "as-is"))
			send_letters(f, NULL);
		else if (!strcmp(mode, "turned"))
			send_letters(f, turn);
		else if (!strcmp(mode, "cut"))
			send_letters(f, cut);
		else
			die("no mode '%s'", mode);
	} else {
		die("mode %s: wrong number of arguments", mode);
	}
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"count", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, 'r'},
		{"seed", required_argument, NULL, 's'},
		{"to", required_argument, NULL, 't'},
		{"watch", required_argument, NULL, 'w'},
		{0},
	};
	struct flood f = {.count = 1000, .rate = 20000, .random = 1};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (c == 'c')
			f.count = number_of(optarg, "--count");
		else if (c == 'r')
			f.rate = number_of(optarg, "--rate");
		else if (c == 's')
			f.random = number_of(optarg, "--seed") * 2654435761U + 1;
		else if (c == 't')
			f.to = optarg;
		else if (c == 'w')
			f.watched = optarg;
		else
			return 2;
	}
	if (optind == argc || !f.rate)
		die("usage: flood [OPTION...] MODE ARGUMENT...");
	f.fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (f.fd < 0)
		die("cannot open a raw socket");
	if (f.watched)
		(void)unread(&f, &f.lost);
	run(&f, argv + optind, argc - optind);
	print_report(&f);
	return 0;
}
