/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Layout of the pinned maps: the contract between the BPF programs, the loader and the agent.
 *
 *   map         type            written by   holds
 *   node        array, 1        loader       this node: roles, address, superset
 *   peers       hash            loader       outer source address -> who may tunnel to us
 *   peer_index  array, 1        loader       a short cut to most of them
 *   owners      LPM trie        loader       HoA prefix -> its owner (H-LMA)
 *   adjacencies array           loader       ready-made next hop and outer header of each peer
 *   clock       array, 1        agent        a tick that costs nothing to read; what to expect
 *   locations   hash            agent        HNP -> where its packets go (the location cache)
 *   front       array           agent        copies of most of these, cheap to find (dlma/front.h)
 *   access      hash            agent        HNP -> MN attached to this MAG
 *   counters    per-CPU array,1 programs     packets and bytes by reason
 *   gate        per-CPU array   programs     rate limits of the events and of the ICMPv6 errors
 *   events      perf events     programs     what the agent should know
 *
 * The only field that the programs write into a map of somebody else is `used`.
 * Raise DLMA_ABI_VERSION whenever a layout or a meaning changes: a loader that finds pins of
 * another version refuses them.
 */
#pragma once

#include "dlma/reasons.h"
#include "dlma/types.h"

#define DLMA_ABI_VERSION 3

/*
 * The waiting room: a tap. A packet for a MN between two MAGs, or for one that is just being
 * registered, is redirected into it as it is; the agent reads it there and writes it back, at the
 * latest after a moment. Then it comes in on this interface like on any other, but waits no more.
 */
#define DLMA_HOLD_NAME "dlma0"

enum dlma_limits {
	DLMA_PEERS_MAX = 4096,	    /* nodes of a domain; also adjacencies */
	DLMA_OWNERS_MAX = 4096,	    /* owned prefixes of a domain */
	DLMA_SUPERSET_MAX = 64,	    /* prefixes of the superset, aggregated */
	DLMA_COUNTERS_MAX = 64,	    /* reasons, with room to grow */
	DLMA_TICK_MS = 100,	    /* unit of the clock map and of `used` */
	DLMA_GATE_SLOTS = 2048,	    /* things said that are remembered per CPU and gate */
	DLMA_EVENTS_PER_TICK = 100, /* per CPU: 1000 events a second */
	DLMA_ERRORS_PER_TICK = 100, /* the same for ICMPv6 errors */
	DLMA_LOCATIONS_DEFAULT = 65536,
	DLMA_ACCESS_DEFAULT = 16384,
};

enum dlma_role {
	DLMA_ROLE_LMA = 1,
	DLMA_ROLE_MAG = 2,
	DLMA_ROLE_MAG_PEERS = 4, /* of the node itself: takes tunnels of other MAGs (draft 5.4) */
	DLMA_ROLE_ASK_FIRST = 8, /* likewise: packets wait for an unknown location (draft 6.2) */
};

/*
 * One prefix of the superset, with the length of the HNPs in it (the key of `locations`). The rest
 * numbers the HNPs for `front`: dlma/front.h.
 */
struct dlma_superset {
	struct dlma_addr prefix;
	struct dlma_addr mask;
	struct dlma_addr hnp_mask;
	__u64 front_add;
	__u8 front_word; /* which half of an address tells these HNPs apart; DLMA_FRONT_NONE */
	__u8 front_drop; /* bits before those that do */
	__u8 front_keep; /* 64 less how many do */
	__u8 pad[5];
};

enum { DLMA_LABEL_KEYS = 5 };

struct dlma_node {
	__u32 version;		  /* DLMA_ABI_VERSION; 0 until the loader has filled the maps */
	__u32 roles;		  /* enum dlma_role */
	struct dlma_addr address; /* tunnel end point and signalling address */
	__u32 superset_count;
	__u32 hold_ifindex; /* the waiting room; 0: there is none */
	__u64 front_mult;
	__u32 front_id;	  /* names this numbering of HNPs; never 0 */
	__u32 front_bits; /* `front` has 2^front_bits buckets; 0: it is of no use */
	__u64 label_key;  /* secret of the flow label hash */
	__u64 pad;
	__u64 label[DLMA_LABEL_KEYS]; /* made from it */
	__u64 pad2[3];
	struct dlma_superset superset[DLMA_SUPERSET_MAX]; /* longest prefix first */
};

/* Why an entry of `locations` stands there, and so who may be sent along it. */
enum dlma_location_kind {
	DLMA_LOCATION_NONE,
	DLMA_LOCATION_BINDING,	  /* anchored here (D-LMA); target is the MAG */
	DLMA_LOCATION_FORWARDING, /* was anchored here (previous D-LMA); target is the new D-LMA */
	DLMA_LOCATION_ANCHOR,	  /* owned here (H-LMA); target is the D-LMA */
	DLMA_LOCATION_CACHED,	  /* learnt (O-LMA); target is the D-LMA */
	DLMA_LOCATION_HELD,	  /* anchored here, but the MN has just left its MAG: wait */
};

/* Index of the adjacency that means "this node itself". */
#define DLMA_ADJACENCY_SELF 0

/* Who tunnels packets here could tunnel them further on: say so (draft 5.1.1, 5.4). */
enum dlma_location_flag {
	DLMA_LOCATION_TELL_LMA = 1,
	DLMA_LOCATION_TELL_MAG = 2,
};

/* Eight octets, so that they are read at once. */
struct dlma_location {
	__u16 adjacency; /* index of the target */
	__u8 kind;	 /* enum dlma_location_kind */
	__u8 flags;	 /* enum dlma_location_flag */
	__u32 used;	 /* tick of the last packet; written by the programs */
};

/* A MN on an access link of this MAG. */
struct dlma_access {
	__u32 ifindex;
	__u32 uplink; /* adjacency of its LMA; DLMA_ADJACENCY_SELF if that is this node */
	__u8 mn_mac[6];
	__u8 own_mac[6]; /* of the access link */
	__u32 used;	 /* tick of the last packet from the MN; written by the programs */
	__u32 direct;	 /* not 0: other MAGs may learn where this MN is (draft 5.4) */
	__u32 mtu;	 /* of the access link; 0: unknown */
};

struct dlma_peer {
	__u32 adjacency;
	__u32 roles;
};

/* Key of `owners`; the kernel wants the length first. */
struct dlma_owner_key {
	__u32 prefixlen;
	__u8 prefix[16];
};

struct dlma_owner {
	__u32 adjacency; /* DLMA_ADJACENCY_SELF: owned here */
	__u32 pad;
};

/* What stands before the packet on the wire: Ethernet header and outer IPv6 header, as there. */
struct dlma_header {
	__u8 dst_mac[6];
	__u8 src_mac[6];
	__be16 ethertype;
	__u8 ip6[40]; /* payload length and flow label 0 */
	__u8 pad[2];
};

struct dlma_next_hop {
	__u32 ifindex; /* 0: not resolved; the kernel sends the packet */
	__u16 mtu;     /* largest outer packet, bytes */
	__u16 pad;
	struct dlma_header header;
};

/*
 * The loader fills the copy that is not active, then turns `active`: a reader never sees the
 * address of one next hop with the MAC of another.
 */
struct dlma_adjacency {
	__u32 active; /* 0 or 1 */
	__u32 roles;  /* what the peer may send us, as in `peers`; 0: it is none (any more) */
	struct dlma_addr peer; /* zero: slot free */
	__u64 pad[5];
	struct dlma_next_hop copy[2];
};

/*
 * Where `peers` need not be asked: the slot that the hash of an address leads to names an
 * adjacency, and if that is the peer's, its roles stand there. Slots of adjacencies never change
 * hands, so nothing here is ever half written.
 */
enum { DLMA_PEER_SLOT_BITS = 14 };

struct dlma_peer_index {
	__u16 adjacency[1 << DLMA_PEER_SLOT_BITS]; /* 0: nobody */
};

DLMA_INLINE __u32 peer_slot(const struct dlma_addr *a)
{
	return ((a->q[0] ^ a->q[1] << 1) * 0x9e3779b97f4a7c15ULL) >> (64 - DLMA_PEER_SLOT_BITS);
}

struct dlma_clock {
	__u32 tick;	 /* monotonic time in units of DLMA_TICK_MS */
	__u32 expecting; /* not 0: registrations are under way; packets for unknown HNPs may wait */
	__u32 front;	 /* numbering that `front` is right for (node.front_id); 0: none */
	__u32 pad;
};

struct dlma_counter {
	__u64 packets;
	__u64 bytes;
};

/* By reason. */
struct dlma_counters {
	struct dlma_counter of[DLMA_COUNTERS_MAX];
};

/*
 * The top two bits of the outer flow label tell a re-tunnelled packet from a fresh one. The
 * encapsulation limit of RFC 2473 cannot: it dies with the header at every anchor.
 */
enum dlma_label {
	DLMA_LABEL_FORWARDED = 0x80000, /* a previous D-LMA forwarded it */
	DLMA_LABEL_RETURNED = 0x40000,	/* ...and another one sent it back to the owner */
	DLMA_LABEL_MARKS = DLMA_LABEL_FORWARDED | DLMA_LABEL_RETURNED,
	DLMA_LABEL_HASH_BITS = 18,
	DLMA_LABEL_HASH = (1 << DLMA_LABEL_HASH_BITS) - 1,
};

enum dlma_event_kind {
	DLMA_EVENT_MISS = 1,   /* O-LMA: no location; packet went to the owner */
	DLMA_EVENT_MISROUTED,  /* tunnelled here by `peer`, which should or might know better */
	DLMA_EVENT_UNBOUND,    /* tunnelled here by `peer`, not anchored here: dropped */
	DLMA_EVENT_NEW_SOURCE, /* access link `ifindex`: HoA without a binding, from `mac` */
};

struct dlma_event {
	__u16 version; /* DLMA_ABI_VERSION */
	__u16 kind;    /* enum dlma_event_kind */
	__u32 ifindex;
	struct dlma_addr hoa;  /* destination; of a MN's packet (NEW_SOURCE) the source */
	struct dlma_addr from; /* source of the packet itself */
	struct dlma_addr peer; /* outer source; zero if there was no tunnel */
	__u8 mac[6];
	__u8 pad[2];
};

/* Index of a gate: what may be said, and how often. */
enum dlma_gate_of {
	DLMA_GATE_EVENTS, /* to the agent, each once a second */
	DLMA_GATE_ERRORS, /* to a source about a destination, once a tick */
	DLMA_GATE_COUNT,
};

struct dlma_gate {
	__u32 tick;
	__u32 sent; /* in this tick */
	struct {
		__u32 tag; /* hash of what was said */
		__u32 tick;
	} slot[DLMA_GATE_SLOTS];
	struct dlma_event event; /* where it is made */
};

_Static_assert(sizeof(struct dlma_superset) == 64, "one cache line");
_Static_assert(sizeof(struct dlma_node) == 128 + 64 * DLMA_SUPERSET_MAX, "no hidden padding");
_Static_assert(sizeof(struct dlma_location) == 8, "no hidden padding");
_Static_assert(sizeof(struct dlma_access) == 32, "no hidden padding");
_Static_assert(sizeof(struct dlma_owner_key) == 20, "the kernel's LPM key");
_Static_assert(sizeof(struct dlma_header) == 56, "no hidden padding");
_Static_assert(sizeof(struct dlma_next_hop) == 64, "one cache line of data");
_Static_assert(sizeof(struct dlma_adjacency) == 192, "each copy is one cache line");
_Static_assert(sizeof(struct dlma_event) == 64, "no hidden padding");
_Static_assert(
	(int)DLMA_PACKET_REASON_COUNT <= (int)DLMA_COUNTERS_MAX, "counters map is too small");
