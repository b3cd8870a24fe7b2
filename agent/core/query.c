// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What this node asks about locations, and when those that it has learnt end: the owner does not
 * confirm them, nobody uses them, or they lead to a node that does not answer.
 */
#include "core/internal.h"

enum {
	ASK_AGAIN_MS = 1000,
	ASK_TRIES = 3,
};

void query_rest(struct core *c, struct learnt *l, uint32_t pause_ms)
{
	l->asked = ASK_TRIES;
	timer_set(&c->timers, &l->timer, c->now.mono_ms + pause_ms);
}

void query_owner(struct core *c, struct learnt *l)
{
	struct mh_message m = {.type = MH_BINDING_REFRESH_REQUEST};
	uint16_t owner = owner_of(c, &l->hnp.addr);

	m.options.hnp[m.options.hnp_count++].prefix = l->hnp;
	if (!peer_send(c, owner, &m))
		report(c, REPORT_location_asked, NULL, &l->hnp, owner);
}

static void ask(struct core *c, struct learnt *l)
{
	l->asked++;
	timer_set(&c->timers, &l->timer, c->now.mono_ms + ASK_AGAIN_MS);
	query_owner(c, l);
}

void query_on_miss(struct core *c, const struct dlma_addr *hoa)
{
	struct dlma_prefix hnp;
	struct learnt *l;

	if (!owner_hnp(c, hoa, &hnp) || owner_is_self(c, &hnp) || learnt_by_hnp(c, &hnp))
		return;
	l = learnt_create(c, &hnp);
	if (l)
		ask(c, l);
}

/* The owner has no binding: that is remembered for a moment, so as not to ask for each packet. */
static void set_negative(struct core *c, struct learnt *l, uint16_t owner)
{
	struct dlma_prefix hnp = l->hnp;

	report(c, REPORT_location_negative, NULL, &hnp, owner);
	if (l->target != DOMAIN_NO_NODE) {
		learnt_end(c, l);
		return;
	}
	query_rest(c, l, c->state.domain->timers.negative_ms);
}

/* The MAG has the MN no more: the D-LMA behind it knows more, if anybody does. */
static void fall_back(struct core *c, struct learnt *l)
{
	struct place place = {l->dlma, l->dlma, l->stamp};

	if (!peer_is_lma(c, c->state.conf->self)) {
		learnt_end(c, l);
		return;
	}
	learnt_set_place(c, l, l->kind, &place, learnt_time_left(c, l));
	if (learnt_is_cached(l))
		learnt_look_later(c, l, 0);
}

void query_on_error(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct dlma_prefix hnp;
	struct learnt *l;
	bool ours;

	if (m->be.status != MH_BINDING_ERROR_NO_BINDING || !owner_hnp(c, &m->be.home, &hnp)) {
		count(c, DLMA_SIGNAL_unexpected);
		return;
	}
	ours = mag_register_again(c, &hnp, p->index) || binding_on_error(c, &hnp, p->index);
	l = learnt_by_hnp(c, &hnp);
	if (!l && !ours)
		count(c, DLMA_SIGNAL_unexpected);
	if (!l)
		return;
	if (owner_of(c, &m->be.home) == p->index)
		set_negative(c, l, p->index);
	else if (l->target == p->index && l->dlma != p->index && l->kind != DLMA_LOCATION_HELD)
		fall_back(c, l);
	else if (learnt_speaks_for(l, p->index))
		learnt_end(c, l);
	else
		count(c, DLMA_SIGNAL_not_authorised);
}

void query_on_use(struct core *c, const struct dlma_prefix *hnp, uint64_t idle_ms)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (!l || !learnt_is_cached(l))
		return;
	if (idle_ms >= c->state.domain->timers.cache_idle_ms) {
		report(c, REPORT_location_forgotten, NULL, hnp, REPORT_NO_PEER);
		learnt_end(c, l);
	} else if (c->now.mono_ms + learnt_refresh_margin(c) >= l->expires_ms) {
		ask(c, l); /* in use: refreshed before it ends */
	} else {
		learnt_look_later(c, l, idle_ms);
	}
}

/* Leads to a node that does not answer. What the owner itself would do is no worse. */
static bool is_stranded(const struct core *c, const struct learnt *l)
{
	return (l->kind == DLMA_LOCATION_CACHED || l->kind == DLMA_LOCATION_FORWARDING) &&
	       l->target != DOMAIN_NO_NODE && peer_is_down(c, l->target) &&
	       owner_of(c, &l->hnp.addr) != l->target;
}

static void stranded_due(struct core *c, struct learnt *l)
{
	report(c, REPORT_location_stranded, l->mn, &l->hnp, l->target);
	if (learnt_is_cached(l) && l->dlma != l->target && !peer_is_down(c, l->dlma))
		fall_back(c, l);
	else
		learnt_end(c, l);
}

/* One timer each: there may be millions. */
void query_peer_down(struct core *c, uint16_t peer)
{
	struct table_node *n = NULL;

	while ((n = table_next(&c->state.learnt, n))) {
		struct learnt *l = container_of(n, struct learnt, by_hnp);

		if (l->target == peer && is_stranded(c, l))
			timer_set(&c->timers, &l->timer, c->now.mono_ms);
	}
}

/* The owner cannot be asked, but the D-LMA is there: better an old location than none. */
static bool may_serve_stale(const struct core *c, const struct learnt *l)
{
	return peer_is_down(c, owner_of(c, &l->hnp.addr)) &&
	       c->now.mono_ms - l->told_ms < c->state.domain->timers.stale_ms;
}

static void cached_due(struct core *c, struct learnt *l)
{
	if (c->now.mono_ms < l->expires_ms) {
		/* Ends at the latest then, whatever the answer. */
		timer_set(&c->timers, &l->timer, l->expires_ms);
		emit_check_use(c, &l->hnp);
		return;
	}
	if (may_serve_stale(c, l)) {
		l->expires_ms = c->now.mono_ms + c->state.domain->timers.cache_lifetime_ms;
		learnt_look_later(c, l, 0);
		return;
	}
	report(c, REPORT_location_expired, NULL, &l->hnp, l->target);
	learnt_end(c, l);
}

void query_due(struct core *c, struct learnt *l)
{
	if (is_stranded(c, l)) {
		stranded_due(c, l);
	} else if (learnt_is_cached(l)) {
		cached_due(c, l);
	} else if (l->target == DOMAIN_NO_NODE) {
		if (l->asked < ASK_TRIES)
			ask(c, l);
		else
			learnt_drop(c, l);
	} else if (l->kind == DLMA_LOCATION_HELD) {
		learnt_hold_no_longer(c, l);
	} else {
		report(c, REPORT_forwarding_ended, l->mn, &l->hnp, l->target);
		learnt_end(c, l);
	}
}
