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
	ASK_AGAIN_MS = 1000,
	ASK_TRIES = 3,
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

static bool is_cached(const struct learnt *l)
{
	return l->target != DOMAIN_NO_NODE && l->kind == DLMA_LOCATION_CACHED;
}

static bool is_down(const struct core *c, uint16_t node)
{
	return c->state.peers[node].state == PEER_DOWN;
}

static struct learnt *create(struct core *c, const struct dlma_prefix *hnp)
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
	c->state.cached -= is_cached(l);
	timer_clear(&c->timers, &l->timer);
	timer_release(&c->timers, 1);
	table_remove(&c->state.learnt, &l->by_hnp);
	identity_release(c, l->mn);
	free(l);
}

/* Drops an entry and takes it from the data path. */
static void end(struct core *c, struct learnt *l)
{
	struct dlma_prefix hnp = l->hnp;
	bool routed = l->target != DOMAIN_NO_NODE;

	learnt_drop(c, l);
	if (routed)
		route_sync(c, &hnp);
}

/* The cache is bounded: of a few entries, the one that would end first makes room. */
static void make_room(struct core *c)
{
	struct learnt *victim = NULL;
	struct table_node *n = NULL;
	unsigned int seen = 0;

	if (c->state.cached < c->state.conf->cache_max)
		return;
	while (seen < EVICTION_SAMPLE && (n = table_next(&c->state.learnt, n))) {
		struct learnt *l = container_of(n, struct learnt, by_hnp);

		if (!is_cached(l))
			continue;
		seen++;
		if (!victim || l->expires_ms < victim->expires_ms)
			victim = l;
	}
	if (victim)
		end(c, victim);
}

/* A MAG asks nobody: without its entry the packets of its MNs go to its LMA, which knows. */
static uint32_t refresh_margin(const struct core *c)
{
	uint32_t quarter = c->state.domain->timers.cache_lifetime_ms / 4;

	if (peer_is_mag_only(c, c->state.conf->self))
		return 0;
	return quarter < REFRESH_MARGIN_MAX_MS ? quarter : REFRESH_MARGIN_MAX_MS;
}

static void remember(struct core *c, struct learnt *l, const struct identity *mn)
{
	if (l->mn || !mn || !mn->id_len)
		return;
	l->mn = identity_hold(c, mn);
}

struct place {
	uint16_t target, dlma;
	uint64_t stamp;
};

static void set_place(
	struct core *c, struct learnt *l, uint8_t kind, const struct place *p, uint32_t lifetime_ms)
{
	c->state.cached -= is_cached(l);
	l->kind = kind;
	l->target = p->target;
	l->dlma = p->dlma;
	l->stamp = p->stamp;
	l->asked = 0;
	l->adopted = false;
	l->told_ms = c->now.mono_ms;
	l->expires_ms = c->now.mono_ms + lifetime_ms;
	c->state.cached += is_cached(l);
	route_sync(c, &l->hnp);
}

static void schedule_idle_check(struct core *c, struct learnt *l, uint64_t idle_ms)
{
	uint32_t limit = c->state.domain->timers.cache_idle_ms;
	uint64_t idle_at = c->now.mono_ms + (idle_ms < limit ? limit - idle_ms : 0);
	uint64_t refresh_at = l->expires_ms - refresh_margin(c);
	uint64_t at = idle_at < refresh_at && !c->options.sweeps ? idle_at : refresh_at;

	timer_set(&c->timers, &l->timer, at > c->now.mono_ms ? at : c->now.mono_ms + 1);
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
		l = create(c, hnp);
	if (!l)
		return;
	remember(c, l, o->mn);
	set_place(c, l, DLMA_LOCATION_FORWARDING, &place, lifetime);
	timer_set(&c->timers, &l->timer, l->expires_ms);
	report(c, REPORT_forwarding_started, o->mn, hnp, o->target);
}

/*
 * Nobody has told yet where the MN is that has left this MAG. Its packets wait no longer, but that
 * it was here is remembered for as long as O-LMAs may still tunnel to us: only then may another
 * MAG have us forward (handover_on_initiate()).
 */
static void hold_no_longer(struct core *c, struct learnt *l)
{
	l->target = l->dlma = DOMAIN_NO_NODE;
	l->asked = ASK_TRIES;
	timer_set(&c->timers, &l->timer,
		c->now.mono_ms + c->state.domain->timers.forwarding_lifetime_ms);
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
		l = create(c, hnp);
	if (!l)
		return;
	set_place(c, l, DLMA_LOCATION_HELD, &here, hold_ms);
	timer_set(&c->timers, &l->timer, l->expires_ms);
	if (!hold_ms)
		hold_no_longer(c, l);
}

int learnt_localize(
	struct core *c, const struct dlma_prefix *hnp, const struct onward *o, uint32_t lifetime_ms)
{
	uint32_t limit = c->state.domain->timers.cache_lifetime_ms;
	struct place place = {o->target, o->dlma, o->stamp};
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (!lifetime_ms) {
		if (l && is_cached(l))
			end(c, l);
		return 0;
	}
	/* A previous MAG that forwards (RFC 5949) goes on doing so; its MNs have their LMA. */
	if (l && l->kind == DLMA_LOCATION_FORWARDING)
		return 0;
	if (!l || !is_cached(l))
		make_room(c);
	if (!l)
		l = create(c, hnp);
	if (!l)
		return -ENOMEM;
	remember(c, l, o->mn);
	set_place(c, l, DLMA_LOCATION_CACHED, &place, lifetime_ms < limit ? lifetime_ms : limit);
	schedule_idle_check(c, l, 0);
	report(c, REPORT_location_learnt, o->mn, hnp, o->target);
	return 0;
}

void learnt_arrived(struct core *c, const struct dlma_prefix *hnp)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (l)
		end(c, l);
}

/* MNs on the same MAG may have been told to talk directly (draft 5.4). */
void learnt_departed(struct core *c, const struct dlma_prefix *hnp)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (l && is_cached(l) && l->target == c->state.conf->self)
		end(c, l);
}

/* A location update, taken apart. */
struct update {
	struct request request;
	struct place place;
	uint16_t sender;
	uint16_t mag; /* that the D-LMA has the MN from; or DOMAIN_NO_NODE */
	uint32_t lifetime_ms;
};

static bool from_owner(const struct core *c, const struct update *u)
{
	return owner_of(c, &u->request.hnp.addr) == u->sender;
}

/* At least a moment: an entry whose time has come ends by its timer. */
static uint32_t time_left(const struct core *c, const struct learnt *l)
{
	return l->expires_ms > c->now.mono_ms ? (uint32_t)(l->expires_ms - c->now.mono_ms) : 1;
}

/* Towards the D-LMA: the MN is anchored elsewhere now (draft 4.4, 5.1.3). */
static uint8_t update_binding(
	struct core *c, struct binding *b, const struct update *u, uint64_t *ret_stamp)
{
	*ret_stamp = b->stamp;
	if (u->sender != u->place.dlma && !from_owner(c, u))
		return MH_STATUS_prohibited;
	if (u->place.stamp <= b->stamp)
		return MH_STATUS_timestamp_lower;
	if (u->lifetime_ms)
		binding_hand_over(c, b, u->mag, u->place.dlma, u->place.stamp);
	return MH_STATUS_accepted;
}

/*
 * The same, while this node is asking the H-LMA for the MN. Every word is kept, whatever our own
 * claim says: it may be refused, and nobody tells us a second time.
 */
static uint8_t update_pending(const struct core *c, struct binding *b, const struct update *u)
{
	if (u->sender != u->place.dlma && !from_owner(c, u))
		return MH_STATUS_prohibited;
	if (u->lifetime_ms)
		binding_overtaken(b, &u->request.hnp, u->place.dlma, u->place.stamp);
	return MH_STATUS_accepted;
}

/*
 * How long an entry holds. Only the owner prolongs one: otherwise an LMA that a MN has left could
 * keep its packets for ever, by always speaking before the owner is asked again.
 */
static uint32_t cached_lifetime(
	const struct core *c, const struct learnt *l, const struct update *u)
{
	uint32_t limit = c->state.domain->timers.cache_lifetime_ms;

	if (is_cached(l) && !from_owner(c, u))
		limit = time_left(c, l);
	return u->lifetime_ms < limit ? u->lifetime_ms : limit;
}

static void set_cached(struct core *c, struct learnt *l, const struct update *u)
{
	uint32_t lifetime = cached_lifetime(c, l, u);
	bool news = l->target != u->place.target || l->kind != DLMA_LOCATION_CACHED;

	remember(c, l, &u->request.mn);
	set_place(c, l, DLMA_LOCATION_CACHED, &u->place, lifetime);
	schedule_idle_check(c, l, 0);
	if (news)
		report(c, REPORT_location_learnt, &u->request.mn, &l->hnp, u->place.target);
}

/*
 * The H-LMA knows the D-LMA only. As long as it speaks of the same movement, the MAG that the
 * D-LMA has named stays the better target.
 */
static bool confirms(const struct learnt *l, const struct update *u)
{
	return is_cached(l) && l->dlma == u->place.dlma && l->stamp == u->place.stamp &&
	       u->place.target == u->place.dlma;
}

/* A forwarding entry stays one: packets still come here out of tunnels. */
static void set_forwarding(struct core *c, struct learnt *l, const struct update *u)
{
	set_place(c, l, DLMA_LOCATION_FORWARDING, &u->place, time_left(c, l));
}

/* Who may speak about an entry: the node that it points to, or the D-LMA behind that MAG. */
static bool speaks_for(const struct learnt *l, uint16_t sender)
{
	return l && (l->target == sender || l->dlma == sender) && l->kind != DLMA_LOCATION_HELD;
}

/* Not taken, or it would have to go at once. The owner may know more when it is asked again. */
static uint8_t unreachable(struct core *c, struct learnt *l)
{
	l->asked = ASK_TRIES;
	timer_set(&c->timers, &l->timer, c->now.mono_ms + c->state.domain->timers.negative_ms);
	return MH_STATUS_no_resources;
}

/* A MAG tunnels what its MNs send to other MAGs only: LMAs take it from their own MAGs alone. */
static bool is_usable(const struct core *c, const struct learnt *l, const struct update *u)
{
	return peer_is_lma(c, c->state.conf->self) || peer_is_mag_only(c, u->place.target) ||
	       (l && l->kind == DLMA_LOCATION_FORWARDING);
}

/*
 * An entry of an earlier run has no stamp by which to tell a late word from a new one. So unless
 * the owner says it, packets go to the owner, who knows.
 */
static void leave_adopted(struct core *c, struct learnt *l, const struct update *u)
{
	uint16_t owner = owner_of(c, &l->hnp.addr);
	struct onward onward = {&u->request.mn, owner, owner, u->place.stamp};

	if (from_owner(c, u)) {
		onward.target = u->place.target;
		onward.dlma = u->place.dlma;
	}
	learnt_forward(c, &l->hnp, &onward);
}

static uint8_t update_learnt(
	struct core *c, struct learnt *l, struct update *u, uint64_t *ret_stamp)
{
	bool anchored = l && l->adopted && l->kind == DLMA_LOCATION_BINDING;
	bool usable = is_usable(c, l, u);

	if (!from_owner(c, u) && !speaks_for(l, u->sender) &&
		!(anchored && u->sender == u->place.dlma))
		return MH_STATUS_prohibited;
	if (l && u->place.stamp < l->stamp) {
		*ret_stamp = l->stamp;
		return MH_STATUS_timestamp_lower;
	}
	if (!u->lifetime_ms || !usable) {
		if (l && (!u->lifetime_ms || is_cached(l)))
			end(c, l);
		return MH_STATUS_accepted;
	}
	if (!l || !is_cached(l))
		make_room(c);
	if (!l)
		l = create(c, &u->request.hnp);
	if (!l)
		return MH_STATUS_no_resources;
	if (confirms(l, u))
		u->place.target = l->target;
	if (is_down(c, u->place.target) && l->target == DOMAIN_NO_NODE)
		return unreachable(c, l);
	if (anchored)
		leave_adopted(c, l, u);
	else if (l->kind == DLMA_LOCATION_FORWARDING && l->target != DOMAIN_NO_NODE)
		set_forwarding(c, l, u);
	else
		set_cached(c, l, u);
	return MH_STATUS_accepted;
}

/* A proxy-CoA is taken only by those whom the MN's policy lets know it (draft 5.4). */
static bool may_know(const struct core *c, const struct update *u)
{
	const struct learnt *l = learnt_by_hnp(c, &u->request.hnp);
	enum domain_disclosure d = mobile_disclosure(c, l && l->mn ? l->mn : &u->request.mn);

	return d == DOMAIN_DISCLOSE_MAG ||
	       (d == DOMAIN_DISCLOSE_LMA && peer_is_lma(c, c->state.conf->self));
}

static bool is_place(const struct core *c, const struct update *u)
{
	const struct place *p = &u->place;

	if (p->target == DOMAIN_NO_NODE || p->dlma == DOMAIN_NO_NODE ||
		p->target == c->state.conf->self || p->dlma == c->state.conf->self ||
		!peer_is_lma(c, p->dlma))
		return false;
	return p->target == p->dlma || (peer_is_mag_only(c, p->target) && may_know(c, u));
}

/* What any location update must be, whoever sent it. */
static uint8_t check(struct core *c, const struct update *u)
{
	uint64_t window = (uint64_t)c->state.domain->timers.lma_timestamp_window_ms * 65536 / 1000;

	if (!u->request.has_hnp || !owner_hnp_valid(c, &u->request.hnp))
		return MH_STATUS_not_lma;
	if (owner_is_self(c, &u->request.hnp) || !is_place(c, u) ||
		!owner_admits(c, &u->request.hnp, u->place.dlma))
		return MH_STATUS_prohibited;
	/* The owner has judged it already, by a clock that may be better than ours. */
	if (!(u->request.has & MH_HAS(MH_OPTION_TIMESTAMP)) ||
		(u->place.stamp > c->now.wall + window && !from_owner(c, u)))
		return MH_STATUS_timestamp_mismatch;
	return MH_STATUS_accepted;
}

static const struct dlma_addr *target_address(const struct mh_options *o)
{
	return mh_option_has(o, MH_OPTION_ALTERNATE_COA) ? &o->alternate_coa : &o->lma_address;
}

void learnt_on_update(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct update u = {.sender = p->index, .place.stamp = m->options.timestamp};
	struct reply reply = message_reply_new(MH_STATUS_accepted);
	struct binding *b, *pending;

	request_read(&u.request, p, m);
	u.lifetime_ms = u.request.lifetime_ms;
	u.mag = message_mag(c, m);
	u.place.target = peer_index(c, target_address(&m->options));
	u.place.dlma = peer_index(c, &m->options.lma_address);
	reply.status = check(c, &u);
	b = reply.status ? NULL : binding_by_hnp(c, &u.request.hnp);
	pending = reply.status || b ? NULL : binding_by_mn(c, &u.request.mn);
	if (b)
		reply.status = update_binding(c, b, &u, &reply.timestamp);
	else if (pending && pending->state == BINDING_PENDING)
		reply.status = update_pending(c, pending, &u);
	else if (!reply.status)
		reply.status =
			update_learnt(c, learnt_by_hnp(c, &u.request.hnp), &u, &reply.timestamp);
	if (reply.status == MH_STATUS_prohibited)
		count(c, DLMA_SIGNAL_not_authorised);
	if (reply.status == MH_STATUS_timestamp_lower)
		count(c, DLMA_SIGNAL_outdated);
	else
		reply.timestamp = 0;
	reply.lifetime_ms = reply.status ? 0 : u.lifetime_ms;
	message_reply(c, &u.request, &reply);
}

static void ask(struct core *c, struct learnt *l)
{
	struct mh_message m = {.type = MH_BINDING_REFRESH_REQUEST};
	uint16_t owner = owner_of(c, &l->hnp.addr);

	m.options.hnp[m.options.hnp_count++].prefix = l->hnp;
	l->asked++;
	l->ask_after_ms = c->now.mono_ms + ASK_AGAIN_MS;
	timer_set(&c->timers, &l->timer, l->ask_after_ms);
	if (!peer_send(c, owner, &m))
		report(c, REPORT_location_asked, NULL, &l->hnp, owner);
}

void learnt_on_miss(struct core *c, const struct dlma_addr *hoa)
{
	struct dlma_prefix hnp;
	struct learnt *l;

	if (!owner_hnp(c, hoa, &hnp) || owner_is_self(c, &hnp) || learnt_by_hnp(c, &hnp))
		return;
	l = create(c, &hnp);
	if (l)
		ask(c, l);
}

/* The owner has no binding: that is remembered for a moment, so as not to ask for each packet. */
static void set_negative(struct core *c, struct learnt *l, uint16_t owner)
{
	struct dlma_prefix hnp = l->hnp;

	report(c, REPORT_location_negative, NULL, &hnp, owner);
	if (l->target != DOMAIN_NO_NODE) {
		end(c, l);
		return;
	}
	l->asked = ASK_TRIES;
	timer_set(&c->timers, &l->timer, c->now.mono_ms + c->state.domain->timers.negative_ms);
}

/* The MAG has the MN no more: the D-LMA behind it knows more, if anybody does. */
static void fall_back(struct core *c, struct learnt *l)
{
	struct place place = {l->dlma, l->dlma, l->stamp};

	if (!peer_is_lma(c, c->state.conf->self)) {
		end(c, l);
		return;
	}
	set_place(c, l, l->kind, &place, time_left(c, l));
	if (is_cached(l))
		schedule_idle_check(c, l, 0);
}

void learnt_on_error(struct core *c, struct peer *p, const struct mh_message *m)
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
	else if (speaks_for(l, p->index))
		end(c, l);
	else
		count(c, DLMA_SIGNAL_not_authorised);
}

void learnt_on_use(struct core *c, const struct dlma_prefix *hnp, uint64_t idle_ms)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	if (!l || !is_cached(l))
		return;
	if (idle_ms >= c->state.domain->timers.cache_idle_ms) {
		report(c, REPORT_location_forgotten, NULL, hnp, REPORT_NO_PEER);
		end(c, l);
	} else if (c->now.mono_ms + refresh_margin(c) >= l->expires_ms) {
		ask(c, l); /* in use: refreshed before it ends */
	} else {
		schedule_idle_check(c, l, idle_ms);
	}
}

void learnt_map_failed(struct core *c, const struct dlma_prefix *hnp)
{
	struct learnt *l = learnt_by_hnp(c, hnp);

	count(c, DLMA_SIGNAL_table_full);
	report(c, REPORT_table_full, NULL, hnp, REPORT_NO_PEER);
	/* An entry that was there before, or was written since, must not outlive what we know. */
	if (l)
		end(c, l);
}

/* Leads to a node that does not answer. What the owner itself would do is no worse. */
static bool is_stranded(const struct core *c, const struct learnt *l)
{
	return (l->kind == DLMA_LOCATION_CACHED || l->kind == DLMA_LOCATION_FORWARDING) &&
	       l->target != DOMAIN_NO_NODE && is_down(c, l->target) &&
	       owner_of(c, &l->hnp.addr) != l->target;
}

static void stranded_due(struct core *c, struct learnt *l)
{
	report(c, REPORT_location_stranded, l->mn, &l->hnp, l->target);
	if (is_cached(l) && l->dlma != l->target && !is_down(c, l->dlma))
		fall_back(c, l);
	else
		end(c, l);
}

/* One timer each: there may be millions. */
void learnt_peer_down(struct core *c, uint16_t peer)
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
	return is_down(c, owner_of(c, &l->hnp.addr)) &&
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
		schedule_idle_check(c, l, 0);
		return;
	}
	report(c, REPORT_location_expired, NULL, &l->hnp, l->target);
	end(c, l);
}

void learnt_due(struct core *c, struct learnt *l)
{
	if (is_stranded(c, l)) {
		stranded_due(c, l);
	} else if (is_cached(l)) {
		cached_due(c, l);
	} else if (l->target == DOMAIN_NO_NODE) {
		if (l->asked < ASK_TRIES)
			ask(c, l);
		else
			learnt_drop(c, l);
	} else if (l->kind == DLMA_LOCATION_HELD) {
		hold_no_longer(c, l);
	} else {
		report(c, REPORT_forwarding_ended, l->mn, &l->hnp, l->target);
		end(c, l);
	}
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
			make_room(c); /* the run before may have had a larger cache */
		l = create(c, hnp);
	}
	if (!l) {
		route_sync(c, hnp);
		return;
	}
	set_place(c, l, kind, &(struct place){target, target, 0},
		kind == DLMA_LOCATION_BINDING ? t->binding_lifetime_ms : t->cache_lifetime_ms);
	l->adopted = true;
	if (kind == DLMA_LOCATION_CACHED)
		schedule_idle_check(c, l, 0);
	else
		timer_set(&c->timers, &l->timer, l->expires_ms);
	report(c, REPORT_adopted, NULL, hnp, target);
}
