/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One message of each kind that dlma sends, as octets and as a struct; and what tests of it need.
 */
#pragma once

#include "wire/mh.h"

enum { VECTOR_COUNT = 20, VECTOR_AUTHENTICATED = 16 };

struct vector {
	const char *name;
	struct dlma_addr src, dst;
	size_t len;
	uint8_t bytes[128];
	struct mh_message message;
};

extern const struct vector vectors[VECTOR_COUNT];

/* Name of the first member in which the two differ; NULL if they are equal. */
const char *vector_difference(const struct mh_message *a, const struct mh_message *b);

/* mh_decode() on a copy that ends where its memory ends, so that ASan sees each octet too far. */
enum dlma_signal_reason vector_decode(
	const uint8_t *buf, size_t len, struct mh_message *ret, unsigned int *ret_unknown);

/* Fails the test unless decoding gives this reason. */
void vector_expect(
	const uint8_t *buf, size_t len, enum dlma_signal_reason expected, const char *what);

/* Octets of a message of a known type before its options. */
size_t vector_fixed_len(uint8_t type);

/* The Internet checksum over pseudo-header and payload, written independently of agent/wire. */
uint16_t vector_checksum(const struct dlma_addr *src, const struct dlma_addr *dst,
	uint8_t next_header, const uint8_t *payload, size_t len);
