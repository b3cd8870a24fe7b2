// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pipeline as TC programs: one for interfaces to the network, one for access links. */
#include "hook_tc.h"
#include "pipeline.h"

SEC("tc")
int dlma_network(struct __sk_buff *ctx)
{
	return pipeline(ctx, false);
}

SEC("tc")
int dlma_access(struct __sk_buff *ctx)
{
	return pipeline(ctx, true);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
