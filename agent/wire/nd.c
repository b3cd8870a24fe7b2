/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "wire/nd.h"
#include "wire/checksum.h"
#include "wire/cursor.h"
#include <errno.h>

enum {
	IP_VERSION = 6,
	IP_LEN = 40,
	IP_LENGTH_AT = 4,
	HOP_BY_HOP = 0,
	ICMP = 58,
	ICMP_CHECKSUM_AT = 2,
	ICMP_DATA_AT = 4,
	ND_HOP_LIMIT = 255,  /* nobody off the link can have sent it */
	MLD_HOP_LIMIT = 1,   /* RFC 2710 3, RFC 3810 5 */
	CUR_HOP_LIMIT = 64,  /* what MNs are told to send with */
	OPTION_UNIT = 8,     /* of the Length of an option */
	NA_SOLICITED = 0x40, /* of the first octet after the checksum */
	PREFIX_FLAGS = 0xc0, /* on-link, autonomous address configuration */
};

enum option_type {
	OPTION_SOURCE_LINK_LAYER = 1,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
};

/* An IPv6 packet without its extension headers. */
struct packet {
	struct dlma_addr src, dst;
	uint8_t next_header;
	uint8_t hop_limit;
	struct reader payload;
};

struct icmp_row {
	uint8_t type;
	uint8_t hop_limit;
	uint8_t fixed; /* octets before the options; for MLD the least there can be */
	bool has_target;
	bool has_options;
};

static const struct icmp_row rows[] = {
	{ND_ROUTER_SOLICITATION, ND_HOP_LIMIT, 8, false, true},
	{ND_ROUTER_ADVERTISEMENT, ND_HOP_LIMIT, 16, false, true},
	{ND_NEIGHBOR_SOLICITATION, ND_HOP_LIMIT, 24, true, true},
	{ND_NEIGHBOR_ADVERTISEMENT, ND_HOP_LIMIT, 24, true, true},
	{ND_MLD2_REPORT, MLD_HOP_LIMIT, 8, false, false},
	{ND_MLD_REPORT, MLD_HOP_LIMIT, 24, false, false},
};

static const struct icmp_row *row_find(uint8_t type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].type == type)
			return &rows[i];
	}
	return NULL;
}

static int hop_by_hop_skip(struct packet *p)
{
	uint8_t len;

	if (p->next_header != HOP_BY_HOP)
		return 0;
	p->next_header = reader_u8(&p->payload);
	len = reader_u8(&p->payload);
	if (p->payload.left < len * 8u + 6)
		return -EBADMSG;
	reader_skip(&p->payload, len * 8u + 6);
	return 0;
}

static int packet_open(const uint8_t *buf, size_t len, struct packet *ret)
{
	struct reader r = {buf, len};
	uint16_t payload_len;

	if (len < IP_LEN || reader_u32(&r) >> 28 != IP_VERSION)
		return -EBADMSG;
	payload_len = reader_u16(&r);
	ret->next_header = reader_u8(&r);
	ret->hop_limit = reader_u8(&r);
	reader_bytes(&r, &ret->src, sizeof(ret->src));
	reader_bytes(&r, &ret->dst, sizeof(ret->dst));
	if (payload_len > r.left || addr_is_multicast(&ret->src))
		return -EBADMSG;
	ret->payload = reader_take(&r, payload_len);
	return hop_by_hop_skip(ret);
}

/* A sender without an address cannot have a link-layer address to go with it. */
static bool options_ok(struct reader r, const struct dlma_addr *src)
{
	while (r.left) {
		uint8_t type = reader_u8(&r);
		size_t len = reader_u8(&r) * (size_t)OPTION_UNIT;

		if (!len || r.left < len - 2)
			return false;
		if (type == OPTION_SOURCE_LINK_LAYER && addr_is_zero(src))
			return false;
		reader_skip(&r, len - 2);
	}
	return true;
}

static bool addr_is_solicited_node(const struct dlma_addr *a)
{
	static const uint8_t head[13] = {0xff, 0x02, [11] = 0x01, [12] = 0xff};

	return !memcmp(a->b, head, sizeof(head));
}

static bool target_ok(const struct packet *p, const struct dlma_addr *target)
{
	const uint8_t *icmp = p->payload.at;

	if (addr_is_multicast(target))
		return false;
	if (icmp[0] == ND_NEIGHBOR_SOLICITATION)
		return !addr_is_zero(&p->src) || addr_is_solicited_node(&p->dst);
	return !(addr_is_multicast(&p->dst) && icmp[ICMP_DATA_AT] & NA_SOLICITED);
}

static bool icmp_ok(const struct packet *p, const struct icmp_row *row)
{
	struct reader r = p->payload;
	uint64_t sum = checksum_pseudo(&p->src, &p->dst, ICMP, r.left);

	if (p->hop_limit != row->hop_limit || r.left < row->fixed || r.at[1])
		return false;
	if (checksum_finish(checksum_add(sum, r.at, r.left)))
		return false;
	reader_skip(&r, row->fixed);
	return !row->has_options || options_ok(r, &p->src);
}

int nd_decode(const uint8_t *packet, size_t len, struct nd_message *ret)
{
	struct dlma_addr target = {};
	const struct icmp_row *row;
	struct packet p;
	struct reader r;
	int err = packet_open(packet, len, &p);

	if (err)
		return err;
	if (p.next_header != ICMP)
		return -ENOMSG;
	if (!p.payload.left)
		return -EBADMSG;
	row = row_find(p.payload.at[0]);
	if (!row)
		return -ENOMSG;
	if (!icmp_ok(&p, row))
		return -EBADMSG;
	r = p.payload;
	reader_skip(&r, 8);
	if (row->has_target)
		reader_bytes(&r, &target, sizeof(target));
	if (row->has_target && !target_ok(&p, &target))
		return -EBADMSG;
	*ret = (struct nd_message){.type = row->type, .src = p.src, .target = target};
	return 0;
}

/* An IPv6 header and the first octets of the ICMPv6 message; lengths and checksum come later. */
static void message_begin(struct writer *w, const struct dlma_addr *src,
	const struct dlma_addr *dst, enum nd_type type)
{
	writer_u32(w, (uint32_t)IP_VERSION << 28);
	writer_u16(w, 0);
	writer_u8(w, ICMP);
	writer_u8(w, ND_HOP_LIMIT);
	writer_bytes(w, src, sizeof(*src));
	writer_bytes(w, dst, sizeof(*dst));
	writer_u8(w, (uint8_t)type);
	writer_zeros(w, 3);
}

static int message_end(struct writer *w, const struct dlma_addr *src, const struct dlma_addr *dst)
{
	size_t len = w->len - IP_LEN;
	uint64_t sum = checksum_pseudo(src, dst, ICMP, len);

	if (w->len > w->cap)
		return -ENOSPC;
	sum = checksum_add(sum, w->buf + IP_LEN, len);
	writer_set_u16(w, IP_LENGTH_AT, (uint16_t)len);
	writer_set_u16(w, IP_LEN + ICMP_CHECKSUM_AT, checksum_finish(sum));
	return (int)w->len;
}

static void option_begin(struct writer *w, enum option_type type, size_t len)
{
	writer_u8(w, (uint8_t)type);
	writer_u8(w, (uint8_t)(len / OPTION_UNIT));
}

static void source_link_layer_write(struct writer *w, const uint8_t mac[6])
{
	option_begin(w, OPTION_SOURCE_LINK_LAYER, 8);
	writer_bytes(w, mac, 6);
}

static void prefix_write(struct writer *w, const struct nd_advertisement *ra)
{
	option_begin(w, OPTION_PREFIX, 32);
	writer_u8(w, ra->hnp.len);
	writer_u8(w, PREFIX_FLAGS);
	writer_u32(w, ra->valid_lifetime_s);
	writer_u32(w, ra->preferred_lifetime_s);
	writer_u32(w, 0);
	writer_bytes(w, &ra->hnp.addr, sizeof(ra->hnp.addr));
}

static void mtu_write(struct writer *w, uint32_t mtu)
{
	option_begin(w, OPTION_MTU, 8);
	writer_u16(w, 0);
	writer_u32(w, mtu);
}

int nd_advertise(const struct nd_advertisement *ra, uint8_t *buf, size_t cap)
{
	struct writer w = {buf, cap, 0};

	message_begin(&w, &ra->src, &ra->dst, ND_ROUTER_ADVERTISEMENT);
	writer_u8(&w, CUR_HOP_LIMIT);
	writer_u8(&w, 0); /* neither DHCPv6 nor, RFC 6275 7.1, a home agent */
	writer_u16(&w, ra->router_lifetime_s);
	writer_u32(&w, 0); /* Reachable Time and Retrans Timer: left to the MN */
	writer_u32(&w, 0);
	prefix_write(&w, ra);
	if (ra->mtu)
		mtu_write(&w, ra->mtu);
	source_link_layer_write(&w, ra->mac);
	return message_end(&w, &ra->src, &ra->dst);
}

int nd_solicit(const struct dlma_addr *src, const struct dlma_addr *target, const uint8_t mac[6],
	uint8_t *buf, size_t cap)
{
	struct writer w = {buf, cap, 0};

	message_begin(&w, src, target, ND_NEIGHBOR_SOLICITATION);
	writer_u32(&w, 0);
	writer_bytes(&w, target, sizeof(*target));
	source_link_layer_write(&w, mac);
	return message_end(&w, src, target);
}

struct dlma_addr nd_link_local(const uint8_t mac[6])
{
	return (struct dlma_addr){.b = {0xfe, 0x80, [8] = mac[0] ^ 0x02, mac[1], mac[2], 0xff, 0xfe,
					  mac[3], mac[4], mac[5]}};
}
