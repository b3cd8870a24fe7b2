// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * packet BUILD full|quick|check [SIZE...]: what a packet costs in the production programs, without
 * any network around them. Writes BUILD/bench/packet.json.
 *
 * All cases of one table size are run in turns of some milliseconds, many rounds of them, and so
 * are an empty program, the floor and the memory. What a case costs is its time less that of the
 * empty program in the same round. Whatever else the machine does only ever adds to a time, so
 * goals are held against the smallest of each; the median and the spread tell how quiet it was.
 */
#include "cases.h"
#include "rows.h"
#include "zipf.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	ROUNDS_MAX = 64,
	TURN_NS = 8000000,
	LONG_TURN_NS = 50000000,
	OCTETS_MAX = 2048,
	CHAIN_LINES = 1 << 20, /* 64 MB: in no cache */
	CASES_MAX = 32,
	FIRST_REPEAT = 200,
	TICK_NS = DLMA_TICK_MS * 1000000,
};

/* One program with one way of drawing keys; `ns` by round, for each packet. */
struct series {
	const struct bench_case *c;
	struct bench_node *node;
	int program;
	uint32_t repeat;
	double ns[ROUNDS_MAX];
	const struct series *empty; /* what is not the case's own */
};

struct phase {
	const struct bench_shared *shared;
	enum bench_hook hook;
	unsigned int size; /* of the tables: BENCH_* */
	unsigned int rounds;
	int64_t turn_ns, long_turn_ns;
	struct bench_node *node[BENCH_ROLES];
	struct series series[2 * CASES_MAX + 2];
	unsigned int count, first_case;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Runs a program. Returns the nanoseconds that the kernel counts for one run, or -errno. */
static int64_t run(const struct phase *p, const struct bench_case *c, int program, uint32_t repeat,
	const uint8_t *frame, uint32_t octets, uint8_t *out, uint32_t *out_octets)
{
	bool from_mn = c && c->frame == FRAME_FROM_MN;
	uint32_t ingress = p->shared->links.ifindex[from_mn ? LINK_ACCESS : LINK_CORE];
	struct xdp_md md = {.ingress_ifindex = ingress, .data_end = octets};
	struct __sk_buff skb = {.ifindex = ingress};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = octets,
		.data_out = out, .data_size_out = out ? OCTETS_MAX : 0, .repeat = (int)repeat);

	opts.ctx_in = p->hook == BENCH_XDP ? (void *)&md : (void *)&skb;
	opts.ctx_size_in = p->hook == BENCH_XDP ? sizeof(md) : sizeof(skb);
	if (bpf_prog_test_run_opts(program, &opts) && errno != ENOSPC)
		return -errno;
	if (out_octets)
		*out_octets = opts.data_size_out;
	return opts.duration;
}

/* The tables as this case wants them. */
static int prepare(const struct phase *p, const struct bench_case *c, struct bench_node *n)
{
	enum link out = !c->other_link ? LINK_CORE : c->role == BENCH_MAG ? LINK_CORE : LINK_CORE2;
	int err = bench_node_set_out(n, p->shared->links.ifindex[out]);
	uint32_t owners = c->owners ? c->owners : 16;

	err = err ? err : bench_node_set_owners(n, owners);
	n->control->keys = c->keys;
	n->control->octets = c->octets;
	n->control->count = c->keys == BENCH_KEYS_ABSENT ? owners : n->locations;
	return err;
}

static void turn_clock(struct bench_node *n)
{
	n->clock->tick = (uint32_t)(now_ns() / TICK_NS);
}

static int64_t run_series(const struct phase *p, struct series *s, uint32_t repeat)
{
	static uint8_t frame[OCTETS_MAX];
	static const struct bench_case chain = {.octets = 128};
	const struct bench_case *c = s->c ? s->c : &chain;
	uint32_t octets = bench_frame(c, 0, frame);
	int err = s->c ? prepare(p, c, s->node) : 0;

	if (err)
		return err;
	if (s->c)
		memcpy(s->node->control->head, frame, BENCH_HEAD);
	turn_clock(s->node);
	return run(p, s->c, s->program, repeat, frame, octets, NULL, NULL);
}

static int complain(const struct phase *p, const struct series *s, const char *what)
{
	fprintf(stderr, "bench: %s %s %s: %s\n", bench_hook_names[p->hook],
		s->c ? s->c->name : "memory", bench_size_names[p->size], what);
	return -EINVAL;
}

/* One frame as users have it: the octets that come out. */
static int check_octets(struct phase *p, struct series *s)
{
	static uint8_t in[OCTETS_MAX], out[OCTETS_MAX];
	const char *name = s->c->frame == FRAME_FROM_MN ? "plain_access" : "plain_network";
	uint32_t index = s->c->keys == BENCH_KEYS_ABSENT ? 3 : s->node->locations / 3;
	uint32_t octets = bench_frame(s->c, index, in), got = 0;
	int err = prepare(p, s->c, s->node);
	int64_t ns =
		err ? err
		    : run(p, s->c, bench_node_program(s->node, name), 1, in, octets, out, &got);
	const char *wrong;

	if (ns < 0)
		return complain(p, s, strerror((int)-ns));
	wrong = bench_check(s->c, in, out, got, index);
	return wrong ? complain(p, s, wrong) : 0;
}

/* A run of the wrapper: every packet took the path that this case is about. */
static int check_path(struct phase *p, struct series *s)
{
	static struct dlma_counter before[DLMA_PACKET_REASON_COUNT],
		after[DLMA_PACKET_REASON_COUNT];
	struct bench_control *c = s->node->control;
	uint64_t packets = c->packets, failed = c->failed;
	int64_t moved = c->moved;
	int err = bench_node_counters(s->node, before);
	int64_t ns = err ? err : run_series(p, s, FIRST_REPEAT);

	err = ns < 0 ? (int)ns : bench_node_counters(s->node, after);
	if (err)
		return complain(p, s, strerror(-err));
	packets = c->packets - packets;
	if (packets != (uint64_t)FIRST_REPEAT * BENCH_BATCH || c->failed != failed)
		return complain(p, s, "not all packets ran, or were restored");
	if (c->moved - moved != (int64_t)packets * s->c->moved)
		return complain(p, s, "packets did not grow as they should");
	if (after[s->c->reason].packets - before[s->c->reason].packets != packets)
		return complain(p, s, "not all packets took this path");
	return 0;
}

/* Out of memory: it takes longer until the caches, and what is in them of page tables, settle. */
static bool is_large(const struct phase *p, const struct series *s)
{
	return s->empty ? p->size > BENCH_1K : !s->c;
}

static int64_t turn_ns(const struct phase *p, const struct series *s)
{
	return is_large(p, s) ? p->long_turn_ns : p->turn_ns;
}

/* How often to run it so that a turn takes so long. The first run only warms up. */
static int calibrate(struct phase *p, struct series *s)
{
	int64_t ns = run_series(p, s, FIRST_REPEAT);

	if (ns >= 0)
		ns = run_series(p, s, FIRST_REPEAT);
	if (ns < 0)
		return complain(p, s, strerror((int)-ns));
	s->repeat = (uint32_t)(turn_ns(p, s) / (ns ? ns : 1));
	s->repeat = s->repeat > 10 ? s->repeat : 10;
	return 0;
}

static struct series *add(
	struct phase *p, const struct bench_case *c, enum bench_role role, const char *program)
{
	struct series *s = &p->series[p->count++];

	*s = (struct series){.c = c, .node = p->node[role]};
	s->program = bench_node_program(s->node, program);
	return s;
}

static const struct series *find_empty(struct phase *p, const struct bench_case *c)
{
	char name[32];

	for (unsigned int i = 0; i < p->count; i++) {
		const struct series *s = &p->series[i];

		if (s->c && !s->empty && s->c->keys == c->keys && s->node == p->node[c->role] &&
			!strcmp(bench_layout(s->c->frame), bench_layout(c->frame)))
			return s;
	}
	snprintf(name, sizeof(name), "empty_%s", bench_layout(c->frame));
	return add(p, c, c->role, name);
}

static bool wanted(const struct phase *p, const struct bench_case *c)
{
	return c->hooks & 1u << p->hook && (!c->small_only || p->size == BENCH_1K);
}

/* The floor and the memory, each with its own empty program; then the cases. */
enum { SERIES_MEMORY, SERIES_EMPTY, SERIES_FLOOR, SERIES_FIRST };

static int add_all(struct phase *p)
{
	char name[32];

	if (p->hook == BENCH_XDP) {
		add(p, NULL, BENCH_OLMA, "memory");
		add(p, &bench_cases[0], BENCH_OLMA, "empty_native");
		add(p, &bench_cases[0], BENCH_OLMA, "floor_native")->empty =
			&p->series[SERIES_EMPTY];
	}
	p->first_case = p->count;
	for (unsigned int i = 0; i < bench_case_count; i++) {
		const struct bench_case *c = &bench_cases[i];
		const struct series *empty;

		if (!wanted(p, c))
			continue;
		empty = find_empty(p, c);
		snprintf(name, sizeof(name), "run_%s", bench_layout(c->frame));
		add(p, c, c->role, name)->empty = empty;
	}
	for (unsigned int i = 0; i < p->count; i++)
		if (p->series[i].program < 0)
			return complain(p, &p->series[i], "no such program");
	return 0;
}

static int open_nodes(struct phase *p)
{
	for (unsigned int role = 0; role < BENCH_ROLES; role++) {
		uint32_t chain = role == BENCH_OLMA && p->hook == BENCH_XDP ? CHAIN_LINES : 1;

		if (role == BENCH_MAG && p->size != BENCH_1K)
			continue;
		p->node[role] =
			bench_node_open(p->shared, p->hook, role, bench_sizes[p->size], chain);
		if (!p->node[role])
			return -EIO;
	}
	return 0;
}

static int check(struct phase *p, struct series *s)
{
	int err = s->c && s->empty ? check_octets(p, s) : 0;

	return err || !s->c || !s->empty ? err : check_path(p, s);
}

static int64_t warm_up(const struct phase *p, struct series *s)
{
	return is_large(p, s) ? run_series(p, s, s->repeat / 2 + 1) : 0;
}

static int take_turn(struct phase *p, struct series *s, unsigned int round)
{
	int64_t ns = warm_up(p, s);

	if (ns >= 0)
		ns = run_series(p, s, s->repeat);
	s->ns[round] = (double)ns / BENCH_BATCH;
	return ns < 0 ? (int)ns : 0;
}

static int measure(struct phase *p)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < p->count; i++) {
		err = i < p->first_case ? 0 : check(p, &p->series[i]);
		err = err || !p->rounds ? err : calibrate(p, &p->series[i]);
	}
	for (unsigned int round = 0; !err && round < p->rounds; round++)
		for (unsigned int i = 0; !err && i < p->count; i++)
			err = take_turn(p, &p->series[i], round);
	return err;
}

struct figure {
	double median, minimum, spread;
};

static struct figure figure(const struct phase *p, const struct series *s)
{
	struct figure f = {.minimum = 1e9};
	double net[ROUNDS_MAX], least = 1e9, least_empty = s->empty ? 1e9 : 0;

	for (unsigned int i = 0; i < p->rounds; i++) {
		double empty = s->empty ? s->empty->ns[i] : 0;

		net[i] = s->ns[i] - empty;
		least = s->ns[i] < least ? s->ns[i] : least;
		least_empty = empty < least_empty ? empty : least_empty;
	}
	f.minimum = least - least_empty;
	f.median = rows_median(net, p->rounds);
	f.spread = rows_spread(net, p->rounds);
	return f;
}

static double goal_ns(enum bench_unit unit, double factor, double floor, double memory)
{
	switch (unit) {
	case GOAL_FLOOR:
		return factor * floor;
	case GOAL_FLOOR_MEMORY:
		return factor * (floor + memory);
	case GOAL_NS_OR_FLOOR:
		return factor * floor > 10 ? factor * floor : 10;
	case GOAL_NONE:
		break;
	}
	return 0;
}

static void goal_text(char *ret, size_t size, enum bench_unit unit, double factor, double ns)
{
	static const char *const formulas[] = {
		[GOAL_FLOOR] = "%.1f ns = %.1f x floor",
		[GOAL_FLOOR_MEMORY] = "%.1f ns = %.1f x (floor + memory)",
		[GOAL_NS_OR_FLOOR] = "%.1f ns = 10 ns or %.1f x floor",
	};

	snprintf(ret, size, formulas[unit], ns, factor);
}

static void add_row(const struct phase *p, const struct series *s, double floor, double memory)
{
	char name[96], what[96], goal[96], line[64];
	struct figure f = figure(p, s);
	enum bench_unit unit = p->hook == BENCH_XDP ? s->c->goal[p->size].unit : GOAL_NONE;
	double ns = goal_ns(unit, s->c->goal[p->size].factor, floor, memory);

	snprintf(name, sizeof(name), "packet/%s/%s/%s", bench_hook_names[p->hook], s->c->name,
		bench_size_names[p->size]);
	snprintf(what, sizeof(what), "%s, %s locations, %s", s->c->what, bench_size_names[p->size],
		p->hook == BENCH_XDP ? "XDP" : "TC");
	snprintf(line, sizeof(line), "%s", s->c->what);
	if (unit)
		goal_text(goal, sizeof(goal), unit, s->c->goal[p->size].factor, ns);
	rows_add(&(struct row){.name = name,
		.what = what,
		.value = f.median,
		.unit = "ns",
		.spread = f.spread,
		.minimum = f.minimum,
		.goal = unit ? goal : NULL,
		.verdict = !unit	     ? ROW_NO_GOAL
			   : f.minimum <= ns ? ROW_REACHED
					     : ROW_MISSED,
		.group = p->hook == BENCH_XDP ? "packet/xdp" : "packet/tc",
		.line = line,
		.x = bench_sizes[p->size]});
}

static void add_plain(const struct phase *p, const char *kind, const char *what,
	const struct figure *f, const char *line)
{
	char name[96], text[96];

	snprintf(name, sizeof(name), "packet/%s/%s/%s", bench_hook_names[p->hook], kind,
		bench_size_names[p->size]);
	snprintf(text, sizeof(text), "%s (measured with %s)", what, bench_size_names[p->size]);
	rows_add(&(struct row){.name = name,
		.what = text,
		.value = f->median,
		.unit = "ns",
		.spread = f->spread,
		.minimum = f->minimum,
		.group = line ? "packet/xdp" : NULL,
		.line = line,
		.x = bench_sizes[p->size]});
}

static void add_memory(const struct phase *p)
{
	enum { GOAL = 130 };
	double octets = p->node[BENCH_OLMA]->memory;
	bool judged = p->size >= BENCH_1M;
	char name[64], what[96];

	snprintf(name, sizeof(name), "packet/memory-per-location/%s", bench_size_names[p->size]);
	snprintf(what, sizeof(what), "map memory for each of %s locations",
		bench_size_names[p->size]);
	rows_add(&(struct row){.name = name,
		.what = what,
		.value = octets,
		.minimum = octets,
		.unit = "octets",
		.goal = judged ? "130 octets" : NULL,
		.verdict = !judged	    ? ROW_NO_GOAL
			   : octets <= GOAL ? ROW_REACHED
					    : ROW_MISSED});
}

static void report(const struct phase *p)
{
	struct figure floor = {0}, memory = {0};

	if (p->hook == BENCH_XDP) {
		floor = figure(p, &p->series[SERIES_FLOOR]);
		memory = figure(p, &p->series[SERIES_MEMORY]);
		add_plain(p, "floor", "floor: room for 40 octets, 54 octets written", &floor,
			"floor");
		add_plain(p, "memory", "memory: a dependent load out of 64 MB", &memory, NULL);
		add_memory(p);
	}
	for (unsigned int i = p->first_case; i < p->count; i++)
		if (p->series[i].empty)
			add_row(p, &p->series[i], floor.minimum, memory.minimum);
}

static int run_phase(struct phase *p)
{
	int err = open_nodes(p);

	zipf_draw(p->shared->samples, BENCH_SAMPLES, bench_sizes[p->size], 11);
	err = err ? err : add_all(p);
	err = err ? err : measure(p);
	if (!err && p->rounds)
		report(p);
	for (unsigned int role = 0; role < BENCH_ROLES; role++)
		bench_node_close(p->node[role]);
	return err;
}

/* The counters are per CPU, and so are caches. */
static void stay(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* Whether there is no list, or it has that name. */
static bool is_listed(const char *name, char **list)
{
	char **at = list;

	while (*at && strcmp(*at, name))
		at++;
	return *at || !*list;
}

/* How thoroughly, by the word on the command line. */
static const struct extent {
	const char *word;
	unsigned int rounds; /* 0: the paths are checked, nothing is measured */
	unsigned int xdp_sizes, tc_sizes;
} extents[] = {
	{"full", 15, BENCH_SIZES, BENCH_SIZES},
	{"quick", 3, BENCH_4M, BENCH_100K},
	{"check", 0, BENCH_100K, BENCH_100K},
};

static const struct extent *extent_of(const char *word)
{
	for (size_t i = 0; i < sizeof(extents) / sizeof(*extents); i++)
		if (!strcmp(extents[i].word, word))
			return &extents[i];
	return NULL;
}

static int run_all(const struct bench_shared *shared, const struct extent *e, char **list)
{
	static struct phase p;
	int err = 0;

	for (unsigned int size = BENCH_1K; !err && size < BENCH_SIZES; size++)
		for (unsigned int hook = 0; !err && hook < BENCH_HOOKS; hook++) {
			if (!is_listed(bench_size_names[size], list) ||
				size >= (hook == BENCH_XDP ? e->xdp_sizes : e->tc_sizes))
				continue;
			p = (struct phase){.shared = shared,
				.hook = hook,
				.size = size,
				.rounds = e->rounds,
				.turn_ns = TURN_NS,
				.long_turn_ns = LONG_TURN_NS};
			err = run_phase(&p);
		}
	return err;
}

int main(int argc, char **argv)
{
	static struct bench_shared shared;
	const struct extent *e = argc > 2 ? extent_of(argv[2]) : NULL;
	int err;

	if (!e) {
		fputs("usage: packet BUILD full|quick|check [1k|100k|1M|4M...]\n", stderr);
		return 2;
	}
	err = bench_shared_open(&shared, argv[1]);
	err = err || !e->rounds ? err : rows_begin(argv[1], "packet");
	stay();
	err = err ? err : run_all(&shared, e, argv + 3);
	err = err || !e->rounds ? err : rows_end();
	return err ? 1 : 0;
}
