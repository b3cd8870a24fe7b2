// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A plain IPv6 router in XDP: proves that the laboratory carries redirected frames. Whatever has
 * no resolved next hop is left to the kernel, which resolves it.
 */
#include "lab.bpf.h"

SEC("xdp")
int forward(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;
	struct bpf_fib_lookup fib = {.family = AF_INET6_NUMBER, .ifindex = ctx->ingress_ifindex};

	if ((void *)(f + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (f->eth.h_proto != bpf_htons(ETH_P_IPV6) || f->ip6.hop_limit <= 1)
		return XDP_PASS;
	__builtin_memcpy(fib.ipv6_src, &f->ip6.saddr, sizeof(fib.ipv6_src));
	__builtin_memcpy(fib.ipv6_dst, &f->ip6.daddr, sizeof(fib.ipv6_dst));
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	f->ip6.hop_limit--;
	__builtin_memcpy(f->eth.h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(f->eth.h_source, fib.smac, ETH_ALEN);
	if (fib.ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	return bpf_redirect(fib.ifindex, 0);
}
