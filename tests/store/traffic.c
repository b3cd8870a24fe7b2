// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "traffic.h"
#include <stdio.h>
#include <stdlib.h>

enum { CLAIMS_MAX = 6, START_MS = 1000, STAMP_STEP = 4096 };

int traffic_begin(struct traffic *t, const char *directory, int mobiles, struct promises *log)
{
	memset(t, 0, sizeof(*t));
	t->directory = directory;
	t->promises = log;
	t->mobiles = mobiles;
	t->clock = STAMP_STEP;
	return owner_start(&t->owner, directory, DOMAIN_STORE_REFUSE, START_MS, log);
}

void traffic_end(struct traffic *t, bool crash)
{
	owner_stop(&t->owner, crash);
	free(t->claimed);
	t->claimed = NULL;
}

int traffic_restart(struct traffic *t, bool crash)
{
	uint64_t now_ms = t->owner.now_ms;

	owner_stop(&t->owner, crash);
	return owner_start(&t->owner, t->directory, DOMAIN_STORE_REFUSE, now_ms, t->promises);
}

static void say(struct traffic *t, const struct owner_claim *claim)
{
	if (t->claimed_count == t->claimed_room) {
		t->claimed_room = t->claimed_room ? 2 * t->claimed_room : 256;
		t->claimed = realloc(t->claimed, t->claimed_room * sizeof(*t->claimed));
		if (!t->claimed)
			abort();
	}
	t->claimed[t->claimed_count++] = *claim;
	if (claim->stamp > t->last[claim->mn].stamp)
		t->last[claim->mn] = *claim;
	owner_claim(&t->owner, claim);
}

static struct owner_claim move(struct traffic *t, int mn)
{
	return (struct owner_claim){.mn = mn,
		.dlma = 1 + rand() % (OWNER_LMAS - 1),
		.mag = rand() % OWNER_MAGS,
		.stamp = t->clock += STAMP_STEP};
}

static void one(struct traffic *t)
{
	int mn = rand() % t->mobiles, what = rand() % 100;
	struct owner_claim claim = t->last[mn];

	if (!claim.stamp || what < 60) {
		claim = move(t, mn);
	} else if (what < 75 && !claim.release) {
		claim.refresh = true;
	} else if (what < 85 && !claim.release) {
		claim.release = true;
		claim.stamp = t->clock += STAMP_STEP;
	} else {
		/* Overtaken on the way; no two movements have one stamp, though. */
		claim = move(t, mn);
		claim.stamp = t->last[mn].stamp - 1 - t->claimed_count % (STAMP_STEP - 1);
	}
	say(t, &claim);
}

void traffic_move(struct traffic *t, int mn)
{
	struct owner_claim claim = move(t, mn);

	say(t, &claim);
}

void traffic_turn(struct traffic *t)
{
	for (int i = rand() % CLAIMS_MAX; i >= 0; i--)
		one(t);
	owner_turn(&t->owner);
}

void traffic_repeat(struct traffic *t)
{
	for (int i = 0; i < OWNER_MOBILES; i++)
		if (t->last[i].stamp)
			owner_claim(&t->owner, &t->last[i]);
	owner_turn(&t->owner);
}

/* The last that a MN was promised before `op`; NULL: nothing, or the HNP was somebody else's. */
static const struct promise *promise_of(const struct traffic *t, int mn, size_t op)
{
	const struct promise *found = NULL;

	for (size_t i = 0; i < t->promises->count && t->promises->list[i].op <= op; i++)
		if (t->promises->list[i].mn == mn)
			found = &t->promises->list[i];
	return found && !found->withdrawn ? found : NULL;
}

static bool was_claimed(const struct traffic *t, int mn, const struct record *r)
{
	for (size_t i = 0; i < t->claimed_count; i++) {
		const struct owner_claim *c = &t->claimed[i];
		struct promise p = {.hnp = r->hnp,
			.stamp = c->stamp,
			.dlma = c->release ? 0 : c->dlma,
			.mag = c->release ? 0 : OWNER_LMAS + c->mag};

		if (c->mn == mn && owner_record_is(r, &p))
			return true;
	}
	return false;
}

static const char *check_mn(const struct traffic *t, const struct owner *o, int mn, size_t op)
{
	const struct promise *p = promise_of(t, mn, op);
	const struct record *r = owner_record(o, mn);

	if (!p)
		return NULL;
	if (!r)
		return "an acknowledged binding is lost";
	if (!prefix_equal(&r->hnp, &p->hnp))
		return "a MN has another HNP";
	if (r->stamp < p->stamp)
		return "a stamp moved backwards";
	if (r->stamp == p->stamp && !owner_record_is(r, p))
		return "an acknowledged binding is another one";
	return NULL;
}

static const char *check_run(const struct traffic *t, const struct owner *o, size_t op)
{
	for (size_t i = 0; i < t->promises->run_count && t->promises->runs[i].op <= op; i++)
		if (o->run.epoch <= t->promises->runs[i].run.epoch ||
			o->run.restart_counter <= t->promises->runs[i].run.restart_counter)
			return "the number of a run moved backwards";
	return NULL;
}

const char *traffic_check(const struct traffic *t, const struct owner *o, size_t op)
{
	const char *wrong = check_run(t, o, op);

	for (int i = 0; !wrong && i < o->restored_count; i++)
		for (int k = 0; k < i; k++)
			if (prefix_equal(&o->restored[i].hnp, &o->restored[k].hnp))
				wrong = "two MNs have one HNP";
	for (int mn = 0; !wrong && mn < OWNER_MOBILES; mn++)
		wrong = check_mn(t, o, mn, op);
	return wrong;
}

const char *traffic_check_claimed(const struct traffic *t, const struct owner *o)
{
	for (int mn = 0; mn < OWNER_MOBILES; mn++) {
		const struct record *r = owner_record(o, mn);

		if (r && !was_claimed(t, mn, r))
			return "a record that nobody has claimed";
	}
	return NULL;
}

/* A MN that has left may have lost its HNP to another. */
const char *traffic_check_last(const struct traffic *t, const struct owner *o)
{
	for (int mn = 0; mn < OWNER_MOBILES; mn++) {
		const struct owner_claim *c = &t->last[mn];
		const struct record *r = owner_record(o, mn);

		if (c->release || !c->stamp)
			continue;
		if (!r || r->stamp != c->stamp || r->dlma.b[5] != c->dlma)
			return "the last word of a V-LMA is not in the store";
	}
	return NULL;
}
