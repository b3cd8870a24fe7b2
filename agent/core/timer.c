// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/timer.h"
#include <errno.h>
#include <stdlib.h>

enum { HEAP_FIRST = 64 };

void timer_heap_done(struct timer_heap *h)
{
	free(h->heap);
	*h = (struct timer_heap){0};
}

static void place(struct timer_heap *h, struct timer *t, size_t i)
{
	h->heap[i] = t;
	t->place = (uint32_t)i;
}

static void sift_up(struct timer_heap *h, struct timer *t)
{
	size_t i = t->place;

	for (; i > 1 && h->heap[i / 2]->at_ms > t->at_ms; i /= 2)
		place(h, h->heap[i / 2], i);
	place(h, t, i);
}

static void sift_down(struct timer_heap *h, struct timer *t)
{
	size_t i = t->place, child;

	for (; (child = 2 * i) <= h->count; i = child) {
		if (child < h->count && h->heap[child + 1]->at_ms < h->heap[child]->at_ms)
			child++;
		if (h->heap[child]->at_ms >= t->at_ms)
			break;
		place(h, h->heap[child], i);
	}
	place(h, t, i);
}

int timer_reserve(struct timer_heap *h, size_t count)
{
	size_t cap = h->cap ? h->cap : HEAP_FIRST;
	struct timer **heap;

	while (cap < h->reserved + count)
		cap *= 2;
	if (cap != h->cap) {
		heap = realloc(h->heap, (cap + 1) * sizeof(struct timer *));
		if (!heap)
			return -ENOMEM;
		h->heap = heap;
		h->cap = cap;
	}
	h->reserved += count;
	return 0;
}

void timer_release(struct timer_heap *h, size_t count)
{
	h->reserved -= count;
}

void timer_set(struct timer_heap *h, struct timer *t, uint64_t at_ms)
{
	t->at_ms = at_ms;
	if (!t->place)
		place(h, t, ++h->count);
	sift_up(h, t);
	sift_down(h, t);
}

void timer_clear(struct timer_heap *h, struct timer *t)
{
	struct timer *last;
	size_t hole = t->place;

	if (!hole)
		return;
	last = h->heap[h->count--];
	t->place = 0;
	if (last == t)
		return;
	place(h, last, hole);
	sift_up(h, last);
	sift_down(h, last);
}

struct timer *timer_due(struct timer_heap *h, uint64_t now_ms)
{
	struct timer *t = h->count ? h->heap[1] : NULL;

	if (!t || t->at_ms > now_ms)
		return NULL;
	timer_clear(h, t);
	return t;
}

uint64_t timer_next(const struct timer_heap *h)
{
	return h->count ? h->heap[1]->at_ms : TIMER_NEVER;
}
