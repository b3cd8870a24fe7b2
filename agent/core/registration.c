// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * LMA towards its MAGs (RFC 5213 5.3): judges a PBU, and answers it.
 *
 * Once a binding is ACTIVE, a change of MAG takes effect at once, and the H-LMA hears of it in the
 * background: this node may be wrong in believing that it is the D-LMA.
 */
#include "core/internal.h"
#include <stdlib.h>

void registration_answer(
	struct core *c, const struct request *r, uint8_t status, uint64_t timestamp)
{
	struct reply reply = message_reply_new(status);

	reply.timestamp = timestamp;
	if (status)
		report_status(c, REPORT_binding_refused, &r->mn, &r->hnp, r->peer, status);
	message_reply(c, r, &reply);
}

void registration_accept(struct core *c, const struct binding *b, const struct request *r)
{
	struct reply reply = message_reply_new(MH_STATUS_accepted);

	reply.lifetime_ms = b->lifetime_ms;
	reply.hnp = b->hnp;
	/* O-LMAs may tunnel straight to it still: it shall forward (draft 5.1.2, 5.1.3). */
	if (mobile_disclosure(c, b->mn) != DOMAIN_DISCLOSE_NONE && b->previous_mag != r->peer &&
		peer_is_mag_only(c, b->previous_mag))
		reply.previous_mag = b->previous_mag;
	message_reply(c, r, &reply);
}

/* RFC 5213 5.3.1, as far as it does not need the binding. */
static uint8_t check(struct core *c, const struct request *r)
{
	const struct domain_mobile *profile;

	if (!r->mn.id_len)
		return MH_STATUS_missing_mn_id;
	if (!peer_registers_here(c, r->peer)) {
		count(c, DLMA_SIGNAL_not_authorised);
		return MH_STATUS_mag_not_authorised;
	}
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
	/* One from the future is of a time before this clock was set back. */
	if (b && r->timestamp <= b->last_timestamp && b->last_timestamp <= now + window)
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
void registration_await_return(struct core *c, struct binding *b)
{
	const struct domain_timers *t = &c->state.domain->timers;
	uint32_t hold_ms = t->hold_ms < t->min_delay_before_bce_delete_ms
				   ? t->hold_ms
				   : t->min_delay_before_bce_delete_ms;

	exchange_stop(c, &b->anchor);
	b->state = BINDING_DELETING;
	b->leaving = false;
	/* A refresh still on its way to the H-LMA must not undo this. */
	b->stamp = binding_next_stamp(c, b, b->last_timestamp);
	b->expires_ms = c->now.mono_ms + t->min_delay_before_bce_delete_ms;
	b->held_until_ms = c->now.mono_ms + hold_ms;
	timer_set(&c->timers, &b->timer, hold_ms ? b->held_until_ms : b->expires_ms);
	route_sync(c, &b->hnp);
}

/*
 * RFC 5213 5.3.5; a word from a MAG that has the MN no more changes nothing, and is not answered.
 * Without any binding there is nothing to protect, and the MAG need not ask again.
 */
static void deregister(struct core *c, struct binding *b, const struct request *r)
{
	if (b && r->peer != b->mag) {
		count(c, DLMA_SIGNAL_outdated);
		return;
	}
	registration_answer(c, r, MH_STATUS_accepted, 0);
	if (!b)
		return;
	b->last_timestamp = r->timestamp;
	if (b->state == BINDING_DELETING)
		return;
	report(c, REPORT_binding_deregistered, b->mn, &b->hnp, b->mag);
	if (b->state == BINDING_PENDING) {
		/* The H-LMA may have agreed by now, and has to be told then. */
		binding_forget_request(b);
		b->leaving = true;
	} else {
		registration_await_return(c, b);
	}
}

static void note_request(struct core *c, struct binding *b, const struct request *r)
{
	b->last_timestamp = r->timestamp;
	b->att = r->att;
	b->handoff = r->handoff;
	if (b->state != BINDING_PENDING && b->mag != r->peer)
		b->previous_mag = b->mag;
	binding_set_mag(c, b, r->peer);
	b->successor = DOMAIN_NO_NODE;
	binding_set_lifetime(c, b, r->lifetime_ms);
}

/*
 * A refresh, while the H-LMA is asked because the MN has come: it knows less than that claim, which
 * therefore goes on. In its place it would be refused if the MN was elsewhere before.
 */
static bool adds_nothing(const struct binding *b, const struct request *r)
{
	return r->handoff == MH_HANDOFF_UNCHANGED && b->mag == r->peer && b->anchor.waiting &&
	       b->handoff != MH_HANDOFF_UNCHANGED;
}

/* A refresh, or another MAG under this LMA (draft 5.1.2): effective at once. */
static void update(struct core *c, struct binding *b, const struct request *r)
{
	bool same = b->state == BINDING_ACTIVE && r->peer == b->mag;
	bool refresh = r->handoff == MH_HANDOFF_UNCHANGED, asking = adds_nothing(b, r);
	uint8_t handoff = b->handoff;

	if (!same && refresh) {
		registration_answer(c, r, MH_STATUS_prohibited, 0);
		return;
	}
	if (!same && b->state == BINDING_ACTIVE)
		revoke_start(c, b, b->mag, b->stamp, true, r->peer);
	note_request(c, b, r);
	if (asking)
		b->handoff = handoff;
	if (!refresh)
		b->stamp = binding_next_stamp(c, b, r->timestamp);
	if (!same) {
		binding_activate(c, b, &b->hnp);
		report(c, REPORT_binding_moved, b->mn, &b->hnp, b->mag);
	}
	registration_accept(c, b, r);
	if (!same) {
		drain_forget(c, &b->hnp); /* it asks the MAG before */
		drain_soon(c);
	}
	if (!asking)
		claim_start(c, b);
}

static bool within_quota(struct core *c, struct binding *b, const struct request *r)
{
	struct gain gain = {&r->mn, &r->hnp, b ? &b->movers : NULL,
		c->state.peers[r->peer].bindings, c->state.conf->bindings_per_mag, r->peer};

	return (b && b->mag == r->peer) || quota_admits(c, &gain);
}

/* This node takes no more; another LMA does (RFC 6463 5.3). */
static void redirect(struct core *c, const struct request *r)
{
	struct reply reply = message_reply_new(MH_STATUS_no_resources);

	reply.redirect = c->state.drain_to;
	report_status(c, REPORT_binding_refused, &r->mn, &r->hnp, r->peer, MH_STATUS_no_resources);
	message_reply(c, r, &reply);
}

/* The MN is new here: the owner of its HNP decides (draft 4.3). */
static void register_new(struct core *c, struct binding *b, const struct request *r)
{
	const struct domain_mobile *profile = mobile_by_identity(c, &r->mn);
	struct request *copy = malloc(sizeof(*copy));

	/* An entry that was found at start gives its room to the binding. */
	if (!b && copy && (route_has_room(c) || learnt_holds(c, &r->hnp))) {
		b = binding_create(c, &r->mn);
		if (b)
			binding_set_mag(c, b, r->peer);
	}
	if (!b || !copy) {
		free(copy);
		count(c, DLMA_SIGNAL_table_full);
		report(c, REPORT_table_full, &r->mn, &r->hnp, r->peer);
		registration_answer(c, r, MH_STATUS_no_resources, 0);
		return;
	}
	*copy = *r;
	if (b->mag != r->peer)
		binding_pass_over(c, b);
	binding_forget_request(b);
	b->waiting = copy;
	if (!b->leaving && adds_nothing(b, r)) {
		b->last_timestamp = r->timestamp;
		return;
	}
	/* The MAG may not know it, but somebody else who spoke of it meanwhile. */
	if (!addr_is_zero(&r->hnp.addr))
		b->hnp = r->hnp;
	b->home = addr_is_zero(&b->hnp.addr) ? profile->home : owner_of(c, &b->hnp.addr);
	note_request(c, b, r);
	b->stamp = binding_next_stamp(c, b, r->timestamp);
	b->outbids = 0;
	b->leaving = false;
	claim_start(c, b);
}

void registration_on_pbu(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct binding *b = NULL;
	struct request r;
	uint8_t status;

	request_read(&r, p, m);
	mobile_complete(c, &r.mn);
	message_limit_lifetime(c, &r);
	status = check(c, &r);
	if (!status) {
		b = binding_by_mn(c, &r.mn);
		status = check_timestamp(c, &r, b);
	}
	if (!status)
		status = check_options(&r);
	if (!status)
		status = check_hnp(c, &r, b);
	if (!status && r.lifetime_ms && !within_quota(c, b, &r))
		status = MH_STATUS_no_resources;
	if (status)
		registration_answer(c, &r, status,
			status == MH_STATUS_timestamp_lower ||
					status == MH_STATUS_timestamp_mismatch
				? c->now.wall
				: 0);
	else if (!r.lifetime_ms)
		deregister(c, b, &r);
	else if (b && b->state != BINDING_PENDING)
		update(c, b, &r);
	else if (c->state.draining && !b)
		redirect(c, &r);
	else
		register_new(c, b, &r);
}
