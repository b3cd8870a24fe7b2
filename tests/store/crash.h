/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a power cut may leave of a journal of disk.h: everything up to some moment that was made
 * durable, and of the rest any part: writes that were not synced are there or not, in any
 * combination, and the last one may be torn anywhere.
 */
#pragma once

#include "disk.h"

enum { CRASH_PENDING_MAX = 4096 };

struct crash {
	const struct disk_op *ops;
	size_t op_count, next;
	struct disk_image base[DISK_FILES]; /* durable for sure */
	size_t pending[CRASH_PENDING_MAX];  /* numbers of ops that may or may not be */
	size_t pending_count;
};

/* `base`: what was durable before; NULL: an empty disk. */
void crash_begin(struct crash *c, const struct disk_op *ops, size_t count,
	const struct disk_image base[DISK_FILES]);
void crash_end(struct crash *c);
/* Goes one op further. False at the end of the journal. */
bool crash_advance(struct crash *c);

/*
 * One of the states that a power cut may leave now. Variant 0: all that was written is there (only
 * the process died), 1: nothing of what was not synced; then each write alone, all but each, the
 * last one torn, and random choices. False if there is no such variant.
 */
bool crash_image(const struct crash *c, unsigned int variant, unsigned int randoms,
	struct disk_image ret[DISK_FILES]);
uint64_t crash_hash(const struct disk_image images[DISK_FILES]);
