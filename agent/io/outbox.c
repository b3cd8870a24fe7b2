// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/outbox.h"
#include <stdlib.h>

enum { LETTERS_MAX = 1024 };

struct outbox {
	struct store *store;
	outbox_send *send;
	void *arg;
	uint64_t held_back;
	uint32_t count;
	struct effect letters[LETTERS_MAX];
};

struct outbox *outbox_new(struct store *s, outbox_send *send, void *arg)
{
	struct outbox *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->store = s;
	o->send = send;
	o->arg = arg;
	return o;
}

void outbox_free(struct outbox *o)
{
	free(o);
}

void outbox_put(struct outbox *o, const struct effect *e, uint64_t now_ms)
{
	if (o->count == LETTERS_MAX)
		outbox_flush(o, now_ms);
	o->letters[o->count++] = *e;
}

static const struct dlma_prefix *subject(const struct effect *e)
{
	return e->kind == EFFECT_SEND ? &e->send.hnp : &e->frame.hnp;
}

void outbox_flush(struct outbox *o, uint64_t now_ms)
{
	store_commit(o->store, now_ms);
	for (uint32_t i = 0; i < o->count; i++) {
		const struct effect *e = &o->letters[i];

		if (store_lets_out(o->store, subject(e)))
			o->send(o->arg, e);
		else
			o->held_back++;
	}
	o->count = 0;
}

uint64_t outbox_held_back(const struct outbox *o)
{
	return o->held_back;
}
