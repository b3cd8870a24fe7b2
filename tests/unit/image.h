/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a core remembers, octet by octet, to be compared. */
#pragma once

#include "core/core.h"

/* Every octet of every table of a core, in one block that the caller frees. */
struct image {
	uint8_t *bytes;
	size_t len;
};

struct image image_of(const struct core *c);
bool image_same(const struct image *a, const struct image *b);
