// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model.h"
#include <endian.h>
#include <netinet/in.h>

enum {
	LIMIT_LEN = 8,
	MARK_FORWARDED = 0x80000,
	MARK_RETURNED = 0x40000,
	MARKS = MARK_FORWARDED | MARK_RETURNED,
	MTU_LEAST = 1280, /* of any IPv6 link */
	ICMP6_HEADER = 8,
	SECOND = 1000 / DLMA_TICK_MS,
};

struct header {
	uint8_t version, tc, next, hop;
	uint32_t label, payload;
	struct dlma_addr src, dst;
};

/* A frame taken apart; `own` is the header of the MN or the CN, `outer` that of a tunnel. */
struct packet {
	const struct frame *frame;
	enum side side;
	uint32_t ifindex;
	bool tunnelled;
	uint32_t own_at;
	struct header outer, own;
};

enum act { ACT_LEAVE, ACT_TUNNEL, ACT_UNTUNNEL, ACT_DELIVER, ACT_HOLD };

struct decision {
	enum dlma_packet_reason reason;
	enum act act;
	uint32_t adjacency;
	uint32_t clear, set; /* bits of the outer label */
	const struct dlma_access *access;
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

/* The HNP that an address lies in; false outside the superset. */
static bool hnp_find(const struct model *m, const struct dlma_addr *a, struct dlma_addr *ret)
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

/* The adjacency of the owner by longest match; -1 if nobody owns the address. */
static int owner_find(const struct model *m, const struct dlma_addr *a)
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

static struct dlma_location *location_find(struct model *m, const struct dlma_addr *hnp)
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
	struct dlma_location *l = location_find(m, hnp);
	int owner = owner_find(m, &p->own.dst);
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
	int owner = owner_find(m, &p->own.dst);
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
	struct dlma_location *l = location_find(m, hnp);
	struct decision d;

	if (!l || l->kind == DLMA_LOCATION_CACHED)
		return judge_unknown(m, o, p, hnp,
			owner_find(m, &p->own.dst) == DLMA_ADJACENCY_SELF
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
	/* Back to the sender: not before registrations have ended, nor if it was forwarded once. */
	if (d.act == ACT_TUNNEL && d.adjacency == peer->adjacency) {
		if (m->tables.clock.expecting && may_wait(m, p))
			return judge_held(m, p);
		if (p->outer.label & MARKS)
			return leave(DLMA_PACKET_tunnel_loop);
	}
	if (l->kind != DLMA_LOCATION_BINDING || l->flags & DLMA_LOCATION_TELL_LMA)
		say(m, o, p, DLMA_EVENT_MISROUTED, hnp);
	return d;
}

/* MAG and no LMA: present, or past (draft 5.1.2). */
static struct decision judge_at_gateway(struct model *m, struct outcome *o, const struct packet *p,
	const struct dlma_addr *hnp, const struct dlma_peer *peer)
{
	const struct dlma_location *l = location_find(m, hnp);

	if (access_find(m, hnp) || !l || l->kind == DLMA_LOCATION_CACHED)
		return judge_at_mag(m, o, p, hnp);
	return judge_from_lma(m, o, p, hnp, peer);
}

/* LMA: a packet of a MN of ours, on to another MN or to a CN (draft 5.2, 5.3). */
static struct decision judge_from_mn(struct model *m, struct outcome *o, const struct packet *p)
{
	struct dlma_addr hnp;
	struct decision d = leave(DLMA_PACKET_from_mn);

	if (hnp_find(m, &p->own.dst, &hnp))
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

	if (hnp_find(m, &p->own.src, &hnp))
		l = location_find(m, &hnp);
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
	       (!(n->roles & DLMA_ROLE_LMA) && hnp_find(m, &p->own.src, &hnp));
}

static struct decision judge_from_peer(struct model *m, struct outcome *o, const struct packet *p)
{
	const struct dlma_peer *peer = peer_find(m, &p->outer.src);
	bool is_lma = m->tables.node.roles & DLMA_ROLE_LMA;
	struct dlma_addr hnp;

	if (!(peer->roles & DLMA_ROLE_LMA) && !is_between_mags(m, p))
		return is_lma ? judge_from_mag(m, o, p, peer) : leave(DLMA_PACKET_untrusted_peer);
	if (!hnp_find(m, &p->own.dst, &hnp))
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
	if (!(n->roles & DLMA_ROLE_LMA) || !hnp_find(m, &p->own.dst, &hnp))
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
	struct dlma_location *l = location_find(m, hnp);

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
	if (!hnp_find(m, &p->own.src, &hnp))
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
	if (a->direct && hnp_find(m, &p->own.dst, &hnp))
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

/* RFC 6040 4.2: by inner and outer ECN field; what must be dropped never comes here. */
static uint8_t ecn_out_of_tunnel(uint8_t own_tc, uint8_t outer_tc)
{
	static const uint8_t table[4][4] = {
		{0, 0, 0, 0},
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};

	return (uint8_t)((own_tc & ~3) | table[own_tc & 3][outer_tc & 3]);
}

static void write_word(uint8_t *at, uint8_t tc, uint32_t label)
{
	uint32_t word = htobe32(6u << 28 | (uint32_t)tc << 20 | label);

	memcpy(at, &word, sizeof(word));
}

/* The packet itself behind `room` octets, as it leaves its tunnel. */
static void write_own(struct outcome *o, const struct packet *p, uint32_t room)
{
	uint8_t *at = o->out.bytes + room;

	o->out.len = room + p->frame->len - p->own_at;
	memcpy(o->out.bytes, p->frame->bytes, ETH_LEN);
	memcpy(at, p->frame->bytes + p->own_at, p->frame->len - p->own_at);
	if (p->tunnelled)
		write_word(at, ecn_out_of_tunnel(p->own.tc, p->outer.tc), p->own.label);
}

/* Everything of a header that this node puts on, but for its length. */
static void write_header(uint8_t *at, uint32_t label, uint8_t tc, uint8_t next,
	const struct dlma_addr *src, const struct dlma_addr *dst)
{
	write_word(at, tc, label);
	at[6] = next;
	at[7] = PACKET_HOP_LIMIT;
	memcpy(at + 8, src, 16);
	memcpy(at + 24, dst, 16);
}

static void write_length(uint8_t *at, uint32_t payload)
{
	at[4] = (uint8_t)(payload >> 8);
	at[5] = (uint8_t)payload;
}

static const struct dlma_next_hop *hop_of(const struct model *m, uint32_t adjacency)
{
	const struct dlma_adjacency *a = &m->tables.adjacencies[adjacency];

	return adjacency < TABLE_ADJACENCIES ? &a->copy[a->active] : NULL;
}

/* What stands before the packet on its way to an adjacency. */
static void write_outer(struct model *m, struct outcome *o, uint32_t adjacency, uint32_t label)
{
	const struct dlma_next_hop *hop = hop_of(m, adjacency);
	uint8_t *outer = o->out.bytes + ETH_LEN, *own = outer + IP6_LEN;

	write_header(outer, label, (uint8_t)(own[0] << 4 | own[1] >> 4), IPPROTO_IPV6,
		&m->tables.node.address, &m->tables.adjacencies[adjacency].peer);
	o->verdict = hop->ifindex ? VERDICT_SEND : VERDICT_PASS;
	o->to = hop->ifindex;
	if (!hop->ifindex)
		return;
	memcpy(o->out.bytes, hop->header.dst_mac, 6);
	memcpy(o->out.bytes + 6, hop->header.src_mac, 6);
}

/* The tunnel to the MN that sent a packet; 0 if there is none. */
static uint32_t tunnel_back(struct model *m, const struct packet *p, const struct dlma_addr *hnp)
{
	const struct dlma_location *l = location_find(m, hnp);
	int owner = owner_find(m, &p->own.src);

	if (l)
		return l->kind == DLMA_LOCATION_HELD ? 0 : l->adjacency;
	return owner > 0 ? (uint32_t)owner : 0;
}

/* The error itself behind `room` octets, not longer than `most` with its IPv6 header. */
static void write_too_big(
	struct outcome *o, const struct packet *p, uint32_t room, uint32_t most, uint32_t mtu)
{
	uint8_t *ip6 = o->out.bytes + room, *icmp = ip6 + IP6_LEN;
	uint32_t quoted = most - IP6_LEN - ICMP6_HEADER;
	uint16_t sum;

	memcpy(o->out.bytes, p->frame->bytes, ETH_LEN);
	write_header(ip6, 0, 0, IPPROTO_ICMPV6, &p->own.dst, &p->own.src);
	write_length(ip6, most - IP6_LEN);
	memcpy(icmp, "\x02\0\0\0", 4);
	mtu = htobe32(mtu);
	memcpy(icmp + 4, &mtu, 4);
	memcpy(icmp + ICMP6_HEADER, p->frame->bytes + p->own_at, quoted);
	sum = htobe16(packet_checksum(ip6, most - IP6_LEN));
	memcpy(icmp + 2, &sum, 2);
	o->out.len = room + most;
}

static void send_too_big(
	struct model *m, struct outcome *o, const struct packet *p, uint32_t back, uint32_t mtu)
{
	uint8_t *outer = o->out.bytes + ETH_LEN, *own = outer + IP6_LEN;

	if (back) {
		write_too_big(o, p, ETH_LEN + IP6_LEN, MTU_LEAST - IP6_LEN, mtu);
		write_outer(m, o, back, packet_label(m->tables.node.label_key, own, MTU_LEAST));
		write_length(outer, MTU_LEAST - IP6_LEN);
		return;
	}
	write_too_big(o, p, ETH_LEN, MTU_LEAST, mtu);
	o->verdict = VERDICT_PASS;
	if (p->side != SIDE_ACCESS)
		return;
	memcpy(o->out.bytes, p->frame->bytes + 6, 6);
	memcpy(o->out.bytes + 6, p->frame->bytes, 6);
	o->verdict = VERDICT_SEND;
	o->to = p->ifindex;
}

/* An error fits into this tunnel. */
static bool has_room(const struct model *m, uint32_t adjacency)
{
	const struct dlma_next_hop *hop = hop_of(m, adjacency);

	return hop && hop->mtu >= MTU_LEAST;
}

/*
 * RFC 4443 2.4 (e) and 3.2, RFC 2473 7.1: the source is told that `fits` octets fit, unless that
 * makes no sense. What a MAG says takes the way of what the MN says.
 */
static enum dlma_packet_reason do_too_big(
	struct model *m, struct outcome *o, const struct packet *p, int fits, uint32_t uplink)
{
	uint32_t mtu = fits < MTU_LEAST ? MTU_LEAST : (uint32_t)fits, back = uplink;
	uint8_t type = p->frame->bytes[p->own_at + IP6_LEN];
	struct dlma_addr hnp;
	bool to_mn = hnp_find(m, &p->own.src, &hnp);

	if (IP6_LEN + p->own.payload <= mtu || (p->own.next == IPPROTO_ICMPV6 && type < 128))
		return DLMA_PACKET_too_big;
	if (p->side == SIDE_ACCESS) {
		send_too_big(m, o, p, 0, mtu);
		return DLMA_PACKET_too_big_told;
	}
	if (!back && to_mn)
		back = tunnel_back(m, p, &hnp);
	if ((to_mn || uplink) && (!back || !p->tunnelled || !has_room(m, back)))
		return DLMA_PACKET_too_big;
	send_too_big(m, o, p, back, mtu);
	return DLMA_PACKET_too_big_told;
}

static enum dlma_packet_reason do_tunnel(
	struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	const struct dlma_next_hop *hop = hop_of(m, d->adjacency);
	uint32_t len = p->frame->len - p->own_at, label = (p->outer.label & ~d->clear) | d->set;
	uint8_t *own = o->out.bytes + ETH_LEN + IP6_LEN;

	if (!hop)
		return DLMA_PACKET_no_room;
	if (IP6_LEN + len > hop->mtu)
		return do_too_big(m, o, p, hop->mtu - IP6_LEN, 0);
	write_own(o, p, ETH_LEN + IP6_LEN);
	own[7]--;
	if (!p->tunnelled)
		label = packet_label(m->tables.node.label_key, own, len);
	write_outer(m, o, d->adjacency, label);
	write_length(own - IP6_LEN, p->tunnelled ? p->outer.payload : IP6_LEN + p->own.payload);
	return hop->ifindex ? d->reason : DLMA_PACKET_tunnel_kernel;
}

static enum dlma_packet_reason do_deliver(
	struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	uint32_t mtu = d->access->mtu;

	if (mtu && IP6_LEN + p->own.payload > mtu)
		return do_too_big(m, o, p, (int)mtu, d->access->uplink);
	write_own(o, p, ETH_LEN);
	o->out.bytes[ETH_LEN + 7]--;
	memcpy(o->out.bytes, d->access->mn_mac, 6);
	memcpy(o->out.bytes + 6, d->access->own_mac, 6);
	o->verdict = VERDICT_SEND;
	o->to = d->access->ifindex;
	return d->reason;
}

/* To the agent as it came, but for an encapsulation limit. */
static enum dlma_packet_reason do_hold(
	const struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	uint8_t *outer = o->out.bytes + ETH_LEN;

	o->out = *p->frame;
	if (p->tunnelled) {
		memcpy(outer + IP6_LEN, p->frame->bytes + p->own_at, p->frame->len - p->own_at);
		o->out.len = ETH_LEN + IP6_LEN + p->frame->len - p->own_at;
		outer[4] = (uint8_t)(p->outer.payload >> 8);
		outer[5] = (uint8_t)p->outer.payload;
		outer[6] = IPPROTO_IPV6;
	}
	o->verdict = VERDICT_SEND;
	o->to = m->tables.node.hold_ifindex;
	return d->reason;
}

static enum dlma_packet_reason act(
	struct model *m, struct outcome *o, const struct packet *p, const struct decision *d)
{
	o->verdict = VERDICT_DROP;
	if (d->act == ACT_HOLD)
		return do_hold(m, o, p, d);
	if (d->act == ACT_TUNNEL || d->act == ACT_DELIVER) {
		if (p->own.hop <= 1)
			return DLMA_PACKET_hop_limit;
		return d->act == ACT_TUNNEL ? do_tunnel(m, o, p, d) : do_deliver(m, o, p, d);
	}
	if (dlma_packet_texts[d->reason].class == DLMA_PASS)
		o->verdict = VERDICT_PASS;
	if (d->act == ACT_UNTUNNEL)
		write_own(o, p, ETH_LEN);
	else
		o->out = *p->frame;
	return d->reason;
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
	reason = act(m, ret, &p, &d);
	ret->counted[DLMA_PACKET_received] = (struct dlma_counter){1, in->len};
	ret->counted[reason] = (struct dlma_counter){1, in->len};
	return reason;
}
