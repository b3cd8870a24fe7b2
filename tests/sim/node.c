// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A node as agent/io makes one. A turn: events, effects on the maps at once, what is for the store
 * into a journal, what is for others into an outbox. The commit makes the journal durable, and only
 * then the outbox leaves; a crash in between loses both.
 */
#include "sim.h"
#include "dlma/front.h"
#include <stdio.h>
#include <stdlib.h>

enum { WALL_START_S = 1800000000, POSTED_MAX = 16 };

/* Events that carrying effects out brings up; they are handled in the same turn. */
struct turn {
	struct event posted[POSTED_MAX];
	unsigned int posted_count;
};

struct moment node_now(const struct sim *s, uint16_t n)
{
	enum { SECOND = 1000000 };
	const struct node *x = &s->nodes[n];
	uint64_t wall_us =
		WALL_START_S * (uint64_t)SECOND + (uint64_t)((int64_t)s->now_us + x->skew_us);

	return (struct moment){
		.mono_ms = (s->now_us + x->boot_us) / 1000,
		.wall = wall_us / SECOND << 16 | (wall_us % SECOND << 16) / SECOND,
	};
}

/* Before an entry changes for the first time in a turn. */
static void touch(struct sim *s, uint16_t n, int slot)
{
	if (slot == PATH_NO_SLOT)
		sim_fail(
			s, NOWHERE, "%s: an entry for what is no HNP", plan_node_name(&s->plan, n));
	if (s->failed)
		return;
	for (uint32_t i = 0; i < s->touched_count; i++)
		if (s->touched[i].slot == slot)
			return;
	if (s->touched_count == sizeof(s->touched) / sizeof(*s->touched))
		abort();
	s->touched[s->touched_count++] =
		(struct touched){(uint16_t)slot, n, s->nodes[n].path.locations[slot]};
}

static struct event *post(struct turn *t, enum event_kind kind)
{
	if (t->posted_count == POSTED_MAX)
		abort();
	t->posted[t->posted_count] = (struct event){.kind = kind};
	return &t->posted[t->posted_count++];
}

static void put_location(struct sim *s, uint16_t n, struct turn *t, const struct effect *e)
{
	struct node *x = &s->nodes[n];
	int slot = path_slot_of(&e->location.hnp.addr);
	struct dlma_location *l = &x->path.locations[slot], was = *l;
	int target = path_node_of(&e->location.target);

	touch(s, n, slot);
	if (!was.kind && x->locations_used == s->plan.locations_max) {
		post(t, EVENT_MAP_FAILED)->map_failed.hnp = e->location.hnp;
		if (e->location.kind == DLMA_LOCATION_BINDING ||
			e->location.kind == DLMA_LOCATION_ANCHOR)
			sim_fail(s, slot,
				"%s: no room for an authoritative entry; bindings %zu, anchors "
				"%zu, learnt %zu, cached %u of %u, locations %u",
				plan_node_name(&s->plan, n), node_core(s, n)->bindings.count,
				node_core(s, n)->anchors.count, node_core(s, n)->learnt.count,
				node_core(s, n)->cached, s->plan.cache_max, s->plan.locations_max);
		return;
	}
	x->locations_used += !was.kind;
	*l = (struct dlma_location){.kind = e->location.kind,
		.flags = e->location.flags,
		.adjacency = target == n ? DLMA_ADJACENCY_SELF : (uint32_t)target + 1,
		.used = was.kind ? was.used : x->path.clock.tick};
	chart_location(s, n, slot, l);
	if (l->kind != DLMA_LOCATION_HELD)
		traffic_release(s, n, slot);
}

static void del_location(struct sim *s, uint16_t n, const struct effect *e)
{
	struct node *x = &s->nodes[n];
	int slot = path_slot_of(&e->location.hnp.addr);
	struct dlma_location *l = &x->path.locations[slot];

	touch(s, n, slot);
	x->locations_used -= !!l->kind;
	if (l->kind)
		chart_location(s, n, slot, NULL);
	*l = (struct dlma_location){0};
	traffic_release(s, n, slot);
}

static void put_access(struct sim *s, uint16_t n, const struct effect *e)
{
	int slot = path_slot_of(&e->access.hnp.addr), uplink = path_node_of(&e->access.uplink);
	struct dlma_access *a = &s->nodes[n].path.access[slot];

	touch(s, n, slot);
	*a = (struct dlma_access){
		.ifindex = e->access.ifindex,
		.uplink = uplink == n ? DLMA_ADJACENCY_SELF : (uint32_t)uplink + 1,
		.used = s->nodes[n].path.clock.tick,
		.direct = e->access.direct,
		.mtu = 1500,
	};
	memcpy(a->mn_mac, e->access.mac, sizeof(a->mn_mac));
	memcpy(a->own_mac, e->access.own_mac, sizeof(a->own_mac));
	chart_access(s, n, slot, true);
	traffic_release(s, n, slot);
}

static void del_access(struct sim *s, uint16_t n, const struct effect *e)
{
	int slot = path_slot_of(&e->access.hnp.addr);

	touch(s, n, slot);
	s->nodes[n].path.access[slot].ifindex = 0;
	chart_access(s, n, slot, false);
}

static void check_use(struct sim *s, uint16_t n, struct turn *t, const struct effect *e)
{
	const struct path_node *p = &s->nodes[n].path;
	const struct dlma_location *l = &p->locations[path_slot_of(&e->check_use.hnp.addr)];
	struct event *answer = post(t, EVENT_USE);

	answer->use.hnp = e->check_use.hnp;
	answer->use.idle_ms =
		l->kind ? (uint64_t)(p->clock.tick - l->used) * DLMA_TICK_MS : UINT64_MAX;
}

/* Leaves with the next commit, as in production: a message, or a frame for a MN. */
static void put_out(struct sim *s, uint16_t n, const uint8_t *bytes, uint16_t len, uint16_t to)
{
	struct node *x = &s->nodes[n];
	struct letter *l = wire_letter(s);

	l->from = n;
	l->to = to;
	l->len = len;
	l->next = NULL;
	memcpy(l->bytes, bytes, len);
	*x->outbox_end = l;
	x->outbox_end = &l->next;
}

static void send_out(struct sim *s, struct letter *l)
{
	if (l->to < PATH_NODES_MAX) {
		wire_send(s, l);
		return;
	}
	mobile_frame(s, l->from, (uint16_t)(l->to - PATH_NODES_MAX), l->bytes);
	wire_free(s, l);
}

static void write_record(struct sim *s, uint16_t n, const struct effect *e)
{
	struct node *x = &s->nodes[n];
	int slot = path_slot_of(&e->store.hnp.addr), mobile;

	if (x->written_count == sizeof(x->written) / sizeof(*x->written))
		abort();
	x->written[x->written_count++] = (uint16_t)slot;
	x->journal[slot].there = e->kind == EFFECT_STORE_PUT;
	if (e->kind != EFFECT_STORE_PUT)
		return;
	x->journal[slot].record = e->store;
	if (sscanf(e->store.mn.id, "mn%d@", &mobile) == 1)
		s->owner_of_slot[slot] = (int16_t)mobile;
}

static void carry_out(struct sim *s, uint16_t n, struct turn *t, const struct effect *e)
{
	switch (e->kind) {
	case EFFECT_SEND:
		put_out(s, n, e->send.bytes, e->send.len, (uint16_t)path_node_of(&e->send.dst));
		break;
	case EFFECT_FRAME:
		put_out(s, n, e->frame.bytes, e->frame.len, PATH_NODES_MAX + e->frame.mac[5]);
		break;
	case EFFECT_LOCATION_PUT:
		put_location(s, n, t, e);
		break;
	case EFFECT_LOCATION_DEL:
		del_location(s, n, e);
		break;
	case EFFECT_ACCESS_PUT:
		put_access(s, n, e);
		break;
	case EFFECT_ACCESS_DEL:
		del_access(s, n, e);
		break;
	case EFFECT_EXPECT:
		s->nodes[n].path.clock.expecting = e->expect;
		if (!e->expect)
			traffic_release_unknown(s, n);
		break;
	case EFFECT_CHECK_USE:
		check_use(s, n, t, e);
		break;
	case EFFECT_STORE_PUT:
	case EFFECT_STORE_DEL:
		write_record(s, n, e);
		break;
	case EFFECT_REPORT:
		chart_report(s, n, &e->report);
		break;
	}
}

static void step(struct sim *s, uint16_t n, struct turn *t, const struct event *e)
{
	struct node *x = &s->nodes[n];
	struct moment now = node_now(s, n);

	x->path.clock.tick = (uint32_t)(now.mono_ms / DLMA_TICK_MS);
	core_step(x->core, &now, e, &s->effects);
	if (s->effects.lost)
		sim_fail(s, NOWHERE, "%s: %u effects of one step lost", plan_node_name(&s->plan, n),
			s->effects.lost);
	for (unsigned int i = 0; i < s->effects.count; i++)
		carry_out(s, n, t, &s->effects.list[i]);
}

static void arm_timer(struct sim *s, uint16_t n)
{
	struct node *x = &s->nodes[n];
	uint64_t at_ms = core_deadline(x->core), at_us;

	if (at_ms == TIMER_NEVER)
		return;
	at_us = at_ms * 1000 > x->boot_us ? at_ms * 1000 - x->boot_us : 0;
	if (at_us < s->now_us)
		at_us = s->now_us;
	if (at_us == x->timer_us)
		return;
	x->timer_us = at_us;
	queue_put(&s->queue, at_us, SIM_TIMER, n, NULL);
}

static void forget_turn(struct sim *s, uint16_t n)
{
	struct node *x = &s->nodes[n];

	while (x->outbox) {
		struct letter *l = x->outbox;

		x->outbox = l->next;
		wire_free(s, l);
	}
	x->outbox_end = &x->outbox;
	x->written_count = 0;
	x->committing = false;
}

/* Durable first, then told. */
void node_committed(struct sim *s, uint16_t n)
{
	struct node *x = &s->nodes[n];
	struct letter *l = x->outbox;

	for (uint32_t i = 0; i < x->written_count; i++) {
		int m = s->owner_of_slot[x->written[i]];

		x->store[x->written[i]] = x->journal[x->written[i]];
		if (m != NOWHERE)
			promise_check(s, m);
	}
	x->outbox = NULL;
	forget_turn(s, n);
	while (l) {
		struct letter *next = l->next;

		send_out(s, l);
		l = next;
	}
}

static void end_turn(struct sim *s, uint16_t n)
{
	struct node *x = &s->nodes[n];

	arm_timer(s, n);
	if (x->dying && x->written_count) {
		x->dying = false;
		chart_note(s, NOWHERE, "%s dies before its commit", plan_node_name(&s->plan, n));
		node_kill(s, n);
		return;
	}
	if (x->committing)
		return;
	if (!x->written_count || !s->plan.commit_us) {
		node_committed(s, n);
		return;
	}
	x->committing = true;
	sim_at(s, random_between(&s->random, 1, s->plan.commit_us), SIM_COMMIT, n, NULL);
}

void node_event(struct sim *s, uint16_t n, const struct event *e)
{
	int sender = e->kind == EVENT_DATAGRAM ? path_node_of(&e->datagram.src) : NOWHERE;
	struct turn t = {0};

	if (s->nodes[n].state != NODE_UP)
		return;
	step(s, n, &t, e);
	for (unsigned int i = 0; i < t.posted_count; i++) {
		struct event next = t.posted[i];

		step(s, n, &t, &next);
	}
	end_turn(s, n);
	check_turn(s, sender);
}

/* All that is due; another SIM_TIMER has taken the place of one that does not count. */
void node_timer(struct sim *s, uint16_t n, uint64_t at_us)
{
	static const struct event tick = {.kind = EVENT_TICK};
	struct node *x = &s->nodes[n];

	if (x->state != NODE_UP || x->timer_us != at_us)
		return;
	x->timer_us = UINT64_MAX;
	do
		node_event(s, n, &tick);
	while (x->state == NODE_UP && !s->failed &&
		core_deadline(x->core) <= node_now(s, n).mono_ms);
}

static void restore(struct sim *s, uint16_t n)
{
	struct event e = {.kind = EVENT_RESTORE};

	for (int slot = 0; slot < PATH_SLOTS_MAX; slot++) {
		if (!s->nodes[n].store[slot].there)
			continue;
		e.restore = s->nodes[n].store[slot].record;
		node_event(s, n, &e);
	}
}

static void add_link(struct sim *s, uint16_t n)
{
	struct event e = {.kind = EVENT_LINK};

	if (!(s->plan.domain.roles[n] & DLMA_ROLE_MAG))
		return;
	e.link.ifindex = ACCESS_IFINDEX;
	e.link.mtu = 1460;
	memcpy(e.link.mac, (uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13}, 6);
	node_event(s, n, &e);
}

/* As agent/io/maps.c does: all locations, then all MNs. */
static void adopt(struct sim *s, uint16_t n)
{
	struct path_node old = s->nodes[n].path;
	struct event e = {.kind = EVENT_ADOPT_LOCATION};

	for (int slot = 0; slot < PATH_SLOTS_MAX; slot++) {
		const struct dlma_location *l = &old.locations[slot];

		if (!l->kind)
			continue;
		e.adopt_location.hnp = path_hnp(slot);
		e.adopt_location.kind = l->kind;
		e.adopt_location.target =
			path_node_address(l->adjacency ? (uint16_t)(l->adjacency - 1) : n);
		node_event(s, n, &e);
	}
	e = (struct event){.kind = EVENT_ADOPT_ACCESS};
	for (int slot = 0; slot < PATH_SLOTS_MAX; slot++) {
		if (!old.access[slot].ifindex)
			continue;
		e.adopt_access.hnp = path_hnp(slot);
		e.adopt_access.ifindex = old.access[slot].ifindex;
		memcpy(e.adopt_access.mac, old.access[slot].mn_mac, 6);
		node_event(s, n, &e);
	}
}

static void set_path(struct sim *s, uint16_t n)
{
	const struct plan *p = &s->plan;
	struct path_node *x = &s->nodes[n].path;
	bool any = p->disclosure == DOMAIN_DISCLOSE_MAG || p->disclosure == DOMAIN_DISCLOSE_LMA;

	for (uint16_t i = 0; i < p->mobile_count; i++)
		any = any || p->mobile_disclosure[i] > DOMAIN_DISCLOSE_NONE;
	x->index = n;
	x->self = (struct dlma_node){
		.version = DLMA_ABI_VERSION,
		.roles = p->domain.roles[n] | (any ? DLMA_ROLE_MAG_PEERS : 0) |
			 (p->ask_first ? DLMA_ROLE_ASK_FIRST : 0),
		.address = path_node_address(n),
		.superset_count = 1,
		.hold_ifindex = p->timers.hold_ms ? PATH_WAITING_ROOM : 0,
	};
	x->self.front_id = 1;
	x->self.superset[0].front_word = DLMA_FRONT_NONE;
	x->self.superset[0].prefix.b[0] = x->self.superset[0].mask.b[0] = 0xfd;
	x->self.superset[0].mask.b[0] = x->self.superset[0].mask.b[1] = 0xff;
	memset(x->self.superset[0].hnp_mask.b, 0xff, 8);
}

/* The maps before the store would be wrong: agent/io/agent.c start(). */
void node_start(struct sim *s, uint16_t n)
{
	struct node *x = &s->nodes[n];
	uint64_t seed = random_next(&s->random);
	struct core_options o = {
		.conf = &s->conf.conf[n],
		.profiles = s->profiles,
		.mac = wire_mac,
		.seed = {seed, ~seed},
		.epoch = ++x->epoch,
		.restart_counter = ++x->restart_counter,
	};

	if (x->state == NODE_UP && x->core)
		return;
	plan_set_keys(&s->plan, &s->conf, n, x->key_first, x->key_second);
	set_path(s, n);
	x->path.clock.expecting = 0;
	x->state = NODE_UP;
	x->timer_us = UINT64_MAX;
	x->core = core_new(&o);
	if (!x->core)
		abort();
	restore(s, n);
	add_link(s, n);
	adopt(s, n);
	if (x->state == NODE_UP)
		arm_timer(s, n);
}

void node_free(struct sim *s, uint16_t n)
{
	forget_turn(s, n);
	core_free(s->nodes[n].core);
	s->nodes[n].core = NULL;
}

void node_kill(struct sim *s, uint16_t n)
{
	struct node *x = &s->nodes[n];

	if (x->state != NODE_UP)
		return;
	s->counters.sums.kills++;
	s->killed_us = s->now_us;
	node_free(s, n);
	x->state = NODE_DEAD;
	x->dying = false;
	/* What waits is written back at the end, or lost with the agent. */
	traffic_drop_held(s, n);
	sim_at(s, random_between(&s->random, 100000, 5000000), SIM_START, n, NULL);
}

void node_off(struct sim *s, uint16_t n, bool disk)
{
	struct node *x = &s->nodes[n];

	if (x->state != NODE_UP)
		return;
	node_kill(s, n);
	s->counters.sums.kills--;
	s->counters.sums.reboots++;
	x->state = NODE_OFF;
	x->locations_used = 0;
	memset(x->path.locations, 0, sizeof(x->path.locations));
	memset(x->path.access, 0, sizeof(x->path.access));
	if (disk)
		memset(x->store, 0, sizeof(x->store));
}
