/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pinned maps (include/dlma/abi.h says who writes them). Both objects share them by name. */
#pragma once

#include "dlma/front.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dlma_node);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} node SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DLMA_PEERS_MAX);
	__type(key, struct dlma_addr);
	__type(value, struct dlma_peer);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dlma_peer_index);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} peer_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DLMA_OWNERS_MAX);
	__type(key, struct dlma_owner_key);
	__type(value, struct dlma_owner);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DLMA_PEERS_MAX);
	__type(key, __u32);
	__type(value, struct dlma_adjacency);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} adjacencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dlma_clock);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} clock SEC(".maps");

/* The location cache. The size is set by the loader (locations_max). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DLMA_LOCATIONS_DEFAULT);
	__type(key, struct dlma_addr);
	__type(value, struct dlma_location);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} locations SEC(".maps");

/* Its size follows from that of `locations`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << DLMA_FRONT_BITS_DEFAULT);
	__type(key, __u32);
	__type(value, struct dlma_bucket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} front SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DLMA_ACCESS_DEFAULT);
	__type(key, struct dlma_addr);
	__type(value, struct dlma_access);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} access SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dlma_counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DLMA_GATE_COUNT);
	__type(key, __u32);
	__type(value, struct dlma_gate);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} gate SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");
