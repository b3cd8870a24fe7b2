// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tunnel exits: who may tunnel, what may come out (RFC 2473 3.3 and 6, RFC 6040, draft 9). */
#include "fixture.h"

#define BOUND                                        \
	{                                            \
		HNP, DLMA_LOCATION_BINDING, NODE_MAG \
	}
#define ATTACHED                                     \
	{                                            \
		HNP, LINK_ACCESS, NODE_D_LMA, MAC_MN \
	}
#define TUNNEL	ARRIVES, IP6(H_LMA, SELF)
#define INNER	IP6(CN, HOA), UDP, DATA(32)
#define OUTSIDE LEAVES(NODE_MAG), IP6(SELF, MAG)

static const struct fixture exit_[] = {
	{
		.name = "from a stranger",
		.rows = "F2",
		.roles = LMA_ | MAG_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(STRANGER, SELF), INNER},
		.reason = DLMA_PACKET_untrusted_peer,
	},
	{
		.name = "from a stranger, with an encapsulation limit",
		.rows = "F2",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(STRANGER, SELF), ENCAP_LIMIT, INNER},
		.reason = DLMA_PACKET_untrusted_peer,
	},
	{
		.name = "from this node's own address",
		.rows = "F2",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(SELF, SELF), INNER},
		.reason = DLMA_PACKET_untrusted_peer,
	},
	{
		.name = "no IPv6 inside",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, IP6(CN, HOA, .version = 4), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_malformed,
	},
	{
		.name = "the packet inside is longer than the tunnel's payload",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, IP6(CN, HOA, .payload = 41), UDP, DATA(32), PAD(20)},
		.reason = DLMA_PACKET_inner_malformed,
	},
	{
		.name = "the tunnel's payload is longer than the frame",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(H_LMA, SELF, .payload = 81), INNER},
		.reason = DLMA_PACKET_inner_malformed,
	},
	{
		.name = "the tunnel claims no payload",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(H_LMA, SELF, .payload = PAYLOAD_ZERO), INNER},
		.reason = DLMA_PACKET_inner_malformed,
	},
	{
		.name = "padding behind the tunnel's payload",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, INNER, PAD(9)},
		.reason = DLMA_PACKET_tunnel_binding,
		.to = LINK_CORE2,
		.out = {OUTSIDE, IP6(CN, HOA, .hop = 63), UDP, DATA(32), PAD(9)},
		.used = USED_LOCATION(0),
	},
	{
		.name = "a header of 39 octets inside",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(H_LMA, SELF, .next = 41), DATA(39)},
		.reason = DLMA_PACKET_inner_malformed,
	},
	{
		.name = "inner source: multicast",
		.rows = "H7",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, IP6("ff0e::1", HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_source,
	},
	{
		.name = "inner source: link-local",
		.rows = "H7",
		.roles = MAG_,
		.access = {ATTACHED},
		.in = {TUNNEL, IP6("fe80::1", HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_source,
	},
	{
		.name = "inner source: unspecified",
		.rows = "H7",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, IP6("::", HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_source,
	},
	{
		.name = "inner source: loopback",
		.rows = "H7",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, IP6("::1", HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_source,
	},
	{
		.name = "inner source: this node's own address",
		.rows = "F2 H7",
		.unlike = {"it is tunnelled on: nothing compares the inner source with the node's "
			   "address"},
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, IP6(SELF, HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_source,
	},
	{
		.name = "inner destination: multicast",
		.roles = LMA_,
		.in = {TUNNEL, IP6(CN, "ff0e::1"), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_destination,
	},
	{
		.name = "inner destination: link-local",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(MAG, SELF), IP6(HOA, "fe80::1"), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_destination,
	},
	{
		.name = "inner destination: unspecified",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(MAG, SELF), IP6(HOA, "::"), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_destination,
	},
	{
		.name = "inner destination: loopback",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(MAG, SELF), IP6(HOA, "::1"), UDP, DATA(32)},
		.reason = DLMA_PACKET_inner_destination,
	},
	{
		.name = "congestion outside, not ECN-capable inside",
		.rows = "H2",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(H_LMA, SELF, .tc = 3), IP6(CN, HOA, .tc = 0xfc), UDP, DATA(32)},
		.reason = DLMA_PACKET_ecn,
	},
	{
		.name = "encapsulation limit: taken out by a relay",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, ENCAP_LIMIT, INNER},
		.reason = DLMA_PACKET_tunnel_binding,
		.to = LINK_CORE2,
		.out = {OUTSIDE, IP6(CN, HOA, .hop = 63), UDP, DATA(32)},
		.used = USED_LOCATION(0),
	},
	{
		.name = "encapsulation limit: taken out on delivery",
		.roles = MAG_,
		.access = {ATTACHED},
		.in = {TUNNEL, ENCAP_LIMIT, INNER, PAD(3)},
		.reason = DLMA_PACKET_delivered,
		.to = LINK_ACCESS,
		.out = {TO_MN, IP6(CN, HOA, .hop = 63), UDP, DATA(32), PAD(3)},
	},
	{
		.name = "encapsulation limit: taken out of a MN's packet to a CN",
		.rows = "C6",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(MAG, SELF), ENCAP_LIMIT, IP6(HOA, CN), TCP, DATA(32)},
		.reason = DLMA_PACKET_from_mn,
		.out = {ARRIVES, IP6(HOA, CN), TCP, DATA(32)},
	},
	{
		.name = "encapsulation limit of 0: it is the next entry point that must stop",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, HEADER(60, 6, "\x04\x01\0\x01\x01\0"), INNER},
		.reason = DLMA_PACKET_tunnel_binding,
		.to = LINK_CORE2,
		.out = {OUTSIDE, IP6(CN, HOA, .hop = 63), UDP, DATA(32)},
		.used = USED_LOCATION(0),
	},
	{
		.name = "encapsulation limit: the tunnel's payload is shorter than the header",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {ARRIVES, IP6(H_LMA, SELF, .payload = 7), ENCAP_LIMIT, INNER},
		.reason = DLMA_PACKET_inner_malformed,
	},
	{
		.name = "encapsulation limit: the packet inside takes the header's octets for its "
			"own",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, ENCAP_LIMIT, IP6(CN, HOA, .payload = 41), UDP, DATA(32), PAD(8)},
		.reason = DLMA_PACKET_inner_malformed,
	},
	{
		.name = "encapsulation limit before anything but IPv6: the kernel's",
		.roles = LMA_,
		.in = {TUNNEL, ENCAP_LIMIT, UDP, DATA(64)},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "other destination options before IPv6: the kernel's",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, DST_OPTIONS, INNER},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "destination options of 16 octets: the kernel's",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, HEADER(60, 14, "\x04\x01\x04\x01\x09\0\0\0\0\0\0\0\0\0"), INNER},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "destination options cut short: the kernel's",
		.roles = LMA_,
		.in = {ARRIVES, IP6(H_LMA, SELF, .next = 60),
			RAW(60, 7, "\x29\0\x04\x01\x04\x01\x01")},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "a fragment of a tunnel: the kernel's",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, FRAGMENT, INNER},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "Hop-by-Hop options outside: the kernel's",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, HOP_BY_HOP, INNER},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "a routing header outside: the kernel's",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, ROUTING, INNER},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "a tunnel within the tunnel: an ordinary packet, one header comes off",
		.roles = LMA_,
		.locations = {BOUND},
		.in = {TUNNEL, IP6(CN, HOA), IP6(STRANGER, HOA2), UDP, DATA(8)},
		.reason = DLMA_PACKET_tunnel_binding,
		.to = LINK_CORE2,
		.out = {OUTSIDE, IP6(CN, HOA, .hop = 63), IP6(STRANGER, HOA2), UDP, DATA(8)},
		.used = USED_LOCATION(0),
	},
};

const struct fixture_set fixtures_exit = FIXTURE_SET(exit_);
