/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the maps hold in a test: written into the kernel by harness.h, read by model.h. A domain of
 * a few LMAs and MAGs with nested prefixes is there from the start; locations and MNs are added.
 */
#pragma once

#include "packet.h"
#include "dlma/abi.h"

enum {
	TABLE_PEERS = 12,
	TABLE_OWNERS = 12,
	TABLE_ADJACENCIES = 12,
	TABLE_LOCATIONS = 32,
	TABLE_ACCESS = 16,
	TABLE_TICK = 1000, /* of the clock at first */
	TABLE_USED = 7,	   /* of the entries at first */
};

/* Interfaces of the node under test; the harness knows their ifindex. */
enum link {
	LINK_NONE,
	LINK_CORE,
	LINK_CORE2,
	LINK_ACCESS,
	LINK_ACCESS2,
	LINK_HOLD, /* the waiting room */
	LINK_COUNT,
};

/* The adjacencies, and so the nodes of the domain. */
enum {
	NODE_SELF,
	NODE_H_LMA,
	NODE_D_LMA,
	NODE_N_LMA, /* new D-LMA; its next hop is on LINK_CORE, all others are on LINK_CORE2 */
	NODE_MAG,
	NODE_MAG2,
	NODE_UNRESOLVED,	      /* an LMA whose next hop the kernel has to find */
	NODE_NARROW,		      /* an LMA behind a small MTU */
	NODE_BOTH,		      /* LMA and MAG in one */
	NODE_FREE,		      /* a slot that nobody has */
	NODE_BEYOND = DLMA_PEERS_MAX, /* no slot */
};

enum { MTU = 1500, MTU_NARROW = 1320, MTU_ACCESS = 1500 };

#define SELF	   "2001:db8:f::1"
#define H_LMA	   "2001:db8:f::2"
#define D_LMA	   "2001:db8:f::3"
#define N_LMA	   "2001:db8:f::4"
#define MAG	   "2001:db8:f::11"
#define MAG2	   "2001:db8:f::12"
#define UNRESOLVED "2001:db8:f::6"
#define NARROW	   "2001:db8:f::7"
#define BOTH	   "2001:db8:f::8"
#define STRANGER   "2001:db8:f::99"
#define CN	   "2001:db8:c::1"

/* HoAs, and the HNPs that they lie in. */
#define HOA	       "2001:db8:1:5::10" /* owned by the H-LMA */
#define HNP	       "2001:db8:1:5::"
#define HOA2	       "2001:db8:1:6::20" /* the H-LMA's too */
#define HNP2	       "2001:db8:1:6::"
#define HOA_OWN	       "2001:db8:2:7::10" /* owned by this node */
#define HNP_OWN	       "2001:db8:2:7::"
#define HOA_49	       "2001:db8:1:9005::10" /* in a /49 of the D-LMA inside the H-LMA's /48 */
#define HNP_49	       "2001:db8:1:9005::"
#define HOA_56	       "2001:db8:1:80aa::10" /* in a /56 of the new D-LMA inside that /49 */
#define HNP_56	       "2001:db8:1:80aa::"
#define HOA_128	       "2001:db8:1:ff01::10" /* in a /56 of single addresses inside the /48 */
#define HOA_128B       "2001:db8:1:ff01::11"
#define HNP_128	       "2001:db8:1:ff01::" /* what would be its HNP, were it a /64 */
#define HOA_60	       "2001:db8:4:45::10" /* in a /60 of /64 inside a /56 of single addresses */
#define HNP_60	       "2001:db8:4:45::"
#define HOA_NARROW     "2001:db8:2:9005::10" /* owned by the LMA behind the small MTU */
#define HOA_UNRESOLVED "2001:db8:4:10::10"   /* owned by the unresolved LMA */
#define HOA_NOBODY     "2001:db8:3:1::10"    /* inside the superset, owned by nobody */

/* MAC addresses, by their last octet. */
enum {
	MAC_ROUTER = 1,
	MAC_MN,
	MAC_MN2,
	MAC_LINK = 0x10, /* + enum link: of this node */
	MAC_NEXT = 0x20, /* + adjacency: of the next hop there */
	MAC_STALE = 0xee,
};

struct tables {
	struct dlma_node node;
	struct dlma_clock clock;
	unsigned int peer_count, owner_count, location_count, access_count;
	struct {
		struct dlma_addr key;
		struct dlma_peer value;
	} peers[TABLE_PEERS];
	struct {
		struct dlma_prefix key;
		struct dlma_owner value;
	} owners[TABLE_OWNERS];
	struct dlma_adjacency adjacencies[TABLE_ADJACENCIES];
	struct {
		struct dlma_addr key;
		struct dlma_location value;
	} locations[TABLE_LOCATIONS];
	struct {
		struct dlma_addr key;
		struct dlma_access value;
	} access[TABLE_ACCESS];
};

/* The domain, no location and no MN. `ifindex` by enum link; roles as in struct dlma_node. */
void tables_init(struct tables *t, const uint32_t ifindex[LINK_COUNT], uint32_t roles);

struct dlma_location *tables_add_location(
	struct tables *t, const char *hnp, uint8_t kind, uint32_t adjacency);

/* A MN with MAC address `mn_mac` on the link. */
struct dlma_access *tables_add_access(struct tables *t, const char *hnp, uint32_t ifindex,
	enum link link, uint32_t uplink, uint8_t mn_mac);
