// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whole steps of the core: the octets of an input choose what happens to one node of a small
 * domain (core_domain.c). Peers seal what they say with their keys, so what is fuzzed is not the
 * authentication but what comes behind it.
 *
 * After each step the tables must be consistent (tests/unit/invariants.c), and the maps must be
 * what the tables say (tests/unit/mirror.c). At the end nothing happens any more but that time
 * passes: then everything that ends by itself must have ended.
 */
#include "core_message.h"
#include "core_trace.h"
#include "fuzz.h"
#include "invariants.h"
#include "mirror.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	EVENTS_MAX = 200,
	TICKS_MAX = 2000, /* at one moment; more is a loop */
	KEPT = 8,	  /* datagrams that may be replayed */
	WALL_START_S = 1800000000,
	SETTLE_MS = 262140000,
};

struct datagram {
	struct dlma_addr src;
	size_t len;
	uint8_t bytes[EFFECT_BYTES_MAX];
};

static struct fuzz {
	struct core *core;
	struct mirror mirror;
	struct talk talk;
	struct moment now;
	struct datagram kept[KEPT];
	unsigned int kept_count;
	uint32_t epoch;
	struct event posted[EFFECTS_MAX]; /* what carrying out effects brought up */
	unsigned int posted_count;
	bool quiet; /* only time passes: what is checked is how it ends */
	const struct node_conf *conf;
} f;

static struct effects effects;

static void hold(const char *broken)
{
	if (broken)
		fuzz_broken("core", 0, broken);
}

static void post(const struct event *e)
{
	CHECK(f.posted_count < EFFECTS_MAX);
	f.posted[f.posted_count++] = *e;
}

static void hear(const struct effect *e)
{
	static struct mh_message m;
	unsigned int unknown;

	CHECK(!mh_decode(e->send.bytes, e->send.len, &m, &unknown));
	message_heard(&f.talk, peer_index(f.core, &e->send.dst), &m);
}

static void carry_out(const struct effect *e)
{
	struct event failed = {.kind = EVENT_MAP_FAILED};

	trace_effect(f.core, e);
	hold(mirror_apply(&f.mirror, f.core, e));
	if (e->kind == EFFECT_SEND && !f.quiet)
		hear(e);
	if (!mirror_failed(&f.mirror, e))
		return;
	failed.map_failed.hnp = e->location.hnp;
	post(&failed);
}

static void check(void)
{
	hold(invariants_broken(f.core));
	hold(f.posted_count ? NULL : mirror_differs(&f.mirror, f.core));
}

static void step_once(const struct event *e)
{
	trace_event(f.core, &f.now, e);
	core_step(f.core, &f.now, e, &effects);
	CHECK(!effects.lost);
	for (unsigned int i = 0; i < effects.count; i++)
		carry_out(&effects.list[i]);
	if (!f.quiet)
		check();
}

/* Like agent_event(). */
static void step(const struct event *e)
{
	step_once(e);
	for (unsigned int i = 0; i < f.posted_count; i++) {
		struct event next = f.posted[i];

		step_once(&next);
	}
	f.posted_count = 0;
}

/* Serves all timers that are due; that comes to an end. */
static void serve(void)
{
	const struct event tick = {.kind = EVENT_TICK};
	unsigned int ticks = 0;

	while (core_deadline(f.core) <= f.now.mono_ms) {
		step(&tick);
		CHECK(++ticks < TICKS_MAX);
	}
}

static void pass(uint64_t ms)
{
	f.now.mono_ms += ms;
	f.now.wall += ms * 65536 / 1000;
	f.talk.wall = f.now.wall;
}

static void on_time(struct reader *r)
{
	static const uint32_t jumps[] = {1, 10, 100, 500, 1000, 3000, 10000, 30000, 60000, 300000,
		600000, 3600000, 262140000, 0, 0, 0};
	uint8_t how = reader_u8(r);
	uint64_t deadline = core_deadline(f.core);

	if (how % 16 < 13)
		pass(jumps[how % 16]);
	else if (deadline != TIMER_NEVER && deadline > f.now.mono_ms)
		pass(deadline - f.now.mono_ms);
	if (!(how & 0x80))
		serve();
}

static void on_clock_step(struct reader *r)
{
	int64_t seconds = (int8_t)reader_u8(r);

	f.now.wall += (uint64_t)(seconds * (reader_u8(r) % 2 ? 65536 : 6553600));
	f.talk.wall = f.now.wall;
}

static void on_tick(struct reader *r)
{
	const struct event tick = {.kind = EVENT_TICK};

	(void)r;
	step(&tick);
}

static uint32_t take_ifindex(struct reader *r)
{
	return 7 + reader_u8(r) % 3;
}

static bool is_mag(void)
{
	return domain_self(f.conf)->roles & DLMA_ROLE_MAG;
}

/* An LMA has no access links: its configuration says so. */
static void on_link(struct reader *r)
{
	struct event e = {.kind = EVENT_LINK};

	e.link.ifindex = take_ifindex(r);
	e.link.mtu = reader_u8(r) % 2 ? 0 : 1500;
	take_mac(r, e.link.mac);
	if (is_mag())
		step(&e);
}

static void on_neighbour(struct reader *r)
{
	static const uint8_t types[] = {ND_ROUTER_SOLICITATION, ND_NEIGHBOR_SOLICITATION,
		ND_NEIGHBOR_ADVERTISEMENT, ND_MLD2_REPORT, ND_MLD_REPORT, ND_ROUTER_ADVERTISEMENT};
	struct event e = {.kind = EVENT_NEIGHBOUR};
	uint8_t source;

	e.neighbour.ifindex = take_ifindex(r);
	take_mac(r, e.neighbour.mac);
	e.neighbour.message.type = types[reader_u8(r) % 6];
	source = reader_u8(r);
	e.neighbour.message.src = nd_link_local(e.neighbour.mac);
	if (source % 4 == 1)
		e.neighbour.message.src = (struct dlma_addr){0};
	if (source % 4 == 2)
		e.neighbour.message.src = take_hoa(r);
	if (source % 4)
		e.neighbour.message.target = take_hoa(r);
	step(&e);
}

static void attach_or_detach(struct reader *r, enum event_kind kind)
{
	struct event e = {.kind = kind};

	e.attach.ifindex = take_ifindex(r);
	take_mac(r, e.attach.mac);
	if (kind == EVENT_DETACH && reader_u8(r) % 2)
		e.attach.ifindex = 0;
	step(&e);
}

static void on_attach(struct reader *r)
{
	attach_or_detach(r, EVENT_ATTACH);
}

static void on_detach(struct reader *r)
{
	attach_or_detach(r, EVENT_DETACH);
}

static void on_packet(struct reader *r)
{
	struct event e = {.kind = EVENT_PACKET};

	e.packet.version = DLMA_ABI_VERSION;
	e.packet.kind = DLMA_EVENT_MISS + reader_u8(r) % 5;
	e.packet.ifindex = take_ifindex(r);
	e.packet.hoa = take_hoa(r);
	e.packet.from = take_hoa(r);
	e.packet.peer = take_address(r);
	take_mac(r, e.packet.mac);
	step(&e);
}

static void on_revoke(struct reader *r)
{
	struct event e = {.kind = EVENT_REVOKE};

	e.revoke = take_identity(r);
	step(&e);
}

static void on_use(struct reader *r)
{
	struct event e = {.kind = EVENT_USE};

	e.use.hnp = take_hnp(r);
	e.use.idle_ms = reader_u8(r) % 4 ? reader_u8(r) * 1000U : UINT64_MAX;
	step(&e);
}

static void on_map_failure(struct reader *r)
{
	f.mirror.fail = 1 + reader_u8(r) % 4;
}

static void keep(const struct datagram *d)
{
	f.kept[f.kept_count++ % KEPT] = *d;
}

static void deliver(const struct datagram *d)
{
	uint8_t *bytes = fuzz_copy(d->bytes, d->len);
	struct event e = {.kind = EVENT_DATAGRAM};

	e.datagram.src = d->src;
	e.datagram.dst = f.conf->domain.nodes[f.conf->self].address;
	e.datagram.bytes = bytes;
	e.datagram.len = d->len;
	step(&e);
	free(bytes);
}

static uint64_t refusals(void)
{
	const uint64_t *reasons = f.core->state.counters.reasons;

	return reasons[DLMA_SIGNAL_auth_missing] + reasons[DLMA_SIGNAL_auth_spi] +
	       reasons[DLMA_SIGNAL_auth_failed] + reasons[DLMA_SIGNAL_replayed] +
	       reasons[DLMA_SIGNAL_mh_checksum] + reasons[DLMA_SIGNAL_stranger];
}

/* Writes a message as the peer would that has this core. */
static void seal(struct core *peer, struct mh_message *m, struct datagram *ret)
{
	peer->effects = &effects;
	peer->now = f.now;
	effects.count = 0;
	ret->len = 0;
	if (peer_send(peer, f.conf->self, m))
		return;
	CHECK(effects.count == 1 && effects.list[0].kind == EFFECT_SEND);
	ret->src = peer->state.self->address;
	ret->len = effects.list[0].send.len;
	memcpy(ret->bytes, effects.list[0].send.bytes, ret->len);
}

static void on_message(struct reader *r)
{
	uint8_t who = reader_u8(r);
	unsigned int peer = who % F_MUTE;
	/* Now and then it does not know our run, or it is a run of its own later. */
	struct core *sealer = domain_sealer(peer, who & 0x80 ? f.epoch - 1 : f.epoch);
	uint64_t refused = refusals();
	static struct mh_message m;
	struct datagram d;

	message_take(r, &f.talk, peer, &m);
	if (peer == f.conf->self)
		return;
	sealer->options.epoch += who & 0x40 ? 1 : 0;
	seal(sealer, &m, &d);
	if (!d.len)
		return;
	keep(&d);
	deliver(&d);
	CHECK(refusals() == refused);
}

/* What a peer sent before: as it was, or with an octet changed. */
static void on_replay(struct reader *r)
{
	uint64_t received = f.core->state.counters.received[MH_BINDING_UPDATE];
	struct datagram d;
	uint8_t change;

	if (!f.kept_count)
		return;
	d = f.kept[reader_u8(r) % (f.kept_count < KEPT ? f.kept_count : KEPT)];
	change = reader_u8(r);
	d.bytes[reader_u8(r) % d.len] ^= change;
	deliver(&d);
	CHECK(!f.conf->domain.authentication ||
		f.core->state.counters.received[MH_BINDING_UPDATE] == received);
}

static void on_raw(struct reader *r)
{
	struct datagram d = {.src = take_address(r)};

	d.len = reader_u8(r) % 64;
	reader_bytes(r, d.bytes, d.len);
	deliver(&d);
}

static void restore_all(const struct mirror *before)
{
	for (unsigned int i = 0; i < before->store_count; i++) {
		struct event e = {.kind = EVENT_RESTORE};

		e.restore = before->store[i];
		step(&e);
	}
}

static void adopt_all(const struct mirror *before)
{
	for (unsigned int i = 0; i < before->location_count; i++) {
		struct event e = {.kind = EVENT_ADOPT_LOCATION};

		if (!before->locations[i].kind)
			continue; /* never got into the map */
		e.adopt_location.hnp = before->locations[i].hnp;
		e.adopt_location.kind = before->locations[i].kind;
		e.adopt_location.target = before->locations[i].target;
		step(&e);
	}
	for (unsigned int i = 0; i < before->access_count; i++) {
		struct event e = {.kind = EVENT_ADOPT_ACCESS};

		e.adopt_access.hnp = before->access[i].hnp;
		e.adopt_access.ifindex = before->access[i].ifindex;
		memcpy(e.adopt_access.mac, before->access[i].mac, 6);
		step(&e);
	}
}

static void start(bool with_link)
{
	static struct mirror before;
	struct event link = {.kind = EVENT_LINK};
	const struct core_options o = {.conf = f.conf,
		.profiles = domain_profiles(),
		.mac = fuzz_mac,
		.epoch = ++f.epoch,
		.restart_counter = f.epoch};

	before = f.mirror;
	f.core = core_new(&o);
	CHECK(f.core);
	f.mirror.expecting = false;
	/* Until that is done the maps are not yet what the tables say. */
	f.quiet = true;
	restore_all(&before);
	link.link.ifindex = 7;
	link.link.mtu = 1500;
	if (with_link && is_mag())
		step(&link);
	adopt_all(&before);
	serve();
	f.quiet = false;
	check();
}

/* The agent dies and comes back: maps and store are what they were. */
static void on_restart(struct reader *r)
{
	core_free(f.core);
	f.core = NULL;
	start(!(reader_u8(r) % 2));
}

/* What an earlier run, perhaps with another configuration, left in the maps and in the store. */
static void leave_location(struct reader *r)
{
	struct mirror_location *l = &f.mirror.locations[f.mirror.location_count];

	*l = (struct mirror_location){.hnp = take_hnp(r), .kind = 1 + reader_u8(r) % 5};
	l->target = take_address(r);
	if (!mirror_location(&f.mirror, &l->hnp) && l->hnp.len)
		f.mirror.location_count++;
}

static void leave_access(struct reader *r)
{
	struct mirror_access *a = &f.mirror.access[f.mirror.access_count];

	*a = (struct mirror_access){.hnp = take_hnp(r), .ifindex = take_ifindex(r)};
	take_mac(r, a->mac);
	if (!mirror_access(&f.mirror, &a->hnp) && a->hnp.len)
		f.mirror.access_count++;
}

static bool mn_is_stored(const struct identity *mn)
{
	for (unsigned int i = 0; i < f.mirror.store_count; i++)
		if (identity_equal(&f.mirror.store[i].mn, mn))
			return true;
	return false;
}

static void leave_record(struct reader *r)
{
	struct record *s = &f.mirror.store[f.mirror.store_count];

	*s = (struct record){.hnp = take_hnp(r), .mn = take_identity(r)};
	s->dlma = take_address(r);
	s->previous = take_address(r);
	s->stamp = f.now.wall + reader_u8(r) - 128;
	s->lifetime_ms = take_lifetime_ms(r);
	if (!mirror_record(&f.mirror, &s->hnp) && s->mn.id_len && !mn_is_stored(&s->mn))
		f.mirror.store_count++;
}

static void leave_things(struct reader *r)
{
	static void (*const things[])(struct reader * r) = {
		leave_location, leave_access, leave_record};

	for (unsigned int n = reader_u8(r) % 8; n; n--)
		things[reader_u8(r) % 3](r);
}

static void (*const acts[])(struct reader *r) = {
	on_message,
	on_message,
	on_message,
	on_message,
	on_message,
	on_message,
	on_message,
	on_time,
	on_time,
	on_time,
	on_neighbour,
	on_neighbour,
	on_packet,
	on_packet,
	on_attach,
	on_detach,
	on_link,
	on_revoke,
	on_use,
	on_map_failure,
	on_replay,
	on_raw,
	on_restart,
	on_clock_step,
	on_tick,
};

/* Nobody says anything any more. */
static void settle(void)
{
	uint64_t end = f.now.mono_ms + 2 * (uint64_t)SETTLE_MS;
	bool short_beats = f.conf->domain.timers.heartbeat_interval_ms < 10000;

	if (short_beats)
		return;
	f.quiet = true;
	f.mirror.fail = 0;
	for (uint64_t at; (at = core_deadline(f.core)) <= end;) {
		if (at > f.now.mono_ms)
			pass(at - f.now.mono_ms);
		serve();
	}
	hold(invariants_broken(f.core));
	CHECK(invariants_settled(f.core));
	CHECK(!f.mirror.access_count);
	for (unsigned int i = 0; i < f.mirror.location_count; i++)
		CHECK(f.mirror.locations[i].failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = {data, size};
	uint32_t shape = reader_u32(&r);

	memset(&f, 0, sizeof(f));
	f.conf = domain_shape(shape);
	f.epoch = F_EPOCH;
	f.now = (struct moment){1000, (uint64_t)WALL_START_S << 16};
	f.talk.wall = f.now.wall;
	leave_things(&r);
	domain_reset_sealers(f.epoch + 1);
	start(true);
	for (int i = 0; r.left && i < EVENTS_MAX; i++)
		acts[reader_u8(&r) % (sizeof(acts) / sizeof(*acts))](&r);
	settle();
	core_free(f.core);
	return 0;
}
