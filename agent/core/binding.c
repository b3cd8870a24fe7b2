// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * LMA towards its MAGs: the binding cache (RFC 5213 5, draft 4.1, 4.3).
 *
 * A MN that is new here is PENDING until the H-LMA has agreed: its HoA could be somebody else's,
 * so nothing is forwarded before. Once ACTIVE, a change of MAG takes effect at once, and the H-LMA
 * hears of it in the background: this node may be wrong in believing that it is the D-LMA.
 */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

enum { OUTBIDS_MAX = 5 };

static bool mn_equal(const struct table_node *node, const void *key)
{
	return identity_equal(container_of(node, struct binding, by_mn)->mn, key);
}

static bool hnp_equal(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct binding, by_hnp)->hnp, key);
}

struct binding *binding_by_mn(const struct core *c, const struct identity *mn)
{
	const struct table *t = &c->state.bindings;
	struct table_node *n = table_find(t, identity_hash(t, mn), mn_equal, mn);

	return n ? container_of(n, struct binding, by_mn) : NULL;
}

struct binding *binding_by_hnp(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct table *t = &c->state.bindings_by_hnp;
	struct table_node *n = table_find(t, prefix_hash(t, hnp), hnp_equal, hnp);

	return n ? container_of(n, struct binding, by_hnp) : NULL;
}

static struct binding *create(struct core *c, const struct identity *mn)
{
	struct table *t = &c->state.bindings;
	struct binding *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->mn = identity_hold(c, mn);
	if (!b->mn)
		goto free_binding;
	b->timer.kind = TIMER_BINDING;
	b->previous = b->previous_mag = DOMAIN_NO_NODE;
	exchange_init(&b->anchor, EXCHANGE_ANCHOR);
	exchange_init(&b->moved, EXCHANGE_MOVED);
	if (timer_reserve(&c->timers, 3))
		goto release_identity;
	if (table_insert(t, &b->by_mn, identity_hash(t, mn)))
		goto release_timers;
	c->state.expecting++; /* PENDING */
	return b;
release_timers:
	timer_release(&c->timers, 3);
release_identity:
	identity_release(c, b->mn);
free_binding:
	free(b);
	return NULL;
}

static void forget_request(struct binding *b)
{
	free(b->waiting);
	b->waiting = NULL;
}

static void drop(struct core *c, struct binding *b)
{
	exchange_stop(c, &b->anchor);
	exchange_stop(c, &b->moved);
	timer_clear(&c->timers, &b->timer);
	timer_release(&c->timers, 3);
	table_remove(&c->state.bindings, &b->by_mn);
	if (b->state == BINDING_PENDING)
		c->state.expecting--;
	else
		table_remove(&c->state.bindings_by_hnp, &b->by_hnp);
	forget_request(b);
	identity_release(c, b->mn);
	free(b);
}

/* Drops a binding and takes its entry from the data path. */
static void end(struct core *c, struct binding *b)
{
	struct dlma_prefix hnp = b->hnp;
	bool routed = b->state != BINDING_PENDING;

	if (routed)
		report(c, REPORT_binding_deleted, b->mn, &hnp, b->mag);
	drop(c, b);
	if (routed)
		route_sync(c, &hnp);
}

/* The anchor stamps a movement: later than anything that this node knows of the MN. */
static uint64_t next_stamp(const struct core *c, const struct binding *b, uint64_t timestamp)
{
	uint64_t seen = b->stamp, learnt = learnt_stamp(c, &b->hnp);

	if (learnt > seen)
		seen = learnt;
	return timestamp > seen ? timestamp : seen + 1;
}

static void reply_to(struct core *c, const struct request *r, uint8_t status, uint64_t timestamp)
{
	struct reply reply = {.status = status,
		.timestamp = timestamp,
		.previous = DOMAIN_NO_NODE,
		.previous_mag = DOMAIN_NO_NODE};

	if (status)
		report_status(c, REPORT_binding_refused, &r->mn, &r->hnp, r->peer, status);
	message_reply(c, r, &reply);
}

static void reply_accepted(struct core *c, const struct binding *b, const struct request *r)
{
	struct reply reply = {.lifetime_ms = b->lifetime_ms,
		.hnp = b->hnp,
		.previous = DOMAIN_NO_NODE,
		.previous_mag = DOMAIN_NO_NODE};

	/* O-LMAs may tunnel straight to it still: it shall forward (draft 5.1.2, 5.1.3). */
	if (mobile_disclosure(c, b->mn) != DOMAIN_DISCLOSE_NONE && b->previous_mag != r->peer &&
		peer_is_mag_only(c, b->previous_mag))
		reply.previous_mag = b->previous_mag;
	message_reply(c, r, &reply);
}

static void set_lifetime(struct core *c, struct binding *b, uint32_t lifetime_ms)
{
	b->lifetime_ms = lifetime_ms;
	b->expires_ms = c->now.mono_ms + lifetime_ms;
	timer_set(&c->timers, &b->timer, b->expires_ms);
}

/* Puts a binding under its HNP. Somebody else's there is stale: the H-LMA has just decided. */
static int take_hnp(struct core *c, struct binding *b, const struct dlma_prefix *hnp)
{
	struct table *t = &c->state.bindings_by_hnp;
	struct binding *other = binding_by_hnp(c, hnp);
	int err;

	if (other && other != b)
		drop(c, other);
	b->hnp = *hnp;
	err = table_insert(t, &b->by_hnp, prefix_hash(t, hnp));
	if (err)
		return err;
	b->state = BINDING_ACTIVE;
	c->state.expecting--;
	return 0;
}

static void activate(struct core *c, struct binding *b, const struct dlma_prefix *hnp)
{
	struct learnt *l;

	if (b->state == BINDING_PENDING && take_hnp(c, b, hnp)) {
		drop(c, b);
		return;
	}
	b->state = BINDING_ACTIVE;
	b->outbids = 0;
	revoke_cancel(c, &b->hnp, b->mag);
	route_sync(c, &b->hnp);
	/* The attach ends what this node did for the HNP as a previous D-LMA. */
	l = learnt_by_hnp(c, &b->hnp);
	if (l)
		learnt_drop(c, l);
}

static void tell_previous(struct core *c, struct binding *b, uint16_t previous)
{
	if (previous == DOMAIN_NO_NODE || previous == c->state.conf->self)
		return;
	b->previous = previous;
	exchange_start(c, &b->moved, previous);
}

static void accepted(struct core *c, struct binding *b, const struct claim_result *r)
{
	bool fresh = b->state == BINDING_PENDING;
	struct dlma_prefix hnp = r->hnp;

	if (fresh) {
		activate(c, b, &hnp);
		b = binding_by_hnp(c, &hnp);
		if (!b)
			return;
		report(c, REPORT_binding_created, b->mn, &b->hnp, b->mag);
	}
	if (r->previous_mag != DOMAIN_NO_NODE)
		b->previous_mag = r->previous_mag;
	if (b->waiting)
		reply_accepted(c, b, b->waiting);
	forget_request(b);
	tell_previous(c, b, r->previous);
}

static void claim(struct core *c, struct binding *b);

/*
 * The H-LMA knows a newer movement. If the MN has just come to one of our MAGs, it is its clock or
 * ours that is behind: bid again above. A mere refresh has no such knowledge; then the MAG is
 * asked whether the MN is still there, and meanwhile the packets go to the owner.
 */
static void outdated(struct core *c, struct binding *b, uint64_t stamp)
{
	if (b->handoff != MH_HANDOFF_UNCHANGED && b->outbids++ < OUTBIDS_MAX) {
		b->stamp = stamp + 1;
		claim(c, b);
		return;
	}
	if (b->state != BINDING_PENDING) {
		binding_lost(c, b, b->home, stamp);
		return;
	}
	if (b->waiting)
		reply_to(c, b->waiting, MH_STATUS_prohibited, 0);
	drop(c, b);
}

static void decided(struct core *c, struct binding *b, const struct claim_result *r)
{
	if (r->status == MH_STATUS_accepted) {
		accepted(c, b, r);
		return;
	}
	if (r->status == MH_STATUS_timestamp_lower) {
		outdated(c, b, r->stamp);
		return;
	}
	/* 154 is about us, not about the MAG (RFC 5213 5.3.1). */
	if (b->waiting)
		reply_to(c, b->waiting,
			r->status == MH_STATUS_mag_not_authorised ? MH_STATUS_no_resources
								  : r->status,
			0);
	if (b->state != BINDING_PENDING)
		revoke_start(c, b, b->stamp, false);
	end(c, b);
}

/* Asks the H-LMA: this node, if it owns the HNP, or the owner by an exchange. */
static void claim(struct core *c, struct binding *b)
{
	struct claim own = {b->mn, b->hnp, b->stamp, b->lifetime_ms, c->state.conf->self, b->mag,
		b->handoff, b->att};
	struct claim_result result;

	if (b->home != c->state.conf->self) {
		exchange_start(c, &b->anchor, b->home);
		return;
	}
	result = anchor_claim(c, &own);
	decided(c, b, &result);
}

bool binding_build_anchor(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct binding *b = container_of(e, struct binding, anchor);
	bool leaving = b->state == BINDING_DELETING;

	message_update(m, e, MH_BU_HOME, leaving ? 0 : b->lifetime_ms);
	message_session(
		m, b->mn, &b->hnp, leaving ? MH_HANDOFF_UNKNOWN : b->handoff, b->att, b->stamp);
	m->options.has |= MH_HAS(MH_OPTION_MAG_ADDRESS);
	m->options.mag_address = c->state.peers[b->mag].node->address;
	return true;
}

void binding_anchor_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct binding *b = container_of(e, struct binding, anchor);
	struct claim_result r = {
		.status = m->ba.status,
		.hnp = message_hnp(m),
		.stamp = m->options.timestamp,
		.previous = DOMAIN_NO_NODE,
		.previous_mag = DOMAIN_NO_NODE,
	};

	if (b->state == BINDING_DELETING) {
		end(c, b);
		return;
	}
	if (!r.status && !owner_hnp_valid(c, &r.hnp)) {
		count(c, DLMA_SIGNAL_unexpected);
		return;
	}
	if (mh_option_has(&m->options, MH_OPTION_LMA_ADDRESS))
		r.previous = peer_index(c, &m->options.lma_address);
	if (mh_option_has(&m->options, MH_OPTION_MAG_ADDRESS))
		r.previous_mag = peer_index(c, &m->options.mag_address);
	decided(c, b, &r);
}

void binding_anchor_given_up(struct core *c, struct exchange *e)
{
	struct binding *b = container_of(e, struct binding, anchor);

	report(c, REPORT_unanswered, b->mn, &b->hnp, b->home);
	/* An active binding stands: the next refresh asks again. */
	if (b->state != BINDING_ACTIVE)
		end(c, b);
}

bool binding_build_moved(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct binding *b = container_of(e, struct binding, moved);

	message_update(m, e, 0, c->state.domain->timers.forwarding_lifetime_ms);
	message_session(m, b->mn, &b->hnp, b->handoff, b->att, b->stamp);
	message_location(c, m, c->state.conf->self, c->state.conf->self);
	return true;
}

void binding_moved_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct binding *b = container_of(e, struct binding, moved);

	if (m->ba.status == MH_STATUS_accepted) {
		report(c, REPORT_previous_told, b->mn, &b->hnp, b->previous);
		return;
	}
	/* It knows better. If the MN is here by a fresh attach, bid above; the H-LMA decides. */
	if (m->ba.status == MH_STATUS_timestamp_lower && b->state == BINDING_ACTIVE &&
		m->options.timestamp > b->stamp && b->outbids++ < OUTBIDS_MAX) {
		report(c, REPORT_binding_outbid, b->mn, &b->hnp, b->previous);
		b->stamp = m->options.timestamp + 1;
		claim(c, b);
	}
}

void binding_moved_given_up(struct core *c, struct exchange *e)
{
	struct binding *b = container_of(e, struct binding, moved);

	report(c, REPORT_unanswered, b->mn, &b->hnp, b->previous);
}

/* RFC 5213 5.3.1, as far as it does not need the binding. */
static uint8_t check(struct core *c, const struct request *r)
{
	const struct domain_mobile *profile;

	if (!r->mn.id_len)
		return MH_STATUS_missing_mn_id;
	if (!peer_is_mag(c, r->peer))
		return MH_STATUS_mag_not_authorised;
	profile = mobile_by_identity(c, &r->mn);
	if (!profile)
		return MH_STATUS_not_lma;
	if (!profile->allowed)
		return MH_STATUS_not_enabled;
	return MH_STATUS_accepted;
}

/* RFC 5213 5.5 */
static uint8_t check_timestamp(
	const struct core *c, const struct request *r, const struct binding *b)
{
	uint64_t window =
		(uint64_t)c->state.domain->timers.timestamp_validity_window_ms * 65536 / 1000;
	uint64_t now = c->now.wall;

	if (!(r->has & MH_HAS(MH_OPTION_TIMESTAMP)) || r->timestamp + window < now ||
		r->timestamp > now + window)
		return MH_STATUS_timestamp_mismatch;
	if (b && r->timestamp <= b->last_timestamp)
		return MH_STATUS_timestamp_lower;
	return MH_STATUS_accepted;
}

static uint8_t check_options(const struct request *r)
{
	if (!r->has_hnp)
		return MH_STATUS_missing_hnp;
	if (!(r->has & MH_HAS(MH_OPTION_HANDOFF)))
		return MH_STATUS_missing_handoff;
	if (!(r->has & MH_HAS(MH_OPTION_ATT)))
		return MH_STATUS_missing_att;
	return MH_STATUS_accepted;
}

/* RFC 5213 5.4.1 A, and the owner of what is asked for. */
static uint8_t check_hnp(struct core *c, const struct request *r, const struct binding *b)
{
	const struct binding *holder;

	if (addr_is_zero(&r->hnp.addr))
		return MH_STATUS_accepted;
	if (owner_of(c, &r->hnp.addr) == DOMAIN_NO_NODE)
		return MH_STATUS_not_lma;
	if (!owner_hnp_valid(c, &r->hnp))
		return MH_STATUS_hnp_not_authorised;
	holder = binding_by_hnp(c, &r->hnp);
	if (holder && holder != b)
		return MH_STATUS_hnp_not_authorised;
	if (b && b->state != BINDING_PENDING && !prefix_equal(&b->hnp, &r->hnp))
		return MH_STATUS_prefix_set;
	return MH_STATUS_accepted;
}

/*
 * The MN has left its MAG. For a moment its packets wait here, in case it is about to come to
 * another one; after that they are dropped, as RFC 5213 5.3.5 wants.
 */
static void await_return(struct core *c, struct binding *b)
{
	const struct domain_timers *t = &c->state.domain->timers;
	uint32_t hold_ms = t->hold_ms < t->min_delay_before_bce_delete_ms
				   ? t->hold_ms
				   : t->min_delay_before_bce_delete_ms;

	b->expires_ms = c->now.mono_ms + t->min_delay_before_bce_delete_ms;
	b->held_until_ms = c->now.mono_ms + hold_ms;
	timer_set(&c->timers, &b->timer, hold_ms ? b->held_until_ms : b->expires_ms);
	route_sync(c, &b->hnp);
}

/* RFC 5213 5.3.5; a word from a MAG that has the MN no more changes nothing. */
static void deregister(struct core *c, struct binding *b, const struct request *r)
{
	if (!b || r->peer != b->mag) {
		count(c, DLMA_SIGNAL_outdated);
		return;
	}
	reply_to(c, r, MH_STATUS_accepted, 0);
	report(c, REPORT_binding_deregistered, b->mn, &b->hnp, b->mag);
	if (b->state == BINDING_PENDING) {
		drop(c, b);
		return;
	}
	exchange_stop(c, &b->anchor);
	b->state = BINDING_DELETING;
	b->last_timestamp = r->timestamp;
	/* A refresh still on its way to the H-LMA must not undo this. */
	b->stamp = next_stamp(c, b, r->timestamp);
	await_return(c, b);
}

static void note_request(struct core *c, struct binding *b, const struct request *r)
{
	b->last_timestamp = r->timestamp;
	b->att = r->att;
	b->handoff = r->handoff;
	if (b->state != BINDING_PENDING && b->mag != r->peer)
		b->previous_mag = b->mag;
	b->mag = r->peer;
	set_lifetime(c, b, r->lifetime_ms);
}

/* A refresh, or another MAG under this LMA (draft 5.1.2): effective at once. */
static void update(struct core *c, struct binding *b, const struct request *r)
{
	bool same = b->state == BINDING_ACTIVE && r->peer == b->mag;
	bool refresh = r->handoff == MH_HANDOFF_UNCHANGED;

	if (!same && refresh) {
		reply_to(c, r, MH_STATUS_prohibited, 0);
		return;
	}
	if (!same && b->state == BINDING_ACTIVE)
		revoke_start(c, b, b->stamp, true);
	note_request(c, b, r);
	if (!refresh)
		b->stamp = next_stamp(c, b, r->timestamp);
	if (!same) {
		activate(c, b, &b->hnp);
		report(c, REPORT_binding_moved, b->mn, &b->hnp, b->mag);
	}
	reply_accepted(c, b, r);
	claim(c, b);
}

/* The MN is new here: the owner of its HNP decides (draft 4.3). */
static void register_new(struct core *c, struct binding *b, const struct request *r)
{
	const struct domain_mobile *profile = mobile_by_identity(c, &r->mn);
	struct request *copy = malloc(sizeof(*copy));

	if (!b && copy && route_has_room(c))
		b = create(c, &r->mn);
	if (!b || !copy) {
		free(copy);
		count(c, DLMA_SIGNAL_table_full);
		report(c, REPORT_table_full, &r->mn, &r->hnp, r->peer);
		reply_to(c, r, MH_STATUS_no_resources, 0);
		return;
	}
	*copy = *r;
	forget_request(b);
	b->waiting = copy;
	b->hnp = r->hnp;
	b->home = addr_is_zero(&r->hnp.addr) ? profile->home : owner_of(c, &r->hnp.addr);
	note_request(c, b, r);
	b->stamp = next_stamp(c, b, r->timestamp);
	b->outbids = 0;
	claim(c, b);
}

void binding_on_pbu(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct binding *b = NULL;
	struct request r;
	uint8_t status;

	request_read(&r, p, m);
	status = check(c, &r);
	if (!status) {
		b = binding_by_mn(c, &r.mn);
		status = check_timestamp(c, &r, b);
	}
	if (!status)
		status = check_options(&r);
	if (!status)
		status = check_hnp(c, &r, b);
	if (status)
		reply_to(c, &r, status,
			status == MH_STATUS_timestamp_lower ||
					status == MH_STATUS_timestamp_mismatch
				? c->now.wall
				: 0);
	else if (!r.lifetime_ms)
		deregister(c, b, &r);
	else if (b && b->state != BINDING_PENDING)
		update(c, b, &r);
	else
		register_new(c, b, &r);
}

/* The end of the lifetime, of the wait, or of the delay; then the H-LMA may know. */
void binding_due(struct core *c, struct binding *b)
{
	if (b->state == BINDING_PENDING) {
		drop(c, b);
		return;
	}
	if (b->state == BINDING_DELETING && c->now.mono_ms < b->expires_ms) {
		timer_set(&c->timers, &b->timer, b->expires_ms);
		route_sync(c, &b->hnp);
		return;
	}
	if (b->state == BINDING_ACTIVE)
		b->stamp++;
	b->state = BINDING_DELETING;
	if (b->home != c->state.conf->self) {
		route_sync(c, &b->hnp);
		exchange_start(c, &b->anchor, b->home);
		return;
	}
	anchor_release(c, &b->hnp, b->home, b->stamp);
	end(c, b);
}

void binding_revoke(struct core *c, struct binding *b)
{
	revoke_administratively(c, b->mn, &b->hnp, b->mag);
	exchange_stop(c, &b->anchor);
	b->stamp++;
	b->state = BINDING_DELETING;
	b->held_until_ms = 0;
	b->expires_ms = c->now.mono_ms;
	binding_due(c, b);
}

void binding_on_revocation(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct dlma_prefix hnp = message_hnp(m);
	struct binding *b = binding_by_hnp(c, &hnp);

	if (owner_of(c, &hnp.addr) != p->index || m->revocation.code != MH_TRIGGER_ADMINISTRATIVE) {
		count(c, DLMA_SIGNAL_not_authorised);
		return;
	}
	message_revocation_answer(c, p->index, m->revocation.sequence,
		b ? MH_REVOCATION_OK : MH_REVOCATION_NO_BINDING);
	if (b)
		binding_revoke(c, b);
}

void binding_lost(struct core *c, struct binding *b, uint16_t dlma, uint64_t stamp)
{
	struct dlma_prefix hnp = b->hnp;

	if (b->state == BINDING_ACTIVE)
		revoke_start(c, b, stamp, true);
	learnt_forward(c, &hnp, &(struct onward){b->mn, dlma, dlma, stamp});
	drop(c, b);
	route_sync(c, &hnp);
}

/*
 * Back to the MAG under this LMA that still has the MN, or has it again: then the MAG that it was
 * at meanwhile may have de-registered it already.
 */
static void return_to(struct core *c, struct binding *b, const struct revocation *r)
{
	if (b->mag == r->mag || b->outbids++ >= OUTBIDS_MAX)
		return;
	if (b->state == BINDING_ACTIVE)
		revoke_start(c, b, b->stamp + 1, false);
	b->state = BINDING_ACTIVE;
	set_lifetime(c, b, r->lifetime_ms);
	b->mag = r->mag;
	b->stamp++;
	b->handoff = MH_HANDOFF_UNKNOWN;
	route_sync(c, &b->hnp);
	claim(c, b);
}

void binding_outbid(struct core *c, const struct revocation *r, uint64_t above)
{
	struct binding *b = binding_by_mn(c, r->mn);

	report(c, REPORT_binding_outbid, r->mn, &r->hnp, r->mag);
	if (b && b->state != BINDING_PENDING)
		return_to(c, b, r);
	if (b)
		return;
	b = create(c, r->mn);
	if (!b)
		return;
	b->hnp = r->hnp;
	b->mag = r->mag;
	b->home = r->home;
	b->att = r->att;
	b->handoff = MH_HANDOFF_UNKNOWN;
	b->stamp = above + 1;
	set_lifetime(c, b, r->lifetime_ms);
	claim(c, b);
}

/* The timer is the pace: one binding a millisecond. */
void binding_confirm_all(struct core *c, uint16_t home)
{
	uint64_t at = c->now.mono_ms;
	struct table_node *n = NULL;

	while ((n = table_next(&c->state.bindings, n))) {
		struct binding *b = container_of(n, struct binding, by_mn);

		if (b->home != home || b->state != BINDING_ACTIVE || b->anchor.waiting)
			continue;
		exchange_schedule(c, &b->anchor, home, at++);
	}
}
