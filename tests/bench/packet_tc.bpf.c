// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packet bench under TC. What a packet has been given with the mark of a tunnel on it cannot
 * be taken away so that the next can be given the same: pushes are not measured here.
 */
#include "bpf/hook_tc.h"

#define BENCH_SECTION "tc"
#define BENCH_SENT    7 /* TC_ACT_REDIRECT */

static __always_inline int bench_grow(struct __sk_buff *ctx)
{
	return bpf_skb_adjust_room(ctx, IP6_LEN, BPF_ADJ_ROOM_MAC, 0);
}

static __always_inline __u32 bench_octets(const struct __sk_buff *ctx)
{
	return ctx->len;
}

static __always_inline int bench_undo(struct __sk_buff *ctx, int octets)
{
	return octets ? bpf_skb_adjust_room(ctx, -octets, BPF_ADJ_ROOM_MAC, 0) : 0;
}

#include "wrap.bpf.h"
