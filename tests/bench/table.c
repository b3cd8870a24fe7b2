// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * table BUILD full|quick: what the location cache costs the agent, by its own code
 * (io/locations.c). Writes BUILD/bench/table.json.
 */
#include "cases.h"
#include "rows.h"
#include "zipf.h"
#include "io/locations.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	OPERATIONS = 20000,
	ROUNDS = 9,
	/* As in agent/io/maps.c, and the default of cache_idle_s. */
	SWEEPS_IN_IDLE = 4,
	IDLE_MS = 30000,
	USED_TICK = 5,
};

struct measured {
	struct locations locations;
	struct bench_node *node;
	uint32_t count; /* of locations */
	uint64_t random;
	unsigned int idle, seen;
};

/* Of this process: other load on the machine is not counted. */
static double cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

static struct dlma_addr random_key(struct measured *m)
{
	return bench_hnp(bench_key((uint32_t)((zipf_random(&m->random) >> 32) * m->count >> 32)));
}

static void update(struct measured *m)
{
	struct dlma_addr key = random_key(m);
	struct dlma_location l = {.kind = DLMA_LOCATION_CACHED, .used = USED_TICK};

	l.adjacency = (uint16_t)(1 + (m->random & 15));
	(void)locations_put(&m->locations, &key, &l);
}

static void refresh(struct measured *m)
{
	struct dlma_addr key = random_key(m);
	struct dlma_location l;

	if (locations_get(&m->locations, &key, &l))
		(void)locations_put(&m->locations, &key, &l);
}

static void replace(struct measured *m)
{
	struct dlma_addr key = random_key(m);
	struct dlma_location l = {.kind = DLMA_LOCATION_CACHED, .adjacency = 1};

	(void)locations_del(&m->locations, &key);
	(void)locations_put(&m->locations, &key, &l);
}

static void check_use(struct measured *m)
{
	struct dlma_addr key = random_key(m);
	struct dlma_location l;

	m->seen += locations_get(&m->locations, &key, &l);
}

static void on_idle(void *arg, const struct dlma_addr *key, const struct dlma_location *l)
{
	struct measured *m = arg;

	(void)key;
	(void)l;
	m->idle++;
}

/* Nobody is idle: what is found costs what the core does with it. */
static void sweep(struct measured *m)
{
	locations_sweep(&m->locations, 0, locations_buckets(&m->locations), DLMA_LOCATION_CACHED,
		IDLE_MS / DLMA_TICK_MS, on_idle, m);
}

static void adopt(struct measured *m)
{
	(void)locations_adopt(&m->locations);
}

static void rebuild(struct measured *m)
{
	m->node->clock->front = 0;
	(void)locations_adopt(&m->locations);
}

static const struct {
	const char *name, *what, *unit;
	void (*run)(struct measured *m);
	unsigned int times;
	double in_unit; /* of nanoseconds */
} operations[] = {
	{"update", "change the target of a location", "ns", update, OPERATIONS, 1},
	{"refresh", "write a location that is there", "ns", refresh, OPERATIONS, 1},
	{"replace", "delete a location and write it anew", "ns", replace, OPERATIONS, 1},
	{"check-use", "ask when a location was used last", "ns", check_use, OPERATIONS, 1},
	{"sweep", "look for idle ones in the whole table", "ms", sweep, 1, 1e-6},
	{"adopt", "adopt the table of an earlier run", "ms", adopt, 1, 1e-6},
	{"rebuild", "make the front table anew from the map", "ms", rebuild, 1, 1e-6},
};

/* The share of one core that sweeping takes, in per cent. */
static void add_share(const char *size, double least_ms)
{
	double share = 100 * least_ms * SWEEPS_IN_IDLE / IDLE_MS;
	char name[64], what[96];

	snprintf(name, sizeof(name), "table/sweep-share/%s", size);
	snprintf(what, sizeof(what), "share of a core for sweeping %s locations, idle after 30 s",
		size);
	rows_add(&(struct row){.name = name,
		.what = what,
		.value = share,
		.minimum = share,
		.unit = "%",
		.goal = "1 %",
		.verdict = share <= 1 ? ROW_REACHED : ROW_MISSED});
}

static void measure(struct measured *m, unsigned int which, const char *size)
{
	double took[ROUNDS], least = 1e18;
	char name[64], what[96];

	for (int round = 0; round < ROUNDS; round++) {
		double began = cpu_ns();

		for (unsigned int i = 0; i < operations[which].times; i++)
			operations[which].run(m);
		took[round] =
			(cpu_ns() - began) / operations[which].times * operations[which].in_unit;
		least = took[round] < least ? took[round] : least;
	}
	snprintf(name, sizeof(name), "table/%s/%s", operations[which].name, size);
	snprintf(what, sizeof(what), "%s, of %s", operations[which].what, size);
	rows_add(&(struct row){.name = name,
		.what = what,
		.unit = operations[which].unit,
		.value = rows_median(took, ROUNDS),
		.spread = rows_spread(took, ROUNDS),
		.minimum = least});
	if (operations[which].run == sweep)
		add_share(size, least);
}

static int run_size(const struct bench_shared *shared, unsigned int size)
{
	struct measured m = {.count = bench_sizes[size], .random = 3};
	int err;

	m.node = bench_node_open(shared, BENCH_XDP, BENCH_OLMA, m.count, 1);
	if (!m.node)
		return -EIO;
	m.node->clock->tick = USED_TICK;
	err = bench_node_locations(m.node, &m.locations);
	for (unsigned int i = 0; !err && i < sizeof(operations) / sizeof(*operations); i++)
		measure(&m, i, bench_size_names[size]);
	if (!err && (m.locations.count != m.count || m.idle))
		err = -ESTALE;
	locations_close(&m.locations);
	bench_node_close(m.node);
	return err;
}

int main(int argc, char **argv)
{
	static struct bench_shared shared;
	unsigned int sizes;
	int err;

	if (argc < 3) {
		fputs("usage: table BUILD full|quick\n", stderr);
		return 2;
	}
	err = bench_shared_open(&shared, argv[1]);
	err = err ? err : rows_begin(argv[1], "table");
	sizes = strcmp(argv[2], "quick") ? BENCH_SIZES : BENCH_100K + 1;
	for (unsigned int size = BENCH_100K; !err && size < sizes; size++)
		err = run_size(&shared, size);
	if (err)
		fprintf(stderr, "bench: %s\n", strerror(-err));
	return err || rows_end() ? 1 : 0;
}
