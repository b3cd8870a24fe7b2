// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One fixed IPv6-in-IPv6 tunnel in TC, from v-lma-2 to mag-1b: proves that the laboratory cuts
 * tunnelled super-packets into right frames before they reach a wire with a delay. The kernel
 * routes what comes out.
 */
#include "lab.bpf.h"

enum { IP6_LEN = sizeof(struct ipv6hdr), HOP_LIMIT = 64 };

/* Of a node: 2001:db8:SITE::HOST. */
static __always_inline struct in6_addr address_of(__u16 site, __u16 host)
{
	struct in6_addr a = {};

	a.in6_u.u6_addr32[0] = bpf_htonl(0x20010db8);
	a.in6_u.u6_addr32[1] = bpf_htonl((__u32)site << 16);
	a.in6_u.u6_addr32[3] = bpf_htonl(host);
	return a;
}

static __always_inline struct frame *frame_of(struct __sk_buff *skb)
{
	struct frame *f = (void *)(long)skb->data;

	return (void *)(f + 1) > (void *)(long)skb->data_end ? NULL : f;
}

/* Packets to 2001:db8:100::/40, TCP and UDP, get the outer header. */
SEC("tc/push")
int tunnel_push(struct __sk_buff *skb)
{
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO;
	struct frame *f = frame_of(skb);
	__u16 inner_len;

	if (!f || f->eth.h_proto != bpf_htons(ETH_P_IPV6) ||
		f->ip6.daddr.in6_u.u6_addr32[0] != bpf_htonl(0x20010db8) ||
		f->ip6.daddr.in6_u.u6_addr8[4] != 0x01)
		return TC_ACT_OK;
	inner_len = bpf_ntohs(f->ip6.payload_len) + IP6_LEN;
	if (bpf_skb_adjust_room(skb, IP6_LEN, BPF_ADJ_ROOM_MAC, flags))
		return TC_ACT_SHOT;
	f = frame_of(skb);
	if (!f)
		return TC_ACT_SHOT;
	f->ip6 = (struct ipv6hdr){.version = 6,
		.payload_len = bpf_htons(inner_len),
		.nexthdr = IPPROTO_IPV6,
		.hop_limit = HOP_LIMIT};
	f->ip6.saddr = address_of(0xb2, 0x1);
	f->ip6.daddr = address_of(0xb1, 0xb);
	return TC_ACT_OK;
}

SEC("tc/pop")
int tunnel_pop(struct __sk_buff *skb)
{
	struct frame *f = frame_of(skb);

	if (!f || f->eth.h_proto != bpf_htons(ETH_P_IPV6) || f->ip6.nexthdr != IPPROTO_IPV6)
		return TC_ACT_OK;
	if (bpf_skb_adjust_room(skb, -IP6_LEN, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
