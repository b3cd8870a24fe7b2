/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parse, resolve, act, account: the one way of every packet, under either hook. */
#pragma once

#include "answer.h"

/* Finds the IPv6 header. Returns 0, or the reason why this packet is none of ours. */
static __always_inline int parse_native(const HOOK_CTX *ctx, struct packet *p)
{
	const struct ethernet *eth = p->data;

	if (p->data + ETH_LEN > p->end || hook_tagged(ctx) || eth->type != bpf_htons(ETH_P_IPV6))
		return DLMA_PACKET_not_ipv6;
	p->outer = NULL;
	p->ip6 = p->data + ETH_LEN;
	if ((void *)(p->ip6 + 1) > p->end || ip6_version(p->ip6) != 6)
		return DLMA_PACKET_malformed;
	return 0;
}

/* The header before us turns out to be the outer one. Returns 0 or the reason to drop. */
static __always_inline int parse_tunnel(struct packet *p)
{
	p->outer = p->data + ETH_LEN;
	p->ip6 = p->data + TUNNEL_LEN;
	return (void *)(p->ip6 + 1) > p->end ? DLMA_PACKET_inner_malformed : 0;
}

/* A foreign entry point (Linux ip6tnl by default) puts an encapsulation limit in: take it out. */
static __always_inline int parse_limit(HOOK_CTX *ctx, struct packet *p)
{
	const struct limit_header *l = p->data + TUNNEL_LEN;
	struct ip6 *outer;

	if ((void *)(l + 1) > p->end || l->next_header != IPPROTO_IPV6 || l->len || l->option != 4)
		return DLMA_PACKET_local;
	if (hook_strip_limit(ctx, p))
		return DLMA_PACKET_no_room;
	hook_packet(ctx, p);
	outer = p->data + ETH_LEN;
	if ((void *)(outer + 1) > p->end)
		return DLMA_PACKET_malformed;
	outer->next_header = IPPROTO_IPV6;
	outer->payload_len = bpf_htons(bpf_ntohs(outer->payload_len) - sizeof(struct limit_header));
	return 0;
}

static __always_inline struct plan plan_tunnelled(
	HOOK_CTX *ctx, const struct dlma_node *self, struct packet *p)
{
	int fault = 0;

	if (p->ip6->next_header == IPPROTO_DSTOPTS)
		fault = parse_limit(ctx, p);
	else if (p->ip6->next_header != IPPROTO_IPV6)
		fault = DLMA_PACKET_local;
	if (!fault)
		fault = parse_tunnel(p);
	return fault ? plan_verdict(fault) : resolve_tunnelled(ctx, self, p);
}

/* A packet from the network: a tunnel that ends here, a HoA to intercept, or not ours. */
static __always_inline struct plan plan_network(
	HOOK_CTX *ctx, const struct dlma_node *self, struct packet *p)
{
	struct hnp *hnp = &p->hnp;

	if (addr_equal(&p->ip6->dst, &self->address))
		return plan_tunnelled(ctx, self, p);
	if (!(self->roles & DLMA_ROLE_LMA) || !hnp_of(self, &p->ip6->dst, hnp))
		return plan_verdict(DLMA_PACKET_not_ours);
	return resolve_intercepted(ctx, self, p, hnp);
}

static __always_inline struct plan plan_packet(
	HOOK_CTX *ctx, const struct dlma_node *self, struct packet *p, bool from_access)
{
	int fault = parse_native(ctx, p);

	if (fault)
		return plan_verdict(fault);
	return from_access ? resolve_from_access(ctx, self, p) : plan_network(ctx, self, p);
}

static __always_inline int pipeline(HOOK_CTX *ctx, bool from_access)
{
	const struct dlma_node *self = node_self();
	struct dlma_counters *c = counters_own();
	struct dlma_addr scratch;
	struct packet p = {.hnp.scratch = &scratch};
	struct plan plan = {.reason = DLMA_PACKET_not_ready};
	int action = HOOK_PASS;
	__u32 len;

	hook_packet(ctx, &p);
	len = p.len;
	if (!c)
		return HOOK_PASS;
	count(c, DLMA_PACKET_received, len);
	if (self) {
		plan = plan_packet(ctx, self, &p, from_access);
		action = tunnel_act(ctx, &p, self, &plan);
		if (plan.reason == DLMA_PACKET_too_big)
			action = answer(ctx, &plan, p.outer, from_access);
	}
	count(c, plan.reason, len);
	return action;
}
