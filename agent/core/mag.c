// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* MAG: registers its MNs with their LMA (RFC 5213 6.9.1). */
#include "core/internal.h"

enum {
	RETRIES_MAX = 3,  /* at once, after a 156 or 157 */
	MORE_RETRIES = 4, /* after a 157, each after twice as long */
	SOON_MS = 100,
	LATER_MS = 1000, /* after a 130, doubled each time */
	LATER_DOUBLED_MAX = 6,
	REFUSED_PAUSE_MS = 60000,
};

static void register_with(struct core *c, struct attachment *a, uint16_t lma, uint8_t handoff)
{
	a->handoff = handoff;
	if (a->state != ATTACHMENT_REGISTERED)
		attachment_enter(c, a, ATTACHMENT_REGISTERING);
	exchange_start(c, &a->exchange, lma);
}

/*
 * The configured LMA while it answers, and its backup while it does not. A MN that was redirected
 * comes back when the configured one agrees.
 */
static uint16_t wanted_lma(const struct core *c, const struct attachment *a)
{
	uint16_t usual = c->state.self->lma, backup = domain_backup(c->state.domain, usual);

	if (a->lma != usual && c->state.peers[usual].state == PEER_UP)
		return usual;
	if (peer_is_down(c, a->lma) && backup != DOMAIN_NO_NODE && !peer_is_down(c, backup))
		return backup;
	return a->lma;
}

void mag_register(struct core *c, struct attachment *a, uint8_t handoff)
{
	register_with(c, a, wanted_lma(c, a), handoff);
}

void mag_move(struct core *c, struct attachment *a, uint16_t lma)
{
	if (a->exchange.waiting && a->exchange.peer == lma)
		return;
	attachment_report_lma(c, REPORT_mn_redirected, a, lma);
	register_with(c, a, lma,
		lma == a->lma && a->state == ATTACHMENT_REGISTERED ? MH_HANDOFF_UNCHANGED
								   : MH_HANDOFF_UNKNOWN);
}

void mag_refresh(struct core *c, struct attachment *a)
{
	bool same = wanted_lma(c, a) == a->lma;

	mag_register(c, a, same ? MH_HANDOFF_UNCHANGED : MH_HANDOFF_UNKNOWN);
}

/* The time by the clock of the LMA, as far as it is known: that one judges it (RFC 5213 5.5). */
static uint64_t lma_time(const struct core *c)
{
	return c->now.wall + (uint64_t)c->lma_offset;
}

/* RFC 5213 6.9.1.1 */
bool mag_build(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, exchange);
	struct identity mn = attachment_identity(a);
	bool leaving = a->state == ATTACHMENT_LEAVING;

	/* Each copy later than the one before, whatever the clock does. */
	if (lma_time(c) > a->last_timestamp)
		a->last_timestamp = lma_time(c);
	else
		a->last_timestamp++;
	message_update(m, e, 0, leaving ? 0 : c->state.domain->timers.binding_lifetime_ms);
	message_session(m, &mn, &a->hnp, leaving ? MH_HANDOFF_UNKNOWN : a->handoff, MH_ATT_ETHERNET,
		a->last_timestamp);
	return true;
}

void mag_schedule_refresh(struct core *c, struct attachment *a)
{
	/* Half of it: a lost refresh still has time to be repeated. */
	timer_set(&c->timers, &a->timer, c->now.mono_ms + a->lifetime_ms / 2);
}

/* The LMA has just given this HNP to another MN: whoever had it here has it no more. */
static void take_hnp(struct core *c, struct attachment *a, const struct dlma_prefix *hnp)
{
	struct attachment *other = attachment_by_hnp(c, hnp);

	if (attachment_has_hnp(a) && !prefix_equal(hnp, &a->hnp))
		attachment_withdraw(c, a);
	if (other && other != a) {
		attachment_withdraw(c, other);
		attachment_set_hnp(c, other, &(struct dlma_prefix){0});
	}
	attachment_set_hnp(c, a, hnp);
}

/* RFC 5949, reactive: the previous MAG sends what still comes to it on to this one. */
static void ask_to_forward(struct core *c, struct attachment *a, uint16_t previous)
{
	if (previous != c->state.conf->self && peer_is_mag_only(c, previous))
		exchange_start(c, &a->handover, previous);
}

/* No service for a while, however often the MN announces itself. */
void mag_turn_away(struct core *c, struct attachment *a)
{
	exchange_stop(c, &a->exchange);
	attachment_withdraw(c, a);
	attachment_enter(c, a, ATTACHMENT_REFUSED);
	timer_set(&c->timers, &a->timer, c->now.mono_ms + REFUSED_PAUSE_MS);
}

static void registered(struct core *c, struct attachment *a, const struct mh_message *m)
{
	struct dlma_prefix hnp = message_hnp(m);
	bool news = a->state != ATTACHMENT_REGISTERED || !prefix_equal(&hnp, &a->hnp) ||
		    a->lma != a->exchange.peer;

	if (!owner_hnp_valid(c, &hnp)) {
		count(c, DLMA_SIGNAL_not_authorised);
		mag_turn_away(c, a);
		return;
	}
	take_hnp(c, a, &hnp);
	a->lma = a->exchange.peer;
	attachment_enter(c, a, ATTACHMENT_REGISTERED);
	a->registered_ms = c->now.mono_ms;
	a->lifetime_ms = message_lifetime_ms(m->ba.lifetime);
	a->retries = 0;
	attachment_deliver(c, a);
	if (news)
		attachment_report(c, REPORT_mn_registered, a);
	if (news || a->handoff != MH_HANDOFF_UNCHANGED)
		attachment_advertise(c, a, false);
	if (a->handoff != MH_HANDOFF_UNCHANGED && mh_option_has(&m->options, MH_OPTION_MAG_ADDRESS))
		ask_to_forward(c, a, peer_index(c, &m->options.mag_address));
	/* A question of before is about another registration: if the MN is gone, this one ends. */
	a->revoking = false;
	if (!a->probed_ms)
		mag_schedule_refresh(c, a);
}

/* The MN may have gone when the pause is over, so it is asked before the LMA is. */
void mag_pause(struct core *c, struct attachment *a, uint64_t ms)
{
	exchange_stop(c, &a->exchange);
	attachment_enter(c, a, ATTACHMENT_WAITING);
	a->probed_ms = 0;
	a->probes = 0;
	timer_set(&c->timers, &a->timer, c->now.mono_ms + ms);
}

static unsigned int note_retry(struct attachment *a, unsigned int max)
{
	return a->retries < max ? a->retries++ : max;
}

/* The LMA has no room, the MN moves too fast for it, or a faster clock had it before: that passes.
 */
static void wait_a_while(struct core *c, struct attachment *a)
{
	attachment_withdraw(c, a);
	mag_pause(c, a, (uint64_t)LATER_MS << note_retry(a, LATER_DOUBLED_MAX));
}

/* At once a few times, then at a pace that halves. */
static void ask_again(
	struct core *c, struct attachment *a, uint32_t pause_ms, unsigned int doubled_max)
{
	unsigned int tried = note_retry(a, RETRIES_MAX + doubled_max);

	if (tried < RETRIES_MAX)
		exchange_start(c, &a->exchange, a->exchange.peer);
	else
		exchange_schedule(c, &a->exchange, a->exchange.peer,
			c->now.mono_ms + ((uint64_t)pause_ms << (tried - RETRIES_MAX)));
}

/*
 * One of the two clocks is wrong, or has been set: the LMA's answer has its time. A MN that is
 * there does not lose its service by that, however often it happens; but asking gets slower.
 */
static bool set_clock(struct core *c, struct attachment *a, const struct mh_message *m)
{
	if (m->ba.status != MH_STATUS_timestamp_mismatch ||
		(a->state == ATTACHMENT_LEAVING && a->retries >= RETRIES_MAX))
		return false;
	c->lma_offset = (int64_t)(m->options.timestamp - c->now.wall);
	a->last_timestamp = 0;
	ask_again(c, a, LATER_MS, LATER_DOUBLED_MAX);
	return true;
}

/*
 * The LMA has heard of a later movement. Its clock, or the one of another MAG, may be ahead, or it
 * has just asked us and is about to take the MN back: the service goes on for a moment.
 */
static bool bid_above(struct core *c, struct attachment *a, const struct mh_message *m)
{
	if (m->ba.status != MH_STATUS_timestamp_lower || a->retries >= RETRIES_MAX + MORE_RETRIES)
		return false;
	if (m->options.timestamp > a->last_timestamp)
		a->last_timestamp = m->options.timestamp;
	if (a->state != ATTACHMENT_REGISTERED)
		attachment_enter(c, a, ATTACHMENT_REGISTERING);
	ask_again(c, a, SOON_MS, MORE_RETRIES);
	return true;
}

/* RFC 5213 6.9.1.2, the statuses that say what to do next. */
static bool try_otherwise(struct core *c, struct attachment *a, const struct mh_message *m)
{
	uint16_t other = message_redirection(c, m);

	if (m->ba.status == MH_STATUS_no_resources &&
		domain_may_register(c->state.domain, c->state.conf->self, other) &&
		a->retries++ < RETRIES_MAX) {
		mag_move(c, a, other);
		return true;
	}
	if (bid_above(c, a, m))
		return true;
	/* No refresh is possible, but the MN has just shown that it is here. */
	if (m->ba.status == MH_STATUS_prohibited && a->handoff == MH_HANDOFF_UNCHANGED) {
		mag_register(c, a, MH_HANDOFF_UNKNOWN);
		return true;
	}
	if (m->ba.status == MH_STATUS_hnp_not_authorised && attachment_has_hnp(a)) {
		attachment_withdraw(c, a);
		attachment_set_hnp(c, a, &(struct dlma_prefix){0});
		attachment_enter(c, a, ATTACHMENT_REGISTERING);
		register_with(c, a, a->exchange.peer, MH_HANDOFF_NEW_INTERFACE);
		return true;
	}
	return false;
}

void mag_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, exchange);
	struct identity mn = attachment_identity(a);

	if (set_clock(c, a, m))
		return;
	if (a->state == ATTACHMENT_LEAVING) {
		attachment_forget(c, a);
		return;
	}
	if (message_status(m) == MH_STATUS_accepted) {
		registered(c, a, m);
		return;
	}
	if (try_otherwise(c, a, m))
		return;
	report_status(c, REPORT_mn_refused, &mn, &a->hnp, e->peer, m->ba.status);
	if (m->ba.status == MH_STATUS_timestamp_lower)
		a->retries = 0;
	if (a->state == ATTACHMENT_REGISTERED && e->peer != a->lma)
		mag_schedule_refresh(c, a); /* the present LMA has it still */
	else if (m->ba.status == MH_STATUS_no_resources ||
		 m->ba.status == MH_STATUS_timestamp_lower)
		wait_a_while(c, a);
	else
		mag_turn_away(c, a);
}

/* The LMA is silent. While the MN is there, asking goes on (RFC 5213 6.9.4). */
void mag_given_up(struct core *c, struct exchange *e)
{
	struct attachment *a = container_of(e, struct attachment, exchange);

	attachment_report(c, REPORT_unanswered, a);
	if (a->state == ATTACHMENT_LEAVING) {
		attachment_forget(c, a);
		return;
	}
	a->probes = 0;
	attachment_probe(c, a);
}

void mag_leave(struct core *c, struct attachment *a)
{
	bool told = a->state == ATTACHMENT_REGISTERED || a->state == ATTACHMENT_REGISTERING;

	attachment_report(c, REPORT_mn_detached, a);
	handover_agree(c, a);
	attachment_part(c, a);
	timer_clear(&c->timers, &a->timer);
	/* If it comes back before this is done, it comes back without the questions of before. */
	a->revoking = false;
	a->probed_ms = 0;
	a->probes = 0;
	attachment_enter(c, a, ATTACHMENT_LEAVING);
	if (told)
		exchange_start(c, &a->exchange, a->lma);
	else
		attachment_forget(c, a);
}

bool mag_register_again(struct core *c, const struct dlma_prefix *hnp, uint16_t lma)
{
	struct attachment *a = attachment_by_hnp(c, hnp);

	if ((a ? a->lma : c->state.self->lma) != lma)
		return false;
	if (a && a->state == ATTACHMENT_REGISTERED && !a->probed_ms)
		attachment_probe(c, a);
	return true;
}

void mag_register_all(struct core *c, uint16_t lma)
{
	uint64_t at = c->now.mono_ms;
	struct table_node *n = NULL;

	while ((n = table_next(&c->state.attachments, n))) {
		struct attachment *a = container_of(n, struct attachment, by_mac);

		if (a->lma == lma && a->state == ATTACHMENT_REGISTERED && !a->probed_ms)
			timer_set(&c->timers, &a->timer, at++);
	}
}

/* Each MN is asked for a sign of life, and then registered with who is left. */
void mag_lma_down(struct core *c, uint16_t lma)
{
	uint64_t at = c->now.mono_ms;
	struct table_node *n = NULL;

	if (c->state.self->lma == DOMAIN_NO_NODE ||
		domain_backup(c->state.domain, c->state.self->lma) == DOMAIN_NO_NODE)
		return;
	while ((n = table_next(&c->state.attachments, n))) {
		struct attachment *a = container_of(n, struct attachment, by_mac);

		if (a->lma == lma && !a->probed_ms &&
			(a->state == ATTACHMENT_REGISTERED || a->state == ATTACHMENT_REGISTERING))
			timer_set(&c->timers, &a->timer, at++);
	}
}

/* One timer each: presence_due() finds the link gone. */
void mag_check_links(struct core *c)
{
	struct table_node *n = NULL;

	while ((n = table_next(&c->state.attachments, n))) {
		struct attachment *a = container_of(n, struct attachment, by_mac);

		if (!attachment_link_of(c, a->ifindex) && a->state != ATTACHMENT_LEAVING)
			timer_set(&c->timers, &a->timer, c->now.mono_ms);
	}
}
