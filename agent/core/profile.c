// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policy profiles (RFC 5213 6.2) by what a message, an access link or an allocation knows. */
#include "core/internal.h"
#include <stdlib.h>

struct profile {
	struct table_node by_id, by_mac, by_hnp;
	const struct domain_mobile *mobile;
};

struct profiles {
	struct table by_id, by_mac, by_hnp;
	struct profile list[];
};

static int insert(struct profiles *all, struct profile *p)
{
	const struct domain_mobile *m = p->mobile;
	int err;

	err = table_insert(&all->by_id, &p->by_id, table_hash(&all->by_id, m->id, strlen(m->id)));
	if (!err)
		err = table_insert(&all->by_mac, &p->by_mac,
			table_hash(&all->by_mac, m->link_layer, sizeof(m->link_layer)));
	if (!err && m->has_hnp)
		err = table_insert(&all->by_hnp, &p->by_hnp, prefix_hash(&all->by_hnp, &m->hnp));
	return err;
}

struct profiles *profiles_new(const struct domain *d, const uint64_t seed[2])
{
	struct profiles *all = calloc(1, sizeof(*all) + d->mobile_count * sizeof(*all->list));

	if (!all)
		return NULL;
	table_init(&all->by_id, seed);
	table_init(&all->by_mac, seed);
	table_init(&all->by_hnp, seed);
	for (uint32_t i = 0; i < d->mobile_count; i++) {
		all->list[i].mobile = &d->mobiles[i];
		if (insert(all, &all->list[i])) {
			profiles_free(all);
			return NULL;
		}
	}
	return all;
}

void profiles_free(struct profiles *all)
{
	if (!all)
		return;
	table_done(&all->by_id);
	table_done(&all->by_mac);
	table_done(&all->by_hnp);
	free(all);
}

static bool matches(const struct domain_mobile *m, const struct identity *mn)
{
	if (strlen(m->id) != mn->id_len || memcmp(m->id, mn->id, mn->id_len))
		return false;
	return !mn->ll_len ||
	       (mn->ll_len == sizeof(m->link_layer) && !memcmp(mn->ll, m->link_layer, mn->ll_len));
}

static bool id_equal(const struct table_node *node, const void *key)
{
	return matches(container_of(node, struct profile, by_id)->mobile, key);
}

const struct domain_mobile *mobile_by_identity(const struct core *c, const struct identity *mn)
{
	const struct table *t = &c->profiles->by_id;
	struct table_node *n = table_find(t, table_hash(t, mn->id, mn->id_len), id_equal, mn);

	return n ? container_of(n, struct profile, by_id)->mobile : NULL;
}

void mobile_complete(const struct core *c, struct identity *mn)
{
	const struct domain_mobile *m = mn->ll_len ? NULL : mobile_by_identity(c, mn);

	if (!m)
		return;
	mn->ll_len = sizeof(m->link_layer);
	memcpy(mn->ll, m->link_layer, sizeof(m->link_layer));
}

static bool mac_equal(const struct table_node *node, const void *key)
{
	return !memcmp(container_of(node, struct profile, by_mac)->mobile->link_layer, key, 6);
}

const struct domain_mobile *mobile_by_mac(const struct core *c, const uint8_t mac[6])
{
	const struct table *t = &c->profiles->by_mac;
	struct table_node *n = table_find(t, table_hash(t, mac, 6), mac_equal, mac);

	return n ? container_of(n, struct profile, by_mac)->mobile : NULL;
}

static bool hnp_equal(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct profile, by_hnp)->mobile->hnp, key);
}

bool mobile_reserves(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct table *t = &c->profiles->by_hnp;

	return table_find(t, prefix_hash(t, hnp), hnp_equal, hnp);
}

enum domain_disclosure mobile_disclosure(const struct core *c, const struct identity *mn)
{
	const struct domain_mobile *profile = mn ? mobile_by_identity(c, mn) : NULL;

	if (!profile)
		return DOMAIN_DISCLOSE_NONE;
	return profile->disclosure ? profile->disclosure : c->state.domain->disclosure;
}
