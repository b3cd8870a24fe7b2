// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rig.h"
#include "toy_mac.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OWN_EPOCH = 500,
	PEER_EPOCH = 1000,
	START_MS = 100000,
	WALL_START_S = 1800000000,
	ACCESS_IFINDEX = 7,
	FRESH_LEN = 18,
};

static const struct {
	const char *name;
	uint32_t roles;
	uint16_t lma;
} layout[R_NODES] = {
	[R_OWNER] = {"owner", DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[R_OTHER] = {"other", DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[R_D_LMA] = {"d-lma", DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[R_V_LMA] = {"v-lma", DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[R_O_LMA] = {"o-lma", DLMA_ROLE_LMA, DOMAIN_NO_NODE},
	[R_MAG] = {"mag", DLMA_ROLE_MAG, R_D_LMA},
	[R_MAG_2] = {"mag-2", DLMA_ROLE_MAG, R_D_LMA},
	[R_FOREIGN_MAG] = {"foreign-mag", DLMA_ROLE_MAG, R_V_LMA},
	[R_STRANGER] = {"stranger", DLMA_ROLE_LMA, DOMAIN_NO_NODE},
};

static const uint8_t access_mac[6] = {0, 0, 0x5e, 0, 0x52, 0x13};

static void domain_init(struct rig *r, int mobiles)
{
	for (int i = 0; i < R_NODES; i++) {
		r->nodes[i].address = (struct dlma_addr){
			.b = {0x20, 1, 0xd, 0xb8, 0, 0xf, [15] = (uint8_t)(i + 1)}};
		r->nodes[i].roles = layout[i].roles;
		r->nodes[i].lma = layout[i].lma;
		snprintf(r->nodes[i].name, sizeof(r->nodes[i].name), "%s", layout[i].name);
	}
	for (uint16_t i = 0; i < 2; i++)
		r->prefixes[i] = (struct domain_prefix){
			.prefix = prefix_make(rig_hnp(i ? R_OTHER : R_OWNER, 0).addr, 40),
			.hnp_len = 64,
			.owner = i ? R_OTHER : R_OWNER};
	for (int i = 0; i < mobiles; i++) {
		r->mobiles[i] = (struct domain_mobile){
			.link_layer = {2, 0, 0, (uint8_t)((i + 1) >> 8), 1, (uint8_t)(i + 1)},
			.home = i == R_MN3 ? R_OTHER : R_OWNER,
			.allowed = i != R_MN4,
		};
		snprintf(r->mobiles[i].id, sizeof(r->mobiles[i].id), "mn%d@example.net", i + 1);
	}
}

static void conf_init(struct rig *r, int self, int mobiles)
{
	r->conf = (struct node_conf){
		.domain =
			{
				.name = "rig",
				.nodes = r->nodes,
				.node_count = R_NODES,
				.prefixes = r->prefixes,
				.prefix_count = 2,
				.mobiles = r->mobiles,
				.mobile_count = (uint32_t)mobiles,
				.vendor_id = 32473,
				.authentication = true,
				.disclosure = DOMAIN_DISCLOSE_MAG,
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
						.router_lifetime_ms = 1800000,
						.presence_timeout_ms = 500,
					},
			},
		.self = (uint16_t)self,
		.keys = r->keys,
		.cache_max = 1000,
		.locations_max = 20000,
		.access_max = 1000,
	};
	for (int i = 0; i < R_NODES; i++)
		if (i != self && i != R_STRANGER)
			r->keys[r->conf.key_count++] = (struct domain_key){.peer = (uint16_t)i,
				.spi = 4096,
				.secret = {(uint8_t)i, (uint8_t)self, 77},
				.secret_len = 16};
}

uint64_t rig_wall(const struct rig *r)
{
	return ((uint64_t)WALL_START_S << 16) + r->now_ms * 65536 / 1000;
}

static int node_of(const struct rig *r, const struct dlma_addr *a)
{
	for (int i = 0; i < R_NODES; i++)
		if (addr_equal(&r->nodes[i].address, a))
			return i;
	abort();
}

static void note_sent(struct rig *r, const struct effect *e)
{
	struct rig_sent *s = &r->sent[r->sent_count++ % R_SENT_MAX];
	unsigned int unknown;

	s->to = node_of(r, &e->send.dst);
	cr_assert_eq(
		mh_decode(e->send.bytes, e->send.len, &s->message, &unknown), DLMA_SIGNAL_accepted);
}

/* A MN that is there answers a probe at once. */
static void note_frame(struct rig *r, const struct effect *e, bool *ret_answer)
{
	*ret_answer = r->mn_present && e->frame.bytes[40] == ND_NEIGHBOR_SOLICITATION;
}

static void note(struct rig *r, const struct effect *e, bool *ret_answer)
{
	switch (e->kind) {
	case EFFECT_SEND:
		note_sent(r, e);
		break;
	case EFFECT_FRAME:
		note_frame(r, e, ret_answer);
		break;
	case EFFECT_LOCATION_PUT:
	case EFFECT_LOCATION_DEL:
	case EFFECT_ACCESS_PUT:
	case EFFECT_ACCESS_DEL:
	case EFFECT_STORE_PUT:
	case EFFECT_STORE_DEL:
		r->deeds++;
		break;
	case EFFECT_REPORT:
		r->reports[e->report.kind]++;
		break;
	case EFFECT_EXPECT:
	case EFFECT_CHECK_USE:
		break;
	}
}

void rig_event(struct rig *r, const struct event *e)
{
	struct moment now = {r->now_ms, rig_wall(r)};
	struct event answer = {.kind = EVENT_NEIGHBOUR};
	bool answers = false;

	core_step(r->core, &now, e, &r->effects);
	cr_assert_eq(r->effects.lost, 0);
	for (unsigned int i = 0; i < r->effects.count; i++)
		note(r, &r->effects.list[i], &answers);
	if (!answers)
		return;
	answer.neighbour.ifindex = ACCESS_IFINDEX;
	memcpy(answer.neighbour.mac, r->mobiles[R_MN1].link_layer, 6);
	answer.neighbour.message.type = ND_NEIGHBOR_ADVERTISEMENT;
	answer.neighbour.message.src = nd_link_local(r->mobiles[R_MN1].link_layer);
	rig_event(r, &answer);
}

void rig_run(struct rig *r, uint64_t ms)
{
	const struct event tick = {.kind = EVENT_TICK};
	uint64_t end = r->now_ms + ms, at;

	while ((at = core_deadline(r->core)) <= end) {
		r->now_ms = at > r->now_ms ? at : r->now_ms;
		rig_event(r, &tick);
	}
	r->now_ms = end;
}

static void put_be(uint8_t *p, uint64_t value, unsigned int octets)
{
	for (; octets--; value >>= 8)
		p[octets] = (uint8_t)value;
}

size_t rig_seal(struct rig *r, int from, struct mh_message *m, uint8_t bytes[EFFECT_BYTES_MAX])
{
	const struct dlma_addr *own = &r->nodes[r->conf.self].address;
	const struct auth_key *key = &core_state(r->core)->peers[from].keys[0].in;
	struct mh_vendor *v = &m->options.vendor;
	int len;

	m->options.has |= MH_HAS(MH_OPTION_VENDOR);
	*v = (struct mh_vendor){.id = r->conf.domain.vendor_id, .subtype = 1, .len = FRESH_LEN};
	put_be(v->data, PEER_EPOCH, 4);
	put_be(v->data + 4, OWN_EPOCH, 4);
	put_be(v->data + 8, ++r->counter[from], 8);
	auth_reserve(key, &m->options);
	len = mh_encode(m, bytes, EFFECT_BYTES_MAX);
	cr_assert_gt(len, 0);
	cr_assert_eq(auth_sign(toy_mac, key, &r->nodes[from].address, own, bytes, (size_t)len), 0);
	mh_checksum_set(&r->nodes[from].address, own, bytes, (size_t)len);
	return (size_t)len;
}

void rig_inject(struct rig *r, int from, const uint8_t *bytes, size_t len)
{
	struct event e = {.kind = EVENT_DATAGRAM};

	e.datagram.src = r->nodes[from].address;
	e.datagram.dst = r->nodes[r->conf.self].address;
	e.datagram.bytes = bytes;
	e.datagram.len = len;
	rig_event(r, &e);
}

void rig_receive(struct rig *r, int from, struct mh_message *m)
{
	uint8_t bytes[EFFECT_BYTES_MAX];

	rig_inject(r, from, bytes, rig_seal(r, from, m, bytes));
}

static void greet(struct rig *r, int from)
{
	struct mh_message m = {.type = MH_HEARTBEAT};

	m.heartbeat.sequence = 1;
	rig_receive(r, from, &m);
}

static void init(struct rig *r, int self, int mobiles)
{
	struct core_options o = {
		.mac = toy_mac,
		.seed = {1, 2},
		.epoch = OWN_EPOCH,
		.restart_counter = 1,
	};
	struct event link = {.kind = EVENT_LINK};

	memset(r, 0, sizeof(*r));
	r->now_ms = START_MS;
	domain_init(r, mobiles);
	conf_init(r, self, mobiles);
	r->profiles = profiles_new(&r->conf.domain, o.seed);
	o.conf = &r->conf;
	o.profiles = r->profiles;
	r->core = core_new(&o);
	cr_assert_not_null(r->core);
	if (r->nodes[self].roles & DLMA_ROLE_MAG) {
		link.link.ifindex = ACCESS_IFINDEX;
		link.link.mtu = 1500;
		memcpy(link.link.mac, access_mac, 6);
		rig_event(r, &link);
	}
	for (int i = 0; i < R_NODES; i++)
		if (i != self && i != R_STRANGER)
			greet(r, i);
	rig_run(r, 1);
	for (int i = 0; i < R_NODES; i++)
		if (i != self && i != R_STRANGER)
			cr_assert_eq(core_state(r->core)->peers[i].epoch, PEER_EPOCH);
	rig_forget(r);
}

void rig_init(struct rig *r, int self)
{
	init(r, self, R_MOBILES);
}

void rig_init_crowded(struct rig *r, int self)
{
	init(r, self, R_MOBILES + R_CROWD);
}

void rig_done(struct rig *r)
{
	core_free(r->core);
	profiles_free(r->profiles);
}

struct dlma_prefix rig_hnp(int block, unsigned int n)
{
	struct dlma_addr a = {.b = {0x20, 1, 0xd, 0xb8, [7] = (uint8_t)n}};

	a.b[4] = block == R_OWNER ? 1 : block == R_OTHER ? 2 : 0xde;
	return prefix_make(a, 64);
}

struct identity rig_mn(const struct rig *r, int mn)
{
	struct identity id = {.id_len = (uint8_t)strlen(r->mobiles[mn].id), .ll_len = 6};

	memcpy(id.id, r->mobiles[mn].id, id.id_len);
	memcpy(id.ll, r->mobiles[mn].link_layer, 6);
	return id;
}

void rig_session(const struct rig *r, struct mh_message *m, int mn, const struct dlma_prefix *hnp)
{
	struct identity id = rig_mn(r, mn);
	struct mh_options *o = &m->options;

	o->mn_id[o->mn_id_count].subtype = 1;
	o->mn_id[o->mn_id_count].len = id.id_len;
	memcpy(o->mn_id[o->mn_id_count++].id, id.id, id.id_len);
	o->hnp[o->hnp_count++].prefix = *hnp;
	o->has |= MH_HAS(MH_OPTION_LL_ID) | MH_HAS(MH_OPTION_HANDOFF) | MH_HAS(MH_OPTION_ATT) |
		  MH_HAS(MH_OPTION_TIMESTAMP);
	o->ll_id_len = id.ll_len;
	memcpy(o->ll_id, id.ll, id.ll_len);
	o->handoff = MH_HANDOFF_UNKNOWN;
	o->att = 3;
	o->timestamp = rig_wall(r);
}

const struct mh_message *rig_answer(const struct rig *r, int to, uint8_t type)
{
	cr_assert_leq(r->sent_count, R_SENT_MAX, "rig_forget() more often");
	for (unsigned int i = r->sent_count; i--;)
		if (r->sent[i].to == to && r->sent[i].message.type == type)
			return &r->sent[i].message;
	return NULL;
}

void rig_forget(struct rig *r)
{
	r->sent_count = r->deeds = 0;
	memset(r->reports, 0, sizeof(r->reports));
}

uint64_t rig_reason(const struct rig *r, enum dlma_signal_reason reason)
{
	return core_state(r->core)->counters.reasons[reason];
}

/* The answer to the last PBU that the core sent to a node. */
static void accept_update(struct rig *r, int from, int mn, const struct dlma_prefix *hnp)
{
	const struct mh_message *asked = rig_answer(r, from, MH_BINDING_UPDATE);
	struct mh_message m = {.type = MH_BINDING_ACK};

	cr_assert_not_null(asked, "nothing was asked of node %d", from);
	m.ba.flags = MH_BA_PROXY;
	m.ba.sequence = asked->bu.sequence;
	m.ba.lifetime = asked->bu.lifetime;
	rig_session(r, &m, mn, hnp);
	m.options.timestamp = asked->options.timestamp;
	rig_receive(r, from, &m);
}

void rig_binding(struct rig *r, int mag, int mn, const struct dlma_prefix *hnp)
{
	struct mh_message m = {.type = MH_BINDING_UPDATE};

	m.bu.flags = MH_BU_ACK | MH_BU_PROXY;
	m.bu.lifetime = 100;
	rig_session(r, &m, mn, &(struct dlma_prefix){0});
	rig_receive(r, mag, &m);
	accept_update(r, r->mobiles[mn].home, mn, hnp);
	cr_assert_not_null(rig_answer(r, mag, MH_BINDING_ACK));
	cr_assert_eq(rig_answer(r, mag, MH_BINDING_ACK)->ba.status, MH_STATUS_accepted);
	rig_forget(r);
}

void rig_attachment(struct rig *r, int mn, const struct dlma_prefix *hnp)
{
	struct event e = {.kind = EVENT_ATTACH};

	e.attach.ifindex = ACCESS_IFINDEX;
	memcpy(e.attach.mac, r->mobiles[mn].link_layer, 6);
	rig_event(r, &e);
	accept_update(r, layout[r->conf.self].lma, mn, hnp);
	cr_assert_eq(r->reports[REPORT_mn_registered], 1);
	rig_forget(r);
}

void rig_anchor(struct rig *r, int lma, int mn, const struct dlma_prefix *hnp)
{
	struct mh_message m = {.type = MH_BINDING_UPDATE};

	m.bu.flags = MH_BU_ACK | MH_BU_PROXY | MH_BU_HOME;
	m.bu.lifetime = 100;
	rig_session(r, &m, mn, hnp);
	rig_receive(r, lma, &m);
	cr_assert_not_null(rig_answer(r, lma, MH_BINDING_ACK));
	cr_assert_eq(rig_answer(r, lma, MH_BINDING_ACK)->ba.status, MH_STATUS_accepted);
	rig_run(r, 2);
	rig_forget(r);
}

void rig_cached(struct rig *r, const struct dlma_prefix *hnp, int mn, int dlma)
{
	struct mh_message m = {.type = MH_BINDING_UPDATE};

	m.bu.flags = MH_BU_ACK | MH_BU_PROXY;
	m.bu.lifetime = 10;
	rig_session(r, &m, mn, hnp);
	m.options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS) | MH_HAS(MH_OPTION_ALTERNATE_COA);
	m.options.lma_address = m.options.alternate_coa = r->nodes[dlma].address;
	rig_receive(r, r->mobiles[mn].home, &m);
	cr_assert_eq(r->reports[REPORT_location_learnt], 1);
	rig_forget(r);
}
