// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Emptying a node before maintenance. No standard lets an LMA hand a binding to another one, but it
 * can have the MAG do so: an Update Notification (RFC 7077) asks it to register again, and the
 * Redirect option (RFC 6463) says with whom. To all others it is then a move like any other.
 */
#include "core/internal.h"
#include <stdlib.h>

enum { AGAIN_MS = 10000 }; /* MAGs that could not do it yet are asked again */

static bool hnp_equal(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct redirection, node)->hnp, key);
}

static struct redirection *find(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct table *t = &c->state.redirections;
	struct table_node *n = table_find(t, prefix_hash(t, hnp), hnp_equal, hnp);

	return n ? container_of(n, struct redirection, node) : NULL;
}

static struct redirection *create(struct core *c, const struct dlma_prefix *hnp)
{
	struct table *t = &c->state.redirections;
	struct redirection *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->hnp = *hnp;
	exchange_init(&r->exchange, EXCHANGE_REDIRECT);
	if (timer_reserve(&c->timers, 1))
		goto free_redirection;
	if (!table_insert(t, &r->node, prefix_hash(t, hnp)))
		return r;
	timer_release(&c->timers, 1);
free_redirection:
	free(r);
	return NULL;
}

static void drop(struct core *c, struct redirection *r)
{
	exchange_stop(c, &r->exchange);
	table_remove(&c->state.redirections, &r->node);
	timer_release(&c->timers, 1);
	free(r);
}

void drain_forget(struct core *c, const struct dlma_prefix *hnp)
{
	struct redirection *r = find(c, hnp);

	if (r)
		drop(c, r);
}

/* A MN on an access link of this very node cannot be anchored elsewhere. */
static bool can_go(const struct core *c, const struct binding *b)
{
	return b->state == BINDING_ACTIVE && b->successor == DOMAIN_NO_NODE &&
	       b->mag != c->state.conf->self;
}

/* One binding a millisecond, as in claim_all(). */
void drain_due(struct core *c)
{
	uint64_t at = c->now.mono_ms;
	struct table_node *n = NULL;

	timer_set(&c->timers, &c->drain, at + AGAIN_MS);
	while ((n = table_next(&c->state.bindings, n))) {
		struct binding *b = container_of(n, struct binding, by_mn);
		struct redirection *r;

		if (!can_go(c, b) || find(c, &b->hnp))
			continue;
		r = create(c, &b->hnp);
		if (!r)
			return;
		exchange_schedule(c, &r->exchange, b->mag, at++);
	}
}

void drain_soon(struct core *c)
{
	if (c->state.draining && c->state.drain_to != DOMAIN_NO_NODE)
		timer_set(&c->timers, &c->drain, c->now.mono_ms);
}

void drain_set(struct core *c, bool on, uint16_t to)
{
	struct table_node *n;

	c->state.draining = on;
	c->state.drain_to = on ? to : DOMAIN_NO_NODE;
	timer_clear(&c->timers, &c->drain);
	while ((n = table_next(&c->state.redirections, NULL)))
		drop(c, container_of(n, struct redirection, node));
	report(c, on ? REPORT_drain_started : REPORT_drain_ended, NULL, NULL,
		on && to != DOMAIN_NO_NODE ? to : REPORT_NO_PEER);
	drain_soon(c);
}

bool drain_build(struct core *c, struct exchange *e, struct mh_message *m)
{
	const struct redirection *r = container_of(e, struct redirection, exchange);
	const struct binding *b = binding_by_hnp(c, &r->hnp);

	/* The MN may have moved on. */
	if (!b || b->mag != e->peer || !can_go(c, b))
		return false;
	m->type = MH_UPDATE_NOTIFICATION;
	m->notification.sequence = e->sequence;
	m->notification.reason = MH_NOTIFICATION_FORCE_REREGISTRATION;
	m->notification.flags = MH_NOTIFICATION_ACK_WANTED;
	if (e->tries)
		m->notification.flags |= MH_NOTIFICATION_RETRANSMITTED;
	message_mn(m, b->mn, &b->hnp);
	message_redirect(c, m, c->state.drain_to);
	report(c, REPORT_drain_asked, b->mn, &b->hnp, b->mag);
	return true;
}

/* Whether the MAG does it shows in the binding, which goes, or is asked about again. */
void drain_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	(void)m;
	drop(c, container_of(e, struct redirection, exchange));
}

void drain_moot(struct core *c, struct exchange *e)
{
	drop(c, container_of(e, struct redirection, exchange));
}

void drain_given_up(struct core *c, struct exchange *e)
{
	struct redirection *r = container_of(e, struct redirection, exchange);

	report(c, REPORT_unanswered, NULL, &r->hnp, e->peer);
	drop(c, r);
}

static uint8_t judge(struct core *c, const struct peer *p, const struct mh_message *m,
	const struct attachment *a, uint16_t to)
{
	if (m->notification.reason != MH_NOTIFICATION_FORCE_REREGISTRATION ||
		to == DOMAIN_NO_NODE || to == p->index ||
		!domain_may_register(c->state.domain, c->state.conf->self, to))
		return MH_NOTIFICATION_FAILED;
	if (!a || a->lma != p->index || a->state != ATTACHMENT_REGISTERED)
		return MH_NOTIFICATION_NOT_ATTACHED;
	/* A node that is its own LMA anchors what is on its access links. */
	return peer_is_mag_only(c, c->state.conf->self) ? MH_NOTIFICATION_DONE
							: MH_NOTIFICATION_FAILED;
}

/* MAG: our LMA wants a MN registered with another one. */
void drain_on_notification(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct dlma_prefix hnp = message_hnp(m);
	struct attachment *a = attachment_by_hnp(c, &hnp);
	uint16_t to = message_redirection(c, m);
	struct mh_message answer = {.type = MH_UPDATE_NOTIFICATION_ACK};

	answer.notification.sequence = m->notification.sequence;
	answer.notification.status = judge(c, p, m, a, to);
	if (answer.notification.status)
		count(c, DLMA_SIGNAL_not_authorised);
	else
		mag_move(c, a, to);
	if (m->notification.flags & MH_NOTIFICATION_ACK_WANTED)
		(void)peer_send(c, p->index, &answer);
}
