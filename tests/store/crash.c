// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "crash.h"
#include <stdlib.h>
#include <string.h>

void crash_begin(struct crash *c, const struct disk_op *ops, size_t count,
	const struct disk_image base[DISK_FILES])
{
	memset(c, 0, sizeof(*c));
	c->ops = ops;
	c->op_count = count;
	for (int i = 0; base && i < DISK_FILES; i++)
		image_copy(&c->base[i], &base[i]);
}

void crash_end(struct crash *c)
{
	for (int i = 0; i < DISK_FILES; i++)
		image_free(&c->base[i]);
}

/* Octets [from, to) of a write. */
static void apply_part(
	struct disk_image images[DISK_FILES], const struct disk_op *op, uint32_t from, uint32_t to)
{
	if (images[op->file].exists && from < to)
		image_write(&images[op->file], op->at + from, op->bytes + from, to - from);
}

static void apply(struct disk_image images[DISK_FILES], const struct disk_op *op)
{
	struct disk_image *i = &images[op->file];

	switch (op->kind) {
	case DISK_CREATE:
		i->exists = true;
		i->size = 0;
		break;
	case DISK_WRITE:
		apply_part(images, op, 0, op->len);
		break;
	case DISK_TRUNCATE:
		if (i->exists)
			image_truncate(i, op->at);
		break;
	case DISK_DELETE:
		i->exists = false;
		i->size = 0;
		break;
	case DISK_SYNC:
	case DISK_SYNC_FAILED:
	case DISK_SYNC_DIRECTORY:
		break;
	}
}

static bool is_name(const struct disk_op *op)
{
	return op->kind == DISK_CREATE || op->kind == DISK_DELETE;
}

static bool covers(const struct disk_op *sync, const struct disk_op *op, bool names)
{
	return is_name(op) ? names : sync->kind != DISK_SYNC_DIRECTORY && op->file == sync->file;
}

/* With the first sync of a new log SQLite's unix VFS syncs the directory as well. */
static bool covers_names(const struct crash *c, const struct disk_op *sync)
{
	if (sync->kind == DISK_SYNC && sync->file != DISK_DB)
		for (size_t i = 0; i < c->pending_count; i++)
			if (c->ops[c->pending[i]].kind == DISK_CREATE &&
				c->ops[c->pending[i]].file == sync->file)
				return true;
	return sync->kind == DISK_SYNC_DIRECTORY;
}

/* Applies what has become durable; what a failed sync leaves is there or not, for good. */
static void settle(struct crash *c, const struct disk_op *sync)
{
	bool names = covers_names(c, sync);
	size_t kept = 0;

	for (size_t i = 0; i < c->pending_count; i++) {
		const struct disk_op *op = &c->ops[c->pending[i]];

		if (!covers(sync, op, names))
			c->pending[kept++] = c->pending[i];
		else if (sync->kind != DISK_SYNC_FAILED || rand() % 2)
			apply(c->base, op);
	}
	c->pending_count = kept;
}

bool crash_advance(struct crash *c)
{
	const struct disk_op *op = &c->ops[c->next];

	if (c->next == c->op_count)
		return false;
	if (op->kind == DISK_SYNC || op->kind == DISK_SYNC_FAILED ||
		op->kind == DISK_SYNC_DIRECTORY)
		settle(c, op);
	else if (c->pending_count == CRASH_PENDING_MAX)
		abort();
	else
		c->pending[c->pending_count++] = c->next;
	c->next++;
	return true;
}

/* The last write, begun at its front or at its back. */
static void tear(struct disk_image images[DISK_FILES], const struct disk_op *op, bool front)
{
	uint32_t cut = op->len ? (uint32_t)rand() % op->len : 0;

	if (op->kind != DISK_WRITE)
		return;
	if (front)
		apply_part(images, op, 0, cut);
	else
		apply_part(images, op, cut, op->len);
}

enum choice { ALL, NONE, ONE, ALL_BUT_ONE, TORN, RANDOM };

static bool chosen(enum choice choice, size_t i, size_t which)
{
	switch (choice) {
	case ALL:
	case TORN:
		return true;
	case NONE:
		return false;
	case ONE:
		return i == which;
	case ALL_BUT_ONE:
		return i != which;
	case RANDOM:
		return rand() % 2;
	}
	return false;
}

/* What a variant's number means while so many writes are pending. False: there is none such. */
static bool choice_of(
	unsigned int variant, unsigned int randoms, size_t pending, enum choice *ret, size_t *which)
{
	*ret = variant ? NONE : ALL;
	*which = 0;
	if (variant < 2 || !pending)
		return variant < (pending ? 2 : 1);
	variant -= 2;
	if (variant < 2 * pending) {
		*ret = variant % 2 ? ONE : ALL_BUT_ONE;
		*which = variant / 2;
		return true;
	}
	variant -= (unsigned int)(2 * pending);
	*ret = variant % 2 ? TORN : RANDOM;
	return variant < 2 * randoms;
}

bool crash_image(const struct crash *c, unsigned int variant, unsigned int randoms,
	struct disk_image ret[DISK_FILES])
{
	enum choice choice;
	size_t which;

	if (!choice_of(variant, randoms, c->pending_count, &choice, &which))
		return false;
	for (int i = 0; i < DISK_FILES; i++)
		image_copy(&ret[i], &c->base[i]);
	for (size_t i = 0; i < c->pending_count; i++) {
		const struct disk_op *op = &c->ops[c->pending[i]];
		bool last = i == c->pending_count - 1;

		if (!chosen(choice, i, which))
			continue;
		if (last && (choice == TORN || (choice == RANDOM && rand() % 2)))
			tear(ret, op, rand() % 2);
		else
			apply(ret, op);
	}
	return true;
}

uint64_t crash_hash(const struct disk_image images[DISK_FILES])
{
	uint64_t h = 14695981039346656037ULL, word;

	for (int i = 0; i < DISK_FILES; i++) {
		h = (h ^ images[i].exists) * 1099511628211ULL;
		h = (h ^ images[i].size) * 1099511628211ULL;
		for (size_t k = 0; k < images[i].size; k += sizeof(word)) {
			size_t left = images[i].size - k;

			word = 0;
			memcpy(&word, images[i].bytes + k,
				left < sizeof(word) ? left : sizeof(word));
			h = (h ^ word) * 1099511628211ULL;
			h ^= h >> 29;
		}
	}
	return h;
}
