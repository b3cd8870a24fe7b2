// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sim [--first N] [--seeds N] [--seed N] [--handovers N] [--no-faults] [--loss N] [--chart MN|all]
 */
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct arguments {
	uint64_t first, seeds;
	struct plan_options plan;
	bool chart, verbose;
	int chart_mobile;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool parse(struct arguments *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--no-faults")) {
			a->plan.no_faults = true;
			continue;
		}
		if (!strcmp(argv[i], "--first"))
			a->first = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--seeds"))
			a->seeds = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			a->first = strtoull(value, NULL, 0), a->seeds = 1, a->verbose = true;
		else if (!strcmp(argv[i], "--handovers"))
			a->plan.handovers = (uint32_t)strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--only"))
			a->plan.without = ~(uint32_t)strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--without"))
			a->plan.without = (uint32_t)strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--loss"))
			a->plan.loss = atoi(value);
		else if (!strcmp(argv[i], "--chart"))
			a->chart = true, a->chart_mobile = *value == 'a' ? NOWHERE : atoi(value);
		else
			return false;
		i++;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct arguments a = {.first = 1, .seeds = 100, .plan.loss = -1};
	struct sim *s = calloc(1, sizeof(*s));
	double begin = seconds();
	uint64_t failed = 0;

	if (!s || !parse(&a, argc, argv)) {
		fprintf(stderr, "see tests/sim/main.c for the arguments\n");
		return 2;
	}
	s->chart = a.chart;
	s->chart_mobile = a.chart_mobile;
	for (uint64_t i = 0; i < a.seeds; i++) {
		bool ok = sim_run(s, a.first + i, &a.plan);

		if (a.verbose)
			plan_print(&s->plan);
		if (ok)
			continue;
		failed++;
		printf("seed %llu: %s\n", (unsigned long long)(a.first + i), s->failure);
	}
	printf("%llu seeds, %llu failed; %llu handovers, %llu messages, %llu lost, %llu packets, "
	       "%llu delivered, %llu promises; converged after %.3f s, without faults %.3f s; "
	       "%u tunnels at most; %.2f s: %.0f handovers/s\n",
		(unsigned long long)a.seeds, (unsigned long long)failed,
		(unsigned long long)s->counters.handovers, (unsigned long long)s->counters.messages,
		(unsigned long long)s->counters.lost, (unsigned long long)s->counters.packets,
		(unsigned long long)s->counters.delivered, (unsigned long long)s->counters.promised,
		(double)s->counters.late_us / 1e6, (double)s->counters.late_clean_us / 1e6,
		s->counters.tunnels, seconds() - begin,
		(double)s->counters.handovers / (seconds() - begin));
	sim_done(s);
	free(s);
	return failed ? 1 : 0;
}
