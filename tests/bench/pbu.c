// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pbu BUILD full|quick: how many PBUs an LMA handles, and how much memory it takes for each MN. The
 * production core, HMAC and store, in this process: without sockets and BPF maps, which the section
 * "moves" has. Writes BUILD/bench/pbu.json.
 */
#include "lma.h"
#include "rows.h"
#include "tests/tools/tool.h"
#include <unistd.h>

enum {
	MOBILES_FULL = 30000,
	MOBILES_QUICK = 10000,
	ROUNDS_FULL = 7,
	ROUNDS_QUICK = 3,
	ROUNDS_MAX = ROUNDS_FULL,
	BATCH = 128,  /* messages in a turn, as in agent/io/mhsock.c */
	EACH_MS = 20, /* messages in a millisecond of the core's time */
	GOAL_DURABLE = 20000,
	GOAL_OCTETS = 400,
};

static struct letter *letters;
static uint32_t count;
static unsigned int rounds;

/* All MNs come, one after the other. Only their handling is timed. */
static void wave(struct lma *l, int from, double *ret_cpu_s, double *ret_wall_s)
{
	uint64_t before = l->accepted, cpu_ns, wall_ns;

	lma_pass_time(l);
	for (uint32_t mn = 0; mn < count; mn++)
		lma_make_pbu(l, from, mn, &letters[mn]);
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	wall_ns = monotonic_ns();
	for (uint32_t mn = 0; mn < count; mn++) {
		lma_receive(l, from, &letters[mn]);
		if (mn % EACH_MS == 0)
			lma_pass_time(l);
		if (l->outbox && (mn % BATCH == BATCH - 1 || mn == count - 1))
			outbox_flush(l->outbox, l->now_ms);
	}
	*ret_cpu_s = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns) / NS_PER_S;
	*ret_wall_s = (double)(monotonic_ns() - wall_ns) / NS_PER_S;
	errno = 0;
	if (l->accepted - before < count)
		die("pbu: %lu of %u PBUs were accepted", l->accepted - before, count);
}

static void add_rate(const char *name, const char *what, const double *seconds, double goal)
{
	double rate[ROUNDS_MAX], best = 0;
	char full[96], words[64];

	for (unsigned int i = 0; i < rounds; i++) {
		rate[i] = count / seconds[i];
		best = rate[i] > best ? rate[i] : best;
	}
	snprintf(full, sizeof(full), "pbu/%s", name);
	snprintf(words, sizeof(words), ">= %.0f", goal);
	rows_add(&(struct row){.name = full,
		.what = what,
		.unit = "PBU/s",
		.value = rows_median(rate, rounds),
		.spread = rows_spread(rate, rounds),
		.minimum = best,
		.goal = goal > 0 ? words : NULL,
		.verdict = goal <= 0	  ? ROW_NO_GOAL
			   : best >= goal ? ROW_REACHED
					  : ROW_MISSED});
}

static void add_octets(const char *name, const char *what, double octets, bool goal)
{
	char full[96], words[32];

	snprintf(full, sizeof(full), "pbu/%s", name);
	snprintf(words, sizeof(words), "<= %d octets", GOAL_OCTETS);
	rows_add(&(struct row){.name = full,
		.what = what,
		.unit = "octets",
		.value = octets,
		.minimum = octets,
		.goal = goal ? words : NULL,
		.verdict = !goal		   ? ROW_NO_GOAL
			   : octets <= GOAL_OCTETS ? ROW_REACHED
						   : ROW_MISSED});
}

/* What one wave of registrations has taken, alone and with what stood in the configuration. */
static void add_memory(const char *name, const char *what, const struct lma *l, double before)
{
	double octets = (heap_octets() - before) / count;
	char full[64], whole[96];

	snprintf(full, sizeof(full), "memory/%s", name);
	snprintf(whole, sizeof(whole), "%s, with its profile", what);
	add_octets(full, what, octets, false);
	snprintf(full, sizeof(full), "memory/%s-and-profile", name);
	add_octets(full, whole, octets + l->profile_octets, true);
}

/* An H-LMA whose MNs move from one V-LMA to the other, wave after wave. */
static void measure_home(const char *store)
{
	double cpu[ROUNDS_MAX], all[ROUNDS_MAX], before, first[2];
	struct lma l;

	lma_start(&l, HOME, store);
	before = heap_octets();
	wave(&l, VISITED, &first[0], &first[1]);
	if (!store)
		add_memory("anchor", "H-LMA: memory for each MN it owns", &l, before);
	for (unsigned int i = 0; i < rounds; i++)
		wave(&l, i % 2 ? VISITED : OTHER, &cpu[i], &all[i]);
	lma_end(&l);
	if (!store) {
		add_rate("home/memory", "H-LMA: moves, in memory, per core", cpu, 0);
		return;
	}
	add_rate("home/durable", "H-LMA: moves, durable store, by CPU time", cpu, 0);
	add_rate("home/durable-wall", "H-LMA: moves, durable store, waiting for the disk too", all,
		GOAL_DURABLE);
}

/* A V-LMA, which asks the H-LMA about each, and then the same again: refreshes. */
static void measure_visited(void)
{
	double cpu[ROUNDS_MAX], all[ROUNDS_MAX], before;
	struct lma l;

	lma_start(&l, VISITED, NULL);
	before = heap_octets();
	wave(&l, MAG, &cpu[0], &all[0]);
	add_memory("binding", "LMA: memory for each binding", &l, before);
	for (unsigned int i = 0; i < rounds; i++)
		wave(&l, MAG, &cpu[i], &all[i]);
	add_rate(
		"visited/refresh", "V-LMA: PBUs of a MAG for MNs that are bound, per core", cpu, 0);
	lma_end(&l);
}

static void remove_store(const char *directory)
{
	static const char *const names[] = {"agent.db", "agent.db-wal", "agent.db-shm"};
	char path[600];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(directory);
}

int main(int argc, char **argv)
{
	char store[512];

	if (argc < 3)
		die("usage: pbu BUILD full|quick");
	count = strcmp(argv[2], "quick") ? MOBILES_FULL : MOBILES_QUICK;
	rounds = strcmp(argv[2], "quick") ? ROUNDS_FULL : ROUNDS_QUICK;
	letters = calloc(count, sizeof(*letters));
	if (!letters)
		die("no memory");
	lma_make_mobiles(count);
	if (rows_begin(argv[1], "pbu"))
		die("%s", argv[1]);
	measure_home(NULL);
	snprintf(store, sizeof(store), "%s/bench/store", argv[1]);
	remove_store(store);
	measure_home(store);
	remove_store(store);
	measure_visited();
	free(letters);
	return rows_end() ? 1 : 0;
}
