/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the packet bench and the wrapper around the pipeline tell each other. */
#pragma once

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

enum {
	BENCH_BATCH = 64, /* packets in each run of a program */
	BENCH_HEAD = 96,  /* octets of a frame that are made anew for each packet */
	BENCH_VERDICTS = 8,
	BENCH_SAMPLES = 1 << 22,
	BENCH_CHAIN_LINE = 64, /* octets from one link of the chain to the next */
};

/* How the destination, or the source, of the next packet is drawn. */
enum bench_keys {
	BENCH_KEYS_UNIFORM, /* all locations alike */
	BENCH_KEYS_ZIPF,    /* from the samples */
	BENCH_KEYS_ABSENT,  /* one that nobody has, in one of `count` owned prefixes */
	BENCH_KEYS_COUNT,
};

struct bench_control {
	__u64 state; /* of the generator */
	__u32 keys;  /* enum bench_keys */
	__u32 count;
	__u32 position; /* in the samples */
	__u32 link;	/* of the chain */
	__u32 octets;	/* of a whole frame */
	__u32 pad;
	__u64 packets;
	__u64 failed; /* not restored */
	__s64 moved;  /* octets that the head has moved forward, in all */
	__u64 verdict[BENCH_VERDICTS];
	__u8 head[BENCH_HEAD]; /* how frames begin */
};

/* Numbers a location scattered over the upper half of a /32: one-to-one on 31 bits. */
static inline __attribute__((always_inline)) __u32 bench_key(__u32 index)
{
	const __u32 mask = 0x7fffffff;

	index = (index * 0x9e3779b1u) & mask;
	index ^= index >> 15;
	index = (index * 0x85ebca6bu) & mask;
	index ^= index >> 16;
	return index | ~mask;
}
