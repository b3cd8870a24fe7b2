/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The Internet checksum over the IPv6 pseudo-header (RFC 8200 8.1) and a payload. */
#pragma once

#include "dlma/types.h"
#include <stddef.h>
#include <stdint.h>

/* Adds up 16-bit words; only the last piece of a payload may have an odd length. */
static inline uint64_t checksum_add(uint64_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint64_t)data[i] << 8;
	return sum;
}

static inline uint64_t checksum_pseudo(
	const struct dlma_addr *src, const struct dlma_addr *dst, uint8_t next_header, size_t len)
{
	uint64_t sum = len + next_header;

	sum = checksum_add(sum, src->b, sizeof(src->b));
	return checksum_add(sum, dst->b, sizeof(dst->b));
}

/* What the field has to hold, or 0 if the field was in the sum and is right. */
static inline uint16_t checksum_finish(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
