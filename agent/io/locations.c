// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/locations.h"
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { AT_ONCE = 4096, NOWHERE = -1, USED_SPAN = 1 << 24 };

/* Where one HNP has its place. */
struct place {
	struct dlma_bucket *bucket;
	uint64_t doubtful; /* its word, without a location */
	bool placed;	   /* whether it may stand there */
	int at;		   /* where it does, or NOWHERE */
	int room;	   /* where it could, or NOWHERE */
};

static size_t front_size(const struct dlma_node *n)
{
	return sizeof(struct dlma_bucket) << n->front_bits;
}

/* What a program would find for the HNP; not for anything that is none. */
static const struct dlma_superset *superset_of(
	const struct dlma_node *n, const struct dlma_addr *key)
{
	for (uint32_t i = 0; i < n->superset_count; i++) {
		const struct dlma_superset *s = &n->superset[i];

		if ((key->q[0] & s->mask.q[0]) == s->prefix.q[0] &&
			(key->q[1] & s->mask.q[1]) == s->prefix.q[1])
			return (key->q[0] & ~s->hnp_mask.q[0]) | (key->q[1] & ~s->hnp_mask.q[1])
				       ? NULL
				       : s;
	}
	return NULL;
}

/* Stores in the order in which they stand here, each at once. */
static void set_word(struct dlma_bucket *b, int at, uint64_t word)
{
	__atomic_store_n(&b->word[at], word, __ATOMIC_RELEASE);
	__atomic_store_n(&b->sign[at], front_sign(word), __ATOMIC_RELEASE);
}

static uint64_t get_word(const struct dlma_bucket *b, int at)
{
	return __atomic_load_n(&b->word[at], __ATOMIC_RELAXED);
}

/* As many as can be counted are for ever too many. */
static void add_outside(struct dlma_bucket *b, int change)
{
	if (b->outside != UINT16_MAX)
		__atomic_store_n(&b->outside, (uint16_t)(b->outside + change), __ATOMIC_RELEASE);
}

/* Odd while `locations` may be changing in this bucket, and after each change another. */
static void begin_change(struct dlma_bucket *b)
{
	__atomic_store_n(&b->version, (uint16_t)((b->version + 1) | 1), __ATOMIC_SEQ_CST);
}

static void end_change(struct dlma_bucket *b)
{
	__atomic_store_n(&b->version, (uint16_t)(b->version + 1), __ATOMIC_RELEASE);
}

static int map_put(struct locations *t, const struct dlma_addr *key, const struct dlma_location *l,
	struct dlma_bucket *b)
{
	int err;

	begin_change(b);
	err = bpf_map_update_elem(t->map, key, l, BPF_ANY) ? -errno : 0;
	end_change(b);
	return err;
}

static int map_del(struct locations *t, const struct dlma_addr *key, struct dlma_bucket *b)
{
	int err;

	begin_change(b);
	err = bpf_map_delete_elem(t->map, key) ? -errno : 0;
	end_change(b);
	return err;
}

/* Both are 24 bits of a tick; the rest is that of now, or of the last time that they ran over. */
static uint32_t get_used(const struct locations *t, const struct dlma_bucket *b, int at)
{
	uint32_t now = t->clock->tick;
	uint32_t used =
		(now & ~(USED_SPAN - 1u)) | (uint32_t)b->used_high[at] << 16 | b->used_low[at];

	return (int32_t)(now - used) < 0 ? used - USED_SPAN : used;
}

static void set_used(struct dlma_bucket *b, int at, uint32_t tick)
{
	b->used_low[at] = (uint16_t)tick;
	b->used_high[at] = (uint8_t)(tick >> 16);
}

static bool is_of(uint64_t word, uint64_t doubtful)
{
	return (word ^ doubtful) >> DLMA_FRONT_TAKEN_AT == 0;
}

static bool in_service(const struct locations *t)
{
	return t->clock->front == t->node->front_id;
}

static struct place find_anyhow(const struct locations *t, const struct dlma_addr *key)
{
	const struct dlma_node *n = t->node;
	const struct dlma_superset *s = superset_of(n, key);
	bool placed = s && s->front_word != DLMA_FRONT_NONE;
	uint64_t place = placed ? front_place(s, n->front_mult, key) : 0;
	struct place p = {
		.bucket = &t->front[front_bucket(place, n->front_bits)],
		.doubtful = front_doubtful(place, n->front_bits),
		.placed = placed,
		.at = NOWHERE,
		.room = NOWHERE,
	};

	for (int i = 0; placed && i < DLMA_FRONT_WAYS; i++) {
		uint64_t word = get_word(p.bucket, i);

		if (!word)
			p.room = i;
		else if (is_of(word, p.doubtful))
			p.at = i;
	}
	return p;
}

struct dlma_bucket *locations_bucket(const struct locations *t, const struct dlma_addr *key)
{
	struct place p = find_anyhow(t, key);

	return p.placed ? p.bucket : NULL;
}

/* While the table is not in service nothing has a place in it. */
static struct place find(const struct locations *t, const struct dlma_addr *key)
{
	struct place p = find_anyhow(t, key);

	if (!in_service(t)) {
		p.placed = false;
		p.at = p.room = NOWHERE;
	}
	return p;
}

static bool fits(const struct dlma_location *l)
{
	return l->kind <= DLMA_FRONT_KIND_MASK && l->flags <= DLMA_FRONT_FLAGS_MASK &&
	       l->adjacency <= DLMA_FRONT_ADJACENCY_MASK;
}

/* What does not fit stays doubtful. */
static uint64_t word_of(const struct place *p, const struct dlma_location *l)
{
	if (!fits(l))
		return p->doubtful;
	return p->doubtful | (uint64_t)l->adjacency << DLMA_FRONT_ADJACENCY_AT |
	       (uint64_t)l->flags << DLMA_FRONT_FLAGS_AT | l->kind;
}

static bool is_doubtful(const struct place *p)
{
	return !(get_word(p->bucket, p->at) & DLMA_FRONT_KIND_MASK);
}

static bool ask(const struct locations *t, const struct dlma_addr *key, struct dlma_location *ret)
{
	return !bpf_map_lookup_elem(t->map, key, ret);
}

/* Whether the front table alone tells that there is no such location. */
static bool is_absent(const struct place *p)
{
	return p->placed && p->at == NOWHERE && !p->bucket->outside;
}

bool locations_get(
	const struct locations *t, const struct dlma_addr *key, struct dlma_location *ret)
{
	struct place p = find(t, key);
	uint64_t rest;

	if (is_absent(&p))
		return false;
	if (p.at == NOWHERE || is_doubtful(&p))
		return ask(t, key, ret);
	rest = get_word(p.bucket, p.at) ^ p.doubtful;
	*ret = (struct dlma_location){
		.adjacency = (uint16_t)(rest >> DLMA_FRONT_ADJACENCY_AT),
		.kind = rest & DLMA_FRONT_KIND_MASK,
		.flags = rest >> DLMA_FRONT_FLAGS_AT & DLMA_FRONT_FLAGS_MASK,
		.used = get_used(t, p.bucket, p.at),
	};
	return true;
}

static bool is_there(const struct locations *t, const struct dlma_addr *key, const struct place *p)
{
	struct dlma_location l;

	if (is_absent(p))
		return false;
	return (p->at != NOWHERE && !is_doubtful(p)) || ask(t, key, &l);
}

/* The map alone, for what has no place in the front table. */
static int put_outside(struct locations *t, const struct dlma_addr *key,
	const struct dlma_location *l, const struct place *p, bool there)
{
	int err;

	if (!there && p->placed)
		add_outside(p->bucket, 1);
	err = map_put(t, key, l, p->bucket);
	if (err && !there && p->placed)
		add_outside(p->bucket, -1);
	t->count += !err && !there;
	return err;
}

/* In a word that is its own, or free; what was outside before comes inside. */
static int put_inside(struct locations *t, const struct dlma_addr *key,
	const struct dlma_location *l, const struct place *p, bool there)
{
	int at = p->at != NOWHERE ? p->at : p->room;
	uint64_t before = get_word(p->bucket, at);
	int err;

	set_word(p->bucket, at, p->doubtful);
	err = map_put(t, key, l, p->bucket);
	if (err) {
		set_word(p->bucket, at, before);
		return err;
	}
	set_used(p->bucket, at, l->used);
	set_word(p->bucket, at, word_of(p, l));
	if (there && p->at == NOWHERE)
		add_outside(p->bucket, -1);
	t->count += !there;
	return 0;
}

static bool is_same(const struct locations *t, const struct dlma_addr *key, const struct place *p,
	const struct dlma_location *l)
{
	struct dlma_location old;

	if (p->at != NOWHERE)
		return fits(l) && get_word(p->bucket, p->at) == word_of(p, l);
	return ask(t, key, &old) && old.adjacency == l->adjacency && old.kind == l->kind &&
	       old.flags == l->flags && p->room == NOWHERE;
}

int locations_put(
	struct locations *t, const struct dlma_addr *key, const struct dlma_location *location)
{
	struct place p = find(t, key);
	bool there = is_there(t, key, &p);

	if (there && is_same(t, key, &p, location))
		return 0;
	if (p.at != NOWHERE || p.room != NOWHERE)
		return put_inside(t, key, location, &p, there);
	return put_outside(t, key, location, &p, there);
}

int locations_del(struct locations *t, const struct dlma_addr *key)
{
	struct place p = find(t, key);
	int err;

	if (p.at != NOWHERE)
		set_word(p.bucket, p.at, p.doubtful);
	err = map_del(t, key, p.bucket);
	if (p.at != NOWHERE)
		set_word(p.bucket, p.at, 0);
	else if (!err && p.placed)
		add_outside(p.bucket, -1);
	t->count -= !err;
	return err;
}

/* Of an odd number, as far as 64 bits go (Newton: each turn doubles the bits that are right). */
static uint64_t inverse_of(uint64_t odd)
{
	uint64_t x = odd;

	for (int i = 0; i < 6; i++)
		x *= 2 - odd * x;
	return x;
}

static uint64_t number_of(const struct locations *t, uint64_t place)
{
	unsigned int shift = (unsigned int)__builtin_ctzll(t->node->front_mult);

	return (place >> shift) * t->inverse & UINT64_MAX >> shift;
}

/* The HNP of a word: the way of front_place() backwards. */
static bool key_of_word(
	const struct locations *t, uint32_t bucket, uint64_t word, struct dlma_addr *ret)
{
	const struct dlma_node *n = t->node;
	uint64_t tag = word >> DLMA_FRONT_TAG_AT << DLMA_FRONT_TAG_AT;
	uint64_t number =
		number_of(t, (uint64_t)bucket << (64 - n->front_bits) | tag >> n->front_bits);

	for (uint32_t i = 0; i < n->superset_count; i++) {
		const struct dlma_superset *s = &n->superset[i];
		uint64_t rest = number - number_of(t, s->front_add);

		if (s->front_word == DLMA_FRONT_NONE ||
			rest << s->front_keep >> s->front_keep != rest)
			continue;
		*ret = s->prefix;
		ret->q[s->front_word] |= htobe64(rest << s->front_keep >> s->front_drop);
		return true;
	}
	return false;
}

uint32_t locations_buckets(const struct locations *t)
{
	return 1u << t->node->front_bits;
}

/* Whether a way has an idle location of that kind; hardly ever, so there is but one branch. */
static bool is_idle(const struct dlma_bucket *b, int at, uint8_t kind, uint32_t now, uint32_t ticks)
{
	uint32_t used = (uint32_t)b->used_high[at] << 16 | b->used_low[at];
	uint32_t since = (now - used) & (USED_SPAN - 1);

	return (since >= ticks) & ((b->word[at] & DLMA_FRONT_KIND_MASK) == kind);
}

void locations_sweep(struct locations *t, uint32_t from, uint32_t buckets, uint8_t kind,
	uint32_t ticks, location_visitor *visit, void *arg)
{
	uint32_t now = t->clock->tick, end = from + buckets;
	struct dlma_location l;
	struct dlma_addr key;

	if (!in_service(t))
		return;
	if (end > locations_buckets(t))
		end = locations_buckets(t);
	for (uint32_t i = from; i < end; i++)
		for (int at = 0; at < DLMA_FRONT_WAYS; at++)
			if (is_idle(&t->front[i], at, kind, now, ticks) &&
				key_of_word(t, i, get_word(&t->front[i], at), &key) &&
				locations_get(t, &key, &l))
				visit(arg, &key, &l);
}

int locations_open(struct locations *t, int map, int front, struct dlma_clock *clock,
	const struct dlma_node *node)
{
	void *p = mmap(NULL, front_size(node), PROT_READ | PROT_WRITE, MAP_SHARED, front, 0);

	*t = (struct locations){.map = map, .clock = clock, .node = node};
	if (node->front_mult)
		t->inverse = inverse_of(node->front_mult >> __builtin_ctzll(node->front_mult));
	if (p == MAP_FAILED)
		return -errno;
	t->front = p;
	return 0;
}

void locations_close(struct locations *t)
{
	if (t->front)
		munmap(t->front, front_size(t->node));
	if (t->map >= 0)
		close(t->map);
	t->front = NULL;
	t->map = -1;
}

int locations_each(struct locations *t, location_visitor *visit, void *arg)
{
	struct dlma_addr *keys = calloc(AT_ONCE, sizeof(*keys));
	struct dlma_location *values = calloc(AT_ONCE, sizeof(*values));
	uint32_t next, count, *in = NULL;
	int err = keys && values ? 0 : -ENOMEM;
	bool more = !err;

	while (more) {
		count = AT_ONCE;
		if (bpf_map_lookup_batch(t->map, in, &next, keys, values, &count, NULL)) {
			err = errno == ENOENT ? 0 : -errno;
			more = false;
		}
		in = &next;
		for (uint32_t i = 0; !err && i < count; i++)
			visit(arg, &keys[i], &values[i]);
	}
	free(keys);
	free(values);
	return err;
}

/* What an adoption goes by. */
struct adoption {
	struct locations *t;
	uint8_t *seen; /* by bucket: a bit for each word that is right */
	uint16_t *outside;
};

/* Sees to it that one location of the map stands in the front table, or is counted outside. */
static void adopt(void *arg, const struct dlma_addr *key, const struct dlma_location *l)
{
	struct adoption *a = arg;
	struct place p = find_anyhow(a->t, key);
	size_t bucket = (size_t)(p.bucket - a->t->front);
	int at = p.at != NOWHERE ? p.at : p.room;

	a->t->count++;
	if (!p.placed)
		return;
	if (at == NOWHERE) {
		a->outside[bucket] += a->outside[bucket] != UINT16_MAX;
		return;
	}
	if (p.at == NOWHERE)
		set_used(p.bucket, at, l->used);
	if (get_word(p.bucket, at) != word_of(&p, l) ||
		p.bucket->sign[at] != front_sign(p.doubtful))
		set_word(p.bucket, at, word_of(&p, l));
	a->seen[bucket] |= (uint8_t)(1 << at);
}

/* Words that no location stands behind, counts that are too high, changes that never ended. */
static void tidy_up(struct adoption *a)
{
	size_t buckets = (size_t)1 << a->t->node->front_bits;

	for (size_t i = 0; i < buckets; i++) {
		struct dlma_bucket *b = &a->t->front[i];

		for (int at = 0; at < DLMA_FRONT_WAYS; at++)
			if (!(a->seen[i] & 1 << at) && get_word(b, at))
				set_word(b, at, 0);
		if (b->version & 1)
			end_change(b);
		if (b->outside != a->outside[i])
			__atomic_store_n(&b->outside, a->outside[i], __ATOMIC_RELEASE);
	}
}

/* Out of service, and empty. */
static void start_anew(struct locations *t)
{
	__atomic_store_n(&t->clock->front, 0, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < (size_t)1 << t->node->front_bits; i++) {
		for (int at = 0; at < DLMA_FRONT_WAYS; at++)
			set_word(&t->front[i], at, 0);
		t->front[i].outside = 0;
	}
}

/* Only where stores and loads are seen in their order. */
static void put_into_service(struct locations *t)
{
#ifdef __x86_64__
	__atomic_store_n(&t->clock->front, t->node->front_id, __ATOMIC_SEQ_CST);
#else
	(void)t;
#endif
}

int locations_adopt(struct locations *t)
{
	size_t buckets = (size_t)1 << t->node->front_bits;
	struct adoption a = {.t = t};
	int err = 0;

	a.seen = calloc(buckets, sizeof(*a.seen));
	a.outside = calloc(buckets, sizeof(*a.outside));
	if (!a.seen || !a.outside)
		err = -ENOMEM;
	if (!in_service(t))
		start_anew(t);
	t->count = 0;
	err = err ? err : locations_each(t, adopt, &a);
	if (!err) {
		tidy_up(&a);
		put_into_service(t);
	}
	free(a.seen);
	free(a.outside);
	return err;
}
