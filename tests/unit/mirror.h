/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the effects of a core have made of the maps and of the store, so that it can be held against
 * what the core believes.
 */
#pragma once

#include "core/internal.h"

enum { MIRROR_MAX = 64 };

struct mirror_location {
	struct dlma_prefix hnp;
	uint8_t kind, flags;
	struct dlma_addr target;
	bool failed; /* could not be written: what stands there is not what the core wants */
};

struct mirror_access {
	struct dlma_prefix hnp;
	uint32_t ifindex;
	uint8_t mac[6];
};

struct mirror {
	struct mirror_location locations[MIRROR_MAX];
	struct mirror_access access[MIRROR_MAX];
	struct record store[MIRROR_MAX];
	unsigned int location_count, access_count, store_count;
	unsigned int fail; /* so many of the next writes of locations fail */
	bool expecting;
};

/* NULL if there is none. */
struct mirror_location *mirror_location(const struct mirror *m, const struct dlma_prefix *hnp);
struct mirror_access *mirror_access(const struct mirror *m, const struct dlma_prefix *hnp);
struct record *mirror_record(const struct mirror *m, const struct dlma_prefix *hnp);

/* Carries an effect out. Returns what is wrong with it, or NULL. */
const char *mirror_apply(struct mirror *m, const struct core *c, const struct effect *e);

/* Whether a location of this effect could not be written: the core wants to hear of it. */
bool mirror_failed(const struct mirror *m, const struct effect *e);

/* Where core and maps disagree, once no timer is overdue; NULL if they do not. */
const char *mirror_differs(const struct mirror *m, const struct core *c);
