// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

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

bool owner_is_self(const struct core *c, const struct dlma_prefix *hnp)
{
	return owner_of(c, &hnp->addr) == c->state.conf->self;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->id_len == b->id_len && a->ll_len == b->ll_len &&
	       !memcmp(a->id, b->id, a->id_len) && !memcmp(a->ll, b->ll, a->ll_len);
}

uint64_t identity_hash(const struct table *t, const struct identity *mn)
{
	return table_hash(t, mn->id, mn->id_len) ^ table_hash(t, mn->ll, mn->ll_len);
}

uint64_t prefix_hash(const struct table *t, const struct dlma_prefix *p)
{
	return table_hash(t, &p->addr, sizeof(p->addr)) ^ p->len;
}

static bool profile_matches(const struct domain_mobile *m, const struct identity *mn)
{
	if (strlen(m->id) != mn->id_len || memcmp(m->id, mn->id, mn->id_len))
		return false;
	return !mn->ll_len ||
	       (mn->ll_len == sizeof(m->link_layer) && !memcmp(mn->ll, m->link_layer, mn->ll_len));
}

static bool profile_id_equal(const struct table_node *node, const void *key)
{
	const struct identity *mn = key;

	return profile_matches(container_of(node, struct profile, by_id)->mobile, mn);
}

const struct domain_mobile *mobile_by_identity(const struct core *c, const struct identity *mn)
{
	const struct table *t = &c->profiles_by_id;
	struct table_node *n =
		table_find(t, table_hash(t, mn->id, mn->id_len), profile_id_equal, mn);

	return n ? container_of(n, struct profile, by_id)->mobile : NULL;
}

static bool profile_mac_equal(const struct table_node *node, const void *key)
{
	return !memcmp(container_of(node, struct profile, by_mac)->mobile->link_layer, key, 6);
}

const struct domain_mobile *mobile_by_mac(const struct core *c, const uint8_t mac[6])
{
	const struct table *t = &c->profiles_by_mac;
	struct table_node *n = table_find(t, table_hash(t, mac, 6), profile_mac_equal, mac);

	return n ? container_of(n, struct profile, by_mac)->mobile : NULL;
}

int owner_init(struct core *c)
{
	const struct domain *d = c->state.domain;
	int err = 0;

	table_init(&c->profiles_by_id, c->options.seed);
	table_init(&c->profiles_by_mac, c->options.seed);
	c->profiles = calloc(d->mobile_count + 1, sizeof(*c->profiles));
	if (!c->profiles)
		return -ENOMEM;
	for (uint32_t i = 0; !err && i < d->mobile_count; i++) {
		const struct domain_mobile *m = &d->mobiles[i];

		c->profiles[i].mobile = m;
		err = table_insert(&c->profiles_by_id, &c->profiles[i].by_id,
			table_hash(&c->profiles_by_id, m->id, strlen(m->id)));
		if (!err)
			err = table_insert(&c->profiles_by_mac, &c->profiles[i].by_mac,
				table_hash(&c->profiles_by_mac, m->link_layer, 6));
	}
	return err;
}

void owner_done(struct core *c)
{
	table_done(&c->profiles_by_id);
	table_done(&c->profiles_by_mac);
	free(c->profiles);
}

enum domain_disclosure mobile_disclosure(const struct core *c, const struct identity *mn)
{
	const struct domain_mobile *profile = mn ? mobile_by_identity(c, mn) : NULL;

	if (!profile)
		return DOMAIN_DISCLOSE_NONE;
	return profile->disclosure ? profile->disclosure : c->state.domain->disclosure;
}
