/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The location cache: the map `locations`, and the front table before it, which dlma/front.h
 * describes. Whoever holds this is the only writer of both. All of it may end at any instruction:
 * what the programs find then is right, and locations_adopt() brings the rest in order.
 */
#pragma once

#include "dlma/front.h"
#include <stdint.h>

struct locations {
	int map;
	struct dlma_bucket *front; /* mapped */
	struct dlma_clock *clock;  /* mapped; not ours to close */
	const struct dlma_node *node;
	uint64_t inverse; /* from a place back to a number */
	uint32_t count;
};

/* `map` and `front` are descriptors; `map` is kept, and closed in the end. 0 or -errno. */
int locations_open(struct locations *t, int map, int front, struct dlma_clock *clock,
	const struct dlma_node *node);
void locations_close(struct locations *t);

/*
 * Sees to it that the front table agrees with the map, and puts it into service. Before, and if
 * this fails, the map alone is used. 0 or -errno.
 */
int locations_adopt(struct locations *t);

/*
 * Visits all locations that are there from beginning to end, and maybe others. The visitor may
 * change them. 0 or -errno.
 */
typedef void location_visitor(
	void *arg, const struct dlma_addr *key, const struct dlma_location *location);
int locations_each(struct locations *t, location_visitor *visit, void *arg);

/*
 * Visits the locations of a kind that stand in some buckets of the front table, from `from` on, and
 * that no packet has used for `ticks`. The visitor may change them.
 */
void locations_sweep(struct locations *t, uint32_t from, uint32_t buckets, uint8_t kind,
	uint32_t ticks, location_visitor *visit, void *arg);
uint32_t locations_buckets(const struct locations *t);

/* What the programs follow, and when they last did. False if there is none. */
bool locations_get(
	const struct locations *t, const struct dlma_addr *key, struct dlma_location *ret);

/*
 * 0 or -errno; -E2BIG: no room. Nothing is written if only `used` would change. When it returns no
 * program follows what was there before.
 */
int locations_put(
	struct locations *t, const struct dlma_addr *key, const struct dlma_location *location);

/* 0, or -ENOENT if there is none. When it returns no program follows it. */
int locations_del(struct locations *t, const struct dlma_addr *key);

/* The bucket that a HNP would stand in, whatever else does; NULL: it cannot stand in any. */
struct dlma_bucket *locations_bucket(const struct locations *t, const struct dlma_addr *key);
