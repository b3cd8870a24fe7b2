// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs seeds, on as many processors as it may, and says what they found. Exit status 1 if anything
 * did not hold; then the first seed is run again and drawn.
 */
#include "sim.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: sim [--first N] [--seeds N | --handovers N] [--jobs N] [--stop] [--figures FILE]\n"
	"       sim --seed N [--chart MN|all] [--packets]\n"
	"  both: [--only FAULT[,FAULT...] | --no-faults] [--loss PERMILLE] [--orderly]\n";

enum { JOBS_MAX = 64, FAILURES_MAX = 16 };

struct arguments {
	uint64_t first, seeds, handovers;
	unsigned int jobs;
	struct plan_options plan;
	const char *figures, *only;
	bool stop, one, chart, packets;
	int chart_mobile;
};

/* What the processes share. */
struct shared {
	atomic_uint_fast64_t next, handovers;
	atomic_uint failures;
	atomic_uint_fast64_t running[JOBS_MAX]; /* seeds */
	struct failure {
		uint64_t seed;
		int slot, mobile;
		char text[512];
	} failed[FAILURES_MAX];
	struct sim_counters counters[JOBS_MAX];
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool parse_flag(struct arguments *a, const char *word)
{
	if (!strcmp(word, "--no-faults"))
		return a->plan.no_faults = true;
	if (!strcmp(word, "--orderly"))
		return a->plan.orderly = true;
	if (!strcmp(word, "--stop"))
		return a->stop = true;
	if (!strcmp(word, "--packets"))
		return a->packets = true;
	return false;
}

static bool parse_value(struct arguments *a, const char *word, const char *value)
{
	uint64_t number = strtoull(value, NULL, 0);

	if (!strcmp(word, "--first")) {
		a->first = number;
	} else if (!strcmp(word, "--seeds")) {
		a->seeds = number;
	} else if (!strcmp(word, "--handovers")) {
		a->handovers = number;
	} else if (!strcmp(word, "--jobs")) {
		a->jobs = number < 1 || number > JOBS_MAX ? 1 : (unsigned int)number;
	} else if (!strcmp(word, "--seed")) {
		a->first = number;
		a->one = true;
	} else if (!strcmp(word, "--loss")) {
		a->plan.loss = (int)number;
	} else if (!strcmp(word, "--only")) {
		a->only = value;
		return plan_read_faults(value, &a->plan.only);
	} else if (!strcmp(word, "--figures")) {
		a->figures = value;
	} else if (!strcmp(word, "--chart")) {
		a->chart = true;
		a->chart_mobile = *value == 'a' ? NOWHERE : (int)number;
	} else {
		return false;
	}
	return true;
}

static bool parse(struct arguments *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (parse_flag(a, argv[i]))
			continue;
		if (i + 1 == argc || !parse_value(a, argv[i], argv[i + 1]))
			return false;
		i++;
	}
	if (a->one)
		a->seeds = a->jobs = 1;
	if (!a->seeds && !a->handovers)
		a->seeds = 100;
	return true;
}

static struct sim *sim_new(void)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->chart_mobile = NOWHERE;
	return s;
}

static void sim_free(struct sim *s)
{
	sim_done(s);
	free(s);
}

static void note_failure(struct shared *sh, const struct sim *s, uint64_t seed)
{
	unsigned int i = atomic_fetch_add(&sh->failures, 1);
	struct failure *f = &sh->failed[i];

	if (i >= FAILURES_MAX)
		return;
	f->slot = s->failed_slot;
	f->mobile = f->slot == NOWHERE ? NOWHERE : s->owner_of_slot[f->slot];
	memcpy(f->text, s->failure, sizeof(f->text));
	f->seed = seed;
}

static void work(const struct arguments *a, struct shared *sh, unsigned int job)
{
	struct sim *s = sim_new();
	uint64_t before = 0;

	for (;;) {
		uint64_t seed = atomic_fetch_add(&sh->next, 1);

		if ((a->seeds && seed >= a->first + a->seeds) ||
			(a->handovers && sh->handovers >= a->handovers) ||
			(a->stop && sh->failures))
			break;
		atomic_store(&sh->running[job], seed);
		if (!sim_run(s, seed, &a->plan))
			note_failure(sh, s, seed);
		atomic_fetch_add(&sh->handovers, s->counters.sums.handovers - before);
		before = s->counters.sums.handovers;
		sh->counters[job] = s->counters;
	}
	sim_free(s);
}

/* False if a process died; its seed is then the one that failed. */
static bool work_all(const struct arguments *a, struct shared *sh)
{
	pid_t pids[JOBS_MAX];
	bool alive = true;

	if (a->jobs == 1) {
		work(a, sh, 0);
		return true;
	}
	for (unsigned int i = 0; i < a->jobs; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			abort();
		if (pids[i])
			continue;
		work(a, sh, i);
		_exit(0);
	}
	for (unsigned int i = 0; i < a->jobs; i++) {
		int status;

		if (waitpid(pids[i], &status, 0) < 0 || !status)
			continue;
		printf("seed %llu: its process died, wait status %d\n",
			(unsigned long long)sh->running[i], status);
		alive = false;
	}
	return alive;
}

static void print_command(const struct arguments *a, uint64_t seed, int mobile)
{
	printf("build/sim --seed %llu", (unsigned long long)seed);
	if (a->plan.no_faults)
		printf(" --no-faults");
	if (a->plan.orderly)
		printf(" --orderly");
	if (a->plan.loss >= 0)
		printf(" --loss %d", a->plan.loss);
	if (a->only)
		printf(" --only %s", a->only);
	if (mobile == NOWHERE)
		printf(" --chart all\n");
	else
		printf(" --chart %d\n", mobile);
}

/* The first one again, drawn: only the last lines of it. */
static void draw(const struct arguments *a, const struct failure *f)
{
	struct sim *s = sim_new();

	s->chart = s->chart_last = true;
	s->chart_mobile = f->mobile;
	(void)sim_run(s, f->seed, &a->plan);
	plan_print(&s->plan);
	chart_flush(s);
	sim_free(s);
}

static void print_failures(const struct arguments *a, const struct shared *sh)
{
	unsigned int count = sh->failures < FAILURES_MAX ? sh->failures : FAILURES_MAX;
	const struct failure *first = &sh->failed[0];

	for (unsigned int i = 0; i < count; i++) {
		printf("seed %llu: %s\n  ", (unsigned long long)sh->failed[i].seed,
			sh->failed[i].text);
		print_command(a, sh->failed[i].seed, sh->failed[i].mobile);
		if (sh->failed[i].seed < first->seed)
			first = &sh->failed[i];
	}
	if (sh->failures && !a->stop)
		draw(a, first);
}

/* One seed, with all that there is to see. */
static bool run_one(const struct arguments *a, struct shared *sh)
{
	struct sim *s = sim_new();
	bool ok;

	s->chart = a->chart;
	s->chart_mobile = a->chart_mobile;
	s->chart_packets = a->packets;
	ok = sim_run(s, a->first, &a->plan);
	plan_print(&s->plan);
	sh->counters[0] = s->counters;
	if (!ok)
		printf("seed %llu: %s\n", (unsigned long long)a->first, s->failure);
	sh->failures = !ok;
	sim_free(s);
	return true;
}

int main(int argc, char **argv)
{
	struct arguments a = {.first = 1, .jobs = 1, .plan.loss = -1, .plan.only = UINT32_MAX};
	struct sim_counters total = {0};
	double begin = seconds();
	struct shared *sh;
	bool alive;

	if (!parse(&a, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		abort();
	setvbuf(stdout, NULL, _IOLBF, 0);
	sh->next = a.first;
	alive = a.one ? run_one(&a, sh) : work_all(&a, sh);
	for (unsigned int i = 0; i < a.jobs; i++)
		counters_add(&total, &sh->counters[i]);
	if (!a.one)
		print_failures(&a, sh);
	counters_print(&total, sh->next - a.first, sh->failures, seconds() - begin);
	if (a.figures && !counters_write(&total, sh->failures, a.figures))
		return 2;
	return !alive || sh->failures ? 1 : 0;
}
