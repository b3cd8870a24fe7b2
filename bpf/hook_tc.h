/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verbs of bpf/tunnel.h for TC ingress. */
#pragma once

#include "packet.h"
#include <bpf/bpf_helpers.h>

#define HOOK_CTX  struct __sk_buff
#define HOOK_PASS TC_ACT_UNSPEC
#define HOOK_DROP TC_ACT_SHOT

enum {
	TCP_HEADER_MIN = 20,
	TCP_HEADER_MAX = 60,
	TCP_DATA_OFFSET = 12,
	TCP_CHECKSUM = 16,
	UDP_HEADER = 8,
	UDP_CHECKSUM = 6,
	VLAN_TAG = 4,
	/* Ethernet, outer header, limit header, inner headers: all that is ever looked at. */
	HOOK_HEADERS = TUNNEL_LEN + sizeof(struct limit_header) + IP6_LEN + TCP_HEADER_MIN,
};

/* The kernel has taken the tag out of the frame, and counts it no more. */
static __always_inline bool hook_tagged(const struct __sk_buff *ctx)
{
	return ctx->vlan_present;
}

static __always_inline void hook_packet(struct __sk_buff *ctx, struct packet *p)
{
	p->data = (void *)(long)ctx->data;
	p->end = (void *)(long)ctx->data_end;
	if (p->data + HOOK_HEADERS > p->end && ctx->len > ctx->data_end - ctx->data) {
		(void)bpf_skb_pull_data(ctx, ctx->len < HOOK_HEADERS ? ctx->len : HOOK_HEADERS);
		p->data = (void *)(long)ctx->data;
		p->end = (void *)(long)ctx->data_end;
	}
	p->len = ctx->len + (hook_tagged(ctx) ? VLAN_TAG : 0);
	p->ifindex = ctx->ifindex;
}

/* Octets of the header that each segment of a GSO packet repeats after its IPv6 header. */
static __always_inline __u32 hook_transport_len(const struct packet *p)
{
	const __u8 *header = (void *)(p->ip6 + 1);

	if (p->ip6->next_header == IPPROTO_UDP)
		return UDP_HEADER;
	if (p->ip6->next_header != IPPROTO_TCP || (void *)(header + TCP_HEADER_MIN) > p->end)
		return TCP_HEADER_MAX;
	return header[TCP_DATA_OFFSET] >> 4 << 2;
}

/* Octets from the outermost IPv6 header on, as they stand on the wire: of a GSO packet's segments.
 */
static __always_inline __u32 hook_wire_len(struct __sk_buff *ctx, const struct packet *p)
{
	if (!ctx->gso_size)
		return p->len - ETH_LEN;
	return (p->outer ? 2 : 1) * IP6_LEN + hook_transport_len(p) + ctx->gso_size;
}

/* Whether it fits once it has a header more. A segment of TCP can give up the octets for that. */
static __always_inline bool hook_may_push(struct __sk_buff *ctx, const struct packet *p, __u32 mtu)
{
	__u32 give = ctx->gso_size && p->ip6->next_header == IPPROTO_TCP ? IP6_LEN : 0;

	return hook_wire_len(ctx, p) + IP6_LEN - give <= mtu;
}

static __always_inline int hook_push(struct __sk_buff *ctx, const struct packet *p, __u32 mtu)
{
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	/* Without this flag each segment gives up the octets that the header takes. */
	if (hook_wire_len(ctx, p) + IP6_LEN <= mtu)
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	return bpf_skb_adjust_room(ctx, IP6_LEN, BPF_ADJ_ROOM_MAC, flags);
}

/* The kernel has kept it in its place. */
static __always_inline void hook_keep_ethernet(const struct packet *p)
{
	(void)p;
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

/* Octets of the MN's or the CN's own packet; of a GSO packet, those of its segments. */
static __always_inline __u32 hook_own_len(struct __sk_buff *ctx, const struct packet *p)
{
	if (!ctx->gso_size)
		return ip6_total(p->ip6);
	return IP6_LEN + hook_transport_len(p) + ctx->gso_size;
}

/*
 * Cuts the frame to `len` octets. The kernel makes it linear and takes the mark of GSO off it on
 * this occasion. It refuses a packet that it knows to be a tunnel's: one that a neighbouring
 * namespace has tunnelled, or GRO has put together.
 */
static __always_inline int hook_cut(struct __sk_buff *ctx, const struct packet *p, __u32 len)
{
	(void)p;
	return bpf_skb_change_tail(ctx, len, 0);
}

/* Makes room for so many octets after the Ethernet header. */
static __always_inline int hook_make_room(struct __sk_buff *ctx, __u32 octets)
{
	return bpf_skb_adjust_room(ctx, octets, BPF_ADJ_ROOM_MAC, 0);
}

/* The checksum field of TCP or UDP right behind the header; NULL for anything else. */
static __always_inline const __u16 *hook_checksum_field(const struct ip6 *h)
{
	const void *transport = h + 1;

	if (h->next_header == IPPROTO_TCP)
		return transport + TCP_CHECKSUM;
	return h->next_header == IPPROTO_UDP ? transport + UDP_CHECKSUM : NULL;
}

/*
 * Whether the sender has left the checksum of TCP or UDP to a network card: then the field holds
 * the sum of the pseudo header, and the kernel remembers where the card is to begin. Nothing takes
 * that back, so sooner or later the field becomes what makes the sum from the transport header to
 * the end of the frame the complement of its present value. (One in 65536 finished checksums looks
 * the same; that error then has a wrong checksum, and the next packet gets another one.)
 */
static __always_inline bool hook_is_partial(const struct ip6 *h, __u16 *ret_field)
{
	const __u16 *field = hook_checksum_field(h);
	__u32 sum = h->payload_len + bpf_htons(h->next_header);

	if (!field)
		return false;
	*ret_field = *field;
	return sum_fold(sum_add(sum, &h->src, 2 * sizeof(h->src))) == *ret_field;
}

static __always_inline int hook_redirect(struct __sk_buff *ctx, __u32 ifindex)
{
	(void)ctx;
	return bpf_redirect(ifindex, 0);
}
