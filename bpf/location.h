/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the packets of a HNP go: by the front table (dlma/front.h), or else by `locations`. */
#pragma once

#include "account.h"

/* As the memory has it now, and before what is read next. */
#define READ_NOW(place) (*(volatile typeof(place) *)&(place))

/* As in the word of a front table; 0: none. */
struct location {
	__u32 rest;
};

static __always_inline __u8 location_kind(struct location l)
{
	return l.rest & DLMA_FRONT_KIND_MASK;
}

static __always_inline __u8 location_flags(struct location l)
{
	return l.rest >> DLMA_FRONT_FLAGS_AT & DLMA_FRONT_FLAGS_MASK;
}

static __always_inline __u32 location_adjacency(struct location l)
{
	return l.rest >> DLMA_FRONT_ADJACENCY_AT;
}

enum { LOOKS_MAX = 4 };

/* Sets of kinds. */
enum {
	KINDS_NONE = 0,
	KINDS_ALL = 0xff,
	KINDS_CACHED = 1 << DLMA_LOCATION_CACHED,
	KINDS_OWN = KINDS_ALL & ~KINDS_CACHED, /* known here, not learnt */
};

/* A location of `locations`, which is read at once. */
static __always_inline __u32 location_rest(const struct dlma_location *l)
{
	__u64 word = READ_NOW(*(const __u64 *)l);
	__u32 adjacency = word & 0xffff, kind = word >> 16 & 0xff, flags = word >> 24 & 0xff;

	return adjacency << DLMA_FRONT_ADJACENCY_AT | flags << DLMA_FRONT_FLAGS_AT | kind;
}

/*
 * Asks `locations`, and marks an entry of these kinds as used. A BPF hash map gives less than one
 * might think: an entry that is freed is used again at once, so that an interrupted reader may hold
 * another HNP's; and who walks along a chain while an entry in it is replaced, which is put in
 * front and then taken away behind, may find neither. In both cases the version tells.
 */
__attribute__((noinline)) __u32 location_ask(const struct dlma_addr *hnp, __u32 at, __u32 kinds)
{
	const struct dlma_bucket *b = bpf_map_lookup_elem(&front, &at);
	struct dlma_location *l;
	struct dlma_addr key;
	__u16 version;
	__u32 rest;

	if (!b || !hnp)
		return 0;
	key = *hnp; /* Linux 6.1 takes no key from the memory of another function */
	for (int i = 0; i < LOOKS_MAX; i++) {
		version = READ_NOW(b->version);
		l = bpf_map_lookup_elem(&locations, &key);
		rest = l ? location_rest(l) : 0;
		if (READ_NOW(b->version) == version && (l || !(version & 1)))
			break;
	}
	if (l && kinds & 1 << (rest & DLMA_FRONT_KIND_MASK))
		mark_used(&l->used);
	return rest;
}

enum {
	SIGN_AT = offsetof(struct dlma_bucket, sign),
	SIGN_WORD_AT = sizeof(struct dlma_bucket) - sizeof(__u64),
	SIGN_SHIFT = 8 * (SIGN_AT - SIGN_WORD_AT),
};

/*
 * The first way that has this sign, without a branch that would go wrong every other time. Octets
 * that are alike become 0 in `alike`; the lowest of them leaves one bit in `lowest`, and times the
 * constant that puts its number on top. DLMA_FRONT_WAYS or more: none.
 */
static __always_inline __u32 front_way(const struct dlma_bucket *b, __u8 sign)
{
	const __u64 ones = 0x0101010101ULL;
	__u64 signs = *(volatile const __u64 *)((const void *)b + SIGN_WORD_AT) >> SIGN_SHIFT;
	__u64 alike = signs ^ sign * ones;
	__u64 found = (alike - ones) & ~alike & ones << 7, lowest = found & -found;
	__u64 way = lowest * (1ULL << 46 | 2ULL << 38 | 3ULL << 30 | 4ULL << 22) >> 61;

	return found ? way : DLMA_FRONT_WAYS;
}

/* The few whose sign another in the bucket has too. */
static __always_inline __u32 front_search(const struct dlma_bucket *b, __u64 doubtful)
{
#pragma unroll
	for (int i = 0; i < DLMA_FRONT_WAYS; i++)
		if (!((READ_NOW(b->word[i]) ^ doubtful) >> DLMA_FRONT_TAKEN_AT))
			return i;
	return DLMA_FRONT_WAYS;
}

static __always_inline void front_mark_used(struct dlma_bucket *b, __u32 at, __u32 tick)
{
	if (b->used_low[at] == (__u16)tick && b->used_high[at] == (__u8)(tick >> 16))
		return;
	b->used_low[at] = tick;
	b->used_high[at] = tick >> 16;
}

/* As location_find(), by the map alone, which is always right. */
static __always_inline struct location location_at_length(
	const struct dlma_node *self, const struct hnp *hnp, __u32 kinds)
{
	return (struct location){
		location_ask(hnp_key(hnp), front_bucket(hnp->place, self->front_bits), kinds)};
}

/* The location of a HNP, if there is one; if it is of these kinds, it is marked as used. */
static __always_inline struct location location_find(
	const struct dlma_node *self, const struct hnp *hnp, __u32 kinds)
{
	const struct dlma_clock *c = clock_now();
	__u32 bits = self->front_bits, at = front_bucket(hnp->place, bits);
	struct dlma_bucket *b = bpf_map_lookup_elem(&front, &at);
	__u64 doubtful = front_doubtful(hnp->place, bits), rest;
	__u16 outside;
	__u32 way;

	if (!b || !c || c->front != self->front_id || !hnp->placed)
		goto ask;
	outside = READ_NOW(b->outside);
	way = front_way(b, front_sign(doubtful));
	if (way >= DLMA_FRONT_WAYS)
		goto absent;
	rest = READ_NOW(b->word[way]) ^ doubtful;
	if (rest >> DLMA_FRONT_TAKEN_AT) {
		way = front_search(b, doubtful);
		if (way >= DLMA_FRONT_WAYS)
			goto absent;
		rest = READ_NOW(b->word[way]) ^ doubtful;
		if (rest >> DLMA_FRONT_TAKEN_AT)
			goto ask;
	}
	if (!(rest & DLMA_FRONT_KIND_MASK))
		goto ask;
	if (kinds & 1 << (rest & DLMA_FRONT_KIND_MASK))
		front_mark_used(b, way, c->tick);
	return (struct location){rest};
absent:
	if (!outside)
		return (struct location){0};
ask:
	return location_at_length(self, hnp, kinds);
}
