/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters by reason, the free clock, and the events for the agent behind their rate limit. */
#pragma once

#include "maps.h"
#include "packet.h"

static __always_inline void count(enum dlma_packet_reason reason, __u32 bytes)
{
	__u32 key = reason;
	struct dlma_counter *c = bpf_map_lookup_elem(&counters, &key);

	if (!c)
		return;
	c->packets++;
	c->bytes += bytes;
}

static __always_inline __u32 clock_tick(void)
{
	__u32 zero = 0;
	struct dlma_clock *c = bpf_map_lookup_elem(&clock, &zero);

	return c ? c->tick : 0;
}

static __always_inline bool clock_expecting(void)
{
	__u32 zero = 0;
	struct dlma_clock *c = bpf_map_lookup_elem(&clock, &zero);

	return c && c->expecting;
}

/* Stored only when it differs: no cache line is fought over at full rate. */
static __always_inline void mark_used(__u32 *used)
{
	__u32 tick = clock_tick();

	if (*used != tick)
		*used = tick;
}

/*
 * Folds before it multiplies and after: the last octet of an address stands in the top bits of a
 * word, and a multiplication alone never brings those down.
 */
static __always_inline __u64 mix(__u64 h, __u64 v)
{
	h ^= v;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

static __always_inline __u64 mix_addr(__u64 h, const struct dlma_addr *a)
{
	return mix(mix(h, a->q[0]), a->q[1]);
}

/* How often a gate opens: for the same thing once in `apart` ticks, so many times in each tick. */
struct gate_limit {
	__u32 apart;
	__u32 per_tick;
};

/*
 * Both limits are per CPU. `tag` is a hash of what is to be said. Collisions in the slots only cost
 * an event, or an error, that the next packet repeats.
 */
static __always_inline bool gate_admits(
	enum dlma_gate_of which, struct gate_limit limit, __u32 tag, __u32 tick)
{
	__u32 key = which;
	struct dlma_gate *g = bpf_map_lookup_elem(&gate, &key);
	__u32 slot;

	tag = tag ?: 1;
	slot = tag % DLMA_GATE_SLOTS;
	if (!g)
		return false;
	if (g->slot[slot].tag == tag && tick - g->slot[slot].tick < limit.apart)
		return false;
	if (g->tick != tick) {
		g->tick = tick;
		g->sent = 0;
	}
	if (g->sent >= limit.per_tick)
		return false;
	g->sent++;
	g->slot[slot].tag = tag;
	g->slot[slot].tick = tick;
	return true;
}

/* Tells the agent. `hnp` is what counts as the same event; `hoa` is what the packet had. */
static __always_inline void notify(
	void *ctx, const struct dlma_event *event, const struct dlma_addr *hnp)
{
	static const struct gate_limit limit = {1000 / DLMA_TICK_MS, DLMA_EVENTS_PER_TICK};
	__u32 tag = mix_addr(mix_addr(event->kind, hnp), &event->peer);

	if (!gate_admits(DLMA_GATE_EVENTS, limit, tag, clock_tick())) {
		count(DLMA_PACKET_event_limited, 0);
		return;
	}
	if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, (void *)event, sizeof(*event)))
		count(DLMA_PACKET_event_lost, 0);
	else
		count(DLMA_PACKET_event_sent, 0);
}
