// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"

/*
 * The order is that of trust: what a MAG registered here, then (at the owner) the location table,
 * which nothing learnt may override, then what others told us. One entry results, so a change from
 * one to the other is one write and never leaves a packet without a way.
 */
struct route route_of(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct binding *b = binding_by_hnp(c, hnp);
	const struct anchor *a;
	const struct learnt *l;

	if (b && b->state == BINDING_ACTIVE)
		return (struct route){DLMA_LOCATION_BINDING, b->mag, b->stamp};
	if (b && c->now.mono_ms < b->held_until_ms)
		return (struct route){DLMA_LOCATION_HELD, c->state.conf->self, b->stamp};
	if (b)
		return (struct route){DLMA_LOCATION_NONE, DOMAIN_NO_NODE, b->stamp};
	a = anchor_by_hnp(c, hnp);
	if (a && a->dlma != DOMAIN_NO_NODE && a->dlma != c->state.conf->self)
		return (struct route){DLMA_LOCATION_ANCHOR, a->dlma, a->stamp};
	l = learnt_by_hnp(c, hnp);
	if (l && l->target != DOMAIN_NO_NODE)
		return (struct route){l->kind, l->target, l->stamp};
	return (struct route){DLMA_LOCATION_NONE, DOMAIN_NO_NODE, a ? a->stamp : 0};
}

bool route_has_room(const struct core *c)
{
	const struct core_state *s = &c->state;

	/* Each may take an entry; what the cache may take at most is set aside. */
	return s->bindings.count + s->anchors.count + s->learnt.count - s->cached +
		       s->conf->cache_max <
	       s->conf->locations_max;
}

void route_sync(struct core *c, const struct dlma_prefix *hnp)
{
	struct route r = route_of(c, hnp);

	if (r.kind == DLMA_LOCATION_NONE)
		emit_location_del(c, hnp);
	else
		emit_location(c, hnp, r.kind, r.target);
}
