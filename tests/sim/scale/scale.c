// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * scale draft|push LMAS MNS MOVES [SEED]: how many messages signalling takes, and how that grows
 * (draft 6.3).
 *
 * So many LMAs with one MAG each, production cores and messages; no loss, no faults. Each MN is
 * registered at an LMA that is not its H-LMA; then some of them move, one after the other, to the
 * MAG of another such LMA, and new flows start. Under `push` the H-LMA tells each new location to
 * all LMAs, in the same messages and acknowledged like those, and they keep it: the scheme that the
 * draft does without.
 *
 * Prints one line: LMAs, MNs, and messages per registration, per move, per move of a MN with one
 * busy O-LMA, and per new flow. Everything between MAGs and LMAs counts but heartbeats, which do
 * not depend on moves.
 */
#include "core/internal.h"
#include "path.h"
#include "random.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	IFINDEX = 1,
	WALL_START_S = 1800000000,
	STEP_MS = 100,	  /* between two things that happen */
	SETTLE_MS = 3000, /* a MAG asks a MN, and gives up */
};

struct letter {
	struct letter *next;
	uint16_t from, to, len;
	uint8_t bytes[EFFECT_BYTES_MAX];
};

struct mobile {
	struct dlma_prefix hnp;
	uint16_t mag;
};

struct scale {
	struct domain domain;
	struct node_conf *conf;
	struct profiles *profiles;
	struct core **cores;
	struct mobile *mobiles;
	struct random random;
	struct effects effects;
	struct letter *first, **end, *unused;
	uint16_t *busy; /* nodes that have said something lately: their timers matter */
	bool *is_busy;
	uint32_t busy_count;
	uint16_t lmas;
	uint32_t mns, next;
	uint64_t now_ms;
	uint64_t messages;
	bool push;
};

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "scale: not enough memory\n");
		exit(1);
	}
	return p;
}

static int no_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	(void)algorithm;
	(void)key;
	(void)key_len;
	(void)chunks;
	(void)count;
	memset(ret_mac, 0, 32);
	return 0;
}

static void mac_of(uint32_t mn, uint8_t ret[6])
{
	const uint8_t mac[6] = {
		2, 0, (uint8_t)(mn >> 24), (uint8_t)(mn >> 16), (uint8_t)(mn >> 8), (uint8_t)mn};

	memcpy(ret, mac, sizeof(mac));
}

static uint32_t mn_of(const uint8_t mac[6])
{
	return (uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5];
}

static void make_domain(struct scale *s)
{
	struct domain *d = &s->domain;

	*d = (struct domain){
		.name = "scale",
		.node_count = 2U * s->lmas,
		.prefix_count = s->lmas,
		.mobile_count = s->mns,
		.vendor_id = 32473,
		.disclosure = DOMAIN_DISCLOSE_NONE,
		.timers = {.binding_lifetime_ms = 200000000,
			.cache_lifetime_ms = s->push ? 200000000 : 60000,
			.cache_idle_ms = s->push ? 200000000 : 30000,
			.negative_ms = 5000,
			.forwarding_lifetime_ms = 60000,
			.min_delay_before_bce_delete_ms = 10000,
			.hold_ms = 1000,
			.timestamp_validity_window_ms = 300,
			.lma_timestamp_window_ms = 30000,
			.initial_bindack_timeout_ms = 1000,
			.max_bindack_timeout_ms = 32000,
			.heartbeat_interval_ms = 2000000000,
			.missing_heartbeats_allowed = 3,
			.router_lifetime_ms = 1800000,
			.presence_timeout_ms = 500},
	};
	d->nodes = must(calloc(d->node_count, sizeof(*d->nodes)));
	d->prefixes = must(calloc(d->prefix_count, sizeof(*d->prefixes)));
	d->mobiles = must(calloc(s->mns, sizeof(*d->mobiles)));
	for (uint16_t i = 0; i < d->node_count; i++) {
		bool lma = i < s->lmas;

		snprintf(d->nodes[i].name, sizeof(d->nodes[i].name), "%s-%u", lma ? "lma" : "mag",
			lma ? i : i - s->lmas);
		d->nodes[i].address = path_node_address(i);
		d->nodes[i].roles = lma ? DLMA_ROLE_LMA : DLMA_ROLE_MAG;
		d->nodes[i].lma = lma ? DOMAIN_NO_NODE : (uint16_t)(i - s->lmas);
	}
	for (uint16_t i = 0; i < s->lmas; i++)
		d->prefixes[i] = (struct domain_prefix){path_block(i), 64, i};
	for (uint32_t i = 0; i < s->mns; i++) {
		d->mobiles[i] = (struct domain_mobile){
			.home = (uint16_t)random_below(&s->random, s->lmas), .allowed = true};
		snprintf(d->mobiles[i].id, sizeof(d->mobiles[i].id), "mn%u@example.net", i);
		mac_of(i, d->mobiles[i].link_layer);
	}
}

static struct moment now(const struct scale *s)
{
	return (struct moment){.mono_ms = s->now_ms + 1000,
		.wall = ((uint64_t)WALL_START_S << 16) + (s->now_ms << 16) / 1000};
}

static void be_busy(struct scale *s, uint16_t n)
{
	if (s->is_busy[n])
		return;
	s->is_busy[n] = true;
	s->busy[s->busy_count++] = n;
}

static void post(struct scale *s, uint16_t from, const struct effect *e)
{
	struct letter *l = s->unused;

	if (e->send.bytes[2] == MH_HEARTBEAT)
		return;
	if (l)
		s->unused = l->next;
	else
		l = must(malloc(sizeof(*l)));
	l->from = from;
	l->to = (uint16_t)path_node_of(&e->send.dst);
	l->len = e->send.len;
	l->next = NULL;
	memcpy(l->bytes, e->send.bytes, e->send.len);
	*s->end = l;
	s->end = &l->next;
	s->messages++;
}

/* An advertisement gives a MN its HNP. Questions are answered by silence: it has moved. */
static void frame(struct scale *s, uint16_t mag, const struct effect *e)
{
	enum { ICMP_AT = 40, PREFIX_AT = 32 };
	struct mobile *m = &s->mobiles[mn_of(e->frame.mac)];
	struct dlma_addr prefix;

	if (e->frame.bytes[ICMP_AT] != ND_ROUTER_ADVERTISEMENT || m->mag != mag)
		return;
	memcpy(&prefix, e->frame.bytes + ICMP_AT + PREFIX_AT, sizeof(prefix));
	m->hnp = prefix_make(prefix, 64);
}

/* The other scheme: the owner tells everybody. */
static void push(struct scale *s, uint16_t owner, const struct dlma_prefix *hnp)
{
	struct core *c = s->cores[owner];

	for (uint16_t i = 0; i < s->lmas; i++) {
		s->effects.count = 0;
		c->effects = &s->effects;
		if (i != owner)
			notice_answer(c, hnp, i);
		for (unsigned int k = 0; k < s->effects.count; k++)
			if (s->effects.list[k].kind == EFFECT_SEND)
				post(s, owner, &s->effects.list[k]);
	}
}

static void step(struct scale *s, uint16_t n, const struct event *e)
{
	struct dlma_prefix moved[8];
	unsigned int moved_count = 0;
	struct moment at = now(s);

	core_step(s->cores[n], &at, e, &s->effects);
	be_busy(s, n);
	for (unsigned int i = 0; i < s->effects.count; i++) {
		const struct effect *f = &s->effects.list[i];

		if (f->kind == EFFECT_SEND)
			post(s, n, f);
		else if (f->kind == EFFECT_FRAME)
			frame(s, n, f);
		else if (f->kind == EFFECT_REPORT && f->report.kind == REPORT_anchor_moved &&
			 moved_count < sizeof(moved) / sizeof(*moved))
			moved[moved_count++] = f->report.hnp;
	}
	for (unsigned int i = 0; s->push && i < moved_count; i++)
		push(s, n, &moved[i]);
}

static void deliver_all(struct scale *s)
{
	while (s->first) {
		struct letter *l = s->first;
		struct event e = {.kind = EVENT_DATAGRAM};

		s->first = l->next;
		if (!s->first)
			s->end = &s->first;
		e.datagram.src = path_node_address(l->from);
		e.datagram.dst = path_node_address(l->to);
		e.datagram.bytes = l->bytes;
		e.datagram.len = l->len;
		step(s, l->to, &e);
		l->next = s->unused;
		s->unused = l;
	}
}

/* Time passes for those who have something to do. */
static void pass(struct scale *s, uint64_t ms)
{
	const struct event tick = {.kind = EVENT_TICK};
	uint64_t end = s->now_ms + ms;

	while (s->now_ms < end) {
		s->now_ms += s->now_ms + STEP_MS < end ? STEP_MS : end - s->now_ms;
		for (uint32_t i = 0; i < s->busy_count; i++)
			while (core_deadline(s->cores[s->busy[i]]) <= s->now_ms + 1000)
				step(s, s->busy[i], &tick);
		deliver_all(s);
	}
}

/* The time in which all that a move has caused is over, even what waits for a timer. */
static void settle(struct scale *s)
{
	pass(s, SETTLE_MS);
	for (uint32_t i = 0; i < s->busy_count; i++)
		s->is_busy[s->busy[i]] = false;
	s->busy_count = 0;
}

static void start(struct scale *s)
{
	struct event link = {.kind = EVENT_LINK};

	s->conf = must(calloc(s->domain.node_count, sizeof(*s->conf)));
	s->cores = must(calloc(s->domain.node_count, sizeof(struct core *)));
	s->busy = must(calloc(s->domain.node_count, sizeof(*s->busy)));
	s->is_busy = must(calloc(s->domain.node_count, sizeof(*s->is_busy)));
	s->mobiles = must(calloc(s->mns, sizeof(*s->mobiles)));
	s->profiles = must(profiles_new(&s->domain, (uint64_t[]){1, 2}));
	s->end = &s->first;
	link.link.ifindex = IFINDEX;
	link.link.mtu = 1460;
	memcpy(link.link.mac, (uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13}, 6);
	for (uint16_t i = 0; i < s->domain.node_count; i++) {
		struct core_options o = {.conf = &s->conf[i],
			.profiles = s->profiles,
			.mac = no_mac,
			.seed = {i, 99},
			.epoch = 1,
			.restart_counter = 1};

		s->conf[i] = (struct node_conf){.domain = s->domain,
			.self = i,
			.cache_max = 100000000,
			.locations_max = 1000000000,
			.access_max = 100000000};
		s->cores[i] = must(core_new(&o));
		/* They do not matter here, and are as many as there are pairs of nodes. */
		for (uint32_t k = 0; k < s->domain.node_count; k++)
			timer_clear(&s->cores[i]->timers, &s->cores[i]->state.peers[k].heartbeat);
		if (i >= s->lmas)
			step(s, i, &link);
	}
}

static void move(struct scale *s, uint32_t mn, uint16_t mag)
{
	struct event e = {.kind = EVENT_NEIGHBOUR};

	s->mobiles[mn].mag = mag;
	e.neighbour.ifindex = IFINDEX;
	mac_of(mn, e.neighbour.mac);
	e.neighbour.message.type = ND_ROUTER_SOLICITATION;
	e.neighbour.message.src = nd_link_local(e.neighbour.mac);
	step(s, mag, &e);
	deliver_all(s);
}

/* What the data path would report while a packet finds its way (bpf/resolve.h). */
static void hint(struct scale *s, uint16_t n, enum dlma_event_kind kind,
	const struct dlma_prefix *hnp, int peer)
{
	struct event e = {.kind = EVENT_PACKET};

	e.packet.version = DLMA_ABI_VERSION;
	e.packet.kind = (uint16_t)kind;
	e.packet.hoa = hnp->addr;
	e.packet.hoa.b[15] = 5;
	if (peer >= 0)
		e.packet.peer = path_node_address((uint16_t)peer);
	step(s, n, &e);
}

/* A packet of a CN that enters at an LMA. */
static void packet(struct scale *s, uint32_t mn, uint16_t lma)
{
	const struct dlma_prefix *hnp = &s->mobiles[mn].hnp;
	struct route r = route_of(s->cores[lma], hnp);
	uint16_t from = lma, at = r.target;

	if (r.kind == DLMA_LOCATION_NONE) {
		hint(s, lma, DLMA_EVENT_MISS, hnp, -1);
		at = owner_of(s->cores[lma], &hnp->addr);
	}
	while (at < s->lmas && at != from) {
		r = route_of(s->cores[at], hnp);
		if (r.kind == DLMA_LOCATION_NONE || r.kind == DLMA_LOCATION_CACHED)
			hint(s, at, DLMA_EVENT_UNBOUND, hnp, from);
		else if (r.kind != DLMA_LOCATION_BINDING)
			hint(s, at, DLMA_EVENT_MISROUTED, hnp, from);
		if (r.kind == DLMA_LOCATION_NONE || r.kind == DLMA_LOCATION_CACHED)
			break;
		from = at;
		at = r.target;
	}
	deliver_all(s);
}

/* A MAG of an LMA that is neither the present one nor at home. */
static uint16_t other_mag(struct scale *s, uint32_t mn)
{
	for (;;) {
		uint16_t lma = (uint16_t)random_below(&s->random, s->lmas);

		if (lma != s->domain.mobiles[mn].home && s->lmas + lma != s->mobiles[mn].mag)
			return (uint16_t)(s->lmas + lma);
	}
}

/* One after the other, so that none moves again before all is forgotten that its move left. */
static uint32_t next_mn(struct scale *s)
{
	return s->next++ % s->mns;
}

static double moves(struct scale *s, uint32_t count)
{
	uint64_t before = s->messages;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t mn = next_mn(s);

		move(s, mn, other_mag(s, mn));
		settle(s);
	}
	return (double)(s->messages - before) / count;
}

/* A third LMA: neither where the MN is, nor at home. */
static uint16_t third_lma(struct scale *s, uint32_t mn)
{
	return (uint16_t)(other_mag(s, mn) - s->lmas);
}

/* New flows from CNs next to such an LMA. What it knew has ended, unless it was pushed. */
static double flows(struct scale *s, uint32_t count)
{
	uint64_t before = s->messages;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t mn = next_mn(s);
		uint16_t lma = third_lma(s, mn);
		struct learnt *l = learnt_by_hnp(s->cores[lma], &s->mobiles[mn].hnp);

		if (l && !s->push)
			learnt_drop(s->cores[lma], l);
		packet(s, mn, lma);
		settle(s);
	}
	return (double)(s->messages - before) / count;
}

/* A MN moves while CNs next to one LMA talk to it all the time. */
static double moves_watched(struct scale *s, uint32_t count)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t mn = next_mn(s);
		uint16_t lma = third_lma(s, mn);
		uint64_t before;

		packet(s, mn, lma);
		settle(s);
		before = s->messages;
		move(s, mn, other_mag(s, mn));
		packet(s, mn, lma);
		settle(s);
		total += s->messages - before;
	}
	return (double)total / count;
}

int main(int argc, char **argv)
{
	static struct scale s;
	uint32_t count = argc > 4 ? (uint32_t)atoi(argv[4]) : 0;
	double per_move, per_watched, per_flow;
	uint64_t registered;

	if (!count || atoi(argv[2]) < 3 || atoi(argv[2]) > 2000) {
		fprintf(stderr, "usage: scale draft|push LMAS(3..2000) MNS MOVES [SEED]\n");
		return 2;
	}
	s.push = !strcmp(argv[1], "push");
	s.lmas = (uint16_t)atoi(argv[2]);
	s.mns = (uint32_t)atoi(argv[3]);
	s.random = random_of(argc > 5 ? strtoull(argv[5], NULL, 0) : 1);
	make_domain(&s);
	start(&s);
	for (uint32_t i = 0; i < s.mns; i++)
		move(&s, i, other_mag(&s, i));
	settle(&s);
	registered = s.messages;
	per_move = moves(&s, count);
	per_watched = moves_watched(&s, count);
	per_flow = flows(&s, count);
	printf("%u %u %.3f %.3f %.3f %.3f\n", s.lmas, s.mns, (double)registered / s.mns, per_move,
		per_watched, per_flow);
	return 0;
}
