// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Allocation of HNPs (draft 2.3, 4.1). Every HNP ever given out stays with its MN in the anchors
 * table; only when a block has none left that was never used, the one that has been unused for the
 * longest time changes hands.
 */
#include "core/internal.h"
#include <errno.h>

/* HNP number n of a block: n counted in the bits between the two prefix lengths. */
static struct dlma_prefix hnp_number(const struct domain_prefix *block, uint64_t n)
{
	struct dlma_prefix hnp = {.addr = block->prefix.addr, .len = block->hnp_len};

	for (unsigned int bit = block->hnp_len; n && bit > block->prefix.len; bit--, n >>= 1)
		if (n & 1)
			hnp.addr.b[(bit - 1) / 8] |= (uint8_t)(0x80 >> ((bit - 1) % 8));
	return hnp;
}

/* HNPs of a block; number 0 is left out, its addresses look like those of the block itself. */
static uint64_t block_size(const struct domain_prefix *block)
{
	unsigned int bits = (unsigned int)(block->hnp_len - block->prefix.len);

	return bits < 63 ? 1ULL << bits : 1ULL << 63;
}

static bool usable(struct core *c, const struct domain_prefix *block, const struct dlma_prefix *hnp)
{
	/* A block nested in this one may belong to another owner. */
	return owner_is_self(c, hnp) && owner_hnp_valid(c, hnp) && !anchor_by_hnp(c, hnp) &&
	       !(block->hnp_len > block->prefix.len && addr_equal(&hnp->addr, &block->prefix.addr));
}

static bool take_from_block(struct core *c, uint32_t index, struct dlma_prefix *ret)
{
	enum { LOOKED_AT_MAX = 65536 };
	const struct domain_prefix *block = &c->state.domain->prefixes[index];
	uint64_t size = block_size(block);

	for (uint64_t tried = 0; tried < size && tried < LOOKED_AT_MAX; tried++) {
		uint64_t n = c->next_free[index]++ % size;
		struct dlma_prefix hnp = hnp_number(block, n);

		if (usable(c, block, &hnp) && !mobile_reserves(c, &hnp)) {
			*ret = hnp;
			return true;
		}
	}
	return false;
}

/* The anchor entry that may change hands first, or NULL if all are in use. */
static struct anchor *longest_unused(struct core *c, uint16_t lma)
{
	struct anchor *oldest = NULL;
	struct table_node *n = NULL;

	while ((n = table_next(&c->state.anchors, n))) {
		struct anchor *a = container_of(n, struct anchor, by_hnp);

		if (a->dlma == DOMAIN_NO_NODE && !mobile_reserves(c, &a->hnp) &&
			owner_admits(c, &a->hnp, lma) &&
			(!oldest || a->released_ms < oldest->released_ms))
			oldest = a;
	}
	return oldest;
}

int alloc_hnp(struct core *c, const struct identity *mn, uint16_t lma, struct dlma_prefix *ret)
{
	const struct domain *d = c->state.domain;
	struct anchor *a;

	for (uint32_t i = 0; i < d->prefix_count; i++)
		if (d->prefixes[i].owner == c->state.conf->self &&
			domain_may_anchor(&d->prefixes[i], lma) && take_from_block(c, i, ret))
			return 0;
	a = longest_unused(c, lma);
	if (!a) {
		report(c, REPORT_prefixes_exhausted, mn, NULL, REPORT_NO_PEER);
		return -ENOSPC;
	}
	*ret = a->hnp;
	anchor_forget(c, a);
	return 0;
}
