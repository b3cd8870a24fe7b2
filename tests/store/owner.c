// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "owner.h"
#include "disk.h"
#include "wire/mh.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { WALL_START_S = 1700000000, BINDING_LIFETIME_MS = 600000 };

static struct domain_node nodes[OWNER_NODES];
static struct domain_prefix block;
static struct domain_mobile mobiles[OWNER_MOBILES];
static struct promises *promises;

static struct dlma_addr address_of(int node)
{
	return (struct dlma_addr){.b = {0x20, 1, 0xd, 0xb8, 0xb, (uint8_t)node, [15] = 1}};
}

/* Fewer HNPs than MNs, so that some change hands. */
static void make_domain(struct node_conf *c)
{
	struct domain *d = &c->domain;
	const struct dlma_addr home = {.b = {0x20, 1, 0xd, 0xb8, 1, [7] = 0xe0}};

	for (int i = 0; i < OWNER_NODES; i++) {
		nodes[i] = (struct domain_node){.address = address_of(i),
			.roles = i < OWNER_LMAS ? DLMA_ROLE_LMA : DLMA_ROLE_MAG,
			.lma = i < OWNER_LMAS ? DOMAIN_NO_NODE : 1};
		snprintf(nodes[i].name, sizeof(nodes[i].name), "node-%d", i);
	}
	block = (struct domain_prefix){prefix_make(home, 59), 64, OWNER_SELF};
	for (int i = 0; i < OWNER_MOBILES; i++) {
		mobiles[i] = (struct domain_mobile){
			.link_layer = {2, [5] = (uint8_t)i}, .home = OWNER_SELF, .allowed = true};
		snprintf(mobiles[i].id, sizeof(mobiles[i].id), "mn%d@x", i);
	}
	*d = (struct domain){.nodes = nodes,
		.node_count = OWNER_NODES,
		.prefixes = &block,
		.prefix_count = 1,
		.mobiles = mobiles,
		.mobile_count = OWNER_MOBILES,
		.timers = {.binding_lifetime_ms = BINDING_LIFETIME_MS,
			.cache_lifetime_ms = 60000,
			.lma_timestamp_window_ms = 1000000000,
			.initial_bindack_timeout_ms = 1000,
			.max_bindack_timeout_ms = 32000,
			.heartbeat_interval_ms = 1000000,
			.missing_heartbeats_allowed = 3}};
	c->self = OWNER_SELF;
	c->locations_max = 10000;
	c->cache_max = 1000;
}

static int no_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	(void)algorithm, (void)key, (void)key_len, (void)chunks, (void)count;
	memset(ret_mac, 0, 32);
	return 0;
}

/* What leaves */

static int mn_of(const uint8_t *id)
{
	return atoi((const char *)id + 2);
}

static int node_of(const struct dlma_addr *a)
{
	return a->b[5];
}

static void promise(const struct promise *p)
{
	if (promises->count == OWNER_PROMISES_MAX)
		abort();
	promises->list[promises->count] = *p;
	promises->list[promises->count++].op = disk_op_count();
}

/* Whether the record says so too: an acknowledged release may have changed nothing. */
static struct record last_put[OWNER_MOBILES];

static void acknowledged(int dlma, const struct mh_message *m)
{
	int mn = mn_of(m->options.mn_id[0].id);
	struct promise p = {.mn = mn,
		.hnp = m->options.hnp[0].prefix,
		.stamp = m->options.timestamp,
		.dlma = m->ba.lifetime ? dlma : 0};

	if (last_put[mn].stamp != p.stamp || node_of(&last_put[mn].dlma) != p.dlma)
		return;
	p.mag = node_of(&last_put[mn].mag);
	promise(&p);
}

static void on_send(void *arg, const struct effect *e)
{
	struct mh_message m;
	unsigned int unknown = 0;

	(void)arg;
	if (e->kind != EFFECT_SEND)
		return;
	if (mh_decode(e->send.bytes, e->send.len, &m, &unknown) != DLMA_SIGNAL_accepted)
		abort();
	if (m.type == MH_BINDING_ACK && m.ba.status == MH_STATUS_accepted)
		acknowledged(node_of(&e->send.dst), &m);
}

/* Another MN gets the HNP. What is acknowledged of this one in the same turn is void already. */
static void withdraw(const struct dlma_prefix *hnp)
{
	for (int i = 0; i < OWNER_MOBILES; i++)
		if (prefix_equal(&last_put[i].hnp, hnp))
			memset(&last_put[i], 0, sizeof(last_put[i]));
	for (size_t i = promises->count; i-- > 0;) {
		struct promise p = promises->list[i];

		if (!prefix_equal(&p.hnp, hnp))
			continue;
		p.withdrawn = true;
		promise(&p);
		return;
	}
}

static void carry_out(struct owner *o, const struct effect *e)
{
	if (e->kind == EFFECT_SEND || e->kind == EFFECT_FRAME) {
		outbox_put(o->outbox, e, o->now_ms);
	} else if (e->kind == EFFECT_STORE_PUT) {
		store_put(o->store, &e->store);
		last_put[mn_of((const uint8_t *)e->store.mn.id)] = e->store;
	} else if (e->kind == EFFECT_STORE_DEL) {
		store_del(o->store, &e->store.hnp);
		withdraw(&e->store.hnp);
	}
}

static void step(struct owner *o, const struct event *e)
{
	struct moment now = {.mono_ms = o->now_ms, .wall = (uint64_t)WALL_START_S << 16};

	core_step(o->core, &now, e, &o->effects);
	for (unsigned int i = 0; i < o->effects.count; i++)
		carry_out(o, &o->effects.list[i]);
}

static void restore(void *arg, const struct record *r)
{
	struct event e = {.kind = EVENT_RESTORE, .restore = *r};
	struct owner *o = arg;

	if (o->restored_count == OWNER_MOBILES)
		abort();
	o->restored[o->restored_count++] = *r;
	last_put[mn_of((const uint8_t *)r->mn.id)] = *r;
	step(o, &e);
}

static int start_core(struct owner *o)
{
	struct core_options options = {.conf = &o->conf, .mac = no_mac, .seed = {1, 2}};
	int err = store_start_run(o->store, &o->run);

	if (err)
		return err;
	disk_checkpoint_often();
	promises->runs[promises->run_count].op = disk_op_count();
	promises->runs[promises->run_count++].run = o->run;
	options.epoch = o->run.epoch;
	options.restart_counter = o->run.restart_counter;
	o->profiles = profiles_new(&o->conf.domain, options.seed);
	options.profiles = o->profiles;
	o->core = o->profiles ? core_new(&options) : NULL;
	return o->core ? store_restore(o->store, restore, o) : -ENOMEM;
}

int owner_start(struct owner *o, const char *directory, enum domain_store_failure on_failure,
	uint64_t now_ms, struct promises *log)
{
	int err;

	memset(o, 0, sizeof(*o));
	memset(last_put, 0, sizeof(last_put));
	promises = log;
	o->now_ms = now_ms;
	make_domain(&o->conf);
	err = store_open(&o->store, directory, on_failure);
	if (!err)
		err = (o->outbox = outbox_new(o->store, on_send, o)) ? 0 : -ENOMEM;
	if (!err)
		err = start_core(o);
	if (err)
		owner_stop(o, false);
	return err;
}

void owner_stop(struct owner *o, bool crash)
{
	disk_detach(crash);
	outbox_free(o->outbox);
	store_close(o->store);
	core_free(o->core);
	profiles_free(o->profiles);
	disk_detach(false);
}

static void build(struct mh_message *m, const struct owner_claim *claim, uint16_t sequence)
{
	struct mh_options *o = &m->options;

	*m = (struct mh_message){.type = MH_BINDING_UPDATE};
	m->bu.sequence = sequence;
	m->bu.flags = MH_BU_ACK | MH_BU_PROXY | MH_BU_HOME;
	m->bu.lifetime = claim->release ? 0 : BINDING_LIFETIME_MS / MH_LIFETIME_UNIT_MS;
	o->has = MH_HAS(MH_OPTION_HANDOFF) | MH_HAS(MH_OPTION_ATT) | MH_HAS(MH_OPTION_TIMESTAMP) |
		 MH_HAS(MH_OPTION_LL_ID) | MH_HAS(MH_OPTION_MAG_ADDRESS);
	o->mn_id_count = o->hnp_count = 1;
	o->mn_id[0].subtype = 1;
	o->mn_id[0].len = (uint8_t)strlen(mobiles[claim->mn].id);
	memcpy(o->mn_id[0].id, mobiles[claim->mn].id, o->mn_id[0].len);
	o->ll_id_len = 6;
	memcpy(o->ll_id, mobiles[claim->mn].link_layer, 6);
	o->handoff = claim->refresh ? MH_HANDOFF_UNCHANGED : MH_HANDOFF_UNKNOWN;
	o->att = 3;
	o->timestamp = claim->stamp;
	o->mag_address = nodes[OWNER_LMAS + claim->mag].address;
	if (claim->release)
		o->hnp[0].prefix = last_put[claim->mn].hnp;
}

void owner_claim(struct owner *o, const struct owner_claim *claim)
{
	struct event e = {.kind = EVENT_DATAGRAM};
	struct mh_message m;
	uint8_t bytes[MH_MAX_LEN];
	int len;

	build(&m, claim, ++o->sequence);
	len = mh_encode(&m, bytes, sizeof(bytes));
	if (len < 0)
		abort();
	mh_checksum_set(
		&nodes[claim->dlma].address, &nodes[OWNER_SELF].address, bytes, (size_t)len);
	e.datagram.src = nodes[claim->dlma].address;
	e.datagram.dst = nodes[OWNER_SELF].address;
	e.datagram.bytes = bytes;
	e.datagram.len = (size_t)len;
	step(o, &e);
}

void owner_turn(struct owner *o)
{
	outbox_flush(o->outbox, o->now_ms);
}

void owner_pass(struct owner *o, uint64_t ms)
{
	const struct event tick = {.kind = EVENT_TICK};
	uint64_t until = o->now_ms + ms;

	while (core_deadline(o->core) <= until) {
		if (core_deadline(o->core) > o->now_ms)
			o->now_ms = core_deadline(o->core);
		step(o, &tick);
		owner_turn(o);
	}
	o->now_ms = until;
	owner_turn(o);
}

const struct record *owner_record(const struct owner *o, int mn)
{
	for (int i = 0; i < o->restored_count; i++)
		if (mn_of((const uint8_t *)o->restored[i].mn.id) == mn)
			return &o->restored[i];
	return NULL;
}

bool owner_record_is(const struct record *r, const struct promise *p)
{
	return prefix_equal(&r->hnp, &p->hnp) && r->stamp == p->stamp &&
	       node_of(&r->dlma) == p->dlma && node_of(&r->mag) == p->mag;
}
