// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "queue.h"
#include <stdlib.h>

void queue_done(struct queue *q)
{
	free(q->heap);
	*q = (struct queue){0};
}

static bool before(const struct queue_item *a, const struct queue_item *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void make_room(struct queue *q)
{
	size_t cap = q->cap ? 2 * q->cap : 1024;

	if (q->count < q->cap)
		return;
	q->heap = realloc(q->heap, (cap + 1) * sizeof(*q->heap));
	if (!q->heap)
		abort();
	q->cap = cap;
}

void queue_put(struct queue *q, uint64_t at_us, uint16_t kind, uint16_t where, void *what)
{
	struct queue_item item = {at_us, q->next++, kind, where, what};
	size_t i;

	make_room(q);
	for (i = ++q->count; i > 1 && before(&item, &q->heap[i / 2]); i /= 2)
		q->heap[i] = q->heap[i / 2];
	q->heap[i] = item;
}

bool queue_take(struct queue *q, uint64_t until_us, struct queue_item *ret)
{
	struct queue_item last;
	size_t i = 1, child;

	if (!q->count || q->heap[1].at_us > until_us)
		return false;
	*ret = q->heap[1];
	last = q->heap[q->count--];
	for (; (child = 2 * i) <= q->count; i = child) {
		if (child < q->count && before(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!before(&q->heap[child], &last))
			break;
		q->heap[i] = q->heap[child];
	}
	q->heap[i] = last;
	return true;
}
