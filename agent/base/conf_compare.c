// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What has changed between two configurations of a node, by the name of the setting. */
#include "base/conf.h"

static bool same_nodes(const struct node_conf *x, const struct node_conf *y)
{
	const struct domain *a = &x->domain, *b = &y->domain;

	if (a->node_count != b->node_count)
		return false;
	for (uint32_t i = 0; i < a->node_count; i++) {
		const struct domain_node *m = &a->nodes[i], *n = &b->nodes[i];

		if (strcmp(m->name, n->name) || !addr_equal(&m->address, &n->address) ||
			m->roles != n->roles || m->lma != n->lma)
			return false;
	}
	return true;
}

static bool same_anchors(const struct domain_prefix *a, const struct domain_prefix *b)
{
	if (!a->anchors || !b->anchors)
		return a->anchors == b->anchors;
	return a->anchor_count == b->anchor_count &&
	       !memcmp(a->anchors, b->anchors, a->anchor_count * sizeof(*a->anchors));
}

static bool same_prefixes(const struct node_conf *x, const struct node_conf *y)
{
	const struct domain *a = &x->domain, *b = &y->domain;

	if (a->prefix_count != b->prefix_count)
		return false;
	for (uint32_t i = 0; i < a->prefix_count; i++) {
		const struct domain_prefix *m = &a->prefixes[i], *n = &b->prefixes[i];

		if (!prefix_equal(&m->prefix, &n->prefix) || m->hnp_len != n->hnp_len ||
			m->owner != n->owner || !same_anchors(m, n))
			return false;
	}
	return true;
}

static bool same_superset(const struct node_conf *x, const struct node_conf *y)
{
	const struct domain *a = &x->domain, *b = &y->domain;

	return a->superset_count == b->superset_count &&
	       !memcmp(a->superset, b->superset, a->superset_count * sizeof(*a->superset));
}

static bool same_mobile(const struct domain_mobile *m, const struct domain_mobile *n)
{
	return !strcmp(m->id, n->id) &&
	       !memcmp(m->link_layer, n->link_layer, sizeof(m->link_layer)) && m->home == n->home &&
	       m->allowed == n->allowed && m->disclosure == n->disclosure &&
	       m->has_hnp == n->has_hnp && prefix_equal(&m->hnp, &n->hnp);
}

static bool same_mobiles(const struct node_conf *x, const struct node_conf *y)
{
	const struct domain *a = &x->domain, *b = &y->domain;

	if (a->mobile_count != b->mobile_count)
		return false;
	for (uint32_t i = 0; i < a->mobile_count; i++)
		if (!same_mobile(&a->mobiles[i], &b->mobiles[i]))
			return false;
	return true;
}

static bool same_security(const struct node_conf *x, const struct node_conf *y)
{
	return x->domain.authentication == y->domain.authentication &&
	       x->domain.vendor_id == y->domain.vendor_id;
}

static bool same_policy(const struct node_conf *x, const struct node_conf *y)
{
	return x->domain.disclosure == y->domain.disclosure;
}

static bool same_home_tracks(const struct node_conf *x, const struct node_conf *y)
{
	return x->domain.home_tracks_mag == y->domain.home_tracks_mag;
}

static bool same_ask_first(const struct node_conf *x, const struct node_conf *y)
{
	return x->domain.ask_first == y->domain.ask_first;
}

static bool same_timers(const struct node_conf *x, const struct node_conf *y)
{
	return !memcmp(&x->domain.timers, &y->domain.timers, sizeof(x->domain.timers));
}

static bool same_domain_name(const struct node_conf *x, const struct node_conf *y)
{
	return !strcmp(x->domain.name, y->domain.name);
}

static bool same_self(const struct node_conf *x, const struct node_conf *y)
{
	return x->self == y->self;
}

static bool same_interfaces(const struct node_conf *x, const struct node_conf *y)
{
	if (x->interface_count != y->interface_count)
		return false;
	for (uint32_t i = 0; i < x->interface_count; i++) {
		const struct domain_interface *m = &x->interfaces[i], *n = &y->interfaces[i];

		if (strcmp(m->match, n->match) || m->hook != n->hook || m->access != n->access)
			return false;
	}
	return true;
}

static bool same_limits(const struct node_conf *x, const struct node_conf *y)
{
	return x->locations_max == y->locations_max && x->cache_max == y->cache_max &&
	       x->access_max == y->access_max && x->bindings_per_mag == y->bindings_per_mag &&
	       x->anchors_per_lma == y->anchors_per_lma && x->moves_per_peer == y->moves_per_peer &&
	       x->moves_per_mn == y->moves_per_mn;
}

static bool same_store_failure(const struct node_conf *x, const struct node_conf *y)
{
	return x->store_failure == y->store_failure;
}

static bool same_directories(const struct node_conf *x, const struct node_conf *y)
{
	return !strcmp(x->run_dir, y->run_dir) && !strcmp(x->state_dir, y->state_dir) &&
	       !strcmp(x->pin_dir, y->pin_dir);
}

static const struct {
	const char *name;
	bool (*same)(const struct node_conf *x, const struct node_conf *y);
} parts[] = {
	{"domain.name", same_domain_name},
	{"domain.nodes", same_nodes},
	{"domain.prefixes", same_prefixes},
	{"domain.superset", same_superset},
	{"domain.mobile_nodes", same_mobiles},
	{"domain.security", same_security},
	{"domain.disclose_proxy_coa", same_policy},
	{"domain.home_tracks_mag", same_home_tracks},
	{"domain.ask_first", same_ask_first},
	{"domain.timers", same_timers},
	{"node.name", same_self},
	{"node.interfaces", same_interfaces},
	{"node.limits", same_limits},
	{"node.store_failure", same_store_failure},
	{"a directory of the node", same_directories},
};

const char *conf_difference(const struct node_conf *x, const struct node_conf *y)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!parts[i].same(x, y))
			return parts[i].name;
	return NULL;
}
