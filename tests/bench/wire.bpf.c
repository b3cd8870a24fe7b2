// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Both ends of the wires of the bench, and the least that a node between them can do. */
#include "vmlinux.h"
#include "wire.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
	TC_ACT_OK = 0,	      /* not in our vmlinux.h */
	OUT_INDEX = 77,	      /* of the interface towards the sink; stack.py gives it */
	PROTOCOL_AT = 14 + 6, /* in the frame */
	DESTINATION_AT = 14 + 24,
	PORT_AT = 14 + 40 + 2,
	PORT_DISCARD = 9,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_control);
} wire SEC(".maps");

static __always_inline __u32 draw(struct wire_control *c)
{
	c->state = c->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return c->state >> 32;
}

/* Live frames come back as somebody has left them: so the whole head is written again. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct wire_control *c = bpf_map_lookup_elem(&wire, &zero);
	__u8 *data = (void *)(long)ctx->data;
	const struct wire_keys *keys;
	__u8 *destination = data + DESTINATION_AT;

	if (!c || data + WIRE_HEAD > (__u8 *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(data, c->head, WIRE_HEAD);
	if (c->tunnelled) {
		if (data + WIRE_HEAD + WIRE_OUTER > (__u8 *)(long)ctx->data_end)
			return XDP_DROP;
		__builtin_memcpy(data + WIRE_HEAD, c->head + WIRE_HEAD, WIRE_OUTER);
		destination += WIRE_OUTER;
	}
	keys = c->one_in && c->packets % c->one_in ? &c->keys[1] : &c->keys[0];
	c->packets++;
	if (keys->count) {
		__u32 key = bench_key(keys->first + ((__u64)draw(c) * keys->count >> 32));

		key = c->block | (key & ~c->block_mask);
		*(__be32 *)(destination + 4) = bpf_htonl(key);
	}
	return bpf_redirect(c->ifindex, 0);
}

SEC("xdp")
int forward(struct xdp_md *ctx __attribute__((unused)))
{
	return bpf_redirect(OUT_INDEX, 0);
}

SEC("tc")
int forward_tc(struct __sk_buff *ctx __attribute__((unused)))
{
	return bpf_redirect(OUT_INDEX, 0);
}

/* The least that any encapsulation does. */
SEC("xdp")
int encapsulate(struct xdp_md *ctx)
{
	__u64 *p;

	if (bpf_xdp_adjust_head(ctx, -40))
		return XDP_DROP;
	p = (void *)(long)ctx->data;
	if ((void *)p + 54 > (void *)(long)ctx->data_end)
		return XDP_DROP;
	for (int i = 0; i < 6; i++)
		p[i] = 0x0123456789abcdef;
	*(__u32 *)(p + 6) = 0;
	*((__u16 *)(p + 6) + 2) = 0;
	return bpf_redirect(OUT_INDEX, 0);
}

/* What the generator sends is UDP to the port "discard"; the rest is for the host. */
static __always_inline bool is_probe(const __u8 *data, const __u8 *end)
{
	return data + WIRE_HEAD <= end && data[PROTOCOL_AT] == IPPROTO_UDP &&
	       *(const __be16 *)(data + PORT_AT) == bpf_htons(PORT_DISCARD);
}

SEC("xdp")
int swallow(struct xdp_md *ctx)
{
	return is_probe((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int swallow_tc(struct __sk_buff *ctx)
{
	return is_probe((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? TC_ACT_SHOT
									      : TC_ACT_OK;
}

SEC("xdp")
int swallow_all(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

SEC("tc")
int swallow_all_tc(struct __sk_buff *ctx __attribute__((unused)))
{
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
