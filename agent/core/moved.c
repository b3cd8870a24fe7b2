// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Telling a previous D-LMA where the MN is now (draft 4.4). The new D-LMA does it, once the H-LMA
 * has named the previous one, and the H-LMA does it too: the new one may not come to it.
 *
 * This goes on whatever becomes of the binding meanwhile: nobody else will tell, and the previous
 * D-LMA would keep the packets for as long as it believes to have the MN.
 */
#include "core/internal.h"
#include <stdlib.h>

struct moved_key {
	const struct dlma_prefix *hnp;
	uint16_t previous;
};

static uint64_t key_hash(const struct core *c, const struct moved_key *k)
{
	return prefix_hash(&c->state.moved, k->hnp) + k->previous;
}

static bool key_equal(const struct table_node *node, const void *key)
{
	const struct moved *v = container_of(node, struct moved, node);
	const struct moved_key *k = key;

	return v->previous == k->previous && prefix_equal(&v->hnp, k->hnp);
}

static struct moved *create(struct core *c, const struct identity *mn, const struct moved_key *key)
{
	struct moved *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->mn = identity_hold(c, mn);
	if (!v->mn)
		goto free_moved;
	v->hnp = *key->hnp;
	v->previous = key->previous;
	exchange_init(&v->exchange, EXCHANGE_MOVED);
	if (timer_reserve(&c->timers, 1))
		goto release_identity;
	if (!table_insert(&c->state.moved, &v->node, key_hash(c, key)))
		return v;
	timer_release(&c->timers, 1);
release_identity:
	identity_release(c, v->mn);
free_moved:
	free(v);
	return NULL;
}

static void drop(struct core *c, struct moved *v)
{
	exchange_stop(c, &v->exchange);
	table_remove(&c->state.moved, &v->node);
	timer_release(&c->timers, 1);
	identity_release(c, v->mn);
	free(v);
}

static struct moved *find_or_create(
	struct core *c, const struct identity *mn, const struct moved_key *key)
{
	struct table_node *n = table_find(&c->state.moved, key_hash(c, key), key_equal, key);

	return n ? container_of(n, struct moved, node) : create(c, mn, key);
}

void moved_tell(struct core *c, const struct binding *b, uint16_t previous)
{
	struct moved_key key = {&b->hnp, previous};
	struct moved *v = find_or_create(c, b->mn, &key);

	if (!v)
		return;
	v->dlma = c->state.conf->self;
	v->stamp = b->stamp;
	v->mag = b->previous_mag == b->mag ? b->mag : DOMAIN_NO_NODE;
	v->att = b->att;
	v->handoff = b->handoff;
	exchange_start(c, &v->exchange, previous);
}

static void follow(struct moved *v, const struct anchor *a)
{
	v->dlma = a->dlma;
	v->stamp = a->stamp;
	v->mag = a->previous == v->previous && a->mag == a->previous_mag ? a->mag : DOMAIN_NO_NODE;
}

void moved_tell_also(struct core *c, const struct anchor *a)
{
	struct moved_key key = {&a->hnp, a->previous};
	struct moved *v = find_or_create(c, a->mn, &key);

	if (!v)
		return;
	follow(v, a);
	v->att = a->att;
	v->handoff = MH_HANDOFF_UNKNOWN;
	exchange_start(c, &v->exchange, a->previous);
}

/* The H-LMA says what is true at each try. False if it is the other one that has the MN now. */
static bool refresh(const struct core *c, struct moved *v)
{
	const struct anchor *a = anchor_by_hnp(c, &v->hnp);

	if (!a || a->dlma == DOMAIN_NO_NODE)
		return true;
	if (a->dlma == v->previous)
		return false;
	follow(v, a);
	return true;
}

bool moved_build(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct moved *v = container_of(e, struct moved, exchange);

	if (!refresh(c, v))
		return false;
	message_update(m, e, 0, c->state.domain->timers.forwarding_lifetime_ms);
	message_session(m, v->mn, &v->hnp, v->handoff, v->att, v->stamp);
	message_location(c, m, v->dlma, v->dlma);
	/* That the MN is still where it was is all that the previous D-LMA may know of that. */
	if (v->mag != DOMAIN_NO_NODE)
		message_name_mag(c, m, v->mag);
	return true;
}

void moved_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct moved *v = container_of(e, struct moved, exchange);
	struct dlma_prefix hnp = v->hnp;

	if (message_status(m) == MH_STATUS_accepted) {
		report(c, REPORT_previous_told, v->mn, &v->hnp, v->previous);
		/* It forwards to us from now on, so if we are one ourselves, we must do so as long.
		 */
		learnt_prolong(c, &hnp);
	}
	/*
	 * If it knows a newer movement (157) that goes by the H-LMA, and comes from there. To bid
	 * above it now would be a guess: two LMAs that do not have the MN would go on for long.
	 */
	drop(c, v);
}

void moved_given_up(struct core *c, struct exchange *e)
{
	struct moved *v = container_of(e, struct moved, exchange);

	report(c, REPORT_unanswered, v->mn, &v->hnp, v->previous);
	drop(c, v);
}

void moved_moot(struct core *c, struct exchange *e)
{
	drop(c, container_of(e, struct moved, exchange));
}
