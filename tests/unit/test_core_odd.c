/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What fuzzing the core has found: rare orders, and maps and stores of another configuration. */
#include "invariants.h"
#include "world.h"
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

TestSuite(core_odd, .init = setup, .fini = teardown);

static struct dlma_prefix attach(int mn, int mag)
{
	world_move(&w, mn, mag);
	world_run(&w, 200);
	return w.heard_hnp[mn];
}

static void expect_invariants(void)
{
	for (int i = 0; i < W_NODES; i++)
		cr_assert_null(invariants_broken(w.cores[i]), "node %d: %s", i,
			invariants_broken(w.cores[i]));
}

static struct dlma_prefix prefix_of(uint8_t block, uint8_t number, unsigned int len)
{
	struct dlma_addr a = {.b = {0x20, 0x01, 0x0d, 0xb8, block, 0, 0, number}};

	return prefix_make(a, len);
}

static bool lose_all(struct world *world, const struct world_message *m)
{
	(void)world, (void)m;
	return true;
}

static void miss(int node, const struct dlma_prefix *hnp)
{
	world_packet_event(&w, node, DLMA_EVENT_MISROUTED, hnp, W_V_LMA_2);
}

/* A location update that was lost, and is not true any more when it is to be sent again. */
Test(core_odd, an_o_lma_is_told_again_after_it_was_the_d_lma)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);

	w.lose = lose_all;
	miss(W_H_LMA, &hnp);
	w.lose = NULL;
	(void)attach(W_MN1, W_MAG_2);
	world_run(&w, 10000);
	cr_assert(eq(sz, core_state(w.cores[W_H_LMA])->notices.count, 0), "nothing is to be said");
	(void)attach(W_MN1, W_MAG_1A);
	world_run(&w, 100000);
	cr_assert(not(world_location(&w, W_V_LMA_2, &hnp) != NULL), "forwarding has ended");
	miss(W_H_LMA, &hnp);
	world_run(&w, 200);
	cr_assert_not_null(world_location(&w, W_V_LMA_2, &hnp), "the O-LMA was told");
	expect_invariants();
}

/* As a node would that speaks another dialect: RFC 6275 6.1.8, below 128 is accepted. */
static bool accept_otherwise(struct world *world, const struct world_message *m)
{
	struct effects *effects = calloc(1, sizeof(*effects));
	struct core *sender = world->cores[m->from];
	struct mh_message message;
	unsigned int unknown;
	bool change = m->from == W_H_LMA && m->to == W_V_LMA_1 && m->bytes[2] == MH_BINDING_ACK;

	world->lose = NULL;
	if (change) {
		cr_assert_eq(mh_decode(m->bytes, m->len, &message, &unknown), 0);
		message.ba.status = 1;
		message.options.has &=
			~(MH_HAS(MH_OPTION_AUTHENTICATION) | MH_HAS(MH_OPTION_VENDOR));
		sender->effects = effects;
		cr_assert_eq(peer_send(sender, (uint16_t)m->to, &message), 0);
		world_inject(world, m->from, m->to, effects->list[0].send.bytes,
			effects->list[0].send.len);
	}
	world->lose = accept_otherwise;
	free(effects);
	return change;
}

Test(core_odd, every_status_below_128_accepts)
{
	struct dlma_prefix hnp;

	w.lose = accept_otherwise;
	hnp = attach(W_MN1, W_MAG_1A);
	w.lose = NULL;
	cr_assert(world_delivers(&w, W_MAG_1A, &hnp));
	cr_assert(eq(int, world_location(&w, W_V_LMA_1, &hnp)->kind, DLMA_LOCATION_BINDING));
	expect_invariants();
}

static void adopt_location(int node, struct dlma_prefix hnp, uint8_t kind, int target)
{
	struct event e = {.kind = EVENT_ADOPT_LOCATION};

	e.adopt_location.hnp = hnp;
	e.adopt_location.kind = kind;
	e.adopt_location.target = w.conf[0].domain.nodes[target].address;
	world_event(&w, node, &e);
}

Test(core_odd, the_cache_stays_bounded_when_a_larger_one_is_adopted)
{
	w.conf[W_V_LMA_2].cache_max = 2;
	for (uint8_t i = 1; i < 8; i++)
		adopt_location(W_V_LMA_2, prefix_of(1, i, 64), DLMA_LOCATION_CACHED, W_V_LMA_1);
	cr_assert(eq(u32, core_state(w.cores[W_V_LMA_2])->cached, 2));
	expect_invariants();
}

Test(core_odd, what_lies_outside_the_prefixes_is_not_adopted)
{
	struct event access = {.kind = EVENT_ADOPT_ACCESS}, record = {.kind = EVENT_RESTORE};
	struct dlma_prefix outside = prefix_of(9, 1, 64), too_long = prefix_of(1, 1, 80);

	adopt_location(W_V_LMA_2, outside, DLMA_LOCATION_CACHED, W_V_LMA_1);
	adopt_location(W_V_LMA_2, too_long, DLMA_LOCATION_BINDING, W_MAG_2);
	cr_assert(eq(sz, core_state(w.cores[W_V_LMA_2])->learnt.count, 0));
	access.adopt_access.hnp = outside;
	access.adopt_access.ifindex = 7;
	memcpy(access.adopt_access.mac, (uint8_t[]){2, 0, 0, 0, 1, 1}, 6);
	world_event(&w, W_MAG_2, &access);
	cr_assert(eq(sz, core_state(w.cores[W_MAG_2])->attachments.count, 0));
	record.restore.hnp = too_long;
	record.restore.mn = (struct identity){.id_len = 3, .id = "a@b"};
	world_event(&w, W_H_LMA, &record);
	cr_assert(eq(sz, core_state(w.cores[W_H_LMA])->anchors.count, 0));
	expect_invariants();
}

/* The LMA forgot the first MN, and has given its HNP to the second. */
Test(core_odd, a_hnp_that_goes_to_another_mn_leaves_the_first)
{
	struct dlma_prefix first = attach(W_MN1, W_MAG_1A), second;
	struct attachment *a;

	w.stored_count = 0;
	memset(w.locations, 0, sizeof(w.locations));
	world_restart(&w, W_H_LMA);
	world_restart(&w, W_V_LMA_1);
	w.at[W_MN1] = W_NONE; /* else it would register again at once */
	world_move(&w, W_MN2, W_MAG_1A);
	world_run(&w, 300);
	second = w.heard_hnp[W_MN2];
	cr_assert(prefix_equal(&first, &second));
	a = attachment_by_hnp(w.cores[W_MAG_1A], &second);
	cr_assert(eq(int, a->mac[5], 2));
	expect_invariants();
}

/* The clock of a node that is LMA and MAG went back: its own de-registration is refused at first.
 */
Test(core_odd, a_deregistration_is_made_by_the_clock_of_the_lma)
{
	struct dlma_prefix hnp = attach(W_MN1, W_H_LMA);

	w.skew_ms[W_H_LMA] = -3600000;
	world_detach(&w, W_MN1, W_H_LMA);
	world_run(&w, 100);
	cr_assert(eq(int, binding_by_hnp(w.cores[W_H_LMA], &hnp)->state, BINDING_DELETING));
	cr_assert(eq(int, world_location(&w, W_H_LMA, &hnp)->kind, DLMA_LOCATION_HELD));
	expect_invariants();
	world_run(&w, 20000);
	cr_assert(world_location(&w, W_H_LMA, &hnp) == NULL);
	expect_invariants();
}

static void set_link(int node, uint32_t mtu)
{
	struct event e = {.kind = EVENT_LINK};

	e.link.ifindex = 7;
	e.link.mtu = mtu;
	memcpy(e.link.mac, (uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13}, 6);
	world_event(&w, node, &e);
}

/* Asked whether a MN is still there, a MAG loses the access link, and gets it and the MN back. */
Test(core_odd, a_mn_that_comes_back_is_not_asked_about_before)
{
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	struct event back = {.kind = EVENT_ATTACH};

	world_move(&w, W_MN1, W_MAG_2);
	world_run(&w, 100);
	cr_assert(attachment_by_hnp(w.cores[W_MAG_1A], &hnp)->revoking);
	w.lose = lose_all;
	set_link(W_MAG_1A, 0);
	world_run(&w, 600);
	set_link(W_MAG_1A, 1500);
	w.lose = NULL;
	w.at[W_MN1] = W_MAG_1A;
	back.attach.ifindex = 7;
	memcpy(back.attach.mac, (uint8_t[]){2, 0, 0, 0, 1, 1}, 6);
	world_event(&w, W_MAG_1A, &back);
	world_run(&w, 200);
	cr_assert(world_delivers(&w, W_MAG_1A, &hnp));
	expect_invariants();
	world_run(&w, 1000000);
	cr_assert(world_delivers(&w, W_MAG_1A, &hnp), "it is kept, since it answers");
	expect_invariants();
}

/* It did not fit, but what stood there before is in the map still. */
Test(core_odd, a_location_that_cannot_be_written_leaves_nothing_behind)
{
	struct event failed = {.kind = EVENT_MAP_FAILED};
	struct dlma_prefix hnp = attach(W_MN1, W_MAG_1A);
	unsigned int tunnels;

	(void)attach(W_MN1, W_MAG_2);
	cr_assert(eq(int, world_location(&w, W_V_LMA_1, &hnp)->kind, DLMA_LOCATION_FORWARDING));
	failed.map_failed.hnp = hnp;
	world_event(&w, W_V_LMA_1, &failed);
	cr_assert(not(world_location(&w, W_V_LMA_1, &hnp) != NULL));
	cr_assert(eq(int, world_trace(&w, W_V_LMA_1, &hnp, &tunnels), W_MAG_2));
	expect_invariants();
}
