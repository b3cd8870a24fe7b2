// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire/icmp.h"
#include "wire/checksum.h"
#include "wire/cursor.h"
#include <errno.h>

enum {
	PROTO_IPV6 = 41,
	PROTO_ICMPV6 = 58,
	IP6_HEADER = 40,
	IP6_NEXT_AT = 6,
	ICMP_HEADER = 8,
	ICMP_CHECKSUM_AT = 2,
	FIRST_QUERY = 128,	 /* all ICMPv6 types below are errors */
	ADDRESS_UNREACHABLE = 3, /* code */
	TUNNEL_HOP_LIMIT = 64,	 /* ours */
	RELAY_HOP_LIMIT = 64,
};

struct header {
	uint32_t version, label, payload;
	uint8_t next, hop_limit;
	struct dlma_addr src, dst;
};

static struct header read_header(struct reader *r)
{
	uint32_t word = reader_u32(r);
	struct header h = {.version = word >> 28, .label = word & 0xfffff};

	h.payload = reader_u16(r);
	h.next = reader_u8(r);
	h.hop_limit = reader_u8(r);
	reader_bytes(r, &h.src, sizeof(h.src));
	reader_bytes(r, &h.dst, sizeof(h.dst));
	return h;
}

static bool is_ours(const struct header *outer, const struct dlma_addr *self)
{
	return outer->version == 6 && outer->next == PROTO_IPV6 && outer->label &&
	       outer->hop_limit >= 1 && outer->hop_limit <= TUNNEL_HOP_LIMIT &&
	       addr_equal(&outer->src, self);
}

static bool is_whole(const struct header *inner, const struct header *outer)
{
	return inner->version == 6 && outer->payload == IP6_HEADER + inner->payload &&
	       addr_is_routable(&inner->src) && addr_is_routable(&inner->dst);
}

int icmp_parse(
	const uint8_t *message, size_t len, const struct dlma_addr *self, struct icmp_error *ret)
{
	struct reader r = {message, len};
	struct header outer, inner;

	if (len < ICMP_HEADER + 2 * IP6_HEADER)
		return -EBADMSG;
	ret->type = reader_u8(&r);
	reader_skip(&r, 3);
	ret->mtu = reader_u32(&r);
	outer = read_header(&r);
	ret->inner = r.at;
	ret->inner_len = r.left;
	inner = read_header(&r);
	if (ret->type < ICMP_DESTINATION_UNREACHABLE || ret->type > ICMP_TIME_EXCEEDED)
		return -EBADMSG;
	if (!is_ours(&outer, self) || !is_whole(&inner, &outer))
		return -EBADMSG;
	if (ret->type == ICMP_PACKET_TOO_BIG && IP6_HEADER + outer.payload <= ret->mtu)
		return -EBADMSG;
	ret->peer = outer.dst;
	ret->src = inner.src;
	ret->dst = inner.dst;
	return 0;
}

static bool quotes_error(const struct icmp_error *e)
{
	if (e->inner[IP6_NEXT_AT] != PROTO_ICMPV6)
		return false;
	return e->inner_len <= IP6_HEADER || e->inner[IP6_HEADER] < FIRST_QUERY;
}

size_t icmp_write_relay(const struct icmp_error *e, uint8_t *buf, size_t cap)
{
	struct writer w = {.buf = buf, .cap = cap};
	size_t most = ICMP_IP6_MTU_MIN - IP6_HEADER - ICMP_HEADER;
	size_t quoted = e->inner_len < most ? e->inner_len : most, len = ICMP_HEADER + quoted;
	uint64_t sum = checksum_pseudo(&e->dst, &e->src, PROTO_ICMPV6, len);

	if (quotes_error(e) || cap < IP6_HEADER + len)
		return 0;
	writer_u32(&w, 6u << 28);
	writer_u16(&w, (uint16_t)len);
	writer_u8(&w, PROTO_ICMPV6);
	writer_u8(&w, RELAY_HOP_LIMIT);
	writer_bytes(&w, &e->dst, sizeof(e->dst));
	writer_bytes(&w, &e->src, sizeof(e->src));
	writer_u8(&w, ICMP_DESTINATION_UNREACHABLE);
	writer_u8(&w, ADDRESS_UNREACHABLE);
	writer_zeros(&w, ICMP_HEADER - 2);
	writer_bytes(&w, e->inner, quoted);
	sum = checksum_add(sum, buf + IP6_HEADER, len);
	writer_set_u16(&w, IP6_HEADER + ICMP_CHECKSUM_AT, checksum_finish(sum));
	return w.len;
}

uint16_t icmp_path_mtu(const struct icmp_path *p, uint16_t link_mtu, uint64_t now_ms)
{
	return p->mtu && now_ms < p->until_ms && p->mtu < link_mtu ? p->mtu : link_mtu;
}

/*
 * RFC 8201 4: a report below the least MTU of IPv6 is ignored. One that leaves no room for a packet
 * of that size in a tunnel is taken for as much as does: no error makes us refuse what every host
 * may send.
 */
bool icmp_path_lower(struct icmp_path *p, uint32_t reported, uint16_t link_mtu, uint64_t now_ms)
{
	uint32_t mtu = reported < ICMP_TUNNEL_MTU_MIN ? ICMP_TUNNEL_MTU_MIN : reported;

	if (reported < ICMP_IP6_MTU_MIN || mtu >= link_mtu ||
		mtu > icmp_path_mtu(p, link_mtu, now_ms))
		return false;
	p->mtu = (uint16_t)mtu;
	p->until_ms = now_ms + ICMP_PATH_MTU_MS;
	return true;
}
