// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Location updates: another LMA says where a MN is (draft 4.4), to the D-LMA that had it, to one
 * that is asking for it, or to an O-LMA.
 */
#include "core/internal.h"

/* A location update, taken apart. */
struct update {
	struct request request;
	struct place place;
	uint16_t sender;
	uint16_t mag; /* that the D-LMA has the MN from; or DOMAIN_NO_NODE */
	uint32_t lifetime_ms;
	bool unsettled; /* not answered: whether it is true must come out first */
};

static bool from_owner(const struct core *c, const struct update *u)
{
	return owner_of(c, &u->request.hnp.addr) == u->sender;
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

	if (learnt_is_cached(l) && !from_owner(c, u))
		limit = learnt_time_left(c, l);
	return u->lifetime_ms < limit ? u->lifetime_ms : limit;
}

static void set_cached(struct core *c, struct learnt *l, const struct update *u)
{
	uint32_t lifetime = cached_lifetime(c, l, u);
	bool news = l->target != u->place.target || l->kind != DLMA_LOCATION_CACHED;

	learnt_remember(c, l, &u->request.mn);
	learnt_set_place(c, l, DLMA_LOCATION_CACHED, &u->place, lifetime);
	learnt_look_later(c, l, 0);
	if (news)
		report(c, REPORT_location_learnt, &u->request.mn, &l->hnp, u->place.target);
}

/*
 * The H-LMA knows the D-LMA only. As long as it speaks of the same movement, the MAG that the
 * D-LMA has named stays the better target.
 */
static bool confirms(const struct learnt *l, const struct update *u)
{
	return learnt_is_cached(l) && l->dlma == u->place.dlma && l->stamp == u->place.stamp &&
	       u->place.target == u->place.dlma;
}

/* A forwarding entry stays one: packets still come here out of tunnels. */
static void set_forwarding(struct core *c, struct learnt *l, const struct update *u)
{
	learnt_set_place(c, l, DLMA_LOCATION_FORWARDING, &u->place, learnt_time_left(c, l));
}

/* A MAG tunnels what its MNs send to other MAGs only: LMAs take it from their own MAGs alone. */
static bool is_usable(const struct core *c, const struct learnt *l, const struct update *u)
{
	return peer_is_lma(c, c->state.conf->self) || peer_is_mag_only(c, u->place.target) ||
	       (l && l->kind == DLMA_LOCATION_FORWARDING);
}

/*
 * A binding of an earlier run has no stamp by which to tell a late word from a new one. So the
 * owner is asked unless it is who says it; if the word is true, its answer says so, and so does
 * the next copy of the word.
 */
static void leave_adopted(struct core *c, struct learnt *l, struct update *u)
{
	u->unsettled = !from_owner(c, u);
	if (u->unsettled)
		query_owner(c, l);
	else
		learnt_forward(c, &l->hnp,
			&(struct onward){
				&u->request.mn, u->place.target, u->place.dlma, u->place.stamp});
}

/* Not taken, or it would have to go at once. The owner may know more when it is asked again. */
static uint8_t unreachable(struct core *c, struct learnt *l)
{
	query_rest(c, l, c->state.domain->timers.negative_ms);
	return MH_STATUS_no_resources;
}

static uint8_t update_learnt(
	struct core *c, struct learnt *l, struct update *u, uint64_t *ret_stamp)
{
	bool anchored = l && l->adopted && l->kind == DLMA_LOCATION_BINDING;
	bool usable = is_usable(c, l, u);

	if (!from_owner(c, u) && !learnt_speaks_for(l, u->sender) &&
		!(anchored && u->sender == u->place.dlma))
		return MH_STATUS_prohibited;
	if (l && u->place.stamp < l->stamp) {
		*ret_stamp = l->stamp;
		return MH_STATUS_timestamp_lower;
	}
	if (!u->lifetime_ms || !usable) {
		if (l && (!u->lifetime_ms || learnt_is_cached(l)))
			learnt_end(c, l);
		return MH_STATUS_accepted;
	}
	if (!l || !learnt_is_cached(l))
		learnt_make_room(c);
	if (!l)
		l = learnt_create(c, &u->request.hnp);
	if (!l)
		return MH_STATUS_no_resources;
	if (confirms(l, u))
		u->place.target = l->target;
	if (peer_is_down(c, u->place.target) && l->target == DOMAIN_NO_NODE)
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

void update_on_pbu(struct core *c, struct peer *p, const struct mh_message *m)
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
	if (u.unsettled)
		return;
	if (reply.status == MH_STATUS_prohibited)
		count(c, DLMA_SIGNAL_not_authorised);
	if (reply.status == MH_STATUS_timestamp_lower)
		count(c, DLMA_SIGNAL_outdated);
	else
		reply.timestamp = 0;
	reply.lifetime_ms = reply.status ? 0 : u.lifetime_ms;
	message_reply(c, &u.request, &reply);
}
