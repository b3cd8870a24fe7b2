// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What comes and goes: partitions, clocks that are set, crashes, new keys, lies, revocations. */
#include "sim.h"
#include "core/internal.h"

enum {
	CUT_MAX_US = 10000000, /* shorter than any binding lives without a refresh */
	STEP_MAX_MS = 3600000,
	STEP_US = 30000000,
};

static uint16_t random_node(struct sim *s)
{
	return (uint16_t)random_below(&s->random, s->plan.domain.node_count);
}

/* One node alone, or two nodes from each other. */
static void partition(struct sim *s)
{
	uint16_t a = random_node(s), b = random_node(s);
	bool alone = random_permille(&s->random, 300);

	for (uint16_t i = 0; i < s->plan.domain.node_count; i++)
		if (alone || i == b)
			s->cut[a][i] = s->cut[i][a] = true;
	chart_note(s, NOWHERE, "%s is cut off from %s", plan_node_name(&s->plan, a),
		alone ? "all" : plan_node_name(&s->plan, b));
	s->counters.sums.partitions++;
	sim_at(s, random_between(&s->random, 1000, CUT_MAX_US), SIM_HEAL, a, NULL);
}

/* The clock of one node, or of a site, is set; and set right again later. */
static void step_clock(struct sim *s)
{
	uint32_t most_ms = random_permille(&s->random, 500) ? 400 : STEP_MAX_MS;
	int64_t by_ms = (int64_t)random_between(&s->random, 0, 2 * most_ms) - most_ms;
	uint16_t n = random_node(s);

	s->nodes[n].skew_us += by_ms * 1000;
	chart_note(s, NOWHERE, "the clock of %s is set by %lld ms", plan_node_name(&s->plan, n),
		(long long)by_ms);
	s->counters.sums.steps++;
	sim_at(s, random_between(&s->random, 1000, STEP_US), SIM_HEAL, n, s);
}

void faults_heal(struct sim *s, uint16_t where, void *what)
{
	if (what) {
		s->nodes[where].skew_us = (int64_t)s->plan.skew_ms[where] * 1000;
		chart_note(s, NOWHERE, "the clock of %s is right again",
			plan_node_name(&s->plan, where));
		return;
	}
	for (uint16_t i = 0; i < s->plan.domain.node_count; i++)
		s->cut[where][i] = s->cut[i][where] = false;
	chart_note(s, NOWHERE, "%s can be reached again", plan_node_name(&s->plan, where));
}

static bool owns(const struct sim *s, uint16_t n)
{
	for (uint16_t i = 0; i < s->plan.domain.block_count; i++)
		if (s->plan.domain.owner[i] == n)
			return true;
	return false;
}

/* Dead at once, or between a step and its commit. */
static void kill(struct sim *s)
{
	uint16_t n = random_node(s);

	chart_note(s, NOWHERE, "the agent of %s is killed", plan_node_name(&s->plan, n));
	if (random_permille(&s->random, 500))
		s->nodes[n].dying = true;
	else
		node_kill(s, n);
}

static void reboot(struct sim *s, bool disk)
{
	uint16_t n = random_node(s);

	if (s->nodes[n].state != NODE_UP || (disk && owns(s, n)))
		return;
	chart_note(s, NOWHERE, "%s restarts without its maps%s", plan_node_name(&s->plan, n),
		disk ? " and its store" : "");
	node_off(s, n, disk);
	promise_end_all(s);
}

/*
 * Old and new key together, then the new one first, then the old one goes: a node changes at its
 * next start, and no two neighbours are more than one step apart.
 */
static void rotate(struct sim *s)
{
	uint32_t stage = UINT32_MAX;
	uint16_t n = 0;

	for (uint16_t i = 0; i < s->plan.domain.node_count; i++) {
		const struct node *x = &s->nodes[i];
		/* 3g: only g; 3g + 1: g, then g + 1; 3g + 2: g + 1, then g. */
		uint32_t at = x->key_first == x->key_second  ? 3 * x->key_first
			      : x->key_first < x->key_second ? 3 * x->key_first + 1
							     : 3 * x->key_second + 2;

		if (at < stage) {
			stage = at;
			n = i;
		}
	}
	if (s->nodes[n].state != NODE_UP)
		return;
	s->nodes[n].key_first = stage / 3 + (stage % 3 != 0);
	s->nodes[n].key_second = stage / 3 + (stage % 3 != 1);
	if (stage % 3 == 2)
		s->nodes[n].key_first = s->nodes[n].key_second = stage / 3 + 1;
	chart_note(s, NOWHERE, "%s takes keys %u, %u", plan_node_name(&s->plan, n),
		s->nodes[n].key_first, s->nodes[n].key_second);
	s->counters.sums.rotations++;
	node_kill(s, n);
	s->counters.sums.kills--;
}

/* Says something with a genuine key: what the core of that node would never say. */
static void lie(struct sim *s, uint16_t n, uint16_t to, struct mh_message *m)
{
	struct core *c = s->nodes[n].core;

	s->effects.count = 0;
	c->effects = &s->effects;
	c->now = node_now(s, n);
	if (peer_send(c, to, m) || !s->effects.count)
		return;
	chart_note(s, NOWHERE, "%s lies to %s", plan_node_name(&s->plan, n),
		plan_node_name(&s->plan, to));
	s->counters.sums.rogues++;
	for (unsigned int i = 0; i < s->effects.count; i++) {
		const struct effect *e = &s->effects.list[i];
		struct letter *l = wire_letter(s);

		l->from = n;
		l->to = to;
		l->len = e->send.len;
		memcpy(l->bytes, e->send.bytes, e->send.len);
		wire_send(s, l);
	}
}

/* "The MN is here, or there, since now", or "I have no binding": about any MN, to anybody. */
static void rogue(struct sim *s)
{
	uint16_t n = s->plan.rogue, to = random_node(s), place = random_node(s);
	int m = (int)random_below(&s->random, s->plan.mobile_count);
	struct mh_message message = {0};
	struct dlma_addr hoa = mobile_hoa(s, m);

	/* That it has the MN itself would be believed: draft 9 trusts LMAs in that. */
	if (n == to || n == place || s->nodes[n].state != NODE_UP || addr_is_zero(&hoa))
		return;
	if (random_permille(&s->random, 300)) {
		message.type = MH_BINDING_ERROR;
		message.be.status = MH_BINDING_ERROR_NO_BINDING;
		message.be.home = hoa;
		lie(s, n, to, &message);
		return;
	}
	message.type = MH_BINDING_UPDATE;
	message.bu.flags = MH_BU_ACK | MH_BU_PROXY;
	message.bu.lifetime = random_permille(&s->random, 800) ? 100 : 0;
	message.bu.sequence = (uint16_t)random_next(&s->random);
	message.options.mn_id_count = message.options.hnp_count = 1;
	message.options.mn_id[0].subtype = 1;
	message.options.mn_id[0].len = (uint8_t)strlen(s->conf.mobiles[m].id);
	memcpy(message.options.mn_id[0].id, s->conf.mobiles[m].id, message.options.mn_id[0].len);
	message.options.hnp[0].prefix = path_hnp(s->mobiles[m].slot);
	message.options.has = MH_HAS(MH_OPTION_TIMESTAMP) | MH_HAS(MH_OPTION_LMA_ADDRESS) |
			      MH_HAS(MH_OPTION_ALTERNATE_COA);
	message.options.timestamp = node_now(s, n).wall + (10ULL << 16);
	message.options.lma_address = path_node_address(place);
	message.options.alternate_coa = path_node_address(place);
	lie(s, n, to, &message);
}

static void revoke(struct sim *s)
{
	enum { REFUSED_US = 64000000 }; /* the MAG turns the MN away for a minute */
	int m = (int)random_below(&s->random, s->plan.mobile_count);
	struct event e = {.kind = EVENT_REVOKE};
	uint16_t n = random_node(s);

	if (s->nodes[n].state != NODE_UP)
		return;
	e.revoke.ll_len = 6;
	memcpy(e.revoke.ll, s->conf.mobiles[m].link_layer, 6);
	e.revoke.id_len = (uint8_t)strlen(s->conf.mobiles[m].id);
	memcpy(e.revoke.id, s->conf.mobiles[m].id, e.revoke.id_len);
	chart_note(s, m, "the operator of %s revokes mn%d", plan_node_name(&s->plan, n), m);
	promise_end(s, m);
	s->mobiles[m].refused_us = s->now_us + REFUSED_US;
	s->counters.sums.revocations++;
	node_event(s, n, &e);
}

void faults_incident(struct sim *s)
{
	static const uint8_t all[] = {FAULT_partition, FAULT_step, FAULT_kill, FAULT_reboot,
		FAULT_disk, FAULT_keys, FAULT_rogue, FAULT_revoke};
	enum fault f = (enum fault)all[random_below(&s->random, sizeof(all))];

	if (s->faults_end_us)
		return;
	sim_at(s, random_between(&s->random, 0, 2000ULL * s->plan.incidents_ms / 4), SIM_INCIDENT,
		0, NULL);
	if (!plan_fault(&s->plan, f))
		return;
	switch ((int)f) {
	case FAULT_partition:
		partition(s);
		break;
	case FAULT_step:
		step_clock(s);
		break;
	case FAULT_kill:
		kill(s);
		break;
	case FAULT_reboot:
	case FAULT_disk:
		reboot(s, f == FAULT_disk);
		break;
	case FAULT_keys:
		rotate(s);
		break;
	case FAULT_rogue:
		rogue(s);
		break;
	case FAULT_revoke:
		revoke(s);
		break;
	}
}

void faults_start(struct sim *s)
{
	for (uint16_t i = 0; i < s->plan.domain.node_count; i++)
		s->nodes[i].skew_us = (int64_t)s->plan.skew_ms[i] * 1000;
	if (s->plan.faults)
		sim_at(s, 1000000, SIM_INCIDENT, 0, NULL);
}

void faults_end(struct sim *s)
{
	s->faults_end_us = s->now_us;
	memset(s->cut, 0, sizeof(s->cut));
	for (uint16_t i = 0; i < s->plan.domain.node_count; i++) {
		s->nodes[i].skew_us = (int64_t)s->plan.skew_ms[i] * 1000;
		s->nodes[i].dying = false;
	}
	chart_note(s, NOWHERE, "the faults end");
}
