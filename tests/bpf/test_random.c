// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs against the model on random frames: verdict, octets, counters, events and `used`
 * must be the same. Every frame is an experiment of its own: DLMA_RANDOM_SEED and
 * DLMA_RANDOM_PACKETS bring back the one that went wrong.
 */
#include "compare.h"
#include "model.h"
#include "random.h"
#include "suite.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	PACKETS = 200000, /* unless DLMA_RANDOM_PACKETS says otherwise */
	ROUND = 256,	  /* packets per contents of the maps */
	EVERY_REASON_FROM = 50000,
};

struct run {
	enum hook hook;
	struct rig *rig;
	struct model model;
	uint64_t seed, state; /* of the round */
	struct random_frame frame;
	struct outcome expected, got;
	uint64_t reached[DLMA_PACKET_REASON_COUNT];
	uint64_t refused; /* by the kernel, before the program */
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void start_round(struct run *r, uint64_t seed)
{
	static struct tables tables;

	r->seed = r->state = seed;
	random_tables(&r->state, rig_ifindex(r->rig), &tables);
	rig_set_front(r->rig, random_below(&r->state, FRONT_MODES));
	model_init(&r->model, &tables);
	cr_assert_eq(rig_fill(r->rig, &tables), 0, "cannot fill the maps");
}

/* Time goes on, and registrations begin and end. */
static void go_on(struct run *r)
{
	struct dlma_clock *clock = &r->model.tables.clock;

	if (random_below(&r->state, 16))
		return;
	clock->tick += random_below(&r->state, 13);
	clock->expecting = !random_below(&r->state, 4);
	cr_assert_eq(rig_set_clock(r->rig, clock), 0);
}

static const char *compare(struct run *r, uint32_t ingress, char text[COMPARE_TEXT_MAX])
{
	static struct tables after;
	const char *told;

	told = compare_outcomes(ingress, &r->expected, &r->got, text);
	after = r->model.tables;
	if (rig_read_used(r->rig, &after))
		cr_assert_fail("cannot read the maps");
	return told ? told : compare_used(&r->model.tables, &after, text);
}

static void report(const struct run *r, uint32_t number, const char *told)
{
	compare_dump("in", &r->frame.frame);
	compare_dump("expected", &r->expected.out);
	compare_dump("got", &r->got.out);
	cr_assert_fail("%s: %s; again: DLMA_RANDOM_SEED=%llu DLMA_RANDOM_PACKETS=%u %s "
		       "--filter random/%s",
		hook_names[r->hook], told, (unsigned long long)r->seed, number + 1,
		program_invocation_name, hook_names[r->hook]);
}

/* One frame; `number` is its place in the round. */
static void step(struct run *r, uint32_t number)
{
	char text[COMPARE_TEXT_MAX];
	uint32_t ingress;
	const char *told;
	int err;

	go_on(r);
	random_frame(&r->state, &r->frame);
	ingress = rig_ifindex(r->rig)[r->frame.from];
	err = rig_run(r->rig, r->frame.side, ingress, &r->frame.frame, &r->got);
	if (err == -EINVAL && r->frame.frame.len < ETH_LEN + IP6_LEN) {
		r->refused++;
		return;
	}
	if (err)
		cr_assert_fail("the kernel does not run a frame of %u octets: %s",
			r->frame.frame.len, strerror(-err));
	model_run(&r->model, r->frame.side, ingress, &r->frame.frame, &r->expected);
	/* The model knows no real time, so to it no error comes too soon after another. */
	if (r->got.counted[DLMA_PACKET_too_big_told].packets)
		cr_assert_eq(rig_forget_errors(r->rig), 0);
	told = compare(r, ingress, text);
	if (told)
		report(r, number, told);
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++)
		r->reached[i] += r->got.counted[i].packets;
}

/* Events are lost only where nobody takes them: test_events.c. */
static void check_reached(const struct run *r, uint64_t packets)
{
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++) {
		fprintf(stderr, "%s %-20s %8llu\n", hook_names[r->hook], dlma_packet_texts[i].name,
			(unsigned long long)r->reached[i]);
		if (packets >= EVERY_REASON_FROM && i != DLMA_PACKET_event_lost)
			cr_expect_neq(r->reached[i], 0, "%s was never reached",
				dlma_packet_texts[i].name);
	}
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_all(enum hook hook)
{
	static struct run r;
	uint64_t seed = setting("DLMA_RANDOM_SEED", (uint64_t)time(NULL));
	uint64_t packets = setting("DLMA_RANDOM_PACKETS", PACKETS);
	double began_s = now_s();

	r.hook = hook;
	r.rig = suite_open(hook);
	fprintf(stderr, "%s: DLMA_RANDOM_SEED=%llu\n", hook_names[hook], (unsigned long long)seed);
	for (uint64_t i = 0; i < packets; i++) {
		if (i % ROUND == 0)
			start_round(&r, random_seed(seed, (uint32_t)(i / ROUND)));
		step(&r, i % ROUND);
	}
	check_reached(&r, packets);
	fprintf(stderr, "%s: %llu packets, %llu of them not taken by the kernel, %.0f/s\n",
		hook_names[hook], (unsigned long long)packets, (unsigned long long)r.refused,
		(double)packets / (now_s() - began_s));
	rig_close(r.rig);
}

Test(random, xdp)
{
	run_all(HOOK_XDP);
}

Test(random, tc)
{
	run_all(HOOK_TC);
}
