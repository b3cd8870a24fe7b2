// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * H-LMA: the master record of each HNP that this node owns (draft 2.3, 4.1, 4.3): whose it is, and
 * which LMA is its D-LMA. A claim is accepted only with a larger stamp than the last; that and the
 * durable store are what keeps the record right under loss, reordering and crashes.
 */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

static bool hnp_equal(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct anchor, by_hnp)->hnp, key);
}

static bool mn_equal(const struct table_node *node, const void *key)
{
	return identity_equal(container_of(node, struct anchor, by_mn)->mn, key);
}

struct anchor *anchor_by_hnp(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct table *t = &c->state.anchors;
	struct table_node *n = table_find(t, prefix_hash(t, hnp), hnp_equal, hnp);

	return n ? container_of(n, struct anchor, by_hnp) : NULL;
}

struct anchor *anchor_by_mn(const struct core *c, const struct identity *mn)
{
	const struct table *t = &c->state.anchors_by_mn;
	struct table_node *n = table_find(t, identity_hash(t, mn), mn_equal, mn);

	return n ? container_of(n, struct anchor, by_mn) : NULL;
}

static void set_dlma(struct core *c, struct anchor *a, uint16_t dlma)
{
	if (a->dlma != DOMAIN_NO_NODE)
		c->state.peers[a->dlma].anchors--;
	if (dlma != DOMAIN_NO_NODE)
		c->state.peers[dlma].anchors++;
	a->dlma = dlma;
}

static struct anchor *create(
	struct core *c, const struct identity *mn, const struct dlma_prefix *hnp)
{
	struct core_state *s = &c->state;
	struct anchor *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->timer.kind = TIMER_ANCHOR;
	a->mn = identity_hold(c, mn);
	if (!a->mn)
		goto free_anchor;
	a->hnp = *hnp;
	a->dlma = a->previous = a->mag = a->previous_mag = DOMAIN_NO_NODE;
	if (timer_reserve(&c->timers, 1))
		goto release_identity;
	if (table_insert(&s->anchors, &a->by_hnp, prefix_hash(&s->anchors, hnp)))
		goto release_timer;
	if (table_insert(&s->anchors_by_mn, &a->by_mn, identity_hash(&s->anchors_by_mn, mn)))
		goto remove_by_hnp;
	return a;
remove_by_hnp:
	table_remove(&s->anchors, &a->by_hnp);
release_timer:
	timer_release(&c->timers, 1);
release_identity:
	identity_release(c, a->mn);
free_anchor:
	free(a);
	return NULL;
}

void anchor_forget(struct core *c, struct anchor *a)
{
	emit(c, EFFECT_STORE_DEL)->store.hnp = a->hnp;
	set_dlma(c, a, DOMAIN_NO_NODE);
	table_remove(&c->state.anchors, &a->by_hnp);
	table_remove(&c->state.anchors_by_mn, &a->by_mn);
	timer_clear(&c->timers, &a->timer);
	timer_release(&c->timers, 1);
	identity_release(c, a->mn);
	free(a);
}

/* A HNP that nobody has: may this MN have it? */
static uint8_t authorise_new(struct core *c, const struct claim *claim,
	const struct domain_mobile *profile, struct dlma_prefix *ret)
{
	if (profile->has_hnp) {
		*ret = profile->hnp;
		if (anchor_by_hnp(c, ret))
			return MH_STATUS_hnp_not_authorised;
		return addr_is_zero(&claim->hnp.addr) || prefix_equal(ret, &claim->hnp)
			       ? MH_STATUS_accepted
			       : MH_STATUS_hnp_not_authorised;
	}
	if (addr_is_zero(&claim->hnp.addr))
		return alloc_hnp(c, claim->mn, claim->dlma, ret) ? MH_STATUS_no_resources
								 : MH_STATUS_accepted;
	*ret = claim->hnp;
	return owner_hnp_valid(c, ret) ? MH_STATUS_accepted : MH_STATUS_hnp_not_authorised;
}

/* Per peer and prefix, as RFC 5213 4 wants it. A HNP still to be picked comes from a right block.
 */
static bool may_anchor(const struct core *c, const struct claim *claim, const struct anchor *a)
{
	if (a)
		return owner_admits(c, &a->hnp, claim->dlma);
	return addr_is_zero(&claim->hnp.addr) || owner_admits(c, &claim->hnp, claim->dlma);
}

/* Finds the record that a claim is about (draft 4.3: uniqueness of the HoA); NULL: none yet. */
static uint8_t locate(struct core *c, const struct claim *claim, struct anchor **ret)
{
	const struct domain_mobile *profile = mobile_by_identity(c, claim->mn);
	struct anchor *a = anchor_by_mn(c, claim->mn);
	bool any = addr_is_zero(&claim->hnp.addr);

	if (!profile)
		return MH_STATUS_not_lma;
	if (!profile->allowed)
		return MH_STATUS_not_enabled;
	if (!may_anchor(c, claim, a))
		return MH_STATUS_mag_not_authorised;
	/* Another HNP than the MN has, or somebody else's. */
	if (!any &&
		(a ? !prefix_equal(&a->hnp, &claim->hnp) : anchor_by_hnp(c, &claim->hnp) != NULL))
		return MH_STATUS_hnp_not_authorised;
	*ret = a;
	return MH_STATUS_accepted;
}

static uint8_t make(struct core *c, const struct claim *claim, struct anchor **ret)
{
	const struct domain_mobile *profile = mobile_by_identity(c, claim->mn);
	struct dlma_prefix hnp;
	uint8_t status;

	if (!route_has_room(c)) {
		report(c, REPORT_table_full, claim->mn, &claim->hnp, claim->dlma);
		return MH_STATUS_no_resources;
	}
	status = authorise_new(c, claim, profile, &hnp);
	if (status)
		return status;
	if (!owner_admits(c, &hnp, claim->dlma))
		return MH_STATUS_mag_not_authorised;
	*ret = create(c, claim->mn, &hnp);
	return *ret ? MH_STATUS_accepted : MH_STATUS_no_resources;
}

static bool within_quota(struct core *c, struct anchor *a, const struct claim *claim)
{
	struct gain gain = {claim->mn, &claim->hnp, a ? &a->movers : NULL,
		c->state.peers[claim->dlma].anchors, c->state.conf->anchors_per_lma, claim->dlma};

	return (a && a->dlma == claim->dlma) || quota_admits(c, &gain);
}

/* The ordering rule. A repeated claim is as good as the first. */
static bool in_order(const struct anchor *a, const struct claim *claim)
{
	if (claim->dlma == a->dlma && claim->stamp == a->stamp)
		return true;
	/* Its lifetime ended here first; a de-registration would have raised the stamp. */
	if (a->dlma == DOMAIN_NO_NODE && claim->stamp == a->stamp)
		return true;
	/* A refresh proves nothing about where the MN is: it never moves the anchor. */
	if (claim->handoff == MH_HANDOFF_UNCHANGED && a->dlma != claim->dlma &&
		a->dlma != DOMAIN_NO_NODE)
		return false;
	return claim->stamp > a->stamp;
}

static void keep_until(struct core *c, struct anchor *a, uint32_t lifetime_ms)
{
	/* The D-LMA refreshes when its MAG does; give that way some time of its own. */
	a->lifetime_ms = lifetime_ms;
	a->expires_ms = c->now.mono_ms + lifetime_ms + lifetime_ms / 8;
	timer_set(&c->timers, &a->timer, a->expires_ms);
}

/* After a change of the D-LMA alone the MAG is its own predecessor. */
static void note_mag(struct anchor *a, uint16_t mag, bool same_dlma)
{
	if (mag == a->mag && same_dlma)
		return;
	a->previous_mag = a->mag;
	a->mag = mag;
}

static void accept_claim(struct core *c, struct anchor *a, const struct claim *claim)
{
	uint16_t self = c->state.conf->self, was = a->dlma;
	struct binding *own;

	note_mag(a, claim->mag, was == claim->dlma);
	a->stamp = claim->stamp;
	a->att = claim->att;
	keep_until(c, a, claim->lifetime_ms);
	if (was == claim->dlma) {
		/* Written for a repeated claim as well: the answer before may never have left. */
		emit_store(c, a);
		if (c->state.domain->home_tracks_mag && was != self)
			route_sync(c, &a->hnp);
		return;
	}
	a->previous = was;
	set_dlma(c, a, claim->dlma);
	emit_store(c, a);
	report(c, REPORT_anchor_moved, a->mn, &a->hnp, a->dlma);
	own = was == self ? binding_by_hnp(c, &a->hnp) : NULL;
	if (own)
		binding_hand_over(c, own, claim->mag, a->dlma, a->stamp);
	else if (a->dlma != self) /* else the binding takes the entry over: never none between */
		route_sync(c, &a->hnp);
	/*
	 * The new D-LMA tells the previous one (draft 4.4), but it may not come to it, may not hear
	 * of it, or not mean to: only who knows of the move can say that it is not true.
	 */
	if (was != self && was != DOMAIN_NO_NODE && a->dlma != self)
		moved_tell_also(c, a);
}

struct claim_result anchor_claim(struct core *c, const struct claim *claim)
{
	struct claim_result r = {
		.hnp = claim->hnp, .previous = DOMAIN_NO_NODE, .previous_mag = DOMAIN_NO_NODE};
	struct anchor *a = NULL;

	r.status = locate(c, claim, &a);
	if (r.status)
		goto refused;
	if (a && !in_order(a, claim)) {
		r.hnp = a->hnp;
		r.stamp = a->stamp;
		r.status = MH_STATUS_timestamp_lower;
		count(c, DLMA_SIGNAL_outdated);
		goto refused;
	}
	if (!within_quota(c, a, claim))
		r.status = MH_STATUS_no_resources;
	if (!r.status && !a)
		r.status = make(c, claim, &a);
	if (r.status)
		goto refused;
	accept_claim(c, a, claim);
	r.hnp = a->hnp;
	r.stamp = a->stamp;
	r.previous_mag = a->previous_mag;
	/* If this node itself was the D-LMA it has switched already; nobody need be told. */
	if (a->previous != claim->dlma && a->previous != c->state.conf->self)
		r.previous = a->previous;
	return r;
refused:
	if (r.status == MH_STATUS_mag_not_authorised || r.status == MH_STATUS_hnp_not_authorised)
		count(c, DLMA_SIGNAL_not_authorised);
	report_status(c, REPORT_anchor_refused, claim->mn, &r.hnp, claim->dlma, r.status);
	return r;
}

void anchor_release(struct core *c, const struct dlma_prefix *hnp, uint16_t dlma, uint64_t stamp)
{
	struct anchor *a = anchor_by_hnp(c, hnp);

	/* A late word of an earlier D-LMA changes nothing. */
	if (!a || a->dlma != dlma || stamp < a->stamp)
		return;
	set_dlma(c, a, DOMAIN_NO_NODE);
	a->previous = a->mag = a->previous_mag = DOMAIN_NO_NODE;
	a->stamp = stamp;
	a->released_ms = c->now.mono_ms;
	timer_clear(&c->timers, &a->timer);
	emit_store(c, a);
	report(c, REPORT_anchor_removed, a->mn, &a->hnp, dlma);
	route_sync(c, &a->hnp);
}

void anchor_due(struct core *c, struct anchor *a)
{
	anchor_release(c, &a->hnp, a->dlma, a->stamp);
}

/* RFC 5213 5.3.1 for a PBU of another LMA; the claim itself is judged by anchor_claim(). */
static uint8_t check(struct core *c, const struct request *r)
{
	uint64_t window = (uint64_t)c->state.domain->timers.lma_timestamp_window_ms * 65536 / 1000;
	const struct anchor *a = anchor_by_mn(c, &r->mn);
	/* What was accepted before some clock was set back must still be outbid. */
	uint64_t latest = a && a->stamp > c->now.wall ? a->stamp : c->now.wall;
	const struct domain_mobile *profile;

	if (!r->mn.id_len)
		return MH_STATUS_missing_mn_id;
	if (!(r->has & MH_HAS(MH_OPTION_TIMESTAMP)) || r->timestamp > latest + window)
		return MH_STATUS_timestamp_mismatch;
	if (!r->has_hnp)
		return MH_STATUS_missing_hnp;
	profile = mobile_by_identity(c, &r->mn);
	if (!profile || (addr_is_zero(&r->hnp.addr) ? profile->home != c->state.conf->self
						    : !owner_is_self(c, &r->hnp)))
		return MH_STATUS_not_lma;
	return MH_STATUS_accepted;
}

/*
 * Only the D-LMA ends the anchoring; its late word about an earlier one changes nothing. To say so
 * again once it has ended is a retransmission.
 */
static uint8_t deregister(struct core *c, const struct request *r, uint64_t *ret_stamp)
{
	const struct anchor *a = anchor_by_hnp(c, &r->hnp);

	if (!a || a->dlma == DOMAIN_NO_NODE)
		return MH_STATUS_accepted;
	*ret_stamp = a->stamp;
	if (r->timestamp < a->stamp) {
		count(c, DLMA_SIGNAL_outdated);
		return MH_STATUS_timestamp_lower;
	}
	if (a->dlma != r->peer) {
		count(c, DLMA_SIGNAL_not_authorised);
		return MH_STATUS_prohibited;
	}
	anchor_release(c, &r->hnp, r->peer, r->timestamp);
	return MH_STATUS_accepted;
}

void anchor_on_pbu(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct reply reply = message_reply_new(MH_STATUS_accepted);
	struct claim_result result = {0};
	struct request r;
	struct claim claim;

	request_read(&r, p, m);
	mobile_complete(c, &r.mn);
	message_limit_lifetime(c, &r);
	reply.status = check(c, &r);
	claim = (struct claim){&r.mn, r.hnp, r.timestamp, r.lifetime_ms, p->index,
		message_mag(c, m), r.handoff, r.att};
	if (!reply.status && !r.lifetime_ms) {
		reply.status = deregister(c, &r, &result.stamp);
	} else if (!reply.status) {
		result = anchor_claim(c, &claim);
		reply.status = result.status;
		reply.hnp = result.hnp;
		reply.previous = result.status ? DOMAIN_NO_NODE : result.previous;
		reply.previous_mag = result.status ? DOMAIN_NO_NODE : result.previous_mag;
	}
	if (reply.status == MH_STATUS_timestamp_lower)
		reply.timestamp = result.stamp;
	if (reply.status == MH_STATUS_timestamp_mismatch)
		reply.timestamp = c->now.wall;
	reply.lifetime_ms = reply.status ? 0 : r.lifetime_ms;
	message_reply(c, &r, &reply);
}

/* An O-LMA asks (draft 5.1.3, 6.2). */
void anchor_on_query(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct dlma_addr hoa = message_hnp(m).addr;
	struct dlma_prefix hnp;

	if (!(p->node->roles & DLMA_ROLE_LMA) || !owner_hnp(c, &hoa, &hnp) ||
		!owner_is_self(c, &hnp)) {
		count(c, DLMA_SIGNAL_not_authorised);
		return;
	}
	if (route_of(c, &hnp).kind == DLMA_LOCATION_NONE)
		peer_send_error(c, p, MH_BINDING_ERROR_NO_BINDING, &hoa);
	else
		notice_answer(c, &hnp, p->index);
}

void anchor_restore(struct core *c, const struct record *r)
{
	struct anchor *a = anchor_by_hnp(c, &r->hnp);

	/* The run before may have had other prefixes. */
	if (a || !owner_hnp_valid(c, &r->hnp) || !owner_is_self(c, &r->hnp) ||
		anchor_by_mn(c, &r->mn))
		return;
	a = create(c, &r->mn, &r->hnp);
	if (!a)
		return;
	a->stamp = r->stamp;
	a->att = r->att;
	set_dlma(c, a, peer_index(c, &r->dlma));
	a->previous = peer_index(c, &r->previous);
	a->mag = peer_index(c, &r->mag);
	a->previous_mag = peer_index(c, &r->previous_mag);
	/* How long we were away is not known; the D-LMA refreshes or lets go in its own time. */
	if (a->dlma != DOMAIN_NO_NODE)
		keep_until(c, a, r->lifetime_ms);
	/* Never takes an entry away: packets may follow it, and it is about to be adopted. */
	if (route_of(c, &a->hnp).kind != DLMA_LOCATION_NONE)
		route_sync(c, &a->hnp);
}

int anchor_init(struct core *c)
{
	c->next_free = calloc(c->state.domain->prefix_count + 1, sizeof(*c->next_free));
	return c->next_free ? 0 : -ENOMEM;
}
