// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pipeline as XDP programs: one for interfaces to the network, one for access links. */
#include "hook_xdp.h"
#include "pipeline.h"

SEC("xdp")
int dlma_network(struct xdp_md *ctx)
{
	return pipeline(ctx, false);
}

SEC("xdp")
int dlma_access(struct xdp_md *ctx)
{
	return pipeline(ctx, true);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
