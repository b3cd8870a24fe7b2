// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The same fixtures on taps, with the programs attached: each frame must come out of the right
 * interface, once, and nowhere else. And what only a real wire has: GSO packets, VLAN tags that the
 * kernel takes out of the frame, frames too short for a test run.
 */
#include "compare.h"
#include "fixture.h"
#include "suite.h"
#include "wire.h"
#include <criterion/criterion.h>
#include <netinet/in.h>

enum { FRAMES_MAX = 8, TCP_SUM_AT = ETH_LEN + IP6_LEN + 16 };

static struct frame frames[FRAMES_MAX];

static struct wire *open_wire(enum hook hook, struct rig **ret_rig)
{
	const char *missing;
	struct wire *w;

	*ret_rig = suite_open(hook);
	w = wire_open(*ret_rig, hook, &missing);
	if (!w)
		cr_skip_test("this needs %s", missing);
	return w;
}

static const char *run(struct rig *r, const struct fixture *f, char text[COMPARE_TEXT_MAX])
{
	static struct tables tables;
	static struct outcome expected, got;
	static struct frame in;
	const uint32_t *ifindex = rig_ifindex(r);
	enum link ingress = fixture_ingress(f);
	int count;

	packet_build(f->in, &in);
	fixture_tables(f, ifindex, &tables);
	fixture_expect(f, ifindex, &in, &expected);
	cr_assert_eq(rig_fill(r, &tables), 0, "%s: cannot fill the maps", f->name);
	count = wire_run(r, ingress, &in, NULL, &got, frames, FRAMES_MAX);
	cr_assert_geq(count, 0, "%s: cannot put it on the wire", f->name);
	cr_expect_leq(count, 1, "%s: %d frames came out", f->name, count);
	/* The kernel has what passed. */
	if (got.verdict == VERDICT_PASS)
		got.out = expected.out;
	return compare_outcomes(ifindex[ingress], &expected, &got, text);
}

static void run_all(enum hook hook)
{
	struct rig *r;
	struct wire *w = open_wire(hook, &r);
	char text[COMPARE_TEXT_MAX];

	for (const struct fixture_set *const *s = fixture_sets; *s; s++)
		for (unsigned int i = 0; i < (*s)->count; i++)
			suite_judge(hook, &(*s)->fixtures[i], run(r, &(*s)->fixtures[i], text));
	wire_close(w);
	rig_close(r);
}

Test(wire, fixtures_xdp)
{
	run_all(HOOK_XDP);
}

Test(wire, fixtures_tc)
{
	run_all(HOOK_TC);
}

/* TCP from the CN: a super-packet of 1900 octets of data, to be cut every `mss` octets. */
static struct segmentation build_gso(struct frame *ret, uint16_t mss)
{
	static const struct layer in[] = {ARRIVES, IP6(CN, HOA), TCP, DATA(1900), {0}};

	packet_build(in, ret);
	return (struct segmentation){.head = 74, .mss = mss, .tcp_at = 54};
}

/* Sends it towards the node; returns how many segments came out. It counts under `reason`. */
static int send_gso(uint32_t node, uint16_t mss, enum dlma_packet_reason reason)
{
	static struct tables tables;
	static struct outcome got;
	static struct frame in;
	struct segmentation how = build_gso(&in, mss);
	struct rig *r;
	struct wire *w = open_wire(HOOK_TC, &r);
	int count;

	tables_init(&tables, rig_ifindex(r), LMA_);
	tables_add_location(&tables, HNP, DLMA_LOCATION_CACHED, node);
	cr_assert_eq(rig_fill(r, &tables), 0);
	count = wire_run(r, LINK_CORE, &in, &how, &got, frames, FRAMES_MAX);
	cr_assert_eq(got.counted[DLMA_PACKET_received].packets, 1, "it came in pieces");
	cr_expect_eq(got.counted[reason].packets, 1);
	wire_close(w);
	rig_close(r);
	return count;
}

/* Each segment: outer header, MN's header, TCP, and the next piece of the data. */
static uint32_t check_segment(const struct frame *f, uint32_t done, const char *outer_dst)
{
	struct dlma_addr dst = packet_addr(outer_dst);
	const uint8_t *outer = f->bytes + ETH_LEN, *own = outer + IP6_LEN, *tcp = own + IP6_LEN;
	uint32_t octets = f->len - ETH_LEN - 2 * IP6_LEN - 20;

	cr_assert_eq(memcmp(outer + 24, &dst, 16), 0);
	cr_assert_eq(outer[6], IPPROTO_IPV6);
	cr_assert_eq((uint32_t)outer[4] << 8 | outer[5], f->len - ETH_LEN - IP6_LEN);
	cr_assert_eq((uint32_t)own[4] << 8 | own[5], f->len - ETH_LEN - 2 * IP6_LEN);
	cr_assert_eq(own[7], 63);
	cr_assert_eq(packet_be32(tcp + 4), 0x01020304 + done);
	for (uint32_t i = 0; i < octets; i++)
		cr_assert_eq(tcp[20 + i], (uint8_t)(0xd0 + done + i), "octet %u", done + i);
	return done + octets;
}

static uint32_t check_segments(int count, const char *outer_dst, uint32_t mtu)
{
	uint32_t done = 0, too_long = 0;

	for (int i = 0; i < count; i++) {
		done = check_segment(&frames[i], done, outer_dst);
		too_long += frames[i].len - ETH_LEN > mtu;
	}
	cr_expect_eq(done, 1900, "%u octets of data came out", done);
	return too_long;
}

Test(wire, gso_keeps_its_segments_where_they_fit)
{
	int count = send_gso(NODE_D_LMA, 600, DLMA_PACKET_tunnel_cached);

	cr_assert_eq(count, 4);
	cr_expect_eq(frames[0].len, ETH_LEN + 2 * IP6_LEN + 20 + 600);
	cr_expect_eq(check_segments(count, D_LMA, MTU), 0);
}

/* 1440 octets of data fill an MTU of 1500 without a tunnel: in one they must be fewer. */
Test(wire, gso_makes_room_for_the_tunnel)
{
	int count = send_gso(NODE_D_LMA, 1440, DLMA_PACKET_tunnel_cached);

	cr_assert_eq(count, 2);
	cr_expect_eq(frames[0].len, ETH_LEN + MTU);
	cr_expect_eq(check_segments(count, D_LMA, MTU), 0);
}

/* In a tunnel 1320 octets have room for 1220 of data: the segments of 1240 become shorter. */
Test(wire, gso_into_a_narrow_path)
{
	int count = send_gso(NODE_NARROW, 1240, DLMA_PACKET_tunnel_cached);

	cr_assert_eq(count, 2);
	cr_expect_eq(frames[0].len, ETH_LEN + 2 * IP6_LEN + 20 + 1200);
	cr_expect_eq(check_segments(count, NARROW, MTU_NARROW), 0);
}

/* Nothing makes these fit: 40 octets fewer are not enough. The kernel gets the answer. */
Test(wire, gso_too_big_for_the_path)
{
	cr_expect_eq(send_gso(NODE_NARROW, 1440, DLMA_PACKET_too_big_told), 0);
}

/* TCP from the MN whose checksum is left to a card: its field holds the sum of the pseudo header.
 */
static void build_partial(struct frame *ret, uint16_t octets)
{
	const struct layer in[] = {FROM_MN, IP6(HOA, CN), TCP, DATA(octets), {0}};
	uint16_t sum;

	packet_build(in, ret);
	sum = (uint16_t)~packet_pseudo(ret->bytes + ETH_LEN, 20u + octets, IPPROTO_TCP);
	ret->bytes[TCP_SUM_AT] = (uint8_t)(sum >> 8);
	ret->bytes[TCP_SUM_AT + 1] = (uint8_t)sum;
}

/* On the wire the error has to be whole, whatever becomes of the checksum that it quotes. */
static void check_partial(struct rig *r, uint16_t octets, uint16_t mss)
{
	const struct segmentation how = {.head = 74, .mss = mss, .tcp_at = 54};
	static struct outcome got;
	static struct frame in;
	uint8_t *quoted = frames[0].bytes + ETH_LEN + IP6_LEN + 8;

	build_partial(&in, octets);
	cr_assert_eq(rig_forget_errors(r), 0);
	cr_assert_eq(wire_run(r, LINK_ACCESS, &in, &how, &got, frames, FRAMES_MAX), 1);
	cr_assert_eq(got.counted[DLMA_PACKET_too_big_told].packets, 1);
	cr_expect_eq(got.to, rig_ifindex(r)[LINK_ACCESS]);
	cr_assert_eq(frames[0].len, ETH_LEN + 1280);
	cr_expect_eq(packet_be32(frames[0].bytes + ETH_LEN + IP6_LEN + 4), MTU_NARROW - IP6_LEN);
	cr_expect_eq(packet_checksum(frames[0].bytes + ETH_LEN, 1240), 0,
		"%u octets, segments of %u: wrong checksum", octets, mss);
	memcpy(quoted + TCP_SUM_AT - ETH_LEN, in.bytes + TCP_SUM_AT, 2);
	cr_expect_eq(memcmp(quoted, in.bytes + ETH_LEN, QUOTE), 0, "not what was sent");
}

Test(wire, a_checksum_still_to_be_filled_in)
{
	static struct tables tables;
	struct rig *r;
	struct wire *w = open_wire(HOOK_TC, &r);

	tables_init(&tables, rig_ifindex(r), MAG_);
	tables_add_access(
		&tables, HNP, rig_ifindex(r)[LINK_ACCESS], LINK_ACCESS, NODE_NARROW, MAC_MN);
	cr_assert_eq(rig_fill(r, &tables), 0);
	check_partial(r, 1900, 1440);
	check_partial(r, 5000, 1400);
	check_partial(r, 1440, 0);
	check_partial(r, 1441, 0);
	wire_close(w);
	rig_close(r);
}

/* Frames of 4 KiB and more: the kernel keeps but the Ethernet header of them in the skb's head. */
static const struct fixture scattered[] = {
	{
		.name = "into a tunnel",
		.roles = LMA_,
		.locations = {{HNP, DLMA_LOCATION_CACHED, NODE_D_LMA}},
		.in = {ARRIVES, IP6(CN, HOA, .tc = 0x91), UDP, DATA(4500)},
		.reason = DLMA_PACKET_tunnel_cached,
		.to = LINK_CORE2,
		.out = {LEAVES(NODE_D_LMA), IP6(SELF, D_LMA, .tc = 0x91, .label = LABEL_FLOW),
			IP6(CN, HOA, .tc = 0x91, .hop = 63), UDP, DATA(4500)},
	},
	{
		.name = "relayed, without its encapsulation limit",
		.roles = LMA_,
		.locations = {{HNP, DLMA_LOCATION_BINDING, NODE_MAG}},
		.in = {ARRIVES, IP6(H_LMA, SELF, .tc = 3), ENCAP_LIMIT, IP6(CN, HOA, .tc = 1), UDP,
			DATA(4500)},
		.reason = DLMA_PACKET_tunnel_binding,
		.to = LINK_CORE2,
		.out = {LEAVES(NODE_MAG), IP6(SELF, MAG, .tc = 3), IP6(CN, HOA, .tc = 3, .hop = 63),
			UDP, DATA(4500)},
	},
	{
		.name = "delivered",
		.roles = MAG_,
		.access = {{HNP, LINK_ACCESS, NODE_H_LMA, MAC_MN}},
		.in = {ARRIVES, IP6(H_LMA, SELF), IP6(CN, HOA), UDP, DATA(4500)},
		.reason = DLMA_PACKET_delivered,
		.to = LINK_ACCESS,
		.out = {TO_MN, IP6(CN, HOA, .hop = 63), UDP, DATA(4500)},
	},
};

static void run_scattered(struct rig *r, const struct fixture *f, uint16_t head)
{
	static struct tables tables;
	static struct outcome expected, got;
	static struct frame in;
	const struct segmentation how = {.head = head};
	const uint32_t *ifindex = rig_ifindex(r);
	char text[COMPARE_TEXT_MAX];
	const char *told;

	packet_build(f->in, &in);
	fixture_tables(f, ifindex, &tables);
	for (int i = 0; i < TABLE_ADJACENCIES; i++)
		tables.adjacencies[i].copy[i & 1].mtu = 9000;
	tables.access[0].value.mtu = 9000;
	fixture_expect(f, ifindex, &in, &expected);
	cr_assert_eq(rig_fill(r, &tables), 0);
	cr_assert_eq(wire_run(r, LINK_CORE, &in, &how, &got, frames, FRAMES_MAX), 1, "%s", f->name);
	told = compare_outcomes(ifindex[LINK_CORE], &expected, &got, text);
	cr_expect_null(told, "%s, %u octets in the head: %s", f->name, head, told);
}

Test(wire, headers_outside_the_head)
{
	static const uint16_t heads[] = {14, 20, 54, 58, 61, 62, 94, 101, 102, 103};
	struct rig *r;
	struct wire *w = open_wire(HOOK_TC, &r);

	for (size_t i = 0; i < sizeof(scattered) / sizeof(*scattered); i++)
		for (size_t k = 0; k < sizeof(heads) / sizeof(*heads); k++)
			run_scattered(r, &scattered[i], heads[k]);
	wire_close(w);
	rig_close(r);
}
