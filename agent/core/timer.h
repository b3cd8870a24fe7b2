/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Deadlines in a heap. A timer lives inside the struct that it belongs to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMER_NEVER UINT64_MAX

struct timer {
	uint64_t at_ms;
	uint32_t place; /* in the heap, from 1; 0 while not set */
	uint8_t kind;	/* for the owner: what is due, and what the timer is a part of */
};

struct timer_heap {
	struct timer **heap; /* [1..count] */
	size_t count, cap;
	size_t reserved; /* timers that there are, set or not */
};

void timer_heap_done(struct timer_heap *h);

/*
 * Makes room for the timers of a struct when it comes to life, so that setting one can never
 * fail. Returns 0 or -ENOMEM.
 */
int timer_reserve(struct timer_heap *h, size_t count);
/* The struct goes; its timers must have been cleared. */
void timer_release(struct timer_heap *h, size_t count);

/* Sets or moves. */
void timer_set(struct timer_heap *h, struct timer *t, uint64_t at_ms);
void timer_clear(struct timer_heap *h, struct timer *t);
/* Takes out the earliest that is due, or NULL. */
struct timer *timer_due(struct timer_heap *h, uint64_t now_ms);
/* When the earliest is due, or TIMER_NEVER. */
uint64_t timer_next(const struct timer_heap *h);

static inline bool timer_is_set(const struct timer *t)
{
	return t->place;
}
