/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Neighbor Discovery: packets octet by octet, and what must not be believed. */
#include "generate.h"
#include "vectors.h"
#include "wire/nd.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

enum { ICMP_AT = 40, MUTANTS = 200000 };

#define ROUTER                                                                   \
	{                                                                        \
		.b = { 0xfe, 0x80, [8] = 2, 0, 0x5e, 0xff, 0xfe, 0, 0x52, 0x13 } \
	}
#define MN                                                      \
	{                                                       \
		.b = { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 1 } \
	}
#define ALL_NODES                          \
	{                                  \
		.b = { 0xff, 2, [15] = 1 } \
	}
#define NOBODY             \
	{                  \
		.b = { 0 } \
	}

static const struct dlma_addr router = ROUTER, mn = MN;
static const uint8_t router_mac[6] = {0, 0, 0x5e, 0, 0x52, 0x13}; /* RFC 6543 */

/* What MNs send, and what is to be read from it. */
struct sample {
	const char *name;
	size_t len;
	uint8_t bytes[80];
	struct nd_message message;
};

enum { RS, RS_NOBODY, NS_DAD, NA, MLD2, MLD, SAMPLE_COUNT };

static const struct sample samples[SAMPLE_COUNT] = {
	[RS] = {"Router Solicitation", 56,
		"\x60\x00\x00\x00\x00\x10\x3a\xff\xfe\x80\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\xff\xfe\x00\x00\x01\xff\x02\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x02\x85\x00\x7b\x2c\x00\x00\x00\x00"
		"\x01\x01\x02\x00\x00\x00\x00\x01",
		{ND_ROUTER_SOLICITATION, MN, NOBODY}},
	[RS_NOBODY] = {"Router Solicitation without an address", 48,
		"\x60\x00\x00\x00\x00\x08\x3a\xff\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\xff\x02\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x02\x85\x00\x7b\xb8\x00\x00\x00\x00",
		{ND_ROUTER_SOLICITATION, NOBODY, NOBODY}},
	[NS_DAD] = {"Neighbor Solicitation, duplicate address detection", 72,
		"\x60\x00\x00\x00\x00\x20\x3a\xff\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\xff\x02\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x01\xff\x00\x00\x01\x87\x00\xd5\x4f\x00\x00\x00\x00"
		"\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xfe\x00\x00\x01"
		"\x0e\x01\x11\x22\x33\x44\x55\x66",
		{ND_NEIGHBOR_SOLICITATION, NOBODY, MN}},
	[NA] = {"Neighbor Advertisement", 72,
		"\x60\x00\x00\x00\x00\x20\x3a\xff\xfe\x80\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\xff\xfe\x00\x00\x01\xfe\x80\x00\x00\x00\x00\x00\x00"
		"\x02\x00\x5e\xff\xfe\x00\x52\x13\x88\x00\x69\x0a\x60\x00\x00\x00"
		"\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xfe\x00\x00\x01"
		"\x02\x01\x02\x00\x00\x00\x00\x01",
		{ND_NEIGHBOR_ADVERTISEMENT, MN, MN}},
	[MLD2] = {"MLDv2 report", 76,
		"\x60\x00\x00\x00\x00\x24\x00\x01\xfe\x80\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\xff\xfe\x00\x00\x01\xff\x02\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x16\x3a\x00\x05\x02\x00\x00\x01\x00"
		"\x8f\x00\x72\x07\x00\x00\x00\x01\x04\x00\x00\x00\xff\x02\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x01\xff\x00\x00\x01",
		{ND_MLD2_REPORT, MN, NOBODY}},
	[MLD] = {"MLDv1 report", 72,
		"\x60\x00\x00\x00\x00\x20\x00\x01\xfe\x80\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\xff\xfe\x00\x00\x01\xff\x02\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x01\xff\x00\x00\x01\x3a\x00\x05\x02\x00\x00\x01\x00"
		"\x83\x00\x83\x1f\x00\x00\x00\x00\xff\x02\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x01\xff\x00\x00\x01",
		{ND_MLD_REPORT, MN, NOBODY}},
};

static const uint8_t advertised_to_all[104 + 1] =
	"\x60\x00\x00\x00\x00\x40\x3a\xff\xfe\x80\x00\x00\x00\x00\x00\x00"
	"\x02\x00\x5e\xff\xfe\x00\x52\x13\xff\x02\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x01\x86\x00\x53\x9a\x40\x00\x07\x08"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x03\x04\x40\xc0\x00\x00\x01\x2c"
	"\x00\x00\x00\xc8\x00\x00\x00\x00\x20\x01\x0d\xb8\x00\x0f\x01\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x05\x01\x00\x00\x00\x00\x05\xb4"
	"\x01\x01\x00\x00\x5e\x00\x52\x13";

static const uint8_t advertised_to_mn[96 + 1] =
	"\x60\x00\x00\x00\x00\x38\x3a\xff\xfe\x80\x00\x00\x00\x00\x00\x00"
	"\x02\x00\x5e\xff\xfe\x00\x52\x13\xfe\x80\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\xff\xfe\x00\x00\x01\x86\x00\x28\xd0\x40\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x03\x04\x80\xc0\xff\xff\xff\xff"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x20\x01\x0d\xb8\x00\x0f\x01\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x05\x01\x01\x00\x00\x5e\x00\x52\x13";

static const uint8_t solicited[72 + 1] =
	"\x60\x00\x00\x00\x00\x20\x3a\xff\xfe\x80\x00\x00\x00\x00\x00\x00"
	"\x02\x00\x5e\xff\xfe\x00\x52\x13\xfe\x80\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\xff\xfe\x00\x00\x01\x87\x00\x1c\xf8\x00\x00\x00\x00"
	"\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xfe\x00\x00\x01"
	"\x01\x01\x00\x00\x5e\x00\x52\x13";

static const struct nd_advertisement to_all = {
	.src = ROUTER,
	.dst = ALL_NODES,
	.hnp = {.addr = {.b = {0x20, 0x01, 0x0d, 0xb8, 0, 0x0f, 1}}, .len = 64},
	.mac = {0, 0, 0x5e, 0, 0x52, 0x13},
	.mtu = 1460,
	.router_lifetime_s = 1800,
	.valid_lifetime_s = 300,
	.preferred_lifetime_s = 200,
};

/* A HoA being withdrawn: no MTU option, all lifetimes at their ends. */
static const struct nd_advertisement to_mn = {
	.src = ROUTER,
	.dst = MN,
	.hnp = {.addr = {.b = {0x20, 0x01, 0x0d, 0xb8, 0, 0x0f, 1, [15] = 5}}, .len = 128},
	.mac = {0, 0, 0x5e, 0, 0x52, 0x13},
	.valid_lifetime_s = 0xffffffff,
};

/* On a copy that ends where its memory ends. */
static int decode(const uint8_t *packet, size_t len, struct nd_message *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	if (len)
		memcpy(copy, packet, len);
	err = nd_decode(copy, len, ret);
	free(copy);
	return err;
}

/* Where ICMPv6 begins: MLD has a hop-by-hop header before it. */
static size_t icmp_at(const uint8_t *packet)
{
	return packet[6] == 0 ? ICMP_AT + 8 : ICMP_AT;
}

static uint16_t checksum_of(const uint8_t *packet, size_t len)
{
	size_t at = icmp_at(packet);
	uint8_t icmp[1024];
	struct dlma_addr src, dst;

	memcpy(&src, packet + 8, 16);
	memcpy(&dst, packet + 24, 16);
	memcpy(icmp, packet + at, len - at);
	icmp[2] = icmp[3] = 0;
	return vector_checksum(&src, &dst, 58, icmp, len - at);
}

static void repair_checksum(uint8_t *packet, size_t len)
{
	uint16_t sum = checksum_of(packet, len);

	packet[icmp_at(packet) + 2] = (uint8_t)(sum >> 8);
	packet[icmp_at(packet) + 3] = (uint8_t)sum;
}

/* A sample that a test may spoil; the checksum is made right again before it is judged. */
struct packet {
	uint8_t bytes[256];
	size_t len;
};

static struct packet packet_of(int sample)
{
	struct packet p = {.len = samples[sample].len};

	memcpy(p.bytes, samples[sample].bytes, p.len);
	return p;
}

static void packet_append(struct packet *p, const void *octets, size_t len)
{
	memcpy(p->bytes + p->len, octets, len);
	p->len += len;
	p->bytes[5] = (uint8_t)(p->bytes[5] + len);
}

static void expect(struct packet p, int expected, const char *what)
{
	struct nd_message m;

	repair_checksum(p.bytes, p.len);
	cr_expect_eq(decode(p.bytes, p.len, &m), expected, "%s", what);
}

Test(nd, samples_decode)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		const struct sample *s = &samples[i];
		struct nd_message m = {0};

		cr_expect_eq(decode(s->bytes, s->len, &m), 0, "%s", s->name);
		cr_expect_eq(m.type, s->message.type, "%s", s->name);
		cr_expect(addr_equal(&m.src, &s->message.src), "%s", s->name);
		cr_expect(addr_equal(&m.target, &s->message.target), "%s", s->name);
	}
}

Test(nd, advertisement_to_all)
{
	uint8_t buf[ND_PACKET_MAX];
	int len = nd_advertise(&to_all, buf, sizeof(buf));

	cr_assert_eq(len, (int)sizeof(advertised_to_all) - 1);
	cr_expect_arr_eq(buf, advertised_to_all, (size_t)len);
	cr_expect_eq(buf[42] << 8 | buf[43], checksum_of(buf, (size_t)len));
}

Test(nd, advertisement_to_mn)
{
	uint8_t buf[ND_PACKET_MAX];
	int len = nd_advertise(&to_mn, buf, sizeof(buf));

	cr_assert_eq(len, (int)sizeof(advertised_to_mn) - 1);
	cr_expect_arr_eq(buf, advertised_to_mn, (size_t)len);
	cr_expect_eq(buf[42] << 8 | buf[43], checksum_of(buf, (size_t)len));
}

Test(nd, solicitation)
{
	uint8_t buf[ND_PACKET_MAX];
	int len = nd_solicit(&router, &mn, router_mac, buf, sizeof(buf));

	cr_assert_eq(len, (int)sizeof(solicited) - 1);
	cr_expect_arr_eq(buf, solicited, (size_t)len);
	cr_expect_eq(buf[42] << 8 | buf[43], checksum_of(buf, (size_t)len));
}

Test(nd, what_is_sent_can_be_read)
{
	struct nd_message m;

	cr_assert_eq(decode(advertised_to_all, sizeof(advertised_to_all) - 1, &m), 0);
	cr_expect_eq(m.type, ND_ROUTER_ADVERTISEMENT);
	cr_expect(addr_equal(&m.src, &router));
	cr_expect(addr_is_zero(&m.target));
	cr_assert_eq(decode(solicited, sizeof(solicited) - 1, &m), 0);
	cr_expect_eq(m.type, ND_NEIGHBOR_SOLICITATION);
	cr_expect(addr_equal(&m.target, &mn));
}

Test(nd, no_room)
{
	for (size_t cap = 0; cap < sizeof(advertised_to_all); cap++) {
		uint8_t *buf = malloc(cap ? cap : 1);
		int ra = nd_advertise(&to_all, buf, cap);
		int ns = nd_solicit(&router, &mn, router_mac, buf, cap);

		cr_expect_eq(ra, cap < 104 ? -ENOSPC : 104, "%zu octets", cap);
		cr_expect_eq(ns, cap < 72 ? -ENOSPC : 72, "%zu octets", cap);
		free(buf);
	}
}

Test(nd, link_local)
{
	const uint8_t universal[6] = {0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde};
	const uint8_t local[6] = {2, 0, 0, 0, 0, 1};
	struct dlma_addr a = nd_link_local(universal);

	cr_expect_arr_eq(a.b, "\xfe\x80\0\0\0\0\0\0\x36\x56\x78\xff\xfe\x9a\xbc\xde", 16,
		"the example of RFC 4291 appendix A");
	a = nd_link_local(local);
	cr_expect(addr_equal(&a, &mn));
	a = nd_link_local(router_mac);
	cr_expect(addr_equal(&a, &router));
}

Test(nd, truncated)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct nd_message m;

		for (size_t len = 0; len < samples[i].len; len++)
			cr_expect_eq(decode(samples[i].bytes, len, &m), -EBADMSG, "%s of %zu",
				samples[i].name, len);
	}
}

/* The IPv6 payload itself is shorter; whole options may be missing. */
Test(nd, shorter_payload)
{
	static const size_t fixed[SAMPLE_COUNT] = {8, 8, 24, 24, 8, 24};

	for (int i = 0; i < SAMPLE_COUNT; i++) {
		bool mld = i == MLD2 || i == MLD;
		size_t at = icmp_at(samples[i].bytes);

		for (size_t len = at + 4; len < samples[i].len; len++) {
			struct packet p = packet_of(i);
			bool good = len - at >= fixed[i] && (mld || (len - at) % 8 == 0);

			p.len = len;
			p.bytes[5] = (uint8_t)(len - ICMP_AT);
			expect(p, good ? 0 : -EBADMSG, samples[i].name);
		}
	}
}

Test(nd, link_padding)
{
	for (int i = 0; i < SAMPLE_COUNT; i++) {
		struct packet p = packet_of(i);
		struct nd_message m;

		memset(p.bytes + p.len, 0xff, 9);
		cr_expect_eq(decode(p.bytes, p.len + 9, &m), 0, "%s", samples[i].name);
	}
}

/* In the addresses and after the header, a changed bit is a wrong checksum. */
Test(nd, every_bit_counts)
{
	for (int i = 0; i < SAMPLE_COUNT; i++) {
		struct packet p = packet_of(i);
		struct nd_message m;

		for (size_t bit = 8 * 8; bit < p.len * 8; bit++) {
			if (bit == ICMP_AT * 8 && icmp_at(p.bytes) != ICMP_AT)
				bit = icmp_at(p.bytes) * 8;
			p.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			cr_expect_neq(
				decode(p.bytes, p.len, &m), 0, "%s: bit %zu", samples[i].name, bit);
			p.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

Test(nd, hop_limit)
{
	for (int i = 0; i < SAMPLE_COUNT; i++) {
		struct packet p = packet_of(i);
		unsigned int right = i == MLD2 || i == MLD ? 1 : 255;

		for (unsigned int limit = 0; limit < 256; limit++) {
			p.bytes[7] = (uint8_t)limit;
			expect(p, limit == right ? 0 : -EBADMSG, samples[i].name);
		}
	}
}

Test(nd, code)
{
	for (int i = 0; i < SAMPLE_COUNT; i++) {
		struct packet p = packet_of(i);

		p.bytes[icmp_at(p.bytes) + 1] = 1;
		expect(p, -EBADMSG, samples[i].name);
	}
}

Test(nd, other_messages)
{
	for (unsigned int type = 0; type < 256; type++) {
		struct packet p = packet_of(RS);

		if (type == 131 || (type >= 133 && type <= 136) || type == 143)
			continue;
		p.bytes[ICMP_AT] = (uint8_t)type;
		expect(p, -ENOMSG, "ICMPv6 type");
	}
	for (unsigned int next = 1; next < 256; next++) {
		struct packet p = packet_of(RS), mld = packet_of(MLD2);
		struct nd_message m;

		p.bytes[6] = mld.bytes[ICMP_AT] = (uint8_t)next;
		cr_expect_eq(decode(p.bytes, p.len, &m), next == 58 ? 0 : -ENOMSG);
		cr_expect_eq(decode(mld.bytes, mld.len, &m), next == 58 ? 0 : -ENOMSG);
	}
}

Test(nd, not_ipv6)
{
	for (unsigned int version = 0; version < 16; version++) {
		struct packet p = packet_of(RS);

		p.bytes[0] = (uint8_t)(version << 4);
		expect(p, version == 6 ? 0 : -EBADMSG, "version");
	}
}

Test(nd, traffic_class_and_flow_label_do_not_matter)
{
	struct packet p = packet_of(RS);

	memcpy(p.bytes, "\x6f\xff\xff\xff", 4);
	expect(p, 0, "all bits set");
}

Test(nd, hop_by_hop_length)
{
	for (unsigned int len = 0; len < 256; len++) {
		struct packet p = packet_of(MLD2);
		struct nd_message m;

		p.bytes[ICMP_AT + 1] = (uint8_t)len;
		cr_expect_eq(decode(p.bytes, p.len, &m) == 0, len == 0, "length %u", len);
	}
}

/* An option may have any type, but never no length and never more than there is. */
Test(nd, option_lengths)
{
	for (unsigned int len = 0; len < 256; len++) {
		struct packet rs = packet_of(RS_NOBODY), na = packet_of(NA);
		uint8_t option[16] = {99, (uint8_t)len};

		packet_append(&rs, option, sizeof(option));
		packet_append(&rs, "\x63\1......", 8);
		expect(rs, len == 2 || len == 3 ? 0 : -EBADMSG, "Router Solicitation");
		packet_append(&na, option, sizeof(option));
		expect(na, len == 2 ? 0 : -EBADMSG, "Neighbor Advertisement");
	}
}

Test(nd, option_lengths_of_an_advertisement)
{
	struct packet p = {.len = sizeof(advertised_to_all) - 1};

	memcpy(p.bytes, advertised_to_all, p.len);
	expect(p, 0, "as it was");
	p.bytes[56 + 1] = 0;
	expect(p, -EBADMSG, "prefix information without a length");
}

/* What follows a report has not the form of ND options, and is passed over. */
Test(nd, mld_has_no_options)
{
	struct packet one = packet_of(MLD), two = packet_of(MLD2);

	packet_append(&one, "\0\0\0", 3);
	expect(one, 0, "MLDv1");
	packet_append(&two, "\0\0\0", 3);
	expect(two, 0, "MLDv2");
}

/* Whole, but without what could be one of the messages. */
Test(nd, nothing_inside)
{
	struct packet bare = {.bytes = {0x60, [6] = 59, [7] = 255}, .len = 40};
	struct packet hop_by_hop = {
		.bytes = {0x60, [5] = 8, [7] = 1, [40] = 59, [42] = 1, [43] = 4}, .len = 48};
	struct nd_message m;

	cr_expect_eq(decode(bare.bytes, bare.len, &m), -ENOMSG);
	cr_expect_eq(decode(hop_by_hop.bytes, hop_by_hop.len, &m), -ENOMSG);
	bare.bytes[6] = hop_by_hop.bytes[40] = 58;
	cr_expect_eq(decode(bare.bytes, bare.len, &m), -EBADMSG);
	cr_expect_eq(decode(hop_by_hop.bytes, hop_by_hop.len, &m), -EBADMSG);
}

/* RFC 4861 6.1.1 and 7.1.1 */
Test(nd, link_layer_address_of_nobody)
{
	struct packet rs = packet_of(RS_NOBODY), ns = packet_of(NS_DAD);

	packet_append(&rs, "\1\1\2\0\0\0\0\1", 8);
	expect(rs, -EBADMSG, "Router Solicitation");
	packet_append(&ns, "\1\1\2\0\0\0\0\1", 8);
	expect(ns, -EBADMSG, "Neighbor Solicitation");
}

/* RFC 4861 7.1.1 and 7.1.2 */
Test(nd, addresses)
{
	struct packet p = packet_of(NS_DAD);

	memset(p.bytes + 24 + 13, 0xaa, 3);
	expect(p, 0, "from nobody, to any solicited-node group");
	p.bytes[24 + 11] = 0;
	expect(p, -EBADMSG, "from nobody, to another group");
	memcpy(p.bytes + 8, &mn, 16);
	expect(p, 0, "from the MN to that group");
	p = packet_of(NS_DAD);
	p.bytes[48] = 0xff;
	expect(p, -EBADMSG, "group as the target of a solicitation");
	p = packet_of(NA);
	p.bytes[48] = 0xff;
	expect(p, -EBADMSG, "group as the target of an advertisement");
	p = packet_of(NA);
	memcpy(p.bytes + 24, samples[RS].bytes + 24, 16);
	expect(p, -EBADMSG, "solicited, yet sent to a group");
	p.bytes[44] = 0xbf;
	expect(p, 0, "unsolicited and sent to a group");
	p.bytes[8] = 0xff;
	expect(p, -EBADMSG, "from a group");
}

Test(nd, output_only_on_success)
{
	struct packet p = packet_of(NA);
	struct nd_message m, before;

	memset(&m, 0xaa, sizeof(m));
	before = m;
	p.bytes[7] = 64;
	cr_expect_eq(decode(p.bytes, p.len, &m), -EBADMSG);
	cr_expect_arr_eq(&m, &before, sizeof(m));
}

Test(nd, mutants, .timeout = 600)
{
	uint64_t state = generate_seed();
	unsigned int accepted = 0;

	for (int i = 0; i < MUTANTS; i++) {
		struct packet p = packet_of((int)generate_number(&state, SAMPLE_COUNT));
		size_t len = 1 + generate_number(&state, (uint32_t)p.len);
		struct nd_message m;

		for (unsigned int n = generate_number(&state, 4); n; n--)
			generate_bytes(
				&state, p.bytes + generate_number(&state, (uint32_t)p.len), 1);
		if (len > ICMP_AT + 16)
			repair_checksum(p.bytes, p.len);
		else
			p.len = len;
		accepted += decode(p.bytes, p.len, &m) == 0;
	}
	cr_assert_gt(accepted, MUTANTS / 20);
	cr_assert_lt(accepted, MUTANTS);
}
