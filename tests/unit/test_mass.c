// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An LMA with more bindings than there are sequence numbers, whose H-LMA restarts. */
#include "core/core.h"
#include "core/state.h"
#include "wire/mh.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOME, SELF, MAG, NODES };
enum { COUNT = 70000, ROUND_TRIP_MS = 40, HEARTBEAT_MS = 1000, WALL_S = 1700000000 };

static struct domain_node nodes[NODES] = {
	[HOME] = {"home", {.b = {0x20, 1, [15] = 1}}, DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[SELF] = {"self", {.b = {0x20, 1, [15] = 2}}, DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[MAG] = {"mag", {.b = {0x20, 1, [15] = 3}}, DLMA_ROLE_MAG, SELF},
};
static struct domain_prefix block = {{{.b = {0x20, 2}}, 16}, 64, HOME};
static struct domain_mobile mobiles[COUNT + 1];
static struct node_conf conf;
static struct profiles *profiles;
static struct core *core;
static struct effects effects;
static uint64_t now_ms = 1000;
static uint32_t asked, heartbeats, restart_counter = 1;

/* PBUs that the H-LMA has yet to answer, by the time when it does. */
static struct {
	uint64_t at_ms;
	struct mh_message m;
} * answers;
static size_t answer_first, answer_end;

static int no_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	(void)algorithm, (void)key, (void)key_len, (void)chunks, (void)count, (void)ret_mac;
	return -1;
}

static void make_domain(void)
{
	for (int i = 0; i <= COUNT; i++) {
		mobiles[i] = (struct domain_mobile){
			.link_layer = {2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
			.home = HOME,
			.allowed = true};
		snprintf(mobiles[i].id, sizeof(mobiles[i].id), "mn%d@x", i);
	}
	conf.domain = (struct domain){.nodes = nodes,
		.node_count = NODES,
		.prefixes = &block,
		.prefix_count = 1,
		.mobiles = mobiles,
		.mobile_count = COUNT + 1,
		.timers = {.binding_lifetime_ms = 600000,
			.timestamp_validity_window_ms = 300,
			.lma_timestamp_window_ms = 30000,
			.initial_bindack_timeout_ms = 1000,
			.max_bindack_timeout_ms = 32000,
			.heartbeat_interval_ms = HEARTBEAT_MS,
			.missing_heartbeats_allowed = 3,
			.cache_lifetime_ms = 60000}};
	conf.self = SELF;
	conf.locations_max = 4 * COUNT;
	conf.cache_max = COUNT;
}

static void step(const struct event *e);

static void receive(int from, const struct mh_message *m)
{
	struct event e = {.kind = EVENT_DATAGRAM};
	uint8_t bytes[MH_MAX_LEN];
	int len = mh_encode(m, bytes, sizeof(bytes));

	cr_assert(lt(int, 0, len));
	mh_checksum_set(&nodes[from].address, &nodes[SELF].address, bytes, (size_t)len);
	e.datagram.src = nodes[from].address;
	e.datagram.dst = nodes[SELF].address;
	e.datagram.bytes = bytes;
	e.datagram.len = (size_t)len;
	step(&e);
}

/* The H-LMA, a round trip away, accepts whatever it is asked. */
static void on_sent(const struct effect *e)
{
	struct mh_message m;
	unsigned int unknown = 0;

	cr_assert(eq(int, mh_decode(e->send.bytes, e->send.len, &m, &unknown), 0));
	heartbeats += m.type == MH_HEARTBEAT;
	if (m.type != MH_BINDING_UPDATE)
		return;
	asked++;
	m.type = MH_BINDING_ACK;
	m.ba.sequence = m.bu.sequence;
	m.ba.status = MH_STATUS_accepted;
	m.ba.flags = MH_BA_PROXY;
	m.ba.lifetime = 150;
	m.options.has &= ~MH_HAS(MH_OPTION_MAG_ADDRESS);
	answers[answer_end].at_ms = now_ms + ROUND_TRIP_MS;
	answers[answer_end++].m = m;
}

static void step(const struct event *e)
{
	struct moment now = {
		.mono_ms = now_ms, .wall = ((uint64_t)WALL_S << 16) + now_ms * 65536 / 1000};

	core_step(core, &now, e, &effects);
	for (unsigned int i = 0; i < effects.count; i++)
		if (effects.list[i].kind == EFFECT_SEND)
			on_sent(&effects.list[i]);
}

static void register_mn(int mn)
{
	struct mh_message m = {.type = MH_BINDING_UPDATE};
	struct mh_options *o = &m.options;

	m.bu.sequence = (uint16_t)mn;
	m.bu.flags = MH_BU_ACK | MH_BU_PROXY;
	m.bu.lifetime = 150;
	o->has = MH_HAS(MH_OPTION_HANDOFF) | MH_HAS(MH_OPTION_ATT) | MH_HAS(MH_OPTION_TIMESTAMP) |
		 MH_HAS(MH_OPTION_LL_ID);
	o->mn_id_count = o->hnp_count = 1;
	o->mn_id[0].subtype = 1;
	o->mn_id[0].len = (uint8_t)strlen(mobiles[mn].id);
	memcpy(o->mn_id[0].id, mobiles[mn].id, o->mn_id[0].len);
	o->ll_id_len = 6;
	memcpy(o->ll_id, mobiles[mn].link_layer, 6);
	o->hnp[0].prefix =
		(struct dlma_prefix){.addr = {.b = {0x20, 2, [5] = (uint8_t)(mn >> 16),
						      [6] = (uint8_t)(mn >> 8), [7] = (uint8_t)mn}},
			.len = 64};
	o->handoff = MH_HANDOFF_UNKNOWN;
	o->att = 3;
	o->timestamp = ((uint64_t)WALL_S << 16) + now_ms * 65536 / 1000;
	receive(MAG, &m);
}

static void hear_heartbeat(void)
{
	struct mh_message m = {.type = MH_HEARTBEAT};

	m.heartbeat.flags = MH_HEARTBEAT_RESPONSE;
	m.options.has = MH_HAS(MH_OPTION_RESTART_COUNTER);
	m.options.restart_counter = restart_counter;
	receive(HOME, &m);
}

/* Lets a millisecond pass. */
static void tick(void)
{
	const struct event e = {.kind = EVENT_TICK};

	now_ms++;
	while (core_deadline(core) <= now_ms)
		step(&e);
	while (answer_first < answer_end && answers[answer_first].at_ms <= now_ms)
		receive(HOME, &answers[answer_first++].m);
}

static void setup(void)
{
	static const uint64_t seed[2] = {1, 2};
	struct core_options o = {
		.conf = &conf, .mac = no_mac, .seed = {1, 2}, .epoch = 1, .restart_counter = 1};

	make_domain();
	answers = calloc(3 * COUNT, sizeof(*answers));
	o.profiles = profiles = profiles_new(&conf.domain, seed);
	core = core_new(&o);
	cr_assert(core && answers);
	hear_heartbeat();
	for (int mn = 0; mn < COUNT; mn++) {
		register_mn(mn);
		if (mn % 50 == 0)
			tick();
	}
	for (int i = 0; i < 2 * ROUND_TRIP_MS; i++)
		tick();
	cr_assert(eq(sz, core_state(core)->bindings_by_hnp.count, COUNT));
}

static void teardown(void)
{
	core_free(core);
	profiles_free(profiles);
	free(answers);
}

Test(mass, an_h_lma_that_restarts_is_told_everything_at_a_pace, .init = setup, .fini = teardown,
	.timeout = 60)
{
	uint32_t most = 0, before;
	uint64_t begin = now_ms;

	asked = heartbeats = 0;
	restart_counter++;
	hear_heartbeat();
	while (asked < COUNT / 2) {
		before = asked;
		tick();
		most = asked - before > most ? asked - before : most;
	}
	before = asked;
	register_mn(COUNT);
	cr_assert(eq(u32, asked, before + 1), "a new MN does not wait for the others");
	while (asked < COUNT + 1 && now_ms < begin + 2 * COUNT)
		tick();
	cr_expect(eq(u32, asked, COUNT + 1), "each is confirmed, and once");
	cr_expect(le(u32, most, 2), "one a millisecond");
	cr_expect(le(u64, now_ms - begin, COUNT + 2 * HEARTBEAT_MS));
	cr_expect(le(u32, 2 * (COUNT / HEARTBEAT_MS - 1), heartbeats), "and heartbeats go on");
	for (int i = 0; i < 2000; i++)
		tick();
	cr_expect(eq(u32, asked, COUNT + 1), "nothing was asked again");
}
