/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packet Too Big (RFC 4443 3.2, RFC 2473 7.1) for the source of a packet that does not fit into a
 * tunnel, or onto the access link at its end: the packet itself is cut down to the quotation, and
 * goes back behind new headers. The error comes from the address that the packet was for. No
 * address of an LMA or a MAG is in it, so it tells nobody where a MN is (draft 5.4).
 *
 * There are four ways back:
 *   - onto the access link that the packet came from;
 *   - from the MAG to the LMA, as if the MN had sent it;
 *   - to another MN, by the tunnel that leads to it from here;
 *   - native to a CN: the kernel routes it.
 *
 * This is a function of its own, which the verifier sees once and the way of the packets that fit
 * does not contain. It only ever gets packets of more than 1280 octets, so the size of what it
 * sends is fixed. Verbs of hook_xdp.h and hook_tc.h that only this file needs:
 *
 *   hook_cut(ctx, p, len)            cuts the frame
 *   hook_make_room(ctx, octets)      makes room for new headers
 *   hook_is_partial(h, ret_field)    whether its checksum is yet to be filled in
 */
#pragma once

#include "tunnel.h"

enum {
	IP6_MTU_MIN = 1280,
	ICMP6_TOO_BIG = 2,
	ICMP6_FIRST_QUERY = 128, /* all types below are errors */
	ICMP6_HEADER = 8,
	ERROR_HOP_LIMIT = 64,
	ERROR_HEADERS = IP6_LEN + ICMP6_HEADER,
	CHECKSUM_STEPS = 5, /* bpf_csum_diff() takes up to 512 octets at a time */
	/* Of the ICMPv6 message. A tunnelled error fits into the smallest tunnel as well. */
	ERROR_NATIVE = IP6_MTU_MIN - IP6_LEN,
	ERROR_TUNNELLED = ERROR_NATIVE - IP6_LEN,
};

_Static_assert(ERROR_NATIVE % (4 * CHECKSUM_STEPS) == 0, "steps of whole words");
_Static_assert(ERROR_TUNNELLED % (4 * CHECKSUM_STEPS) == 0, "steps of whole words");

struct icmp6_too_big {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be32 mtu;
} __attribute__((packed, aligned(2)));

/* What is known of the error before the packet is touched. */
struct error {
	struct ethhdr eth;
	struct dlma_addr src, dst;
	__u32 mtu;
	bool from_access;
	const struct dlma_next_hop *hop; /* of the tunnel to a MN; NULL: native */
};

/* RFC 4443 2.4 (e); what has no routable source never comes here. */
static __always_inline bool error_due(HOOK_CTX *ctx, const struct packet *p, __u32 mtu)
{
	const __u8 *type = (void *)(p->ip6 + 1);

	if ((void *)(type + 1) > p->end || hook_own_len(ctx, p) <= mtu)
		return false;
	return p->ip6->next_header != IPPROTO_ICMPV6 || *type >= ICMP6_FIRST_QUERY;
}

/* By real time: errors are sent as well while no agent turns the clock. */
static __always_inline bool error_admitted(const struct packet *p)
{
	static const struct gate_limit limit = {1, DLMA_ERRORS_PER_TICK};
	__u32 tick = bpf_ktime_get_ns() / (DLMA_TICK_MS * 1000000ULL);
	struct dlma_gate *g = gate_own(DLMA_GATE_ERRORS);

	return g && gate_admits(g, limit,
			    mix_addr(mix_addr(p->ifindex, &p->ip6->src), &p->ip6->dst), tick);
}

/* The adjacency that a packet for this HoA goes to from here; DLMA_ADJACENCY_SELF: none. */
static __always_inline __u32 adjacency_to_mn(
	const struct dlma_node *self, const struct dlma_addr *hoa, const struct hnp *hnp)
{
	struct location l = location_at_length(self, hnp, KINDS_NONE);
	struct dlma_owner *o;

	if (l.rest)
		return location_kind(l) == DLMA_LOCATION_HELD ? DLMA_ADJACENCY_SELF
							      : location_adjacency(l);
	o = owner_of(hoa);
	return o ? o->adjacency : DLMA_ADJACENCY_SELF;
}

/*
 * Finds the way back; false if there is none that an error fits into. A native packet from a HoA
 * that did not come over its access link has gone astray, or pretends.
 */
static __always_inline bool error_route(
	const struct dlma_node *self, struct packet *p, __u32 uplink, struct error *e)
{
	struct hnp *hnp = &p->hnp;

	e->hop = NULL;
	if (e->from_access)
		return true;
	if (!uplink) {
		if (!hnp_of(self, &p->ip6->src, hnp))
			return true;
		uplink = adjacency_to_mn(self, &p->ip6->src, hnp);
	}
	if (!p->outer || uplink == DLMA_ADJACENCY_SELF)
		return false;
	e->hop = next_hop(uplink);
	return e->hop && e->hop->mtu >= IP6_MTU_MIN;
}

/* Over the pseudo header and the message of `len` octets behind the IPv6 header. */
static __always_inline __u16 error_checksum(const struct ip6 *h, __u32 len)
{
	const void *message = h + 1;
	const struct ip6 *quoted = message + ICMP6_HEADER;
	__u32 sum = bpf_htonl(len + IPPROTO_ICMPV6);
	__u16 field;

	sum = sum_add(sum, &h->src, 2 * sizeof(h->src));
	if (hook_is_partial(quoted, &field)) {
		sum = sum_add(sum, message, ICMP6_HEADER + IP6_LEN);
		return ~sum_fold(sum_fold(sum) + (__u16)~field);
	}
	for (__u32 i = 0; i < CHECKSUM_STEPS; i++)
		sum = sum_add(sum, message + i * (len / CHECKSUM_STEPS), len / CHECKSUM_STEPS);
	return ~sum_fold(sum);
}

/* IPv6 and ICMPv6 header before the quotation; `at` and `len` are constants. */
static __always_inline int error_write(
	const struct packet *p, const struct error *e, __u32 at, __u32 len)
{
	struct ip6 *h = p->data + at;
	struct icmp6_too_big *icmp = (void *)(h + 1);

	if (p->data + at + IP6_LEN + len > p->end)
		return -1;
	ip6_set(h, 0, 0);
	h->payload_len = bpf_htons(len);
	h->next_header = IPPROTO_ICMPV6;
	h->hop_limit = ERROR_HOP_LIMIT;
	h->src = e->src;
	h->dst = e->dst;
	*icmp = (struct icmp6_too_big){.type = ICMP6_TOO_BIG, .mtu = bpf_htonl(e->mtu)};
	icmp->checksum = error_checksum(h, len);
	return 0;
}

/* A CN's way is the kernel's; a MN's link is the one that the packet came from. */
static __always_inline int error_send_native(HOOK_CTX *ctx, struct packet *p, const struct error *e)
{
	struct ethhdr *eth = p->data;

	if (error_write(p, e, ETH_LEN, ERROR_NATIVE))
		return HOOK_DROP;
	*eth = e->eth;
	if (!e->from_access)
		return HOOK_PASS;
	__builtin_memcpy(eth->h_dest, e->eth.h_source, sizeof(eth->h_dest));
	__builtin_memcpy(eth->h_source, e->eth.h_dest, sizeof(eth->h_source));
	return hook_redirect(ctx, p->ifindex);
}

static __always_inline int error_send_tunnelled(
	HOOK_CTX *ctx, struct packet *p, const struct dlma_node *self, const struct error *e)
{
	const struct dlma_next_hop *hop = e->hop;

	if (error_write(p, e, TUNNEL_LEN, ERROR_TUNNELLED))
		return HOOK_DROP;
	*(struct ethhdr *)p->data = e->eth;
	p->ip6 = p->data + TUNNEL_LEN;
	header_write(p->data, hop, 0, flow_label(p, self), bpf_htons(IP6_LEN + ERROR_TUNNELLED));
	return hop->ifindex ? hook_redirect(ctx, hop->ifindex) : HOOK_PASS;
}

enum {
	ANSWER_TUNNELLED = 1,
	ANSWER_FROM_ACCESS = 2,
	ANSWER_HELD = 0x100, /* beside the action */
};

/*
 * A packet that cannot be cut goes through the waiting room, which it leaves at once as a plain
 * frame, or several, and is answered then.
 */
static __always_inline int answer_later(
	HOOK_CTX *ctx, const struct dlma_node *self, const struct packet *p)
{
	if (!may_wait(self, p))
		return HOOK_DROP;
	return hook_redirect(ctx, self->hold_ifindex) | ANSWER_HELD;
}

/*
 * Answers a packet of which `mtu` octets would have fitted; HOOK_DROP: does not. A MAG answers by
 * the tunnel to its LMA, `uplink`.
 */
__attribute__((noinline)) int answer_too_big(HOOK_CTX *ctx, int mtu, __u32 uplink, __u32 flags)
{
	const struct dlma_node *self = node_self();
	__u32 head = flags & ANSWER_TUNNELLED ? TUNNEL_LEN : ETH_LEN;
	struct error e = {.mtu = mtu > IP6_MTU_MIN ? mtu : IP6_MTU_MIN,
		.from_access = flags & ANSWER_FROM_ACCESS};
	struct dlma_addr scratch;
	struct packet p = {.hnp.scratch = &scratch};

	hook_packet(ctx, &p);
	if (!self || p.data + TUNNEL_LEN + IP6_LEN > p.end)
		return HOOK_DROP;
	p.outer = flags & ANSWER_TUNNELLED ? p.data + ETH_LEN : NULL;
	p.ip6 = p.data + head;
	e.eth = *(struct ethhdr *)p.data;
	e.src = p.ip6->dst;
	e.dst = p.ip6->src;
	if (!error_due(ctx, &p, e.mtu) || !error_route(self, &p, uplink, &e) || !error_admitted(&p))
		return HOOK_DROP;
	if (hook_cut(ctx, &p, head + (e.hop ? ERROR_TUNNELLED : ERROR_NATIVE) - ICMP6_HEADER))
		return answer_later(ctx, self, &p);
	if (hook_make_room(ctx, (e.hop ? TUNNEL_LEN : ETH_LEN) + ERROR_HEADERS - head))
		return HOOK_DROP;
	hook_packet(ctx, &p);
	return e.hop ? error_send_tunnelled(ctx, &p, self, &e) : error_send_native(ctx, &p, &e);
}

/* The packet of this plan was too big: what it is counted under depends on the answer. */
static __always_inline int answer(
	HOOK_CTX *ctx, struct plan *plan, bool tunnelled, bool from_access)
{
	__u32 uplink = plan->operation == OPERATION_DELIVER ? plan->access->uplink : 0;
	int action = answer_too_big(ctx, plan->mtu, uplink,
		(tunnelled ? ANSWER_TUNNELLED : 0) | (from_access ? ANSWER_FROM_ACCESS : 0));

	if (action == HOOK_DROP)
		return HOOK_DROP;
	if (action < 0 || !(action & ANSWER_HELD)) {
		plan->reason = DLMA_PACKET_too_big_told;
		return action;
	}
	plan->reason = DLMA_PACKET_held;
	return action & ~ANSWER_HELD;
}
