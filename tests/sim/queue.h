/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is to happen, in order of time; at the same time, in order of arrival. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_item {
	uint64_t at_us;
	uint32_t number;
	uint16_t kind;
	uint16_t where; /* node or MN */
	void *what;	/* owned by whoever takes it out */
};

struct queue {
	struct queue_item *heap; /* [1..count] */
	size_t count, cap;
	uint32_t next;
};

void queue_done(struct queue *q);
void queue_put(struct queue *q, uint64_t at_us, uint16_t kind, uint16_t where, void *what);
/* False if there is nothing until then. */
bool queue_take(struct queue *q, uint64_t until_us, struct queue_item *ret);
