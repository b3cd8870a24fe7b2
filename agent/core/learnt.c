// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What other nodes told this one about HNPs that it does not own (draft 4.4): locations cached as
 * an O-LMA, and the way on as a previous D-LMA. All of it is soft: it ends by itself, and without
 * it the packets take the owner's way.
 *
 * Only the owner of a HNP, or the node to which the entry points, may change an entry; a new D-LMA
 * may end a binding here, never make an entry from nothing (draft 9).
 */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

enum {
	EVICTION_SAMPLE = 8,
	REFRESH_MARGIN_MAX_MS = 5000,
};

static bool hnp_equal(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct learnt, by_hnp)->hnp, key);
}

struct learnt *learnt_by_hnp(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct table *t = &c->state.learnt;
	struct table_node *n = table_find(t, prefix_hash(t, hnp), hnp_equal, hnp);

	return n ? container_of(n, struct learnt, by_hnp) : NULL;
}

uint64_t learnt_stamp(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct learnt *l = learnt_by_hnp(c, hnp);

	return l ? l->stamp : 0;
}

bool learnt_holds(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct learnt *l = learnt_by_hnp(c, hnp);

	return l && l->target != DOMAIN_NO_NODE && l->kind != DLMA_LOCATION_CACHED;
}

bool learnt_is_cached(const struct learnt *l)
{
	return l->target != DOMAIN_NO_NODE && l->kind == DLMA_LOCATION_CACHED;
}

struct learnt *learnt_create(struct core *c, const struct dlma_prefix *hnp)
{
	struct table *t = &c->state.learnt;
	struct learnt *l = calloc(1, sizeof(*l));

	if (!l)
		goto full;
	l->hnp = *hnp;
	l->target = l->dlma = DOMAIN_NO_NODE;
	l->timer.kind = TIMER_LEARNT;
	if (timer_reserve(&c->timers, 1))
		goto free_learnt;
	if (!table_insert(t, &l->by_hnp, prefix_hash(t, hnp)))
		return l;
	timer_release(&c->timers, 1);
free_learnt:
	free(l);
full:
	count(c, DLMA_SIGNAL_table_full);
	return NULL;
}

void learnt_drop(struct core *c, struct learnt *l)
{
	c->state.cached -= learnt_is_cached(l);
	timer_clear(&c->timers, &l->timer);
	timer_release(&c->timers, 1);
	table_remove(&c->state.learnt, &l->by_hnp);
	identity_release(c, l->mn);
	free(l);
}

/* Drops an entry and takes it from the data path. */
void learnt_end(struct core *c, struct learnt *l)
{
	struct dlma_prefix hnp = l->hnp;
	bool routed = l->target != DOMAIN_NO_NODE;

	learnt_drop(c, l);
	if (routed)
		route_sync(c, &hnp);
}

/* The cache is bounded: of a few entries, the one that would end first makes room. */
void learnt_make_room(struct core *c)
{
	struct learnt *victim = NULL;
	struct table_node *n = NULL;
	unsigned int seen = 0;

	if (c->state.cached < c->state.conf->cache_max)
		return;
	while (seen < EVICTION_SAMPLE && (n = table_next(&c->state.learnt, n))) {
		struct learnt *l = container_of(n, struct learnt, by_hnp);

		if (!learnt_is_cached(l))
			continue;
		seen++;
		if (!victim || l->expires_ms < victim->expires_ms)
			victim = l;
	}
	if (victim)
		learnt_end(c, victim);
}

/* A MAG asks nobody: without its entry the packets of its MNs go to its LMA, which knows. */
uint32_t learnt_refresh_margin(const struct core *c)
{
	uint32_t quarter = c->state.domain->timers.cache_lifetime_ms / 4;

	if (peer_is_mag_only(c, c->state.conf->self))
		return 0;
	return quarter < REFRESH_MARGIN_MAX_MS ? quarter : REFRESH_MARGIN_MAX_MS;
}

void learnt_remember(struct core *c, struct learnt *l, const struct identity *mn)
{
	if (l->mn || !mn || !mn->id_len)
		return;
	l->mn = identity_hold(c, mn);
}

/* At least a moment: an entry whose time has come ends by its timer. */
uint32_t learnt_time_left(const struct core *c, const struct learnt *l)
{
	return l->expires_ms > c->now.mono_ms ? (uint32_t)(l->expires_ms - c->now.mono_ms) : 1;
}

void learnt_set_place(
	struct core *c, struct learnt *l, uint8_t kind, const struct place *p, uint32_t lifetime_ms)
{
	c->state.cached -= learnt_is_cached(l);
	l->kind = kind;
	l->target = p->target;
	l->dlma = p->dlma;
	l->stamp = p->stamp;
	l->asked = 0;
	l->adopted = false;
	l->told_ms = c->now.mono_ms;
	l->expires_ms = c->now.mono_ms + lifetime_ms;
	c->state.cached += learnt_is_cached(l);
	route_sync(c, &l->hnp);
}

void learnt_look_later(struct core *c, struct learnt *l, uint64_t idle_ms)
{
	uint32_t limit = c->state.domain->timers.cache_idle_ms;
	uint64_t idle_at = c->now.mono_ms + (idle_ms < limit ? limit - idle_ms : 0);
	uint64_t refresh_at = l->expires_ms - learnt_refresh_margin(c);
	uint64_t at = idle_at < refresh_at && !c->options.sweeps ? idle_at : refresh_at;

	timer_set(&c->timers, &l->timer, at > c->now.mono_ms ? at : c->now.mono_ms + 1);
}

/* Who may speak about an entry: the node that it points to, or the D-LMA behind that MAG. */
bool learnt_speaks_for(const struct learnt *l, uint16_t sender)
{
	return l && (l->target == sender || l->dlma == sender) && l->kind != DLMA_LOCATION_HELD;
}

void learnt_forward(struct core *c, const struct dlma_prefix *hnp, const struct onward *o)
{
	uint32_t lifetime = c->state.domain->timers.forwarding_lifetime_ms;
	struct place place = {o->target, o->dlma, o->stamp};
	struct learnt *l;

	if (owner_is_self(c, hnp))
		return;
	l = learnt_by_hnp(c, hnp);
	if (!l)
		l = learnt_create(c, hnp);
	if (!l)
		return;
	learnt_remember(c, l, o->mn);
	learnt_set_place(c, l, DLMA_LOCATION_FORWARDING, &place, lifetime);
	timer_set(&c->timers, &l->timer, l->expires_ms);
	report(c, REPORT_forwarding_started, o->mn, hnp, o->target);
}

/*
 * Nobody has told yet where the MN is that has left this MAG. Its packets wait no longer, but that
 * it was here is remembered for as long as O-LMAs may still tunnel to us: only then may another
 * MAG have us forward (handover_on_initiate()).
 */
void learnt_hold_no_longer(struct core *c, struct learnt *l)
{
	l->target = l->dlma = DOMAIN_NO_NODE;
	query_rest(c, l, c->state.domain->timers.forwarding_lifetime_ms);
	route_sync(c, &l->hnp);
}

void learnt_surpassed(struct core *c, const struct dlma_prefix *hnp, uint16_t home, uint64_t stamp)
{
	const struct learnt *l = learnt_by_hnp(c, hnp);

	if (l && l->kind == DLMA_LOCATION_FORWARDING && l->stamp < stamp)
		learnt_forward(c, hnp, &(struct onward){l->mn, home, home, stamp});
}

void learnt_prolong(struct core *c, const struct dlma_prefix *hnp)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (!l || l->kind != DLMA_LOCATION_FORWARDING || l->adopted)
		return;
	l->expires_ms = c->now.mono_ms + c->state.domain->timers.forwarding_lifetime_ms;
	timer_set(&c->timers, &l->timer, l->expires_ms);
}

void learnt_hold(struct core *c, const struct dlma_prefix *hnp)
{
	struct place here = {c->state.conf->self, c->state.self->lma, 0};
	uint32_t hold_ms = c->state.domain->timers.hold_ms;
	struct learnt *l = learnt_by_hnp(c, hnp);

	/* Somebody was quicker and told where it is. */
	if (l && l->kind == DLMA_LOCATION_FORWARDING)
		return;
	if (!l)
		l = learnt_create(c, hnp);
	if (!l)
		return;
	learnt_set_place(c, l, DLMA_LOCATION_HELD, &here, hold_ms);
	timer_set(&c->timers, &l->timer, l->expires_ms);
	if (!hold_ms)
		learnt_hold_no_longer(c, l);
}

int learnt_localize(
	struct core *c, const struct dlma_prefix *hnp, const struct onward *o, uint32_t lifetime_ms)
{
	uint32_t limit = c->state.domain->timers.cache_lifetime_ms;
	struct place place = {o->target, o->dlma, o->stamp};
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (!lifetime_ms) {
		if (l && learnt_is_cached(l))
			learnt_end(c, l);
		return 0;
	}
	/* A previous MAG that forwards (RFC 5949) goes on doing so; its MNs have their LMA. */
	if (l && l->kind == DLMA_LOCATION_FORWARDING)
		return 0;
	if (!l || !learnt_is_cached(l))
		learnt_make_room(c);
	if (!l)
		l = learnt_create(c, hnp);
	if (!l)
		return -ENOMEM;
	learnt_remember(c, l, o->mn);
	learnt_set_place(
		c, l, DLMA_LOCATION_CACHED, &place, lifetime_ms < limit ? lifetime_ms : limit);
	learnt_look_later(c, l, 0);
	report(c, REPORT_location_learnt, o->mn, hnp, o->target);
	return 0;
}

void learnt_arrived(struct core *c, const struct dlma_prefix *hnp)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (l)
		learnt_end(c, l);
}

/* MNs on the same MAG may have been told to talk directly (draft 5.4). */
void learnt_departed(struct core *c, const struct dlma_prefix *hnp)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (l && learnt_is_cached(l) && l->target == c->state.conf->self)
		learnt_end(c, l);
}

void learnt_map_failed(struct core *c, const struct dlma_prefix *hnp)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	count(c, DLMA_SIGNAL_table_full);
	report(c, REPORT_table_full, NULL, hnp, REPORT_NO_PEER);
	/* An entry that was there before, or was written since, must not outlive what we know. */
	if (l)
		learnt_end(c, l);
}

/*
 * The location table of an owner comes from the store, and a nobody's entry from nowhere. The run
 * before may have had other prefixes and another role.
 */
static bool adoptable(const struct core *c, const struct dlma_prefix *hnp, uint8_t kind)
{
	if (!owner_hnp_valid(c, hnp))
		return false;
	if (kind == DLMA_LOCATION_BINDING)
		return peer_is_lma(c, c->state.conf->self);
	return (kind == DLMA_LOCATION_CACHED || kind == DLMA_LOCATION_FORWARDING) &&
	       !owner_is_self(c, hnp);
}

/*
 * An entry of an earlier run of this agent: packets follow it, so it stays until somebody who
 * knows confirms or replaces it, at most as long as a MAG may be silent.
 */
void learnt_adopt(struct core *c, const struct dlma_prefix *hnp, uint8_t kind, uint16_t target)
{
	const struct domain_timers *t = &c->state.domain->timers;
	struct learnt *l = NULL;

	if (target != DOMAIN_NO_NODE && adoptable(c, hnp, kind) &&
		route_of(c, hnp).kind == DLMA_LOCATION_NONE) {
		if (kind == DLMA_LOCATION_CACHED)
			learnt_make_room(c); /* the run before may have had a larger cache */
		l = learnt_create(c, hnp);
	}
	if (!l) {
		route_sync(c, hnp);
		return;
	}
	learnt_set_place(c, l, kind, &(struct place){target, target, 0},
		kind == DLMA_LOCATION_BINDING ? t->binding_lifetime_ms : t->cache_lifetime_ms);
	l->adopted = true;
	if (kind == DLMA_LOCATION_CACHED)
		learnt_look_later(c, l, 0);
	else
		timer_set(&c->timers, &l->timer, l->expires_ms);
	report(c, REPORT_adopted, NULL, hnp, target);
}
