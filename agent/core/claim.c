// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a D-LMA says to the H-LMA about its bindings: that it is the D-LMA of the MN (draft 4.3). */
#include "core/internal.h"

enum { ASK_AGAIN_MS = 1000 };

static void tell_previous(struct core *c, struct binding *b, uint16_t previous)
{
	if (previous == DOMAIN_NO_NODE || previous == c->state.conf->self)
		return;
	moved_tell(c, b, previous);
}

static void accepted(struct core *c, struct binding *b, const struct claim_result *r)
{
	bool fresh = b->state == BINDING_PENDING;
	struct dlma_prefix hnp = r->hnp;

	if (fresh) {
		binding_activate(c, b, &hnp);
		b = binding_by_hnp(c, &hnp);
		if (!b)
			return;
		report(c, REPORT_binding_created, b->mn, &b->hnp, b->mag);
		drain_soon(c);
		if (b->passed_over != DOMAIN_NO_NODE && b->passed_over != b->mag)
			revoke_start(c, b, b->passed_over, b->stamp, true, DOMAIN_NO_NODE);
		b->passed_over = DOMAIN_NO_NODE;
	}
	if (r->previous_mag != DOMAIN_NO_NODE)
		b->previous_mag = r->previous_mag;
	if (b->waiting)
		registration_accept(c, b, b->waiting);
	binding_forget_request(b);
	tell_previous(c, b, r->previous);
	/* The H-LMA believes by now that the MN is here: it is told in time that it is not. */
	if (b->leaving)
		registration_await_return(c, b);
	if (b->next != DOMAIN_NO_NODE && b->next_stamp > b->stamp)
		binding_lost(c, b, b->next, b->next_stamp);
	else
		b->next = DOMAIN_NO_NODE;
}

/* PENDING, and the MN is elsewhere since later: the MAG is asked whether it has it still. */
static void give_way(struct core *c, struct binding *b, uint64_t stamp)
{
	if (!b->leaving && !addr_is_zero(&b->hnp.addr))
		revoke_start(c, b, b->mag, stamp, true, b->next);
	if (b->next != DOMAIN_NO_NODE && b->next_stamp > learnt_stamp(c, &b->hnp))
		learnt_forward(
			c, &b->hnp, &(struct onward){b->mn, b->next, b->next, b->next_stamp});
	/* Older than what the H-LMA says: it may have come back to us since, and forward to us. */
	learnt_surpassed(c, &b->hnp, b->home, stamp);
	binding_drop(c, b);
}

/*
 * The H-LMA knows a newer movement. If the MN has just come to one of our MAGs, it is its clock or
 * ours that is behind: bid again above. A mere refresh has no such knowledge; then the MAG is
 * asked whether the MN is still there, and meanwhile the packets go to the owner. So it is if the
 * other LMA has spoken itself.
 */
static void outdated(struct core *c, struct binding *b, uint64_t stamp)
{
	bool told = b->next != DOMAIN_NO_NODE && b->next_stamp >= stamp;

	if (b->handoff != MH_HANDOFF_UNCHANGED && !b->leaving && !told &&
		b->outbids++ < OUTBIDS_MAX) {
		b->stamp = stamp + 1;
		claim_start(c, b);
	} else if (b->state != BINDING_PENDING) {
		binding_lost(c, b, b->home, stamp);
	} else {
		/* The MAG may try once more, if it has the MN: and not by a refresh. */
		if (b->waiting && !told)
			registration_answer(c, b->waiting,
				b->handoff == MH_HANDOFF_UNCHANGED ? MH_STATUS_prohibited
								   : MH_STATUS_timestamp_lower,
				c->now.wall);
		give_way(c, b, stamp);
	}
}

static void decided(struct core *c, struct binding *b, const struct claim_result *r)
{
	if (r->status == MH_STATUS_accepted) {
		accepted(c, b, r);
		return;
	}
	if (r->status == MH_STATUS_timestamp_lower) {
		if (addr_is_zero(&b->hnp.addr))
			b->hnp = r->hnp;
		outdated(c, b, r->stamp);
		return;
	}
	/* No judgement about the MN. What no MAG waits for is asked again; a MAG does so itself. */
	if (r->status == MH_STATUS_no_resources && !b->waiting && b->home != c->state.conf->self) {
		exchange_schedule(c, &b->anchor, b->home, c->now.mono_ms + ASK_AGAIN_MS);
		return;
	}
	/* Our clock, or that of the MAG, is far ahead of the H-LMA's, whose time this is. */
	if (r->status == MH_STATUS_timestamp_mismatch && b->outbids++ < OUTBIDS_MAX) {
		b->stamp = r->stamp;
		claim_start(c, b);
		return;
	}
	/* 154 is about us, not about the MAG (RFC 5213 5.3.1). */
	if (b->waiting)
		registration_answer(c, b->waiting,
			r->status == MH_STATUS_mag_not_authorised ? MH_STATUS_no_resources
								  : r->status,
			0);
	if (b->state != BINDING_PENDING)
		revoke_start(c, b, b->mag, b->stamp, false, DOMAIN_NO_NODE);
	binding_end(c, b);
}

/* Asks the H-LMA: this node, if it owns the HNP, or the owner by an exchange. */
void claim_start(struct core *c, struct binding *b)
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

bool claim_build(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct binding *b = container_of(e, struct binding, anchor);
	bool leaving = b->state == BINDING_DELETING;

	message_update(m, e, MH_BU_HOME, leaving ? 0 : b->lifetime_ms);
	message_session(
		m, b->mn, &b->hnp, leaving ? MH_HANDOFF_UNKNOWN : b->handoff, b->att, b->stamp);
	message_name_mag(c, m, b->mag);
	return true;
}

/* An LMA decides about HNPs of its own only, and a HNP that was asked for is not exchanged. */
static bool may_assign(const struct core *c, const struct binding *b, const struct dlma_prefix *hnp)
{
	return owner_hnp_valid(c, hnp) && owner_of(c, &hnp->addr) == b->home &&
	       (addr_is_zero(&b->hnp.addr) || prefix_equal(&b->hnp, hnp));
}

void claim_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct binding *b = container_of(e, struct binding, anchor);
	struct claim_result r = {
		.status = message_status(m),
		.hnp = message_hnp(m),
		.stamp = m->options.timestamp,
		.previous = DOMAIN_NO_NODE,
	};

	if (b->state == BINDING_DELETING) {
		binding_end(c, b);
		return;
	}
	if (!r.status && !may_assign(c, b, &r.hnp)) {
		count(c, DLMA_SIGNAL_not_authorised);
		r.status = MH_STATUS_unspecified;
	}
	if (mh_option_has(&m->options, MH_OPTION_LMA_ADDRESS))
		r.previous = peer_index(c, &m->options.lma_address);
	r.previous_mag = message_mag(c, m);
	decided(c, b, &r);
}

void claim_given_up(struct core *c, struct exchange *e)
{
	struct binding *b = container_of(e, struct binding, anchor);

	report(c, REPORT_unanswered, b->mn, &b->hnp, b->home);
	/* An active binding stands, and the H-LMA has to know. */
	if (b->state == BINDING_ACTIVE)
		exchange_schedule(c, &b->anchor, b->home,
			c->now.mono_ms + c->state.domain->timers.max_bindack_timeout_ms);
	else if (b->state == BINDING_PENDING && !b->waiting)
		give_way(c, b, b->stamp); /* the MAG may believe to be registered */
	else
		binding_end(c, b);
}

/* The timer is the pace: one binding a millisecond. */
void claim_all(struct core *c, uint16_t home)
{
	uint64_t at = c->now.mono_ms;
	struct table_node *n = NULL;

	while ((n = table_next(&c->state.bindings, n))) {
		struct binding *b = container_of(n, struct binding, by_mn);

		if (b->home != home || b->state != BINDING_ACTIVE ||
			b->successor != DOMAIN_NO_NODE || timer_is_set(&b->anchor.timer))
			continue;
		exchange_schedule(c, &b->anchor, home, at++);
	}
}
