/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data path as a plain function on octets, written from the draft and from what the maps and
 * the reasons mean: what the BPF programs are compared with. It is slow and has no limits.
 */
#pragma once

#include "harness.h"

struct model {
	struct tables tables; /* `used` changes */
	uint32_t now_tick, now_sent;
	struct {
		uint32_t tag, tick;
	} said[DLMA_GATE_SLOTS];
};

void model_init(struct model *m, const struct tables *t);

/* What must become of a frame; returns the reason that it is counted under. */
enum dlma_packet_reason model_run(struct model *m, enum side side, uint32_t ifindex,
	const struct frame *in, struct outcome *ret);
