// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cases.h"
#include <arpa/inet.h>
#include <netinet/in.h>

enum {
	AT_DST = 24,
	AT_SRC = 8,
	AT_HOP = 7,
	HOP_LIMIT = 64,
	XDP_ONLY = 1 << BENCH_XDP,
	BOTH_HOOKS = 1 << BENCH_XDP | 1 << BENCH_TC,
};

const uint32_t bench_sizes[BENCH_SIZES] = {1000, 100000, 1000000, 4000000};
const char *const bench_size_names[BENCH_SIZES] = {"1k", "100k", "1M", "4M"};

#define GOALS(a, b, c, d)                                                                         \
	{                                                                                         \
		{GOAL_FLOOR, a}, {GOAL_FLOOR, b}, {GOAL_FLOOR_MEMORY, c}, {GOAL_FLOOR_MEMORY, d}, \
	}
#define GOAL_SMALL(a)            \
	{                        \
		{GOAL_FLOOR, a}, \
	}
#define GOALS_TAX                                                                          \
	{                                                                                  \
		{GOAL_NS_OR_FLOOR, 0.7}, {GOAL_NS_OR_FLOOR, 0.7}, {GOAL_NS_OR_FLOOR, 0.7}, \
			{GOAL_NS_OR_FLOOR, 0.7},                                           \
	}

const struct bench_case bench_cases[] = {
	{"push", "O-LMA hit", BENCH_OLMA, FRAME_TO_HOA, BENCH_KEYS_UNIFORM, 128, .hooks = XDP_ONLY,
		.reason = DLMA_PACKET_tunnel_cached, .moved = IP6_LEN,
		.goal = GOALS(2.0, 4.5, 1.1, 1.3)},
	{"push-zipf", "O-LMA hit, Zipf(1.0)", BENCH_OLMA, FRAME_TO_HOA, BENCH_KEYS_ZIPF, 128,
		.hooks = XDP_ONLY, .reason = DLMA_PACKET_tunnel_cached, .moved = IP6_LEN,
		.goal = GOALS(2.0, 4.0, 0.7, 0.8)},
	{"push-1400", "O-LMA hit, 1400 octets", BENCH_OLMA, FRAME_TO_HOA, BENCH_KEYS_UNIFORM, 1400,
		.hooks = XDP_ONLY, .reason = DLMA_PACKET_tunnel_cached, .moved = IP6_LEN},
	{"push-other-link", "O-LMA hit, out by another interface", BENCH_OLMA, FRAME_TO_HOA,
		BENCH_KEYS_UNIFORM, 128, .other_link = true, .hooks = XDP_ONLY,
		.reason = DLMA_PACKET_tunnel_cached, .moved = IP6_LEN},
	{"miss-16", "miss, owner among 16 prefixes", BENCH_OLMA, FRAME_TO_HOA, BENCH_KEYS_ABSENT,
		128, .owners = 16, .hooks = XDP_ONLY, .reason = DLMA_PACKET_tunnel_owner,
		.moved = IP6_LEN},
	{"miss-1000", "miss, owner among 1000 prefixes", BENCH_OLMA, FRAME_TO_HOA,
		BENCH_KEYS_ABSENT, 128, .owners = 1000, .hooks = XDP_ONLY,
		.reason = DLMA_PACKET_tunnel_owner, .moved = IP6_LEN,
		.goal = {[BENCH_1M] = {GOAL_FLOOR_MEMORY, 1.5}}},
	{"not-ours", "not ours", BENCH_OLMA, FRAME_TO_ANY, BENCH_KEYS_UNIFORM, 128,
		.hooks = BOTH_HOOKS, .reason = DLMA_PACKET_not_ours, .goal = GOALS_TAX},
	{"relay-d", "D-LMA relay", BENCH_DLMA, FRAME_TUNNEL, BENCH_KEYS_UNIFORM, 128,
		.hooks = BOTH_HOOKS, .reason = DLMA_PACKET_tunnel_binding,
		.goal = GOALS(1.2, 4.5, 1.2, 1.4)},
	{"relay-d-zipf", "D-LMA relay, Zipf(1.0)", BENCH_DLMA, FRAME_TUNNEL, BENCH_KEYS_ZIPF, 128,
		.hooks = BOTH_HOOKS, .reason = DLMA_PACKET_tunnel_binding},
	{"relay-d-1400", "D-LMA relay, 1400 octets", BENCH_DLMA, FRAME_TUNNEL, BENCH_KEYS_UNIFORM,
		1400, .hooks = BOTH_HOOKS, .reason = DLMA_PACKET_tunnel_binding},
	{"relay-h", "H-LMA relay", BENCH_HLMA, FRAME_TUNNEL, BENCH_KEYS_UNIFORM, 128,
		.hooks = BOTH_HOOKS, .reason = DLMA_PACKET_tunnel_location,
		.goal = GOALS(1.2, 4.5, 1.2, 1.4)},
	{"relay-h-zipf", "H-LMA relay, Zipf(1.0)", BENCH_HLMA, FRAME_TUNNEL, BENCH_KEYS_ZIPF, 128,
		.hooks = BOTH_HOOKS, .reason = DLMA_PACKET_tunnel_location},
	{"unbound", "H-LMA, HoA bound nowhere: dropped", BENCH_HLMA, FRAME_TO_HOA,
		BENCH_KEYS_ABSENT, 128, .hooks = BOTH_HOOKS, .reason = DLMA_PACKET_unbound},
	{"deliver", "MAG delivery", BENCH_MAG, FRAME_TUNNEL, BENCH_KEYS_UNIFORM, 128,
		.small_only = true, .hooks = BOTH_HOOKS, .reason = DLMA_PACKET_delivered,
		.moved = -IP6_LEN, .goal = GOAL_SMALL(2.2)},
	{"uplink", "MAG uplink", BENCH_MAG, FRAME_FROM_MN, BENCH_KEYS_UNIFORM, 128,
		.other_link = true, .small_only = true, .hooks = XDP_ONLY,
		.reason = DLMA_PACKET_tunnel_uplink, .moved = IP6_LEN, .goal = GOAL_SMALL(2.2)},
};

const unsigned int bench_case_count = sizeof(bench_cases) / sizeof(*bench_cases);

const char *bench_layout(enum bench_frame frame)
{
	static const char *const names[] = {
		[FRAME_TO_HOA] = "native",
		[FRAME_TO_ANY] = "native",
		[FRAME_TUNNEL] = "tunnel",
		[FRAME_FROM_MN] = "uplink",
	};

	return names[frame];
}

static const struct dlma_addr cn = {.b = {0x20, 0x01, 0x0d, 0xb9, 0, 0xcc, [15] = 1}};

static struct dlma_addr hoa(const struct bench_case *c, uint32_t index)
{
	struct dlma_addr a = {.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x10}};

	if (c->frame == FRAME_TO_ANY)
		a.b[3] = 0xba;
	a.w[1] = c->keys == BENCH_KEYS_ABSENT ? htonl(index << 16) : htonl(bench_key(index));
	return a;
}

static uint8_t *put_ip6(uint8_t *at, uint32_t payload, uint8_t next, const struct dlma_addr *src,
	const struct dlma_addr *dst)
{
	const uint8_t first[8] = {
		0x60, 0, 0, 0, (uint8_t)(payload >> 8), (uint8_t)payload, next, HOP_LIMIT};

	memcpy(at, first, sizeof(first));
	memcpy(at + AT_SRC, src, sizeof(*src));
	memcpy(at + AT_DST, dst, sizeof(*dst));
	return at + IP6_LEN;
}

uint32_t bench_frame(const struct bench_case *c, uint32_t index, uint8_t *ret)
{
	struct dlma_addr self = bench_self(), sender = bench_peer(BENCH_SENDER);
	struct dlma_addr mn = hoa(c, index);
	bool up = c->frame == FRAME_FROM_MN;
	uint32_t rest = c->octets - ETH_LEN - IP6_LEN;
	uint8_t *at = ret + ETH_LEN;

	memset(ret, 0, c->octets);
	bench_mac(2, ret);
	bench_mac(up ? 3 : 1, ret + 6);
	memcpy(ret + 12, "\x86\xdd", 2);
	if (c->frame == FRAME_TUNNEL) {
		at = put_ip6(at, rest, IPPROTO_IPV6, &sender, &self);
		rest -= IP6_LEN;
	}
	at = put_ip6(at, rest, IPPROTO_UDP, up ? &mn : &cn, up ? &cn : &mn);
	memcpy(at, "\x12\x34\x56\x78", 4);
	at[4] = (uint8_t)(rest >> 8);
	at[5] = (uint8_t)rest;
	return c->octets;
}

/* The packet that the MN or the CN sent, in what went in or came out. */
static const uint8_t *own(const uint8_t *frame, bool tunnelled)
{
	return frame + ETH_LEN + (tunnelled ? IP6_LEN : 0);
}

static bool same_but_hop(const uint8_t *before, const uint8_t *after, uint32_t octets)
{
	return before[AT_HOP] - 1 == after[AT_HOP] && !memcmp(before, after, AT_HOP) &&
	       !memcmp(before + AT_HOP + 1, after + AT_HOP + 1, octets - AT_HOP - 1);
}

static uint32_t expected_target(const struct bench_case *c, uint32_t index)
{
	return c->role == BENCH_MAG ? 1 + index % 15 : bench_target(c->role, index);
}

static const char *check_tunnel(
	const struct bench_case *c, const uint8_t *out, uint32_t octets, uint32_t index)
{
	uint32_t target = expected_target(c, index), payload = octets - ETH_LEN - IP6_LEN;
	struct dlma_addr self = bench_self(), peer = bench_peer(target);
	uint8_t mac[6];

	bench_mac((uint8_t)(0x20 + target), mac);
	if (memcmp(out, mac, 6) || memcmp(out + 12, "\x86\xdd", 2))
		return "wrong next hop";
	if (memcmp(out + ETH_LEN + AT_SRC, &self, 16) || memcmp(out + ETH_LEN + AT_DST, &peer, 16))
		return "wrong ends of the tunnel";
	if (out[ETH_LEN + 4] != payload >> 8 || out[ETH_LEN + 5] != (uint8_t)payload ||
		out[ETH_LEN + 6] != IPPROTO_IPV6)
		return "wrong outer header";
	return NULL;
}

static const char *check_delivery(const uint8_t *out)
{
	uint8_t mac[6];

	bench_mac(3, mac);
	return memcmp(out, mac, 6) ? "wrong MN" : NULL;
}

const char *bench_check(const struct bench_case *c, const uint8_t *in, const uint8_t *out,
	uint32_t out_octets, uint32_t index)
{
	bool was_tunnelled = c->frame == FRAME_TUNNEL;
	bool is_tunnelled = c->moved ? c->moved > 0 : was_tunnelled;
	uint32_t octets = c->octets - ETH_LEN - (was_tunnelled ? IP6_LEN : 0);

	if (c->reason == DLMA_PACKET_unbound)
		return NULL;
	if (out_octets != c->octets + (uint32_t)c->moved)
		return "wrong length";
	if (c->reason == DLMA_PACKET_not_ours)
		return memcmp(in, out, out_octets) ? "not as it came" : NULL;
	if (!same_but_hop(own(in, was_tunnelled), own(out, is_tunnelled), octets))
		return "the packet inside was changed";
	return is_tunnelled ? check_tunnel(c, out, out_octets, index) : check_delivery(out);
}
