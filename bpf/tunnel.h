/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Carries a plan out. The verbs that differ between XDP and TC (hook_*) come from hook_xdp.h or
 * hook_tc.h, of which each program includes one before this file:
 *
 *   hook_may_push(ctx, p, mtu)  whether there is room on the way for an outer header
 *   hook_push(ctx, p, mtu)      makes room for it after the Ethernet header
 *   hook_keep_ethernet(p)       brings the Ethernet header before that room, where it is not yet
 *   hook_pop(ctx, p)            takes the outer header away, keeping the Ethernet header
 *   hook_own_len(ctx, p)        octets of the MN's or the CN's own packet
 *   hook_packet(ctx, p)         reads the packet's bounds again after any of these
 *   hook_redirect(ctx, ifindex)
 */
#pragma once

#include "resolve.h"

/*
 * RFC 6438: one label per inner flow, keyed so that it discloses nothing; never 0. Products of
 * keyed words, with the octets in which addresses differ most as the lowest, so that they reach
 * all bits above: no multiplication waits for another.
 */
static __always_inline __u32 flow_label(const struct packet *p, const struct dlma_node *self)
{
	const struct dlma_addr *src = &p->ip6->src, *dst = &p->ip6->dst;
	__u64 h = (bpf_be64_to_cpu(src->q[0]) + self->label[0]) *
		  (bpf_be64_to_cpu(src->q[1]) + self->label[1]);
	__u32 label = ip6_label(p->ip6);
	const __be32 *ports = (void *)(p->ip6 + 1);

	h += (bpf_be64_to_cpu(dst->q[0]) + self->label[2]) *
	     (bpf_be64_to_cpu(dst->q[1]) + self->label[3]);
	if (label)
		h += label * self->label[4];
	else if ((p->ip6->next_header == IPPROTO_TCP || p->ip6->next_header == IPPROTO_UDP) &&
		 (void *)(ports + 1) <= p->end)
		h += bpf_ntohl(*ports) * self->label[4];
	return h >> (64 - DLMA_LABEL_HASH_BITS) ?: 1;
}

/* RFC 6040 4.2, the table of the default: the inner ECN field once the outer header is gone. */
static __always_inline __u8 ecn_decapsulated(__u8 inner, __u8 outer)
{
	if (inner == 0 || inner == 3 || outer == 0 || outer == 2)
		return inner;
	return outer;
}

/* Takes the outer header's congestion mark into the inner one. */
static __always_inline void ecn_to_inner(const struct packet *p)
{
	__u8 inner = ip6_traffic_class(p->ip6);
	__u8 ecn = ecn_decapsulated(inner & 3, ip6_traffic_class(p->outer) & 3);

	if (ecn != (inner & 3))
		ip6_set(p->ip6, (inner & ~3) | ecn, ip6_label(p->ip6));
}

static __always_inline struct dlma_next_hop *next_hop(__u32 index)
{
	struct dlma_adjacency *a = bpf_map_lookup_elem(&adjacencies, &index);

	return a ? &a->copy[a->active & 1] : NULL;
}

/* Both headers before the packet: the adjacency's template, with what depends on the packet. */
static __always_inline void header_write(void *frame, const struct dlma_next_hop *hop,
	__u8 traffic_class, __u32 label, __be16 payload_len)
{
	struct ip6 *outer = frame + ETH_LEN;

	if (hop->ifindex)
		copy_words(frame, &hop->header, 0, TUNNEL_LEN);
	else
		copy_words(frame, &hop->header, ETH_LEN, TUNNEL_LEN);
	ip6_set(outer, traffic_class, label);
	outer->payload_len = payload_len;
}

/* An unresolved next hop is left to the kernel, which resolves it (and then so do we). */
static __always_inline int send(HOOK_CTX *ctx, const struct dlma_next_hop *hop, struct plan *plan)
{
	if (hop->ifindex)
		return hook_redirect(ctx, hop->ifindex);
	plan->reason = DLMA_PACKET_tunnel_kernel;
	return HOOK_PASS;
}

static __always_inline int fail(struct plan *plan, enum dlma_packet_reason reason)
{
	plan->reason = reason;
	return HOOK_DROP;
}

/* bpf/answer.h tells the source. */
static __always_inline int fail_too_big(struct plan *plan, int mtu)
{
	plan->mtu = mtu;
	return fail(plan, DLMA_PACKET_too_big);
}

static __always_inline int tunnel_push(
	HOOK_CTX *ctx, struct packet *p, const struct dlma_node *self, struct plan *plan)
{
	const struct dlma_next_hop *hop = next_hop(plan->adjacency);
	__u8 traffic_class = ip6_traffic_class(p->ip6);
	__be16 payload_len = bpf_htons(ip6_total(p->ip6));
	__u32 label = flow_label(p, self);

	if (!hop)
		return fail(plan, DLMA_PACKET_no_room);
	if (!hook_may_push(ctx, p, hop->mtu))
		return fail_too_big(plan, hop->mtu - IP6_LEN);
	p->ip6->hop_limit--;
	if (hook_push(ctx, p, hop->mtu))
		return fail(plan, DLMA_PACKET_no_room);
	hook_packet(ctx, p);
	if (p->data + TUNNEL_LEN > p->end)
		return fail(plan, DLMA_PACKET_no_room);
	if (!hop->ifindex)
		hook_keep_ethernet(p);
	header_write(p->data, hop, traffic_class, label | plan->marks, payload_len);
	return send(ctx, hop, plan);
}

static __always_inline int tunnel_swap(HOOK_CTX *ctx, struct packet *p, struct plan *plan)
{
	const struct dlma_next_hop *hop = next_hop(plan->adjacency);
	__u32 label = (ip6_label(p->outer) & DLMA_LABEL_HASH) | plan->marks;

	if (!hop)
		return fail(plan, DLMA_PACKET_no_room);
	if (hook_wire_len(ctx, p) > hop->mtu)
		return fail_too_big(plan, hop->mtu - IP6_LEN);
	ecn_to_inner(p);
	p->ip6->hop_limit--;
	header_write(p->data, hop, ip6_traffic_class(p->ip6), label, p->outer->payload_len);
	return send(ctx, hop, plan);
}

/* The tunnel ends here; the kernel routes the inner packet on. */
static __always_inline int tunnel_pop(HOOK_CTX *ctx, struct packet *p, struct plan *plan)
{
	ecn_to_inner(p);
	if (hook_pop(ctx, p))
		return fail(plan, DLMA_PACKET_no_room);
	return HOOK_PASS;
}

static __always_inline int deliver(HOOK_CTX *ctx, struct packet *p, struct plan *plan)
{
	const struct dlma_access *a = plan->access;
	struct ethernet *eth;

	if (a->mtu && hook_own_len(ctx, p) > a->mtu)
		return fail_too_big(plan, a->mtu);
	p->ip6->hop_limit--;
	if (p->outer && tunnel_pop(ctx, p, plan) == HOOK_DROP)
		return HOOK_DROP;
	hook_packet(ctx, p);
	if (p->data + ETH_LEN > p->end)
		return fail(plan, DLMA_PACKET_no_room);
	eth = p->data;
	copy_words(eth, a->mn_mac, 0, sizeof(eth->dst) + sizeof(eth->src));
	eth->type = bpf_htons(ETH_P_IPV6);
	return hook_redirect(ctx, a->ifindex);
}

static const __u8 class_of[DLMA_COUNTERS_MAX] = {
#define X(number, name, class, text) [number] = DLMA_##class,
	DLMA_PACKET_REASONS(X)
#undef X
};

static __always_inline int tunnel_act(
	HOOK_CTX *ctx, struct packet *p, const struct dlma_node *self, struct plan *plan)
{
	if (plan->operation == OPERATION_NONE)
		return class_of[plan->reason % DLMA_COUNTERS_MAX] == DLMA_PASS ? HOOK_PASS
									       : HOOK_DROP;
	if (plan->operation == OPERATION_POP)
		return tunnel_pop(ctx, p, plan);
	if (plan->operation == OPERATION_HOLD)
		return hook_redirect(ctx, self->hold_ifindex);
	if (p->ip6->hop_limit <= 1)
		return fail(plan, DLMA_PACKET_hop_limit);
	if (plan->operation == OPERATION_PUSH)
		return tunnel_push(ctx, p, self, plan);
	if (plan->operation == OPERATION_SWAP)
		return tunnel_swap(ctx, p, plan);
	return deliver(ctx, p, plan);
}
