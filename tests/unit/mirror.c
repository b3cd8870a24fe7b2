// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "mirror.h"
#include "wire/checksum.h"

#define HOLDS(property)                                 \
	do {                                            \
		if (!(property))                        \
			return __FILE__ ": " #property; \
	} while (0)

struct mirror_location *mirror_location(const struct mirror *m, const struct dlma_prefix *hnp)
{
	for (unsigned int i = 0; i < m->location_count; i++)
		if (prefix_equal(&m->locations[i].hnp, hnp))
			return (struct mirror_location *)&m->locations[i];
	return NULL;
}

struct mirror_access *mirror_access(const struct mirror *m, const struct dlma_prefix *hnp)
{
	for (unsigned int i = 0; i < m->access_count; i++)
		if (prefix_equal(&m->access[i].hnp, hnp))
			return (struct mirror_access *)&m->access[i];
	return NULL;
}

struct record *mirror_record(const struct mirror *m, const struct dlma_prefix *hnp)
{
	for (unsigned int i = 0; i < m->store_count; i++)
		if (prefix_equal(&m->store[i].hnp, hnp))
			return (struct record *)&m->store[i];
	return NULL;
}

static const char *put_location(struct mirror *m, const struct core *c, const struct effect *e)
{
	struct mirror_location *l = mirror_location(m, &e->location.hnp);

	HOLDS(owner_hnp_valid(c, &e->location.hnp));
	HOLDS(e->location.kind > DLMA_LOCATION_NONE && e->location.kind <= DLMA_LOCATION_HELD);
	HOLDS(peer_by_address(c, &e->location.target));
	HOLDS(l || m->location_count < MIRROR_MAX);
	if (!l) {
		l = &m->locations[m->location_count++];
		*l = (struct mirror_location){.hnp = e->location.hnp, .failed = true};
	}
	if (m->fail) {
		m->fail--;
		l->failed = true;
		return NULL;
	}
	l->kind = e->location.kind;
	l->flags = e->location.flags;
	l->target = e->location.target;
	l->failed = false;
	return NULL;
}

static const char *del_location(struct mirror *m, const struct effect *e)
{
	struct mirror_location *l = mirror_location(m, &e->location.hnp);

	if (l)
		*l = m->locations[--m->location_count];
	return NULL;
}

static const char *put_access(struct mirror *m, const struct core *c, const struct effect *e)
{
	struct mirror_access *a = mirror_access(m, &e->access.hnp);

	HOLDS(owner_hnp_valid(c, &e->access.hnp));
	HOLDS(peer_by_address(c, &e->access.uplink) && e->access.ifindex);
	HOLDS(a || m->access_count < MIRROR_MAX);
	if (!a)
		a = &m->access[m->access_count++];
	a->hnp = e->access.hnp;
	a->ifindex = e->access.ifindex;
	memcpy(a->mac, e->access.mac, sizeof(a->mac));
	return NULL;
}

static const char *del_access(struct mirror *m, const struct effect *e)
{
	struct mirror_access *a = mirror_access(m, &e->access.hnp);

	if (a)
		*a = m->access[--m->access_count];
	return NULL;
}

static const char *put_record(struct mirror *m, const struct core *c, const struct effect *e)
{
	struct record *r = mirror_record(m, &e->store.hnp);

	HOLDS(owner_hnp_valid(c, &e->store.hnp) && owner_is_self(c, &e->store.hnp));
	HOLDS(!r || !identity_equal(&r->mn, &e->store.mn) || r->stamp <= e->store.stamp);
	HOLDS(r || m->store_count < MIRROR_MAX);
	if (!r)
		r = &m->store[m->store_count++];
	*r = e->store;
	return NULL;
}

static const char *del_record(struct mirror *m, const struct effect *e)
{
	struct record *r = mirror_record(m, &e->store.hnp);

	HOLDS(r);
	*r = m->store[--m->store_count];
	return NULL;
}

/* A message that its receiver can read, and that only it can take for genuine. */
static const char *check_send(const struct core *c, const struct effect *e)
{
	const struct peer *p = peer_by_address(c, &e->send.dst);
	static struct mh_message m;
	unsigned int unknown;

	HOLDS(p && p->index != c->state.conf->self);
	HOLDS(e->send.len <= sizeof(e->send.bytes));
	HOLDS(mh_checksum_ok(&c->state.self->address, &e->send.dst, e->send.bytes, e->send.len));
	HOLDS(mh_decode(e->send.bytes, e->send.len, &m, &unknown) == DLMA_SIGNAL_accepted);
	HOLDS(!unknown);
	HOLDS(!c->state.domain->authentication ||
		auth_verify(c->options.mac, &p->keys[0].out, &c->state.self->address, &e->send.dst,
			e->send.bytes, e->send.len, &m.options) == DLMA_SIGNAL_accepted);
	return NULL;
}

static const char *check_frame(const struct effect *e)
{
	struct nd_message m;

	HOLDS(e->frame.ifindex && e->frame.len && e->frame.len <= sizeof(e->frame.bytes));
	HOLDS(!nd_decode(e->frame.bytes, e->frame.len, &m));
	HOLDS(m.type == ND_ROUTER_ADVERTISEMENT || m.type == ND_NEIGHBOR_SOLICITATION);
	return NULL;
}

static const char *check_report(const struct core *c, const struct report *r)
{
	HOLDS(r->kind < REPORT_KIND_COUNT && memchr(r->mn, 0, sizeof(r->mn)));
	HOLDS(r->peer == REPORT_NO_PEER || r->peer < c->state.domain->node_count);
	return NULL;
}

const char *mirror_apply(struct mirror *m, const struct core *c, const struct effect *e)
{
	switch (e->kind) {
	case EFFECT_SEND:
		return check_send(c, e);
	case EFFECT_FRAME:
		return check_frame(e);
	case EFFECT_LOCATION_PUT:
		return put_location(m, c, e);
	case EFFECT_LOCATION_DEL:
		return del_location(m, e);
	case EFFECT_ACCESS_PUT:
		return put_access(m, c, e);
	case EFFECT_ACCESS_DEL:
		return del_access(m, e);
	case EFFECT_EXPECT:
		HOLDS(m->expecting != e->expect);
		m->expecting = e->expect;
		return NULL;
	case EFFECT_CHECK_USE:
		HOLDS(mirror_location(m, &e->check_use.hnp));
		return NULL;
	case EFFECT_STORE_PUT:
		return put_record(m, c, e);
	case EFFECT_STORE_DEL:
		return del_record(m, e);
	case EFFECT_REPORT:
		return check_report(c, &e->report);
	}
	return "unknown effect";
}

bool mirror_failed(const struct mirror *m, const struct effect *e)
{
	const struct mirror_location *l =
		e->kind == EFFECT_LOCATION_PUT ? mirror_location(m, &e->location.hnp) : NULL;

	return l && l->failed;
}

static const char *compare_location(
	const struct core *c, const struct dlma_prefix *hnp, const struct mirror_location *l)
{
	struct route r = route_of(c, hnp);

	HOLDS(!l == (r.kind == DLMA_LOCATION_NONE));
	if (!l || l->failed)
		return NULL;
	HOLDS(l->kind == r.kind);
	HOLDS(l->flags == r.flags);
	HOLDS(addr_equal(&l->target, &c->state.peers[r.target].node->address));
	return NULL;
}

static const char *compare_of(
	const struct mirror *m, const struct core *c, const struct dlma_prefix *hnp)
{
	return compare_location(c, hnp, mirror_location(m, hnp));
}

#define COMPARE_EACH(table, type, member)                                  \
	for (struct table_node *n = table_next(table, NULL); n && !broken; \
		n = table_next(table, n))                                  \
	broken = compare_of(m, c, &container_of(n, type, member)->hnp)

/* Both ways: what the map has, and what the tables say should be there. */
static const char *compare_locations(const struct mirror *m, const struct core *c)
{
	const struct core_state *s = &c->state;
	const char *broken = NULL;

	for (unsigned int i = 0; i < m->location_count && !broken; i++)
		broken = compare_location(c, &m->locations[i].hnp, &m->locations[i]);
	COMPARE_EACH(&s->bindings_by_hnp, struct binding, by_hnp);
	COMPARE_EACH(&s->anchors, struct anchor, by_hnp);
	COMPARE_EACH(&s->learnt, struct learnt, by_hnp);
	return broken;
}

static const char *compare_access(const struct mirror *m, const struct core *c)
{
	const struct table *t = &c->state.attachments;
	unsigned int delivering = 0;

	for (struct table_node *n = table_next(t, NULL); n; n = table_next(t, n)) {
		const struct attachment *a = container_of(n, struct attachment, by_mac);
		const struct mirror_access *x = mirror_access(m, &a->hnp);

		if (!a->delivering)
			continue;
		delivering++;
		HOLDS(x && x->ifindex == a->ifindex);
		HOLDS(!memcmp(x->mac, a->mac, sizeof(a->mac)));
	}
	HOLDS(delivering == m->access_count);
	return NULL;
}

/* Records of another configuration stay where they are. */
static const char *compare_store(const struct mirror *m, const struct core *c)
{
	size_t alive = 0;

	for (unsigned int i = 0; i < m->store_count; i++) {
		const struct record *r = &m->store[i];
		const struct anchor *a = anchor_by_hnp(c, &r->hnp);

		HOLDS(a || !owner_hnp_valid(c, &r->hnp) || !owner_is_self(c, &r->hnp));
		if (!a)
			continue;
		HOLDS(identity_equal(a->mn, &r->mn) && a->stamp == r->stamp);
		HOLDS(peer_index(c, &r->dlma) == a->dlma);
		alive++;
	}
	HOLDS(alive == c->state.anchors.count);
	return NULL;
}

const char *mirror_differs(const struct mirror *m, const struct core *c)
{
	const char *broken = compare_access(m, c);

	if (!broken)
		broken = compare_store(m, c);
	HOLDS(m->expecting == (c->state.expecting > 0));
	if (!broken && core_deadline(c) > c->now.mono_ms)
		broken = compare_locations(m, c);
	return broken;
}
