// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The packet bench under XDP. */
#include "bpf/hook_xdp.h"

#define BENCH_SECTION "xdp"
#define BENCH_SENT    XDP_TX

static __always_inline int bench_grow(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, -IP6_LEN);
}

static __always_inline __u32 bench_octets(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end - (void *)(long)ctx->data;
}

static __always_inline int bench_undo(struct xdp_md *ctx, int octets)
{
	return bpf_xdp_adjust_head(ctx, octets);
}

#include "wrap.bpf.h"

struct bench_link {
	__u32 next;
	__u8 pad[BENCH_CHAIN_LINE - sizeof(__u32)];
};

/* A random cycle through memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_link);
} chain SEC(".maps");

/* Loads of which each needs the one before. */
SEC("xdp")
int memory(struct xdp_md *ctx __attribute__((unused)))
{
	__u32 zero = 0, at;
	struct bench_control *c = bpf_map_lookup_elem(&control, &zero);

	if (!c)
		return XDP_DROP;
	at = c->link;
	for (int i = 0; i < BENCH_BATCH; i++) {
		struct bench_link *l = bpf_map_lookup_elem(&chain, &at);

		if (!l)
			return XDP_DROP;
		at = l->next;
	}
	c->link = at;
	c->packets += BENCH_BATCH;
	return XDP_PASS;
}
