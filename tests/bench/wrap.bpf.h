/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A wrapper around the production pipeline that makes one run of a program many packets: for each,
 * it writes the headers anew with another key, calls the pipeline, and takes the move of the head
 * back. A repeat count of BPF_PROG_TEST_RUN alone would time the first packet, and then what the
 * pipeline does with its own output.
 *
 * The pipeline is a global function of its own here, so the compiler knows nothing of the wrapper
 * in it. The headers are written field by field, in the sizes in which they are read: a load that
 * spans two recent stores would wait for both, which no frame from a wire makes it do.
 *
 * Verbs of the hooks, beside those of the pipeline: bench_undo(ctx, octets) takes that many octets
 * from the front of the frame, or adds them if negative.
 */
#pragma once

#include "bpf/pipeline.h"
#include "control.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_control);
} control SEC(".maps");

struct bench_samples {
	__u32 index[BENCH_SAMPLES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_samples);
} samples SEC(".maps");

enum layout { LAYOUT_NATIVE, LAYOUT_TUNNELLED, LAYOUT_UPLINK };

enum target { TARGET_EMPTY, TARGET_FLOOR, TARGET_NETWORK, TARGET_ACCESS };

enum {
	AT_SOURCE = 8,
	AT_DESTINATION = 24,
};

static __always_inline __u32 next_index(
	struct bench_control *c, const struct bench_samples *s, __u64 random)
{
	if (c->keys == BENCH_KEYS_ZIPF)
		return s->index[c->position++ & (BENCH_SAMPLES - 1)];
	return (random >> 32) * c->count >> 32;
}

/* The second word of the HNP. */
static __always_inline __u32 next_key(struct bench_control *c, const struct bench_samples *s)
{
	__u64 random = c->state * 6364136223846793005ULL + 1442695040888963407ULL;
	__u32 index = next_index(c, s, random);

	c->state = random;
	if (c->keys == BENCH_KEYS_ABSENT)
		return index << 16 | (random >> 16 & 0xffff);
	return bench_key(index);
}

#define COPY(type, at) (*(volatile type *)(frame + (at)) = *(type *)(head + (at)))

static __always_inline void write_ethernet(void *frame, void *head)
{
	COPY(__u64, 0);
	COPY(__u32, 8);
	COPY(__u16, 12);
}

/* The first half of an address: the /32 of the template, and what replaces the rest of the HNP. */
static __always_inline void write_hnp(void *frame, void *head, __u32 at, bool keyed, __u32 hnp)
{
	__u64 rest = bpf_htonl(hnp);

	if (keyed)
		*(volatile __u64 *)(frame + at) = *(__u32 *)(head + at) | rest << 32;
	else
		COPY(__u64, at);
}

static __always_inline void write_ip6(void *frame, void *head, __u32 at, __u32 keyed, __u32 hnp)
{
	COPY(__u32, at);
	COPY(__u32, at + 4);
	write_hnp(frame, head, at + AT_SOURCE, keyed == AT_SOURCE, hnp);
	COPY(__u64, at + 16);
	write_hnp(frame, head, at + AT_DESTINATION, keyed == AT_DESTINATION, hnp);
	COPY(__u64, at + 32);
}

static __always_inline void write_frame(void *frame, void *head, enum layout layout, __u32 hnp)
{
	write_ethernet(frame, head);
	if (layout == LAYOUT_TUNNELLED) {
		write_ip6(frame, head, ETH_LEN, 0, 0);
		write_ip6(frame, head, TUNNEL_LEN, AT_DESTINATION, hnp);
	} else {
		write_ip6(frame, head, ETH_LEN,
			layout == LAYOUT_UPLINK ? AT_SOURCE : AT_DESTINATION, hnp);
	}
}

/* What nothing can be cheaper than. */
__attribute__((noinline)) int target_empty(HOOK_CTX *ctx)
{
	int action = BENCH_SENT;

	barrier_var(action);
	return ctx ? action : 0;
}

/* What no tunnel can be cheaper than: room for a header, and a header that depends on nothing. */
__attribute__((noinline)) int target_floor(HOOK_CTX *ctx)
{
	struct packet p;
	__u64 *word;

	if (bench_grow(ctx))
		return HOOK_DROP;
	hook_packet(ctx, &p);
	if (p.data + TUNNEL_LEN > p.end)
		return HOOK_DROP;
	word = p.data;
	for (int i = 0; i < 6; i++)
		word[i] = 0x1122334455667788ULL + i;
	*(__u32 *)&word[6] = 0x11223344;
	*(__u16 *)(p.data + 52) = 0x1122;
	return BENCH_SENT;
}

__attribute__((noinline)) int target_network(HOOK_CTX *ctx)
{
	return pipeline(ctx, false);
}

__attribute__((noinline)) int target_access(HOOK_CTX *ctx)
{
	return pipeline(ctx, true);
}

static __always_inline int target_call(HOOK_CTX *ctx, enum target target)
{
	switch (target) {
	case TARGET_FLOOR:
		return target_floor(ctx);
	case TARGET_NETWORK:
		return target_network(ctx);
	case TARGET_ACCESS:
		return target_access(ctx);
	default:
		return target_empty(ctx);
	}
}

static __always_inline __u32 frame_octets(const HOOK_CTX *ctx)
{
	__u32 octets = bench_octets(ctx);

	/* A number: the compiler must not calculate with the pointers themselves. */
	barrier_var(octets);
	return octets;
}

static __always_inline int bench_run(HOOK_CTX *ctx, enum layout layout, enum target target)
{
	__u32 zero = 0, octets;
	struct bench_control *c = bpf_map_lookup_elem(&control, &zero);
	struct bench_samples *s = bpf_map_lookup_elem(&samples, &zero);

	if (!c || !s)
		return HOOK_DROP;
	for (int i = 0; i < BENCH_BATCH; i++) {
		void *data = (void *)(long)ctx->data;

		if (data + BENCH_HEAD > (void *)(long)ctx->data_end)
			return HOOK_DROP;
		write_frame(data, c->head, layout, next_key(c, s));
		c->verdict[target_call(ctx, target) & (BENCH_VERDICTS - 1)]++;
		octets = frame_octets(ctx);
		c->moved += (int)(octets - c->octets);
		if (bench_undo(ctx, octets - c->octets))
			c->failed++;
	}
	c->packets += BENCH_BATCH;
	return HOOK_PASS;
}

#define BENCH(name, layout, target)                    \
	SEC(BENCH_SECTION)                             \
	int name(HOOK_CTX *ctx)                        \
	{                                              \
		return bench_run(ctx, layout, target); \
	}

BENCH(empty_native, LAYOUT_NATIVE, TARGET_EMPTY)
BENCH(empty_tunnel, LAYOUT_TUNNELLED, TARGET_EMPTY)
BENCH(empty_uplink, LAYOUT_UPLINK, TARGET_EMPTY)
BENCH(floor_native, LAYOUT_NATIVE, TARGET_FLOOR)
BENCH(run_native, LAYOUT_NATIVE, TARGET_NETWORK)
BENCH(run_tunnel, LAYOUT_TUNNELLED, TARGET_NETWORK)
BENCH(run_uplink, LAYOUT_UPLINK, TARGET_ACCESS)

/* The programs as users get them: one frame through these shows what comes out. */
SEC(BENCH_SECTION)
int plain_network(HOOK_CTX *ctx)
{
	return target_network(ctx);
}

SEC(BENCH_SECTION)
int plain_access(HOOK_CTX *ctx)
{
	return target_access(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
