// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets, followed from node to node through the production data path, which reports to the cores
 * as it does in the agent; and the waiting room (agent/io/hold.c).
 *
 * The marks in the flow label bound the way of a packet, however the tables change meanwhile.
 * Unmarked: from the MAG of its sender to the O-LMA, to the owner, to a D-LMA, to a MAG (4
 * tunnels). Once a previous D-LMA or a previous MAG has forwarded it: there, to a D-LMA, to a MAG
 * (3). Once another one has returned it: to the owner, to a D-LMA, to a MAG (3). That is TRIPS_MAX.
 */
#include "sim.h"
#include <stdlib.h>

enum { HELD_MAX = 256, HOP_US = 50 };

/* The promise that holds for a MN, or begins to. */
static uint32_t promise_of(const struct sim *s, int mobile)
{
	const struct mobile *m = &s->mobiles[mobile];

	if (mobile == NOWHERE)
		return 0;
	return m->promise ? m->promise : m->accepted;
}

static struct trip *trip_new(struct sim *s, int sender, int mobile)
{
	struct trip *t = s->free_trips;

	if (!t)
		t = malloc(sizeof(*t));
	else
		s->free_trips = t->next;
	if (!t)
		abort();
	t->number = ++s->next_packet;
	t->mobile = (int16_t)mobile;
	t->sender = (int16_t)sender;
	t->promise = promise_of(s, mobile);
	t->sender_promise = promise_of(s, sender);
	t->tunnels = 0;
	t->bypass = false;
	s->counters.sums.packets++;
	return t;
}

void traffic_free(struct sim *s, struct trip *t)
{
	t->next = s->free_trips;
	s->free_trips = t;
}

/* The promises that held when the packet was sent still do. */
static bool is_promised(const struct sim *s, const struct trip *t)
{
	return t->promise && !t->bypass && !(s->mobiles[t->mobile].soft) &&
	       promise_of(s, t->mobile) == t->promise &&
	       (t->sender == NOWHERE ||
		       (t->sender_promise && promise_of(s, t->sender) == t->sender_promise));
}

static void lost(struct sim *s, struct trip *t, uint16_t n, const char *why)
{
	chart_packet(s, t, n, why);
	if (is_promised(s, t))
		sim_fail(s, s->mobiles[t->mobile].slot,
			"packet %llu for mn%d lost at %s: %s, though promised",
			(unsigned long long)t->number, t->mobile, plan_node_name(&s->plan, n), why);
	traffic_free(s, t);
}

static void delivered(struct sim *s, struct trip *t, uint16_t n)
{
	const struct mobile *m = &s->mobiles[t->mobile];
	const uint8_t *mac = t->frame.bytes + t->frame.start;

	/* Where HNPs change hands, the sender may mean the MN that had it before. */
	if (mac[5] != t->mobile && plan_fault(&s->plan, FAULT_exhausted)) {
		traffic_free(s, t);
		return;
	}
	if (mac[5] != t->mobile) {
		sim_fail(s, m->slot, "packet %llu for mn%d given to mn%d by %s",
			(unsigned long long)t->number, t->mobile, mac[5],
			plan_node_name(&s->plan, n));
		return;
	}
	if (m->at != n) {
		lost(s, t, n, "sent to a link that the MN has left");
		return;
	}
	chart_packet(s, t, n, "delivered");
	s->counters.sums.delivered++;
	if (t->tunnels > s->counters.tunnels)
		s->counters.tunnels = t->tunnels;
	traffic_free(s, t);
}

static void hold(struct sim *s, struct trip *t, uint16_t n)
{
	struct node *x = &s->nodes[n];

	if (x->state != NODE_UP || x->held_count == HELD_MAX) {
		/* Without an agent nobody reads the tap: a fault, if packets are sent there. */
		t->promise = 0;
		lost(s, t, n, "no waiting room");
		return;
	}
	chart_packet(s, t, n, "waits");
	s->counters.sums.waited++;
	t->since_us = s->now_us;
	t->came_in = t->frame.in;
	t->frame.in = PATH_WAITING_ROOM;
	t->next = NULL;
	*x->held_end = t;
	x->held_end = &t->next;
	x->held_count++;
	sim_at(s, (uint64_t)s->plan.timers.hold_ms * 1000 + DLMA_TICK_MS * 1000, SIM_HOLD, n, NULL);
}

static void forward(struct sim *s, struct trip *t, uint16_t n)
{
	uint16_t to = (uint16_t)(t->frame.out - PATH_PEER);

	chart_packet(s, t, n, plan_node_name(&s->plan, to));
	if (t->mobile != NOWHERE && to >= s->plan.lma_count &&
		sim_is_learnt(s, n, s->mobiles[t->mobile].slot))
		t->bypass = true;
	if (++t->tunnels > TRIPS_MAX) {
		sim_fail(s, t->mobile == NOWHERE ? NOWHERE : s->mobiles[t->mobile].slot,
			"packet %llu for mn%d crosses more than %d tunnels",
			(unsigned long long)t->number, t->mobile, TRIPS_MAX);
		traffic_free(s, t);
		return;
	}
	if (s->cut[n][to]) {
		/* No promise holds across a cut: faults.c has taken it back. */
		t->promise = 0;
		lost(s, t, n, "cut off");
		return;
	}
	t->frame.in = PATH_NETWORK;
	sim_at(s, s->plan.delay_us[n][to] + HOP_US, SIM_PACKET, to, t);
}

static void tell_core(struct sim *s, uint16_t n, const struct path_result *r)
{
	struct event e = {.kind = EVENT_PACKET};

	for (unsigned int i = 0; i < r->event_count; i++) {
		e.packet = r->events[i];
		if (e.packet.kind == DLMA_EVENT_NEW_SOURCE)
			e.packet.ifindex = ACCESS_IFINDEX;
		node_event(s, n, &e);
	}
}

static void handle(struct sim *s, struct trip *t, uint16_t n)
{
	struct node *x = &s->nodes[n];
	struct path_result r;

	x->path.clock.tick = (uint32_t)(node_now(s, n).mono_ms / DLMA_TICK_MS);
	path_run(&s->plan.domain, &x->path, &t->frame, false, &r);
	if (r.action == PATH_DROP) {
		lost(s, t, n, dlma_packet_texts[r.reason].name);
	} else if (r.action == PATH_PASS) {
		chart_packet(s, t, n, dlma_packet_texts[r.reason].name);
		traffic_free(s, t);
	} else if (t->frame.out == PATH_WAITING_ROOM) {
		hold(s, t, n);
	} else if (t->frame.out == ACCESS_IFINDEX) {
		delivered(s, t, n);
	} else {
		forward(s, t, n);
	}
	tell_core(s, n, &r);
}

void traffic_arrive(struct sim *s, uint16_t n, struct trip *t)
{
	if (s->nodes[n].state != NODE_OFF) {
		handle(s, t, n);
		return;
	}
	t->promise = 0;
	lost(s, t, n, "node is off");
}

void traffic_native(struct sim *s, uint16_t lma, int mobile)
{
	static const struct dlma_addr cn = {.b = {0x20, 0x01, 0x0d, 0xb9, [15] = 1}};
	struct dlma_addr hoa = mobile_hoa(s, mobile);
	struct trip *t;

	if (addr_is_zero(&hoa) || s->nodes[lma].state == NODE_OFF)
		return;
	t = trip_new(s, NOWHERE, mobile);
	path_frame_init(&t->frame, &cn, &hoa, NULL);
	handle(s, t, lma);
}

void traffic_from_mobile(struct sim *s, int from, int to)
{
	static const struct dlma_addr cn = {.b = {0x20, 0x01, 0x0d, 0xb9, [15] = 1}};
	const struct mobile *m = &s->mobiles[from];
	struct dlma_addr src = mobile_hoa(s, from);
	struct dlma_addr dst = to == NOWHERE ? cn : mobile_hoa(s, to);
	const uint8_t *mac = s->conf.mobiles[from].link_layer;
	struct trip *t;

	if (m->at == NOWHERE || addr_is_zero(&src) || addr_is_zero(&dst) ||
		s->nodes[m->at].state == NODE_OFF)
		return;
	t = trip_new(s, from, to);
	path_frame_init(&t->frame, &src, &dst, mac);
	handle(s, t, (uint16_t)m->at);
}

static int random_mobile(struct sim *s)
{
	return (int)random_below(&s->random, s->plan.mobile_count);
}

void traffic_next(struct sim *s)
{
	uint32_t mean_us = s->plan.packet_ms * 1000;
	uint32_t kind = random_below(&s->random, 10);

	if (!mean_us)
		return;
	if (kind < 6)
		traffic_native(
			s, (uint16_t)random_below(&s->random, s->plan.lma_count), random_mobile(s));
	else if (kind < 9)
		traffic_from_mobile(s, random_mobile(s), random_mobile(s));
	else
		traffic_from_mobile(s, random_mobile(s), NOWHERE);
	sim_at(s, random_between(&s->random, 0, 2 * mean_us), SIM_SEND, 0, NULL);
}

/* Takes out what `leaves` says, in order of arrival. */
static void take_out(struct sim *s, uint16_t n,
	bool (*leaves)(struct sim *s, uint16_t n, const struct trip *t, int arg), int arg)
{
	struct node *x = &s->nodes[n];
	struct trip *leaving = NULL, **end = &leaving, **p = &x->held;

	while (*p) {
		struct trip *t = *p;

		if (!leaves(s, n, t, arg)) {
			p = &t->next;
			continue;
		}
		*p = t->next;
		x->held_count--;
		t->next = NULL;
		*end = t;
		end = &t->next;
	}
	x->held_end = p;
	/* They come in again by the tap, after this turn. */
	while (leaving) {
		struct trip *t = leaving;

		leaving = t->next;
		sim_at(s, 1, SIM_PACKET, n, t);
	}
}

/* Whether the data path would send it here again. */
static bool must_wait(struct sim *s, uint16_t n, const struct trip *t)
{
	struct path_frame f = t->frame;
	struct path_result r;

	f.in = t->came_in;
	path_run(&s->plan.domain, &s->nodes[n].path, &f, true, &r);
	return r.action == PATH_SEND && f.out == PATH_WAITING_ROOM;
}

static bool is_for(struct sim *s, uint16_t n, const struct trip *t, int slot)
{
	struct dlma_addr hoa = path_destination(&t->frame);

	return path_slot_of(&hoa) == slot && !must_wait(s, n, t);
}

static bool is_old(struct sim *s, uint16_t n, const struct trip *t, int arg)
{
	(void)n;
	(void)arg;
	return t->since_us + (uint64_t)s->plan.timers.hold_ms * 1000 < s->now_us;
}

static bool may_leave(struct sim *s, uint16_t n, const struct trip *t, int arg)
{
	(void)arg;
	return !must_wait(s, n, t);
}

void traffic_release(struct sim *s, uint16_t n, int slot)
{
	if (s->nodes[n].held)
		take_out(s, n, is_for, slot);
}

void traffic_release_unknown(struct sim *s, uint16_t n)
{
	if (s->nodes[n].held)
		take_out(s, n, may_leave, 0);
}

void traffic_expire(struct sim *s, uint16_t n)
{
	if (s->nodes[n].held)
		take_out(s, n, is_old, 0);
}

void traffic_drop_held(struct sim *s, uint16_t n)
{
	struct trip *t = s->nodes[n].held;

	while (t) {
		struct trip *next = t->next;

		traffic_free(s, t);
		t = next;
	}
	s->nodes[n].held = NULL;
	s->nodes[n].held_end = &s->nodes[n].held;
	s->nodes[n].held_count = 0;
}
