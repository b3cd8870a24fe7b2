/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the core wants sent waits here for the end of the turn: durable first, then told. One
 * commit, and so one fsync, serves all that a turn has brought.
 */
#pragma once

#include "core/effect.h"
#include "io/store.h"

struct outbox;

/* Sends one effect, of kind EFFECT_SEND or EFFECT_FRAME. */
typedef void outbox_send(void *arg, const struct effect *e);

struct outbox *outbox_new(struct store *s, outbox_send *send, void *arg);
void outbox_free(struct outbox *o);
/* Takes a copy. If there is no room left, this turn's messages go out first. */
void outbox_put(struct outbox *o, const struct effect *e, uint64_t now_ms);
/*
 * Commits the store and sends everything in its order, but for what the store does not let out:
 * that is as good as lost on the way, and whoever waits for it asks again.
 */
void outbox_flush(struct outbox *o, uint64_t now_ms);
/* How many were not let out so far. */
uint64_t outbox_held_back(const struct outbox *o);
