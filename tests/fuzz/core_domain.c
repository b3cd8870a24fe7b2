// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core_domain.h"
#include "fuzz.h"
#include <stdio.h>

static const struct {
	const char *name;
	uint32_t roles;
	uint16_t lma;
	uint16_t backup;
} layout[F_NODES] = {
	[F_H_LMA] = {"h-lma", DLMA_ROLE_LMA | DLMA_ROLE_MAG, F_H_LMA, F_V_LMA_2},
	[F_V_LMA_1] = {"v-lma-1", DLMA_ROLE_LMA, DOMAIN_NO_NODE, F_H_LMA},
	[F_V_LMA_2] = {"v-lma-2", DLMA_ROLE_LMA, DOMAIN_NO_NODE, F_V_LMA_1},
	[F_MAG_1A] = {"mag-1a", DLMA_ROLE_MAG, F_V_LMA_1, DOMAIN_NO_NODE},
	[F_MAG_1B] = {"mag-1b", DLMA_ROLE_MAG, F_V_LMA_1, DOMAIN_NO_NODE},
	[F_MAG_2] = {"mag-2", DLMA_ROLE_MAG, F_V_LMA_2, DOMAIN_NO_NODE},
	[F_MUTE] = {"mute", DLMA_ROLE_LMA, DOMAIN_NO_NODE, DOMAIN_NO_NODE}, /* no key for it */
};

/* 2001:db8:BLOCK:SUBNET:: */
static struct dlma_addr subnet(uint8_t block, uint8_t number)
{
	return (struct dlma_addr){.b = {0x20, 0x01, 0x0d, 0xb8, block, 0, 0, number}};
}

static struct domain_node nodes[F_NODES];
static struct domain_prefix prefixes[3];
static uint16_t anchors[] = {F_V_LMA_2};
static struct domain_mobile mobiles[F_MOBILES] = {
	{"mn1@x", {2, 0, 0, 0, 0, 1}, F_H_LMA, true, false, DOMAIN_DISCLOSE_AS_DOMAIN, {}},
	{"mn1@x", {2, 0, 0, 0, 0, 2}, F_H_LMA, true, false, DOMAIN_DISCLOSE_AS_DOMAIN, {}},
	{"mn2@x", {2, 0, 0, 0, 0, 3}, F_H_LMA, true, true, DOMAIN_DISCLOSE_MAG, {}},
	{"mn3@x", {2, 0, 0, 0, 0, 4}, F_H_LMA, false, false, DOMAIN_DISCLOSE_NONE, {}},
	{"mn4@x", {2, 0, 0, 0, 0, 5}, F_V_LMA_1, true, false, DOMAIN_DISCLOSE_LMA, {}},
	{"mn5@x", {2, 0, 0, 0, 0, 6}, F_H_LMA, true, false, DOMAIN_DISCLOSE_MAG, {}},
};
static struct node_conf confs[F_NODES];
static struct domain_key keys[F_NODES][F_NODES];
static struct core *sealers[F_NODES];
static struct profiles *profiles;
static unsigned int tested; /* node under test */

static void make_domain(void)
{
	prefixes[0] = (struct domain_prefix){prefix_make(subnet(1, 2), 63), 64, F_V_LMA_1};
	prefixes[1] = (struct domain_prefix){prefix_make(subnet(1, 0), 62), 64, F_H_LMA};
	prefixes[2] = (struct domain_prefix){prefix_make(subnet(2, 0), 61), 64, F_H_LMA};
	prefixes[1].anchors = anchors; /* v-lma-2 only, beside the owner */
	prefixes[1].anchor_count = 1;
	mobiles[2].hnp = prefix_make(subnet(2, 5), 64);
	for (unsigned int i = 0; i < F_NODES; i++) {
		snprintf(nodes[i].name, sizeof(nodes[i].name), "%s", layout[i].name);
		nodes[i].address = subnet(0xff, (uint8_t)i);
		nodes[i].address.b[15] = 1;
		nodes[i].roles = layout[i].roles;
		nodes[i].lma = layout[i].lma;
		nodes[i].has_backup = layout[i].backup != DOMAIN_NO_NODE;
		nodes[i].backup = layout[i].backup;
	}
}

static void make_keys(unsigned int node)
{
	struct node_conf *c = &confs[node];

	c->keys = keys[node];
	for (uint16_t i = 0; i < F_MUTE; i++) {
		uint8_t low = (uint8_t)(i < node ? i : node), high = (uint8_t)(i < node ? node : i);

		if (i == node)
			continue;
		c->keys[c->key_count++] = (struct domain_key){
			.peer = i, .spi = 300, .secret = {low, high, 1}, .secret_len = 16};
	}
}

static void make_conf(unsigned int node)
{
	confs[node] = (struct node_conf){
		.self = (uint16_t)node,
		.domain =
			{
				.name = "fuzz",
				.nodes = nodes,
				.node_count = F_NODES,
				.prefixes = prefixes,
				.prefix_count = 3,
				.mobiles = mobiles,
				.mobile_count = F_MOBILES,
				.vendor_id = 32473,
				.authentication = true,
				.timers =
					{
						.binding_lifetime_ms = 600000,
						.cache_lifetime_ms = 60000,
						.cache_idle_ms = 30000,
						.negative_ms = 5000,
						.stale_ms = 600000,
						.forwarding_lifetime_ms = 60000,
						.min_delay_before_bce_delete_ms = 10000,
						.hold_ms = 1000,
						.timestamp_validity_window_ms = 300,
						.lma_timestamp_window_ms = 30000,
						.initial_bindack_timeout_ms = 1000,
						.max_bindack_timeout_ms = 32000,
						.heartbeat_interval_ms = 200000000,
						.missing_heartbeats_allowed = 1,
						.router_lifetime_ms = 1800000,
						.presence_timeout_ms = 500,
					},
			},
		.access_max = 16,
	};
	make_keys(node);
}

static struct core *make_core(unsigned int node)
{
	const struct core_options o = {.conf = &confs[node],
		.profiles = profiles,
		.mac = fuzz_mac,
		.epoch = F_EPOCH,
		.restart_counter = 1};
	struct core *c = core_new(&o);

	CHECK(c);
	return c;
}

static void make_all(void)
{
	make_domain();
	profiles = profiles_new(
		&(struct domain){.mobiles = mobiles, .mobile_count = F_MOBILES}, (uint64_t[2]){1});
	CHECK(profiles);
	for (unsigned int i = 0; i < F_NODES; i++)
		make_conf(i);
	for (unsigned int i = 0; i < F_NODES; i++)
		sealers[i] = make_core(i);
}

static uint32_t take_bits(uint32_t *shape, unsigned int choices)
{
	uint32_t taken = *shape % choices;

	*shape /= choices;
	return taken;
}

const struct node_conf *domain_shape(uint32_t shape)
{
	static const uint16_t tests[] = {F_H_LMA, F_MAG_1A, F_V_LMA_1, F_H_LMA};
	static const uint32_t locations[] = {200, 12, 7, 4}, caches[] = {64, 4, 1, 2};
	bool authentication, home_tracks_mag, ask_first;
	enum domain_disclosure disclosure;
	struct node_conf *c;
	unsigned int limits;

	if (!profiles)
		make_all();
	tested = tests[take_bits(&shape, 4)];
	c = &confs[tested];
	authentication = take_bits(&shape, 4) != 3;
	disclosure = DOMAIN_DISCLOSE_NONE + take_bits(&shape, 3);
	home_tracks_mag = take_bits(&shape, 2);
	ask_first = take_bits(&shape, 2);
	limits = take_bits(&shape, 4);
	c->locations_max = locations[limits];
	c->cache_max = caches[limits];
	c->bindings_per_mag = c->anchors_per_lma = take_bits(&shape, 3);
	c->moves_per_peer = take_bits(&shape, 2);
	c->moves_per_mn = take_bits(&shape, 2);
	c->domain.timers.hold_ms = take_bits(&shape, 2) ? 0 : 1000;
	c->domain.timers.heartbeat_interval_ms = take_bits(&shape, 2) ? 1000 : 200000000;
	for (unsigned int i = 0; i < F_NODES; i++) {
		confs[i].domain.authentication = authentication;
		confs[i].domain.disclosure = disclosure;
		confs[i].domain.home_tracks_mag = home_tracks_mag;
		confs[i].domain.ask_first = ask_first;
	}
	return c;
}

const struct profiles *domain_profiles(void)
{
	return profiles;
}

void domain_reset_sealers(uint32_t epoch)
{
	for (unsigned int i = 0; i < F_NODES; i++) {
		sealers[i]->state.peers[tested].sent = 0;
		(void)domain_sealer(i, epoch);
		sealers[i]->options.epoch = F_EPOCH;
	}
}

struct core *domain_sealer(unsigned int node, uint32_t epoch)
{
	sealers[node]->state.peers[tested].epoch = epoch;
	return sealers[node];
}

struct dlma_prefix take_hnp(struct reader *r)
{
	uint8_t i = reader_u8(r) % 16;

	if (i < 4)
		return prefix_make(subnet(1, i), 64);
	if (i < 12)
		return prefix_make(subnet(2, i - 4), 64);
	if (i == 12)
		return prefix_make(subnet(1, 2), 63);
	if (i == 13)
		return prefix_make(subnet(9, 0), 64);
	return (struct dlma_prefix){0};
}

struct dlma_addr take_hoa(struct reader *r)
{
	struct dlma_addr hoa = take_hnp(r).addr;

	hoa.b[15] = 5;
	return hoa;
}

struct dlma_addr take_address(struct reader *r)
{
	uint8_t i = reader_u8(r) % 16;

	if (i < F_NODES)
		return nodes[i].address;
	return i < 12 ? nodes[tested].address : i < 14 ? subnet(9, i) : (struct dlma_addr){0};
}

void take_mac(struct reader *r, uint8_t ret[6])
{
	memcpy(ret, (uint8_t[]){2, 0, 0, 0, 0, 1 + reader_u8(r) % 8}, 6);
}

struct identity take_identity(struct reader *r)
{
	uint8_t i = reader_u8(r);
	struct identity mn = {.ll_len = i & 0x80 ? 0 : 6};

	take_mac(&(struct reader){&i, 1}, mn.ll);
	if (i % 8 < F_MOBILES)
		memcpy(mn.id, mobiles[i % 8].id, sizeof(mn.id));
	else if (i % 8 == 7)
		memcpy(mn.id, "\xff\x1b[2J\n@", 7); /* what no terminal and no JSON may see */
	mn.id_len = (uint8_t)strlen(mn.id);
	if (i & 0x40)
		mn.ll[5] = 9;
	return mn;
}

uint32_t take_lifetime_ms(struct reader *r)
{
	static const uint32_t lifetimes[] = {600000, 0, 4000, 20000, 60000, 262140000, 2000, 8000};

	return lifetimes[reader_u8(r) % 8];
}
