/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The domain of Figure 5 in one process: real cores, really encoded messages, virtual time. What
 * the effects say is done to small tables that tests look at.
 */
#pragma once

#include "core/core.h"

enum world_node {
	W_H_LMA,
	W_V_LMA_1,
	W_V_LMA_2,
	W_MAG_1A,
	W_MAG_1B,
	W_MAG_2,
	W_NODES,
};

enum { W_MN1, W_MN2, W_MN3, W_MOBILES, W_TABLE_MAX = 64, W_WIRE_MAX = 4096, W_NONE = -1 };

struct world_entry {
	bool used;
	struct dlma_prefix hnp;
	uint8_t kind;
	int target; /* enum world_node */
	int uplink; /* access entries: the LMA */
};

struct world_message {
	uint64_t at_ms;
	int from, to;
	uint16_t len;
	uint8_t bytes[EFFECT_BYTES_MAX];
};

struct world {
	struct node_conf conf[W_NODES];
	struct profiles *profiles;
	struct core *cores[W_NODES];
	struct world_entry locations[W_NODES][W_TABLE_MAX];
	struct world_entry access[W_NODES][W_TABLE_MAX];
	struct world_message wire[W_WIRE_MAX]; /* on their way */
	unsigned int wire_count;
	uint64_t now_ms;
	int64_t skew_ms[W_NODES]; /* of the wall clock */
	uint32_t epoch[W_NODES];
	uint32_t restart_counter[W_NODES];
	int at[W_MOBILES]; /* the MAG whose access link a MN is on, or W_NONE */
	unsigned int reports[W_NODES][REPORT_KIND_COUNT];
	unsigned int advertised[W_MOBILES]; /* router advertisements heard */
	struct dlma_prefix heard_hnp[W_MOBILES];
	unsigned int sent[W_NODES][W_NODES];
	struct record stored[W_TABLE_MAX]; /* the H-LMA's store */
	unsigned int stored_count;
	bool (*lose)(struct world *w, const struct world_message *m); /* NULL: nothing */
	unsigned int deleted[W_NODES]; /* locations that were there, since the last start */
	bool expecting[W_NODES];
	bool used_recently; /* what EFFECT_CHECK_USE finds */
};

void world_init(struct world *w);
void world_done(struct world *w);

/* Before anything has registered. */
void world_set_backup(int lma, int backup);

/* Runs until the given time has passed. */
void world_run(struct world *w, uint64_t ms);

/* The MN goes to another MAG (or W_NONE), and announces itself there with a RS. */
void world_move(struct world *w, int mn, int mag);
/* The access network tells a MAG that a MN has left. */
void world_detach(struct world *w, int mn, int mag);
/* The data path of a node reports. */
void world_packet_event(struct world *w, int node, enum dlma_event_kind kind,
	const struct dlma_prefix *hnp, int peer);
/* The agent of a node dies and comes back with its maps, and its store if it is the H-LMA. */
void world_restart(struct world *w, int node);
/* Anything else that happens to a node. */
void world_event(struct world *w, int node, const struct event *e);
/* Hands a Mobility Header to a node as it is. */
void world_inject(struct world *w, int from, int to, const uint8_t *bytes, size_t len);

const struct world_entry *world_location(
	const struct world *w, int node, const struct dlma_prefix *hnp);
/* The LMA that a MAG tunnels to what a MN sends. */
int world_uplink(const struct world *w, int mag, const struct dlma_prefix *hnp);
bool world_delivers(const struct world *w, int mag, const struct dlma_prefix *hnp);
/* Follows the tables like a packet would that enters at `node`; the MAG that delivers, or W_NONE.
 */
int world_trace(
	const struct world *w, int node, const struct dlma_prefix *hnp, unsigned int *ret_tunnels);
uint64_t world_reason(const struct world *w, int node, enum dlma_signal_reason reason);
