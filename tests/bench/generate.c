// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * generate BUILD INTERFACE TO-MAC PACKETS OCTETS [OPTION...]: sends UDP packets to random HoAs out
 * of an interface, straight from the kernel (XDP live frames), from one processor. On veth whatever
 * receives them, and what that sends on, runs on the same processor, before the next ones; so the
 * time that this takes there, in this thread and in ksoftirqd, is the cost of the whole way.
 *
 *	--hit FIRST,COUNT	HoAs to take, by number; default 0,1000
 *	--other FIRST,COUNT	and those of all packets but one in --one-in
 *	--one-in N
 *	--block ADDRESS/LEN	where they are: LEN from 32 to 64; default 2001:db8:8000::/33
 *	--to ADDRESS		of all packets, instead
 *	--from ADDRESS
 *	--tunnel FROM,TO	all in a tunnel between these
 *	--rate R		a second; 0: as fast as it goes
 *	--cpu N
 *
 * Prints what was sent and how long it took, as JSON. A signal ends it early.
 */
#include "softirq.h"
#include "wire.h"
#include "tests/tools/tool.h"
#include "dlma/types.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <getopt.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OCTETS_MAX = 1600, AT_ONCE = 64, TURN_MS = 10, UNPACED = 1 << 16, PORT = 9 };

struct generator {
	struct wire_control *control;
	int program;
	uint64_t packets, rate;
	uint32_t octets;
	int cpu;
	const char *to, *from, *tunnel;
	uint8_t frame[OCTETS_MAX];
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void program_open(struct generator *g, const char *build, struct wire_control *control)
{
	char path[512];
	struct bpf_object *o;
	int fd;

	snprintf(path, sizeof(path), "%s/bench/wire.bpf.o", build);
	o = bpf_object__open_file(path, NULL);
	if (!o || bpf_object__load(o))
		die("%s", path);
	fd = bpf_object__find_map_fd_by_name(o, "wire");
	g->program = bpf_program__fd(bpf_object__find_program_by_name(o, "generate"));
	g->control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (g->control == MAP_FAILED)
		die("map of the generator");
	*g->control = *control;
}

static void mac_of(const char *interface, uint8_t ret[6])
{
	struct ifreq r = {0};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &r))
		die("%s", interface);
	memcpy(ret, r.ifr_hwaddr.sa_data, 6);
	close(fd);
}

static struct dlma_addr address_of(const char *text)
{
	struct dlma_addr a;

	if (inet_pton(AF_INET6, text, &a) != 1)
		die("'%s' is no IPv6 address", text);
	return a;
}

static void ip6_fill(struct ip6_hdr *ip6, const struct dlma_addr *src, const struct dlma_addr *dst,
	uint8_t next, uint32_t payload)
{
	ip6->ip6_flow = htonl(6U << 28);
	ip6->ip6_plen = htons((uint16_t)payload);
	ip6->ip6_nxt = next;
	ip6->ip6_hlim = 64;
	memcpy(&ip6->ip6_src, src, sizeof(*src));
	memcpy(&ip6->ip6_dst, dst, sizeof(*dst));
}

/* Writes the tunnel's header; returns what comes after it. */
static struct ip6_hdr *tunnel_fill(const struct generator *g, struct ip6_hdr *outer)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	struct dlma_addr src, dst;

	if (sscanf(g->tunnel, "%45[^,],%45s", from, to) != 2)
		die("'%s' is not FROM,TO", g->tunnel);
	src = address_of(from);
	dst = address_of(to);
	ip6_fill(outer, &src, &dst, IPPROTO_IPV6,
		g->octets - (uint32_t)(sizeof(struct ether_header) + sizeof(*outer)));
	return outer + 1;
}

static void frame_fill(
	struct generator *g, const char *interface, const char *to_mac, struct wire_control *c)
{
	struct dlma_addr src = address_of(g->from ? g->from : "fd00::2");
	struct dlma_addr dst = address_of(g->to ? g->to : "2001:db8::1");
	struct ether_header *eth = (void *)g->frame;
	struct ether_addr *mac = ether_aton(to_mac);
	struct ip6_hdr *ip6 = (void *)(eth + 1);
	struct udphdr *udp;
	uint32_t payload;

	c->tunnelled = g->tunnel != NULL;
	if (!mac || g->octets < WIRE_HEAD + WIRE_OUTER * c->tunnelled ||
		g->octets > sizeof(g->frame))
		die("'%s' is no MAC address, or %u octets are too few or too many", to_mac,
			g->octets);
	memcpy(eth->ether_dhost, mac, sizeof(eth->ether_dhost));
	mac_of(interface, eth->ether_shost);
	eth->ether_type = htons(ETHERTYPE_IPV6);
	if (g->tunnel)
		ip6 = tunnel_fill(g, ip6);
	udp = (void *)(ip6 + 1);
	payload = (uint32_t)(g->frame + g->octets - (uint8_t *)udp);
	ip6_fill(ip6, &src, &dst, IPPROTO_UDP, payload);
	*udp = (struct udphdr){.uh_sport = htons(PORT), .uh_dport = htons(PORT)};
	udp->uh_ulen = htons((uint16_t)payload);
	memcpy(c->head, g->frame, sizeof(c->head));
}

static void block_set(const char *text, struct wire_control *c)
{
	char address[INET6_ADDRSTRLEN];
	struct dlma_addr a;
	uint32_t len;

	if (sscanf(text, "%45[^/]/%u", address, &len) != 2 || len < 32 || len > 64)
		die("'%s' is not ADDRESS/LEN", text);
	a = address_of(address);
	c->block_mask = len > 32 ? ~0U << (64 - len) : 0;
	c->block = ntohl(a.w[1]) & c->block_mask;
}

static void send_some(const struct generator *g, uint64_t count)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = g->frame, .data_size_in = g->octets,
		.repeat = (int)count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = AT_ONCE);
	int err = bpf_prog_test_run_opts(g->program, &opts);

	if (err && err != -EINTR && errno != EINTR)
		die("sending");
}

static void run(const struct generator *g)
{
	uint64_t left = g->packets, some, begin_ns = monotonic_ns(), turn = 0;

	while (left && !stopped) {
		some = g->rate ? g->rate * TURN_MS / 1000 : UNPACED;
		some = some < left ? some : left;
		send_some(g, some);
		left -= some;
		if (g->rate) {
			struct timespec next = timespec_of(begin_ns + ++turn * TURN_MS * NS_PER_MS);

			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		}
	}
}

static struct wire_keys keys_of(const char *text)
{
	struct wire_keys k;

	if (sscanf(text, "%u,%u", &k.first, &k.count) != 2)
		die("'%s' is not FIRST,COUNT", text);
	return k;
}

static void options_read(struct generator *g, struct wire_control *c, int argc, char **argv)
{
	static const struct option known[] = {{"hit", 1, NULL, 'h'}, {"other", 1, NULL, 'o'},
		{"one-in", 1, NULL, 'n'}, {"rate", 1, NULL, 'r'}, {"to", 1, NULL, 't'},
		{"from", 1, NULL, 'f'}, {"block", 1, NULL, 'b'}, {"tunnel", 1, NULL, 'x'},
		{"cpu", 1, NULL, 'c'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (o == 'h')
			c->keys[0] = keys_of(optarg);
		else if (o == 'o')
			c->keys[1] = keys_of(optarg);
		else if (o == 'n')
			c->one_in = (uint32_t)number_of(optarg, "--one-in");
		else if (o == 'r')
			g->rate = number_of(optarg, "--rate");
		else if (o == 't')
			g->to = optarg;
		else if (o == 'b')
			block_set(optarg, c);
		else if (o == 'x')
			g->tunnel = optarg;
		else if (o == 'f')
			g->from = optarg;
		else if (o == 'c')
			g->cpu = (int)number_of(optarg, "--cpu");
		else
			exit(2);
	}
	if (argc - optind != 5)
		die("usage: generate [OPTION...] BUILD INTERFACE TO-MAC PACKETS OCTETS");
	if (g->to)
		c->keys[0] = (struct wire_keys){0};
}

int main(int argc, char **argv)
{
	static struct generator g;
	struct wire_control c = {.keys = {{0, 1000}}};
	struct sigaction stop = {.sa_handler = on_stop};
	uint64_t thread_ns, softirq_ns, begin_ns;

	block_set("2001:db8:8000::/33", &c);
	options_read(&g, &c, argc, argv);
	argv += optind;
	sigaction(SIGTERM, &stop, NULL);
	g.packets = number_of(argv[3], "PACKETS");
	g.octets = (uint32_t)number_of(argv[4], "OCTETS");
	c.ifindex = if_nametoindex(argv[1]);
	c.state = monotonic_ns();
	if (!c.ifindex)
		die("%s", argv[1]);
	frame_fill(&g, argv[1], argv[2], &c);
	program_open(&g, argv[0], &c);
	stay_on(g.cpu);
	softirq_ns = softirqd_ns(g.cpu);
	thread_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	begin_ns = monotonic_ns();
	say_ready();
	run(&g);
	printf("{\"sent\": %llu, \"thread_ns\": %lu, \"softirqd_ns\": %lu, \"wall_ns\": %lu}\n",
		g.control->packets, clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread_ns,
		softirqd_ns(g.cpu) - softirq_ns, monotonic_ns() - begin_ns);
	return 0;
}
