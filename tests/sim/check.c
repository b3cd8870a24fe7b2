// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What must hold at every step: who may change an entry (draft 9, design 3.1), no cycle among
 * previous D-LMAs; and what must be left when all is over.
 */
#include "sim.h"
#include "core/internal.h"
#include <stdio.h>

struct change {
	uint16_t node, owner;
	int slot, sender;
	uint8_t kind_was, kind; /* enum dlma_location_kind */
	int target_was, behind_was, target;
};

static bool is_mag_of(const struct sim *s, int mag, int lma)
{
	return s->plan.lma_of[mag] == lma;
}

static bool is_lma(const struct sim *s, int n)
{
	return s->plan.domain.roles[n] & DLMA_ROLE_LMA;
}

/* A MAG takes from its LMA what concerns its MNs, and where those of others are (draft 5.4). */
static bool is_from_own_lma(const struct sim *s, const struct change *c)
{
	return !is_lma(s, c->node) && is_mag_of(s, c->node, c->sender);
}

/*
 * A new D-LMA may end what this node had, to send packets there or to the owner; it cannot make an
 * entry from nothing. A MAG believes other MAGs (RFC 5949), at once or when its LMA or the silence
 * of its MN confirms it: the MN may have been about to register with it.
 */
static bool may_forward(const struct sim *s, const struct change *c)
{
	const struct node *x = &s->nodes[c->node];
	int m = s->owner_of_slot[c->slot];

	if (is_from_own_lma(s, c))
		return true;
	return (c->target == c->sender || c->target == c->owner) &&
	       (c->kind_was || x->bound[c->slot] || !is_lma(s, c->node) ||
		       (m != NOWHERE && x->claimed[m]));
}

/* Whether a message of the sender may cause the change, by the rules for what it becomes. */
static bool may_become(const struct sim *s, const struct change *c)
{
	switch ((enum dlma_location_kind)c->kind) {
	case DLMA_LOCATION_BINDING:
		return c->target == c->sender && is_mag_of(s, c->sender, c->node);
	case DLMA_LOCATION_ANCHOR:
		return c->node == c->owner && is_lma(s, c->sender) &&
		       (c->target == c->sender || is_mag_of(s, c->target, c->sender));
	case DLMA_LOCATION_FORWARDING:
		return may_forward(s, c);
	case DLMA_LOCATION_CACHED:
		return is_from_own_lma(s, c);
	case DLMA_LOCATION_NONE:
		/* The cache is full: one of its entries makes room, whatever the message. */
		return is_from_own_lma(s, c) ||
		       (c->kind_was == DLMA_LOCATION_CACHED && s->plan.cache_max < 100);
	case DLMA_LOCATION_HELD:
		break;
	}
	return false;
}

static bool may_change(const struct sim *s, const struct change *c)
{
	return c->sender == c->owner || c->sender == c->target_was || c->sender == c->behind_was ||
	       may_become(s, c);
}

static int target_of(uint16_t n, const struct dlma_location *l)
{
	if (!l->kind)
		return NOWHERE;
	return l->adjacency ? (int)l->adjacency - 1 : n;
}

static void note_behind(struct sim *s, const struct change *c)
{
	struct node *x = &s->nodes[c->node];
	struct dlma_prefix hnp = path_hnp(c->slot);
	struct learnt *l = learnt_by_hnp(x->core, &hnp);

	x->behind[c->slot] = (uint16_t)c->target;
	if (c->kind == DLMA_LOCATION_ANCHOR && !is_lma(s, c->target))
		x->behind[c->slot] = s->plan.lma_of[c->target];
	if (l && (c->kind == DLMA_LOCATION_CACHED || c->kind == DLMA_LOCATION_FORWARDING))
		x->behind[c->slot] = l->dlma;
	if (c->kind == DLMA_LOCATION_BINDING)
		x->bound[c->slot] = true;
}

static void check_change(struct sim *s, const struct touched *t, int sender)
{
	const struct dlma_location *now = &s->nodes[t->node].path.locations[t->slot];
	struct change c = {
		.node = t->node,
		.owner = s->plan.domain.owner[t->slot / PATH_SLOTS],
		.slot = t->slot,
		.sender = sender,
		.kind_was = t->was.kind,
		.kind = now->kind,
		.target_was = target_of(t->node, &t->was),
		.behind_was = t->was.kind ? s->nodes[t->node].behind[t->slot] : NOWHERE,
		.target = target_of(t->node, now),
	};

	if (c.kind == c.kind_was && c.target == c.target_was)
		return;
	if (sender != NOWHERE && !may_change(s, &c))
		sim_fail(s, c.slot, "%s lets %s change hnp %d from kind %u to kind %u",
			plan_node_name(&s->plan, c.node),
			plan_node_name(&s->plan, (uint16_t)sender), c.slot, c.kind_was, c.kind);
	if (now->kind && s->nodes[c.node].core)
		note_behind(s, &c);
}

static bool is_pending(const struct sim *s, uint16_t n, int slot)
{
	int m = s->owner_of_slot[slot];
	const struct binding *b;

	if (m == NOWHERE || s->nodes[n].state != NODE_UP)
		return false;
	b = sim_binding(s, n, m);
	return b && b->state == BINDING_PENDING;
}

/*
 * Previous D-LMAs never send packets round in a circle; but one that is about to be the D-LMA again
 * may not know yet that it is: its packets wait (bpf/resolve.h). Previous MAGs have nothing but
 * the marks to keep them from it, and the owner then finds the way.
 */
static void check_cycle(struct sim *s, int slot)
{
	for (uint16_t n = 0; n < s->plan.domain.node_count; n++) {
		uint16_t at = n;

		for (int hops = 0;; hops++) {
			const struct dlma_location *l = &s->nodes[at].path.locations[slot];

			if (l->kind != DLMA_LOCATION_FORWARDING || !is_lma(s, at) ||
				is_pending(s, at, slot))
				break;
			at = (uint16_t)(l->adjacency - 1);
			if (hops < s->plan.domain.node_count)
				continue;
			/* One of them may have died while it was becoming the D-LMA. */
			if (sim_killed_lately(s))
				return;
			sim_fail(s, slot, "forwarding entries of hnp %d form a cycle at %s", slot,
				plan_node_name(&s->plan, at));
			return;
		}
	}
}

void check_turn(struct sim *s, int sender)
{
	for (uint32_t i = 0; i < s->touched_count && !s->failed; i++) {
		int slot = s->touched[i].slot, m = s->owner_of_slot[slot];

		check_change(s, &s->touched[i], sender);
		check_cycle(s, slot);
		if (m != NOWHERE)
			promise_check(s, m);
	}
	s->touched_count = 0;
}

/* A MN that rightly has no service: refused, or without a HNP that is left, or without room. */
static bool is_excused(const struct sim *s, int m)
{
	return s->now_us < s->mobiles[m].refused_us || plan_fault(&s->plan, FAULT_full) ||
	       plan_fault(&s->plan, FAULT_exhausted);
}

static void complain(struct sim *s, int m, const char *why)
{
	const struct mobile *x = &s->mobiles[m];

	sim_fail(s, x->slot, "mn%d at %s, %.3f s after the end of the faults: %s", m,
		plan_node_name(&s->plan, (uint16_t)x->at),
		(double)(s->now_us - s->faults_end_us) / 1e6, why);
}

void check_right(struct sim *s, bool mended)
{
	char why[128];

	for (uint16_t m = 0; m < s->plan.mobile_count && !s->failed; m++) {
		if (s->mobiles[m].at == NOWHERE || is_excused(s, m))
			continue;
		if (!promise_kept(s, m, mended, why, sizeof(why)))
			complain(s, m, why);
	}
}

void check_settled(struct sim *s)
{
	char why[128];

	for (uint16_t m = 0; m < s->plan.mobile_count && !s->failed; m++) {
		if (s->mobiles[m].at == NOWHERE || is_excused(s, m))
			continue;
		promise_check(s, m);
		if (s->mobiles[m].promise || s->failed)
			continue;
		if (promise_kept(s, m, false, why, sizeof(why)))
			snprintf(why, sizeof(why), "%s", promise_delayed(s, m));
		complain(s, m, why);
	}
}

/* The peers that a node sends heartbeats to have a timer each. */
static size_t peer_timers(const struct sim *s, uint16_t n)
{
	const struct core_state *c = node_core(s, n);
	size_t count = 0;

	for (uint32_t i = 0; i < c->domain->node_count; i++)
		count += timer_is_set(&c->peers[i].heartbeat);
	return count;
}

static const char *leftover(const struct sim *s, uint16_t n)
{
	const struct core *c = s->nodes[n].core;
	const struct core_state *state = &c->state;

	if (state->attachments.count)
		return "attachments";
	if (state->bindings.count || state->bindings_by_hnp.count)
		return "bindings";
	if (state->learnt.count)
		return "learnt entries";
	if (state->notices.count)
		return "notices";
	if (state->moved.count)
		return "words to previous D-LMAs";
	if (state->revocations.count)
		return "revocations";
	if (state->exchanges.count)
		return "exchanges";
	if (state->expecting)
		return "expected registrations";
	if (state->cached)
		return "a count of cached entries";
	if (s->nodes[n].locations_used)
		return "locations";
	if (c->timers.count != peer_timers(s, n))
		return "timers";
	/* One for each peer, one for each HNP that is somebody's, and that of draining. */
	if (c->timers.reserved != state->domain->node_count + state->anchors.count + 1)
		return "reserved timers";
	return NULL;
}

void check_empty(struct sim *s)
{
	for (uint16_t n = 0; n < s->plan.domain.node_count && !s->failed; n++) {
		const char *what = leftover(s, n);
		int slot = NOWHERE;

		for (int i = 0; i < PATH_SLOTS_MAX; i++)
			if (s->nodes[n].path.locations[i].kind ||
				s->nodes[n].path.access[i].ifindex)
				slot = i;
		if (what || slot != NOWHERE)
			sim_fail(s, slot, "all MNs have left, but %s has %s left",
				plan_node_name(&s->plan, n), what ? what : "map entries");
	}
}
