// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The protocol as a whole: real cores and messages, virtual time (world.h). */
#include "world.h"
#include "core/state.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct world w;

static void setup(void)
{
	world_init(&w);
}

static void teardown(void)
{
	world_done(&w);
}

TestSuite(core, .init = setup, .fini = teardown);

static struct dlma_prefix attach(int mn, int mag)
{
	world_move(&w, mn, mag);
	world_run(&w, 200);
	cr_assert(lt(u32, 0, w.advertised[mn]), "the MN heard its prefix");
	return w.heard_hnp[mn];
}

static bool has_location(int node, const struct dlma_prefix *hnp)
{
	return world_location(&w, node, hnp);
}

static void expect_location(int node, const struct dlma_prefix *hnp, uint8_t kind, int target)
{
	const struct world_entry *l = world_location(&w, node, hnp);

	cr_assert(l != NULL, "node %d has a location", node);
	cr_assert(eq(int, l->kind, kind));
	cr_assert(eq(int, l->target, target));
}

Test(core, peers_find_each_other_at_start)
{
	for (int i = 0; i < W_NODES; i++) {
		const struct core_state *s = core_state(w.cores[i]);

		for (int k = 0; k < W_NODES; k++)
			if (k != i)
				cr_expect(eq(int, s->peers[k].state, PEER_UP), "%d sees %d", i, k);
	}
}

Test(core, attach_in_a_visited_network)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int tunnels;

	cr_assert(eq(int, hnp.len, 64));
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	cr_assert(world_delivers(&w, W_MAG_1A, &hnp));
	for (int i = 0; i < W_NODES; i++)
		cr_assert(not(w.expecting[i]), "node %d still expects a registration", i);
	cr_assert(eq(int, world_trace(&w, W_V_LMA_2, &hnp, &tunnels), W_MAG_1A));
	cr_assert(eq(u32, tunnels, 3), "Figure 7: O-LMA, H-LMA, D-LMA, MAG");
}

Test(core, two_mobile_nodes_get_two_prefixes)
{
	struct dlma_prefix a = attach(W_MN1, W_MAG_1A), b = attach(W_MN2, W_MAG_1A);

	cr_assert(not(prefix_equal(&a, &b)));
}

Test(core, the_same_prefix_after_reattach_and_restart)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A), again;

	world_detach(&w, W_MN1, W_MAG_1A);
	world_move(&w, W_MN1, W_NONE);
	world_run(&w, 30000);
	cr_assert(not(has_location(W_V_LMA_1, &hnp)), "state is gone");
	cr_assert(not(has_location(W_H_LMA, &hnp)), "state is gone at home");
	world_restart(&w, W_H_LMA);
	world_run(&w, 1000);
	(void)attach(W_MN2, W_MAG_2);
	again = attach(W_MN1, W_MAG_2);
	cr_assert(prefix_equal(&hnp, &again));
}

Test(core, the_o_lma_learns_by_asking_and_by_being_told)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int tunnels;

	world_packet_event(&w, W_V_LMA_2, DLMA_EVENT_MISS, &hnp, W_NONE);
	world_packet_event(&w, W_H_LMA, DLMA_EVENT_MISROUTED, &hnp, W_V_LMA_2);
	world_run(&w, 100);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_CACHED, W_V_LMA_1);
	cr_assert(eq(int, world_trace(&w, W_V_LMA_2, &hnp, &tunnels), W_MAG_1A));
	cr_assert(eq(u32, tunnels, 2), "Figure 8: the H-LMA is left out");
}

Test(core, idle_cache_entries_end_and_used_ones_stay)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	world_packet_event(&w, W_V_LMA_2, DLMA_EVENT_MISS, &hnp, W_NONE);
	w.used_recently = true;
	world_run(&w, 300000);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_CACHED, W_V_LMA_1);
	w.used_recently = false;
	world_run(&w, 61000);
	cr_assert(not(has_location(W_V_LMA_2, &hnp)));
}

Test(core, mag_changes_under_one_lma)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int before;

	world_packet_event(&w, W_V_LMA_2, DLMA_EVENT_MISS, &hnp, W_NONE);
	world_run(&w, 1000);
	before = w.sent[W_H_LMA][W_V_LMA_2] + w.sent[W_V_LMA_1][W_V_LMA_2];
	(void)attach(W_MN1, W_MAG_1B);
	world_run(&w, 3000);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1B);
	cr_assert(world_delivers(&w, W_MAG_1B, &hnp));
	cr_assert(not(world_delivers(&w, W_MAG_1A, &hnp)), "the old MAG gave it up");
	cr_assert(eq(u32, w.sent[W_H_LMA][W_V_LMA_2] + w.sent[W_V_LMA_1][W_V_LMA_2], before),
		"draft 5.1.2: the O-LMA is unaffected");
}

Test(core, lma_changes)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	(void)attach(W_MN1, W_MAG_2);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_2);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_2);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	world_run(&w, 61000);
	cr_assert(not(has_location(W_V_LMA_1, &hnp)), "the forwarding entry timed out");
	cr_assert(not(world_delivers(&w, W_MAG_1A, &hnp)));
}

Test(core, a_stale_o_lma_is_told_by_the_previous_d_lma)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_2);

	world_packet_event(&w, W_V_LMA_1, DLMA_EVENT_MISS, &hnp, W_NONE);
	world_run(&w, 100);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_CACHED, W_V_LMA_2);
	(void)attach(W_MN1, W_H_LMA);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_FORWARDING, W_H_LMA);
	world_packet_event(&w, W_V_LMA_2, DLMA_EVENT_MISROUTED, &hnp, W_V_LMA_1);
	world_run(&w, 100);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_CACHED, W_H_LMA);
}

Test(core, at_home_no_tunnel_is_needed)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int tunnels;

	(void)attach(W_MN1, W_H_LMA);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_BINDING, W_H_LMA);
	cr_assert(eq(int, world_trace(&w, W_H_LMA, &hnp, &tunnels), W_H_LMA));
	cr_assert(eq(u32, tunnels, 0));
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_H_LMA);
}

Test(core, leaving_home_again)
{
	struct dlma_prefix hnp = attach(W_MN1, W_H_LMA);

	(void)attach(W_MN1, W_MAG_2);
	world_run(&w, 2000);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	cr_assert(not(world_delivers(&w, W_H_LMA, &hnp)));
}

Test(core, deregistration_waits_and_then_clears_everything)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	world_detach(&w, W_MN1, W_MAG_1A);
	world_move(&w, W_MN1, W_NONE);
	world_run(&w, 5000);
	cr_assert(not(has_location(W_V_LMA_1, &hnp)), "not forwarded meanwhile");
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	world_run(&w, 6000);
	cr_assert(not(has_location(W_H_LMA, &hnp)));
	cr_assert(eq(sz, core_state(w.cores[W_V_LMA_1])->bindings.count, 0));
	cr_assert(eq(sz, core_state(w.cores[W_MAG_1A])->attachments.count, 0));
}

Test(core, back_within_the_delay_revives_the_binding)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	world_detach(&w, W_MN1, W_MAG_1A);
	world_run(&w, 500);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_HELD, W_V_LMA_1);
	world_run(&w, 1500);
	cr_assert(not(has_location(W_V_LMA_1, &hnp)), "held only for a moment");
	(void)attach(W_MN1, W_MAG_1B);
	world_run(&w, 60000);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1B);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
}

Test(core, a_silent_departure_is_noticed)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	world_move(&w, W_MN1, W_NONE);
	world_run(&w, 330000);
	cr_assert(not(has_location(W_V_LMA_1, &hnp)));
	cr_assert(not(has_location(W_H_LMA, &hnp)));
}

Test(core, a_present_mn_stays_registered)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	world_run(&w, 3600000);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
}

Test(core, a_second_claimant_of_a_hoa_gets_another)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	struct event e = {.kind = EVENT_PACKET};
	struct dlma_prefix other;

	/* MN2 comes with an address of MN1's: its MAG asks for that HNP. */
	w.at[W_MN2] = W_MAG_2;
	e.packet.version = DLMA_ABI_VERSION;
	e.packet.kind = DLMA_EVENT_NEW_SOURCE;
	e.packet.ifindex = 7;
	e.packet.hoa = hnp.addr;
	memcpy(e.packet.mac, (uint8_t[]){2, 0, 0, 0, 1, W_MN2 + 1}, 6);
	world_event(&w, W_MAG_2, &e);
	world_run(&w, 500);
	other = w.heard_hnp[W_MN2];
	cr_assert(lt(u32, 0, w.advertised[W_MN2]));
	cr_assert(not(prefix_equal(&hnp, &other)));
	expect_location(W_V_LMA_2, &other, DLMA_LOCATION_BINDING, W_MAG_2);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	cr_assert(eq(u64, core_state(w.cores[W_H_LMA])->counters.statuses[155], 1));
}

Test(core, clocks_that_disagree_do_not_misplace_a_mn)
{
	struct dlma_prefix hnp;

	/* Each site has a clock of its own; within a site they agree, as RFC 5213 needs. */
	w.skew_ms[W_V_LMA_1] = w.skew_ms[W_MAG_1A] = w.skew_ms[W_MAG_1B] = 5000;
	w.skew_ms[W_V_LMA_2] = w.skew_ms[W_MAG_2] = -5000;
	hnp = attach(W_MN1, W_MAG_1A);
	for (int i = 0; i < 20; i++) {
		int mag = i % 2 ? W_MAG_1B : W_MAG_2;

		(void)attach(W_MN1, mag);
		world_run(&w, 1500);
		expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, i % 2 ? W_V_LMA_1 : W_V_LMA_2);
		expect_location(i % 2 ? W_V_LMA_1 : W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, mag);
	}
}

Test(core, a_mag_takes_the_time_of_its_lma)
{
	struct dlma_prefix hnp;

	w.skew_ms[W_MAG_1A] = 3600000;
	hnp = attach(W_MN1, W_MAG_1A);
	cr_assert(eq(u64, core_state(w.cores[W_V_LMA_1])->counters.statuses[156], 1));
	w.skew_ms[W_MAG_1A] = 0;
	world_detach(&w, W_MN1, W_MAG_1A);
	world_move(&w, W_MN1, W_NONE);
	world_run(&w, 20000);
	cr_assert(not(has_location(W_H_LMA, &hnp)), "de-registered all the same");
}

Test(core, clocks_that_were_wrong_do_not_keep_a_mn)
{
	struct dlma_prefix hnp;

	/* A site an hour ahead of the H-LMA's, and then not any more. */
	w.skew_ms[W_V_LMA_1] = w.skew_ms[W_MAG_1A] = 3600000;
	hnp = attach(W_MN1, W_MAG_1A);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	w.skew_ms[W_V_LMA_1] = w.skew_ms[W_MAG_1A] = 0;
	(void)attach(W_MN1, W_MAG_2);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_2);
	/* The previous D-LMA is an hour behind the new one. */
	w.skew_ms[W_V_LMA_2] = w.skew_ms[W_MAG_2] = -3600000;
	(void)attach(W_MN1, W_MAG_1A);
	world_run(&w, 1000);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	cr_assert(eq(sz, core_state(w.cores[W_V_LMA_2])->bindings.count, 0));
	/* The H-LMA's clock is set back by more than any window. */
	w.skew_ms[W_H_LMA] = -7200000;
	(void)attach(W_MN1, W_MAG_2);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
}

static unsigned int losses;

/* What tells a MAG that another one has the MN. */
static bool lose_the_news(struct world *world, const struct world_message *m)
{
	(void)world;
	return m->bytes[2] == MH_BINDING_REVOCATION || m->bytes[2] == MH_HANDOVER_INITIATE;
}

static bool lose_some(struct world *world, const struct world_message *m)
{
	static uint32_t state = 12345;

	(void)world;
	(void)m;
	state = state * 1664525 + 1013904223;
	if (state >> 24 >= 64) /* a quarter */
		return false;
	losses++;
	return true;
}

Test(core, loss_delays_but_does_not_break)
{
	static const int tour[] = {W_MAG_1A, W_MAG_1B, W_MAG_2, W_H_LMA, W_MAG_1A, W_MAG_2};
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int tunnels;

	losses = 0;
	w.lose = lose_some;
	for (int i = 0; i < 60; i++) {
		int mag = tour[i % 6];

		world_move(&w, W_MN1, mag);
		world_run(&w, 120000); /* six tries may all be lost */
		cr_assert(eq(int, world_trace(&w, W_V_LMA_2, &hnp, &tunnels), mag), "move %d", i);
		cr_assert(eq(int, world_trace(&w, W_V_LMA_1, &hnp, &tunnels), mag), "move %d", i);
	}
	cr_assert(lt(u32, 100, losses));
}

/* Loses the first answer of the H-LMA to V-LMA-1. */
static bool lose_first_answer(struct world *world, const struct world_message *m)
{
	(void)world;
	if (losses || m->from != W_H_LMA || m->to != W_V_LMA_1 || m->bytes[2] != MH_BINDING_ACK)
		return false;
	losses++;
	return true;
}

static struct world_message delayed;

static bool delay_first_answer(struct world *world, const struct world_message *m)
{
	if (!lose_first_answer(world, m))
		return false;
	delayed = *m;
	return true;
}

Test(core, the_next_d_lma_speaks_before_the_h_lma_answers)
{
	struct dlma_prefix hnp;

	losses = 0;
	w.lose = delay_first_answer;
	world_move(&w, W_MN1, W_MAG_1A);
	world_run(&w, 100);
	hnp = attach(W_MN1, W_MAG_2);
	cr_assert(eq(u32, losses, 1));
	world_inject(&w, delayed.from, delayed.to, delayed.bytes, delayed.len);
	world_run(&w, 5000);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_2);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_2);
	cr_assert(eq(sz, core_state(w.cores[W_V_LMA_1])->bindings.count, 0));
	cr_assert(eq(sz, core_state(w.cores[W_MAG_1A])->attachments.count, 0));
}

Test(core, the_h_lma_hears_that_a_mn_left_before_it_had_answered)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	world_move(&w, W_MN1, W_MAG_2);
	world_run(&w, 10);
	world_move(&w, W_MN1, W_NONE);
	world_detach(&w, W_MN1, W_MAG_2);
	world_run(&w, 20000);
	cr_assert(not(has_location(W_H_LMA, &hnp)), "anchored nowhere");
	cr_assert(not(has_location(W_V_LMA_2, &hnp)));
}

Test(core, the_h_lma_tells_the_previous_d_lma_too)
{
	struct dlma_prefix hnp = attach(W_MN1, W_H_LMA);
	unsigned int tunnels;

	/* V-LMA-1 hears nothing of having been the D-LMA, until the MN has moved on. */
	losses = 0;
	w.lose = lose_first_answer;
	(void)attach(W_MN1, W_MAG_2);
	world_move(&w, W_MN1, W_MAG_1A);
	world_run(&w, 100);
	(void)attach(W_MN1, W_H_LMA);
	world_run(&w, 10000);
	cr_assert(eq(u32, losses, 1));
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_1);
	cr_assert(eq(int, world_trace(&w, W_V_LMA_2, &hnp, &tunnels), W_H_LMA));
	cr_assert(eq(sz, core_state(w.cores[W_V_LMA_2])->bindings.count, 0));
}

Test(core, a_late_departure_is_answered)
{
	const struct core_state *s = core_state(w.cores[W_MAG_1A]);

	(void)attach(W_MN1, W_MAG_1A);
	(void)attach(W_MN1, W_MAG_2);
	world_detach(&w, W_MN1, W_MAG_1A);
	world_run(&w, 10);
	cr_assert(eq(sz, s->attachments.count, 0));
	cr_assert(eq(sz, s->exchanges.count, 0));
}

Test(core, a_mn_that_is_there_is_registered_anew_if_it_cannot_be_refreshed)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	/* V-LMA-1 believes that MAG-1B has the MN; MAG-1A does not hear of it. */
	w.at[W_MN1] = W_NONE;
	w.lose = lose_the_news;
	world_move(&w, W_MN1, W_MAG_1B);
	world_run(&w, 20);
	w.at[W_MN1] = W_MAG_1A;
	world_run(&w, 400000);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	cr_assert(world_delivers(&w, W_MAG_1A, &hnp));
}

Test(core, ping_pong_ends_where_the_mn_is)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int tunnels;

	for (int i = 0; i < 31; i++) {
		world_move(&w, W_MN1, i % 2 ? W_MAG_1A : W_MAG_2);
		world_run(&w, 7);
	}
	world_run(&w, 20000);
	cr_assert(eq(int, world_trace(&w, W_H_LMA, &hnp, &tunnels), W_MAG_2));
	cr_assert(eq(int, world_trace(&w, W_V_LMA_1, &hnp, &tunnels), W_MAG_2));
}

Test(core, a_mag_that_restarts_asks_its_mns)
{
	struct dlma_prefix here = attach(W_MN1, W_MAG_1A), gone = attach(W_MN2, W_MAG_1A);

	w.at[W_MN2] = W_NONE;
	world_restart(&w, W_MAG_1A);
	cr_assert(world_delivers(&w, W_MAG_1A, &here), "packets go on meanwhile");
	world_run(&w, 20000);
	cr_assert(world_delivers(&w, W_MAG_1A, &here));
	expect_location(W_V_LMA_1, &here, DLMA_LOCATION_BINDING, W_MAG_1A);
	cr_assert(not(world_delivers(&w, W_MAG_1A, &gone)));
}

Test(core, an_lma_that_restarts_is_given_its_bindings_back)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int tunnels;

	world_restart(&w, W_V_LMA_1);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	cr_assert(eq(sz, core_state(w.cores[W_V_LMA_1])->bindings.count, 0));
	world_run(&w, 65000);
	cr_assert(eq(sz, core_state(w.cores[W_V_LMA_1])->bindings.count, 1));
	cr_assert(eq(int, world_trace(&w, W_V_LMA_2, &hnp, &tunnels), W_MAG_1A));
	(void)attach(W_MN1, W_MAG_2);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_FORWARDING, W_V_LMA_2);
}

Test(core, the_h_lma_that_restarts_remembers)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A), home = attach(W_MN2, W_H_LMA);
	unsigned int tunnels;

	world_restart(&w, W_H_LMA);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	expect_location(W_H_LMA, &home, DLMA_LOCATION_BINDING, W_H_LMA);
	world_run(&w, 65000);
	cr_assert(eq(int, world_trace(&w, W_V_LMA_2, &hnp, &tunnels), W_MAG_1A));
	cr_assert(eq(int, world_trace(&w, W_V_LMA_2, &home, &tunnels), W_H_LMA));
	(void)attach(W_MN1, W_MAG_2);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
}

Test(core, a_restart_takes_no_entry_from_a_mn_at_home)
{
	struct dlma_prefix home = attach(W_MN1, W_H_LMA);

	w.at[W_MN1] = W_NONE; /* it does not answer at once */
	world_restart(&w, W_H_LMA);
	expect_location(W_H_LMA, &home, DLMA_LOCATION_BINDING, W_H_LMA);
	cr_assert(not(w.deleted[W_H_LMA]));
}

static struct world_message recorded[256];
static unsigned int recorded_count;

static bool record(struct world *world, const struct world_message *m)
{
	(void)world;
	if (recorded_count < 256)
		recorded[recorded_count++] = *m;
	return false;
}

/* Draft 5.1.3: only a MAG that is named to the new one can be asked to forward. */
Test(core, the_h_lma_that_restarts_remembers_the_mag)
{
	for (int i = 0; i < W_NODES; i++)
		w.conf[i].domain.disclosure = DOMAIN_DISCLOSE_LMA;
	(void)attach(W_MN1, W_MAG_1A);
	world_restart(&w, W_H_LMA);
	world_run(&w, 5);
	(void)attach(W_MN1, W_MAG_2);
	cr_assert(eq(u32, w.reports[W_MAG_2][REPORT_forwarding_granted], 1));
}

Test(core, recorded_messages_change_nothing)
{
	struct dlma_prefix hnp;
	unsigned int tunnels;

	recorded_count = 0;
	w.lose = record;
	hnp = attach(W_MN1, W_MAG_1A);
	(void)attach(W_MN1, W_MAG_2);
	w.lose = NULL;
	world_restart(&w, W_V_LMA_1);
	world_run(&w, 70000);
	for (unsigned int i = 0; i < recorded_count; i++)
		for (int to = 0; to < W_NODES; to++)
			world_inject(&w, recorded[i].from, to, recorded[i].bytes, recorded[i].len);
	world_run(&w, 1000);
	cr_assert(lt(u32, 8, recorded_count));
	cr_assert(eq(int, world_trace(&w, W_V_LMA_1, &hnp, &tunnels), W_MAG_2));
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	cr_assert(lt(u64, 0, world_reason(&w, W_H_LMA, DLMA_SIGNAL_replayed)));
	cr_assert(lt(u64, 0, world_reason(&w, W_V_LMA_1, DLMA_SIGNAL_stale_epoch)));
	cr_assert(lt(u64, 0, world_reason(&w, W_MAG_1B, DLMA_SIGNAL_mh_checksum)),
		"meant for another node");
}

Test(core, strangers_are_counted_and_not_answered)
{
	uint8_t bytes[] = {59, 1, 5, 0, 0, 0, 0, 1, 0x82, 0, 0, 75, 1, 2, 0, 0};
	unsigned int sent = 0, after = 0;

	for (int i = 0; i < W_NODES; i++)
		sent += w.sent[W_H_LMA][i];
	for (int i = 0; i < 100; i++)
		world_inject(&w, W_NONE, W_H_LMA, bytes, sizeof(bytes));
	world_run(&w, 100);
	for (int i = 0; i < W_NODES; i++)
		after += w.sent[W_H_LMA][i];
	cr_assert(eq(u32, sent, after));
	cr_assert(eq(u64, world_reason(&w, W_H_LMA, DLMA_SIGNAL_stranger), 100));
}

Test(core, an_unsigned_message_of_a_peer_changes_nothing)
{
	struct mh_message m = {.type = MH_BINDING_UPDATE};
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	const struct core_state *s = core_state(w.cores[W_H_LMA]);
	uint8_t bytes[256];
	int len;

	m.bu.flags = MH_BU_ACK | MH_BU_PROXY | MH_BU_HOME;
	m.bu.lifetime = 100;
	m.options.hnp[m.options.hnp_count++].prefix = hnp;
	len = mh_encode(&m, bytes, sizeof(bytes));
	mh_checksum_set(&s->peers[W_V_LMA_2].node->address, &s->self->address, bytes, (size_t)len);
	world_inject(&w, W_V_LMA_2, W_H_LMA, bytes, (size_t)len);
	world_run(&w, 100);
	cr_assert(eq(u64, world_reason(&w, W_H_LMA, DLMA_SIGNAL_auth_missing), 1));
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
}

static struct world_message held;
static bool holding;

/* Keeps the first claim of V-LMA-1 back, for the test to deliver it late. */
static bool hold_claim(struct world *world, const struct world_message *m)
{
	(void)world;
	if (holding || m->from != W_V_LMA_1 || m->to != W_H_LMA || m->bytes[2] != MH_BINDING_UPDATE)
		return false;
	holding = true;
	held = *m;
	return true;
}

Test(core, a_late_claim_is_refused_with_the_newer_stamp)
{
	struct dlma_prefix hnp;

	holding = false;
	w.lose = hold_claim;
	world_move(&w, W_MN1, W_MAG_1A);
	world_run(&w, 100);
	hnp = attach(W_MN1, W_MAG_2);
	cr_assert(holding);
	world_inject(&w, held.from, held.to, held.bytes, held.len);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	cr_assert(eq(u64, world_reason(&w, W_H_LMA, DLMA_SIGNAL_outdated), 1));
	cr_assert(eq(u64, core_state(w.cores[W_H_LMA])->counters.statuses[157], 1));
}

Test(core, a_mn_that_never_left_is_claimed_back)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	/* MAG-2 says that it sees the MN, which in truth is still at MAG-1a. */
	world_move(&w, W_MN1, W_MAG_2);
	w.at[W_MN1] = W_MAG_1A;
	world_run(&w, 20000);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	cr_assert(not(world_delivers(&w, W_MAG_2, &hnp)));
	cr_assert(eq(u32, w.reports[W_V_LMA_1][REPORT_binding_outbid], 1));
}

Test(core, the_same_message_twice_is_one_too_many)
{
	recorded_count = 0;
	w.lose = record;
	(void)attach(W_MN1, W_MAG_1A);
	w.lose = NULL;
	for (unsigned int i = 0; i < recorded_count; i++) {
		uint64_t before = world_reason(&w, recorded[i].to, DLMA_SIGNAL_replayed);

		world_inject(
			&w, recorded[i].from, recorded[i].to, recorded[i].bytes, recorded[i].len);
		cr_assert(eq(
			u64, world_reason(&w, recorded[i].to, DLMA_SIGNAL_replayed), before + 1));
	}
	cr_assert(lt(u32, 3, recorded_count));
}

Test(core, packets_may_wait_while_a_registration_is_under_way)
{
	world_move(&w, W_MN1, W_MAG_1A);
	cr_assert(w.expecting[W_MAG_1A]);
	world_run(&w, 5);
	cr_assert(w.expecting[W_V_LMA_1]);
	cr_assert(not(w.expecting[W_H_LMA]));
	world_run(&w, 100);
	cr_assert(not(w.expecting[W_MAG_1A]));
	cr_assert(not(w.expecting[W_V_LMA_1]));
	world_detach(&w, W_MN1, W_MAG_1A);
	world_run(&w, 100000);
	for (int i = 0; i < W_NODES; i++)
		cr_assert(not(w.expecting[i]), "node %d", i);
}

static void drain(int node, bool on, int to)
{
	struct event e = {.kind = EVENT_DRAIN};

	if (on)
		world_set_backup(node, to);
	e.drain.on = on;
	e.drain.to = to == W_NONE ? DOMAIN_NO_NODE : (uint16_t)to;
	world_event(&w, node, &e);
}

static bool is_notification(const struct world_message *m)
{
	return m->bytes[2] == MH_UPDATE_NOTIFICATION;
}

static bool lose_notifications(struct world *world, const struct world_message *m)
{
	(void)world;
	return is_notification(m);
}

static bool record_notifications(struct world *world, const struct world_message *m)
{
	(void)world;
	if (is_notification(m) && recorded_count < 256)
		recorded[recorded_count++] = *m;
	return false;
}

static int uplink(int mag, const struct dlma_prefix *hnp)
{
	return world_uplink(&w, mag, hnp);
}

Test(core, a_drained_lma_hands_its_mns_over)
{
	struct dlma_prefix one = attach(W_MN1, W_MAG_1A), two = attach(W_MN2, W_MAG_1B);
	unsigned int tunnels;

	drain(W_V_LMA_1, true, W_V_LMA_2);
	world_run(&w, 200);
	expect_location(W_V_LMA_2, &one, DLMA_LOCATION_BINDING, W_MAG_1A);
	expect_location(W_V_LMA_2, &two, DLMA_LOCATION_BINDING, W_MAG_1B);
	expect_location(W_H_LMA, &one, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	cr_assert(eq(int, uplink(W_MAG_1A, &one), W_V_LMA_2));
	/* What is under way still gets through, up and down. */
	expect_location(W_V_LMA_1, &one, DLMA_LOCATION_BINDING, W_MAG_1A);
	world_run(&w, 3000);
	expect_location(W_V_LMA_1, &one, DLMA_LOCATION_FORWARDING, W_V_LMA_2);
	cr_assert(eq(int, world_trace(&w, W_V_LMA_1, &one, &tunnels), W_MAG_1A));
	cr_assert(eq(u32, w.reports[W_MAG_1A][REPORT_mn_gone], 0));
	world_run(&w, 61000);
	cr_assert(not(has_location(W_V_LMA_1, &one)), "nothing is left");
	cr_assert(world_delivers(&w, W_MAG_1A, &one));
}

Test(core, a_drained_lma_takes_no_new_mns_and_then_again)
{
	struct dlma_prefix hnp;

	drain(W_V_LMA_1, true, W_V_LMA_2);
	hnp = attach(W_MN1, W_MAG_1A);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	cr_assert(not(has_location(W_V_LMA_1, &hnp)));
	/* Each refresh asks the usual LMA, in vain. */
	world_run(&w, 400000);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	drain(W_V_LMA_1, false, W_NONE);
	world_run(&w, 400000);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	cr_assert(eq(int, uplink(W_MAG_1A, &hnp), W_V_LMA_1));
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_1);
}

Test(core, a_mn_that_moves_under_a_drained_lma_goes_too)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	w.lose = lose_notifications;
	drain(W_V_LMA_1, true, W_V_LMA_2);
	world_run(&w, 100);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	w.lose = NULL;
	world_move(&w, W_MN1, W_MAG_1B);
	world_run(&w, 500);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_1B);
	cr_assert(eq(int, uplink(W_MAG_1B, &hnp), W_V_LMA_2));
}

Test(core, a_mag_follows_nobody_but_its_lma)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	uint64_t before;

	recorded_count = 0;
	w.lose = record_notifications;
	drain(W_V_LMA_1, true, W_V_LMA_2);
	world_run(&w, 4000);
	w.lose = NULL;
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	/* A notification of the first one that comes late, to a third: nothing happens. */
	cr_assert(lt(u32, 0, recorded_count));
	before = world_reason(&w, W_MAG_1A, DLMA_SIGNAL_replayed);
	for (unsigned int i = 0; i < recorded_count; i++)
		world_inject(&w, W_V_LMA_1, W_MAG_1A, recorded[i].bytes, recorded[i].len);
	cr_assert(
		eq(u64, world_reason(&w, W_MAG_1A, DLMA_SIGNAL_replayed), before + recorded_count));
	cr_assert(eq(int, uplink(W_MAG_1A, &hnp), W_V_LMA_2));
}

/* A node is cut off: nothing gets to it, and nothing comes from it. */
static int cut_off;

static bool lose_all_of(struct world *world, const struct world_message *m)
{
	(void)world;
	return m->from == cut_off || m->to == cut_off;
}

static void cut(int node)
{
	cut_off = node;
	w.lose = lose_all_of;
}

static void use_fast_heartbeats(void)
{
	for (int i = 0; i < W_NODES; i++) {
		w.conf[i].domain.timers.heartbeat_interval_ms = 300;
		w.conf[i].domain.timers.missing_heartbeats_allowed = 2;
	}
	world_run(&w, 61000); /* the first ones were due at the old pace */
}

static enum peer_state state_at(int node, int peer)
{
	return (enum peer_state)core_state(w.cores[node])->peers[peer].state;
}

Test(core, a_dead_peer_is_noticed_in_time)
{
	use_fast_heartbeats();
	cut(W_V_LMA_1);
	world_run(&w, 590);
	cr_assert(eq(int, state_at(W_H_LMA, W_V_LMA_1), PEER_UP), "not too early");
	world_run(&w, 450);
	for (int i = 0; i < W_NODES; i++)
		if (i != W_V_LMA_1)
			cr_assert(eq(int, state_at(i, W_V_LMA_1), PEER_DOWN), "at %d", i);
	cr_assert(eq(int, state_at(W_H_LMA, W_V_LMA_2), PEER_UP), "others are none of it");
	w.lose = NULL;
	world_run(&w, 300);
	for (int i = 0; i < W_NODES; i++)
		if (i != W_V_LMA_1)
			cr_assert(eq(int, state_at(i, W_V_LMA_1), PEER_UP), "at %d", i);
}

Test(core, what_leads_to_a_dead_d_lma_goes_back_to_the_owner)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	use_fast_heartbeats();
	world_packet_event(&w, W_V_LMA_2, DLMA_EVENT_MISS, &hnp, W_NONE);
	world_run(&w, 100);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_CACHED, W_V_LMA_1);
	w.used_recently = true;
	cut(W_V_LMA_1);
	world_run(&w, 1100);
	cr_assert(not(has_location(W_V_LMA_2, &hnp)));
	/* The owner believes in it still, but is not believed. */
	world_packet_event(&w, W_V_LMA_2, DLMA_EVENT_MISS, &hnp, W_NONE);
	world_run(&w, 200);
	cr_assert(not(has_location(W_V_LMA_2, &hnp)));
	world_move(&w, W_MN1, W_MAG_2);
	world_run(&w, 300);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_2);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
}

Test(core, a_location_outlives_its_dead_owner_while_it_is_used)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	use_fast_heartbeats();
	world_packet_event(&w, W_V_LMA_2, DLMA_EVENT_MISS, &hnp, W_NONE);
	world_run(&w, 100);
	w.used_recently = true;
	cut(W_H_LMA);
	world_run(&w, 300000);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_CACHED, W_V_LMA_1);
	world_run(&w, 420000);
	cr_assert(not(has_location(W_V_LMA_2, &hnp)), "not for ever");
}

Test(core, the_backup_takes_the_mns_of_a_dead_lma)
{
	struct dlma_prefix hnp;

	world_set_backup(W_V_LMA_1, W_V_LMA_2);
	hnp = attach(W_MN1, W_MAG_1A);
	use_fast_heartbeats();
	cut(W_V_LMA_1);
	world_run(&w, 1200);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_1A);
	expect_location(W_H_LMA, &hnp, DLMA_LOCATION_ANCHOR, W_V_LMA_2);
	cr_assert(eq(int, uplink(W_MAG_1A, &hnp), W_V_LMA_2));
	/* A MN that comes now finds it at once. */
	hnp = attach(W_MN2, W_MAG_1B);
	expect_location(W_V_LMA_2, &hnp, DLMA_LOCATION_BINDING, W_MAG_1B);
	w.lose = NULL;
	world_run(&w, 400000);
	expect_location(W_V_LMA_1, &hnp, DLMA_LOCATION_BINDING, W_MAG_1B);
	cr_assert(eq(int, uplink(W_MAG_1B, &hnp), W_V_LMA_1));
}
