/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the two halves of the harness share: harness.c runs frames, fill.c writes the maps. */
#pragma once

#include "harness.h"
#include "io/locations.h"
#include <bpf/libbpf.h>

enum {
	HASH_MAX = 256,
	FRONT_BITS = 7, /* what follows from that */
};

enum map {
	MAP_NODE,
	MAP_PEERS,
	MAP_PEER_INDEX,
	MAP_OWNERS,
	MAP_ADJACENCIES,
	MAP_CLOCK,
	MAP_LOCATIONS,
	MAP_FRONT,
	MAP_ACCESS,
	MAP_COUNTERS,
	MAP_GATE,
	MAP_EVENTS,
	MAP_COUNT,
};

struct rig {
	enum hook hook;
	struct bpf_object *object;
	int program[SIDE_COUNT];
	int map[MAP_COUNT];
	int cpu;
	int cpus; /* possible ones: values of a per-CPU map */
	struct perf_buffer *reader;
	bool asleep;
	struct links links;
	struct dlma_node node;	    /* as in the map */
	struct dlma_clock *clock;   /* mapped */
	struct locations locations; /* as an agent has them */
	enum front_mode front;
	struct dlma_counter counters[DLMA_COUNTERS_MAX]; /* when last read */
	struct outcome *outcome;			 /* of the run under way */
	void *scratch;					 /* values of a per-CPU map */
};

int rig_fill_open(struct rig *r);
void rig_fill_close(struct rig *r);
