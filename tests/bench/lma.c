// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lma.h"
#include "io/agent.h"
#include "tests/tools/tool.h"
#include "wire/mh.h"
#include <malloc.h>

enum {
	EPOCH = 500, /* of the core; peers have the next ones */
	START_MS = 100000,
	WALL_S = 1800000000,
	LIFETIME_S = 600,
	FRESH_LEN = 18,
	STATUS_AT = 6,
};

static struct domain_node nodes[NODES] = {
	[HOME] = {"home", {.b = {0x20, 1, [15] = 1}}, DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[VISITED] = {"visited", {.b = {0x20, 1, [15] = 2}}, DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[OTHER] = {"other", {.b = {0x20, 1, [15] = 3}}, DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[MAG] = {"mag", {.b = {0x20, 1, [15] = 4}}, DLMA_ROLE_MAG, VISITED},
};
static struct domain_prefix block = {{{.b = {0x20, 2}}, 32}, 64, HOME};
static struct domain_mobile *mobiles;
static struct domain_key keys[NODES - 1];
static uint32_t count;

static void step(struct lma *l, const struct event *e);

double heap_octets(void)
{
	struct mallinfo2 m = mallinfo2();

	return (double)(m.uordblks + m.hblkhd);
}

static uint64_t wall(const struct lma *l)
{
	return ((uint64_t)WALL_S << 16) + l->now_ms * 65536 / 1000;
}

static void put_be(uint8_t *p, uint64_t value, unsigned int octets)
{
	for (; octets--; value >>= 8)
		p[octets] = (uint8_t)value;
}

/* As the peer sends it: fresh, authenticated, with its checksum. */
static void seal(struct lma *l, int from, struct mh_message *m, struct letter *ret)
{
	const struct dlma_addr *own = &nodes[l->conf.self].address;
	const struct auth_key *key = &core_state(l->core)->peers[from].keys[0].in;
	struct mh_vendor *v = &m->options.vendor;
	int len;

	m->options.has |= MH_HAS(MH_OPTION_VENDOR);
	*v = (struct mh_vendor){.id = l->conf.domain.vendor_id, .subtype = 1, .len = FRESH_LEN};
	put_be(v->data, EPOCH + 1 + (uint64_t)from, 4);
	put_be(v->data + 4, EPOCH, 4);
	put_be(v->data + 8, ++l->counter[from], 8);
	auth_reserve(key, &m->options);
	len = mh_encode(m, ret->bytes, sizeof(ret->bytes));
	if (len < 0 ||
		auth_sign(crypto_mac, key, &nodes[from].address, own, ret->bytes, (size_t)len))
		die("a message cannot be made");
	mh_checksum_set(&nodes[from].address, own, ret->bytes, (size_t)len);
	ret->len = (uint16_t)len;
}

void lma_receive(struct lma *l, int from, const struct letter *letter)
{
	struct event e = {.kind = EVENT_DATAGRAM};

	e.datagram.src = nodes[from].address;
	e.datagram.dst = nodes[l->conf.self].address;
	e.datagram.bytes = letter->bytes;
	e.datagram.len = letter->len;
	step(l, &e);
}

/* The H-LMA accepts whatever a V-LMA asks for. */
static void answer_claim(struct lma *l, const struct effect *e)
{
	struct letter answer;
	struct mh_message m;
	unsigned int unknown = 0;

	if (mh_decode(e->send.bytes, e->send.len, &m, &unknown) != DLMA_SIGNAL_accepted)
		die("the LMA has sent what nobody understands");
	m.type = MH_BINDING_ACK;
	m.ba.sequence = m.bu.sequence;
	m.ba.status = MH_STATUS_accepted;
	m.ba.flags = MH_BA_PROXY;
	m.ba.lifetime = LIFETIME_S / 4;
	m.options.has &= ~(MH_HAS(MH_OPTION_MAG_ADDRESS) | MH_HAS(MH_OPTION_AUTHENTICATION));
	seal(l, HOME, &m, &answer);
	lma_receive(l, HOME, &answer);
}

static void on_send(void *arg, const struct effect *e)
{
	struct lma *l = arg;

	if (e->kind == EFFECT_SEND && e->send.bytes[2] == MH_BINDING_ACK)
		l->accepted += !e->send.bytes[STATUS_AT];
}

static void carry_out(struct lma *l, const struct effect *e)
{
	struct effect claim;

	if (e->kind == EFFECT_STORE_PUT && l->store)
		store_put(l->store, &e->store);
	if (e->kind != EFFECT_SEND)
		return;
	if (l->outbox) {
		outbox_put(l->outbox, e, l->now_ms);
	} else if (l->answers && e->send.bytes[2] == MH_BINDING_UPDATE) {
		claim = *e; /* the next step overwrites it */
		answer_claim(l, &claim);
	} else {
		on_send(l, e);
	}
}

static void step(struct lma *l, const struct event *e)
{
	struct moment now = {l->now_ms, wall(l)};
	unsigned int sent = 0;

	core_step(l->core, &now, e, &l->effects);
	for (unsigned int i = 0; i < l->effects.count; i++) {
		sent = l->effects.count;
		carry_out(l, &l->effects.list[i]);
		if (l->effects.count != sent)
			return; /* answer_claim() came last */
	}
}

void lma_pass_time(struct lma *l)
{
	const struct event tick = {.kind = EVENT_TICK};

	l->now_ms++;
	while (core_deadline(l->core) <= l->now_ms)
		step(l, &tick);
}

static void make_domain(struct lma *l, int self)
{
	l->conf.domain = (struct domain){.nodes = nodes,
		.node_count = NODES,
		.prefixes = &block,
		.prefix_count = 1,
		.mobiles = mobiles,
		.mobile_count = count,
		.vendor_id = 32473,
		.authentication = true,
		.timers = {.binding_lifetime_ms = LIFETIME_S * 1000,
			.cache_lifetime_ms = 60000,
			.forwarding_lifetime_ms = 60000,
			.min_delay_before_bce_delete_ms = 10000,
			.timestamp_validity_window_ms = 30000000,
			.lma_timestamp_window_ms = 30000000,
			.initial_bindack_timeout_ms = 1000,
			.max_bindack_timeout_ms = 32000,
			.heartbeat_interval_ms = 60000,
			.missing_heartbeats_allowed = 3}};
	l->conf.self = (uint16_t)self;
	l->conf.keys = keys;
	l->conf.locations_max = 4 * count;
	l->conf.cache_max = count;
	l->conf.key_count = 0;
	for (int i = 0; i < NODES; i++)
		if (i != self)
			keys[l->conf.key_count++] = (struct domain_key){
				.peer = (uint16_t)i, .spi = 4096, .secret_len = 16};
}

static void greet(struct lma *l, int from)
{
	struct mh_message m = {.type = MH_HEARTBEAT};
	struct letter letter;

	m.heartbeat.sequence = 1;
	seal(l, from, &m, &letter);
	lma_receive(l, from, &letter);
}

static void open_store(struct lma *l, const char *directory)
{
	struct database_run run;

	if (store_open(&l->store, directory, DOMAIN_STORE_REFUSE) ||
		store_start_run(l->store, &run))
		die("the store in %s", directory);
	l->outbox = outbox_new(l->store, on_send, l);
}

void lma_start(struct lma *l, int self, const char *store)
{
	struct core_options o = {
		.mac = crypto_mac, .seed = {1, 2}, .epoch = EPOCH, .restart_counter = 1};
	double before = heap_octets();

	*l = (struct lma){.now_ms = START_MS, .answers = self != HOME};
	make_domain(l, self);
	l->profiles = profiles_new(&l->conf.domain, o.seed);
	l->profile_octets = (heap_octets() - before) / count + sizeof(*mobiles);
	o.conf = &l->conf;
	o.profiles = l->profiles;
	l->core = core_new(&o);
	if (!l->core)
		die("no memory");
	if (store)
		open_store(l, store);
	for (int i = 0; i < NODES; i++)
		if (i != self)
			greet(l, i);
}

void lma_end(struct lma *l)
{
	outbox_free(l->outbox);
	if (l->store)
		store_close(l->store);
	core_free(l->core);
	profiles_free(l->profiles);
}

void lma_make_pbu(struct lma *l, int from, uint32_t mn, struct letter *ret)
{
	struct mh_message m = {.type = MH_BINDING_UPDATE};
	struct mh_options *o = &m.options;

	m.bu.sequence = (uint16_t)mn;
	m.bu.flags = MH_BU_ACK | MH_BU_PROXY | (from == MAG ? 0 : MH_BU_HOME);
	m.bu.lifetime = LIFETIME_S / 4;
	o->has = MH_HAS(MH_OPTION_HANDOFF) | MH_HAS(MH_OPTION_ATT) | MH_HAS(MH_OPTION_TIMESTAMP) |
		 MH_HAS(MH_OPTION_LL_ID);
	if (from != MAG)
		o->has |= MH_HAS(MH_OPTION_MAG_ADDRESS);
	o->mn_id_count = o->hnp_count = 1;
	o->mn_id[0].subtype = 1;
	o->mn_id[0].len = (uint8_t)strlen(mobiles[mn].id);
	memcpy(o->mn_id[0].id, mobiles[mn].id, o->mn_id[0].len);
	o->ll_id_len = 6;
	memcpy(o->ll_id, mobiles[mn].link_layer, 6);
	o->handoff = MH_HANDOFF_UNKNOWN;
	o->att = 3;
	o->timestamp = wall(l);
	o->mag_address = nodes[MAG].address;
	if (l->answers)
		o->hnp[0].prefix = mobiles[mn].hnp;
	seal(l, from, &m, ret);
}

void lma_make_mobiles(uint32_t how_many)
{
	count = how_many;
	mobiles = calloc(count, sizeof(*mobiles));
	if (!mobiles)
		die("no memory");
	for (uint32_t i = 0; i < count; i++) {
		mobiles[i] = (struct domain_mobile){.home = HOME, .allowed = true};
		put_be(mobiles[i].link_layer, 0x020000000000 + i, 6);
		snprintf(mobiles[i].id, sizeof(mobiles[i].id), "mn%u@example.net", i);
		mobiles[i].hnp = (struct dlma_prefix){.addr = block.prefix.addr, .len = 64};
		put_be(mobiles[i].hnp.addr.b + 4, i, 4);
	}
}
