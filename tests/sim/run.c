// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A run: nodes start; MNs move while things go wrong; then nothing goes wrong any more, and after
 * the stated time everything must be right; then the MNs leave, and nothing must be left.
 */
#include "sim.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SECOND = 1000000,
	CHAOS_MAX_US = 1200 * SECOND,
	/* A MAG that de-registers a MN which is elsewhere is ignored (RFC 5213 5.3.5), six times.
	 */
	DUST_US = 70 * SECOND,
};

void sim_at(struct sim *s, uint64_t delay_us, enum sim_kind kind, uint16_t where, void *what)
{
	queue_put(&s->queue, s->now_us + delay_us, (uint16_t)kind, where, what);
}

void sim_fail(struct sim *s, int slot, const char *format, ...)
{
	va_list arguments;
	int n;

	if (s->failed)
		return;
	s->failed = true;
	s->failed_slot = slot;
	n = snprintf(s->failure, sizeof(s->failure), "at %.6f: ", (double)s->now_us / 1e6);
	va_start(arguments, format);
	vsnprintf(s->failure + n, sizeof(s->failure) - (size_t)n, format, arguments);
	va_end(arguments);
	chart_note(s, NOWHERE, "VIOLATION %s", s->failure);
}

/* What delays a promise, or ends it, comes and goes without touching any table. */
static void look(struct sim *s)
{
	enum { PERIOD_US = 300000 };

	for (uint16_t m = 0; m < s->plan.mobile_count && !s->failed; m++)
		promise_look(s, m);
	sim_at(s, PERIOD_US, SIM_LOOK, 0, NULL);
}

/* The links of a MAG that was off come up again, and the MNs on them show themselves. */
static void links_up(struct sim *s, uint16_t n)
{
	for (uint16_t m = 0; m < s->plan.mobile_count; m++) {
		struct mobile *x = &s->mobiles[m];

		if (x->at != n)
			continue;
		x->heard = false;
		sim_at(s, random_between(&s->random, 0, SECOND), SIM_SOLICIT, m,
			(void *)(uintptr_t)x->moves);
	}
}

static void start_node(struct sim *s, uint16_t n)
{
	if (s->nodes[n].state == NODE_OFF)
		links_up(s, n);
	node_start(s, n);
	for (uint16_t m = 0; m < s->plan.mobile_count && !s->failed; m++)
		promise_check(s, m);
}

static void handle(struct sim *s, const struct queue_item *i)
{
	switch ((enum sim_kind)i->kind) {
	case SIM_MESSAGE:
		wire_arrive(s, i->what);
		break;
	case SIM_TIMER:
		node_timer(s, i->where, i->at_us);
		break;
	case SIM_COMMIT:
		if (s->nodes[i->where].committing)
			node_committed(s, i->where);
		break;
	case SIM_PACKET:
		traffic_arrive(s, i->where, i->what);
		break;
	case SIM_HOLD:
		traffic_expire(s, i->where);
		break;
	case SIM_START:
		start_node(s, i->where);
		break;
	case SIM_MOVE:
		mobile_move(s, i->where);
		break;
	case SIM_SOLICIT:
		mobile_solicit(s, i->where, (uintptr_t)i->what);
		break;
	case SIM_ANSWER:
		mobile_answer(s, i->where);
		break;
	case SIM_NOTICE:
		mobile_left(s, i->where, (int)((struct mobile *)i->what - s->mobiles));
		break;
	case SIM_LOOK:
		look(s);
		break;
	case SIM_SEND:
		traffic_next(s);
		break;
	case SIM_INCIDENT:
		faults_incident(s);
		break;
	case SIM_HEAL:
		faults_heal(s, i->where, i->what);
		break;
	}
}

/* Until the given time, or the end of the moves, or a failure. */
static void run_until(struct sim *s, uint64_t until_us, bool moves)
{
	struct queue_item item;

	while (!s->failed && (!moves || s->moves_left) && queue_take(&s->queue, until_us, &item)) {
		s->now_us = item.at_us;
		handle(s, &item);
	}
	if (!s->failed && (!moves || s->moves_left))
		s->now_us = until_us;
}

static void clear(struct sim *s)
{
	struct queue_item item;

	while (queue_take(&s->queue, UINT64_MAX, &item)) {
		if (item.kind == SIM_MESSAGE)
			wire_free(s, item.what);
		else if (item.kind == SIM_PACKET)
			traffic_free(s, item.what);
	}
	for (uint16_t n = 0; n < s->plan.domain.node_count; n++) {
		traffic_drop_held(s, n);
		if (s->nodes[n].core)
			node_free(s, n);
	}
	profiles_free(s->profiles);
}

static void start(struct sim *s, uint64_t seed, const struct plan_options *o)
{
	plan_make(&s->plan, seed, o);
	plan_configure(&s->plan, &s->conf);
	s->random = random_of(~seed);
	s->profiles = profiles_new(&s->conf.conf[0].domain, s->random.s);
	s->now_us = 0;
	s->faults_end_us = s->killed_us = 0;
	s->moves_left = s->plan.handovers;
	s->promises = 0;
	s->next_packet = 0;
	s->touched_count = 0;
	s->failed = false;
	s->queue.next = 0;
	memset(s->cut, 0, sizeof(s->cut));
	for (int i = 0; i < PATH_SLOTS_MAX; i++)
		s->owner_of_slot[i] = NOWHERE;
	for (uint16_t n = 0; n < s->plan.domain.node_count; n++) {
		struct node *x = &s->nodes[n];

		memset(x, 0, sizeof(*x));
		x->outbox_end = &x->outbox;
		x->held_end = &x->held;
		x->boot_us = random_between(&s->random, SECOND, 1000000ULL * SECOND);
		x->epoch = 1000;
		node_start(s, n);
	}
}

/* The time after the end of all faults within which everything must be right. */
static uint64_t settle_us(const struct sim *s)
{
	uint64_t rto_us = s->plan.timers.initial_bindack_timeout_ms * 1000ULL;

	if (!s->plan.faults)
		return 3ULL * plan_rtt_us(&s->plan) + rto_us + 4ULL * s->plan.commit_us +
		       3000ULL * s->plan.timers.presence_timeout_ms +
		       (plan_habit(&s->plan, HABIT_quiet) ? 2 * SECOND : 0);
	return 140ULL * SECOND;
}

static void note_settling(struct sim *s)
{
	for (uint16_t m = 0; m < s->plan.mobile_count; m++) {
		const struct mobile *x = &s->mobiles[m];

		if (x->right && x->right_us > s->faults_end_us &&
			x->right_us - s->faults_end_us > s->counters.settled_us)
			s->counters.settled_us = x->right_us - s->faults_end_us;
	}
}

static void everybody_leaves(struct sim *s)
{
	for (uint16_t m = 0; m < s->plan.mobile_count; m++) {
		struct mobile *x = &s->mobiles[m];
		int from = x->at;

		promise_end(s, m);
		chart_note(s, m, "mn%d leaves for good", m);
		x->at = NOWHERE;
		x->moves++;
		x->flying_old += x->flying;
		x->flying = 0;
		if (from != NOWHERE && m % 2)
			mobile_left(s, (uint16_t)from, m);
	}
}

/* The longest that anything lives which nobody refreshes. */
static uint64_t empty_us(const struct sim *s)
{
	const struct domain_timers *t = &s->plan.timers;

	return 1000ULL * (2 * t->binding_lifetime_ms + t->forwarding_lifetime_ms +
				 t->cache_lifetime_ms) +
	       140ULL * SECOND;
}

static void stop_traffic(struct sim *s)
{
	s->plan.packet_ms = 0;
}

bool sim_run(struct sim *s, uint64_t seed, const struct plan_options *o)
{
	start(s, seed, o);
	mobile_start(s);
	faults_start(s);
	sim_at(s, 0, SIM_SEND, 0, NULL);
	sim_at(s, 0, SIM_LOOK, 0, NULL);
	run_until(s, CHAOS_MAX_US, true);
	if (!s->failed) {
		faults_end(s);
		run_until(s, s->now_us + settle_us(s), false);
	}
	if (!s->failed) {
		check_right(s, true);
		note_settling(s);
		run_until(s, s->now_us + DUST_US, false);
	}
	if (!s->failed)
		check_settled(s);
	if (!s->failed && seed % 4 == 0) {
		everybody_leaves(s);
		stop_traffic(s);
		run_until(s, s->now_us + empty_us(s), false);
		if (!s->failed)
			check_empty(s);
	}
	clear(s);
	return !s->failed;
}

void sim_done(struct sim *s)
{
	while (s->free_letters) {
		struct letter *l = s->free_letters;

		s->free_letters = l->next;
		free(l);
	}
	while (s->free_trips) {
		struct trip *t = s->free_trips;

		s->free_trips = t->next;
		free(t);
	}
	queue_done(&s->queue);
}
