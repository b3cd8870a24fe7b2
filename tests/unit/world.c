// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "world.h"
#include "toy_mac.h"
#include "core/state.h"
#include <stdio.h>
#include <stdlib.h>

enum { DELAY_HOME_MS = 20, DELAY_MS = 2, WALL_START_S = 1800000000 };

static const struct {
	const char *name;
	uint32_t roles;
	uint16_t site;
	uint16_t host;
	uint16_t lma;
} layout[W_NODES] = {
	[W_H_LMA] = {"h-lma", DLMA_ROLE_LMA | DLMA_ROLE_MAG, 0xf, 1, W_H_LMA},
	[W_V_LMA_1] = {"v-lma-1", DLMA_ROLE_LMA, 0xb1, 1, DOMAIN_NO_NODE},
	[W_V_LMA_2] = {"v-lma-2", DLMA_ROLE_LMA, 0xb2, 1, DOMAIN_NO_NODE},
	[W_MAG_1A] = {"mag-1a", DLMA_ROLE_MAG, 0xb1, 0xa, W_V_LMA_1},
	[W_MAG_1B] = {"mag-1b", DLMA_ROLE_MAG, 0xb1, 0xb, W_V_LMA_1},
	[W_MAG_2] = {"mag-2", DLMA_ROLE_MAG, 0xb2, 0xa, W_V_LMA_2},
};

static struct domain_node nodes[W_NODES];
static struct domain_prefix prefixes[1];
static struct domain_mobile mobiles[W_MOBILES];

static struct dlma_addr address_of(uint16_t site, uint16_t host)
{
	return (struct dlma_addr){
		.b = {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(site >> 8),
			(uint8_t)site, [14] = (uint8_t)(host >> 8), [15] = (uint8_t)host}};
}

static void layout_init(void)
{
	struct dlma_addr block = {.b = {0x20, 0x01, 0x0d, 0xb8, 0x01}};

	for (int i = 0; i < W_NODES; i++) {
		snprintf(nodes[i].name, sizeof(nodes[i].name), "%s", layout[i].name);
		nodes[i].address = address_of(layout[i].site, layout[i].host);
		nodes[i].roles = layout[i].roles;
		nodes[i].lma = layout[i].lma;
		nodes[i].has_backup = false;
	}
	prefixes[0] = (struct domain_prefix){
		.prefix = prefix_make(block, 40), .hnp_len = 64, .owner = W_H_LMA};
	for (int i = 0; i < W_MOBILES; i++) {
		mobiles[i] = (struct domain_mobile){
			.link_layer = {2, 0, 0, 0, 1, (uint8_t)(i + 1)},
			.home = W_H_LMA,
			.allowed = true,
		};
		snprintf(mobiles[i].id, sizeof(mobiles[i].id), "mn%d@example.net", i + 1);
	}
}

static void keys_init(struct node_conf *c)
{
	static struct domain_key all[W_NODES][W_NODES];
	struct domain_key *keys = all[c->self];

	c->keys = keys;
	for (uint16_t i = 0; i < W_NODES; i++) {
		uint8_t low = (uint8_t)(i < c->self ? i : c->self);
		uint8_t high = (uint8_t)(i < c->self ? c->self : i);

		if (i == c->self)
			continue;
		keys[c->key_count] = (struct domain_key){
			.peer = i, .spi = 4096, .secret = {low, high, 77}, .secret_len = 16};
		c->key_count++;
	}
}

static void conf_init(struct world *w, int node)
{
	struct node_conf *c = &w->conf[node];

	*c = (struct node_conf){
		.domain =
			{
				.name = "figure5",
				.nodes = nodes,
				.node_count = W_NODES,
				.prefixes = prefixes,
				.prefix_count = 1,
				.mobiles = mobiles,
				.mobile_count = W_MOBILES,
				.vendor_id = 32473,
				.authentication = true,
				.timers =
					{
						.binding_lifetime_ms = 600000,
						.cache_lifetime_ms = 60000,
						.cache_idle_ms = 30000,
						.negative_ms = 5000,
						.forwarding_lifetime_ms = 60000,
						.min_delay_before_bce_delete_ms = 10000,
						.hold_ms = 1000,
						.timestamp_validity_window_ms = 300,
						.lma_timestamp_window_ms = 30000,
						.initial_bindack_timeout_ms = 1000,
						.max_bindack_timeout_ms = 32000,
						.heartbeat_interval_ms = 60000,
						.missing_heartbeats_allowed = 3,
						.stale_ms = 600000,
						.router_lifetime_ms = 1800000,
						.presence_timeout_ms = 500,
					},
			},
		.self = (uint16_t)node,
		.cache_max = 1000,
		.locations_max = 2000,
		.access_max = 1000,
	};
	keys_init(c);
}

void world_set_backup(int lma, int backup)
{
	nodes[lma].has_backup = true;
	nodes[lma].backup = (uint16_t)backup;
}

static int node_of(const struct dlma_addr *a)
{
	for (int i = 0; i < W_NODES; i++)
		if (addr_equal(&nodes[i].address, a))
			return i;
	return W_NONE;
}

static uint64_t delay_between(int from, int to)
{
	return layout[from].site == 0xf || layout[to].site == 0xf ? DELAY_HOME_MS : DELAY_MS;
}

static struct world_entry *entry(
	struct world_entry *table, const struct dlma_prefix *hnp, bool make)
{
	struct world_entry *free_one = NULL;

	for (int i = 0; i < W_TABLE_MAX; i++) {
		if (table[i].used && prefix_equal(&table[i].hnp, hnp))
			return &table[i];
		if (!table[i].used && !free_one)
			free_one = &table[i];
	}
	if (!make || !free_one)
		return NULL;
	*free_one = (struct world_entry){.used = true, .hnp = *hnp};
	return free_one;
}

static void send(struct world *w, int from, const struct effect *e)
{
	int to = node_of(&e->send.dst);
	struct world_message m = {.from = from, .to = to, .len = e->send.len};

	if (to == W_NONE || w->wire_count == W_WIRE_MAX)
		abort();
	w->sent[from][to]++;
	m.at_ms = w->now_ms + delay_between(from, to);
	memcpy(m.bytes, e->send.bytes, e->send.len);
	if (w->lose && w->lose(w, &m))
		return;
	w->wire[w->wire_count++] = m;
}

static void step(struct world *w, int node, const struct event *e);

static int mobile_of(const uint8_t mac[6])
{
	return mac[5] - 1;
}

/* What a MN hears: it takes the prefix of an advertisement, and answers a solicitation. */
static void frame(struct world *w, int node, const struct effect *e)
{
	int mn = mobile_of(e->frame.mac);
	const uint8_t *icmp = e->frame.bytes + 40;
	struct event answer = {.kind = EVENT_NEIGHBOUR};

	if (w->at[mn] != node)
		return;
	if (icmp[0] == ND_ROUTER_ADVERTISEMENT) {
		struct dlma_addr prefix;

		memcpy(&prefix, icmp + 32, sizeof(prefix));
		w->advertised[mn]++;
		w->heard_hnp[mn] = prefix_make(prefix, icmp[18]);
		return;
	}
	memcpy(answer.neighbour.mac, e->frame.mac, 6);
	answer.neighbour.ifindex = e->frame.ifindex;
	answer.neighbour.message.type = ND_NEIGHBOR_ADVERTISEMENT;
	answer.neighbour.message.src = nd_link_local(e->frame.mac);
	step(w, node, &answer);
}

static void store(struct world *w, const struct effect *e)
{
	unsigned int i = 0;

	while (i < w->stored_count && !prefix_equal(&w->stored[i].hnp, &e->store.hnp))
		i++;
	if (e->kind == EFFECT_STORE_PUT) {
		w->stored[i] = e->store;
		w->stored_count += i == w->stored_count;
	} else if (i < w->stored_count) {
		w->stored[i] = w->stored[--w->stored_count];
	}
}

static void check_use(struct world *w, int node, const struct effect *e)
{
	struct event answer = {.kind = EVENT_USE};

	answer.use.hnp = e->check_use.hnp;
	answer.use.idle_ms = w->used_recently ? 0 : 1000000;
	step(w, node, &answer);
}

static void carry_out(struct world *w, int node, const struct effect *e)
{
	struct world_entry *x;

	switch (e->kind) {
	case EFFECT_SEND:
		send(w, node, e);
		break;
	case EFFECT_FRAME:
		frame(w, node, e);
		break;
	case EFFECT_LOCATION_PUT:
		x = entry(w->locations[node], &e->location.hnp, true);
		x->kind = e->location.kind;
		x->target = node_of(&e->location.target);
		break;
	case EFFECT_LOCATION_DEL:
		x = entry(w->locations[node], &e->location.hnp, false);
		if (x)
			x->used = false;
		w->deleted[node] += x != NULL;
		break;
	case EFFECT_ACCESS_PUT:
		x = entry(w->access[node], &e->access.hnp, true);
		x->target = mobile_of(e->access.mac);
		x->uplink = node_of(&e->access.uplink);
		break;
	case EFFECT_ACCESS_DEL:
		x = entry(w->access[node], &e->access.hnp, false);
		if (x)
			x->used = false;
		break;
	case EFFECT_EXPECT:
		w->expecting[node] = e->expect;
		break;
	case EFFECT_CHECK_USE:
		check_use(w, node, e);
		break;
	case EFFECT_STORE_PUT:
	case EFFECT_STORE_DEL:
		store(w, e);
		break;
	case EFFECT_REPORT:
		w->reports[node][e->report.kind]++;
		break;
	}
}

static void step(struct world *w, int node, const struct event *e)
{
	struct effects *effects = malloc(sizeof(*effects));
	int64_t wall_ms = (int64_t)w->now_ms + w->skew_ms[node];
	struct moment now = {
		.mono_ms = w->now_ms + 1000,
		.wall = ((uint64_t)WALL_START_S << 16) + (uint64_t)(wall_ms * 65536 / 1000),
	};

	core_step(w->cores[node], &now, e, effects);
	if (effects->lost)
		abort();
	for (unsigned int i = 0; i < effects->count; i++)
		carry_out(w, node, &effects->list[i]);
	free(effects);
}

static void add_link(struct world *w, int node)
{
	struct event e = {.kind = EVENT_LINK};

	if (!(layout[node].roles & DLMA_ROLE_MAG))
		return;
	e.link.ifindex = 7;
	e.link.mtu = 1500;
	memcpy(e.link.mac, (uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13}, 6);
	step(w, node, &e);
}

static void start_core(struct world *w, int node)
{
	struct core_options o = {
		.conf = &w->conf[node],
		.profiles = w->profiles,
		.mac = toy_mac,
		.seed = {(uint64_t)node * 1000 + w->epoch[node], 99},
		.epoch = ++w->epoch[node],
		.restart_counter = ++w->restart_counter[node],
	};

	w->cores[node] = core_new(&o);
	if (!w->cores[node])
		abort();
	add_link(w, node);
}

void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	layout_init();
	for (int i = 0; i < W_MOBILES; i++)
		w->at[i] = W_NONE;
	for (int i = 0; i < W_NODES; i++) {
		conf_init(w, i);
		w->epoch[i] = 100;
	}
	w->profiles = profiles_new(&w->conf[0].domain, (uint64_t[]){1, 2});
	for (int i = 0; i < W_NODES; i++)
		start_core(w, i);
	world_run(w, 200);
}

void world_done(struct world *w)
{
	for (int i = 0; i < W_NODES; i++)
		core_free(w->cores[i]);
	profiles_free(w->profiles);
}

static int earliest_message(const struct world *w)
{
	int best = W_NONE;

	for (unsigned int i = 0; i < w->wire_count; i++)
		if (best == W_NONE || w->wire[i].at_ms < w->wire[best].at_ms)
			best = (int)i;
	return best;
}

static int earliest_timer(const struct world *w, uint64_t *ret_at)
{
	int best = W_NONE;

	for (int i = 0; i < W_NODES; i++) {
		uint64_t at = core_deadline(w->cores[i]);

		if (at == TIMER_NEVER)
			continue;
		at = at > 1000 ? at - 1000 : 0; /* see step(): the cores' clock is ahead */
		if (best == W_NONE || at < *ret_at) {
			best = i;
			*ret_at = at;
		}
	}
	return best;
}

void world_inject(struct world *w, int from, int to, const uint8_t *bytes, size_t len)
{
	struct event e = {.kind = EVENT_DATAGRAM};

	e.datagram.src = from == W_NONE ? address_of(0xdead, 1) : nodes[from].address;
	e.datagram.dst = nodes[to].address;
	e.datagram.bytes = bytes;
	e.datagram.len = len;
	step(w, to, &e);
}

static void take_message(struct world *w, int i)
{
	struct world_message m = w->wire[i];

	/* The order of what arrives at the same time is kept. */
	memmove(&w->wire[i], &w->wire[i + 1],
		(size_t)(--w->wire_count - (unsigned int)i) * sizeof(m));
	if (m.at_ms > w->now_ms)
		w->now_ms = m.at_ms;
	world_inject(w, m.from, m.to, m.bytes, m.len);
}

void world_run(struct world *w, uint64_t ms)
{
	const struct event tick = {.kind = EVENT_TICK};
	uint64_t end = w->now_ms + ms;

	for (;;) {
		uint64_t at = UINT64_MAX;
		int node = earliest_timer(w, &at);
		int m = earliest_message(w);

		if (m != W_NONE && w->wire[m].at_ms <= at && w->wire[m].at_ms <= end) {
			take_message(w, m);
		} else if (node != W_NONE && at <= end) {
			if (at > w->now_ms)
				w->now_ms = at;
			step(w, node, &tick);
		} else {
			break;
		}
	}
	w->now_ms = end;
}

void world_move(struct world *w, int mn, int mag)
{
	struct event e = {.kind = EVENT_NEIGHBOUR};

	w->at[mn] = mag;
	if (mag == W_NONE)
		return;
	e.neighbour.ifindex = 7;
	memcpy(e.neighbour.mac, mobiles[mn].link_layer, 6);
	e.neighbour.message.type = ND_ROUTER_SOLICITATION;
	e.neighbour.message.src = nd_link_local(mobiles[mn].link_layer);
	step(w, mag, &e);
}

void world_detach(struct world *w, int mn, int mag)
{
	struct event e = {.kind = EVENT_DETACH};

	memcpy(e.attach.mac, mobiles[mn].link_layer, 6);
	step(w, mag, &e);
}

void world_event(struct world *w, int node, const struct event *e)
{
	step(w, node, e);
}

void world_packet_event(struct world *w, int node, enum dlma_event_kind kind,
	const struct dlma_prefix *hnp, int peer)
{
	struct event e = {.kind = EVENT_PACKET};

	e.packet.version = DLMA_ABI_VERSION;
	e.packet.kind = (uint16_t)kind;
	e.packet.hoa = hnp->addr;
	e.packet.hoa.b[15] = 5;
	if (peer != W_NONE)
		e.packet.peer = nodes[peer].address;
	step(w, node, &e);
}

static void adopt(struct world *w, int node)
{
	struct world_entry locations[W_TABLE_MAX], access[W_TABLE_MAX];

	memcpy(locations, w->locations[node], sizeof(locations));
	memcpy(access, w->access[node], sizeof(access));
	for (int i = 0; i < W_TABLE_MAX; i++) {
		struct event e = {.kind = EVENT_ADOPT_LOCATION};

		e.adopt_location.hnp = locations[i].hnp;
		e.adopt_location.kind = locations[i].kind;
		e.adopt_location.target =
			nodes[locations[i].used ? locations[i].target : 0].address;
		if (locations[i].used)
			step(w, node, &e);
	}
	for (int i = 0; i < W_TABLE_MAX; i++) {
		struct event e = {.kind = EVENT_ADOPT_ACCESS};

		e.adopt_access.hnp = access[i].hnp;
		e.adopt_access.ifindex = 7;
		memcpy(e.adopt_access.mac,
			mobiles[access[i].used ? access[i].target : 0].link_layer, 6);
		if (access[i].used)
			step(w, node, &e);
	}
}

void world_restart(struct world *w, int node)
{
	core_free(w->cores[node]);
	w->deleted[node] = 0;
	start_core(w, node);
	for (unsigned int i = 0; node == W_H_LMA && i < w->stored_count; i++) {
		struct event e = {.kind = EVENT_RESTORE};

		e.restore = w->stored[i];
		step(w, node, &e);
	}
	adopt(w, node);
}

const struct world_entry *world_location(
	const struct world *w, int node, const struct dlma_prefix *hnp)
{
	return entry((struct world_entry *)w->locations[node], hnp, false);
}

int world_uplink(const struct world *w, int mag, const struct dlma_prefix *hnp)
{
	const struct world_entry *x = entry((struct world_entry *)w->access[mag], hnp, false);

	return x ? x->uplink : W_NONE;
}

bool world_delivers(const struct world *w, int mag, const struct dlma_prefix *hnp)
{
	return entry((struct world_entry *)w->access[mag], hnp, false);
}

int world_trace(
	const struct world *w, int node, const struct dlma_prefix *hnp, unsigned int *ret_tunnels)
{
	bool fresh = true;

	for (*ret_tunnels = 0; *ret_tunnels < 8; ++*ret_tunnels) {
		const struct world_entry *l = world_location(w, node, hnp);

		if (!(layout[node].roles & DLMA_ROLE_LMA))
			return world_delivers(w, node, hnp) ? node : W_NONE;
		if (!l && fresh && node != W_H_LMA) {
			node = W_H_LMA;
		} else if (!l || (!fresh && l->kind == DLMA_LOCATION_CACHED)) {
			return W_NONE;
		} else if (l->target == node) {
			return world_delivers(w, node, hnp) ? node : W_NONE;
		} else {
			node = l->target;
		}
		fresh = false;
	}
	return W_NONE;
}

uint64_t world_reason(const struct world *w, int node, enum dlma_signal_reason reason)
{
	return core_state(w->cores[node])->counters.reasons[reason];
}
