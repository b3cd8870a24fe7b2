// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Mobile nodes: they come to an access link, show themselves until they hear a router, and leave.
 */
#include "sim.h"

enum {
	SOLICIT_US = 4000000, /* RFC 4861 10, and again for ever (RFC 7559) */
	QUIET_US = 500000,    /* between packets that nobody answers */
	LEAVE_US = 3000000,
};

struct dlma_addr mobile_hoa(const struct sim *s, int m)
{
	struct dlma_addr hoa = {0};

	if (s->mobiles[m].slot == NOWHERE)
		return hoa;
	hoa = path_hnp(s->mobiles[m].slot).addr;
	hoa.b[15] = 5;
	return hoa;
}

static void show(struct sim *s, int m, uint8_t type, uint16_t mag)
{
	struct event e = {.kind = EVENT_NEIGHBOUR};

	memcpy(e.neighbour.mac, s->conf.mobiles[m].link_layer, 6);
	e.neighbour.ifindex = ACCESS_IFINDEX;
	e.neighbour.message.type = type;
	e.neighbour.message.src = nd_link_local(e.neighbour.mac);
	node_event(s, mag, &e);
}

/* A HNP stays with its MN for ever, unless there are too few of them (design 5). */
static void take_prefix(struct sim *s, struct mobile *m, int slot)
{
	if (m->slot != NOWHERE && m->slot != slot && !plan_fault(&s->plan, FAULT_exhausted))
		sim_fail(s, m->slot, "mn%d gets another HNP, number %d", (int)(m - s->mobiles),
			slot);
	m->slot = slot;
}

/* What a MN hears: an advertisement with its prefix, or a question whether it is there. */
void mobile_frame(struct sim *s, uint16_t mag, uint16_t mobile, const uint8_t *bytes)
{
	enum { ICMP_AT = 40, PREFIX_AT = 32, LIFETIME_AT = 6 };
	const uint8_t *icmp = bytes + ICMP_AT;
	struct mobile *m = &s->mobiles[mobile];
	struct dlma_addr prefix;

	if (m->at != mag)
		return;
	if (icmp[0] == ND_NEIGHBOR_SOLICITATION) {
		/* Its answer comes in a turn of its own. */
		sim_at(s, 500, SIM_ANSWER, (uint16_t)(m - s->mobiles), NULL);
		return;
	}
	memcpy(&prefix, icmp + PREFIX_AT, sizeof(prefix));
	if (!icmp[LIFETIME_AT] && !icmp[LIFETIME_AT + 1]) {
		/* The router is none any more: the MN looks for another one. */
		if (m->heard)
			sim_at(s, SOLICIT_US, SIM_SOLICIT, (uint16_t)(m - s->mobiles),
				(void *)(uintptr_t)m->moves);
		m->heard = false;
		return;
	}
	m->heard = true;
	take_prefix(s, m, path_slot_of(&prefix));
}

void mobile_solicit(struct sim *s, int m, uintptr_t move)
{
	struct mobile *x = &s->mobiles[m];

	/* At least once, even if a router is heard before. */
	if (x->at == NOWHERE || x->moves != move || (x->heard && x->shown_us))
		return;
	if (!x->shown_us)
		x->shown_us = s->now_us;
	if (plan_habit(&s->plan, HABIT_quiet) && x->slot != NOWHERE) {
		sim_at(s, QUIET_US, SIM_SOLICIT, (uint16_t)m, (void *)move);
		traffic_from_mobile(s, m, NOWHERE);
	} else {
		sim_at(s, SOLICIT_US, SIM_SOLICIT, (uint16_t)m, (void *)move);
		show(s, m, ND_ROUTER_SOLICITATION, (uint16_t)x->at);
	}
}

void mobile_answer(struct sim *s, int m)
{
	if (s->mobiles[m].at != NOWHERE)
		show(s, m, ND_NEIGHBOR_ADVERTISEMENT, (uint16_t)s->mobiles[m].at);
}

/* The access network tells the MAG, late perhaps. */
void mobile_left(struct sim *s, uint16_t mag, int m)
{
	struct event e = {.kind = EVENT_DETACH};

	if (s->mobiles[m].at == mag)
		return;
	memcpy(e.attach.mac, s->conf.mobiles[m].link_layer, 6);
	node_event(s, mag, &e);
}

static int random_mag(struct sim *s)
{
	for (;;) {
		uint16_t n = (uint16_t)random_below(&s->random, s->plan.domain.node_count);

		if (s->plan.domain.roles[n] & DLMA_ROLE_MAG)
			return n;
	}
}

/* A MAG at home, if there is one. */
static int home_mag(const struct sim *s, int m)
{
	uint16_t home = s->plan.domain.owner[s->plan.home_block[m]];

	for (uint16_t n = 0; n < s->plan.domain.node_count; n++)
		if (s->plan.domain.roles[n] & DLMA_ROLE_MAG && s->plan.lma_of[n] == home)
			return n;
	return NOWHERE;
}

static int choose(struct sim *s, int m)
{
	const struct mobile *x = &s->mobiles[m];
	int home = home_mag(s, m);

	if (plan_habit(&s->plan, HABIT_leave) && random_permille(&s->random, 100))
		return NOWHERE;
	if (plan_habit(&s->plan, HABIT_pingpong) && x->before != NOWHERE &&
		random_permille(&s->random, 500))
		return x->before;
	if (plan_habit(&s->plan, HABIT_home) && home != NOWHERE && random_permille(&s->random, 300))
		return home;
	return random_mag(s);
}

static void go(struct sim *s, int m, int to)
{
	struct mobile *x = &s->mobiles[m];
	int from = x->at;

	if (from == to)
		return;
	x->orderly = x->promise;
	promise_end(s, m);
	chart_note(s, m, "mn%d moves from %s to %s", m,
		from == NOWHERE ? "nowhere" : plan_node_name(&s->plan, (uint16_t)from),
		to == NOWHERE ? "nowhere" : plan_node_name(&s->plan, (uint16_t)to));
	x->before = from;
	x->at = to;
	x->heard = false;
	x->moves++;
	x->flying_old += x->flying;
	x->flying = 0;
	x->moved_us = s->now_us;
	x->shown_us = 0;
	x->right = false;
	s->counters.sums.handovers++;
	if (s->moves_left)
		s->moves_left--;
	if (from != NOWHERE && plan_habit(&s->plan, HABIT_detach) &&
		random_permille(&s->random, 800))
		sim_at(s,
			random_between(
				&s->random, 0, random_permille(&s->random, 500) ? 1000 : 400000),
			SIM_NOTICE, (uint16_t)from, x);
	/* A gap on the link, sometimes. */
	sim_at(s, random_permille(&s->random, 500) ? 0 : random_between(&s->random, 0, 200000),
		SIM_SOLICIT, (uint16_t)m, (void *)(uintptr_t)x->moves);
}

void mobile_move(struct sim *s, int m)
{
	uint64_t dwell_us = (uint64_t)s->plan.dwell_ms * 1000;

	if (s->faults_end_us)
		return;
	go(s, m, choose(s, m));
	if (plan_habit(&s->plan, HABIT_pairs) && (m ^ 1) < s->plan.mobile_count)
		go(s, m ^ 1, choose(s, m ^ 1));
	if (s->mobiles[m].at == NOWHERE && dwell_us > LEAVE_US)
		dwell_us = LEAVE_US;
	sim_at(s, random_between(&s->random, 0, 2 * dwell_us), SIM_MOVE, (uint16_t)m, NULL);
}

void mobile_start(struct sim *s)
{
	for (uint16_t m = 0; m < s->plan.mobile_count; m++) {
		s->mobiles[m] = (struct mobile){.at = NOWHERE, .before = NOWHERE, .slot = NOWHERE};
		sim_at(s, random_between(&s->random, 0, 2000ULL * s->plan.dwell_ms), SIM_MOVE, m,
			NULL);
	}
}
