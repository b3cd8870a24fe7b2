/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verbs of bpf/tunnel.h for XDP. */
#pragma once

#include "packet.h"
#include <bpf/bpf_helpers.h>

#define HOOK_CTX  struct xdp_md
#define HOOK_PASS XDP_PASS
#define HOOK_DROP XDP_DROP

/* A tag is still in the frame, where the EtherType shows it. */
static __always_inline bool hook_tagged(const struct xdp_md *ctx)
{
	(void)ctx;
	return false;
}

static __always_inline void hook_packet(struct xdp_md *ctx, struct packet *p)
{
	p->data = (void *)(long)ctx->data;
	p->end = (void *)(long)ctx->data_end;
	p->len = p->end - p->data;
	p->ifindex = ctx->ingress_ifindex;
}

/* Octets from the outermost IPv6 header on. */
static __always_inline __u32 hook_wire_len(struct xdp_md *ctx, const struct packet *p)
{
	(void)ctx;
	return p->len - ETH_LEN;
}

/* Whether it fits once it has a header more. */
static __always_inline bool hook_may_push(struct xdp_md *ctx, const struct packet *p, __u32 mtu)
{
	return hook_wire_len(ctx, p) + IP6_LEN <= mtu;
}

static __always_inline int hook_push(struct xdp_md *ctx, const struct packet *p, __u32 mtu)
{
	(void)p;
	(void)mtu;
	return bpf_xdp_adjust_head(ctx, -IP6_LEN);
}

/* After hook_push(): the Ethernet header as it came, for the kernel to read. */
static __always_inline void hook_keep_ethernet(const struct packet *p)
{
	copy_words(p->data, p->data + IP6_LEN, 0, ETH_LEN);
}

static __always_inline int hook_pop(struct xdp_md *ctx, struct packet *p)
{
	if (p->data + TUNNEL_LEN > p->end)
		return -1;
	copy_words(p->data + IP6_LEN, p->data, 0, ETH_LEN);
	return bpf_xdp_adjust_head(ctx, IP6_LEN);
}

/* Takes 8 octets of Destination Options from behind the outer header. */
static __always_inline int hook_strip_limit(struct xdp_md *ctx, struct packet *p)
{
	if (p->data + TUNNEL_LEN + sizeof(struct limit_header) > p->end)
		return -1;
		/* By words from behind, for the two overlap. */
#pragma unroll
	for (__u32 at = TUNNEL_LEN; at > TUNNEL_LEN % 8; at -= 8)
		*(__u64 *)(p->data + at) = *(__u64 *)(p->data + at - 8);
	copy_words(p->data + sizeof(struct limit_header), p->data, 0, TUNNEL_LEN % 8);
	return bpf_xdp_adjust_head(ctx, sizeof(struct limit_header));
}

/* Octets of the MN's or the CN's own packet. */
static __always_inline __u32 hook_own_len(struct xdp_md *ctx, const struct packet *p)
{
	(void)ctx;
	return ip6_total(p->ip6);
}

/* Cuts the frame to `len` octets. */
static __always_inline int hook_cut(struct xdp_md *ctx, const struct packet *p, __u32 len)
{
	__u32 present = p->len;

	/* A number by now: the compiler must not calculate with the two pointers themselves. */
	barrier_var(present);
	return bpf_xdp_adjust_tail(ctx, (int)(len - present));
}

/* Makes room for so many octets at the beginning of the frame. */
static __always_inline int hook_make_room(struct xdp_md *ctx, __u32 octets)
{
	return bpf_xdp_adjust_head(ctx, -(int)octets);
}

/* What comes by this way has its checksums. */
static __always_inline bool hook_is_partial(const struct ip6 *h, __u16 *ret_field)
{
	(void)h;
	(void)ret_field;
	return false;
}

static __always_inline int hook_redirect(struct xdp_md *ctx, __u32 ifindex)
{
	return ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(ifindex, 0);
}
