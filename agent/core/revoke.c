// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Binding revocation after a handoff (RFC 5846 3.3): the MAG that had the MN is told that it is
 * registered elsewhere, and looks whether it has really gone. If the MN is still there, the newer
 * registration was an old one that came late, and this LMA bids above it: so a wrong order of
 * messages, or of clocks, heals by itself.
 */
#include "core/internal.h"
#include <stdlib.h>

struct revocation_key {
	const struct dlma_prefix *hnp;
	uint16_t mag;
};

static uint64_t key_hash(const struct core *c, const struct revocation_key *k)
{
	return prefix_hash(&c->state.revocations, k->hnp) + k->mag;
}

static bool key_equal(const struct table_node *node, const void *key)
{
	const struct revocation *r = container_of(node, struct revocation, node);
	const struct revocation_key *k = key;

	return r->mag == k->mag && prefix_equal(&r->hnp, k->hnp);
}

static struct revocation *find(const struct core *c, const struct dlma_prefix *hnp, uint16_t mag)
{
	struct revocation_key key = {hnp, mag};
	struct table_node *n =
		table_find(&c->state.revocations, key_hash(c, &key), key_equal, &key);

	return n ? container_of(n, struct revocation, node) : NULL;
}

static struct revocation *create(
	struct core *c, const struct identity *mn, const struct dlma_prefix *hnp, uint16_t mag)
{
	struct revocation_key key = {hnp, mag};
	struct revocation *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->mn = identity_hold(c, mn);
	if (!r->mn)
		goto free_revocation;
	r->hnp = *hnp;
	r->mag = mag;
	exchange_init(&r->exchange, EXCHANGE_REVOKE);
	if (timer_reserve(&c->timers, 1))
		goto release_identity;
	if (!table_insert(&c->state.revocations, &r->node, key_hash(c, &key)))
		return r;
	timer_release(&c->timers, 1);
release_identity:
	identity_release(c, r->mn);
free_revocation:
	free(r);
	return NULL;
}

static void drop(struct core *c, struct revocation *r)
{
	exchange_stop(c, &r->exchange);
	table_remove(&c->state.revocations, &r->node);
	timer_release(&c->timers, 1);
	identity_release(c, r->mn);
	free(r);
}

/* The question to one peer about one HNP: it is asked anew, whatever was asked before. */
static struct revocation *renew(
	struct core *c, const struct identity *mn, const struct dlma_prefix *hnp, uint16_t mag)
{
	struct revocation *old = find(c, hnp, mag);

	if (old)
		drop(c, old);
	return create(c, mn, hnp, mag);
}

void revoke_start(struct core *c, const struct binding *b, uint16_t mag, uint64_t stamp,
	bool may_return, uint16_t rival)
{
	struct revocation *r = renew(c, b->mn, &b->hnp, mag);

	if (!r)
		return;
	r->home = b->home;
	r->att = b->att;
	r->lifetime_ms = b->lifetime_ms;
	r->until_ms = c->now.mono_ms + b->lifetime_ms;
	r->last_timestamp = b->last_timestamp;
	r->stamp = stamp;
	r->may_return = may_return;
	r->rival = rival;
	r->trigger = MH_TRIGGER_HANDOVER_UNKNOWN;
	report(c, REPORT_revocation_sent, r->mn, &r->hnp, r->mag);
	exchange_start(c, &r->exchange, r->mag);
}

void revoke_later(struct core *c, const struct revocation *was)
{
	uint32_t pause_ms = c->state.domain->timers.initial_bindack_timeout_ms;
	struct revocation *r = renew(c, was->mn, &was->hnp, was->mag);

	if (!r)
		return;
	r->home = was->home;
	r->att = was->att;
	r->lifetime_ms = was->lifetime_ms;
	r->until_ms = was->until_ms;
	r->last_timestamp = was->last_timestamp;
	r->stamp = was->stamp;
	r->may_return = r->paced = true;
	r->rival = DOMAIN_NO_NODE;
	r->trigger = was->trigger;
	exchange_schedule(c, &r->exchange, r->mag, c->now.mono_ms + pause_ms);
}

void revoke_administratively(
	struct core *c, const struct identity *mn, const struct dlma_prefix *hnp, uint16_t peer)
{
	const struct anchor *a = anchor_by_hnp(c, hnp);
	struct revocation *r = renew(c, mn, hnp, peer);

	if (!r)
		return;
	r->may_return = false;
	r->stamp = a ? a->stamp : 0;
	r->trigger = MH_TRIGGER_ADMINISTRATIVE;
	report(c, REPORT_revocation_sent, r->mn, &r->hnp, peer);
	exchange_start(c, &r->exchange, peer);
}

void revoke_mn(struct core *c, const struct identity *mn)
{
	struct binding *b = binding_by_mn(c, mn);
	struct anchor *a = anchor_by_mn(c, mn);

	if (b && b->state != BINDING_PENDING)
		binding_revoke(c, b);
	else if (a && a->dlma == c->state.conf->self)
		anchor_release(c, &a->hnp, a->dlma, a->stamp + 1);
	else if (a && a->dlma != DOMAIN_NO_NODE)
		revoke_administratively(c, a->mn, &a->hnp, a->dlma);
}

/*
 * H-LMA: the D-LMA has ended the service, or is not there to do so. If the MN has come again since
 * it was asked to, that stands.
 */
static void release_anchor(struct core *c, const struct revocation *r)
{
	struct anchor *a = anchor_by_hnp(c, &r->hnp);

	if (a && r->trigger == MH_TRIGGER_ADMINISTRATIVE && a->dlma == r->mag &&
		a->stamp <= r->stamp)
		anchor_release(c, &a->hnp, a->dlma, a->stamp + 1);
}

bool revoke_build(struct core *c, struct exchange *e, struct mh_message *m)
{
	const struct revocation *r = container_of(e, struct revocation, exchange);
	struct mh_mn_id *id = &m->options.mn_id[m->options.mn_id_count++];

	(void)c;
	m->type = MH_BINDING_REVOCATION;
	m->revocation.type = MH_REVOCATION_INDICATION;
	m->revocation.code = r->trigger;
	m->revocation.sequence = e->sequence;
	m->revocation.flags = MH_REVOCATION_PROXY;
	id->subtype = 1;
	id->len = r->mn->id_len;
	memcpy(id->id, r->mn->id, r->mn->id_len);
	m->options.hnp[m->options.hnp_count++].prefix = r->hnp;
	return true;
}

/* Somebody was wrong about where the MN is: a clock, a late message, or a rogue. */
static void dispute(struct core *c, const struct revocation *r)
{
	if (r->rival == DOMAIN_NO_NODE)
		return;
	c->state.peers[r->rival].disputed++;
	report(c, REPORT_move_disputed, r->mn, &r->hnp, r->rival);
}

void revoke_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct revocation *r = container_of(e, struct revocation, exchange);
	struct revocation was = *r;

	was.mn = identity_hold(c, r->mn);
	/* First, for a binding that becomes active cancels what is asked about it. */
	drop(c, r);
	if (m->revocation.code == MH_REVOCATION_MN_ATTACHED && was.may_return) {
		dispute(c, &was);
		binding_outbid(c, &was, was.stamp);
	} else {
		report(c, REPORT_revocation_done, was.mn, &was.hnp, was.mag);
	}
	release_anchor(c, &was);
	identity_release(c, was.mn);
}

/*
 * RFC 5846 6.3: the LMA cleans up anyway. But if the MN is still there, nobody else will find out
 * until the MAG refreshes; so it is asked for as long as it may believe to have it.
 */
void revoke_given_up(struct core *c, struct exchange *e)
{
	struct revocation *r = container_of(e, struct revocation, exchange);
	uint64_t again_ms = c->now.mono_ms + c->state.domain->timers.max_bindack_timeout_ms;

	if (r->may_return && again_ms < r->until_ms) {
		exchange_schedule(c, e, r->mag, again_ms);
		return;
	}
	report(c, REPORT_unanswered, r->mn, &r->hnp, r->mag);
	release_anchor(c, r);
	drop(c, r);
}

void revoke_cancel(struct core *c, const struct dlma_prefix *hnp, uint16_t mag)
{
	struct revocation *r = find(c, hnp, mag);

	if (r)
		drop(c, r);
}
