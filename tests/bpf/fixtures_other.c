// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is none of this node's business must pass untouched. */
#include "fixture.h"

#define HEAR_ALL .locations = {{HNP, DLMA_LOCATION_CACHED, NODE_D_LMA}}
#define TO_SELF	 ARRIVES, IP6(CN, SELF)

#define IN_VLAN                                                                               \
	{                                                                                     \
		"the kernel takes the tag out before TC, and the program takes no notice of " \
		"vlan_present: the packet is handled as if it had come without a tag",        \
			.hooks = 1u << HOOK_TC, .ways = SUITE_WIRE                            \
	}

static const struct fixture other[] = {
	{
		.name = "IPv4",
		.roles = LMA_,
		HEAR_ALL,
		.in = {ETH_TYPE(MAC_LINK + LINK_CORE, MAC_ROUTER, 0x0800),
			RAW(0, 20, "\x45\0\0\x14\0\0\0\0\x40\x01\0\0\xc0\0\x02\x01\xc0\0\x02\x02")},
		.reason = DLMA_PACKET_not_ipv6,
	},
	{
		.name = "ARP",
		.roles = LMA_,
		.in = {ETH_TYPE(0xff, MAC_ROUTER, 0x0806), DATA(28)},
		.reason = DLMA_PACKET_not_ipv6,
	},
	{
		.name = "ARP from an access link",
		.side = SIDE_ACCESS,
		.roles = MAG_,
		.in = {ETH_TYPE(0xff, MAC_MN, 0x0806), DATA(28)},
		.reason = DLMA_PACKET_not_ipv6,
	},
	{
		.name = "an IPv6 packet for a HoA in a VLAN",
		.unlike = IN_VLAN,
		.roles = LMA_,
		HEAR_ALL,
		.in = {ETH_TYPE(MAC_LINK + LINK_CORE, MAC_ROUTER, 0x8100), VLAN(7, 0x86dd),
			IP6(CN, HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ipv6,
	},
	{
		.name = "an IPv6 packet for a HoA in a provider's VLAN",
		.unlike = IN_VLAN,
		.roles = LMA_,
		HEAR_ALL,
		.in = {ETH_TYPE(MAC_LINK + LINK_CORE, MAC_ROUTER, 0x88a8), VLAN(7, 0x86dd),
			IP6(CN, HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ipv6,
	},
	{
		.name = "an IPv6 packet from a MN in a VLAN",
		.unlike = IN_VLAN,
		.side = SIDE_ACCESS,
		.roles = MAG_,
		.access = {{HNP, LINK_ACCESS, NODE_D_LMA, MAC_MN}},
		.in = {ETH_TYPE(MAC_LINK + LINK_ACCESS, MAC_MN, 0x8100), VLAN(7, 0x86dd),
			IP6(HOA, CN), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ipv6,
	},
	{
		.name = "an 802.3 length instead of a type",
		.roles = LMA_,
		.in = {ETH_TYPE(MAC_LINK + LINK_CORE, MAC_ROUTER, 46), DATA(46)},
		.reason = DLMA_PACKET_not_ipv6,
	},
	{
		.name = "an IPv6 type over another version",
		.roles = LMA_,
		HEAR_ALL,
		.in = {ARRIVES, IP6(CN, HOA, .version = 4), UDP, DATA(32)},
		.reason = DLMA_PACKET_malformed,
	},
	{
		.name = "an IPv6 type over another version, from an access link",
		.side = SIDE_ACCESS,
		.roles = MAG_,
		.in = {FROM_MN, IP6(HOA, CN, .version = 7), UDP, DATA(32)},
		.reason = DLMA_PACKET_malformed,
	},
	{
		.name = "to an address outside the superset",
		.roles = LMA_ | MAG_,
		HEAR_ALL,
		.in = {ARRIVES, IP6(CN, "2001:db8:9::1"), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ours,
	},
	{
		.name = "to another's address, and longer than the frame: the kernel judges",
		.roles = LMA_,
		.in = {ARRIVES, IP6(CN, "2001:db8:9::1", .payload = 999), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ours,
	},
	{
		.name = "to a multicast address of the link",
		.roles = LMA_,
		.in = {ARRIVES, IP6("fe80::1", "ff02::1"), ICMP6, DATA(32)},
		.reason = DLMA_PACKET_not_ours,
	},
	{
		.name = "to a link-local address",
		.roles = LMA_,
		.in = {ARRIVES, IP6("fe80::1", "fe80::2"), ICMP6, DATA(32)},
		.reason = DLMA_PACKET_not_ours,
	},
	{
		.name = "a tunnel between two others",
		.roles = LMA_,
		HEAR_ALL,
		.in = {ARRIVES, IP6(H_LMA, D_LMA), IP6(CN, HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ours,
	},
	{
		.name = "to this node: a Mobility Header",
		.rows = "F1",
		.roles = LMA_,
		HEAR_ALL,
		.in = {TO_SELF, RAW(135, 8, "\x3b\0\x0d\0\0\0\0\0")},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "to this node: ESP",
		.rows = "F3",
		.roles = LMA_,
		.in = {TO_SELF, RAW(50, 8, "\0\0\x10\0\0\0\0\x01")},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "to this node: UDP",
		.roles = LMA_,
		.in = {TO_SELF, UDP, DATA(32)},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "to this node: TCP, in a hurry and with one hop left",
		.roles = MAG_,
		.in = {ARRIVES, IP6(CN, SELF, .tc = 0xff, .hop = 1), TCP, DATA(32)},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "to this node: ICMPv6",
		.roles = LMA_,
		.in = {TO_SELF, ICMP6, DATA(1200)},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "to this node: IPv4 in IPv6 from a peer",
		.roles = LMA_,
		.in = {ARRIVES, IP6(H_LMA, SELF), RAW(4, 4, "\x45\0\0\x14")},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "to this node: GRE from a peer",
		.roles = LMA_,
		.in = {ARRIVES, IP6(H_LMA, SELF), RAW(47, 4, "\0\0\x86\xdd")},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "to this node: nothing at all",
		.roles = LMA_,
		.in = {TO_SELF},
		.reason = DLMA_PACKET_local,
	},
	{
		.name = "not configured: for a HoA",
		.version = (uint32_t)VERSION_NONE,
		.roles = LMA_,
		HEAR_ALL,
		.in = {ARRIVES, IP6(CN, HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ready,
	},
	{
		.name = "not configured: a broken frame",
		.version = (uint32_t)VERSION_NONE,
		.roles = LMA_,
		.in = {ARRIVES, IP6(CN, HOA, .version = 5)},
		.reason = DLMA_PACKET_not_ready,
	},
	{
		.name = "not configured: from an access link",
		.version = (uint32_t)VERSION_NONE,
		.side = SIDE_ACCESS,
		.roles = MAG_,
		.access = {{HNP, LINK_ACCESS, NODE_D_LMA, MAC_MN}},
		.in = {FROM_MN, IP6(HOA, CN), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ready,
	},
	{
		.name = "configured by another version",
		.version = DLMA_ABI_VERSION + 1,
		.roles = LMA_,
		HEAR_ALL,
		.in = {ARRIVES, IP6(CN, HOA), UDP, DATA(32)},
		.reason = DLMA_PACKET_not_ready,
	},
};

const struct fixture_set fixtures_other = FIXTURE_SET(other);
