/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One frame, what the maps hold, and what must become of it: written down octet by octet, layer by
 * layer, and valid for both hooks.
 */
#pragma once

#include "harness.h"

enum {
	FIXTURE_LAYERS = 10,
	FIXTURE_ENTRIES = 3,
	LMA_ = DLMA_ROLE_LMA,
	MAG_ = DLMA_ROLE_MAG,
	USED_ACCESS_SHIFT = 8,
	QUOTE = 1280 - IP6_LEN - 8, /* octets in an ICMPv6 error */
	QUOTE_TUNNELLED = QUOTE - IP6_LEN,
};

/* Entries whose `used` must become the present tick: bit i for the i-th location or MN. */
#define USED_LOCATION(i) (1u << (i))
#define USED_ACCESS(i)	 (1u << ((i) + USED_ACCESS_SHIFT))

struct fixture {
	const char *name;
	const char *rows; /* of the requirements that it supports */
	enum side side;
	uint32_t roles;
	uint32_t version; /* of the node; 0: as it must be, VERSION_NONE: not configured */
	bool expecting;	  /* registrations are under way */
	bool no_hold;	  /* the node has no waiting room */
	enum link from;	  /* where the frame comes in; LINK_NONE: by the side */
	struct {
		const char *hnp;
		uint8_t kind;
		uint32_t adjacency;
		uint8_t flags;
	} locations[FIXTURE_ENTRIES];
	struct {
		const char *hnp;
		enum link link;
		uint32_t uplink;
		uint8_t mac;
		bool direct;
	} access[FIXTURE_ENTRIES];
	struct layer in[FIXTURE_LAYERS];

	enum dlma_packet_reason reason;
	enum link to;			  /* LINK_NONE: passed or dropped, by the reason */
	struct layer out[FIXTURE_LAYERS]; /* none: as it came, or dropped */
	uint32_t used;
	struct {
		uint16_t kind; /* enum dlma_event_kind; 0: none */
		const char *hoa, *peer;
		uint8_t mac;
	} event;
};

enum { VERSION_NONE = UINT32_MAX };

/* The Ethernet headers of a frame that comes to this node, and of one that it sends to another. */
#define ARRIVES	     ETH(MAC_LINK + LINK_CORE, MAC_ROUTER)
#define LEAVES(node) ETH(MAC_NEXT + (node), MAC_LINK + LINK_CORE2)
#define FROM_MN	     ETH(MAC_LINK + LINK_ACCESS, MAC_MN)
#define TO_MN	     ETH(MAC_MN, MAC_LINK + LINK_ACCESS)

/* The answer to a frame FROM_MN, and what of a UDP packet of so many octets an answer quotes. */
#define BACK_TO_MN ETH(MAC_MN, MAC_LINK + LINK_ACCESS)
#define QUOTED(from, to, octets) \
	IP6(from, to, .payload = (octets)-IP6_LEN), UDP, DATA(QUOTE - IP6_LEN - 8)
#define FILLED(octets) UDP, DATA((octets)-IP6_LEN - 8)

struct fixture_set {
	const char *name;
	const struct fixture *fixtures;
	unsigned int count;
};

/* All of them; ends with NULL. */
extern const struct fixture_set *const fixture_sets[];

extern const struct fixture_set fixtures_originating, fixtures_anchor, fixtures_mn, fixtures_mag,
	fixtures_exit, fixtures_size, fixtures_too_big, fixtures_other, fixtures_bypass;

#define FIXTURE_SET(set)                                \
	{                                               \
#set, set, sizeof(set) / sizeof(*(set)) \
	}

enum link fixture_ingress(const struct fixture *f);

/* What the maps hold before. `ifindex` is by enum link. */
void fixture_tables(
	const struct fixture *f, const uint32_t ifindex[LINK_COUNT], struct tables *ret);

/* What must become of the frame, and of the maps. */
void fixture_expect(const struct fixture *f, const uint32_t ifindex[LINK_COUNT],
	const struct frame *in, struct outcome *ret);
void fixture_expect_used(const struct fixture *f, struct tables *t);
