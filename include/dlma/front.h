/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The front table: most locations stand here a second time, where a program finds them with one
 * memory access and without a call. `locations` is the truth; this is only ever a faithful copy,
 * or says that `locations` is to be asked.
 *
 * A bucket is one cache line of five words. A word is a location with its key: it is read and
 * written whole, so nothing is ever torn. That works because HNPs are numbered: all prefixes of the
 * superset, one after the other, take a range of numbers as long as the HNPs in it. The number,
 * times an odd constant, is the *place* of a HNP, one to one. Its upper bits are the bucket, and
 * the rest of it stands in the word as its tag.
 *
 * The agent alone writes, in an order that holds at each instruction, whoever is killed there:
 * before it changes `locations` it makes the word doubtful (or counts one more that is outside),
 * and only afterwards writes the new word. A reader takes
 *
 *     a word with its tag             as the location
 *     a doubtful word with its tag    to `locations`
 *     no word, and none outside       as an answer: there is no such location
 *     no word, but some outside       to `locations`
 *
 * To find the word of a place without a branch for each way, `sign` has an octet of each tag. A
 * word becomes taken before its sign is there, and is free before the sign goes.
 *
 * `version` is odd while `locations` changes in this bucket, and another one afterwards, before any
 * change there of another bucket: bpf/location.h says what that is good for. All this relies on
 * stores, and loads, being seen in their order, as x86 does; elsewhere the agent does not put the
 * table into service.
 *
 * HNPs whose number does not fit (more than 64 bits below their prefix of the superset, or some on
 * either side of the middle of an address) are looked up in `locations` alone.
 */
#pragma once

#include "dlma/abi.h"

enum {
	DLMA_FRONT_WAYS = 5,
	DLMA_FRONT_NONE = 2, /* front_word of HNPs that are not here */
	DLMA_FRONT_BITS_MIN = 4,
	DLMA_FRONT_BITS_MAX = 26,
	DLMA_FRONT_BITS_DEFAULT = 15,

	DLMA_FRONT_FLAGS_AT = 3,
	DLMA_FRONT_ADJACENCY_AT = 5,
	DLMA_FRONT_TAKEN_AT = 17,
	DLMA_FRONT_TAG_AT = 18,
	DLMA_FRONT_KIND_MASK = 7, /* 0: doubtful */
	DLMA_FRONT_FLAGS_MASK = 3,
	DLMA_FRONT_ADJACENCY_MASK = 0xfff,
};

struct dlma_bucket {
	__u64 word[DLMA_FRONT_WAYS];	 /* tag, taken, adjacency, flags, kind; 0: free */
	__u16 used_low[DLMA_FRONT_WAYS]; /* 24 bits of a tick, as in struct dlma_location */
	__u16 version;
	__u16 outside; /* locations of this bucket that are not in it */
	__u8 used_high[DLMA_FRONT_WAYS];
	__u8 sign[DLMA_FRONT_WAYS]; /* the first octet of the tag of each word, to find it by */
};

_Static_assert(sizeof(struct dlma_bucket) == 64, "one cache line");
_Static_assert(DLMA_PEERS_MAX == DLMA_FRONT_ADJACENCY_MASK + 1, "an adjacency fits");

/* Of an HNP, or of any address in it, by its prefix of the superset; not for DLMA_FRONT_NONE. */
DLMA_INLINE __u64 front_place(const struct dlma_superset *s, __u64 mult, const struct dlma_addr *a)
{
	__u64 word = __builtin_bswap64(s->front_word ? a->q[1] : a->q[0]);

	return (word << s->front_drop >> s->front_keep) * mult + s->front_add;
}

DLMA_INLINE __u32 front_bucket(__u64 place, __u32 bits)
{
	return place >> (64 - bits);
}

/* Of the word of a place, and of the place: what `sign` has. */
DLMA_INLINE __u8 front_sign(__u64 word)
{
	return word >> 56;
}

/* The word of a doubtful entry. */
DLMA_INLINE __u64 front_doubtful(__u64 place, __u32 bits)
{
	return place << bits | 1ULL << DLMA_FRONT_TAKEN_AT;
}
