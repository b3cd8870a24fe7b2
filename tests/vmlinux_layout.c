// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the programs rely on in vmlinux.h, as numbers. Compiled once with our curated header and
 * once with that of the running kernel (make check-vmlinux); the two objects must say the same.
 */
#include LAYOUT_HEADER

#define OFFSET(type, member) __builtin_offsetof(struct type, member)

const unsigned long long numbers[] __attribute__((section(".rodata.layout"))) = {
	OFFSET(xdp_md, data),
	OFFSET(xdp_md, data_end),
	OFFSET(xdp_md, ingress_ifindex),
	OFFSET(__sk_buff, len),
	OFFSET(__sk_buff, ifindex),
	OFFSET(__sk_buff, data),
	OFFSET(__sk_buff, data_end),
	OFFSET(__sk_buff, gso_size),
	sizeof(struct ethhdr),
	OFFSET(ethhdr, h_source),
	OFFSET(ethhdr, h_proto),
	XDP_DROP,
	XDP_PASS,
	XDP_TX,
	BPF_MAP_TYPE_HASH,
	BPF_MAP_TYPE_ARRAY,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY,
	BPF_MAP_TYPE_PERCPU_ARRAY,
	BPF_MAP_TYPE_LPM_TRIE,
	BPF_F_NO_PREALLOC,
	BPF_F_MMAPABLE,
	BPF_F_CURRENT_CPU,
	BPF_ADJ_ROOM_NET,
	BPF_ADJ_ROOM_MAC,
	BPF_F_ADJ_ROOM_FIXED_GSO,
	BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
};
