// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A whole domain under attack, or under a strain that looks like one; virtual time (world.h). */
#include "image.h"
#include "record.h"
#include "world.h"
#include "core/state.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

static struct world w;

static void setup(void)
{
	world_init(&w);
	for (int i = 0; i < W_NODES; i++) {
		w.conf[i].domain.disclosure = DOMAIN_DISCLOSE_NONE;
		w.conf[i].bindings_per_mag = w.conf[i].anchors_per_lma = 1000;
		w.conf[i].moves_per_peer = 1000;
		w.conf[i].moves_per_mn = 3;
	}
}

static void teardown(void)
{
	world_done(&w);
}

TestSuite(siege, .init = setup, .fini = teardown);

/* The MN leaves its MAG, which notices, and comes to another. */
static void go(int mn, int mag)
{
	if (w.at[mn] != W_NONE)
		world_detach(&w, mn, w.at[mn]);
	world_move(&w, mn, mag);
}

static struct dlma_prefix attach(int mn, int mag)
{
	go(mn, mag);
	world_run(&w, 200);
	return w.heard_hnp[mn];
}

static unsigned int messages(void)
{
	unsigned int sum = 0;

	for (int i = 0; i < W_NODES; i++)
		for (int k = 0; k < W_NODES; k++)
			sum += w.sent[i][k];
	return sum;
}

static bool is_right(const struct dlma_prefix *hnp, int mag)
{
	unsigned int tunnels;

	return world_trace(&w, W_H_LMA, hnp, &tunnels) == mag && world_delivers(&w, mag, hnp);
}

/* How long until packets reach a MAG again, ms. */
static unsigned int until_right(const struct dlma_prefix *hnp, int mag)
{
	unsigned int ms = 0;

	for (; !is_right(hnp, mag) && ms < 60000; ms += 5)
		world_run(&w, 5);
	return ms;
}

enum { MINUTE_MS = 60000, STEP_MS = 10 };

/* A minute of 100 moves a second between two MAGs, which notice departures or not. */
static void ping_pong(
	int a, int b, bool noticed, unsigned int *ret_per_second, unsigned int *ret_late_ms)
{
	struct dlma_prefix hnp = attach(W_MN1, a);
	unsigned int before = messages(), rate, late;

	for (int i = 0; i < MINUTE_MS / STEP_MS; i++) {
		if (noticed)
			world_detach(&w, W_MN1, i % 2 ? b : a);
		world_move(&w, W_MN1, i % 2 ? a : b);
		world_run(&w, STEP_MS);
	}
	rate = (messages() - before) / (MINUTE_MS / 1000);
	late = until_right(&hnp, a);
	world_run(&w, 20000);
	cr_assert(is_right(&hnp, a), "and stays right");
	*ret_per_second = rate > *ret_per_second ? rate : *ret_per_second;
	*ret_late_ms = late > *ret_late_ms ? late : *ret_late_ms;
}

Test(siege, ping_pong_costs_little_and_ends_right)
{
	static const int pairs[][2] = {
		{W_MAG_1A, W_MAG_2}, {W_MAG_1A, W_MAG_1B}, {W_H_LMA, W_MAG_2}};
	unsigned int rate = 0, late_ms = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		for (int noticed = 0; noticed < 2; noticed++) {
			ping_pong(pairs[i][0], pairs[i][1], noticed, &rate, &late_ms);
			teardown();
			setup();
		}
	record_figure("ping-pong-100-a-second-signalling", "below 100 messages/s", rate < 100,
		"%u messages/s", rate);
	record_figure("ping-pong-100-a-second-right-after", "below 1500 ms", late_ms < 1500,
		"%u ms", late_ms);
	cr_assert(lt(u32, rate, 100));
	cr_assert(lt(u32, late_ms, 1500));
}

/* Keys */

enum { KEYS_MAX = W_NODES * 2 };

/* The keys of a node: for each peer the current one, and the next, in the order that they have. */
static void give_keys(int node, const unsigned int generations[2])
{
	struct domain_key keys[KEYS_MAX];
	struct event e = {.kind = EVENT_KEYS};

	for (uint16_t i = 0; i < W_NODES; i++) {
		uint8_t low = (uint8_t)(i < node ? i : node), high = (uint8_t)(i < node ? node : i);

		for (int k = 0; i != node && k < 2 && generations[k]; k++)
			keys[e.keys.count++] = (struct domain_key){.peer = i,
				.spi = 4096 + generations[k],
				.secret = {low, high, 77, (uint8_t)generations[k],
					(uint8_t)(generations[k] >> 8)},
				.secret_len = 16};
	}
	e.keys.list = keys;
	world_event(&w, node, &e);
}

/* Steps of a rotation: at each the nodes follow one after the other, while MNs move. */
static void step_all(unsigned int first, unsigned int second)
{
	static const int places[] = {W_MAG_1A, W_MAG_1B, W_MAG_2, W_H_LMA};
	static unsigned int move;

	for (int node = 0; node < W_NODES; node++) {
		give_keys(node, (unsigned int[]){first, second});
		go((int)(move % W_MOBILES), places[move / W_MOBILES % 4]);
		move++;
		world_run(&w, 50);
	}
	world_run(&w, 200); /* nothing under the old order is on its way any more */
}

static uint64_t refusals(void)
{
	static const enum dlma_signal_reason bad[] = {DLMA_SIGNAL_auth_failed, DLMA_SIGNAL_auth_spi,
		DLMA_SIGNAL_auth_missing, DLMA_SIGNAL_stranger, DLMA_SIGNAL_stale_epoch,
		DLMA_SIGNAL_replayed};
	uint64_t sum = 0;

	for (int node = 0; node < W_NODES; node++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
			sum += world_reason(&w, node, bad[i]);
	return sum;
}

Test(siege, rotations_under_load_refuse_nothing)
{
	unsigned int rotations = 100, before;
	uint64_t refused, settled;

	for (int mn = 0; mn < W_MOBILES; mn++)
		(void)attach(mn, W_MAG_1A);
	for (int node = 0; node < W_NODES; node++)
		w.conf[node].moves_per_mn = 0;
	step_all(1, 0); /* from the keys of the world to ours; this one is allowed to hurt */
	world_run(&w, 20000);
	settled = refusals();
	before = messages();
	for (unsigned int i = 1; i <= rotations; i++) {
		step_all(i, i + 1);
		step_all(i + 1, i);
		step_all(i + 1, 0);
	}
	refused = refusals() - settled;
	record_figure("key-rotations-in-process-refused", "0", refused == 0,
		"%llu of %u messages in %u rotations", (unsigned long long)refused,
		messages() - before, rotations);
	cr_assert(eq(u64, refused, 0));
	cr_assert(lt(u32, 10000, messages() - before), "there was a load");
}

/* Replays */

enum { RECORDED_MAX = 512, REPLAYS = 100000, HOUR_MS = 3600000 };

static struct world_message recorded[RECORDED_MAX];
static unsigned int recorded_count;

static bool record_all(struct world *world, const struct world_message *m)
{
	(void)world;
	if (recorded_count < RECORDED_MAX)
		recorded[recorded_count++] = *m;
	return false;
}

static uint64_t all_reasons(void)
{
	uint64_t sum = 0;

	for (int node = 0; node < W_NODES; node++)
		for (int i = 0; i < DLMA_SIGNAL_REASON_COUNT; i++)
			if (i != DLMA_SIGNAL_option_unknown)
				sum += world_reason(&w, node, (enum dlma_signal_reason)i);
	return sum;
}

static uint64_t accepted(void)
{
	uint64_t sum = 0;

	for (int node = 0; node < W_NODES; node++)
		sum += world_reason(&w, node, DLMA_SIGNAL_accepted);
	return sum;
}

/* All that was recorded, so many times, to whom it was for or to another node. */
static void replay(const char *what, int shift)
{
	uint64_t counted = all_reasons(), believed = accepted();
	struct image before[W_NODES], after[W_NODES];
	bool same = true;
	char name[64];

	for (int i = 0; i < W_NODES; i++)
		before[i] = image_of(w.cores[i]);
	for (unsigned int i = 0; i < REPLAYS; i++) {
		const struct world_message *m = &recorded[i % recorded_count];
		int to = (m->to + shift) % W_NODES;

		if (to == m->from)
			to = (to + 1) % W_NODES;
		world_inject(&w, m->from, to, m->bytes, m->len);
	}
	w.wire_count = 0; /* what they may have answered to each other is another matter */
	for (int i = 0; i < W_NODES; i++) {
		after[i] = image_of(w.cores[i]);
		same = same && image_same(&before[i], &after[i]);
		free(before[i].bytes);
		free(after[i].bytes);
	}
	snprintf(name, sizeof(name), "replayed-%s-accepted", what);
	record_figure(name, "0", accepted() == believed && same, "%llu of %d, tables %s",
		(unsigned long long)(accepted() - believed), REPLAYS, same ? "same" : "changed");
	cr_expect(eq(u64, accepted(), believed), "%s", what);
	cr_expect(eq(u64, all_reasons() - counted, REPLAYS), "%s: each is counted once", what);
	cr_expect(same, "%s", what);
}

Test(siege, nothing_recorded_is_of_any_use)
{
	w.lose = record_all;
	for (int i = 0; i < 4; i++) {
		(void)attach(W_MN1, i % 2 ? W_MAG_2 : W_MAG_1A);
		(void)attach(W_MN2, i % 2 ? W_MAG_1B : W_H_LMA);
	}
	w.lose = NULL;
	cr_assert(lt(u32, 30, recorded_count));
	replay("at-once", 0);
	replay("to-another-node", 1);
	world_run(&w, HOUR_MS);
	replay("after-an-hour", 0);
	world_restart(&w, W_V_LMA_1);
	world_restart(&w, W_MAG_2);
	replay("right-after-a-restart", 0); /* before they have heard of anybody */
	world_run(&w, 1000);
	replay("after-a-restart", 0);
	world_restart(&w, W_H_LMA);
	world_run(&w, HOUR_MS);
	replay("after-an-hour-and-a-restart", 0);
}

/* Insiders */

/* A MAG with valid keys says of a MN that is at another that it is with it. */
static unsigned int lie(int mag, const struct dlma_prefix *hnp, unsigned int *ret_lost_ms)
{
	unsigned int ms = 0;

	world_move(&w, W_MN1, mag);
	w.at[W_MN1] = W_MAG_1A;
	for (; ms < 2000; ms++) {
		world_run(&w, 1);
		*ret_lost_ms += !is_right(hnp, W_MAG_1A);
	}
	return ms;
}

Test(siege, an_insider_is_found_out_and_put_right)
{
	static const int rogues[] = {W_MAG_2, W_MAG_1B};

	for (size_t i = 0; i < sizeof(rogues) / sizeof(*rogues); i++) {
		struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
		unsigned int lost_ms = 0;
		const struct peer *rival;

		world_run(&w, 5000);
		(void)lie(rogues[i], &hnp, &lost_ms);
		rival = &core_state(w.cores[W_V_LMA_1])->peers[i ? W_MAG_1B : W_V_LMA_2];
		cr_assert(eq(u64, rival->disputed, 1), "the alarm names the rogue");
		cr_assert(eq(u32, w.reports[W_V_LMA_1][REPORT_move_disputed], 1));
		cr_assert(is_right(&hnp, W_MAG_1A));
		record_figure(i ? "insider-mag-of-the-same-lma-holds-a-mn"
				: "insider-at-another-lma-holds-a-mn",
			"below 1000 ms", lost_ms < 1000, "%u ms", lost_ms);
		cr_assert(lt(u32, lost_ms, 1000));
		teardown();
		setup();
	}
}
