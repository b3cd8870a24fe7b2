// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The first and the last hands on every message.
 *
 * Besides the authentication option a message carries a vendor option with three numbers: the run
 * (epoch) of its sender, the run of its receiver as the sender knows it, and a counter. A message
 * is fresh only if it names our present run, so nothing recorded before our start can be replayed
 * to us; the counter and a window of 64 do the rest. Runs are learnt by a heartbeat and its
 * response, the only messages that are answered without naming ours.
 */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

enum {
	FRESH_SUBTYPE = 1,
	FRESH_LEN = 18, /* with two zero octets, which some dissectors cut off */
	WINDOW = 64,
	HELLO_PACE_MS = 200,
	GREETED_PACE_MS = 10,
	ERROR_PACE_MS = 10,
	HEARTBEAT_TRIES = 3,
};

struct fresh {
	uint32_t sender, receiver;
	uint64_t counter;
};

static void put_be(uint8_t *p, uint64_t value, unsigned int octets)
{
	while (octets--) {
		p[octets] = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t get_be(const uint8_t *p, unsigned int octets)
{
	uint64_t value = 0;

	while (octets--)
		value = value << 8 | *p++;
	return value;
}

static void fresh_put(const struct core *c, struct mh_options *o, const struct fresh *f)
{
	struct mh_vendor *v = &o->vendor;

	o->has |= MH_HAS(MH_OPTION_VENDOR);
	*v = (struct mh_vendor){
		.id = c->state.domain->vendor_id, .subtype = FRESH_SUBTYPE, .len = FRESH_LEN};
	put_be(v->data, f->sender, 4);
	put_be(v->data + 4, f->receiver, 4);
	put_be(v->data + 8, f->counter, 8);
}

static bool fresh_get(const struct core *c, const struct mh_options *o, struct fresh *f)
{
	const struct mh_vendor *v = &o->vendor;

	if (!mh_option_has(o, MH_OPTION_VENDOR) || v->id != c->state.domain->vendor_id ||
		v->subtype != FRESH_SUBTYPE || v->len != FRESH_LEN)
		return false;
	f->sender = (uint32_t)get_be(v->data, 4);
	f->receiver = (uint32_t)get_be(v->data + 4, 4);
	f->counter = get_be(v->data + 8, 8);
	return true;
}

static bool speaks(const struct core *c, const struct peer *p)
{
	return p->index != c->state.conf->self &&
	       (p->key_count || !c->state.domain->authentication);
}

static uint64_t address_hash(const struct table *t, const struct dlma_addr *a)
{
	return table_hash(t, a, sizeof(*a));
}

static int init_one(struct core *c, uint16_t index)
{
	struct table *t = &c->peers_by_address;
	struct peer *p = &c->state.peers[index];

	p->node = &c->state.domain->nodes[index];
	p->index = index;
	p->heartbeat.kind = TIMER_PEER;
	return table_insert(t, &p->by_address, address_hash(t, &p->node->address));
}

int peer_init(struct core *c)
{
	const struct domain *d = c->state.domain;
	int err = 0;

	c->state.peers = calloc(d->node_count, sizeof(*c->state.peers));
	if (!c->state.peers || timer_reserve(&c->timers, d->node_count))
		return -ENOMEM;
	for (uint32_t i = 0; !err && i < d->node_count; i++)
		err = init_one(c, (uint16_t)i);
	return err ? err : peer_rekey(c, c->state.conf->keys, c->state.conf->key_count);
}

/* Whom there is a key for gets heartbeats; who has lost it is a stranger from now on. */
static void talk_or_not(struct core *c, struct peer *p)
{
	bool talking = timer_is_set(&p->heartbeat);

	if (speaks(c, p) && !talking)
		timer_set(&c->timers, &p->heartbeat, c->now.mono_ms);
	if (speaks(c, p) || !talking)
		return;
	timer_clear(&c->timers, &p->heartbeat);
	p->state = PEER_UNKNOWN;
	p->heartbeat_waiting = false;
	report(c, REPORT_peer_unkeyed, NULL, NULL, p->index);
}

int peer_rekey(struct core *c, const struct domain_key *keys, uint32_t count)
{
	int err = keys_install(c, keys, count);

	for (uint32_t i = 0; !err && i < c->state.domain->node_count; i++)
		talk_or_not(c, &c->state.peers[i]);
	return err;
}

void peer_on_keys(struct core *c, const struct domain_key *keys, uint32_t count)
{
	bool done = !peer_rekey(c, keys, count);

	c->state.rekeyed += done;
	report(c, done ? REPORT_keys_replaced : REPORT_keys_kept, NULL, NULL, REPORT_NO_PEER);
}

void peer_done(struct core *c)
{
	if (c->state.peers)
		explicit_bzero(
			c->state.peers, c->state.domain->node_count * sizeof(*c->state.peers));
	free(c->state.peers);
	table_done(&c->peers_by_address);
}

static bool address_equal(const struct table_node *node, const void *key)
{
	return addr_equal(&container_of(node, struct peer, by_address)->node->address, key);
}

struct peer *peer_by_address(const struct core *c, const struct dlma_addr *a)
{
	const struct table *t = &c->peers_by_address;
	struct table_node *n = table_find(t, address_hash(t, a), address_equal, a);

	return n ? container_of(n, struct peer, by_address) : NULL;
}

uint16_t peer_index(const struct core *c, const struct dlma_addr *a)
{
	const struct peer *p = peer_by_address(c, a);

	return p ? p->index : DOMAIN_NO_NODE;
}

bool peer_is_down(const struct core *c, uint16_t node)
{
	return c->state.peers[node].state == PEER_DOWN;
}

bool peer_is_lma(const struct core *c, uint16_t index)
{
	return c->state.domain->nodes[index].roles & DLMA_ROLE_LMA;
}

bool peer_registers_here(const struct core *c, uint16_t index)
{
	return domain_may_register(c->state.domain, index, c->state.conf->self);
}

bool peer_is_mag(const struct core *c, uint16_t index)
{
	return c->state.domain->nodes[index].roles & DLMA_ROLE_MAG;
}

bool peer_is_mag_only(const struct core *c, uint16_t index)
{
	return index != DOMAIN_NO_NODE && !peer_is_lma(c, index);
}

/* Seals for the run of the receiver that is given, which need not be the one we know of. */
static int send_to_run(struct core *c, struct peer *p, struct mh_message *m, uint32_t run)
{
	const struct dlma_addr *src = &c->state.self->address, *dst = &p->node->address;
	struct effect *e = emit(c, EFFECT_SEND);
	const struct auth_key *key = c->state.domain->authentication ? &p->keys[0].out : NULL;
	int len, err = 0;

	if (key) {
		struct fresh f = {c->options.epoch, run, ++p->sent};

		fresh_put(c, &m->options, &f);
		auth_reserve(key, &m->options);
	}
	len = mh_encode(m, e->send.bytes, sizeof(e->send.bytes));
	if (len > 0 && key)
		err = auth_sign(c->options.mac, key, src, dst, e->send.bytes, (size_t)len);
	if (len < 0 || err) {
		c->effects->count--;
		return len < 0 ? len : err;
	}
	mh_checksum_set(src, dst, e->send.bytes, (size_t)len);
	e->send.dst = *dst;
	e->send.hnp = message_hnp(m);
	e->send.len = (uint16_t)len;
	c->state.counters.sent[m->type % 32]++;
	return 0;
}

static void send_heartbeat_request(struct core *c, struct peer *p, uint32_t run)
{
	struct mh_message m = {.type = MH_HEARTBEAT};

	m.heartbeat.sequence = ++p->heartbeat_sequence;
	(void)send_to_run(c, p, &m, run);
}

static void send_heartbeat_response(
	struct core *c, struct peer *p, uint32_t sequence, uint16_t flags, uint32_t run)
{
	struct mh_message m = {.type = MH_HEARTBEAT};

	m.heartbeat.flags = MH_HEARTBEAT_RESPONSE | flags;
	m.heartbeat.sequence = sequence;
	m.options.has = MH_HAS(MH_OPTION_RESTART_COUNTER);
	m.options.restart_counter = c->options.restart_counter;
	(void)send_to_run(c, p, &m, run);
}

/* Lets a peer know our run, which it needs before it can send us anything else. */
static void greet(struct core *c, struct peer *p, uint32_t run)
{
	if (c->now.mono_ms < p->hello_after_ms)
		return;
	p->hello_after_ms = c->now.mono_ms + HELLO_PACE_MS;
	send_heartbeat_request(c, p, run);
}

static int loop_back(struct core *c, const struct mh_message *m)
{
	struct loopback *l = &c->loopback;

	if (l->count == LOOPBACK_MAX)
		return -ENOBUFS;
	l->messages[l->count++] = *m;
	return 0;
}

int peer_send(struct core *c, uint16_t index, struct mh_message *m)
{
	struct peer *p = &c->state.peers[index];

	if (index == c->state.conf->self)
		return loop_back(c, m);
	if (!speaks(c, p))
		return -ENOKEY;
	if (c->state.domain->authentication && !p->epoch) {
		greet(c, p, 0);
		return -EAGAIN;
	}
	return send_to_run(c, p, m, p->epoch);
}

void peer_send_error(struct core *c, struct peer *p, uint8_t status, const struct dlma_addr *hoa)
{
	struct mh_message m = {.type = MH_BINDING_ERROR};

	if (c->now.mono_ms < p->error_after_ms) {
		count(c, DLMA_SIGNAL_rate_limited);
		return;
	}
	p->error_after_ms = c->now.mono_ms + ERROR_PACE_MS;
	m.be.status = status;
	if (hoa)
		m.be.home = *hoa;
	(void)peer_send(c, p->index, &m);
}

/* Sliding window: false for a counter seen before, or too old to tell. */
static bool window_admits(struct peer *p, uint64_t counter)
{
	uint64_t behind;

	if (counter > p->window_top) {
		uint64_t ahead = counter - p->window_top;

		p->window_bits = ahead < WINDOW ? p->window_bits << ahead : 0;
		p->window_bits |= 1;
		p->window_top = counter;
		return true;
	}
	behind = p->window_top - counter;
	if (behind >= WINDOW || p->window_bits >> behind & 1)
		return false;
	p->window_bits |= 1ULL << behind;
	return true;
}

static void learn_run(struct core *c, struct peer *p, const struct fresh *f)
{
	p->epoch = f->sender;
	p->window_top = f->counter;
	p->window_bits = 1;
	exchange_kick(c, p->index);
}

static enum dlma_signal_reason check_fresh(struct core *c, struct peer *p, const struct fresh *f)
{
	if (f->receiver != c->options.epoch || f->sender < p->epoch)
		return DLMA_SIGNAL_stale_epoch;
	if (f->sender > p->epoch) {
		learn_run(c, p, f);
		return DLMA_SIGNAL_accepted;
	}
	return window_admits(p, f->counter) ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_replayed;
}

/*
 * Genuine, but made for another run of ours: the sender has to learn the present one. A greeting
 * is answered to the run that it names, and so is useless to whoever replays it.
 */
static void answer_stale(
	struct core *c, struct peer *p, const struct mh_message *m, const struct fresh *f)
{
	if (f->sender < p->epoch)
		return;
	if (m->type != MH_HEARTBEAT) {
		greet(c, p, f->sender);
		return;
	}
	if (m->heartbeat.flags & MH_HEARTBEAT_RESPONSE || c->now.mono_ms < p->greeted_after_ms)
		return;
	p->greeted_after_ms = c->now.mono_ms + GREETED_PACE_MS;
	send_heartbeat_response(c, p, m->heartbeat.sequence, 0, f->sender);
}

static void heard(struct core *c, struct peer *p)
{
	p->heard_ms = c->now.mono_ms;
	if (p->state == PEER_UP)
		return;
	p->state = PEER_UP;
	p->up_ms = c->now.mono_ms;
	report(c, REPORT_peer_up, NULL, NULL, p->index);
}

/*
 * RFC 5847 3.2: another counter means that the peer lost its bindings. So may the first one that is
 * heard: what it agreed to before that may have been with an earlier run.
 */
static void check_restart(struct core *c, struct peer *p, uint32_t counter)
{
	bool first = !p->restart_known, same = p->restart_counter == counter;

	p->restart_counter = counter;
	p->restart_known = true;
	if (!first && same)
		return;
	if (!first)
		report(c, REPORT_peer_restarted, NULL, NULL, p->index);
	mag_register_all(c, p->index);
	if (c->state.self->roles & DLMA_ROLE_LMA)
		claim_all(c, p->index);
}

static void on_heartbeat(struct core *c, struct peer *p, const struct mh_message *m, bool new_run)
{
	if (!(m->heartbeat.flags & MH_HEARTBEAT_RESPONSE)) {
		send_heartbeat_response(c, p, m->heartbeat.sequence, 0, p->epoch);
		return;
	}
	if (p->heartbeat_waiting)
		timer_set(&c->timers, &p->heartbeat,
			p->asked_ms + c->state.domain->timers.heartbeat_interval_ms);
	p->heartbeat_waiting = false;
	if (mh_option_has(&m->options, MH_OPTION_RESTART_COUNTER))
		check_restart(c, p, m->options.restart_counter);
	/* It answered a greeting that did not name its run; now it can learn ours. */
	if (new_run && !(m->heartbeat.flags & MH_HEARTBEAT_UNSOLICITED))
		send_heartbeat_response(
			c, p, m->heartbeat.sequence, MH_HEARTBEAT_UNSOLICITED, p->epoch);
}

/* Nothing at all was heard of it for as long as RFC 5847 3.3 allows. */
static bool is_silent(const struct core *c, const struct peer *p)
{
	const struct domain_timers *t = &c->state.domain->timers;
	uint64_t allowed = (uint64_t)(t->missing_heartbeats_allowed + 1) * t->heartbeat_interval_ms;

	return c->now.mono_ms - p->heard_ms >= allowed;
}

static void lose(struct core *c, struct peer *p)
{
	p->state = PEER_DOWN;
	report(c, REPORT_peer_down, NULL, NULL, p->index);
	query_peer_down(c, p->index);
	mag_lma_down(c, p->index);
}

/*
 * A heartbeat without an answer is repeated twice in its time. At short intervals that is what
 * tells a lossy path from a dead peer: at 5 % loss, nine of nine lost is no matter of chance.
 */
void peer_heartbeat_due(struct core *c, struct peer *p)
{
	uint32_t interval = c->state.domain->timers.heartbeat_interval_ms;

	if (p->state == PEER_UP && p->heartbeat_waiting && is_silent(c, p))
		lose(c, p);
	if (!p->heartbeat_waiting || p->tries == HEARTBEAT_TRIES) {
		p->heartbeat_waiting = true;
		p->tries = 0;
		p->asked_ms = c->now.mono_ms;
	}
	p->tries++;
	send_heartbeat_request(c, p, p->epoch);
	timer_set(&c->timers, &p->heartbeat, c->now.mono_ms + interval / HEARTBEAT_TRIES);
}

static enum dlma_signal_reason authenticate(const struct core *c, struct peer *p,
	const uint8_t *bytes, size_t len, const struct mh_options *o)
{
	enum dlma_signal_reason reason = DLMA_SIGNAL_auth_missing;

	for (uint8_t i = 0; i < p->key_count; i++) {
		reason = auth_verify(c->options.mac, &p->keys[i].in, &p->node->address,
			&c->state.self->address, bytes, len, o);
		if (reason != DLMA_SIGNAL_auth_spi)
			break;
	}
	if (reason == DLMA_SIGNAL_accepted)
		p->heard_spi = o->auth.spi;
	return reason;
}

/* Genuine and fresh? Sets *ret_new_run if it made a new run of the peer known. */
static enum dlma_signal_reason admit(struct core *c, struct peer *p, const struct mh_message *m,
	const uint8_t *bytes, size_t len, bool *ret_new_run)
{
	uint32_t known = p->epoch;
	enum dlma_signal_reason reason;
	struct fresh f;

	if (!c->state.domain->authentication)
		return DLMA_SIGNAL_accepted;
	reason = authenticate(c, p, bytes, len, &m->options);
	if (reason != DLMA_SIGNAL_accepted)
		return reason;
	if (!fresh_get(c, &m->options, &f))
		return DLMA_SIGNAL_auth_missing;
	reason = check_fresh(c, p, &f);
	if (reason == DLMA_SIGNAL_stale_epoch) {
		answer_stale(c, p, m, &f);
		/* A greeting that names no run of ours is no sign of anything wrong. */
		if (m->type == MH_HEARTBEAT && !f.receiver)
			reason = DLMA_SIGNAL_greeted;
	}
	*ret_new_run = p->epoch != known;
	return reason;
}

void peer_receive(struct core *c, const struct dlma_addr *src, const struct dlma_addr *dst,
	const uint8_t *bytes, size_t len)
{
	struct peer *p = peer_by_address(c, src);
	enum dlma_signal_reason reason = DLMA_SIGNAL_stranger;
	struct mh_message m = {0};
	unsigned int unknown = 0;
	bool new_run = false;

	/* Strangers first: nothing that they send is worth a checksum. */
	if (p && speaks(c, p) && addr_equal(dst, &c->state.self->address))
		reason = len >= MH_MIN_LEN && !mh_checksum_ok(src, dst, bytes, len)
				 ? DLMA_SIGNAL_mh_checksum
				 : mh_decode(bytes, len, &m, &unknown);
	/* RFC 6275 9.2; but it cannot be authenticated, and then nobody knows who would be told. */
	if (reason == DLMA_SIGNAL_mh_type_unknown && !c->state.domain->authentication)
		peer_send_error(c, p, MH_BINDING_ERROR_UNKNOWN_TYPE, NULL);
	if (reason == DLMA_SIGNAL_accepted)
		reason = admit(c, p, &m, bytes, len, &new_run);
	c->state.counters.reasons[DLMA_SIGNAL_option_unknown] += unknown;
	count(c, reason);
	if (reason != DLMA_SIGNAL_accepted)
		return;
	c->state.counters.received[m.type % 32]++;
	heard(c, p);
	if (m.type == MH_HEARTBEAT)
		on_heartbeat(c, p, &m, new_run);
	else
		dispatch(c, p, &m);
}
