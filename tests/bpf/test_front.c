// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The front table (dlma/front.h) under its production writer, read by the production look-up: from
 * another CPU while it is written, after each single instruction of a write, and after a writer was
 * killed. Half of the locations are at all times too many for it.
 */
#include "base/node.h"
#include "io/locations.h"
#include "reader.h"
#include "reader.skel.h"
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STRESS_MS = 3000, /* unless DLMA_FRONT_MS says otherwise */
	LOCATIONS_MAX = 100,
	KILL_APART = 53, /* instructions, unless DLMA_FRONT_APART says otherwise */
};

struct setup {
	struct reader_bpf *bpf;
	struct reader_state *state; /* mapped, as the two below */
	struct dlma_clock *clock;
	struct dlma_node node;
	struct locations locations;
};

static struct setup s;

static void *map_memory(struct bpf_map *map, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	cr_assert_neq(p, MAP_FAILED, "cannot map %s", bpf_map__name(map));
	return p;
}

static struct dlma_addr key_of(uint32_t number)
{
	return (struct dlma_addr){.b = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0x55, (uint8_t)number}};
}

static void add_prefix(struct dlma_addr prefix, unsigned int len, unsigned int hnp_len)
{
	struct dlma_addr ones;

	memset(&ones, 0xff, sizeof(ones));
	s.node.superset[s.node.superset_count++] = (struct dlma_superset){
		.prefix = prefix,
		.mask = addr_masked(ones, len),
		.hnp_mask = addr_masked(ones, hnp_len),
	};
}

/* A table for fewer locations than there are. */
static void set_node(void)
{
	uint32_t zero = 0;

	node_set_front(&s.node, LOCATIONS_MAX);
	cr_assert_eq(
		bpf_map_update_elem(bpf_map__fd(s.bpf->maps.node), &zero, &s.node, BPF_ANY), 0);
}

static void open_maps(void)
{
	struct dlma_node plan = {.superset_count = 0};
	struct bpf_map *m;

	s.bpf = reader_bpf__open();
	cr_assert_not_null(s.bpf);
	node_set_front(&plan, LOCATIONS_MAX);
	bpf_object__for_each_map(m, s.bpf->obj) cr_assert_eq(bpf_map__set_pin_path(m, NULL), 0);
	bpf_map__set_max_entries(s.bpf->maps.front, 1u << plan.front_bits);
	bpf_map__set_max_entries(s.bpf->maps.locations, READER_KEYS);
	if (reader_bpf__load(s.bpf) == -EPERM)
		cr_skip_test("this needs the right to load BPF programs (run as root)");
	cr_assert_geq(bpf_map__fd(s.bpf->maps.state), 0, "the reader does not load");
}

static void one_prefix(void)
{
	s.node = (struct dlma_node){.version = DLMA_ABI_VERSION};
	add_prefix((struct dlma_addr){.b = {0x20, 0x01, 0x0d, 0xb8}}, 48, 64);
}

static void open_locations(void)
{
	cr_assert_eq(locations_open(&s.locations, dup(bpf_map__fd(s.bpf->maps.locations)),
			     bpf_map__fd(s.bpf->maps.front), s.clock, &s.node),
		0);
	cr_assert_eq(locations_adopt(&s.locations), 0);
}

static void set_up(void (*superset)(void))
{
	open_maps();
	superset();
	s.state = map_memory(s.bpf->maps.state, sizeof(*s.state));
	s.clock = map_memory(s.bpf->maps.clock, sizeof(*s.clock));
	s.clock->tick = 1000;
	set_node();
	open_locations();
}

/* One write, as reader.h numbers them. */
static void step(uint32_t number)
{
	struct reader_op *op = &s.state->op[number];
	struct dlma_addr key = key_of(number);
	uint32_t version = op->begun + 1;
	struct dlma_location l = {
		.adjacency = (uint16_t)reader_adjacency(number, version),
		.kind = DLMA_LOCATION_BINDING,
		.used = s.clock->tick,
	};

	__atomic_store_n(&op->begun, version, __ATOMIC_SEQ_CST);
	if (number < READER_STAYING || version & 1)
		(void)locations_put(&s.locations, &key, &l);
	else
		(void)locations_del(&s.locations, &key);
	__atomic_store_n(&op->done, version, __ATOMIC_SEQ_CST);
}

/* Runs the reader so often; returns whether it is content. */
static bool look(uint32_t repeat)
{
	uint8_t frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		.repeat = (int)repeat);

	cr_assert_eq(bpf_prog_test_run_opts(bpf_program__fd(s.bpf->progs.look), &opts), 0);
	for (int i = 0; i < READER_FAULTS; i++)
		if (s.state->fault[i])
			return false;
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t below(uint64_t *random, uint32_t bound)
{
	*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((*random >> 33) % bound);
}

static unsigned int outside(void)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < 1u << s.node.front_bits; i++)
		count += s.locations.front[i].outside;
	return count;
}

static void *write_until(void *until_ms)
{
	uint64_t random = 1, writes = 0;

	while (now_ms() < *(const uint64_t *)until_ms)
		for (int i = 0; i < 1000; i++, writes++)
			step(below(&random, READER_KEYS));
	return (void *)(uintptr_t)writes;
}

/* Nobody is served from a stale, a torn or another's entry, and nobody misses what is there. */
Test(front, read_while_written)
{
	const char *text = getenv("DLMA_FRONT_MS");
	uint64_t until_ms, lookups;
	pthread_t writer;
	void *writes;

	set_up(one_prefix);
	until_ms = now_ms() + (text ? strtoull(text, NULL, 0) : STRESS_MS);
	for (uint32_t i = 0; i < READER_KEYS; i++)
		step(i);
	cr_expect_neq(outside(), 0, "nothing is outside: this tests less than it says");
	cr_assert_eq(pthread_create(&writer, NULL, write_until, &until_ms), 0);
	while (now_ms() < until_ms && look(1000))
		s.clock->tick++;
	pthread_join(writer, &writes);
	lookups = s.state->lookups;
	fprintf(stderr, "%llu look-ups during %llu writes\n", (unsigned long long)lookups,
		(unsigned long long)(uintptr_t)writes);
	cr_expect_eq(s.state->fault[READER_OTHERS], 0, "another HNP's: %llu",
		(unsigned long long)s.state->fault[READER_OTHERS]);
	cr_expect_eq(s.state->fault[READER_STALE], 0, "stale: %llu",
		(unsigned long long)s.state->fault[READER_STALE]);
	cr_expect_eq(s.state->fault[READER_MISSED], 0, "missed: %llu",
		(unsigned long long)s.state->fault[READER_MISSED]);
}

/* A writer that does one write, or is killed after so many instructions (0: not at all). */
static bool write_in_steps(uint32_t number, unsigned int kill_after, unsigned int *ret_steps)
{
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		step(number);
		_exit(0);
	}
	for (*ret_steps = 0;; ++*ret_steps) {
		cr_assert_eq(waitpid(child, &status, 0), child);
		if (!WIFSTOPPED(status))
			return false;
		if (!look(1)) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			cr_assert_fail("instruction %u of write %u of HNP %u: another's %llu, "
				       "stale %llu, missed %llu",
				*ret_steps, s.state->op[number].begun, number,
				(unsigned long long)s.state->fault[READER_OTHERS],
				(unsigned long long)s.state->fault[READER_STALE],
				(unsigned long long)s.state->fault[READER_MISSED]);
		}
		if (kill_after && *ret_steps == kill_after) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return true;
		}
		ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
	}
}

/* Writes of every sort: those that stay, others coming and going, inside and outside. */
static const uint32_t samples[] = {0, READER_STAYING - 1, READER_STAYING, READER_STAYING + 1,
	READER_STAYING + 50, READER_KEYS - 2, READER_KEYS - 1};

enum { SAMPLES = sizeof(samples) / sizeof(*samples), AGAIN = 2 };

static void fill_up(void)
{
	set_up(one_prefix);
	s.state->in_order = 1;
	for (uint32_t i = 0; i < READER_KEYS; i++)
		step(i);
}

/* At no instruction of a write does a reader find anything that is not true. */
Test(front, read_after_each_instruction)
{
	unsigned int steps, all = 0;

	fill_up();
	for (int i = 0; i < SAMPLES * AGAIN; i++) {
		(void)write_in_steps(samples[i % SAMPLES], 0, &steps);
		all += steps;
	}
	fprintf(stderr, "%u instructions, %llu look-ups\n", all,
		(unsigned long long)s.state->lookups);
}

/* The write that was cut short is done or not, whichever the map says; then there are no more. */
static void settle(uint32_t number)
{
	struct reader_op *op = &s.state->op[number];
	struct dlma_addr key = key_of(number);
	struct dlma_location l = {0};
	bool there = !bpf_map_lookup_elem(s.locations.map, &key, &l);
	bool put = number < READER_STAYING || op->begun & 1;
	bool happened = put ? there && l.adjacency == reader_adjacency(number, op->begun) : !there;

	if (!happened)
		op->begun = op->done;
	op->done = op->begun;
}

/* As many words as there is room for, and what the map has; nothing else, and nothing doubtful. */
static void check_tidy(void)
{
	unsigned int words = 0, count = 0;

	for (uint32_t i = 0; i < 1u << s.node.front_bits; i++)
		for (int k = 0; k < DLMA_FRONT_WAYS; k++) {
			uint64_t word = s.locations.front[i].word[k];

			words += word != 0;
			cr_expect(!word || word & DLMA_FRONT_KIND_MASK, "bucket %u: doubtful", i);
		}
	for (uint32_t i = 0; i < READER_KEYS; i++) {
		struct dlma_addr key = key_of(i);
		struct dlma_location l;

		count += !bpf_map_lookup_elem(s.locations.map, &key, &l);
	}
	cr_expect_eq(words + outside(), count);
	cr_expect_eq(s.locations.count, count);
}

/* Wherever an agent is killed, packets go right before and after the next one adopts its maps. */
Test(front, killed_at_any_instruction)
{
	const char *text = getenv("DLMA_FRONT_APART");
	unsigned int apart = text ? (unsigned int)atoi(text) : KILL_APART, steps, kills = 0;

	fill_up();
	for (int i = 0; i < SAMPLES * AGAIN; i++) {
		uint32_t number = samples[i % SAMPLES];

		for (unsigned int at = 1 + 11 * i % apart; write_in_steps(number, at, &steps);
			at += apart) {
			kills++;
			settle(number);
			cr_assert(look(1), "killed after instruction %u", at);
			locations_close(&s.locations);
			open_locations();
			cr_assert(look(1), "adopted after instruction %u", at);
			check_tidy();
			s.locations.count = 0;
		}
	}
	fprintf(stderr, "%u writers killed\n", kills);
}

/* Of every kind: no bits between, few, half an address of them, too many, and across its middle. */
static void many_prefixes(void)
{
	s.node = (struct dlma_node){.version = DLMA_ABI_VERSION};
	add_prefix((struct dlma_addr){.b = {0x20, 1, 1, [15] = 1}}, 128, 128);
	add_prefix((struct dlma_addr){.b = {0x20, 1, 2, [8] = 7}}, 96, 128);
	add_prefix((struct dlma_addr){.b = {0x20, 1, 3, [7] = 0x50}}, 60, 64);
	add_prefix((struct dlma_addr){.b = {0x20, 1, 4}}, 64, 64);
	add_prefix((struct dlma_addr){.b = {0x20, 1, 5}}, 56, 80);
	add_prefix((struct dlma_addr){.b = {0x20, 1, 6}}, 64, 128);
	add_prefix((struct dlma_addr){.b = {0x20, 1, 7}}, 40, 64);
	add_prefix((struct dlma_addr){.b = {0x20, 1}}, 16, 48);
}

enum { PREFIX_ACROSS = 4, PREFIX_TOO_MANY = 5, EACH = 20 };

static struct dlma_addr random_in(uint64_t *random, const struct dlma_superset *p)
{
	struct dlma_addr a;

	for (int i = 0; i < 16; i++)
		a.b[i] = (uint8_t)((below(random, 256) & ~p->mask.b[i] & p->hnp_mask.b[i]) |
				   p->prefix.b[i]);
	return a;
}

struct sweep {
	struct dlma_addr put[DLMA_SUPERSET_MAX * EACH];
	unsigned int visited[DLMA_SUPERSET_MAX * EACH];
	unsigned int count, strange;
};

static void on_idle(void *arg, const struct dlma_addr *key, const struct dlma_location *l)
{
	struct sweep *w = arg;
	unsigned int i = 0;

	while (i < w->count && !addr_equal(&w->put[i], key))
		i++;
	if (i == w->count || l->adjacency != i + 1)
		w->strange++;
	else
		w->visited[i]++;
}

/* The programs' numbering of HNPs backwards: whatever stands in a table is told by its own name. */
Test(front, swept_by_name)
{
	static struct sweep w;
	uint64_t random = 5;
	unsigned int visited = 0;

	set_up(many_prefixes);
	cr_expect_eq(s.node.superset[PREFIX_ACROSS].front_word, DLMA_FRONT_NONE);
	cr_expect_eq(s.node.superset[PREFIX_TOO_MANY].front_word, DLMA_FRONT_NONE);
	for (unsigned int i = 0; i < s.node.superset_count * EACH; i++) {
		const struct dlma_superset *p = &s.node.superset[i % s.node.superset_count];
		struct dlma_location l = {.kind = DLMA_LOCATION_CACHED, .used = s.clock->tick};
		struct dlma_addr key = random_in(&random, p);
		struct dlma_location old;

		if (locations_get(&s.locations, &key, &old))
			continue;
		w.put[w.count++] = key;
		l.adjacency = (uint16_t)w.count;
		l.used -= i & 1 ? 50 : 0;
		cr_assert_eq(locations_put(&s.locations, &key, &l), 0);
	}
	locations_sweep(&s.locations, 0, locations_buckets(&s.locations), DLMA_LOCATION_CACHED, 50,
		on_idle, &w);
	for (unsigned int i = 0; i < w.count; i++) {
		struct dlma_location l;
		bool inside = locations_bucket(&s.locations, &w.put[i]) != NULL;

		cr_assert(locations_get(&s.locations, &w.put[i], &l));
		cr_expect_eq(l.adjacency, i + 1);
		cr_expect(w.visited[i] <= (inside && l.used != s.clock->tick));
		visited += w.visited[i];
	}
	cr_expect_eq(w.strange, 0);
	cr_expect(visited + outside() >= w.count / 4, "%u of %u visited", visited, w.count);
}
