// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "image.h"
#include "core/state.h"
#include <stdlib.h>
#include <string.h>

/* Which place a timer has in the heap depends on all the others. */
static void mask_places(const struct core *c, const char *entry, uint8_t *copy, size_t size)
{
	for (size_t i = 1; i <= c->timers.count; i++) {
		uintptr_t at = (uintptr_t)&c->timers.heap[i]->place - (uintptr_t)entry;

		if (at < size)
			memset(copy + at, 0xff, sizeof(c->timers.heap[i]->place));
	}
}

static void append(struct image *image, const struct core *c, const struct table *t, size_t offset,
	size_t size)
{
	struct table_node *n = NULL;

	while ((n = table_next(t, n))) {
		uint8_t *grown = realloc(image->bytes, image->len + size);

		if (!grown)
			abort();
		image->bytes = grown;
		memcpy(image->bytes + image->len, (char *)n - offset, size);
		mask_places(c, (char *)n - offset, image->bytes + image->len, size);
		image->len += size;
	}
}

struct image image_of(const struct core *c)
{
	const struct core_state *s = core_state(c);
	struct image image = {0};

	append(&image, c, &s->attachments, offsetof(struct attachment, by_mac),
		sizeof(struct attachment));
	append(&image, c, &s->bindings, offsetof(struct binding, by_mn), sizeof(struct binding));
	append(&image, c, &s->anchors, offsetof(struct anchor, by_hnp), sizeof(struct anchor));
	append(&image, c, &s->learnt, offsetof(struct learnt, by_hnp), sizeof(struct learnt));
	append(&image, c, &s->notices, offsetof(struct notice, node), sizeof(struct notice));
	append(&image, c, &s->revocations, offsetof(struct revocation, node),
		sizeof(struct revocation));
	return image;
}

bool image_same(const struct image *a, const struct image *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->bytes, b->bytes, a->len));
}
