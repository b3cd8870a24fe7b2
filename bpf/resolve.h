/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a packet goes (draft 4.4, 5.1, 5.2): every rule of the data path stands here, and nothing
 * here changes a packet.
 */
#pragma once

#include "location.h"

/* NULL until the loader has filled the maps. */
static __always_inline const struct dlma_node *node_self(void)
{
	__u32 zero = 0;
	const struct dlma_node *self = bpf_map_lookup_elem(&node, &zero);

	return self && self->version == DLMA_ABI_VERSION ? self : NULL;
}

static __always_inline bool is_inside(const struct dlma_superset *s, const struct dlma_addr *a)
{
	return (a->q[0] & s->mask.q[0]) == s->prefix.q[0] &&
	       (a->q[1] & s->mask.q[1]) == s->prefix.q[1];
}

/* The prefix of the superset, but for the first, that an address lies in; 0: in none. */
__attribute__((noinline)) __u32 superset_search(const struct dlma_addr *a)
{
	const struct dlma_node *self = node_self();

	if (!self || !a)
		return 0;
	for (__u32 i = 1; i < DLMA_SUPERSET_MAX && i < self->superset_count; i++)
		if (is_inside(&self->superset[i], a))
			return i;
	return 0;
}

/* Finds the HNP that an address lies in; false if that is outside the superset. */
static __always_inline bool hnp_of(
	const struct dlma_node *self, const struct dlma_addr *a, struct hnp *ret)
{
	const struct dlma_superset *s = &self->superset[0];

	if (!self->superset_count)
		return false;
	if (!is_inside(s, a)) {
		__u32 i;

		if (self->superset_count == 1)
			return false;
		*ret->scratch = *a;
		i = superset_search(ret->scratch);
		if (!i || i >= DLMA_SUPERSET_MAX)
			return false;
		s = &self->superset[i];
	}
	ret->key.q[0] = a->q[0] & s->hnp_mask.q[0];
	ret->key.q[1] = a->q[1] & s->hnp_mask.q[1];
	ret->placed = s->front_word != DLMA_FRONT_NONE;
	ret->place = ret->placed ? front_place(s, self->front_mult, a) : 0;
	return true;
}

/* Who may tunnel to us. */
struct peer {
	__u32 adjacency;
	__u32 roles;
};

static __always_inline bool peer_find(const struct dlma_addr *source, struct peer *ret)
{
	__u32 zero = 0, slot;
	const struct dlma_peer_index *index = bpf_map_lookup_elem(&peer_index, &zero);
	const struct dlma_adjacency *a;
	const struct dlma_peer *p;

	if (index) {
		slot = index->adjacency[peer_slot(source)];
		a = bpf_map_lookup_elem(&adjacencies, &slot);
		if (a && a->roles && addr_equal(&a->peer, source)) {
			*ret = (struct peer){slot, a->roles};
			return true;
		}
	}
	p = bpf_map_lookup_elem(&peers, source);
	if (p)
		*ret = (struct peer){p->adjacency, p->roles};
	return p;
}

static __always_inline struct dlma_owner *owner_of(const struct dlma_addr *hoa)
{
	struct dlma_owner_key key = {.prefixlen = 128};

	__builtin_memcpy(key.prefix, hoa, sizeof(key.prefix));
	return bpf_map_lookup_elem(&owners, &key);
}

static __always_inline struct plan plan_tunnel(
	const struct packet *p, enum dlma_packet_reason reason, __u32 adjacency)
{
	return plan_act(reason, p->outer ? OPERATION_SWAP : OPERATION_PUSH, adjacency);
}

/* A packet that comes back from the waiting room, and finds nothing changed, has had its time. */
static __always_inline bool may_wait(const struct dlma_node *self, const struct packet *p)
{
	return self->hold_ifindex && p->ifindex != self->hold_ifindex;
}

static __always_inline struct plan plan_hold(const struct dlma_node *self, const struct packet *p)
{
	if (!may_wait(self, p))
		return plan_verdict(DLMA_PACKET_not_held);
	return plan_act(DLMA_PACKET_held, OPERATION_HOLD, 0);
}

static __always_inline void tell(
	HOOK_CTX *ctx, const struct packet *p, enum dlma_event_kind kind, const struct hnp *hnp)
{
	struct dlma_event *event = event_begin(kind, p->ifindex);

	if (!event)
		return;
	event->hoa = p->ip6->dst;
	event->from = p->ip6->src;
	if (p->outer)
		event->peer = p->outer->src;
	(void)event_send(ctx, hnp_key(hnp));
}

/* MAG: a packet for a MN, out of the tunnel of its LMA or from this very node, being both. */
static __always_inline struct plan resolve_at_mag(
	HOOK_CTX *ctx, const struct dlma_node *self, const struct packet *p, const struct hnp *hnp)
{
	struct dlma_access *a = bpf_map_lookup_elem(&access, hnp_key(hnp));

	if (a)
		return plan_deliver(a);
	if (clock_expecting() && may_wait(self, p))
		return plan_hold(self, p);
	tell(ctx, p, DLMA_EVENT_UNBOUND, hnp);
	return plan_verdict(DLMA_PACKET_not_attached);
}

/*
 * No location known: the owner of the prefix has it (draft 4.4). The packet goes there at once,
 * unless the domain prefers that it waits for the answer (draft 6.2).
 */
static __always_inline struct plan resolve_owner(
	HOOK_CTX *ctx, const struct dlma_node *self, const struct packet *p, const struct hnp *hnp)
{
	struct dlma_owner *o = owner_of(&p->ip6->dst);

	if (!o)
		return plan_verdict(DLMA_PACKET_no_owner);
	if (o->adjacency == DLMA_ADJACENCY_SELF)
		return plan_verdict(DLMA_PACKET_unbound);
	tell(ctx, p, DLMA_EVENT_MISS, hnp);
	if (self->roles & DLMA_ROLE_ASK_FIRST && may_wait(self, p))
		return plan_hold(self, p);
	return plan_tunnel(p, DLMA_PACKET_tunnel_owner, o->adjacency);
}

static __always_inline enum dlma_packet_reason reason_of(__u8 kind)
{
	switch (kind) {
	case DLMA_LOCATION_BINDING:
		return DLMA_PACKET_tunnel_binding;
	case DLMA_LOCATION_FORWARDING:
		return DLMA_PACKET_tunnel_forwarding;
	case DLMA_LOCATION_ANCHOR:
		return DLMA_PACKET_tunnel_location;
	default:
		return DLMA_PACKET_tunnel_cached;
	}
}

/* O-LMA: a packet from a CN, or from a MN of ours, that no LMA has handled yet. */
static __always_inline struct plan resolve_fresh(
	HOOK_CTX *ctx, const struct dlma_node *self, const struct packet *p, const struct hnp *hnp)
{
	struct location l = location_find(self, hnp, KINDS_ALL);

	if (!l.rest)
		return resolve_owner(ctx, self, p, hnp);
	if (location_kind(l) == DLMA_LOCATION_HELD)
		return plan_hold(self, p);
	if (location_adjacency(l) == DLMA_ADJACENCY_SELF)
		return resolve_at_mag(ctx, self, p, hnp);
	if (p->outer && location_flags(l) & DLMA_LOCATION_TELL_MAG)
		tell(ctx, p, DLMA_EVENT_MISROUTED, hnp);
	return plan_tunnel(p, reason_of(location_kind(l)), location_adjacency(l));
}

/* Previous D-LMA (draft 5.1.3): forward once; if that was done before, let the owner decide. */
static __always_inline struct plan resolve_forwarding(const struct packet *p, struct location l)
{
	__u32 marks = ip6_label(p->outer) & DLMA_LABEL_MARKS;
	struct dlma_owner *o;
	struct plan plan;

	if (!(marks & DLMA_LABEL_FORWARDED)) {
		plan = plan_tunnel(p, DLMA_PACKET_tunnel_forwarding, location_adjacency(l));
		plan.marks = DLMA_LABEL_FORWARDED;
		return plan;
	}
	o = owner_of(&p->ip6->dst);
	if (marks & DLMA_LABEL_RETURNED || !o || o->adjacency == DLMA_ADJACENCY_SELF)
		return plan_verdict(DLMA_PACKET_tunnel_loop);
	plan = plan_tunnel(p, DLMA_PACKET_tunnel_returned, o->adjacency);
	plan.marks = DLMA_LABEL_MARKS;
	return plan;
}

/*
 * Not anchored here (draft 4.4, last paragraph): drop, and let the sender know. But if a MN is just
 * being registered the sender may have been told before us.
 */
static __always_inline struct plan resolve_stray(
	HOOK_CTX *ctx, const struct dlma_node *self, const struct packet *p, const struct hnp *hnp)
{
	struct dlma_owner *o;

	if (clock_expecting() && may_wait(self, p))
		return plan_hold(self, p);
	o = owner_of(&p->ip6->dst);
	tell(ctx, p, DLMA_EVENT_UNBOUND, hnp);
	if (o && o->adjacency == DLMA_ADJACENCY_SELF)
		return plan_verdict(DLMA_PACKET_unbound);
	return plan_verdict(DLMA_PACKET_wrong_anchor);
}

/*
 * A packet that would go back to the LMA that it came from. That LMA may have become the D-LMA
 * while the packet was on its way; but once a previous D-LMA has forwarded it, it goes no further.
 * Since an LMA never handles such a packet as a fresh one, no loop lives.
 */
static __always_inline bool would_return(const struct plan *plan, const struct peer *peer)
{
	return plan->operation == OPERATION_SWAP && plan->adjacency == peer->adjacency;
}

/*
 * Going round, or about to. If a MN is just being registered here, the packet may have overtaken
 * the signalling that would end that, so it waits.
 */
static __always_inline bool is_premature(const struct dlma_node *self, const struct packet *p,
	const struct plan *plan, const struct peer *peer)
{
	return (plan->reason == DLMA_PACKET_tunnel_loop || would_return(plan, peer)) &&
	       clock_expecting() && may_wait(self, p);
}

/*
 * D-LMA, H-LMA or previous D-LMA: a packet that another LMA sent. It keeps its marks; those that a
 * MAG may have set mean nothing, and go.
 */
static __always_inline struct plan resolve_from_lma(HOOK_CTX *ctx, const struct dlma_node *self,
	const struct packet *p, const struct hnp *hnp, const struct peer *peer)
{
	struct location l = location_find(self, hnp, KINDS_OWN);
	__u8 kind = location_kind(l);
	struct plan plan;

	if (!l.rest || kind == DLMA_LOCATION_CACHED)
		return resolve_stray(ctx, self, p, hnp);
	if (kind == DLMA_LOCATION_HELD)
		return plan_hold(self, p);
	if (kind == DLMA_LOCATION_BINDING && location_adjacency(l) == DLMA_ADJACENCY_SELF)
		return resolve_at_mag(ctx, self, p, hnp);
	if (kind == DLMA_LOCATION_FORWARDING)
		plan = resolve_forwarding(p, l);
	else
		plan = plan_tunnel(p, reason_of(kind), location_adjacency(l));
	plan.marks |= ip6_label(p->outer) & DLMA_LABEL_MARKS;
	if (is_premature(self, p, &plan, peer))
		return plan_hold(self, p);
	if (would_return(&plan, peer) && ip6_label(p->outer) & DLMA_LABEL_MARKS)
		return plan_verdict(DLMA_PACKET_tunnel_loop);
	if (kind != DLMA_LOCATION_BINDING || location_flags(l) & DLMA_LOCATION_TELL_LMA)
		tell(ctx, p, DLMA_EVENT_MISROUTED, hnp);
	return plan;
}

/*
 * MAG that is no LMA. The MN may have left it, while an O-LMA still tunnels straight to it: then
 * it is between two MAGs, or this is the previous one (draft 5.1.2, 5.1.3).
 */
static __always_inline struct plan resolve_at_gateway(HOOK_CTX *ctx, const struct dlma_node *self,
	const struct packet *p, const struct hnp *hnp, const struct peer *peer)
{
	struct dlma_access *a = bpf_map_lookup_elem(&access, hnp_key(hnp));
	struct location l;

	if (a)
		return plan_deliver(a);
	l = location_find(self, hnp, KINDS_NONE);
	if (l.rest && location_kind(l) != DLMA_LOCATION_CACHED)
		return resolve_from_lma(ctx, self, p, hnp, peer);
	return resolve_at_mag(ctx, self, p, hnp);
}

/* LMA: a packet of a MN, out of the tunnel of its MAG or from an own access link. */
static __always_inline struct plan resolve_from_mn(
	HOOK_CTX *ctx, const struct dlma_node *self, struct packet *p)
{
	struct hnp *hnp = &p->hnp;

	if (hnp_of(self, &p->ip6->dst, hnp))
		return resolve_fresh(ctx, self, p, hnp);
	return plan_act(DLMA_PACKET_from_mn, p->outer ? OPERATION_POP : OPERATION_NONE, 0);
}

/* RFC 5213 5.6.2: a MAG may only bring packets of the MNs that are bound to it. */
static __always_inline struct plan resolve_from_mag(
	HOOK_CTX *ctx, const struct dlma_node *self, struct packet *p, const struct peer *peer)
{
	struct location l;
	struct hnp *hnp = &p->hnp;

	if (!hnp_of(self, &p->ip6->src, hnp))
		return plan_verdict(DLMA_PACKET_inner_source);
	l = location_find(self, hnp, KINDS_NONE);
	if (location_kind(l) != DLMA_LOCATION_BINDING || location_adjacency(l) != peer->adjacency)
		return plan_verdict(DLMA_PACKET_inner_source);
	return resolve_from_mn(ctx, self, p);
}

/*
 * The tests at a tunnel exit that do not depend on who we are (RFC 2473 3.3 and 6, RFC 6040 4.2).
 * Returns the reason to drop, or 0.
 */
static __always_inline int inner_fault(const struct packet *p)
{
	if (ip6_version(p->ip6) != 6 || ip6_total(p->ip6) > bpf_ntohs(p->outer->payload_len) ||
		ip6_total(p->outer) > p->len - ETH_LEN)
		return DLMA_PACKET_inner_malformed;
	if (!addr_is_routable(&p->ip6->src))
		return DLMA_PACKET_inner_source;
	if (!addr_is_routable(&p->ip6->dst))
		return DLMA_PACKET_inner_destination;
	/* The congestion mark cannot be handed on, so the packet must not be. */
	if ((ip6_traffic_class(p->outer) & 3) == 3 && !(ip6_traffic_class(p->ip6) & 3))
		return DLMA_PACKET_ecn;
	return 0;
}

/*
 * Whether a MAG may have sent this to us as to a MAG: what a previous MAG forwards (draft 5.1.2),
 * or what its own MN says to ours (draft 5.4), where the domain allows that at all.
 */
static __always_inline bool is_between_mags(const struct dlma_node *self, struct packet *p)
{
	struct hnp *hnp = &p->hnp;

	if (!(self->roles & DLMA_ROLE_MAG_PEERS))
		return false;
	if (ip6_label(p->outer) & DLMA_LABEL_FORWARDED)
		return true;
	return !(self->roles & DLMA_ROLE_LMA) && hnp_of(self, &p->ip6->src, hnp);
}

/* A packet tunnelled to this node. */
static __always_inline struct plan resolve_tunnelled(
	HOOK_CTX *ctx, const struct dlma_node *self, struct packet *p)
{
	struct dlma_addr source = p->outer->src;
	struct hnp *hnp = &p->hnp;
	struct peer peer;
	int fault;

	if (!peer_find(&source, &peer))
		return plan_verdict(DLMA_PACKET_untrusted_peer);
	fault = inner_fault(p);
	if (fault)
		return plan_verdict(fault);
	if (!(peer.roles & DLMA_ROLE_LMA) && !is_between_mags(self, p)) {
		if (!(self->roles & DLMA_ROLE_LMA))
			return plan_verdict(DLMA_PACKET_untrusted_peer);
		return resolve_from_mag(ctx, self, p, &peer);
	}
	if (!hnp_of(self, &p->ip6->dst, hnp))
		return plan_verdict(DLMA_PACKET_inner_destination);
	if (!(self->roles & DLMA_ROLE_LMA))
		return resolve_at_gateway(ctx, self, p, hnp, &peer);
	/* What this node sends comes back only from somebody who pretends to be it. */
	if (addr_equal(&p->ip6->src, &self->address))
		return plan_verdict(DLMA_PACKET_inner_source);
	return resolve_from_lma(ctx, self, p, hnp, &peer);
}

/* A native packet for a HoA, on its way past this LMA (draft 4.2, 4.4). */
static __always_inline struct plan resolve_intercepted(
	HOOK_CTX *ctx, const struct dlma_node *self, const struct packet *p, const struct hnp *hnp)
{
	if (ip6_total(p->ip6) > p->len - ETH_LEN)
		return plan_verdict(DLMA_PACKET_malformed);
	if (!addr_is_routable(&p->ip6->src))
		return plan_verdict(DLMA_PACKET_inner_source);
	return resolve_fresh(ctx, self, p, hnp);
}

static __always_inline void tell_new_source(
	HOOK_CTX *ctx, const struct packet *p, const struct hnp *hnp)
{
	struct dlma_event *event = event_begin(DLMA_EVENT_NEW_SOURCE, p->ifindex);
	const struct ethernet *eth = p->data;

	if (!event)
		return;
	event->hoa = p->ip6->src;
	event->from = p->ip6->src;
	copy_words(event->mac, eth->src, 0, sizeof(event->mac));
	(void)event_send(ctx, hnp_key(hnp));
}

static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	return *(const __u32 *)a == *(const __u32 *)b &&
	       *(const __u16 *)(a + 4) == *(const __u16 *)(b + 4);
}

/* From MN to MN: past all LMAs, if this MAG was told the other's proxy-CoA (draft 5.4). */
static __always_inline struct plan resolve_to_mn(HOOK_CTX *ctx, const struct dlma_node *self,
	struct packet *p, const struct hnp *hnp, __u32 uplink)
{
	struct location l = location_find(self, hnp, KINDS_CACHED);

	if (location_kind(l) != DLMA_LOCATION_CACHED)
		return plan_act(DLMA_PACKET_tunnel_uplink, OPERATION_PUSH, uplink);
	if (location_adjacency(l) == DLMA_ADJACENCY_SELF)
		return resolve_at_mag(ctx, self, p, hnp);
	return plan_act(DLMA_PACKET_tunnel_cached, OPERATION_PUSH, location_adjacency(l));
}

/* Access link of a MAG: packets of the MN go to its LMA (draft 5.2, RFC 5213 6.10.5). */
static __always_inline struct plan resolve_from_access(
	HOOK_CTX *ctx, const struct dlma_node *self, struct packet *p)
{
	const struct ethernet *eth = p->data;
	struct dlma_access *a;
	struct hnp *hnp = &p->hnp;

	if (!addr_is_routable(&p->ip6->src) || addr_is_multicast(&p->ip6->dst) ||
		addr_is_link_local(&p->ip6->dst))
		return plan_verdict(DLMA_PACKET_link_scope);
	if (!hnp_of(self, &p->ip6->src, hnp))
		return plan_verdict(DLMA_PACKET_no_service);
	if (ip6_total(p->ip6) > p->len - ETH_LEN)
		return plan_verdict(DLMA_PACKET_malformed);
	a = bpf_map_lookup_elem(&access, hnp_key(hnp));
	if (a && !mac_equal(a->mn_mac, eth->src))
		return plan_verdict(DLMA_PACKET_inner_source);
	if (!a || a->ifindex != p->ifindex) {
		tell_new_source(ctx, p, hnp);
		return plan_verdict(DLMA_PACKET_unbound_source);
	}
	mark_used(&a->used);
	if (a->uplink == DLMA_ADJACENCY_SELF)
		return resolve_from_mn(ctx, self, p);
	if (a->direct && hnp_of(self, &p->ip6->dst, hnp))
		return resolve_to_mn(ctx, self, p, hnp, a->uplink);
	return plan_act(DLMA_PACKET_tunnel_uplink, OPERATION_PUSH, a->uplink);
}
