/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the packet bench measures, and what must be true of each packet in it. */
#pragma once

#include "node.h"

/* Sizes of the tables. */
enum { BENCH_1K, BENCH_100K, BENCH_1M, BENCH_4M, BENCH_SIZES };
extern const uint32_t bench_sizes[BENCH_SIZES];
extern const char *const bench_size_names[BENCH_SIZES];

enum bench_frame {
	FRAME_TO_HOA,  /* native */
	FRAME_TO_ANY,  /* native, to an address that is no HoA */
	FRAME_TUNNEL,  /* to a HoA, in a tunnel of another LMA */
	FRAME_FROM_MN, /* native, on the access link */
};

enum bench_unit { GOAL_NONE, GOAL_FLOOR, GOAL_FLOOR_MEMORY, GOAL_NS_OR_FLOOR };

struct bench_case {
	const char *name;
	const char *what;
	enum bench_role role;
	enum bench_frame frame;
	enum bench_keys keys;
	uint32_t octets;
	uint32_t owners; /* prefixes that somebody owns; 0: 16 */
	bool other_link; /* leaves by another interface than it came by */
	bool small_only; /* with tables of 1 k */
	uint32_t hooks;	 /* bits of enum bench_hook */
	enum dlma_packet_reason reason;
	int moved; /* octets that the packet grows by */
	struct {
		enum bench_unit unit;
		double factor;
	} goal[BENCH_SIZES]; /* under XDP */
};

extern const struct bench_case bench_cases[];
extern const unsigned int bench_case_count;

/* Which wrapper suits such a frame: the end of its name. */
const char *bench_layout(enum bench_frame frame);

/* The first frame of a case, for the location `index`; returns its octets. */
uint32_t bench_frame(const struct bench_case *c, uint32_t index, uint8_t *ret);

/* What must have come out of it; NULL, or what is wrong. */
const char *bench_check(const struct bench_case *c, const uint8_t *in, const uint8_t *out,
	uint32_t out_octets, uint32_t index);
