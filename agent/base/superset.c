// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/superset.h"
#include <errno.h>
#include <stdlib.h>

/* hnp_len 0: the entry is gone. */
struct set {
	struct domain_prefix *at;
	uint32_t count;
};

static struct domain_prefix *find(const struct set *s, const struct dlma_prefix *p)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->at[i].hnp_len && prefix_equal(&s->at[i].prefix, p))
			return &s->at[i];
	return NULL;
}

static struct dlma_prefix sibling(const struct dlma_prefix *p)
{
	struct dlma_prefix other = *p;

	other.addr.b[(p->len - 1) / 8] ^= (__u8)(0x80 >> (p->len - 1) % 8);
	return other;
}

/*
 * Makes two halves into their parent. A parent that was there already, with another hnp_len,
 * covers nothing that its halves do not.
 */
static void merge(struct set *s, struct domain_prefix *half)
{
	struct dlma_prefix other = sibling(&half->prefix);
	struct dlma_prefix parent = prefix_make(half->prefix.addr, half->prefix.len - 1u);
	struct domain_prefix *twin = find(s, &other), *shadowed;

	if (!twin || twin->hnp_len != half->hnp_len)
		return;
	shadowed = find(s, &parent);
	if (shadowed)
		shadowed->hnp_len = 0;
	twin->hnp_len = 0;
	half->prefix = parent;
}

/* Longest first: what is merged is not changed by anything longer any more. */
static void merge_all(struct set *s)
{
	for (unsigned int len = 128; len; len--)
		for (uint32_t i = 0; i < s->count; i++)
			if (s->at[i].hnp_len && s->at[i].prefix.len == len)
				merge(s, &s->at[i]);
}

static int longest_first(const void *left, const void *right)
{
	const struct domain_prefix *a = left, *b = right;

	if (a->prefix.len != b->prefix.len)
		return b->prefix.len - a->prefix.len;
	return memcmp(&a->prefix.addr, &b->prefix.addr, sizeof(a->prefix.addr));
}

/* Whether the next larger prefix around a sorted set's i-th says the same about the HNPs. */
static bool is_redundant(const struct set *s, uint32_t i)
{
	for (uint32_t j = i + 1; j < s->count; j++)
		if (s->at[j].hnp_len && prefix_contains(&s->at[j].prefix, &s->at[i].prefix.addr))
			return s->at[j].hnp_len == s->at[i].hnp_len;
	return false;
}

static void drop_redundant(struct set *s)
{
	uint32_t kept = 0;

	qsort(s->at, s->count, sizeof(*s->at), longest_first);
	/* What stands behind i is still whole, and only that is looked at. */
	for (uint32_t i = 0; i < s->count; i++)
		if (s->at[i].hnp_len && !is_redundant(s, i))
			s->at[kept++] = s->at[i];
	s->count = kept;
}

static struct dlma_addr mask_of(unsigned int len)
{
	struct dlma_addr ones;

	memset(&ones, 0xff, sizeof(ones));
	return addr_masked(ones, len);
}

int superset_build(const struct domain_prefix *blocks, uint32_t count,
	struct dlma_superset ret[DLMA_SUPERSET_MAX], uint32_t *ret_count)
{
	struct set s = {.at = calloc(count + 1, sizeof(*s.at)), .count = count};

	if (!s.at)
		return -ENOMEM;
	memcpy(s.at, blocks, count * sizeof(*s.at));
	merge_all(&s);
	drop_redundant(&s);
	*ret_count = s.count;
	for (uint32_t i = 0; s.count <= DLMA_SUPERSET_MAX && i < s.count; i++)
		ret[i] = (struct dlma_superset){
			.prefix = s.at[i].prefix.addr,
			.mask = mask_of(s.at[i].prefix.len),
			.hnp_mask = mask_of(s.at[i].hnp_len),
		};
	free(s.at);
	return *ret_count > DLMA_SUPERSET_MAX ? -E2BIG : 0;
}

bool superset_contains(const struct dlma_superset *set, uint32_t count, const struct dlma_addr *a)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct dlma_addr *mask = &set[i].mask;
		struct dlma_addr m = {.q = {a->q[0] & mask->q[0], a->q[1] & mask->q[1]}};

		if (addr_equal(&m, &set[i].prefix))
			return true;
	}
	return false;
}
