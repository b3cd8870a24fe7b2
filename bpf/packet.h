/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv6 headers, and the view of one packet that the whole pipeline works on. */
#pragma once

#include "dlma/abi.h"
#include <bpf/bpf_endian.h>

enum { IP6_LEN = 40, ETH_LEN = 14, TUNNEL_LEN = ETH_LEN + IP6_LEN };

/* As struct ethhdr, but not packed: see struct ip6. */
struct ethernet {
	__u8 dst[6];
	__u8 src[6];
	__be16 type;
};

_Static_assert(sizeof(struct ethernet) == ETH_LEN, "the Ethernet header");

/*
 * Lies at any even address, but the compiler must not know: it would read each word in pieces. The
 * kernel allows it where the machine does.
 */
struct ip6 {
	__be32 ver_tc_flow;
	__be16 payload_len;
	__u8 next_header;
	__u8 hop_limit;
	struct dlma_addr src;
	struct dlma_addr dst;
};

_Static_assert(sizeof(struct ip6) == IP6_LEN, "the IPv6 header");

/* Tunnel Encapsulation Limit in its only useful form: alone, padded to 8 octets (RFC 2473 5.1). */
struct limit_header {
	__u8 next_header;
	__u8 len;
	__u8 option;
	__u8 option_len;
	__u8 limit;
	__u8 pad[3];
};

/*
 * The HNP that an address lies in. The fast path keeps it in registers; who has to hand a pointer
 * to a helper or another function puts the key into the scratch first.
 */
struct hnp {
	struct dlma_addr key; /* of `locations` and `access` */
	__u64 place;	      /* in `front` */
	bool placed;
	struct dlma_addr *scratch;
};

static __always_inline struct dlma_addr *hnp_key(const struct hnp *hnp)
{
	*hnp->scratch = hnp->key;
	return hnp->scratch;
}

struct packet {
	void *data;
	void *end;
	__u32 len;	   /* whole frame, Ethernet header included */
	__u32 ifindex;	   /* where it came in */
	struct ip6 *outer; /* tunnel header; NULL for a native packet */
	struct ip6 *ip6;   /* the MN's or the CN's own header */
	struct hnp hnp;	   /* the one in question */
};

/* What to do with a packet, decided before anything of it is touched. */
enum operation {
	OPERATION_NONE,	   /* reason says whether it passes or drops */
	OPERATION_PUSH,	   /* put the outer header of `adjacency` before it */
	OPERATION_SWAP,	   /* rewrite the outer header in place */
	OPERATION_POP,	   /* end the tunnel, leave the inner packet to the kernel */
	OPERATION_HOLD,	   /* to the agent, as it is */
	OPERATION_DELIVER, /* send to the MN of `access`, ending the tunnel if there is one */
};

struct plan {
	enum dlma_packet_reason reason;
	enum operation operation;
	__u32 adjacency;
	__u32 marks; /* enum dlma_label, of the outer flow label */
	int mtu;     /* too_big: what would have fitted, without an outer header */
	struct dlma_access *access;
};

/*
 * Copies octets `from` to `to`, constants, in as few words as there can be: the compiler does not
 * know that words may lie anywhere.
 */
static __always_inline void copy_words(void *frame, const void *header, __u32 from, __u32 to)
{
	__u32 at = from;

#pragma unroll
	for (; at + 8 <= to; at += 8)
		*(__u64 *)(frame + at) = *(const __u64 *)(header + at);
	if (at + 4 <= to) {
		*(__u32 *)(frame + at) = *(const __u32 *)(header + at);
		at += 4;
	}
	if (at + 2 <= to)
		*(__u16 *)(frame + at) = *(const __u16 *)(header + at);
}

static __always_inline __u32 ip6_word(const struct ip6 *h)
{
	return bpf_ntohl(h->ver_tc_flow);
}

static __always_inline __u8 ip6_version(const struct ip6 *h)
{
	return *(const __u8 *)h >> 4;
}

static __always_inline __u8 ip6_traffic_class(const struct ip6 *h)
{
	return ip6_word(h) >> 20;
}

static __always_inline __u32 ip6_label(const struct ip6 *h)
{
	return ip6_word(h) & 0xfffff;
}

static __always_inline void ip6_set(struct ip6 *h, __u8 traffic_class, __u32 label)
{
	h->ver_tc_flow = bpf_htonl(0x60000000 | (__u32)traffic_class << 20 | label);
}

static __always_inline __u32 ip6_total(const struct ip6 *h)
{
	return IP6_LEN + bpf_ntohs(h->payload_len);
}

/* Adds up to 512 octets, in words of 4, to a sum of 16-bit words. */
static __always_inline __u32 sum_add(__u32 sum, const void *octets, __u32 count)
{
	return bpf_csum_diff(NULL, 0, (__be32 *)octets, count, sum);
}

/* Such a sum as one word. */
static __always_inline __u16 sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static __always_inline struct plan plan_verdict(enum dlma_packet_reason reason)
{
	return (struct plan){.reason = reason};
}

static __always_inline struct plan plan_act(
	enum dlma_packet_reason reason, enum operation operation, __u32 adjacency)
{
	return (struct plan){.reason = reason, .operation = operation, .adjacency = adjacency};
}

/* A packet for the MN behind this access entry. */
static __always_inline struct plan plan_deliver(struct dlma_access *access)
{
	return (struct plan){
		.reason = DLMA_PACKET_delivered, .operation = OPERATION_DELIVER, .access = access};
}
