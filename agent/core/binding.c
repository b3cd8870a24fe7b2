// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The binding cache of an LMA (RFC 5213 5.1, draft 4.1, 4.3): the MNs that are anchored here.
 *
 * A MN that is new here is PENDING until the H-LMA has agreed: its HoA could be somebody else's,
 * so nothing is forwarded before.
 */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

/* The MAG has heard of its new LMA by then, though its PBU or the answer was lost twice. */
enum { HANDED_OVER_MS = 3000 };

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

void binding_set_mag(struct core *c, struct binding *b, uint16_t mag)
{
	if (b->mag != DOMAIN_NO_NODE)
		c->state.peers[b->mag].bindings--;
	if (mag != DOMAIN_NO_NODE)
		c->state.peers[mag].bindings++;
	b->mag = mag;
}

struct binding *binding_create(struct core *c, const struct identity *mn)
{
	struct table *t = &c->state.bindings;
	struct binding *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->mn = identity_hold(c, mn);
	if (!b->mn)
		goto free_binding;
	b->timer.kind = TIMER_BINDING;
	b->mag = b->previous_mag = b->passed_over = b->next = b->successor = DOMAIN_NO_NODE;
	exchange_init(&b->anchor, EXCHANGE_ANCHOR);
	if (timer_reserve(&c->timers, 2))
		goto release_identity;
	if (table_insert(t, &b->by_mn, identity_hash(t, mn)))
		goto release_timers;
	c->state.expecting++; /* PENDING */
	return b;
release_timers:
	timer_release(&c->timers, 2);
release_identity:
	identity_release(c, b->mn);
free_binding:
	free(b);
	return NULL;
}

void binding_forget_request(struct binding *b)
{
	free(b->waiting);
	b->waiting = NULL;
}

void binding_drop(struct core *c, struct binding *b)
{
	exchange_stop(c, &b->anchor);
	timer_clear(&c->timers, &b->timer);
	timer_release(&c->timers, 2);
	table_remove(&c->state.bindings, &b->by_mn);
	if (b->state == BINDING_PENDING)
		c->state.expecting--;
	else
		table_remove(&c->state.bindings_by_hnp, &b->by_hnp);
	binding_set_mag(c, b, DOMAIN_NO_NODE);
	drain_forget(c, &b->hnp);
	binding_forget_request(b);
	identity_release(c, b->mn);
	free(b);
}

/* Drops a binding and takes its entry from the data path. */
void binding_end(struct core *c, struct binding *b)
{
	struct dlma_prefix hnp = b->hnp;
	bool routed = b->state != BINDING_PENDING;

	if (routed)
		report(c, REPORT_binding_deleted, b->mn, &hnp, b->mag);
	binding_drop(c, b);
	if (routed)
		route_sync(c, &hnp);
}

/* The anchor stamps a movement: later than anything that this node knows of the MN. */
uint64_t binding_next_stamp(const struct core *c, const struct binding *b, uint64_t timestamp)
{
	uint64_t seen = b->stamp, learnt = learnt_stamp(c, &b->hnp);

	if (learnt > seen)
		seen = learnt;
	if (b->successor_stamp > seen)
		seen = b->successor_stamp;
	return timestamp > seen ? timestamp : seen + 1;
}

void binding_set_lifetime(struct core *c, struct binding *b, uint32_t lifetime_ms)
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
		binding_drop(c, other);
	b->hnp = *hnp;
	err = table_insert(t, &b->by_hnp, prefix_hash(t, hnp));
	if (err)
		return err;
	b->state = BINDING_ACTIVE;
	c->state.expecting--;
	return 0;
}

void binding_activate(struct core *c, struct binding *b, const struct dlma_prefix *hnp)
{
	struct learnt *l;

	if (b->state == BINDING_PENDING && take_hnp(c, b, hnp)) {
		binding_drop(c, b);
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

/* The end of the lifetime, of the wait, or of the delay; then the H-LMA may know. */
void binding_due(struct core *c, struct binding *b)
{
	if (b->state == BINDING_PENDING) {
		binding_drop(c, b);
		return;
	}
	if (b->successor != DOMAIN_NO_NODE) {
		binding_lost(c, b, b->successor, b->successor_stamp);
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
	binding_end(c, b);
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

	/* A MAG that went to the successor with it need not be asked. */
	if (b->state == BINDING_ACTIVE && b->successor == DOMAIN_NO_NODE)
		revoke_start(c, b, b->mag, stamp, true, dlma == b->home ? DOMAIN_NO_NODE : dlma);
	learnt_forward(c, &hnp, &(struct onward){b->mn, dlma, dlma, stamp});
	binding_drop(c, b);
	route_sync(c, &hnp);
}

void binding_hand_over(
	struct core *c, struct binding *b, uint16_t mag, uint16_t dlma, uint64_t stamp)
{
	if (b->successor == dlma && b->successor_stamp == stamp)
		return; /* the new D-LMA and the H-LMA both say so, and may repeat it */
	if (b->state != BINDING_ACTIVE || mag != b->mag) {
		binding_lost(c, b, dlma, stamp);
		return;
	}
	exchange_stop(c, &b->anchor);
	b->successor = dlma;
	b->successor_stamp = stamp;
	timer_set(&c->timers, &b->timer, c->now.mono_ms + HANDED_OVER_MS);
	report(c, REPORT_binding_handed, b->mn, &b->hnp, dlma);
}

bool binding_on_error(struct core *c, const struct dlma_prefix *hnp, uint16_t mag)
{
	struct binding *b = binding_by_hnp(c, hnp);

	if (!b || b->successor == DOMAIN_NO_NODE || b->mag != mag)
		return false;
	binding_lost(c, b, b->successor, b->successor_stamp);
	return true;
}

/* The word of the next D-LMA has overtaken the H-LMA's answer to us, which names the previous one.
 */
void binding_overtaken(
	struct binding *b, const struct dlma_prefix *hnp, uint16_t dlma, uint64_t stamp)
{
	if (b->next != DOMAIN_NO_NODE && b->next_stamp >= stamp)
		return;
	b->hnp = *hnp;
	b->next = dlma;
	b->next_stamp = stamp;
}

/* A MN that moves to and fro all the time is followed once at once, then at a pace. */
static bool may_return_now(struct core *c, struct binding *b, const struct revocation *r)
{
	enum { AT_ONCE = 1 };

	if (r->paced || b->outbids++ < AT_ONCE)
		return true;
	revoke_later(c, r);
	return false;
}

/*
 * Back to the MAG under this LMA that still has the MN, or has it again: then the MAG that it was
 * at meanwhile may have de-registered it already.
 */
static void return_to(struct core *c, struct binding *b, const struct revocation *r)
{
	if (b->mag == r->mag || !may_return_now(c, b, r))
		return;
	if (b->state == BINDING_ACTIVE)
		revoke_start(c, b, b->mag, b->stamp + 1, true, DOMAIN_NO_NODE);
	b->state = BINDING_ACTIVE;
	binding_set_lifetime(c, b, r->lifetime_ms);
	binding_set_mag(c, b, r->mag);
	b->stamp = binding_next_stamp(c, b, 0);
	b->successor = DOMAIN_NO_NODE;
	b->handoff = MH_HANDOFF_UNKNOWN;
	route_sync(c, &b->hnp);
	claim_start(c, b);
}

/*
 * PENDING for one MAG, and another one comes. The first gets no answer, but is asked whether it
 * still has the MN: as soon as it is known by which HNP to ask.
 */
void binding_pass_over(struct core *c, struct binding *b)
{
	binding_forget_request(b);
	if (b->leaving)
		return;
	if (addr_is_zero(&b->hnp.addr))
		b->passed_over = b->mag;
	else
		revoke_start(c, b, b->mag, b->stamp, true, DOMAIN_NO_NODE);
}

static void return_pending(
	struct core *c, struct binding *b, const struct revocation *r, uint64_t above)
{
	if (b->mag == r->mag || !may_return_now(c, b, r))
		return;
	binding_pass_over(c, b);
	b->leaving = false;
	binding_set_mag(c, b, r->mag);
	b->stamp = binding_next_stamp(c, b, above + 1);
	claim_start(c, b);
}

static void return_anew(struct core *c, const struct revocation *r, uint64_t above)
{
	struct binding *b = binding_create(c, r->mn);

	if (!b)
		return;
	b->hnp = r->hnp;
	binding_set_mag(c, b, r->mag);
	b->home = r->home;
	b->att = r->att;
	b->handoff = MH_HANDOFF_UNKNOWN;
	b->stamp = above + 1;
	/* What the MAG said before that is as late as it was. */
	b->last_timestamp = r->last_timestamp;
	binding_set_lifetime(c, b, r->lifetime_ms);
	claim_start(c, b);
}

void binding_outbid(struct core *c, const struct revocation *r, uint64_t above)
{
	struct binding *b = binding_by_mn(c, r->mn);

	report(c, REPORT_binding_outbid, r->mn, &r->hnp, r->mag);
	if (!b)
		return_anew(c, r, above);
	else if (b->state == BINDING_PENDING)
		return_pending(c, b, r, above);
	else
		return_to(c, b, r);
}
