// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * MAG: the MNs on its access links (RFC 5213 6.1), and what the data path and the MNs themselves
 * get to see of that.
 */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

enum {
	TIMERS = 4, /* of an attachment, those of its exchanges included */
	ADVERTISE_MAX_MS = 600000,
	VALID_LIFETIME_MIN_S = 7200, /* RFC 4862 5.5.3 e: hosts do not take less */
};

static bool mac_equal(const struct table_node *node, const void *key)
{
	return !memcmp(container_of(node, struct attachment, by_mac)->mac, key, 6);
}

struct attachment *attachment_by_mac(const struct core *c, const uint8_t mac[6])
{
	const struct table *t = &c->state.attachments;
	struct table_node *n = table_find(t, table_hash(t, mac, 6), mac_equal, mac);

	return n ? container_of(n, struct attachment, by_mac) : NULL;
}

static bool hnp_equal(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct attachment, by_hnp)->hnp, key);
}

struct attachment *attachment_by_hnp(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct table *t = &c->state.attachments_by_hnp;
	struct table_node *n = table_find(t, prefix_hash(t, hnp), hnp_equal, hnp);

	return n ? container_of(n, struct attachment, by_hnp) : NULL;
}

const struct access_link *attachment_link_of(const struct core *c, uint32_t ifindex)
{
	for (uint32_t i = 0; i < c->state.link_count; i++)
		if (c->state.links[i].ifindex == ifindex)
			return &c->state.links[i];
	return NULL;
}

bool attachment_has_hnp(const struct attachment *a)
{
	return !addr_is_zero(&a->hnp.addr);
}

/* A zero prefix: none. attachment_create() has made sure that there is room in the table. */
void attachment_set_hnp(struct core *c, struct attachment *a, const struct dlma_prefix *hnp)
{
	struct table *t = &c->state.attachments_by_hnp;

	if (attachment_has_hnp(a))
		table_remove(t, &a->by_hnp);
	a->hnp = *hnp;
	if (attachment_has_hnp(a))
		(void)table_insert(t, &a->by_hnp, prefix_hash(t, hnp));
}

/* The HNP that the MN itself shows, as long as nothing better is known and no other MN has it. */
void attachment_take_hint(struct core *c, struct attachment *a, const struct dlma_addr *hoa)
{
	struct dlma_prefix hnp;

	if (!attachment_has_hnp(a) && hoa && owner_hnp(c, hoa, &hnp) && !attachment_by_hnp(c, &hnp))
		attachment_set_hnp(c, a, &hnp);
}

struct identity attachment_identity(const struct attachment *a)
{
	struct identity mn = {.ll_len = sizeof(a->mac)};

	mn.id_len = (uint8_t)strlen(a->mobile->id);
	memcpy(mn.id, a->mobile->id, mn.id_len);
	memcpy(mn.ll, a->mac, sizeof(a->mac));
	return mn;
}

void attachment_report_lma(
	struct core *c, enum report_kind kind, const struct attachment *a, uint16_t lma)
{
	struct identity mn = attachment_identity(a);

	report(c, kind, &mn, &a->hnp, lma);
}

void attachment_report(struct core *c, enum report_kind kind, const struct attachment *a)
{
	attachment_report_lma(c, kind, a, a->lma);
}

void attachment_enter(struct core *c, struct attachment *a, enum attachment_state state)
{
	c->state.expecting +=
		(state == ATTACHMENT_REGISTERING) - (a->state == ATTACHMENT_REGISTERING);
	a->state = (uint8_t)state;
}

struct attachment *attachment_create(
	struct core *c, const struct domain_mobile *mobile, uint32_t ifindex)
{
	struct table *t = &c->state.attachments;
	struct attachment *a = calloc(1, sizeof(*a));

	if (!a)
		goto full;
	a->mobile = mobile;
	a->lma = c->state.self->lma;
	a->ifindex = ifindex;
	memcpy(a->mac, mobile->link_layer, sizeof(a->mac));
	a->link_local = nd_link_local(a->mac);
	a->timer.kind = TIMER_ATTACHMENT;
	a->advertise.kind = TIMER_ADVERTISE;
	a->word.peer = DOMAIN_NO_NODE;
	exchange_init(&a->exchange, EXCHANGE_REGISTER);
	exchange_init(&a->handover, EXCHANGE_HANDOVER);
	if (timer_reserve(&c->timers, TIMERS))
		goto free_attachment;
	if (!table_reserve(&c->state.attachments_by_hnp, t->count + 1) &&
		!table_insert(t, &a->by_mac, table_hash(t, a->mac, sizeof(a->mac)))) {
		/* Interfaces of one MN may share a profile's HNP; one of them has it at a time. */
		if (mobile->has_hnp && !attachment_by_hnp(c, &mobile->hnp))
			attachment_set_hnp(c, a, &mobile->hnp);
		attachment_enter(c, a, ATTACHMENT_REGISTERING);
		return a;
	}
	timer_release(&c->timers, TIMERS);
free_attachment:
	free(a);
full:
	count(c, DLMA_SIGNAL_table_full);
	return NULL;
}

enum domain_disclosure attachment_disclosure(const struct core *c, const struct attachment *a)
{
	struct identity mn = attachment_identity(a);

	return mobile_disclosure(c, &mn);
}

void attachment_deliver(struct core *c, struct attachment *a)
{
	const struct access_link *link = attachment_link_of(c, a->ifindex);

	if (!link)
		return;
	a->delivering = true;
	emit_access(c, a, link, attachment_disclosure(c, a) == DOMAIN_DISCLOSE_MAG);
	learnt_arrived(c, &a->hnp);
}

void attachment_undeliver(struct core *c, struct attachment *a)
{
	if (a->delivering) {
		emit_access_del(c, &a->hnp);
		learnt_departed(c, &a->hnp);
	}
	a->delivering = false;
	timer_clear(&c->timers, &a->advertise);
}

/*
 * The MN has left. On a node that is its own LMA the de-registration takes effect after this step:
 * until then its packets must not find an access entry gone that the location still points to.
 * And O-LMAs that tunnel straight to a MAG do not know it yet (draft 5.1.2).
 */
void attachment_part(struct core *c, struct attachment *a)
{
	struct route r = route_of(c, &a->hnp);

	if (a->delivering && r.kind == DLMA_LOCATION_BINDING && r.target == c->state.conf->self) {
		r.kind = DLMA_LOCATION_HELD;
		emit_location(c, &a->hnp, &r);
	} else if (a->delivering && peer_is_mag_only(c, c->state.conf->self) &&
		   attachment_disclosure(c, a) != DOMAIN_DISCLOSE_NONE) {
		learnt_hold(c, &a->hnp);
	}
	attachment_undeliver(c, a);
}

/* Our own LMA may have refused the de-registration: then attachment_part() was wrong. */
static void correct_location(struct core *c, const struct attachment *a)
{
	if (attachment_has_hnp(a) && peer_is_lma(c, c->state.conf->self))
		route_sync(c, &a->hnp);
}

void attachment_drop(struct core *c, struct attachment *a)
{
	attachment_undeliver(c, a);
	correct_location(c, a);
	attachment_enter(c, a, ATTACHMENT_GONE);
	exchange_stop(c, &a->exchange);
	exchange_stop(c, &a->handover);
	timer_clear(&c->timers, &a->timer);
	timer_release(&c->timers, TIMERS);
	attachment_set_hnp(c, a, &(struct dlma_prefix){0});
	table_remove(&c->state.attachments, &a->by_mac);
	free(a);
}

/* One that comes and goes in a flurry is not forgotten at once. */
void attachment_forget(struct core *c, struct attachment *a)
{
	uint32_t keep = quota_remembered(c, a->full_ms);

	if (!keep) {
		attachment_drop(c, a);
		return;
	}
	correct_location(c, a);
	mag_pause(c, a, keep);
	a->away = true;
}

/* RFC 5213 6.7, 6.8: the MN hears its own prefix, from a router that is the same everywhere. */
void attachment_advertise(struct core *c, struct attachment *a, bool withdraw)
{
	static const struct dlma_addr all_nodes = {.b = {0xff, 2, [15] = 1}};
	const struct access_link *link = attachment_link_of(c, a->ifindex);
	uint32_t valid = c->state.domain->timers.binding_lifetime_ms / 500;
	uint32_t router_ms = c->state.domain->timers.router_lifetime_ms;
	struct nd_advertisement ra = {.dst = all_nodes, .hnp = a->hnp};
	struct effect *e;
	int len;

	if (!link)
		return;
	ra.src = nd_link_local(link->mac);
	memcpy(ra.mac, link->mac, sizeof(ra.mac));
	ra.mtu = link->mtu;
	if (!withdraw) {
		ra.router_lifetime_s = (uint16_t)(router_ms / 1000);
		ra.valid_lifetime_s = valid > VALID_LIFETIME_MIN_S ? valid : VALID_LIFETIME_MIN_S;
		ra.preferred_lifetime_s = ra.valid_lifetime_s / 2;
	}
	e = emit(c, EFFECT_FRAME);
	len = nd_advertise(&ra, e->frame.bytes, sizeof(e->frame.bytes));
	e->frame.len = (uint16_t)(len > 0 ? len : 0);
	e->frame.hnp = a->hnp;
	e->frame.ifindex = a->ifindex;
	memcpy(e->frame.mac, a->mac, sizeof(a->mac));
	if (!withdraw)
		timer_set(&c->timers, &a->advertise,
			c->now.mono_ms + (router_ms / 3 < ADVERTISE_MAX_MS ? router_ms / 3
									   : ADVERTISE_MAX_MS));
}

void attachment_advertise_due(struct core *c, struct attachment *a)
{
	attachment_advertise(c, a, false);
}

void attachment_withdraw(struct core *c, struct attachment *a)
{
	if (a->delivering)
		attachment_advertise(c, a, true);
	attachment_undeliver(c, a);
}

/* Asks the MN for a sign of life, and comes back to presence_due() if there is none. */
void attachment_probe(struct core *c, struct attachment *a)
{
	const struct access_link *link = attachment_link_of(c, a->ifindex);
	struct dlma_addr src;
	struct effect *e;
	int len;

	a->probed_ms = c->now.mono_ms;
	a->probes++;
	timer_set(&c->timers, &a->timer,
		c->now.mono_ms + c->state.domain->timers.presence_timeout_ms);
	if (!link)
		return;
	src = nd_link_local(link->mac);
	e = emit(c, EFFECT_FRAME);
	len = nd_solicit(&src, &a->link_local, link->mac, e->frame.bytes, sizeof(e->frame.bytes));
	e->frame.len = (uint16_t)(len > 0 ? len : 0);
	e->frame.hnp = (struct dlma_prefix){0};
	e->frame.ifindex = a->ifindex;
	memcpy(e->frame.mac, a->mac, sizeof(a->mac));
}

void attachment_on_link(struct core *c, uint32_t ifindex, const uint8_t mac[6], uint32_t mtu)
{
	struct access_link *link = (struct access_link *)attachment_link_of(c, ifindex);

	if (!mtu) {
		if (link)
			*link = c->state.links[--c->state.link_count];
		mag_check_links(c);
		return;
	}
	if (!link && c->state.link_count == ACCESS_LINKS_MAX) {
		count(c, DLMA_SIGNAL_table_full);
		return;
	}
	if (!link)
		link = &c->state.links[c->state.link_count++];
	*link = (struct access_link){.ifindex = ifindex, .mtu = mtu};
	memcpy(link->mac, mac, sizeof(link->mac));
}
