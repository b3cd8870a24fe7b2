// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* ICMPv6 errors from inside tunnels: what is believed, what is not, and what is handed on. */
#include "wire/checksum.h"
#include "wire/icmp.h"
#include <criterion/criterion.h>
#include <stdio.h>

enum {
	OUTER_AT = 8,
	INNER_AT = OUTER_AT + 40,
	QUOTED = 200, /* octets of the inner packet */
	MESSAGE = INNER_AT + QUOTED,
	INNER_TOTAL = 1460,
	REPORTED = 1400,
	FORGED = 10000,
	LINK = 1500,
};

static const struct dlma_addr self = {.b = {0x20, 1, 0xd, 0xb8, 0xf, [15] = 1}};
static const struct dlma_addr peer = {.b = {0x20, 1, 0xd, 0xb8, 0xf, [15] = 2}};
static const struct dlma_addr cn = {.b = {0x20, 1, 0xd, 0xb8, 0xc2, [15] = 2}};
static const struct dlma_addr hoa = {.b = {0x20, 1, 0xd, 0xb8, 1, [15] = 9}};
static uint8_t message[MESSAGE];
static struct icmp_error error;

static void put_header(uint8_t *at, uint32_t label, uint16_t payload, uint8_t next,
	const struct dlma_addr *src, const struct dlma_addr *dst)
{
	const uint8_t fixed[8] = {0x60, (uint8_t)(label >> 16), (uint8_t)(label >> 8),
		(uint8_t)label, (uint8_t)(payload >> 8), (uint8_t)payload, next, 64};

	memcpy(at, fixed, sizeof(fixed));
	memcpy(at + 8, src, 16);
	memcpy(at + 24, dst, 16);
}

/* A router: our tunnelled packet of 1500 octets is too big for its next link of 1400. */
static void build(uint8_t type)
{
	memset(message, 0, sizeof(message));
	message[0] = type;
	message[6] = REPORTED >> 8;
	message[7] = REPORTED & 0xff;
	put_header(message + OUTER_AT, 0x12345, INNER_TOTAL, 41, &self, &peer);
	put_header(message + INNER_AT, 0, INNER_TOTAL - 40, 17, &cn, &hoa);
	for (int i = INNER_AT + 40; i < MESSAGE; i++)
		message[i] = (uint8_t)i;
}

static int parse(size_t len)
{
	return icmp_parse(message, len, &self, &error);
}

Test(icmp, believed)
{
	for (uint8_t type = 1; type <= 3; type++) {
		build(type);
		cr_assert_eq(parse(MESSAGE), 0);
		cr_expect_eq(error.type, type);
		cr_expect(addr_equal(&error.peer, &peer) && addr_equal(&error.src, &cn) &&
			  addr_equal(&error.dst, &hoa));
		cr_expect_eq(error.inner, message + INNER_AT);
		cr_expect_eq(error.inner_len, QUOTED);
	}
	build(2);
	cr_assert_eq(parse(INNER_AT + 40), 0, "both headers are enough");
	cr_expect_eq(error.mtu, REPORTED);
}

/* One octet wrong, and it is not about a packet of ours. */
static const struct forgery {
	const char *name;
	int at;
	uint8_t value;
} forgeries[] = {
	{"an echo request", 0, 128},
	{"a parameter problem", 0, 4},
	{"type 0", 0, 0},
	{"not IPv6 quoted", OUTER_AT, 0x40},
	{"a longer packet than was sent", OUTER_AT + 5, 0xb5},
	{"not a tunnel quoted", OUTER_AT + 6, 17},
	{"a hop limit that we never send", OUTER_AT + 7, 65},
	{"a hop limit that is used up", OUTER_AT + 7, 0},
	{"somebody else's tunnel", OUTER_AT + 23, 7},
	{"not IPv6 in the tunnel", INNER_AT, 0x50},
	{"a multicast source in the tunnel", INNER_AT + 8, 0xff},
	{"a multicast destination in the tunnel", INNER_AT + 24, 0xff},
	{"an MTU that the packet would fit into", 6, 0x05 + 1},
};

Test(icmp, forged)
{
	for (size_t i = 0; i < sizeof(forgeries) / sizeof(*forgeries); i++) {
		build(ICMP_PACKET_TOO_BIG);
		message[forgeries[i].at] = forgeries[i].value;
		cr_expect_neq(parse(MESSAGE), 0, "%s was believed", forgeries[i].name);
	}
	build(ICMP_PACKET_TOO_BIG);
	memset(message + OUTER_AT + 1, 0, 3);
	cr_expect_neq(parse(MESSAGE), 0, "a flow label of 0 was believed");
	build(ICMP_PACKET_TOO_BIG);
	for (size_t len = 0; len < INNER_AT + 40; len++)
		cr_expect_neq(parse(len), 0, "%zu octets were believed", len);
}

/* Anything in the quoted headers, and any MTU: what is believed leaves room for 1280 octets. */
Test(icmp, ten_thousand_forged)
{
	uint32_t state = 1, believed = 0;
	struct icmp_path path = {0};

	for (int i = 0; i < FORGED; i++) {
		build(ICMP_PACKET_TOO_BIG);
		for (int k = 0; k < 3; k++) {
			state = state * 1664525 + 1013904223;
			message[state >> 8 & 63] = (uint8_t)(state >> 24);
		}
		if (parse(MESSAGE))
			continue;
		believed += icmp_path_lower(&path, error.mtu, LINK, (uint64_t)i);
		cr_assert_geq(icmp_path_mtu(&path, LINK, (uint64_t)i), ICMP_TUNNEL_MTU_MIN);
	}
	fprintf(stderr, "%u of %d changed something\n", believed, FORGED);
	cr_expect_leq(believed, FORGED / 10);
}

Test(icmp, a_path_only_becomes_narrower)
{
	struct icmp_path p = {0};

	cr_expect_eq(icmp_path_mtu(&p, LINK, 0), LINK);
	cr_expect_not(icmp_path_lower(&p, LINK, LINK, 0), "nothing new");
	cr_expect_not(icmp_path_lower(&p, 68, LINK, 0), "less than any link has");
	cr_expect_not(icmp_path_lower(&p, 1279, LINK, 0), "less than any link has");
	cr_expect(icmp_path_lower(&p, 1450, LINK, 0));
	cr_expect(icmp_path_lower(&p, 1400, LINK, 0));
	cr_expect_not(icmp_path_lower(&p, 1401, LINK, 0), "raised");
	cr_expect_eq(icmp_path_mtu(&p, LINK, 0), 1400);
	cr_expect_eq(icmp_path_mtu(&p, 1390, 0), 1390, "the link itself is narrower now");
	cr_expect(icmp_path_lower(&p, 1280, LINK, 0));
	cr_expect_eq(icmp_path_mtu(&p, LINK, 0), 1320, "room for 1280 octets in a tunnel");
	cr_expect(icmp_path_lower(&p, 1320, LINK, 5), "said again");
	cr_expect_not(icmp_path_lower(&p, 70000, LINK, 0));
}

Test(icmp, a_report_ages)
{
	struct icmp_path p = {0};

	cr_expect(icmp_path_lower(&p, 1400, LINK, 1000));
	cr_expect(icmp_path_lower(&p, 1400, LINK, 2000), "said again: counts from now on");
	cr_expect_eq(icmp_path_mtu(&p, LINK, 2000 + ICMP_PATH_MTU_MS - 1), 1400);
	cr_expect_eq(icmp_path_mtu(&p, LINK, 2000 + ICMP_PATH_MTU_MS), LINK);
	cr_expect(icmp_path_lower(&p, 1450, LINK, 2000 + ICMP_PATH_MTU_MS), "as if never said");
	cr_expect_eq(icmp_path_mtu(&p, LINK, 2000 + ICMP_PATH_MTU_MS), 1450);
}

Test(icmp, handed_on)
{
	static const uint8_t head[8] = {0x60, 0, 0, 0, 0, 8 + QUOTED, 58, 64};
	uint8_t out[1280];
	size_t len;

	build(ICMP_DESTINATION_UNREACHABLE);
	cr_assert_eq(parse(MESSAGE), 0);
	len = icmp_write_relay(&error, out, sizeof(out));
	cr_assert_eq(len, 48 + QUOTED);
	cr_expect_eq(memcmp(out, head, sizeof(head)), 0);
	cr_expect_eq(memcmp(out + 8, &hoa, 16), 0, "in the name of the destination");
	cr_expect_eq(memcmp(out + 24, &cn, 16), 0);
	cr_expect(out[40] == 1 && out[41] == 3, "address unreachable (RFC 2473 8.2)");
	cr_expect_eq(memcmp(out + 44, "\0\0\0\0", 4), 0);
	cr_expect_eq(memcmp(out + 48, message + INNER_AT, QUOTED), 0);
	cr_expect_eq(checksum_finish(checksum_add(
			     checksum_pseudo(&hoa, &cn, 58, 8 + QUOTED), out + 40, 8 + QUOTED)),
		0);
	cr_expect_eq(icmp_write_relay(&error, out, 47 + QUOTED), 0, "no room");
}

Test(icmp, no_error_about_an_error)
{
	uint8_t out[1280];

	build(ICMP_DESTINATION_UNREACHABLE);
	message[INNER_AT + 6] = 58;
	message[INNER_AT + 40] = 127;
	cr_assert_eq(parse(MESSAGE), 0);
	cr_expect_eq(icmp_write_relay(&error, out, sizeof(out)), 0);
	cr_assert_eq(parse(INNER_AT + 40), 0);
	cr_expect_eq(icmp_write_relay(&error, out, sizeof(out)), 0, "perhaps one");
	message[INNER_AT + 40] = 128;
	cr_assert_eq(parse(MESSAGE), 0);
	cr_expect_neq(icmp_write_relay(&error, out, sizeof(out)), 0);
}

/* Never longer than 1280 octets, however much is quoted. */
Test(icmp, cut)
{
	static uint8_t large[3000];
	uint8_t out[1280];

	build(ICMP_DESTINATION_UNREACHABLE);
	memcpy(large, message, MESSAGE);
	cr_assert_eq(icmp_parse(large, sizeof(large), &self, &error), 0);
	cr_expect_eq(icmp_write_relay(&error, out, sizeof(out)), 1280);
}
