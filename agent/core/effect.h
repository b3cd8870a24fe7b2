/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the core wants done. Data only; io/ carries it out, in order, with one rule on top: nothing
 * is sent about a HNP before what was put into the store for it is durable.
 */
#pragma once

#include "core/record.h"
#include "core/report.h"
#include "wire/nd.h"

enum effect_limits {
	EFFECTS_MAX = 64,	/* of one step; no handler comes near */
	EFFECT_BYTES_MAX = 768, /* the longest message that we build */
};

enum effect_kind {
	EFFECT_SEND,  /* a Mobility Header, complete with checksum */
	EFFECT_FRAME, /* an IPv6 packet to one MN on an access link */
	EFFECT_LOCATION_PUT,
	EFFECT_LOCATION_DEL,
	EFFECT_ACCESS_PUT,
	EFFECT_ACCESS_DEL,
	EFFECT_EXPECT,	  /* packets for unknown HNPs may wait from now on, or no more */
	EFFECT_CHECK_USE, /* EVENT_USE answers */
	EFFECT_STORE_PUT,
	EFFECT_STORE_DEL,
	EFFECT_REPORT, /* for the log and for those who watch */
};

struct effect {
	enum effect_kind kind;
	union {
		struct {
			struct dlma_addr dst;
			struct dlma_prefix hnp; /* that it is about; zero: none */
			uint16_t len;
			uint8_t bytes[EFFECT_BYTES_MAX];
		} send;
		struct {
			uint32_t ifindex;
			struct dlma_prefix hnp; /* that it advertises; zero: none */
			uint8_t mac[6];
			uint16_t len;
			uint8_t bytes[ND_PACKET_MAX];
		} frame;
		struct {
			struct dlma_prefix hnp;
			uint8_t kind;		 /* enum dlma_location_kind */
			uint8_t flags;		 /* enum dlma_location_flag */
			struct dlma_addr target; /* our own address: this node */
		} location;			 /* put; del uses hnp only */
		struct {
			struct dlma_prefix hnp;
			uint32_t ifindex;
			uint8_t mac[6];		 /* of the MN */
			uint8_t own_mac[6];	 /* of the access link */
			struct dlma_addr uplink; /* LMA; our own address: this node */
			bool direct;		 /* other MAGs may learn where it is */
		} access;			 /* put; del uses hnp only */
		bool expect;
		struct {
			struct dlma_prefix hnp;
		} check_use;
		struct record store; /* put; del uses hnp only */
		struct report report;
	};
};

struct effects {
	struct effect list[EFFECTS_MAX];
	unsigned int count;
	unsigned int lost; /* more than EFFECTS_MAX: a bug of ours, counted */
};
