/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data path of one node: the production source in bpf/, compiled for this machine over the
 * maps below. Nothing of its rules stands here a second time. The front table (dlma/front.h) is out
 * of service, as on machines where it cannot be used.
 */
#pragma once

#include "dlma/abi.h"
#include <stdint.h>

enum {
	PATH_BLOCKS_MAX = 8,
	PATH_SLOTS = 64, /* HNPs of a block that can be in use */
	PATH_SLOTS_MAX = PATH_BLOCKS_MAX * PATH_SLOTS,
	PATH_NODES_MAX = 32,
	PATH_EVENTS_MAX = 4,
	/* Where a frame comes in, or goes out. */
	PATH_NETWORK = 1000,
	PATH_ACCESS = 1001,
	PATH_WAITING_ROOM = 1002,
	PATH_PEER = 1, /* + index of the node, at the end of a tunnel */
	PATH_NO_SLOT = -1,
};

/* Every HNP has a number, and so has every node: no map needs a search. */
struct dlma_addr path_node_address(uint16_t node);
int path_node_of(const struct dlma_addr *a); /* -1: none */
struct dlma_prefix path_block(uint16_t block);
struct dlma_prefix path_hnp(int slot);
int path_slot_of(const struct dlma_addr *a); /* PATH_NO_SLOT: no HoA */

/* The maps of a node. An entry of kind NONE, or with ifindex 0, is not there. */
struct path_node {
	struct dlma_node self;
	struct dlma_clock clock;
	struct dlma_gate gate[DLMA_GATE_COUNT];
	struct dlma_location locations[PATH_SLOTS_MAX];
	struct dlma_access access[PATH_SLOTS_MAX];
	uint16_t index;
};

/* What all nodes of a domain agree upon. */
struct path_domain {
	uint16_t node_count, block_count;
	uint8_t roles[PATH_NODES_MAX]; /* enum dlma_role */
	uint16_t owner[PATH_BLOCKS_MAX];
};

enum { PATH_FRAME_MAX = 256, PATH_HEADROOM = 64 };

struct path_frame {
	uint16_t start, len;
	uint32_t in;  /* PATH_NETWORK... */
	uint32_t out; /* of a frame that is sent on */
	uint8_t bytes[PATH_FRAME_MAX];
};

enum path_action { PATH_PASS, PATH_DROP, PATH_SEND };

/* What came of a frame beside the frame itself. */
struct path_result {
	enum path_action action;
	enum dlma_packet_reason reason;
	unsigned int event_count;
	struct dlma_event events[PATH_EVENTS_MAX];
};

/* A small packet between two addresses, from the network or from a MN on the access link. */
void path_frame_init(struct path_frame *f, const struct dlma_addr *src, const struct dlma_addr *dst,
	const uint8_t *mac);
/* Puts it into the tunnel between two nodes. */
void path_frame_tunnel(struct path_frame *f, uint16_t from, uint16_t to);
/* The HoA that a frame is for. */
struct dlma_addr path_destination(const struct path_frame *f);

/*
 * One node handles a frame. `dry`: as if nobody looked: no event, no limit, no entry marked as
 * used.
 */
void path_run(const struct path_domain *d, struct path_node *n, struct path_frame *f, bool dry,
	struct path_result *ret);
