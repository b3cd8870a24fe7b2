// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model_parts.h"
#include <netinet/in.h>

enum {
	LIMIT_LEN = 8,
	MARK_FORWARDED = 0x80000,
	MARK_RETURNED = 0x40000,
	MARKS = MARK_FORWARDED | MARK_RETURNED,
	SECOND = 1000 / DLMA_TICK_MS,
};

static struct decision leave(enum dlma_packet_reason reason)
{
	return (struct decision){.reason = reason};
}

static struct decision tunnel(enum dlma_packet_reason reason, uint32_t adjacency)
{
	return (struct decision){.reason = reason, .act = ACT_TUNNEL, .adjacency = adjacency};
}

static struct decision deliver(const struct dlma_access *a)
{
	return (struct decision){.reason = DLMA_PACKET_delivered, .act = ACT_DELIVER, .access = a};
}

static bool is_link_scope(const struct dlma_addr *a)
{
	return a->b[0] == 0xff || (a->b[0] == 0xfe && a->b[1] >> 6 == 2);
}

/* Fit to stand at an end of a packet that leaves its link. */
static bool is_routable(const struct dlma_addr *a)
{
	static const struct dlma_addr none, loopback = {.b[15] = 1};

	return !is_link_scope(a) && memcmp(a, &none, 16) && memcmp(a, &loopback, 16);
}

static struct header header_at(const struct frame *f, uint32_t at)
{
	const uint8_t *b = f->bytes + at;
	struct header h = {
		.version = b[0] >> 4,
		.tc = (uint8_t)(b[0] << 4 | b[1] >> 4),
		.label = (b[1] & 0xfu) << 16 | (uint32_t)b[2] << 8 | b[3],
		.payload = (uint32_t)b[4] << 8 | b[5],
		.next = b[6],
		.hop = b[7],
	};

	memcpy(&h.src, b + 8, 16);
	memcpy(&h.dst, b + 24, 16);
	return h;
}

bool model_hnp(const struct model *m, const struct dlma_addr *a, struct dlma_addr *ret)
{
	const struct dlma_node *n = &m->tables.node;

	for (unsigned int i = 0; i < n->superset_count; i++) {
		const struct dlma_superset *s = &n->superset[i];
		bool inside = true;

		for (int k = 0; k < 16; k++)
			inside = inside && (a->b[k] & s->mask.b[k]) == s->prefix.b[k];
		for (int k = 0; inside && k < 16; k++)
			ret->b[k] = a->b[k] & s->hnp_mask.b[k];
		if (inside)
			return true;
	}
	return false;
}

int model_owner(const struct model *m, const struct dlma_addr *a)
{
	int best_len = -1, owner = -1;

	for (unsigned int i = 0; i < m->tables.owner_count; i++) {
		const struct dlma_prefix *p = &m->tables.owners[i].key;

		if (p->len <= best_len || !prefix_contains(p, a))
			continue;
		best_len = p->len;
		owner = (int)m->tables.owners[i].value.adjacency;
	}
	return owner;
}

struct dlma_location *model_location(struct model *m, const struct dlma_addr *hnp)
{
	for (unsigned int i = 0; i < m->tables.location_count; i++)
		if (!memcmp(&m->tables.locations[i].key, hnp, sizeof(*hnp)))
			return &m->tables.locations[i].value;
	return NULL;
}

static struct dlma_access *access_find(struct model *m, const struct dlma_addr *hnp)
{
	for (unsigned int i = 0; i < m->tables.access_count; i++)
		if (!memcmp(&m->tables.access[i].key, hnp, sizeof(*hnp)))
			return &m->tables.access[i].value;
	return NULL;
}

static const struct dlma_peer *peer_find(const struct model *m, const struct dlma_addr *a)
{
	for (unsigned int i = 0; i < m->tables.peer_count; i++)
		if (!memcmp(&m->tables.peers[i].key, a, sizeof(*a)))
			return &m->tables.peers[i].value;
	return NULL;
}

/* One event of a kind per HNP, peer and second, and DLMA_EVENTS_PER_TICK of all. */
static bool may_say(
	struct model *m, uint16_t kind, const struct dlma_addr *hnp, const struct dlma_addr *peer)
{
	uint64_t h = packet_mix(packet_mix(kind, hnp->q[0]), hnp->q[1]);
	uint32_t tag = (uint32_t)packet_mix(packet_mix(h, peer->q[0]), peer->q[1]);
	uint32_t tick = m->tables.clock.tick, slot;

	tag = tag ? tag : 1;
	slot = tag % DLMA_GATE_SLOTS;
	if (m->said[slot].tag == tag && tick - m->said[slot].tick < SECOND)
		return false;
	m->now_sent = m->now_tick == tick ? m->now_sent : 0;
	m->now_tick = tick;
	if (m->now_sent == DLMA_EVENTS_PER_TICK)
		return false;
	m->now_sent++;
	m->said[slot].tag = tag;
	m->said[slot].tick = tick;
	return true;
}

static void say(struct model *m, struct outcome *o, const struct packet *p, uint16_t kind,
	const struct dlma_addr *hnp)
{
	struct dlma_event e = {.version = DLMA_ABI_VERSION, .kind = kind, .ifindex = p->ifindex};

	e.hoa = kind == DLMA_EVENT_NEW_SOURCE ? p->own.src : p->own.dst;
	e.from = p->own.src;
	if (p->tunnelled)
		e.peer = p->outer.src;
	if (kind == DLMA_EVENT_NEW_SOURCE)
		memcpy(e.mac, p->frame->bytes + 6, 6);
	if (!may_say(m, kind, hnp, &e.peer)) {
		o->counted[DLMA_PACKET_event_limited].packets++;
		return;
	}
	o->counted[DLMA_PACKET_event_sent].packets++;
	o->events[o->event_count++] = e;
}

/* A packet waits once; what comes back from the waiting room has waited. */
static bool may_wait(const struct model *m, const struct packet *p)
{
	uint32_t room = m->tables.node.hold_ifindex;

	return room && room != p->ifindex;
}

/* The MN has left one MAG and is not at the next yet. */
static struct decision judge_held(const struct model *m, const struct packet *p)
{
	struct decision d = {.reason = DLMA_PACKET_held, .act = ACT_HOLD};

	return may_wait(m, p) ? d : leave(DLMA_PACKET_not_held);
}

/* Nobody is known here by that HNP; but if a MN is being registered, it may be this one. */
static struct decision judge_unknown(struct model *m, struct outcome *o, const struct packet *p,
	const struct dlma_addr *hnp, enum dlma_packet_reason otherwise)
{
	if (m->tables.clock.expecting && may_wait(m, p))
		return judge_held(m, p);
	say(m, o, p, DLMA_EVENT_UNBOUND, hnp);
	return leave(otherwise);
}

/* MAG: a packet for a MN that should be here. */
static struct decision judge_at_mag(
	struct model *m, struct outcome *o, const struct packet *p, const struct dlma_addr *hnp)
{
	const struct dlma_access *a = access_find(m, hnp);

	return a ? deliver(a) : judge_unknown(m, o, p, hnp, DLMA_PACKET_not_attached);
}

/* O-LMA (draft 4.4): no LMA has seen this packet before. */
static struct decision judge_fresh(
	struct model *m, struct outcome *o, const struct packet *p, const struct dlma_addr *hnp)
{
	static const enum dlma_packet_reason reasons[] = {
		[DLMA_LOCATION_BINDING] = DLMA_PACKET_tunnel_binding,
		[DLMA_LOCATION_FORWARDING] = DLMA_PACKET_tunnel_forwarding,
		[DLMA_LOCATION_ANCHOR] = DLMA_PACKET_tunnel_location,
		[DLMA_LOCATION_CACHED] = DLMA_PACKET_tunnel_cached,
	};
	struct dlma_location *l = model_location(m, hnp);
	int owner = model_owner(m, &p->own.dst);
	struct decision d;

	if (l) {
		l->used = m->tables.clock.tick;
		if (l->kind == DLMA_LOCATION_HELD)
			return judge_held(m, p);
		if (l->adjacency == DLMA_ADJACENCY_SELF)
			return judge_at_mag(m, o, p, hnp);
		if (p->tunnelled && l->flags & DLMA_LOCATION_TELL_MAG)
			say(m, o, p, DLMA_EVENT_MISROUTED, hnp);
		d = tunnel(reasons[l->kind], l->adjacency);
	} else if (owner > 0) {
		say(m, o, p, DLMA_EVENT_MISS, hnp);
		if (m->tables.node.roles & DLMA_ROLE_ASK_FIRST && may_wait(m, p))
			return judge_held(m, p);
		d = tunnel(DLMA_PACKET_tunnel_owner, (uint32_t)owner);
	} else {
		return leave(owner < 0 ? DLMA_PACKET_no_owner : DLMA_PACKET_unbound);
	}
	d.clear = MARKS;
	return d;
}

/* Previous D-LMA (draft 5.1.3): forwards a packet once, then returns it to the owner once. */
static struct decision judge_forwarding(
	const struct model *m, const struct packet *p, const struct dlma_location *l)
{
	int owner = model_owner(m, &p->own.dst);
	struct decision d;

	if (!(p->outer.label & MARK_FORWARDED)) {
		d = tunnel(DLMA_PACKET_tunnel_forwarding, l->adjacency);
		d.set = MARK_FORWARDED;
		return d;
	}
	if (p->outer.label & MARK_RETURNED || owner <= 0)
		return leave(DLMA_PACKET_tunnel_loop);
	d = tunnel(DLMA_PACKET_tunnel_returned, (uint32_t)owner);
	d.set = MARKS;
	return d;
}

/* D-LMA, H-LMA or previous D-LMA: only what is anchored, owned or forwarded here (draft 4.4). */
static struct decision judge_from_lma(struct model *m, struct outcome *o, const struct packet *p,
	const struct dlma_addr *hnp, const struct dlma_peer *peer)
{
	struct dlma_location *l = model_location(m, hnp);
	struct decision d;
	bool back;

	if (!l || l->kind == DLMA_LOCATION_CACHED)
		return judge_unknown(m, o, p, hnp,
			model_owner(m, &p->own.dst) == DLMA_ADJACENCY_SELF
				? DLMA_PACKET_unbound
				: DLMA_PACKET_wrong_anchor);
	l->used = m->tables.clock.tick;
	if (l->kind == DLMA_LOCATION_HELD)
		return judge_held(m, p);
	if (l->kind == DLMA_LOCATION_BINDING && l->adjacency == DLMA_ADJACENCY_SELF)
		return judge_at_mag(m, o, p, hnp);
	if (l->kind == DLMA_LOCATION_BINDING)
		d = tunnel(DLMA_PACKET_tunnel_binding, l->adjacency);
	else if (l->kind == DLMA_LOCATION_ANCHOR)
		d = tunnel(DLMA_PACKET_tunnel_location, l->adjacency);
	else
		d = judge_forwarding(m, p, l);
	back = d.act == ACT_TUNNEL && d.adjacency == peer->adjacency;
	/* Round, or back to the sender: not before registrations have ended. */
	if ((back || d.reason == DLMA_PACKET_tunnel_loop) && m->tables.clock.expecting &&
		may_wait(m, p))
		return judge_held(m, p);
	if (back && p->outer.label & MARKS)
		return leave(DLMA_PACKET_tunnel_loop);
	if (l->kind != DLMA_LOCATION_BINDING || l->flags & DLMA_LOCATION_TELL_LMA)
		say(m, o, p, DLMA_EVENT_MISROUTED, hnp);
	return d;
}

/* MAG and no LMA: present, or past (draft 5.1.2). */
static struct decision judge_at_gateway(struct model *m, struct outcome *o, const struct packet *p,
	const struct dlma_addr *hnp, const struct dlma_peer *peer)
{
	const struct dlma_location *l = model_location(m, hnp);

	if (access_find(m, hnp) || !l || l->kind == DLMA_LOCATION_CACHED)
		return judge_at_mag(m, o, p, hnp);
	return judge_from_lma(m, o, p, hnp, peer);
}

/* LMA: a packet of a MN of ours, on to another MN or to a CN (draft 5.2, 5.3). */
static struct decision judge_from_mn(struct model *m, struct outcome *o, const struct packet *p)
{
	struct dlma_addr hnp;
	struct decision d = leave(DLMA_PACKET_from_mn);

	if (model_hnp(m, &p->own.dst, &hnp))
		return judge_fresh(m, o, p, &hnp);
	d.act = p->tunnelled ? ACT_UNTUNNEL : ACT_LEAVE;
	return d;
}

/* LMA: out of the tunnel of a MAG, so the source must be bound to that MAG. */
static struct decision judge_from_mag(
	struct model *m, struct outcome *o, const struct packet *p, const struct dlma_peer *peer)
{
	const struct dlma_location *l = NULL;
	struct dlma_addr hnp;

	if (model_hnp(m, &p->own.src, &hnp))
		l = model_location(m, &hnp);
	if (!l || l->kind != DLMA_LOCATION_BINDING || l->adjacency != peer->adjacency)
		return leave(DLMA_PACKET_inner_source);
	return judge_from_mn(m, o, p);
}

/* From one MAG to another (draft 5.1.2, 5.4), where any MN's policy allows it. */
static bool is_between_mags(const struct model *m, const struct packet *p)
{
	const struct dlma_node *n = &m->tables.node;
	struct dlma_addr hnp;

	if (!(n->roles & DLMA_ROLE_MAG_PEERS))
		return false;
	return p->outer.label & MARK_FORWARDED ||
	       (!(n->roles & DLMA_ROLE_LMA) && model_hnp(m, &p->own.src, &hnp));
}

static struct decision judge_from_peer(struct model *m, struct outcome *o, const struct packet *p)
{
	const struct dlma_peer *peer = peer_find(m, &p->outer.src);
	bool is_lma = m->tables.node.roles & DLMA_ROLE_LMA;
	struct dlma_addr hnp;

	if (!(peer->roles & DLMA_ROLE_LMA) && !is_between_mags(m, p))
		return is_lma ? judge_from_mag(m, o, p, peer) : leave(DLMA_PACKET_untrusted_peer);
	if (!model_hnp(m, &p->own.dst, &hnp))
		return leave(DLMA_PACKET_inner_destination);
	if (is_lma && addr_equal(&p->own.src, &m->tables.node.address))
		return leave(DLMA_PACKET_inner_source);
	return is_lma ? judge_from_lma(m, o, p, &hnp, peer) : judge_at_gateway(m, o, p, &hnp, peer);
}

/* The octets of an encapsulation limit header that stands alone, or 0 (RFC 2473 5.1). */
static uint32_t limit_len(const struct packet *p)
{
	const uint8_t *b = p->frame->bytes + ETH_LEN + IP6_LEN;
	bool whole = p->frame->len >= ETH_LEN + IP6_LEN + LIMIT_LEN;

	return whole && b[0] == IPPROTO_IPV6 && !b[1] && b[2] == 4 ? LIMIT_LEN : 0;
}

/* A packet for this node: a tunnel ends here, or it is the kernel's (RFC 2473 3.3, RFC 6040). */
static struct decision judge_own(struct model *m, struct outcome *o, struct packet *p)
{
	uint32_t extra = p->own.next == IPPROTO_DSTOPTS ? limit_len(p) : 0;

	if (p->own.next != IPPROTO_IPV6 && !extra)
		return leave(DLMA_PACKET_local);
	p->tunnelled = true;
	p->outer = p->own;
	p->own_at += IP6_LEN + extra;
	if (p->frame->len < p->own_at + IP6_LEN)
		return leave(DLMA_PACKET_inner_malformed);
	p->own = header_at(p->frame, p->own_at);
	if (!peer_find(m, &p->outer.src))
		return leave(DLMA_PACKET_untrusted_peer);
	if (p->own.version != 6 || extra + IP6_LEN + p->own.payload > p->outer.payload ||
		ETH_LEN + IP6_LEN + p->outer.payload > p->frame->len)
		return leave(DLMA_PACKET_inner_malformed);
	p->outer.payload -= extra;
	if (!is_routable(&p->own.src))
		return leave(DLMA_PACKET_inner_source);
	if (!is_routable(&p->own.dst))
		return leave(DLMA_PACKET_inner_destination);
	if ((p->outer.tc & 3) == 3 && !(p->own.tc & 3))
		return leave(DLMA_PACKET_ecn);
	return judge_from_peer(m, o, p);
}

static bool is_cut(const struct packet *p)
{
	return ETH_LEN + IP6_LEN + p->own.payload > p->frame->len;
}

static struct decision judge_network(struct model *m, struct outcome *o, struct packet *p)
{
	const struct dlma_node *n = &m->tables.node;
	struct dlma_addr hnp;

	if (addr_equal(&p->own.dst, &n->address))
		return judge_own(m, o, p);
	if (!(n->roles & DLMA_ROLE_LMA) || !model_hnp(m, &p->own.dst, &hnp))
		return leave(DLMA_PACKET_not_ours);
	if (is_cut(p))
		return leave(DLMA_PACKET_malformed);
	if (!is_routable(&p->own.src))
		return leave(DLMA_PACKET_inner_source);
	return judge_fresh(m, o, p, &hnp);
}

/* MAG: from MN to MN, past the LMAs if it was told where that is (draft 5.4). */
static struct decision judge_to_mn(struct model *m, struct outcome *o, const struct packet *p,
	const struct dlma_addr *hnp, uint32_t uplink)
{
	struct dlma_location *l = model_location(m, hnp);

	if (!l || l->kind != DLMA_LOCATION_CACHED)
		return tunnel(DLMA_PACKET_tunnel_uplink, uplink);
	l->used = m->tables.clock.tick;
	if (l->adjacency == DLMA_ADJACENCY_SELF)
		return judge_at_mag(m, o, p, hnp);
	return tunnel(DLMA_PACKET_tunnel_cached, l->adjacency);
}

/* MAG: from a MN (draft 5.2, RFC 5213 6.10.5). */
static struct decision judge_access(struct model *m, struct outcome *o, const struct packet *p)
{
	struct dlma_access *a;
	struct dlma_addr hnp;

	if (!is_routable(&p->own.src) || is_link_scope(&p->own.dst))
		return leave(DLMA_PACKET_link_scope);
	if (!model_hnp(m, &p->own.src, &hnp))
		return leave(DLMA_PACKET_no_service);
	if (is_cut(p))
		return leave(DLMA_PACKET_malformed);
	a = access_find(m, &hnp);
	if (a && memcmp(a->mn_mac, p->frame->bytes + 6, 6))
		return leave(DLMA_PACKET_inner_source);
	if (!a || a->ifindex != p->ifindex) {
		say(m, o, p, DLMA_EVENT_NEW_SOURCE, &hnp);
		return leave(DLMA_PACKET_unbound_source);
	}
	a->used = m->tables.clock.tick;
	if (a->uplink == DLMA_ADJACENCY_SELF)
		return judge_from_mn(m, o, p);
	if (a->direct && model_hnp(m, &p->own.dst, &hnp))
		return judge_to_mn(m, o, p, &hnp, a->uplink);
	return tunnel(DLMA_PACKET_tunnel_uplink, a->uplink);
}

static struct decision judge(struct model *m, struct outcome *o, struct packet *p)
{
	const struct frame *f = p->frame;

	if (m->tables.node.version != DLMA_ABI_VERSION)
		return leave(DLMA_PACKET_not_ready);
	if (f->len < ETH_LEN || f->bytes[12] != 0x86 || f->bytes[13] != 0xdd)
		return leave(DLMA_PACKET_not_ipv6);
	if (f->len < ETH_LEN + IP6_LEN || f->bytes[ETH_LEN] >> 4 != 6)
		return leave(DLMA_PACKET_malformed);
	p->own_at = ETH_LEN;
	p->own = header_at(f, ETH_LEN);
	return p->side == SIDE_ACCESS ? judge_access(m, o, p) : judge_network(m, o, p);
}

void model_init(struct model *m, const struct tables *t)
{
	*m = (struct model){.tables = *t};
}

enum dlma_packet_reason model_run(struct model *m, enum side side, uint32_t ifindex,
	const struct frame *in, struct outcome *ret)
{
	struct packet p = {.frame = in, .side = side, .ifindex = ifindex};
	struct decision d;
	enum dlma_packet_reason reason;

	ret->to = 0;
	ret->event_count = 0;
	memset(ret->counted, 0, sizeof(ret->counted));
	d = judge(m, ret, &p);
	reason = model_act(m, ret, &p, &d);
	ret->counted[DLMA_PACKET_received] = (struct dlma_counter){1, in->len};
	ret->counted[reason] = (struct dlma_counter){1, in->len};
	return reason;
}
