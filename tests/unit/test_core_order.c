// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the model of the ordering rule has found (docs/model.md). */
#include "invariants.h"
#include "world.h"
#include "core/internal.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

static struct world w;
static struct world_message held;
static bool holding;

static void setup(void)
{
	holding = false;
	world_init(&w);
}

static void teardown(void)
{
	world_done(&w);
}

TestSuite(core_order, .init = setup, .fini = teardown);

static struct dlma_prefix attach(int mn, int mag)
{
	world_move(&w, mn, mag);
	world_run(&w, 200);
	return w.heard_hnp[mn];
}

static void expect_location(int node, const struct dlma_prefix *hnp, uint8_t kind, int target)
{
	const struct world_entry *e = world_location(&w, node, hnp);

	cr_assert_not_null(e, "node %d has a location", node);
	cr_assert(eq(int, e->kind, kind));
	cr_assert(eq(int, e->target, target));
}

/* An authentic message, whatever it says. */
static void say(int from, int to, struct mh_message *m)
{
	struct effects *effects = calloc(1, sizeof(*effects));
	struct core *sender = w.cores[from];

	sender->effects = effects;
	cr_assert_eq(peer_send(sender, (uint16_t)to, m), 0);
	world_inject(&w, from, to, effects->list[0].send.bytes, effects->list[0].send.len);
	free(effects);
}

static bool is_between(const struct world_message *m, int from, int to)
{
	return m->from == from && m->to == to && m->bytes[2] == MH_BINDING_UPDATE;
}

static bool hold_pbu(struct world *world, const struct world_message *m)
{
	(void)world;
	if (holding || !is_between(m, W_MAG_1A, W_V_LMA_1))
		return false;
	holding = true;
	held = *m;
	return true;
}

/*
 * The MN has left and come back; then a LMA claims it that is wrong. The word of the departure
 * comes last of all: it is older than what the MAG said since, though the binding is a new one.
 */
Test(core_order, a_binding_that_is_claimed_back_remembers_the_last_timestamp)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	w.lose = hold_pbu;
	world_detach(&w, W_MN1, W_MAG_1A);
	cr_assert(holding, "the de-registration");
	world_run(&w, 5);
	world_move(&w, W_MN1, W_MAG_1A);
	world_run(&w, 5);
	world_move(&w, W_MN1, W_MAG_2);
	w.at[W_MN1] = W_MAG_1A;
	world_run(&w, 200);
	cr_assert(eq(u32, w.reports[W_V_LMA_1][REPORT_binding_outbid], 1));
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	world_inject(&w, held.from, held.to, held.bytes, held.len);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	cr_assert(eq(int, binding_by_hnp(w.cores[W_V_LMA_1], &hnp)->state, BINDING_ACTIVE));
}

static bool lose_what_v_lma_2_hears_and_says(struct world *world, const struct world_message *m)
{
	(void)world;
	if (!holding && is_between(m, W_V_LMA_2, W_V_LMA_1)) {
		holding = true;
		held = *m;
		return true;
	}
	return is_between(m, W_V_LMA_2, W_V_LMA_1) || is_between(m, W_V_LMA_1, W_V_LMA_2) ||
	       is_between(m, W_H_LMA, W_V_LMA_2) || is_between(m, W_H_LMA, W_V_LMA_1);
}

/* The MN has come and gone, which the LMA that it was at has not heard yet. */
Test(core_order, a_lma_does_not_bid_for_a_mn_that_may_be_elsewhere)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	w.lose = lose_what_v_lma_2_hears_and_says;
	(void)attach(W_MN1, W_MAG_2);
	cr_assert(holding, "the word to the previous D-LMA");
	world_run(&w, 4000);
	(void)attach(W_MN1, W_MAG_1A);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	world_inject(&w, held.from, held.to, held.bytes, held.len);
	world_run(&w, 200);
	cr_assert(eq(u32, w.reports[W_V_LMA_2][REPORT_binding_outbid], 0));
	cr_assert(eq(u32, w.reports[W_H_LMA][REPORT_anchor_moved], 3));
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	w.lose = NULL;
	world_run(&w, 20000);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_1);
}

static bool lose_claims(struct world *world, const struct world_message *m)
{
	(void)world;
	return is_between(m, W_V_LMA_1, W_H_LMA);
}

/* V-LMA-1 was the D-LMA before V-LMA-2, and asks for the MN again: by a refresh. */
static struct binding *ask_again(struct dlma_prefix *ret_hnp)
{
	struct binding *b;

	*ret_hnp = attach(W_MN1, W_MAG_1A);
	(void)attach(W_MN1, W_MAG_2);
	expect_location(W_V_LMA_1, ret_hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_2);
	w.lose = lose_claims;
	(void)attach(W_MN1, W_MAG_1A);
	for (struct table_node *n = table_next(&w.cores[W_V_LMA_1]->state.bindings, NULL);;) {
		cr_assert_not_null(n);
		b = container_of(n, struct binding, by_mn);
		break;
	}
	cr_assert(eq(int, b->state, BINDING_PENDING));
	b->handoff = MH_HANDOFF_UNCHANGED;
	return b;
}

/* The H-LMA to V-LMA-1: where the MN is, or that the claim is older than `stamp`. */
static void tell(const struct binding *b, int dlma, uint64_t stamp)
{
	struct exchange e = {.sequence = 9999};
	struct mh_message m = {0};

	message_update(&m, &e, 0, 60000);
	message_session(&m, b->mn, &b->hnp, MH_HANDOFF_UNKNOWN, MH_ATT_ETHERNET, stamp);
	message_location(w.cores[W_H_LMA], &m, (uint16_t)dlma, (uint16_t)dlma);
	say(W_H_LMA, W_V_LMA_1, &m);
}

static void refuse(const struct binding *b, uint64_t stamp)
{
	struct mh_message m = {.type = MH_BINDING_ACK};

	m.ba.status = MH_STATUS_timestamp_lower;
	m.ba.flags = MH_BA_PROXY;
	m.ba.sequence = b->anchor.sequence;
	message_session(&m, b->mn, &b->hnp, b->handoff, MH_ATT_ETHERNET, stamp);
	say(W_H_LMA, W_V_LMA_1, &m);
}

/* The claim has as large a stamp, and is refused for another reason. Nobody tells it again. */
Test(core_order, a_word_that_comes_before_a_refusal_is_kept)
{
	struct dlma_prefix hnp;
	const struct binding *b = ask_again(&hnp);

	tell(b, W_H_LMA, b->stamp);
	refuse(b, b->stamp - 1);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_H_LMA);
}

/* V-LMA-2 has had the MN since, and lost it: it may forward to V-LMA-1 by now. */
Test(core_order, a_word_that_is_older_than_the_refusal_is_not_followed)
{
	struct dlma_prefix hnp;
	const struct binding *b = ask_again(&hnp);
	uint64_t stamp = b->stamp;

	tell(b, W_V_LMA_2, stamp + 1);
	refuse(b, stamp + 2);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_H_LMA);
	cr_assert(eq(u64, learnt_stamp(w.cores[W_V_LMA_1], &hnp), stamp + 2));
}

/* Nor is one that is older than what this node forwards by. */
Test(core_order, a_late_word_does_not_replace_a_newer_forwarding_entry)
{
	struct dlma_prefix hnp;
	const struct binding *b = ask_again(&hnp);
	uint64_t known = learnt_stamp(w.cores[W_V_LMA_1], &hnp);

	tell(b, W_H_LMA, known - 1);
	refuse(b, known);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_2);
}

static void refresh_from(int mag, int lma, const struct binding *b)
{
	struct exchange e = {.sequence = 9999};
	struct mh_message m = {0};

	message_update(&m, &e, 0, 600000);
	message_session(&m, b->mn, &b->hnp, MH_HANDOFF_UNCHANGED, MH_ATT_ETHERNET,
		w.cores[mag]->now.wall + 1000);
	say(mag, lma, &m);
}

/* It would say less: that the MN is here still, not that it has come. */
Test(core_order, a_refresh_does_not_replace_the_claim_for_a_mn_that_has_come)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	const struct binding *b = binding_by_hnp(w.cores[W_V_LMA_1], &hnp);
	uint16_t sequence;

	w.lose = lose_claims;
	(void)attach(W_MN1, W_MAG_1B);
	cr_assert(b->anchor.waiting);
	sequence = b->anchor.sequence;
	refresh_from(W_MAG_1B, W_V_LMA_1, b);
	cr_assert(eq(u8, b->handoff, MH_HANDOFF_UNKNOWN));
	cr_assert(eq(u16, b->anchor.sequence, sequence));
}

Test(core_order, nor_does_it_while_the_h_lma_has_not_agreed)
{
	struct binding *b;
	struct dlma_prefix hnp;
	uint16_t sequence;
	uint64_t stamp;

	b = ask_again(&hnp);
	b->handoff = MH_HANDOFF_UNKNOWN;
	sequence = b->anchor.sequence;
	stamp = b->stamp;
	refresh_from(W_MAG_1A, W_V_LMA_1, b);
	cr_assert(eq(u8, b->handoff, MH_HANDOFF_UNKNOWN));
	cr_assert(eq(u16, b->anchor.sequence, sequence));
	cr_assert(eq(u64, b->stamp, stamp));
	cr_assert_not_null(b->waiting);
}
