// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"
#include <stdlib.h>

static void tables_init(struct core *c)
{
	struct core_state *s = &c->state;
	struct table *all[] = {&s->attachments, &s->attachments_by_hnp, &s->bindings,
		&s->bindings_by_hnp, &s->anchors, &s->anchors_by_mn, &s->learnt, &s->notices,
		&s->moved, &s->revocations, &s->redirections, &s->exchanges, &c->identities,
		&c->peers_by_address};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		table_init(all[i], c->options.seed);
}

struct core *core_new(const struct core_options *options)
{
	struct core *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->options = *options;
	c->profiles = options->profiles;
	c->state.conf = options->conf;
	c->state.domain = &options->conf->domain;
	c->state.self = domain_self(options->conf);
	c->sequence = (uint16_t)options->seed[0];
	tables_init(c);
	c->state.drain_to = DOMAIN_NO_NODE;
	c->drain.kind = TIMER_DRAIN;
	if (timer_reserve(&c->timers, 1) || peer_init(c) || anchor_init(c)) {
		core_free(c);
		return NULL;
	}
	return c;
}

/* Frees every struct whose link in `t` lies at `offset`. */
static void free_all(struct table *t, size_t offset)
{
	struct table_node *n = table_next(t, NULL), *next;

	for (; n; n = next) {
		next = table_next(t, n);
		free((char *)n - offset);
	}
	table_done(t);
}

void core_free(struct core *c)
{
	struct core_state *s;
	struct table_node *n = NULL;

	if (!c)
		return;
	s = &c->state;
	while ((n = table_next(&s->bindings, n)))
		free(container_of(n, struct binding, by_mn)->waiting);
	free_all(&s->attachments, offsetof(struct attachment, by_mac));
	free_all(&s->bindings, offsetof(struct binding, by_mn));
	free_all(&s->anchors, offsetof(struct anchor, by_hnp));
	free_all(&s->learnt, offsetof(struct learnt, by_hnp));
	free_all(&s->notices, offsetof(struct notice, node));
	free_all(&s->moved, offsetof(struct moved, node));
	free_all(&s->revocations, offsetof(struct revocation, node));
	free_all(&s->redirections, offsetof(struct redirection, node));
	table_done(&s->attachments_by_hnp);
	table_done(&s->bindings_by_hnp);
	table_done(&s->anchors_by_mn);
	table_done(&s->exchanges);
	timer_heap_done(&c->timers);
	peer_done(c);
	identity_done(c);
	free(c->next_free);
	free(c);
}

/* An LMA hears from a MAG as from one of its own: the packet is a MN's, on its way out. */
static bool is_uplink(const struct core *c, const struct peer *p, const struct dlma_prefix *hnp)
{
	return peer_is_lma(c, c->state.conf->self) && peer_is_mag_only(c, p->index) &&
	       route_of(c, hnp).kind != DLMA_LOCATION_FORWARDING;
}

static void on_packet(struct core *c, const struct dlma_event *e)
{
	struct peer *p = peer_by_address(c, &e->peer);
	struct dlma_prefix hnp, source;

	switch ((enum dlma_event_kind)e->kind) {
	case DLMA_EVENT_MISS:
		query_on_miss(c, &e->hoa);
		break;
	case DLMA_EVENT_MISROUTED:
		if (!p || !owner_hnp(c, &e->hoa, &hnp))
			break;
		if (is_uplink(c, p, &hnp) && owner_hnp(c, &e->from, &source))
			notice_localize(c, &hnp, p->index, &source);
		else
			notice_send(c, &hnp, p->index);
		break;
	case DLMA_EVENT_UNBOUND:
		if (p) {
			peer_send_error(c, p, MH_BINDING_ERROR_NO_BINDING, &e->hoa);
			if (owner_hnp(c, &e->hoa, &hnp))
				report(c, REPORT_stray_answered, NULL, &hnp, p->index);
		}
		break;
	case DLMA_EVENT_NEW_SOURCE:
		presence_attach(c, e->ifindex, e->mac, &e->hoa);
		break;
	}
}

static void on_timer(struct core *c, struct timer *t)
{
	switch ((enum timer_kind)t->kind) {
	case TIMER_EXCHANGE:
		exchange_due(c, container_of(t, struct exchange, timer));
		break;
	case TIMER_BINDING:
		binding_due(c, container_of(t, struct binding, timer));
		break;
	case TIMER_ANCHOR:
		anchor_due(c, container_of(t, struct anchor, timer));
		break;
	case TIMER_LEARNT:
		query_due(c, container_of(t, struct learnt, timer));
		break;
	case TIMER_NOTICE:
		notice_due(c, container_of(t, struct notice, timer));
		break;
	case TIMER_ATTACHMENT:
		presence_due(c, container_of(t, struct attachment, timer));
		break;
	case TIMER_ADVERTISE:
		attachment_advertise_due(c, container_of(t, struct attachment, advertise));
		break;
	case TIMER_PEER:
		peer_heartbeat_due(c, container_of(t, struct peer, heartbeat));
		break;
	case TIMER_DRAIN:
		drain_due(c);
		break;
	}
}

static void handle(struct core *c, const struct event *e)
{
	struct timer *t;

	switch (e->kind) {
	case EVENT_TICK:
		t = timer_due(&c->timers, c->now.mono_ms);
		if (t)
			on_timer(c, t);
		break;
	case EVENT_DATAGRAM:
		peer_receive(
			c, &e->datagram.src, &e->datagram.dst, e->datagram.bytes, e->datagram.len);
		break;
	case EVENT_NEIGHBOUR:
		presence_neighbour(
			c, e->neighbour.ifindex, e->neighbour.mac, &e->neighbour.message);
		break;
	case EVENT_PACKET:
		on_packet(c, &e->packet);
		break;
	case EVENT_ATTACH:
		presence_attach(c, e->attach.ifindex, e->attach.mac, NULL);
		break;
	case EVENT_DETACH:
		presence_detach(c, e->attach.ifindex, e->attach.mac);
		break;
	case EVENT_REVOKE:
		revoke_mn(c, &e->revoke);
		break;
	case EVENT_KEYS:
		peer_on_keys(c, e->keys.list, e->keys.count);
		break;
	case EVENT_DRAIN:
		drain_set(c, e->drain.on, e->drain.to);
		break;
	case EVENT_LINK:
		attachment_on_link(c, e->link.ifindex, e->link.mac, e->link.mtu);
		break;
	case EVENT_USE:
		query_on_use(c, &e->use.hnp, e->use.idle_ms);
		break;
	case EVENT_MAP_FAILED:
		learnt_map_failed(c, &e->map_failed.hnp);
		break;
	case EVENT_RESTORE:
		anchor_restore(c, &e->restore);
		break;
	case EVENT_ADOPT_LOCATION:
		learnt_adopt(c, &e->adopt_location.hnp, e->adopt_location.kind,
			peer_index(c, &e->adopt_location.target));
		break;
	case EVENT_ADOPT_ACCESS:
		presence_adopt(
			c, &e->adopt_access.hnp, e->adopt_access.ifindex, e->adopt_access.mac);
		break;
	}
}

/* What a node that is both LMA and MAG says to itself; each message may cause another. */
static void deliver_loopback(struct core *c)
{
	struct peer *self = &c->state.peers[c->state.conf->self];

	for (unsigned int i = 0; i < c->loopback.count; i++)
		dispatch(c, self, &c->loopback.messages[i]);
	c->loopback.count = 0;
}

void core_step(struct core *c, const struct moment *now, const struct event *event,
	struct effects *effects)
{
	bool expected;

	effects->count = 0;
	effects->lost = 0;
	c->effects = effects;
	c->now = *now;
	expected = c->state.expecting;
	handle(c, event);
	deliver_loopback(c);
	if (expected != (bool)c->state.expecting)
		emit(c, EFFECT_EXPECT)->expect = c->state.expecting;
}

uint64_t core_deadline(const struct core *c)
{
	return timer_next(&c->timers);
}

const struct core_state *core_state(const struct core *c)
{
	return &c->state;
}
