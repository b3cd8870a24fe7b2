/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs attached to the taps of a rig: frames go in by one and come out by another, which
 * shows what a test run cannot: where a redirected frame really goes.
 */
#pragma once

#include "harness.h"

struct wire;

/* NULL and *ret_missing as for rig_open(); the rig must live as long. */
struct wire *wire_open(const struct rig *r, enum hook hook, const char **ret_missing);

void wire_close(struct wire *w);

/*
 * Puts a frame on a link and sees what becomes of it; up to `max` frames that came out follow each
 * other in `ret_frames`, the first one is in `ret` as well. What passes to the kernel ends there.
 * Returns how many came out, or negative errno.
 */
int wire_run(struct rig *r, enum link from, const struct frame *in, const struct segmentation *how,
	struct outcome *ret, struct frame *ret_frames, int max);
