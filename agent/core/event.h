/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happens to the core. Everything that it ever learns comes in one of these. */
#pragma once

#include "core/record.h"
#include "dlma/abi.h"
#include "wire/nd.h"

enum event_kind {
	EVENT_TICK,	 /* time has passed */
	EVENT_DATAGRAM,	 /* a Mobility Header came */
	EVENT_NEIGHBOUR, /* ND or MLD of a MN on an access link */
	EVENT_PACKET,	 /* the data path reports (struct dlma_event) */
	EVENT_ATTACH,	 /* the operator or the access network says so */
	EVENT_DETACH,
	EVENT_REVOKE,	      /* the operator ends the service of a MN */
	EVENT_KEYS,	      /* the operator has other keys for the peers */
	EVENT_DRAIN,	      /* the operator wants this node empty, or not any more */
	EVENT_LINK,	      /* an access link came, changed or went */
	EVENT_USE,	      /* answer to EFFECT_CHECK_USE */
	EVENT_MAP_FAILED,     /* EFFECT_LOCATION_PUT did not fit */
	EVENT_RESTORE,	      /* at start: a row of the store */
	EVENT_ADOPT_LOCATION, /* at start: an entry of the locations map */
	EVENT_ADOPT_ACCESS,   /* at start: an entry of the access map */
};

struct event {
	enum event_kind kind;
	union {
		struct {
			struct dlma_addr src, dst;
			const uint8_t *bytes; /* the Mobility Header */
			size_t len;
		} datagram;
		struct {
			uint32_t ifindex;
			uint8_t mac[6];
			struct nd_message message;
		} neighbour;
		struct dlma_event packet;
		struct {
			uint32_t ifindex; /* 0: any access link (EVENT_DETACH) */
			uint8_t mac[6];
		} attach; /* and detach */
		struct identity revoke;
		struct {
			const struct domain_key *list; /* all of them; read during the step */
			uint32_t count;
		} keys;
		struct {
			bool on;
			uint16_t to; /* node that takes the MNs, or DOMAIN_NO_NODE */
		} drain;
		struct {
			uint32_t ifindex;
			uint8_t mac[6];
			uint32_t mtu; /* for the MN, once tunnelled; 0: the link is gone */
		} link;
		struct {
			struct dlma_prefix hnp;
			uint64_t idle_ms; /* since the last packet */
		} use;
		struct {
			struct dlma_prefix hnp;
		} map_failed;
		struct record restore;
		struct {
			struct dlma_prefix hnp;
			uint8_t kind; /* enum dlma_location_kind */
			struct dlma_addr target;
		} adopt_location;
		struct {
			struct dlma_prefix hnp;
			uint32_t ifindex;
			uint8_t mac[6];
		} adopt_access;
	};
};

/* The time of an event. Timers run on mono_ms; wall only ever goes into Timestamp options. */
struct moment {
	uint64_t mono_ms;
	uint64_t wall; /* format of option 27: seconds << 16 | 1/65536 s */
};
