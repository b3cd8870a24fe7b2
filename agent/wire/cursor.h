/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bounds-checked, big-endian reader and writer. Neither can fail half way: reading past the end
 * gives zeros, and writing past the capacity stores nothing but goes on counting, so that the
 * caller compares len with cap once, at the end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const uint8_t *at;
	size_t left;
};

struct writer {
	uint8_t *buf;
	size_t cap;
	size_t len; /* octets written, or that would have been */
};

/* Cuts the next octets off as a reader of their own. */
static inline struct reader reader_take(struct reader *r, size_t len)
{
	struct reader taken = {r->at, len < r->left ? len : r->left};

	r->at += taken.left;
	r->left -= taken.left;
	return taken;
}

static inline void reader_skip(struct reader *r, size_t len)
{
	reader_take(r, len);
}

static inline void reader_bytes(struct reader *r, void *ret, size_t len)
{
	struct reader taken = reader_take(r, len);

	memset(ret, 0, len);
	memcpy(ret, taken.at, taken.left);
}

static inline uint8_t reader_u8(struct reader *r)
{
	struct reader taken = reader_take(r, 1);

	return taken.left ? *taken.at : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
	uint8_t high = reader_u8(r);

	return (uint16_t)(high << 8 | reader_u8(r));
}

static inline uint32_t reader_u32(struct reader *r)
{
	uint32_t high = reader_u16(r);

	return high << 16 | reader_u16(r);
}

static inline uint64_t reader_u64(struct reader *r)
{
	uint64_t high = reader_u32(r);

	return high << 32 | reader_u32(r);
}

static inline void writer_bytes(struct writer *w, const void *data, size_t len)
{
	if (w->len <= w->cap && len <= w->cap - w->len)
		memcpy(w->buf + w->len, data, len);
	w->len += len;
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
	writer_bytes(w, &v, 1);
}

static inline void writer_u16(struct writer *w, uint16_t v)
{
	writer_u8(w, (uint8_t)(v >> 8));
	writer_u8(w, (uint8_t)v);
}

static inline void writer_u32(struct writer *w, uint32_t v)
{
	writer_u16(w, (uint16_t)(v >> 16));
	writer_u16(w, (uint16_t)v);
}

static inline void writer_u64(struct writer *w, uint64_t v)
{
	writer_u32(w, (uint32_t)(v >> 32));
	writer_u32(w, (uint32_t)v);
}

static inline void writer_zeros(struct writer *w, size_t len)
{
	for (size_t i = 0; i < len; i++)
		writer_u8(w, 0);
}

/* Overwrites what was written before, such as a length that is known only later. */
static inline void writer_set_u8(struct writer *w, size_t at, uint8_t v)
{
	if (at < w->cap)
		w->buf[at] = v;
}

static inline void writer_set_u16(struct writer *w, size_t at, uint16_t v)
{
	writer_set_u8(w, at, (uint8_t)(v >> 8));
	writer_set_u8(w, at + 1, (uint8_t)v);
}
