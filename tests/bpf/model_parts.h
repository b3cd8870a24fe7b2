/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the two halves of the model share: model.c decides, model_act.c writes the octets. */
#pragma once

#include "model.h"

struct header {
	uint8_t version, tc, next, hop;
	uint32_t label, payload;
	struct dlma_addr src, dst;
};

/* A frame taken apart; `own` is the header of the MN or the CN, `outer` that of a tunnel. */
struct packet {
	const struct frame *frame;
	enum side side;
	uint32_t ifindex;
	bool tunnelled;
	uint32_t own_at;
	struct header outer, own;
};

enum act { ACT_LEAVE, ACT_TUNNEL, ACT_UNTUNNEL, ACT_DELIVER, ACT_HOLD };

struct decision {
	enum dlma_packet_reason reason;
	enum act act;
	uint32_t adjacency;
	uint32_t clear, set; /* bits of the outer label */
	const struct dlma_access *access;
};

/* The HNP that an address lies in; false outside the superset. */
bool model_hnp(const struct model *m, const struct dlma_addr *a, struct dlma_addr *ret);
/* The adjacency of the owner by longest match; -1 if nobody owns the address. */
int model_owner(const struct model *m, const struct dlma_addr *a);
struct dlma_location *model_location(struct model *m, const struct dlma_addr *hnp);

/* Carries a decision out; returns the reason that the packet is counted under. */
enum dlma_packet_reason model_act(
	struct model *m, struct outcome *o, const struct packet *p, const struct decision *d);
