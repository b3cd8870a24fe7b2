/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What test_front.c and its reader, a BPF program, know of each other. */
#pragma once

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

enum {
	READER_KEYS = 256,
	READER_STAYING = 128, /* the first so many are never deleted */
	READER_BATCH = 512,   /* look-ups in each run */
	READER_VERSIONS = 16,
};

/*
 * Of one HNP: how many writes have been begun, and how many are done. An odd number is a put of
 * that version, an even one a deletion; of those that stay, every number is a put.
 */
struct reader_op {
	__u32 begun, done;
};

enum reader_fault {
	READER_OTHERS, /* found another HNP's location */
	READER_STALE,  /* found a version, or an absence, of before */
	READER_MISSED, /* did not find what was there all the time */
	READER_FAULTS,
};

struct reader_state {
	struct reader_op op[READER_KEYS];
	__u64 random;
	__u64 lookups;
	__u64 in_order; /* not 0: all keys one after the other, instead of random ones */
	__u64 fault[READER_FAULTS];
};

/* The location of a key: its lower octet is the key's number, then the version. */
static inline __u32 reader_adjacency(__u32 key, __u32 version)
{
	return key | version % READER_VERSIONS << 8;
}
