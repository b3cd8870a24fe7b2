// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What came of many runs, in numbers. */
#include "sim.h"
#include <stdio.h>

void counters_note_time(uint32_t *histogram, uint64_t us)
{
	uint64_t i = us / TIME_STEP_US;

	histogram[i < TIME_STEPS ? i : TIME_STEPS - 1]++;
}

/* So many of 1000 took no longer, in microseconds; 0 if there are none. */
static uint64_t quantile(const uint32_t *histogram, double part)
{
	uint64_t all = 0, seen = 0, i = 0;

	for (i = 0; i < TIME_STEPS; i++)
		all += histogram[i];
	for (i = 0; all && i < TIME_STEPS; i++) {
		seen += histogram[i];
		if ((double)seen >= part * (double)all)
			break;
	}
	return all ? (i + 1) * TIME_STEP_US : 0;
}

static void greater(uint64_t *a, uint64_t b)
{
	if (b > *a)
		*a = b;
}

void counters_add(struct sim_counters *a, const struct sim_counters *b)
{
	const uint64_t *from = (const uint64_t *)&b->sums;
	uint64_t *to = (uint64_t *)&a->sums;

	for (size_t i = 0; i < sizeof(a->sums) / sizeof(uint64_t); i++)
		to[i] += from[i];
	for (int i = 0; i < TIME_STEPS; i++)
		a->times[i] += b->times[i];
	greater(&a->settled_us, b->settled_us);
	greater(&a->clean_permille, b->clean_permille);
	greater(&a->tunnels, b->tunnels);
}

void counters_print(
	const struct sim_counters *c, uint64_t seeds, unsigned int failures, double seconds)
{
	const struct sim_sums *s = &c->sums;

	printf("%llu handovers of %llu seeds in %.1f s (%.0f a second): %u violations\n",
		(unsigned long long)s->handovers, (unsigned long long)seeds, seconds,
		(double)s->handovers / seconds, failures);
	printf("  %llu messages, %llu lost, %llu doubled; %llu packets, %llu delivered, %llu "
	       "waited, through %llu tunnels at most; %llu promises\n",
		(unsigned long long)s->messages, (unsigned long long)s->lost,
		(unsigned long long)s->doubled, (unsigned long long)s->packets,
		(unsigned long long)s->delivered, (unsigned long long)s->waited,
		(unsigned long long)c->tunnels, (unsigned long long)s->promised);
	printf("  %llu agents killed, %llu nodes restarted without maps, %llu partitions, %llu "
	       "clocks set, %llu keys changed, %llu lies, %llu revocations\n",
		(unsigned long long)s->kills, (unsigned long long)s->reboots,
		(unsigned long long)s->partitions, (unsigned long long)s->steps,
		(unsigned long long)s->rotations, (unsigned long long)s->rogues,
		(unsigned long long)s->revocations);
	printf("  all was right %.3f s after the end of all faults; moves took %.3f s (half), "
	       "%.3f s (999 of 1000); without faults at most %.2f of 2 RTT + 1 RTO + 2 commits\n",
		(double)c->settled_us / 1e6, (double)quantile(c->times, 0.5) / 1e6,
		(double)quantile(c->times, 0.999) / 1e6, (double)c->clean_permille / 1000);
}

struct figure {
	const char *name, *goal;
	bool ok;
	char value[128];
};

static bool write_figures(const struct figure *all, size_t count, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		fprintf(f, "%s\n \"%s\": {\"goal\": \"%s\", \"value\": \"%s\", \"ok\": %s}",
			i ? "," : "{", all[i].name, all[i].goal, all[i].value,
			all[i].ok ? "true" : "false");
	fputs("\n}\n", f);
	return !fclose(f);
}

bool counters_write(const struct sim_counters *c, unsigned int failures, const char *path)
{
	enum { GOAL = 1000000, SETTLE_S = 140 };
	const struct sim_sums *s = &c->sums;
	double settled = (double)c->settled_us / 1e6;
	struct figure all[] = {
		{"simulated-handovers", "at least 1,000,000", s->handovers >= GOAL, ""},
		{"simulated-violations", "0", !failures, ""},
		{"simulated-tables-right-after-all-faults", "within 140 s", settled <= SETTLE_S,
			""},
		{"simulated-moves-without-faults", "at most 2 RTT + 1 RTO + 2 commits",
			c->clean_permille <= 1000, ""},
	};

	snprintf(all[0].value, sizeof(all[0].value), "%llu, with %llu packets",
		(unsigned long long)s->handovers, (unsigned long long)s->packets);
	snprintf(all[1].value, sizeof(all[1].value), "%u", failures);
	snprintf(all[2].value, sizeof(all[2].value), "%.1f s at most", settled);
	snprintf(all[3].value, sizeof(all[3].value), "%.2f of that at most",
		(double)c->clean_permille / 1000);
	return write_figures(all, sizeof(all) / sizeof(*all), path);
}
