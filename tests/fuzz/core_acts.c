// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What can happen to a node. Peers seal what they say, so what is fuzzed lies behind that. */
#include "core_run.h"
#include "fuzz.h"
#include <stdlib.h>

enum { WALL_START_S = 1800000000 };

static bool is_mag(void)
{
	return domain_self(run.conf)->roles & DLMA_ROLE_MAG;
}

static void on_time(struct reader *r)
{
	static const uint32_t jumps[] = {1, 10, 100, 500, 1000, 3000, 10000, 30000, 60000, 300000,
		600000, 3600000, 262140000, 0, 0, 0};
	uint8_t how = reader_u8(r);
	uint64_t deadline = core_deadline(run.core);

	if (how % 16 < 13)
		run_pass(jumps[how % 16]);
	else if (deadline != TIMER_NEVER && deadline > run.now.mono_ms)
		run_pass(deadline - run.now.mono_ms);
	if (!(how & 0x80))
		run_serve();
}

static void on_clock_step(struct reader *r)
{
	int64_t seconds = (int8_t)reader_u8(r);

	run.now.wall += (uint64_t)(seconds * (reader_u8(r) % 2 ? 65536 : 6553600));
	run.talk.wall = run.now.wall;
}

static void on_tick(struct reader *r)
{
	const struct event tick = {.kind = EVENT_TICK};

	(void)r;
	run_step(&tick);
}

static uint32_t take_ifindex(struct reader *r)
{
	return 7 + reader_u8(r) % 3;
}

/* An LMA has no access links: its configuration says so. */
static void on_link(struct reader *r)
{
	struct event e = {.kind = EVENT_LINK};

	e.link.ifindex = take_ifindex(r);
	e.link.mtu = reader_u8(r) % 2 ? 0 : 1500;
	take_mac(r, e.link.mac);
	if (is_mag())
		run_step(&e);
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
	run_step(&e);
}

static void attach_or_detach(struct reader *r, enum event_kind kind)
{
	struct event e = {.kind = kind};

	e.attach.ifindex = take_ifindex(r);
	take_mac(r, e.attach.mac);
	if (kind == EVENT_DETACH && reader_u8(r) % 2)
		e.attach.ifindex = 0;
	run_step(&e);
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
	run_step(&e);
}

static void on_revoke(struct reader *r)
{
	struct event e = {.kind = EVENT_REVOKE};

	e.revoke = take_identity(r);
	run_step(&e);
}

/* The same keys again, or for a moment none at all: then everybody is a stranger. */
static void on_keys(struct reader *r)
{
	struct event e = {.kind = EVENT_KEYS};

	e.keys.list = run.conf->keys;
	e.keys.count = reader_u8(r) % 4 ? run.conf->key_count : 0;
	run_step(&e);
	e.keys.count = run.conf->key_count;
	run_step(&e);
}

/* To the backup, as the control socket has it, or of a MAG; and on again. */
static void on_drain(struct reader *r)
{
	struct event e = {.kind = EVENT_DRAIN};

	e.drain.on = reader_u8(r) % 4;
	e.drain.to = domain_backup(&run.conf->domain, run.conf->self);
	run_step(&e);
}

static void on_use(struct reader *r)
{
	struct event e = {.kind = EVENT_USE};

	e.use.hnp = take_hnp(r);
	e.use.idle_ms = reader_u8(r) % 4 ? reader_u8(r) * 1000U : UINT64_MAX;
	run_step(&e);
}

static void on_map_failure(struct reader *r)
{
	run.mirror.fail = 1 + reader_u8(r) % 4;
}

static void keep(const struct run_datagram *d)
{
	run.kept[run.kept_count++ % RUN_KEPT] = *d;
}

static void deliver(const struct run_datagram *d)
{
	uint8_t *bytes = fuzz_copy(d->bytes, d->len);
	struct event e = {.kind = EVENT_DATAGRAM};

	e.datagram.src = d->src;
	e.datagram.dst = run.conf->domain.nodes[run.conf->self].address;
	e.datagram.bytes = bytes;
	e.datagram.len = d->len;
	run_step(&e);
	free(bytes);
}

static uint64_t refusals(void)
{
	const uint64_t *reasons = run.core->state.counters.reasons;

	return reasons[DLMA_SIGNAL_auth_missing] + reasons[DLMA_SIGNAL_auth_spi] +
	       reasons[DLMA_SIGNAL_auth_failed] + reasons[DLMA_SIGNAL_replayed] +
	       reasons[DLMA_SIGNAL_mh_checksum] + reasons[DLMA_SIGNAL_stranger];
}

/* Writes a message as the peer would that has this core. */
static void seal(struct core *peer, struct mh_message *m, struct run_datagram *ret)
{
	static struct effects effects;

	peer->effects = &effects;
	peer->now = run.now;
	effects.count = 0;
	ret->len = 0;
	if (peer_send(peer, run.conf->self, m))
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
	struct core *sealer = domain_sealer(peer, who & 0x80 ? run.epoch - 1 : run.epoch);
	uint64_t refused = refusals();
	static struct mh_message m;
	struct run_datagram d;

	message_take(r, &run.talk, peer, &m);
	if (peer == run.conf->self)
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
	uint64_t received = run.core->state.counters.received[MH_BINDING_UPDATE];
	struct run_datagram d;
	uint8_t change;

	if (!run.kept_count)
		return;
	d = run.kept[reader_u8(r) % (run.kept_count < RUN_KEPT ? run.kept_count : RUN_KEPT)];
	change = reader_u8(r);
	d.bytes[reader_u8(r) % d.len] ^= change;
	deliver(&d);
	CHECK(!run.conf->domain.authentication ||
		run.core->state.counters.received[MH_BINDING_UPDATE] == received);
}

static void on_raw(struct reader *r)
{
	struct run_datagram d = {.src = take_address(r)};

	d.len = reader_u8(r) % 64;
	reader_bytes(r, d.bytes, d.len);
	deliver(&d);
}

/* The agent dies and comes back: maps and store are what they were. */
static void on_restart(struct reader *r)
{
	core_free(run.core);
	run.core = NULL;
	run_start(!(reader_u8(r) % 2));
}

/* What an earlier run, perhaps with another configuration, left in the maps and in the store. */
static void leave_location(struct reader *r)
{
	struct mirror_location *l = &run.mirror.locations[run.mirror.location_count];

	*l = (struct mirror_location){.hnp = take_hnp(r), .kind = 1 + reader_u8(r) % 5};
	l->target = take_address(r);
	if (!mirror_location(&run.mirror, &l->hnp) && l->hnp.len)
		run.mirror.location_count++;
}

static void leave_access(struct reader *r)
{
	struct mirror_access *a = &run.mirror.access[run.mirror.access_count];

	*a = (struct mirror_access){.hnp = take_hnp(r), .ifindex = take_ifindex(r)};
	take_mac(r, a->mac);
	if (!mirror_access(&run.mirror, &a->hnp) && a->hnp.len)
		run.mirror.access_count++;
}

static bool mn_is_stored(const struct identity *mn)
{
	for (unsigned int i = 0; i < run.mirror.store_count; i++)
		if (identity_equal(&run.mirror.store[i].mn, mn))
			return true;
	return false;
}

static void leave_record(struct reader *r)
{
	struct record *s = &run.mirror.store[run.mirror.store_count];

	*s = (struct record){.hnp = take_hnp(r), .mn = take_identity(r)};
	s->dlma = take_address(r);
	s->previous = take_address(r);
	s->stamp = run.now.wall + reader_u8(r) - 128;
	s->lifetime_ms = take_lifetime_ms(r);
	if (!mirror_record(&run.mirror, &s->hnp) && s->mn.id_len && !mn_is_stored(&s->mn))
		run.mirror.store_count++;
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
	on_drain,
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
	on_keys,
	on_raw,
	on_restart,
	on_clock_step,
	on_tick,
};

void run_act(struct reader *r)
{
	acts[reader_u8(r) % (sizeof(acts) / sizeof(*acts))](r);
}

void run_begin(struct reader *r)
{
	uint32_t shape = reader_u32(r);

	memset(&run, 0, sizeof(run));
	run.conf = domain_shape(shape);
	run.epoch = F_EPOCH;
	run.now = (struct moment){1000, (uint64_t)WALL_START_S << 16};
	run.talk.wall = run.now.wall;
	leave_things(r);
	domain_reset_sealers(run.epoch + 1);
	run_start(true);
}

void run_end(void)
{
	core_free(run.core);
	run.core = NULL;
}
