// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"
#include <stdio.h>

struct effect *emit(struct core *c, enum effect_kind kind)
{
	static struct effect spill;
	struct effects *e = c->effects;
	struct effect *next;

	if (e->count == EFFECTS_MAX) {
		e->lost++;
		return &spill;
	}
	next = &e->list[e->count++];
	next->kind = kind;
	return next;
}

void emit_location(struct core *c, const struct dlma_prefix *hnp, const struct route *r)
{
	struct effect *e = emit(c, EFFECT_LOCATION_PUT);

	e->location.hnp = *hnp;
	e->location.kind = r->kind;
	e->location.flags = r->flags;
	e->location.target = c->state.peers[r->target].node->address;
}

void emit_location_del(struct core *c, const struct dlma_prefix *hnp)
{
	emit(c, EFFECT_LOCATION_DEL)->location.hnp = *hnp;
}

void emit_access(
	struct core *c, const struct attachment *a, const struct access_link *link, bool direct)
{
	struct effect *e = emit(c, EFFECT_ACCESS_PUT);

	e->access.hnp = a->hnp;
	e->access.ifindex = link->ifindex;
	memcpy(e->access.mac, a->mac, sizeof(a->mac));
	memcpy(e->access.own_mac, link->mac, sizeof(link->mac));
	e->access.direct = direct;
	e->access.uplink = c->state.peers[a->lma].node->address;
}

void emit_access_del(struct core *c, const struct dlma_prefix *hnp)
{
	emit(c, EFFECT_ACCESS_DEL)->access.hnp = *hnp;
}

void emit_check_use(struct core *c, const struct dlma_prefix *hnp)
{
	emit(c, EFFECT_CHECK_USE)->check_use.hnp = *hnp;
}

/* Zero for no node. */
static struct dlma_addr address_of(const struct core *c, uint16_t index)
{
	return index == DOMAIN_NO_NODE ? (struct dlma_addr){0}
				       : c->state.peers[index].node->address;
}

void emit_store(struct core *c, const struct anchor *a)
{
	struct record *r = &emit(c, EFFECT_STORE_PUT)->store;

	memset(r, 0, sizeof(*r));
	r->hnp = a->hnp;
	identity_copy(&r->mn, a->mn);
	r->stamp = a->stamp;
	r->lifetime_ms = a->lifetime_ms;
	r->att = a->att;
	r->dlma = address_of(c, a->dlma);
	r->previous = address_of(c, a->previous);
	r->mag = address_of(c, a->mag);
	r->previous_mag = address_of(c, a->previous_mag);
}

void report_status(struct core *c, enum report_kind kind, const struct identity *mn,
	const struct dlma_prefix *hnp, uint16_t peer, uint8_t status)
{
	struct report *r = &emit(c, EFFECT_REPORT)->report;

	*r = (struct report){.kind = kind, .peer = peer, .status = status};
	if (hnp)
		r->hnp = *hnp;
	if (mn)
		snprintf(r->mn, sizeof(r->mn), "%.*s", mn->id_len, mn->id);
}

void report(struct core *c, enum report_kind kind, const struct identity *mn,
	const struct dlma_prefix *hnp, uint16_t peer)
{
	report_status(c, kind, mn, hnp, peer, 0);
}

void count(struct core *c, enum dlma_signal_reason reason)
{
	c->state.counters.reasons[reason]++;
}
