// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"

static struct route nowhere(uint64_t stamp)
{
	return (struct route){.target = DOMAIN_NO_NODE, .dlma = DOMAIN_NO_NODE, .stamp = stamp};
}

/* Who may be told to tunnel straight to a MAG instead (draft 5.1.1, 5.4). */
static uint8_t flags_of(const struct core *c, const struct identity *mn, uint16_t target)
{
	enum domain_disclosure d = mobile_disclosure(c, mn);

	if (!peer_is_mag_only(c, target) || d == DOMAIN_DISCLOSE_NONE)
		return 0;
	return d == DOMAIN_DISCLOSE_MAG ? DLMA_LOCATION_TELL_LMA | DLMA_LOCATION_TELL_MAG
					: DLMA_LOCATION_TELL_LMA;
}

static struct route of_binding(const struct core *c, const struct binding *b)
{
	uint16_t self = c->state.conf->self;

	if (b->state == BINDING_ACTIVE)
		return (struct route){
			DLMA_LOCATION_BINDING, flags_of(c, b->mn, b->mag), b->mag, self, b->stamp};
	if (c->now.mono_ms < b->held_until_ms)
		return (struct route){DLMA_LOCATION_HELD, 0, self, self, b->stamp};
	return nowhere(b->stamp);
}

/* Draft 5.1.1, last paragraph: the H-LMA may keep track of the MAG itself. */
static struct route of_anchor(const struct core *c, const struct anchor *a)
{
	bool tracks = c->state.domain->home_tracks_mag && peer_is_mag_only(c, a->mag) &&
		      mobile_disclosure(c, a->mn) != DOMAIN_DISCLOSE_NONE;
	uint16_t target = tracks ? a->mag : a->dlma;

	return (struct route){
		DLMA_LOCATION_ANCHOR, flags_of(c, a->mn, target), target, a->dlma, a->stamp};
}

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

	if (b)
		return of_binding(c, b);
	a = anchor_by_hnp(c, hnp);
	if (a && a->dlma != DOMAIN_NO_NODE && a->dlma != c->state.conf->self)
		return of_anchor(c, a);
	l = learnt_by_hnp(c, hnp);
	if (l && l->target != DOMAIN_NO_NODE)
		return (struct route){
			l->kind, flags_of(c, l->mn, l->target), l->target, l->dlma, l->stamp};
	return nowhere(a ? a->stamp : 0);
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
		emit_location(c, hnp, &r);
}
