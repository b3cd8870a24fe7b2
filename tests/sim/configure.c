// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The plan as the configuration that its nodes read. */
#include "plan.h"
#include <stdio.h>

static void set_nodes(const struct plan *p, struct plan_conf *c)
{
	for (uint16_t i = 0; i < p->domain.node_count; i++) {
		struct domain_node *n = &c->nodes[i];

		*n = (struct domain_node){.address = path_node_address(i),
			.roles = p->domain.roles[i],
			.lma = p->lma_of[i]};
		snprintf(n->name, sizeof(n->name), "%s", plan_node_name(p, i));
	}
}

static void set_mobiles(const struct plan *p, struct plan_conf *c)
{
	for (uint16_t i = 0; i < p->mobile_count; i++) {
		struct domain_mobile *m = &c->mobiles[i];

		*m = (struct domain_mobile){
			.link_layer = {2, 0, 0, 0, 0, (uint8_t)i},
			.home = p->domain.owner[p->home_block[i]],
			.allowed = true,
			.disclosure = p->mobile_disclosure[i],
			.has_hnp = p->fixed_hnp[i],
		};
		if (m->has_hnp)
			m->hnp = path_hnp(p->home_block[i] * PATH_SLOTS + 2 + i);
		snprintf(m->id, sizeof(m->id), "mn%u@example.net", i);
	}
}

/* A small block has room for three HNPs. */
static void set_prefixes(const struct plan *p, struct plan_conf *c)
{
	for (uint16_t i = 0; i < p->domain.block_count; i++) {
		c->prefixes[i] = (struct domain_prefix){
			.prefix = path_block(i), .hnp_len = 64, .owner = p->domain.owner[i]};
		if (plan_fault(p, FAULT_exhausted))
			c->prefixes[i].prefix.len = 62;
	}
}

void plan_set_keys(
	const struct plan *p, struct plan_conf *c, uint16_t node, uint32_t first, uint32_t second)
{
	struct node_conf *conf = &c->conf[node];
	uint32_t generations[] = {first, second};

	conf->keys = c->keys[node];
	conf->key_count = 0;
	for (int g = 0; g < (first == second ? 1 : 2); g++)
		for (uint16_t i = 0; i < p->domain.node_count; i++) {
			uint8_t low = (uint8_t)(i < node ? i : node);
			uint8_t high = (uint8_t)(i < node ? node : i);

			if (i == node)
				continue;
			conf->keys[conf->key_count++] = (struct domain_key){.peer = i,
				.spi = 4096 + generations[g],
				.secret = {low, high, (uint8_t)generations[g], 77},
				.secret_len = 16};
		}
}

void plan_configure(const struct plan *p, struct plan_conf *c)
{
	struct domain d = {
		.name = "simulated",
		.nodes = c->nodes,
		.node_count = p->domain.node_count,
		.prefixes = c->prefixes,
		.prefix_count = p->domain.block_count,
		.mobiles = c->mobiles,
		.mobile_count = p->mobile_count,
		.vendor_id = 32473,
		.authentication = p->authentication,
		.home_tracks_mag = p->home_tracks_mag,
		.ask_first = p->ask_first,
		.disclosure = p->disclosure,
		.timers = p->timers,
	};

	set_nodes(p, c);
	set_mobiles(p, c);
	set_prefixes(p, c);
	for (uint16_t i = 0; i < p->domain.node_count; i++) {
		c->conf[i] = (struct node_conf){.domain = d,
			.self = i,
			.cache_max = p->cache_max,
			.locations_max = p->locations_max,
			.access_max = 1000};
		plan_set_keys(p, c, i, 0, 0);
	}
}
