// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * When the draft promises delivery.
 *
 * The promise for a MN begins as soon as
 *	- its MAG has had the acceptance of its registration, and delivers;
 *	- the LMA of that MAG is its D-LMA, and the H-LMA has agreed to that (draft 4.1, 4.3);
 *	- nobody else believes to have the MN: the previous D-LMA and the previous MAG have been
 * told (draft 4.4, 5.1.2, 5.1.3);
 *	- and so a packet that enters at any LMA gets to it, whatever that LMA has cached;
 *	- nothing of where it was before is left: no binding, no MAG that asks or is asked, no
 *	  message on its way (one that comes late may win for a moment: design 3.1).
 * A location that names a MAG is softer than that (draft 5.1.1): the MAG may have forgotten the MN,
 * and then the first packet is lost before the sender hears of it. So it is for a while with
 * locations that an agent has adopted at its start: it does not know how long they have to live.
 *
 * The promise holds until the MN moves, or leaves; until the operator ends its service; or until a
 * node loses its maps. Nothing else may end it: no message that comes late, twice or never, no
 * clock, no timer, no death of an agent, no full table, no lie. While it holds, a packet gets there
 * unless the network itself is cut, as it is when the MAG's refreshes are lost for long.
 */
#include "core/internal.h"
#include "sim.h"
#include <stdio.h>

static const char way_is_off[] = "a node on the way is off";

struct promised_place {
	uint16_t mag, dlma, owner;
	int slot;
};

static bool is_off(const struct sim *s, uint16_t n)
{
	return s->nodes[n].state == NODE_OFF;
}

/* Where the entry of a node for a HNP leads. */
static int target_of(const struct sim *s, uint16_t n, int slot)
{
	uint32_t adjacency = s->nodes[n].path.locations[slot].adjacency;

	return adjacency ? (int)adjacency - 1 : n;
}

static bool points(const struct sim *s, uint16_t n, int slot, uint8_t kind, uint16_t target)
{
	return s->nodes[n].path.locations[slot].kind == kind && target_of(s, n, slot) == target;
}

static bool delivers(const struct sim *s, uint16_t n, int slot)
{
	return s->nodes[n].path.access[slot].ifindex;
}

static bool is_durable(const struct sim *s, const struct promised_place *p)
{
	const struct stored *r = &s->nodes[p->owner].store[p->slot];
	bool tracked = points(s, p->owner, p->slot, DLMA_LOCATION_ANCHOR, p->mag);

	return r->there && path_node_of(&r->record.dlma) == p->dlma &&
	       (!tracked || path_node_of(&r->record.mag) == p->mag);
}

static const char *whats_wrong(
	const struct sim *s, const struct promised_place *p, uint16_t *ret_node)
{
	*ret_node = p->mag;
	if (is_off(s, p->mag) || is_off(s, p->dlma) || is_off(s, p->owner))
		return "a node is off";
	if (!delivers(s, p->mag, p->slot))
		return "its MAG does not deliver";
	*ret_node = p->dlma;
	if (!points(s, p->dlma, p->slot, DLMA_LOCATION_BINDING, p->mag))
		return "its D-LMA has no binding to its MAG";
	*ret_node = p->owner;
	if (p->owner != p->dlma && !points(s, p->owner, p->slot, DLMA_LOCATION_ANCHOR, p->dlma) &&
		!points(s, p->owner, p->slot, DLMA_LOCATION_ANCHOR, p->mag))
		return "its H-LMA does not know its D-LMA";
	if (!is_durable(s, p))
		return "its H-LMA would forget its D-LMA";
	for (uint16_t i = 0; i < s->plan.domain.node_count; i++) {
		*ret_node = i;
		if (is_off(s, i))
			continue;
		if (i != p->dlma &&
			s->nodes[i].path.locations[p->slot].kind == DLMA_LOCATION_BINDING)
			return "another LMA has a binding";
		if (i != p->mag && delivers(s, i, p->slot))
			return "another MAG delivers";
	}
	return NULL;
}

/*
 * Follows a packet through the tables as they are: of a CN, into an LMA; or of a MN, out of a MAG
 * that has been told a proxy-CoA (draft 5.4). NULL if it gets to the MAG of its MN.
 */
static const char *trace(struct sim *s, const struct promised_place *p, int m, uint16_t at)
{
	static const struct dlma_addr cn = {.b = {0x20, 0x01, 0x0d, 0xb9, [15] = 1}};
	static const struct dlma_addr mn = {.b = {0xfd, [7] = 63, [15] = 1}};
	struct dlma_addr hoa = mobile_hoa(s, m);
	struct path_result r;
	struct path_frame f;

	path_frame_init(&f, at < s->plan.lma_count ? &cn : &mn, &hoa, NULL);
	if (at >= s->plan.lma_count) {
		uint16_t target = (uint16_t)target_of(s, at, p->slot);

		path_frame_tunnel(&f, at, target);
		at = target;
	}
	for (int tunnels = 0; tunnels <= TRIPS_MAX; tunnels++) {
		if (is_off(s, at))
			return way_is_off;
		path_run(&s->plan.domain, &s->nodes[at].path, &f, true, &r);
		if (r.action == PATH_SEND && f.out == PATH_WAITING_ROOM) {
			/* As if its time there were over. */
			f.in = PATH_WAITING_ROOM;
			path_run(&s->plan.domain, &s->nodes[at].path, &f, true, &r);
		}
		if (r.action != PATH_SEND)
			return dlma_packet_texts[r.reason].name;
		if (f.out == ACCESS_IFINDEX)
			return at == p->mag ? NULL : "ends at another MAG";
		f.in = PATH_NETWORK;
		at = (uint16_t)(f.out - PATH_PEER);
	}
	return "too many tunnels";
}

/* Whether packets may enter the domain at a node. */
static bool is_entry(const struct sim *s, const struct promised_place *p, uint16_t n)
{
	return !is_off(s, n) &&
	       (n < s->plan.lma_count ||
		       (s->nodes[n].path.locations[p->slot].kind == DLMA_LOCATION_CACHED &&
			       target_of(s, n, p->slot) != n));
}

bool sim_is_learnt(const struct sim *s, uint16_t n, int slot)
{
	uint8_t kind = s->nodes[n].path.locations[slot].kind;

	return kind == DLMA_LOCATION_CACHED || kind == DLMA_LOCATION_FORWARDING;
}

/*
 * A learnt location may be stale for its lifetime. Whoever drops a packet because of it says so to
 * the sender (draft 4.4), and so the next one gets through, or the one after it.
 */
static bool is_mended(
	const struct sim *s, const struct promised_place *p, uint16_t at, const char *why)
{
	static const enum dlma_packet_reason told[] = {DLMA_PACKET_wrong_anchor,
		DLMA_PACKET_unbound, DLMA_PACKET_not_attached, DLMA_PACKET_not_held};

	if (!sim_is_learnt(s, at, p->slot))
		return false;
	if (why == way_is_off)
		return true;
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		if (!strcmp(why, dlma_packet_texts[told[i]].name))
			return true;
	return false;
}

/* An agent that starts again does not know how long the entries that it adopts have to live. */
bool sim_killed_lately(const struct sim *s)
{
	uint64_t live_us = 2000ULL * s->plan.timers.forwarding_lifetime_ms;

	return s->killed_us && s->now_us - s->killed_us < live_us;
}

/* The same, while a promise holds: it was of a MAG, or of an earlier run of an agent. */
static bool is_soft(
	struct sim *s, const struct promised_place *p, int m, uint16_t at, const char *why)
{
	struct mobile *x = &s->mobiles[m];

	if (!why)
		x->soft &= ~(1U << at);
	if (!why || !x->promise || !is_mended(s, p, at, why))
		return false;
	if (target_of(s, at, p->slot) >= s->plan.lma_count || sim_killed_lately(s))
		x->soft |= 1U << at;
	return x->soft >> at & 1;
}

bool promise_kept(struct sim *s, int m, bool mended, char *ret_why, size_t cap)
{
	const struct mobile *x = &s->mobiles[m];
	struct promised_place p = {.slot = x->slot};
	const char *why = "it is nowhere";
	uint16_t node = 0;

	if (x->at != NOWHERE && x->slot != NOWHERE && s->owner_of_slot[x->slot] == m) {
		p.mag = (uint16_t)x->at;
		p.dlma = s->plan.lma_of[p.mag];
		p.owner = s->plan.domain.owner[x->slot / PATH_SLOTS];
		why = whats_wrong(s, &p, &node);
	}
	if (why) {
		snprintf(ret_why, cap, "%s (%s)", why, plan_node_name(&s->plan, node));
		return false;
	}
	for (uint16_t i = 0; i < s->plan.domain.node_count; i++) {
		why = is_entry(s, &p, i) ? trace(s, &p, m, i) : NULL;
		if (is_soft(s, &p, m, i, why) || !why || (mended && is_mended(s, &p, i, why)))
			continue;
		snprintf(ret_why, cap, "a packet that enters at %s is lost: %s",
			plan_node_name(&s->plan, i), why);
		return false;
	}
	return true;
}

static const struct attachment *attachment_of(const struct sim *s, uint16_t n, int m)
{
	return attachment_by_mac(s->nodes[n].core, s->conf.mobiles[m].link_layer);
}

bool sim_attached(const struct sim *s, uint16_t n, int m)
{
	return attachment_of(s, n, m);
}

const struct binding *sim_binding(const struct sim *s, uint16_t n, int m)
{
	struct identity mn = {.ll_len = 6};

	if (m == NOWHERE)
		return NULL;
	memcpy(mn.ll, s->conf.mobiles[m].link_layer, mn.ll_len);
	mn.id_len = (uint8_t)strlen(s->conf.mobiles[m].id);
	memcpy(mn.id, s->conf.mobiles[m].id, mn.id_len);
	return binding_by_mn(s->nodes[n].core, &mn);
}

static bool asks(const struct core_state *c, int slot)
{
	struct dlma_prefix hnp = path_hnp(slot);
	struct table_node *n = NULL;

	while ((n = table_next(&c->revocations, n)))
		if (prefix_equal(&container_of(n, struct revocation, node)->hnp, &hnp))
			return true;
	return false;
}

/* Refreshes begin at half of the lifetime: all of a quarter of it were lost, or their answers. */
static bool runs_out(const struct sim *s, uint16_t lma, const struct binding *b)
{
	return b && b->state == BINDING_ACTIVE &&
	       b->expires_ms < node_now(s, lma).mono_ms + b->lifetime_ms / 4;
}

const char *promise_delayed(const struct sim *s, int m)
{
	const struct mobile *x = &s->mobiles[m];
	uint16_t mag = (uint16_t)x->at, lma = s->plan.lma_of[mag];

	const struct binding *b = s->nodes[lma].state == NODE_UP ? sim_binding(s, lma, m) : NULL;

	if (!x->shown_us)
		return "it has not shown itself";
	if (s->now_us < x->refused_us)
		return "it is being refused service";
	if (runs_out(s, lma, b))
		return "its refreshes are lost";
	if (b && b->anchor.waiting)
		return "the H-LMA has not answered yet";
	if (s->nodes[mag].state == NODE_UP && attachment_of(s, mag, m) &&
		attachment_of(s, mag, m)->probes)
		return "its MAG is asking whether it is there";
	if (x->flying || x->flying_old)
		return "messages about it are on their way";
	for (uint16_t i = 0; i < s->plan.domain.node_count; i++) {
		if (s->nodes[i].state != NODE_UP)
			continue;
		if (i != mag && sim_attached(s, i, m))
			return "another MAG has an attachment";
		if (i != lma && sim_binding(s, i, m))
			return "another LMA has a binding, unused";
		if (asks(node_core(s, i), x->slot))
			return "an LMA is asking whether the MN has left";
	}
	return NULL;
}

/* How long a move took that began where the MN was promised delivery. */
static void note_right(struct sim *s, struct mobile *x)
{
	uint64_t rto_us = 1000ULL * s->plan.timers.initial_bindack_timeout_ms, took_us;
	/* The H-LMA answers when it has written; its disk takes up to commit_us, twice if it is
	 * busy. */
	uint64_t bound_us = 2ULL * plan_rtt_us(&s->plan) + rto_us + 2ULL * s->plan.commit_us;

	x->right_us = s->now_us;
	if (!x->orderly || !x->shown_us || s->faults_end_us)
		return;
	took_us = s->now_us - x->shown_us;
	counters_note_time(s->counters.times, took_us);
	if (!s->plan.faults && took_us * 1000 / bound_us > s->counters.clean_permille)
		s->counters.clean_permille = took_us * 1000 / bound_us;
	x->orderly = false;
}

void promise_check(struct sim *s, int m)
{
	struct mobile *x = &s->mobiles[m];
	char why[128], ignored[128];
	bool was = x->right, kept = promise_kept(s, m, false, why, sizeof(why));

	x->right = kept || promise_kept(s, m, true, ignored, sizeof(ignored));
	if (x->right && !was)
		note_right(s, x);
	if (x->promise && !kept) {
		sim_fail(s, x->slot, "the promise for mn%d is broken: %s", m, why);
	} else if (!x->promise && kept && !promise_delayed(s, m)) {
		x->promise = ++s->promises;
		s->counters.sums.promised++;
		chart_note(s, m, "mn%d: delivery is promised", m);
	}
}

void promise_end(struct sim *s, int m)
{
	s->mobiles[m].promise = s->mobiles[m].soft = 0;
}

void promise_look(struct sim *s, int m)
{
	const struct mobile *x = &s->mobiles[m];
	uint16_t lma = x->at == NOWHERE ? 0 : s->plan.lma_of[x->at];

	if (x->right && !x->promise)
		promise_check(s, m);
	else if (x->promise && s->nodes[lma].state == NODE_UP &&
		 runs_out(s, lma, sim_binding(s, lma, m)))
		promise_end(s, m);
}

void promise_end_all(struct sim *s)
{
	for (uint16_t m = 0; m < s->plan.mobile_count; m++)
		promise_end(s, m);
}
