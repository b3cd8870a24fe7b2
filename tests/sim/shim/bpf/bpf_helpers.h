/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stands in for libbpf's header: the helpers that bpf/ calls, over the maps of tests/sim/path.c. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdint.h>

#define SEC(name)	    __attribute__((unused))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

enum libbpf_pin_type { LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME };

static void *bpf_map_lookup_elem(void *map, const void *key);
static long bpf_perf_event_output(void *ctx, void *map, uint64_t flags, void *data, uint64_t size);
static uint64_t bpf_ktime_get_ns(void);
static int64_t bpf_csum_diff(
	__be32 *from, uint32_t from_size, __be32 *to, uint32_t to_size, uint32_t seed);
