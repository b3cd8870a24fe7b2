/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A core that runs out of memory. The linker puts our own malloc() and the like before those of the
 * C library (tests/rules.mk), so that the n-th call of a core fails, for every n of a tour of two
 * MNs. Nothing may break, and once there is memory again every MN is where it should be.
 */
#include "invariants.h"
#include "world.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ANNOUNCE_MS = 4000, /* RFC 4861: RTR_SOLICITATION_INTERVAL */
	ANNOUNCE_MAX = 200, /* the pauses of a MAG grow to a minute */
	PAUSE_MS = 500,
	CALLS_LEAST = 60, /* of the tour: fewer would not be worth the name */
};

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_core_step(struct core *c, const struct moment *now, const struct event *event,
	struct effects *effects);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_core_step(struct core *c, const struct moment *now, const struct event *event,
	struct effects *effects);

static struct world w;
static struct {
	bool armed;	       /* a core is at work */
	unsigned int calls;    /* so far */
	unsigned int from, to; /* these fail, counted from 1 */
} memory;

static bool memory_fails(void)
{
	return memory.armed && ++memory.calls >= memory.from && memory.calls < memory.to;
}

void *__wrap_malloc(size_t size)
{
	return memory_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return memory_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return memory_fails() ? NULL : __real_realloc(old, size);
}

void __wrap_core_step(struct core *c, const struct moment *now, const struct event *event,
	struct effects *effects)
{
	const char *broken;

	memory.armed = true;
	__real_core_step(c, now, event, effects);
	memory.armed = false;
	broken = invariants_broken(c);
	cr_assert_null(broken, "call %u failed: %s", memory.from, broken);
}

/* A MN at a MAG announces itself until it hears its prefix. */
static void settle_at(int mn, int mag)
{
	unsigned int heard = w.advertised[mn];

	for (int i = 0; i < ANNOUNCE_MAX; i++) {
		world_move(&w, mn, mag);
		world_run(&w, ANNOUNCE_MS);
		if (w.advertised[mn] > heard && world_delivers(&w, mag, &w.heard_hnp[mn]))
			return;
	}
	cr_assert_fail("calls %u to %u failed: MN %d is never served at node %d", memory.from,
		memory.to, mn, mag);
}

static void miss(int node, int mn)
{
	world_packet_event(&w, node, DLMA_EVENT_MISS, &w.heard_hnp[mn], W_NONE);
	world_packet_event(&w, W_H_LMA, DLMA_EVENT_MISROUTED, &w.heard_hnp[mn], node);
	world_run(&w, PAUSE_MS);
}

static void leave(int mn, int mag)
{
	world_detach(&w, mn, mag);
	world_move(&w, mn, W_NONE);
	world_run(&w, PAUSE_MS);
}

static void expect_everywhere(int mn, int mag)
{
	unsigned int tunnels;

	for (int node = W_H_LMA; node <= W_V_LMA_2; node++) {
		cr_assert_eq(world_trace(&w, node, &w.heard_hnp[mn], &tunnels), mag,
			"calls %u to %u failed: from node %d MN %d is not found at %d", memory.from,
			memory.to, node, mn, mag);
	}
}

/* Registration, both kinds of handover, home, cache, forwarding, departure, restart. */
static void tour(unsigned int from, unsigned int to)
{
	world_init(&w);
	memory.calls = 0;
	memory.from = from;
	memory.to = to;
	settle_at(W_MN1, W_MAG_1A);
	miss(W_V_LMA_2, W_MN1);
	settle_at(W_MN2, W_H_LMA);
	settle_at(W_MN1, W_MAG_1B);
	settle_at(W_MN1, W_MAG_2);
	miss(W_V_LMA_1, W_MN2);
	leave(W_MN2, W_H_LMA);
	settle_at(W_MN2, W_MAG_1A);
	world_restart(&w, W_V_LMA_1);
	world_run(&w, PAUSE_MS);
	settle_at(W_MN1, W_H_LMA);
	settle_at(W_MN1, W_MAG_1A);
	memory.to = 0; /* there is memory again */
	world_run(&w, 2 * w.conf[0].domain.timers.cache_lifetime_ms);
	expect_everywhere(W_MN1, W_MAG_1A);
	expect_everywhere(W_MN2, W_MAG_1A);
	world_done(&w);
}

Test(core_memory, every_call_fails_once, .timeout = 600)
{
	unsigned int calls;

	tour(0, 0);
	calls = memory.calls;
	cr_assert_gt(calls, CALLS_LEAST);
	for (unsigned int n = 1; n <= calls; n++)
		tour(n, n + 1);
	fprintf(stderr, "core-memory: %u calls, each failed once\n", calls);
}

Test(core_memory, no_memory_for_a_while, .timeout = 600)
{
	unsigned int calls;

	tour(0, 0);
	calls = memory.calls;
	for (unsigned int n = 1; n <= calls; n += 3)
		tour(n, n + 12);
}

static int no_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	(void)algorithm, (void)key, (void)key_len, (void)chunks, (void)count;
	memset(ret_mac, 0, 32);
	return 0;
}

static struct core *try_new(unsigned int n)
{
	struct core_options o = {.conf = &w.conf[W_H_LMA], .mac = no_mac, .epoch = 1};
	struct core *c;

	memory.calls = 0;
	memory.from = n;
	memory.to = n + 1;
	memory.armed = true;
	w.profiles = profiles_new(&o.conf->domain, (uint64_t[2]){1, 2});
	o.profiles = w.profiles;
	c = w.profiles ? core_new(&o) : NULL;
	memory.armed = false;
	return c;
}

/* What fails is freed as far as it had come: LeakSanitizer sees the rest. */
Test(core_memory, a_core_that_cannot_begin)
{
	struct core *c = NULL;
	unsigned int n = 0;

	world_init(&w);
	world_done(&w);
	while (!c) {
		c = try_new(++n);
		if (!c)
			profiles_free(w.profiles);
	}
	cr_assert_gt(n, 8);
	cr_assert_null(invariants_broken(c));
	core_free(c);
	profiles_free(w.profiles);
}
