// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"
#include <errno.h>

/*
 * What is asked, and how often. The message is built again for every try: it carries what is true
 * then, under a fresh counter. build() returns false if there is nothing to ask any more.
 */
static const struct exchange_row {
	uint8_t tries;
	bool (*build)(struct core *c, struct exchange *e, struct mh_message *m);
	void (*answered)(struct core *c, struct exchange *e, const struct mh_message *m);
	void (*given_up)(struct core *c, struct exchange *e);
	void (*moot)(struct core *c, struct exchange *e); /* build() said false; may be NULL */
} rows[EXCHANGE_PURPOSE_COUNT] = {
	[EXCHANGE_REGISTER] = {6, mag_build, mag_answered, mag_given_up},
	[EXCHANGE_ANCHOR] = {4, claim_build, claim_answered, claim_given_up},
	[EXCHANGE_MOVED] = {5, moved_build, moved_answered, moved_given_up, moved_moot},
	[EXCHANGE_LOCATION] = {3, notice_build, notice_answered, notice_given_up, notice_moot},
	[EXCHANGE_REVOKE] = {3, revoke_build, revoke_answered, revoke_given_up},
	[EXCHANGE_REDIRECT] = {3, drain_build, drain_answered, drain_given_up, drain_moot},
	[EXCHANGE_HANDOVER] = {3, handover_build, handover_answered, handover_given_up},
};

struct exchange_key {
	uint16_t peer, sequence;
};

static uint64_t key_hash(const struct core *c, const struct exchange_key *key)
{
	return table_hash(&c->state.exchanges, key, sizeof(*key));
}

static bool key_equal(const struct table_node *node, const void *key)
{
	const struct exchange *e = container_of(node, struct exchange, node);
	const struct exchange_key *k = key;

	return e->peer == k->peer && e->sequence == k->sequence;
}

static struct exchange *find(struct core *c, uint16_t peer, uint16_t sequence)
{
	struct exchange_key key = {peer, sequence};
	struct table_node *n = table_find(&c->state.exchanges, key_hash(c, &key), key_equal, &key);

	return n ? container_of(n, struct exchange, node) : NULL;
}

void exchange_init(struct exchange *e, enum exchange_purpose purpose)
{
	*e = (struct exchange){.purpose = (uint8_t)purpose, .timer.kind = TIMER_EXCHANGE};
}

void exchange_stop(struct core *c, struct exchange *e)
{
	if (e->waiting)
		table_remove(&c->state.exchanges, &e->node);
	e->waiting = false;
	timer_clear(&c->timers, &e->timer);
}

/* 0 for what is no request. */
static uint8_t answer_to(uint8_t type)
{
	switch ((enum mh_type)type) {
	case MH_BINDING_UPDATE:
		return MH_BINDING_ACK;
	case MH_BINDING_REVOCATION:
		return MH_BINDING_REVOCATION;
	case MH_HANDOVER_INITIATE:
		return MH_HANDOVER_ACK;
	case MH_LOCALIZED_ROUTING_INITIATION:
		return MH_LOCALIZED_ROUTING_ACK;
	case MH_UPDATE_NOTIFICATION:
		return MH_UPDATE_NOTIFICATION_ACK;
	case MH_BINDING_REFRESH_REQUEST:
	case MH_BINDING_ACK:
	case MH_BINDING_ERROR:
	case MH_HEARTBEAT:
	case MH_HANDOVER_ACK:
	case MH_LOCALIZED_ROUTING_ACK:
	case MH_UPDATE_NOTIFICATION_ACK:
		break;
	}
	return 0;
}

static void try(struct core *c, struct exchange *e)
{
	struct mh_message m = {0};

	if (!rows[e->purpose].build(c, e, &m)) {
		exchange_stop(c, e);
		if (rows[e->purpose].moot)
			rows[e->purpose].moot(c, e);
		return;
	}
	e->answer = answer_to(m.type);
	/* A peer whose run is not known yet was greeted; its answer lets the message go. */
	(void)peer_send(c, e->peer, &m);
	e->tries++;
	timer_set(&c->timers, &e->timer, c->now.mono_ms + e->timeout_ms);
}

/* A number under which nothing is asked of that peer yet. -EAGAIN: all are in use. */
static int next_sequence(struct core *c, struct exchange_key *key)
{
	for (uint32_t tried = 0; tried <= UINT16_MAX; tried++) {
		key->sequence = ++c->sequence;
		if (!find(c, key->peer, key->sequence))
			return 0;
	}
	return -EAGAIN;
}

static int begin(struct core *c, struct exchange *e, uint16_t peer)
{
	struct exchange_key key = {.peer = peer};
	int err;

	exchange_stop(c, e);
	e->peer = peer;
	e->tries = 0;
	e->answer = 0;
	e->timeout_ms = c->state.domain->timers.initial_bindack_timeout_ms;
	err = next_sequence(c, &key);
	if (err)
		return err;
	e->sequence = key.sequence;
	/* Without memory the answer cannot be matched; the retransmission tries again. */
	e->waiting = !table_insert(&c->state.exchanges, &e->node, key_hash(c, &key));
	return 0;
}

void exchange_start(struct core *c, struct exchange *e, uint16_t peer)
{
	if (begin(c, e, peer))
		timer_set(&c->timers, &e->timer, c->now.mono_ms + e->timeout_ms);
	else
		try(c, e);
}

/* It takes its sequence number when its time has come: there are fewer of them than bindings. */
void exchange_schedule(struct core *c, struct exchange *e, uint16_t peer, uint64_t at_ms)
{
	exchange_stop(c, e);
	e->peer = peer;
	e->tries = 0;
	timer_set(&c->timers, &e->timer, at_ms);
}

/* RFC 6275 11.8: doubled each time, up to a ceiling. */
void exchange_due(struct core *c, struct exchange *e)
{
	uint32_t ceiling = c->state.domain->timers.max_bindack_timeout_ms;

	if (!e->waiting && !e->tries) {
		exchange_start(c, e, e->peer);
		return;
	}
	if (e->tries >= rows[e->purpose].tries) {
		exchange_stop(c, e);
		count(c, DLMA_SIGNAL_unanswered);
		rows[e->purpose].given_up(c, e);
		return;
	}
	if (e->tries) {
		count(c, DLMA_SIGNAL_retransmitted);
		e->timeout_ms = e->timeout_ms < ceiling / 2 ? 2 * e->timeout_ms : ceiling;
	}
	try(c, e);
}

struct exchange *exchange_find(struct core *c, uint16_t peer, uint16_t sequence, uint8_t type)
{
	struct exchange *e = find(c, peer, sequence);

	if (e && e->answer == type)
		return e;
	count(c, DLMA_SIGNAL_unexpected);
	return NULL;
}

void exchange_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	exchange_stop(c, e);
	rows[e->purpose].answered(c, e, m);
}

/* One timer each: a peer that comes back is not answered by all at once (RFC 8885 4). */
void exchange_kick(struct core *c, uint16_t peer)
{
	uint64_t at = c->now.mono_ms;
	struct table_node *n = NULL;

	while ((n = table_next(&c->state.exchanges, n))) {
		struct exchange *e = container_of(n, struct exchange, node);

		if (e->peer != peer)
			continue;
		e->tries = 0;
		e->timeout_ms = c->state.domain->timers.initial_bindack_timeout_ms;
		timer_set(&c->timers, &e->timer, at++);
	}
}
