// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model_parts.h"
#include <endian.h>
#include <netinet/in.h>

enum {
	MTU_LEAST = 1280, /* of any IPv6 link */
	ICMP6_HEADER = 8,
};

/* RFC 6040 4.2: by inner and outer ECN field; what must be dropped never comes here. */
static uint8_t ecn_out_of_tunnel(uint8_t own_tc, uint8_t outer_tc)
{
	static const uint8_t table[4][4] = {
		{0, 0, 0, 0},
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};

	return (uint8_t)((own_tc & ~3) | table[own_tc & 3][outer_tc & 3]);
}

static void write_word(uint8_t *at, uint8_t tc, uint32_t label)
{
	uint32_t word = htobe32(6u << 28 | (uint32_t)tc << 20 | label);

	memcpy(at, &word, sizeof(word));
}

/* The packet itself behind `room` octets, as it leaves its tunnel. */
static void write_own(struct outcome *o, const struct packet *p, uint32_t room)
{
	uint8_t *at = o->out.bytes + room;

	o->out.len = room + p->frame->len - p->own_at;
	memcpy(o->out.bytes, p->frame->bytes, ETH_LEN);
	memcpy(at, p->frame->bytes + p->own_at, p->frame->len - p->own_at);
	if (p->tunnelled)
		write_word(at, ecn_out_of_tunnel(p->own.tc, p->outer.tc), p->own.label);
}

/* Everything of a header that this node puts on, but for its length. */
static void write_header(uint8_t *at, uint32_t label, uint8_t tc, uint8_t next,
	const struct dlma_addr *src, const struct dlma_addr *dst)
{
	write_word(at, tc, label);
	at[6] = next;
	at[7] = PACKET_HOP_LIMIT;
	memcpy(at + 8, src, 16);
	memcpy(at + 24, dst, 16);
}

static void write_length(uint8_t *at, uint32_t payload)
{
	at[4] = (uint8_t)(payload >> 8);
	at[5] = (uint8_t)payload;
}

static const struct dlma_next_hop *hop_of(const struct model *m, uint32_t adjacency)
{
	const struct dlma_adjacency *a = &m->tables.adjacencies[adjacency];

	return adjacency < TABLE_ADJACENCIES ? &a->copy[a->active] : NULL;
}

/* What stands before the packet on its way to an adjacency. */
static void write_outer(struct model *m, struct outcome *o, uint32_t adjacency, uint32_t label)
{
	const struct dlma_next_hop *hop = hop_of(m, adjacency);
	uint8_t *outer = o->out.bytes + ETH_LEN, *own = outer + IP6_LEN;

	write_header(outer, label, (uint8_t)(own[0] << 4 | own[1] >> 4), IPPROTO_IPV6,
		&m->tables.node.address, &m->tables.adjacencies[adjacency].peer);
	o->verdict = hop->ifindex ? VERDICT_SEND : VERDICT_PASS;
	o->to = hop->ifindex;
	if (!hop->ifindex)
		return;
	memcpy(o->out.bytes, hop->header.dst_mac, 6);
	memcpy(o->out.bytes + 6, hop->header.src_mac, 6);
}

/* The tunnel to the MN that sent a packet; 0 if there is none. */
static uint32_t tunnel_back(struct model *m, const struct packet *p, const struct dlma_addr *hnp)
{
	const struct dlma_location *l = model_location(m, hnp);
	int owner = model_owner(m, &p->own.src);

	if (l)
		return l->kind == DLMA_LOCATION_HELD ? 0 : l->adjacency;
	return owner > 0 ? (uint32_t)owner : 0;
}

/* The error itself behind `room` octets, not longer than `most` with its IPv6 header. */
static void write_too_big(
	struct outcome *o, const struct packet *p, uint32_t room, uint32_t most, uint32_t mtu)
{
	uint8_t *ip6 = o->out.bytes + room, *icmp = ip6 + IP6_LEN;
	uint32_t quoted = most - IP6_LEN - ICMP6_HEADER;
	uint16_t sum;

	memcpy(o->out.bytes, p->frame->bytes, ETH_LEN);
	write_header(ip6, 0, 0, IPPROTO_ICMPV6, &p->own.dst, &p->own.src);
	write_length(ip6, most - IP6_LEN);
	memcpy(icmp, "\x02\0\0\0", 4);
	mtu = htobe32(mtu);
	memcpy(icmp + 4, &mtu, 4);
	memcpy(icmp + ICMP6_HEADER, p->frame->bytes + p->own_at, quoted);
	sum = htobe16(packet_checksum(ip6, most - IP6_LEN));
	memcpy(icmp + 2, &sum, 2);
	o->out.len = room + most;
}

static void send_too_big(
	struct model *m, struct outcome *o, const struct packet *p, uint32_t back, uint32_t mtu)
{
	uint8_t *outer = o->out.bytes + ETH_LEN, *own = outer + IP6_LEN;

	if (back) {
		write_too_big(o, p, ETH_LEN + IP6_LEN, MTU_LEAST - IP6_LEN, mtu);
		write_outer(m, o, back, packet_label(m->tables.node.label_key, own, MTU_LEAST));
		write_length(outer, MTU_LEAST - IP6_LEN);
		return;
	}
	write_too_big(o, p, ETH_LEN, MTU_LEAST, mtu);
	o->verdict = VERDICT_PASS;
	if (p->side != SIDE_ACCESS)
		return;
	memcpy(o->out.bytes, p->frame->bytes + 6, 6);
	memcpy(o->out.bytes + 6, p->frame->bytes, 6);
	o->verdict = VERDICT_SEND;
	o->to = p->ifindex;
}

/* An error fits into this tunnel. */
static bool has_room(const struct model *m, uint32_t adjacency)
{
	const struct dlma_next_hop *hop = hop_of(m, adjacency);

	return hop && hop->mtu >= MTU_LEAST;
}

/*
 * RFC 4443 2.4 (e) and 3.2, RFC 2473 7.1: the source is told that `fits` octets fit, unless that
 * makes no sense. What a MAG says takes the way of what the MN says.
 */
static enum dlma_packet_reason do_too_big(
	struct model *m, struct outcome *o, const struct packet *p, int fits, uint32_t uplink)
{
	uint32_t mtu = fits < MTU_LEAST ? MTU_LEAST : (uint32_t)fits, back = uplink;
	uint8_t type = p->frame->bytes[p->own_at + IP6_LEN];
	struct dlma_addr hnp;
	bool to_mn = model_hnp(m, &p->own.src, &hnp);

	if (IP6_LEN + p->own.payload <= mtu || (p->own.next == IPPROTO_ICMPV6 && type < 128))
		return DLMA_PACKET_too_big;
	if (p->side == SIDE_ACCESS) {
		send_too_big(m, o, p, 0, mtu);
		return DLMA_PACKET_too_big_told;
	}
	if (!back && to_mn)
		back = tunnel_back(m, p, &hnp);
	if ((to_mn || uplink) && (!back || !p->tunnelled || !has_room(m, back)))
		return DLMA_PACKET_too_big;
	send_too_big(m, o, p, back, mtu);
	return DLMA_PACKET_too_big_told;
}

static enum dlma_packet_reason do_tunnel(
	struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	const struct dlma_next_hop *hop = hop_of(m, d->adjacency);
	uint32_t len = p->frame->len - p->own_at, label = (p->outer.label & ~d->clear) | d->set;
	uint8_t *own = o->out.bytes + ETH_LEN + IP6_LEN;

	if (!hop)
		return DLMA_PACKET_no_room;
	if (IP6_LEN + len > hop->mtu)
		return do_too_big(m, o, p, hop->mtu - IP6_LEN, 0);
	write_own(o, p, ETH_LEN + IP6_LEN);
	own[7]--;
	if (!p->tunnelled)
		label = packet_label(m->tables.node.label_key, own, len);
	write_outer(m, o, d->adjacency, label);
	write_length(own - IP6_LEN, p->tunnelled ? p->outer.payload : IP6_LEN + p->own.payload);
	return hop->ifindex ? d->reason : DLMA_PACKET_tunnel_kernel;
}

static enum dlma_packet_reason do_deliver(
	struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	uint32_t mtu = d->access->mtu;

	if (mtu && IP6_LEN + p->own.payload > mtu)
		return do_too_big(m, o, p, (int)mtu, d->access->uplink);
	write_own(o, p, ETH_LEN);
	o->out.bytes[ETH_LEN + 7]--;
	memcpy(o->out.bytes, d->access->mn_mac, 6);
	memcpy(o->out.bytes + 6, d->access->own_mac, 6);
	o->verdict = VERDICT_SEND;
	o->to = d->access->ifindex;
	return d->reason;
}

/* To the agent as it came, but for an encapsulation limit. */
static enum dlma_packet_reason do_hold(
	const struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	uint8_t *outer = o->out.bytes + ETH_LEN;

	o->out = *p->frame;
	if (p->tunnelled) {
		memcpy(outer + IP6_LEN, p->frame->bytes + p->own_at, p->frame->len - p->own_at);
		o->out.len = ETH_LEN + IP6_LEN + p->frame->len - p->own_at;
		outer[4] = (uint8_t)(p->outer.payload >> 8);
		outer[5] = (uint8_t)p->outer.payload;
		outer[6] = IPPROTO_IPV6;
	}
	o->verdict = VERDICT_SEND;
	o->to = m->tables.node.hold_ifindex;
	return d->reason;
}

enum dlma_packet_reason model_act(
	struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	o->verdict = VERDICT_DROP;
	if (d->act == ACT_HOLD)
		return do_hold(m, o, p, d);
	if (d->act == ACT_TUNNEL || d->act == ACT_DELIVER) {
		if (p->own.hop <= 1)
			return DLMA_PACKET_hop_limit;
		return d->act == ACT_TUNNEL ? do_tunnel(m, o, p, d) : do_deliver(m, o, p, d);
	}
	if (dlma_packet_texts[d->reason].class == DLMA_PASS)
		o->verdict = VERDICT_PASS;
	if (d->act == ACT_UNTUNNEL)
		write_own(o, p, ETH_LEN);
	else
		o->out = *p->frame;
	return d->reason;
}
