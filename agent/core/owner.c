// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"

static const struct domain_prefix *block_of(const struct core *c, const struct dlma_addr *hoa)
{
	return domain_block(c->state.domain, hoa);
}

uint16_t owner_of(const struct core *c, const struct dlma_addr *hoa)
{
	const struct domain_prefix *block = block_of(c, hoa);

	return block ? block->owner : DOMAIN_NO_NODE;
}

bool owner_hnp(const struct core *c, const struct dlma_addr *hoa, struct dlma_prefix *ret)
{
	const struct domain_prefix *block = block_of(c, hoa);

	if (block)
		*ret = prefix_make(*hoa, block->hnp_len);
	return block;
}

bool owner_hnp_valid(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct domain_prefix *block = block_of(c, &hnp->addr);

	return block && block->hnp_len == hnp->len;
}

bool owner_admits(const struct core *c, const struct dlma_prefix *hnp, uint16_t lma)
{
	const struct domain_prefix *block = block_of(c, &hnp->addr);

	return block && domain_may_anchor(block, lma);
}

bool owner_is_self(const struct core *c, const struct dlma_prefix *hnp)
{
	return owner_of(c, &hnp->addr) == c->state.conf->self;
}

uint64_t prefix_hash(const struct table *t, const struct dlma_prefix *p)
{
	return table_hash(t, &p->addr, sizeof(p->addr)) ^ p->len;
}
