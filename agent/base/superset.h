/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The superset of all HoA prefixes, aggregated where possible (draft 4.2). Pure. */
#pragma once

#include "dlma/domain.h"

/*
 * Makes the superset of `count` blocks; only their prefix and hnp_len count. Two halves with the
 * same hnp_len become one prefix; a prefix inside another stays only if its hnp_len differs.
 * Fills `ret`, longest prefix first.
 *
 * *ret_count is how many there are, written on -E2BIG too: then they are more than
 * DLMA_SUPERSET_MAX and `ret` is untouched. Returns 0, -E2BIG or -ENOMEM.
 */
int superset_build(const struct domain_prefix *blocks, uint32_t count,
	struct dlma_superset ret[DLMA_SUPERSET_MAX], uint32_t *ret_count);

bool superset_contains(const struct dlma_superset *set, uint32_t count, const struct dlma_addr *a);
