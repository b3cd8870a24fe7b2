// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "invariants.h"

#define TRY(check)                               \
	do {                                     \
		const char *broken_here = check; \
                                                 \
		if (broken_here)                 \
			return broken_here;      \
	} while (0)
#define HOLDS(property)                                 \
	do {                                            \
		if (!(property))                        \
			return __FILE__ ": " #property; \
	} while (0)
#define EACH(table, type, member, name)                                                  \
	for (struct table_node *name##_node = table_next(table, NULL);                   \
		name##_node && ((name) = container_of(name##_node, type, member), true); \
		name##_node = table_next(table, name##_node))

/* Everything counted on the way through the tables. */
struct census {
	size_t pending, registering, cached, named, with_hnp;
	size_t timers_set, timers_reserved, exchanges, identities;
	const struct identity *seen[4096];
	uint32_t bindings[DLMA_PEERS_MAX], anchors[DLMA_PEERS_MAX]; /* that name a node */
};

/* As many nodes as it says, each in the slot of its hash, and the way through it ends. */
static const char *check_table(const struct table *t)
{
	size_t count = 0;

	HOLDS(!(t->slot_count & (t->slot_count - 1)) && t->count <= t->slot_count);
	for (size_t i = 0; i < t->slot_count; i++)
		for (const struct table_node *n = t->slots[i]; n; n = n->next) {
			HOLDS((n->hash & (t->slot_count - 1)) == i);
			HOLDS(++count <= t->count);
		}
	HOLDS(count == t->count);
	return NULL;
}

static const char *check_tables(const struct core *c)
{
	const struct core_state *s = &c->state;
	const struct table *const all[] = {&s->attachments, &s->attachments_by_hnp, &s->bindings,
		&s->bindings_by_hnp, &s->anchors, &s->anchors_by_mn, &s->learnt, &s->notices,
		&s->moved, &s->revocations, &s->redirections, &s->exchanges, &c->identities};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		TRY(check_table(all[i]));
	return NULL;
}

/* A heap, each timer where it believes to be. */
static const char *check_heap(const struct timer_heap *h)
{
	HOLDS(h->count <= h->reserved && (!h->reserved || h->reserved <= h->cap));
	for (size_t i = 1; i <= h->count; i++) {
		HOLDS(h->heap[i]->place == i);
		HOLDS(i == 1 || h->heap[i / 2]->at_ms <= h->heap[i]->at_ms);
	}
	return NULL;
}

/* If it is set, the heap has this very one; `kind` is what core.c finds its struct by. */
static const char *check_timer(
	const struct core *c, struct census *n, const struct timer *t, enum timer_kind kind)
{
	HOLDS(t->kind == kind);
	HOLDS(!t->place || (t->place <= c->timers.count && c->timers.heap[t->place] == t));
	n->timers_set += timer_is_set(t);
	n->timers_reserved++;
	return NULL;
}

static const char *check_exchange(const struct core *c, struct census *n, const struct exchange *e,
	enum exchange_purpose purpose)
{
	TRY(check_timer(c, n, &e->timer, TIMER_EXCHANGE));
	HOLDS(e->purpose == purpose);
	HOLDS(!e->waiting || (timer_is_set(&e->timer) && e->peer < c->state.domain->node_count));
	n->exchanges += e->waiting;
	return NULL;
}

static void note_identity(struct census *n, const struct identity *mn)
{
	for (size_t i = 0; i < n->identities; i++)
		if (n->seen[i] == mn)
			return;
	if (n->identities < sizeof(n->seen) / sizeof(*n->seen))
		n->seen[n->identities++] = mn;
}

static const char *check_identity(struct census *n, const struct identity *mn)
{
	HOLDS(mn && mn->ll_len <= sizeof(mn->ll) && !mn->id[mn->id_len]);
	note_identity(n, mn);
	return NULL;
}

static bool is_node(const struct core *c, uint16_t index)
{
	return index < c->state.domain->node_count;
}

static bool is_node_or_none(const struct core *c, uint16_t index)
{
	return is_node(c, index) || index == DOMAIN_NO_NODE;
}

static const char *check_binding(const struct core *c, struct census *n, struct binding *b)
{
	bool pending = b->state == BINDING_PENDING;

	TRY(check_timer(c, n, &b->timer, TIMER_BINDING));
	TRY(check_exchange(c, n, &b->anchor, EXCHANGE_ANCHOR));
	TRY(check_identity(n, b->mn));
	HOLDS(b->state <= BINDING_DELETING);
	HOLDS(timer_is_set(&b->timer) || timer_is_set(&b->anchor.timer));
	HOLDS(binding_by_mn(c, b->mn) == b);
	HOLDS(pending || (owner_hnp_valid(c, &b->hnp) && binding_by_hnp(c, &b->hnp) == b));
	HOLDS(is_node(c, b->mag) && is_node(c, b->home));
	HOLDS(is_node_or_none(c, b->previous_mag) && is_node_or_none(c, b->passed_over));
	HOLDS(b->next == DOMAIN_NO_NODE || (pending && is_node(c, b->next)));
	HOLDS(!b->leaving || pending);
	HOLDS(is_node_or_none(c, b->successor));
	n->bindings[b->mag]++;
	n->pending += pending;
	n->named += !pending;
	return NULL;
}

static const char *check_anchor(const struct core *c, struct census *n, struct anchor *a)
{
	TRY(check_timer(c, n, &a->timer, TIMER_ANCHOR));
	TRY(check_identity(n, a->mn));
	HOLDS(anchor_by_hnp(c, &a->hnp) == a && anchor_by_mn(c, a->mn) == a);
	HOLDS(owner_is_self(c, &a->hnp) && owner_hnp_valid(c, &a->hnp));
	HOLDS(is_node_or_none(c, a->dlma) && is_node_or_none(c, a->previous));
	HOLDS(is_node_or_none(c, a->mag) && is_node_or_none(c, a->previous_mag));
	HOLDS((a->dlma != DOMAIN_NO_NODE) == timer_is_set(&a->timer));
	if (a->dlma != DOMAIN_NO_NODE)
		n->anchors[a->dlma]++;
	return NULL;
}

static const char *check_learnt(const struct core *c, struct census *n, struct learnt *l)
{
	TRY(check_timer(c, n, &l->timer, TIMER_LEARNT));
	if (l->mn)
		TRY(check_identity(n, l->mn));
	HOLDS(learnt_by_hnp(c, &l->hnp) == l && timer_is_set(&l->timer));
	HOLDS(is_node_or_none(c, l->target));
	HOLDS(l->target == DOMAIN_NO_NODE || is_node(c, l->dlma));
	n->cached += l->target != DOMAIN_NO_NODE && l->kind == DLMA_LOCATION_CACHED;
	return NULL;
}

static const char *check_attachment(const struct core *c, struct census *n, struct attachment *a)
{
	bool has_hnp = !addr_is_zero(&a->hnp.addr);

	TRY(check_timer(c, n, &a->timer, TIMER_ATTACHMENT));
	TRY(check_timer(c, n, &a->advertise, TIMER_ADVERTISE));
	TRY(check_exchange(c, n, &a->exchange, EXCHANGE_REGISTER));
	TRY(check_exchange(c, n, &a->handover, EXCHANGE_HANDOVER));
	HOLDS(a->state > ATTACHMENT_GONE && a->state <= ATTACHMENT_WAITING);
	HOLDS(is_node_or_none(c, a->word.peer));
	HOLDS(timer_is_set(&a->timer) || timer_is_set(&a->exchange.timer));
	HOLDS(!memcmp(a->mac, a->mobile->link_layer, sizeof(a->mac)));
	HOLDS(has_hnp ? attachment_by_hnp(c, &a->hnp) == a : !a->delivering);
	n->registering += a->state == ATTACHMENT_REGISTERING;
	n->with_hnp += has_hnp;
	return NULL;
}

static const char *check_notice(const struct core *c, struct census *n, struct notice *w)
{
	TRY(check_timer(c, n, &w->timer, TIMER_NOTICE));
	TRY(check_exchange(c, n, &w->exchange, EXCHANGE_LOCATION));
	HOLDS(timer_is_set(&w->timer) || timer_is_set(&w->exchange.timer));
	HOLDS(is_node(c, w->peer));
	return NULL;
}

static const char *check_revocation(const struct core *c, struct census *n, struct revocation *r)
{
	TRY(check_exchange(c, n, &r->exchange, EXCHANGE_REVOKE));
	TRY(check_identity(n, r->mn));
	HOLDS(timer_is_set(&r->exchange.timer) && is_node(c, r->mag));
	return NULL;
}

static const char *check_redirection(const struct core *c, struct census *n, struct redirection *r)
{
	TRY(check_exchange(c, n, &r->exchange, EXCHANGE_REDIRECT));
	HOLDS(timer_is_set(&r->exchange.timer) && c->state.draining);
	HOLDS(binding_by_hnp(c, &r->hnp));
	return NULL;
}

static const char *check_moved(const struct core *c, struct census *n, struct moved *v)
{
	TRY(check_exchange(c, n, &v->exchange, EXCHANGE_MOVED));
	TRY(check_identity(n, v->mn));
	HOLDS(timer_is_set(&v->exchange.timer) && is_node(c, v->dlma) && is_node(c, v->previous));
	return NULL;
}

static const char *check_entries(const struct core *c, struct census *n)
{
	const struct core_state *s = &c->state;
	struct attachment *a;
	struct redirection *d;
	struct revocation *r;
	struct binding *b;
	struct notice *w;
	struct anchor *h;
	struct learnt *l;
	struct moved *v;

	for (uint32_t i = 0; i < s->domain->node_count; i++)
		TRY(check_timer(c, n, &s->peers[i].heartbeat, TIMER_PEER));
	EACH(&s->bindings, struct binding, by_mn, b)
	TRY(check_binding(c, n, b));
	EACH(&s->anchors, struct anchor, by_hnp, h)
	TRY(check_anchor(c, n, h));
	EACH(&s->learnt, struct learnt, by_hnp, l)
	TRY(check_learnt(c, n, l));
	EACH(&s->attachments, struct attachment, by_mac, a)
	TRY(check_attachment(c, n, a));
	EACH(&s->notices, struct notice, node, w)
	TRY(check_notice(c, n, w));
	EACH(&s->moved, struct moved, node, v)
	TRY(check_moved(c, n, v));
	EACH(&s->revocations, struct revocation, node, r)
	TRY(check_revocation(c, n, r));
	EACH(&s->redirections, struct redirection, node, d)
	TRY(check_redirection(c, n, d));
	return check_timer(c, n, &c->drain, TIMER_DRAIN);
}

/* What the core counts, counted again. */
static const char *check_census(const struct core *c, const struct census *n)
{
	const struct core_state *s = &c->state;

	HOLDS(n->timers_set == c->timers.count);
	HOLDS(n->timers_reserved == c->timers.reserved);
	HOLDS(n->exchanges == s->exchanges.count);
	HOLDS(n->identities == c->identities.count);
	HOLDS(n->named == s->bindings_by_hnp.count);
	HOLDS(n->with_hnp == s->attachments_by_hnp.count);
	HOLDS(s->anchors.count == s->anchors_by_mn.count);
	HOLDS(n->pending + n->registering == s->expecting);
	HOLDS(n->cached == s->cached && s->cached <= s->conf->cache_max);
	for (uint32_t i = 0; i < s->domain->node_count; i++)
		HOLDS(n->bindings[i] == s->peers[i].bindings &&
			n->anchors[i] == s->peers[i].anchors);
	HOLDS(s->link_count <= ACCESS_LINKS_MAX && !c->loopback.count);
	return NULL;
}

const char *invariants_broken(const struct core *c)
{
	static struct census n;

	memset(&n, 0, offsetof(struct census, seen));
	for (uint32_t i = 0; i < c->state.domain->node_count; i++)
		n.bindings[i] = n.anchors[i] = 0;
	TRY(check_tables(c));
	TRY(check_heap(&c->timers));
	TRY(check_entries(c, &n));
	return check_census(c, &n);
}

bool invariants_settled(const struct core *c)
{
	const struct core_state *s = &c->state;
	struct anchor *a;

	EACH(&s->anchors, struct anchor, by_hnp, a)
	if (a->dlma != DOMAIN_NO_NODE)
		return false;
	return !s->bindings.count && !s->learnt.count && !s->attachments.count &&
	       !s->notices.count && !s->moved.count && !s->revocations.count &&
	       !s->exchanges.count && !s->expecting;
}
