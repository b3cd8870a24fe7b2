// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Telling an O-LMA where a MN is (draft 4.4, 5.1): the H-LMA, or a previous D-LMA, when a packet
 * showed that the O-LMA does not know, or when it asked.
 */
#include "core/internal.h"
#include <stdlib.h>

enum { PACE_MS = 1000 };

struct notice_key {
	const struct dlma_prefix *hnp;
	uint16_t peer;
};

static uint64_t key_hash(const struct core *c, const struct notice_key *k)
{
	return prefix_hash(&c->state.notices, k->hnp) + k->peer;
}

static bool key_equal(const struct table_node *node, const void *key)
{
	const struct notice *n = container_of(node, struct notice, node);
	const struct notice_key *k = key;

	return n->peer == k->peer && prefix_equal(&n->hnp, k->hnp);
}

static struct notice *create(struct core *c, const struct notice_key *key)
{
	struct notice *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->hnp = *key->hnp;
	n->peer = key->peer;
	n->timer.kind = TIMER_NOTICE;
	exchange_init(&n->exchange, EXCHANGE_LOCATION);
	if (timer_reserve(&c->timers, 2))
		goto free_notice;
	if (!table_insert(&c->state.notices, &n->node, key_hash(c, key)))
		return n;
	timer_release(&c->timers, 2);
free_notice:
	free(n);
	return NULL;
}

static void send(struct core *c, const struct dlma_prefix *hnp, uint16_t peer,
	const struct dlma_prefix *source, bool asked)
{
	struct notice_key key = {hnp, peer};
	struct table_node *node = table_find(&c->state.notices, key_hash(c, &key), key_equal, &key);
	struct notice *n = node ? container_of(node, struct notice, node) : NULL;

	if (n && !asked) {
		count(c, DLMA_SIGNAL_rate_limited);
		return;
	}
	if (!n)
		n = create(c, &key);
	if (!n) {
		count(c, DLMA_SIGNAL_table_full);
		return;
	}
	n->source = source ? *source : (struct dlma_prefix){0};
	timer_set(&c->timers, &n->timer, c->now.mono_ms + PACE_MS);
	exchange_start(c, &n->exchange, peer);
}

/*
 * Whether a node has anything to learn. The H-LMA knows the D-LMA from itself, and a MAG is told
 * by the MAG that it tunnels to only.
 */
static bool is_news(const struct core *c, const struct dlma_prefix *hnp, uint16_t peer)
{
	struct route r = route_of(c, hnp);

	if (r.kind == DLMA_LOCATION_BINDING)
		return peer_is_lma(c, peer) && owner_of(c, &hnp->addr) != peer;
	return peer_is_lma(c, peer) || r.kind == DLMA_LOCATION_FORWARDING;
}

void notice_send(struct core *c, const struct dlma_prefix *hnp, uint16_t peer)
{
	if (is_news(c, hnp, peer))
		send(c, hnp, peer, NULL, false);
}

void notice_localize(struct core *c, const struct dlma_prefix *hnp, uint16_t mag,
	const struct dlma_prefix *source)
{
	if (localize_allowed(c, source, hnp, mag))
		send(c, hnp, mag, source, false);
}

void notice_answer(struct core *c, const struct dlma_prefix *hnp, uint16_t peer)
{
	send(c, hnp, peer, NULL, true);
}

/* Goes when both the pace has passed and no answer is awaited. */
static void release(struct core *c, struct notice *n)
{
	if (timer_is_set(&n->timer) || timer_is_set(&n->exchange.timer))
		return;
	exchange_stop(c, &n->exchange);
	table_remove(&c->state.notices, &n->node);
	timer_release(&c->timers, 2);
	free(n);
}

void notice_due(struct core *c, struct notice *n)
{
	release(c, n);
}

/* Whose HNP it is, and for how long what we say holds. */
static const struct identity *subject(
	const struct core *c, const struct dlma_prefix *hnp, uint32_t *ret_lifetime_ms)
{
	const struct binding *b = binding_by_hnp(c, hnp);
	const struct anchor *a = anchor_by_hnp(c, hnp);
	const struct learnt *l = learnt_by_hnp(c, hnp);
	uint32_t cache_ms = c->state.domain->timers.cache_lifetime_ms;
	uint64_t until = b ? b->expires_ms : a ? a->expires_ms : UINT64_MAX;
	uint64_t left = until > c->now.mono_ms ? until - c->now.mono_ms : 0;

	*ret_lifetime_ms = left < cache_ms ? (uint32_t)left : cache_ms;
	if (b)
		return b->mn;
	return a ? a->mn : l ? l->mn : NULL;
}

/* The end of the tunnel, unless that is a MAG that is nobody else's business (draft 5.4). */
static uint16_t named_target(
	const struct core *c, const struct identity *mn, const struct route *r, uint16_t peer)
{
	enum domain_disclosure wanted =
		peer_is_lma(c, peer) ? DOMAIN_DISCLOSE_LMA : DOMAIN_DISCLOSE_MAG;

	if (!peer_is_mag_only(c, r->target))
		return r->dlma;
	return mobile_disclosure(c, mn) >= wanted ? r->target : r->dlma;
}

bool notice_build(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct notice *n = container_of(e, struct notice, exchange);
	struct route r = route_of(c, &n->hnp);
	const struct identity *mn;
	uint32_t lifetime_ms;
	uint8_t att = 0;

	if (!addr_is_zero(&n->source.addr)) {
		if (!localize_allowed(c, &n->source, &n->hnp, n->peer))
			return false;
		localize_build(c, e, &n->source, &n->hnp, m);
		return true;
	}
	/* The MN left meanwhile, or came to the very LMA that was to be told. */
	if (r.kind == DLMA_LOCATION_NONE || r.kind == DLMA_LOCATION_HELD || r.target == n->peer ||
		r.dlma == n->peer)
		return false;
	mn = subject(c, &n->hnp, &lifetime_ms);
	message_update(m, e, 0, lifetime_ms);
	message_session(m, mn, &n->hnp, MH_HANDOFF_UNKNOWN, att, r.stamp);
	message_location(c, m, named_target(c, mn, &r, n->peer), r.dlma);
	return true;
}

void notice_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct notice *n = container_of(e, struct notice, exchange);

	uint8_t status =
		m->type == MH_LOCALIZED_ROUTING_ACK ? m->localized.status : message_status(m);

	if (status == MH_STATUS_accepted)
		report(c, REPORT_location_told, NULL, &n->hnp, n->peer);
	release(c, n);
}

void notice_given_up(struct core *c, struct exchange *e)
{
	struct notice *n = container_of(e, struct notice, exchange);

	report(c, REPORT_unanswered, NULL, &n->hnp, n->peer);
	release(c, n);
}

/* Nothing is said; the next packet may make us say it again. */
void notice_moot(struct core *c, struct exchange *e)
{
	release(c, container_of(e, struct notice, exchange));
}
