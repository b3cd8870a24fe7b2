/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verbs of bpf/tunnel.h for TC ingress. */
#pragma once

#include "packet.h"
#include <bpf/bpf_helpers.h>

#define HOOK_CTX  struct __sk_buff
#define HOOK_PASS TC_ACT_UNSPEC
#define HOOK_DROP TC_ACT_SHOT

enum {
	/* Ethernet, outer header, limit header, inner header: all that is ever looked at. */
	HOOK_HEADERS = TUNNEL_LEN + sizeof(struct limit_header) + IP6_LEN,
	TCP_HEADER_MAX = 60,
};

static __always_inline void hook_packet(struct __sk_buff *ctx, struct packet *p)
{
	p->data = (void *)(long)ctx->data;
	p->end = (void *)(long)ctx->data_end;
	if (p->data + HOOK_HEADERS > p->end) {
		(void)bpf_skb_pull_data(ctx, ctx->len < HOOK_HEADERS ? ctx->len : HOOK_HEADERS);
		p->data = (void *)(long)ctx->data;
		p->end = (void *)(long)ctx->data_end;
	}
	p->len = ctx->len;
	p->ifindex = ctx->ifindex;
}

/*
 * Octets from the outermost IPv6 header on, as they will stand on the wire. A GSO packet is cut
 * into segments later; hook_push() makes those small enough where it has to.
 */
static __always_inline __u32 hook_wire_len(struct __sk_buff *ctx, const struct packet *p)
{
	return ctx->gso_size ? 0 : p->len - ETH_LEN;
}

static __always_inline int hook_push(struct __sk_buff *ctx, __u32 mtu)
{
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	/* Without this flag each segment gives up the octets that the header takes. */
	if (ctx->gso_size + TCP_HEADER_MAX + 2 * IP6_LEN <= mtu)
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	return bpf_skb_adjust_room(ctx, IP6_LEN, BPF_ADJ_ROOM_MAC, flags);
}

static __always_inline int hook_pop(struct __sk_buff *ctx, struct packet *p)
{
	(void)p;
	return bpf_skb_adjust_room(ctx, -IP6_LEN, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* Takes 8 octets of Destination Options from behind the outer header. */
static __always_inline int hook_strip_limit(struct __sk_buff *ctx, struct packet *p)
{
	(void)p;
	return bpf_skb_adjust_room(
		ctx, -(int)sizeof(struct limit_header), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO);
}

static __always_inline int hook_redirect(struct __sk_buff *ctx, __u32 ifindex)
{
	(void)ctx;
	return bpf_redirect(ifindex, 0);
}
