// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is best shown by all values of something: ECN fields, lengths, flows.
 */
#include "suite.h"
#include "wire.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

enum { CUT_MAX = 120, STEPS_MAX = 3, DSCP_IN = 0xb8, DSCP_OUT = 0x28 };

static struct tables tables;
static struct outcome got;
static struct frame in;

/* RFC 6040 4.2: by inner and outer field; -1: drop. */
static const int ecn_table[4][4] = {
	{0, 0, 0, -1},
	{1, 1, 1, 3},
	{2, 1, 2, 3},
	{3, 3, 3, 3},
};

/* The ways out of a tunnel. */
static const struct exit_way {
	const char *name, *from, *src, *dst;
	enum dlma_packet_reason reason;
	bool relayed;
} exits[] = {
	{"relayed", H_LMA, CN, HOA, DLMA_PACKET_tunnel_binding, true},
	{"delivered", H_LMA, CN, HOA2, DLMA_PACKET_delivered, false},
	{"routed on", MAG, HOA, CN, DLMA_PACKET_from_mn, false},
};

static void ecn_tables(const struct rig *r)
{
	const uint32_t *ifindex = rig_ifindex(r);

	tables_init(&tables, ifindex, LMA_ | MAG_);
	tables_add_location(&tables, HNP, DLMA_LOCATION_BINDING, NODE_MAG);
	tables_add_location(&tables, HNP2, DLMA_LOCATION_BINDING, NODE_SELF);
	tables_add_access(&tables, HNP2, ifindex[LINK_ACCESS], LINK_ACCESS, NODE_SELF, MAC_MN);
}

/* DSCP and label inside are the sender's; outside they are those of the packet inside. */
static void check_ecn(struct rig *r, const struct exit_way *e, int inner, int outer)
{
	const struct layer layers[] = {ARRIVES,
		IP6(e->from, SELF, .tc = (uint8_t)(DSCP_OUT | outer), .label = 0x11111),
		IP6(e->src, e->dst, .tc = (uint8_t)(DSCP_IN | inner), .label = 0xaaaaa), UDP, {0}};
	int left = ecn_table[inner][outer];
	enum dlma_packet_reason reason = left < 0 ? DLMA_PACKET_ecn : e->reason;
	uint32_t at = ETH_LEN + (e->relayed ? IP6_LEN : 0);
	uint32_t word = 0x60000000 | (uint32_t)(DSCP_IN | left) << 20;
	const uint8_t *b = got.out.bytes;

	packet_build(layers, &in);
	cr_assert_eq(rig_run(r, SIDE_NETWORK, rig_ifindex(r)[LINK_CORE], &in, &got), 0);
	cr_expect_eq(got.counted[reason].packets, 1, "%s, ECN %d in %d", e->name, inner, outer);
	if (left < 0)
		return;
	cr_expect_eq(packet_be32(b + at), word | 0xaaaaa, "%s, ECN %d in %d: inside %02x%02x",
		e->name, inner, outer, b[at], b[at + 1]);
	if (e->relayed)
		cr_expect_eq(packet_be32(b + ETH_LEN), word | 0x11111,
			"ECN %d in %d: outside %02x%02x", inner, outer, b[14], b[15]);
}

static void ecn(enum hook hook)
{
	struct rig *r = suite_open(hook);

	ecn_tables(r);
	cr_assert_eq(rig_fill(r, &tables), 0);
	for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		for (int pair = 0; pair < 16; pair++)
			check_ecn(r, &exits[i], pair / 4, pair % 4);
	rig_close(r);
}

Test(sweeps, ecn_xdp)
{
	ecn(HOOK_XDP);
}

Test(sweeps, ecn_tc)
{
	ecn(HOOK_TC);
}

/* A frame, and what becomes of its first octets: each step holds from a length on. */
static const struct cut {
	const char *name;
	enum side side;
	uint32_t version;
	struct layer layers[FIXTURE_LAYERS];
	struct {
		uint32_t from;
		enum dlma_packet_reason reason;
	} steps[STEPS_MAX];
} cuts[] = {
	{"a native packet", SIDE_NETWORK, 0, {ARRIVES, IP6(CN, HOA), UDP, DATA(18), PAD(40)},
		{{14, DLMA_PACKET_malformed}, {80, DLMA_PACKET_tunnel_binding}}},
	{"somebody else's", SIDE_NETWORK, 0, {ARRIVES, IP6(CN, "2001:db8:9::1"), UDP, DATA(58)},
		{{14, DLMA_PACKET_malformed}, {54, DLMA_PACKET_not_ours}}},
	{"a tunnel", SIDE_NETWORK, 0,
		{ARRIVES, IP6(H_LMA, SELF), IP6(CN, HOA), UDP, DATA(2), PAD(16)},
		{{14, DLMA_PACKET_malformed}, {54, DLMA_PACKET_inner_malformed},
			{104, DLMA_PACKET_tunnel_binding}}},
	{"a stranger's tunnel", SIDE_NETWORK, 0,
		{ARRIVES, IP6(STRANGER, SELF), IP6(CN, HOA), UDP, DATA(18)},
		{{14, DLMA_PACKET_malformed}, {54, DLMA_PACKET_inner_malformed},
			{94, DLMA_PACKET_untrusted_peer}}},
	{"a tunnel with a limit", SIDE_NETWORK, 0,
		{ARRIVES, IP6(H_LMA, SELF), ENCAP_LIMIT, IP6(CN, HOA), UDP, PAD(10)},
		{{54, DLMA_PACKET_local}, {62, DLMA_PACKET_inner_malformed},
			{110, DLMA_PACKET_tunnel_binding}}},
	{"signalling", SIDE_NETWORK, 0, {ARRIVES, IP6(CN, SELF), RAW(135, 1, "\x3b"), PAD(65)},
		{{14, DLMA_PACKET_malformed}, {54, DLMA_PACKET_local}}},
	{"IPv4", SIDE_NETWORK, 0, {ETH_TYPE(1, 2, 0x0800), RAW(0, 1, "\x45"), PAD(105)},
		{{14, DLMA_PACKET_not_ipv6}}},
	{"before the configuration", SIDE_NETWORK, VERSION_NONE,
		{ARRIVES, IP6(CN, HOA), UDP, DATA(58)}, {{14, DLMA_PACKET_not_ready}}},
	{"from a MN", SIDE_ACCESS, 0, {FROM_MN, IP6(HOA2, CN), UDP, DATA(18), PAD(40)},
		{{14, DLMA_PACKET_malformed}, {80, DLMA_PACKET_from_mn}}},
	{"on the link", SIDE_ACCESS, 0, {FROM_MN, IP6("fe80::1", "ff02::1"), UDP, DATA(58)},
		{{14, DLMA_PACKET_malformed}, {54, DLMA_PACKET_link_scope}}},
};

static const enum dlma_packet_reason *reason_at(const struct cut *c, uint32_t len)
{
	const enum dlma_packet_reason *reason = NULL;

	for (int i = 0; i < STEPS_MAX && c->steps[i].reason; i++)
		if (len >= c->steps[i].from)
			reason = &c->steps[i].reason;
	return reason;
}

/* Some kernels take no IPv6 header that is cut for a test run of TC: then the wire must do. */
static int run_anyhow(struct rig *r, const struct wire *w, const struct cut *c)
{
	enum link from = c->side == SIDE_ACCESS ? LINK_ACCESS : LINK_CORE;
	static struct frame out;
	int err = rig_run(r, c->side, rig_ifindex(r)[from], &in, &got);

	if (err != -EINVAL || !w || in.len < ETH_LEN)
		return err;
	/* What passed is gone. */
	got.out = in;
	return wire_run(r, from, &in, NULL, &got, &out, 1);
}

static void check_cut(struct rig *r, const struct wire *w, const struct cut *c, uint32_t len)
{
	const enum dlma_packet_reason *reason = reason_at(c, len);
	int err;

	in.len = len;
	err = run_anyhow(r, w, c);
	if (err == -EINVAL && (len < ETH_LEN || (!w && len < ETH_LEN + IP6_LEN)))
		return;
	cr_assert_geq(err, 0, "%s of %u octets: %s", c->name, len, strerror(-err));
	cr_expect_eq(got.counted[DLMA_PACKET_received].packets, 1, "%s of %u", c->name, len);
	if (reason)
		cr_expect_eq(got.counted[*reason].packets, 1, "%s of %u octets: not %s", c->name,
			len, dlma_packet_texts[*reason].name);
	if (got.verdict == VERDICT_PASS)
		cr_expect(got.out.len == len && !memcmp(got.out.bytes, in.bytes, len),
			"%s of %u octets: not as it came", c->name, len);
}

static void truncated(enum hook hook)
{
	struct rig *r = suite_open(hook);
	const char *missing;
	struct wire *w = wire_open(r, hook, &missing);

	ecn_tables(r);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		tables.node.version = cuts[i].version ? 0 : DLMA_ABI_VERSION;
		cr_assert_eq(rig_fill(r, &tables), 0);
		packet_build(cuts[i].layers, &in);
		cr_assert_eq(in.len, CUT_MAX, "%s has %u octets", cuts[i].name, in.len);
		for (uint32_t len = 0; len <= CUT_MAX; len++)
			check_cut(r, w, &cuts[i], len);
	}
	wire_close(w);
	rig_close(r);
}

Test(sweeps, truncated_xdp)
{
	truncated(HOOK_XDP);
}

Test(sweeps, truncated_tc)
{
	truncated(HOOK_TC);
}

enum { FLOWS = 64, SPREAD = FLOWS / 2 };

static uint32_t label_towards(struct rig *r, unsigned int flow)
{
	char hoa[64];
	const struct layer layers[] = {ARRIVES, IP6(CN, hoa), ICMP6, {0}};

	snprintf(hoa, sizeof(hoa), "2001:db8:1:5::%x", flow);
	packet_build(layers, &in);
	cr_assert_eq(rig_run(r, SIDE_NETWORK, rig_ifindex(r)[LINK_CORE], &in, &got), 0);
	return packet_be32(got.out.bytes + ETH_LEN) & 0xfffff;
}

/* RFC 6438: one label per flow, spread over all. Here the flows differ in one octet of an address.
 */
static void labels(enum hook hook)
{
	uint32_t label[FLOWS];
	struct rig *r = suite_open(hook);
	unsigned int distinct = 0;

	ecn_tables(r);
	cr_assert_eq(rig_fill(r, &tables), 0);
	for (unsigned int i = 0; i < FLOWS; i++) {
		bool seen = false;

		label[i] = label_towards(r, i);
		for (unsigned int k = 0; k < i; k++)
			seen = seen || label[k] == label[i];
		distinct += !seen;
	}
	rig_close(r);
	cr_expect(distinct >= SPREAD, "%s: %u labels", hook_names[hook], distinct);
}

Test(sweeps, labels_xdp)
{
	labels(HOOK_XDP);
}

Test(sweeps, labels_tc)
{
	labels(HOOK_TC);
}

/* Metadata of another program takes the room before the frame. */
Test(sweeps, no_room_before_the_frame)
{
	static const struct layer layers[] = {ARRIVES, IP6(CN, HOA), UDP, {0}};
	struct rig *r = suite_open(HOOK_XDP);
	uint32_t ingress = rig_ifindex(r)[LINK_CORE];
	int err;

	tables_init(&tables, rig_ifindex(r), LMA_);
	tables_add_location(&tables, HNP, DLMA_LOCATION_CACHED, NODE_D_LMA);
	cr_assert_eq(rig_fill(r, &tables), 0);
	packet_build(layers, &in);
	cr_assert_eq(rig_run_behind(r, SIDE_NETWORK, ingress, &in, 32, &got), 0);
	cr_expect_eq(got.counted[DLMA_PACKET_tunnel_cached].packets, 1);
	err = rig_run_behind(r, SIDE_NETWORK, ingress, &in, 200, &got);
	rig_close(r);
	if (err)
		cr_skip_test("this needs XDP metadata of more than 32 octets (Linux 6.8)");
	cr_expect_eq(got.counted[DLMA_PACKET_no_room].packets, 1);
	cr_expect_eq(got.verdict, VERDICT_DROP);
}
