/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters by reason, the free clock, and the events for the agent behind their rate limit. */
#pragma once

#include "maps.h"
#include "packet.h"

static __always_inline struct dlma_counters *counters_own(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline void count(
	struct dlma_counters *c, enum dlma_packet_reason reason, __u32 bytes)
{
	struct dlma_counter *one = &c->of[reason % DLMA_COUNTERS_MAX];

	one->packets++;
	one->bytes += bytes;
}

static __always_inline void note(enum dlma_packet_reason reason)
{
	struct dlma_counters *c = counters_own();

	if (c)
		count(c, reason, 0);
}

static __always_inline const struct dlma_clock *clock_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&clock, &zero);
}

static __always_inline __u32 clock_tick(void)
{
	const struct dlma_clock *c = clock_now();

	return c ? c->tick : 0;
}

static __always_inline bool clock_expecting(void)
{
	const struct dlma_clock *c = clock_now();

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

static __always_inline struct dlma_gate *gate_own(enum dlma_gate_of which)
{
	__u32 key = which;

	return bpf_map_lookup_elem(&gate, &key);
}

/* No hash is needed to know that. */
static __always_inline bool gate_is_shut(
	const struct dlma_gate *g, struct gate_limit limit, __u32 tick)
{
	return g->tick == tick && g->sent >= limit.per_tick;
}

/*
 * Both limits are per CPU. `tag` is a hash of what is to be said. Collisions in the slots only cost
 * an event, or an error, that the next packet repeats.
 */
static __always_inline bool gate_admits(
	struct dlma_gate *g, struct gate_limit limit, __u32 tag, __u32 tick)
{
	__u32 slot;

	tag = tag ?: 1;
	slot = tag % DLMA_GATE_SLOTS;
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

static const struct gate_limit event_limit = {1000 / DLMA_TICK_MS, DLMA_EVENTS_PER_TICK};

/*
 * Tells the agent of the event in the gate, unless it was told. `hnp` is what counts as the same
 * event. A function of its own, since few packets get here.
 */
__attribute__((noinline)) int event_send(HOOK_CTX *ctx, const struct dlma_addr *hnp)
{
	struct dlma_gate *g = gate_own(DLMA_GATE_EVENTS);
	enum dlma_packet_reason reason = DLMA_PACKET_event_limited;
	__u32 tag;

	if (!g || !hnp)
		return 0;
	tag = mix_addr(mix_addr(g->event.kind, hnp), &g->event.peer);
	if (gate_admits(g, event_limit, tag, clock_tick()))
		reason = bpf_perf_event_output(
				 ctx, &events, BPF_F_CURRENT_CPU, &g->event, sizeof(g->event))
				 ? DLMA_PACKET_event_lost
				 : DLMA_PACKET_event_sent;
	note(reason);
	return 0;
}

/* A blank event, if there is any use in making one; else that is counted. */
static __always_inline struct dlma_event *event_begin(enum dlma_event_kind kind, __u32 ifindex)
{
	struct dlma_gate *g = gate_own(DLMA_GATE_EVENTS);

	if (!g || gate_is_shut(g, event_limit, clock_tick())) {
		note(DLMA_PACKET_event_limited);
		return NULL;
	}
	g->event =
		(struct dlma_event){.version = DLMA_ABI_VERSION, .kind = kind, .ifindex = ifindex};
	return &g->event;
}
