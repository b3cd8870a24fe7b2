// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What nodes with valid keys cannot do, and what bounds that which they can (docs/security.md). The
 * plain combinations of who, what and which HNP are in test_matrix.c.
 */
#include "record.h"
#include "rig.h"
#include "toy_mac.h"
#include "world.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

static struct rig r;
static struct dlma_prefix first, second;

static void setup(void)
{
	first = rig_hnp(R_OWNER, 1);
	second = rig_hnp(R_OWNER, 2);
}

TestSuite(trust, .init = setup);

static void registration(struct mh_message *m, int mn, const struct dlma_prefix *hnp)
{
	*m = (struct mh_message){.type = MH_BINDING_UPDATE};
	m->bu.flags = MH_BU_ACK | MH_BU_PROXY;
	m->bu.lifetime = 100;
	rig_session(&r, m, mn, hnp);
}

static uint8_t status_for(int from, struct mh_message *m)
{
	const struct mh_message *answer;

	rig_run(&r, 1);
	rig_forget(&r);
	rig_receive(&r, from, m);
	answer = rig_answer(&r, from, MH_BINDING_ACK);
	cr_assert(answer != NULL, "not answered");
	return answer->ba.status;
}

/* A claim of a V-LMA, with the stamp of this moment. */
static uint8_t claim(int lma, int mn, const struct dlma_prefix *hnp)
{
	struct mh_message m;

	registration(&m, mn, hnp);
	return status_for(lma, &m);
}

static uint8_t location_update(
	int from, const struct dlma_prefix *hnp, int mn, int dlma, int64_t ahead_ms)
{
	struct mh_message m;

	registration(&m, mn, hnp);
	m.options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS) | MH_HAS(MH_OPTION_ALTERNATE_COA);
	m.options.lma_address = m.options.alternate_coa = r.nodes[dlma].address;
	m.options.timestamp += (uint64_t)(ahead_ms * 65536 / 1000);
	return status_for(from, &m);
}

static const struct learnt *only_learnt(void)
{
	struct table_node *n = table_next(&core_state(r.core)->learnt, NULL);

	return n ? container_of(n, struct learnt, by_hnp) : NULL;
}

/* Answers */

Test(trust, an_answer_of_another_kind_answers_nothing)
{
	struct mh_message m = {.type = MH_BINDING_ACK};

	rig_init(&r, R_D_LMA);
	rig_binding(&r, R_MAG, R_MN1, &first);
	rig_run(&r, 10);
	(void)location_update(R_V_LMA, &first, R_MN1, R_V_LMA, 0);
	m.ba.sequence = rig_answer(&r, R_MAG, MH_BINDING_REVOCATION)->revocation.sequence;
	m.ba.flags = MH_REVOCATION_MN_ATTACHED;
	rig_receive(&r, R_MAG, &m);
	cr_assert(eq(sz, core_state(r.core)->revocations.count, 1), "still asked");
	cr_assert(eq(sz, core_state(r.core)->bindings.count, 0));
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_unexpected), 1));
	rig_done(&r);
}

/* The answer of an LMA to a claim, with a HNP of its choice. */
static void assign(int from, int mn, const struct dlma_prefix *hnp)
{
	struct mh_message m = {.type = MH_BINDING_ACK};

	m.ba.sequence = rig_answer(&r, from, MH_BINDING_UPDATE)->bu.sequence;
	m.ba.flags = MH_BA_PROXY;
	m.ba.lifetime = 100;
	rig_session(&r, &m, mn, hnp);
	rig_receive(&r, from, &m);
}

Test(trust, an_owner_assigns_none_but_its_own_hnps)
{
	struct mh_message m;

	rig_init(&r, R_D_LMA);
	rig_binding(&r, R_MAG, R_MN1, &first);
	rig_run(&r, 10);
	registration(&m, R_MN3, &(struct dlma_prefix){0});
	rig_receive(&r, R_MAG_2, &m);
	assign(R_OTHER, R_MN3, &first); /* of R_OWNER, and bound here for another MN */
	cr_assert(
		eq(u8, rig_answer(&r, R_MAG_2, MH_BINDING_ACK)->ba.status, MH_STATUS_unspecified));
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_not_authorised), 1));
	cr_assert(eq(sz, core_state(r.core)->bindings.count, 1));
	cr_assert(eq(u16, core_state(r.core)->peers[R_MAG].bindings, 1));
	cr_assert(eq(u16, core_state(r.core)->peers[R_MAG_2].bindings, 0));
	rig_done(&r);
}

Test(trust, an_owner_does_not_exchange_the_hnp_that_was_asked_for)
{
	struct mh_message m;

	rig_init(&r, R_D_LMA);
	registration(&m, R_MN1, &first);
	rig_receive(&r, R_MAG, &m);
	assign(R_OWNER, R_MN1, &second);
	cr_assert(ne(u8, rig_answer(&r, R_MAG, MH_BINDING_ACK)->ba.status, MH_STATUS_accepted));
	cr_assert(eq(sz, core_state(r.core)->bindings.count, 0));
	rig_done(&r);
}

Test(trust, an_lma_assigns_no_hnp_outside_the_domain)
{
	struct dlma_prefix outside = rig_hnp(R_STRANGER, 1);
	struct event e = {.kind = EVENT_ATTACH};

	rig_init(&r, R_MAG);
	e.attach.ifindex = 7;
	memcpy(e.attach.mac, r.mobiles[R_MN1].link_layer, 6);
	rig_event(&r, &e);
	assign(R_D_LMA, R_MN1, &outside);
	cr_assert(eq(u32, r.deeds, 0), "no access entry");
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_not_authorised), 1));
	rig_done(&r);
}

/* The cache of an O-LMA */

Test(trust, a_d_lma_cannot_keep_the_packets_of_a_mn_that_has_left)
{
	struct event use = {.kind = EVENT_USE};
	bool asked = false;

	rig_init(&r, R_O_LMA);
	rig_cached(&r, &first, R_MN1, R_D_LMA);
	use.use.hnp = first;
	/* It says "with me" again and again, with stamps above all that the owner can say. */
	for (int i = 0; i < 62 && only_learnt(); i++) {
		rig_run(&r, 1000);
		if (only_learnt())
			(void)location_update(R_D_LMA, &first, R_MN1, R_D_LMA, 29000);
		rig_event(&r, &use);
		asked = asked || rig_answer(&r, R_OWNER, MH_BINDING_REFRESH_REQUEST);
	}
	cr_assert(asked, "the owner was asked");
	cr_assert(only_learnt() == NULL, "the entry ended when the owner's word did");
	rig_done(&r);
}

Test(trust, a_proxy_coa_is_taken_by_the_policy_of_the_mn_that_the_hnp_is_known_to_be_of)
{
	struct mh_message m;

	rig_init(&r, R_O_LMA);
	r.mobiles[R_MN1].disclosure = DOMAIN_DISCLOSE_NONE;
	rig_cached(&r, &first, R_MN1, R_D_LMA);
	registration(&m, R_MN2, &first); /* MN2 may be disclosed */
	m.options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS) | MH_HAS(MH_OPTION_ALTERNATE_COA);
	m.options.lma_address = r.nodes[R_D_LMA].address;
	m.options.alternate_coa = r.nodes[R_MAG].address;
	cr_assert(eq(u8, status_for(R_D_LMA, &m), MH_STATUS_prohibited));
	cr_assert(eq(u16, only_learnt()->target, R_D_LMA));
	rig_done(&r);
}

/* Handover between MAGs */

static void handover(int from, const struct dlma_prefix *hnp)
{
	struct mh_message m = {.type = MH_HANDOVER_INITIATE};

	rig_run(&r, 5);
	m.handover.sequence = 9;
	m.handover.flags = MH_HI_PROXY | MH_HI_FORWARD;
	rig_session(&r, &m, R_MN1, hnp);
	m.options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS);
	m.options.lma_address = r.nodes[R_V_LMA].address;
	rig_receive(&r, from, &m);
}

static void revoke(uint8_t trigger)
{
	struct mh_message m = {.type = MH_BINDING_REVOCATION};
	struct identity mn = rig_mn(&r, R_MN1);

	m.revocation.type = MH_REVOCATION_INDICATION;
	m.revocation.code = trigger;
	m.revocation.sequence = 5;
	m.options.mn_id_count = 1;
	m.options.mn_id[0].subtype = 1;
	m.options.mn_id[0].len = mn.id_len;
	memcpy(m.options.mn_id[0].id, mn.id, mn.id_len);
	m.options.hnp[m.options.hnp_count++].prefix = first;
	rig_receive(&r, R_D_LMA, &m);
}

static const struct attachment *only_attachment(void)
{
	struct table_node *n = table_next(&core_state(r.core)->attachments, NULL);

	return n ? container_of(n, struct attachment, by_mac) : NULL;
}

static int handover_code(int to)
{
	const struct mh_message *m = rig_answer(&r, to, MH_HANDOVER_ACK);

	return m ? m->handover.code : -1;
}

Test(trust, a_mag_cannot_take_a_mn_that_is_present_at_another)
{
	rig_init(&r, R_MAG);
	rig_attachment(&r, R_MN1, &first);
	r.mn_present = true;
	handover(R_FOREIGN_MAG, &first);
	cr_assert(eq(int, handover_code(R_FOREIGN_MAG), MH_HACK_REFUSED));
	cr_assert(only_attachment()->delivering);
	cr_assert(eq(u32, r.deeds, 0), "not for a moment");
	cr_assert(eq(u32, r.reports[REPORT_move_disputed], 1));
	cr_assert(eq(u64, core_state(r.core)->peers[R_FOREIGN_MAG].disputed, 1));
	cr_assert(rig_answer(&r, R_D_LMA, MH_BINDING_UPDATE) == NULL);
	rig_run(&r, 10000);
	cr_assert(rig_answer(&r, R_D_LMA, MH_BINDING_UPDATE) != NULL, "refreshed soon after");
	rig_done(&r);
}

Test(trust, a_mn_that_does_not_answer_is_handed_over)
{
	rig_init(&r, R_MAG);
	rig_attachment(&r, R_MN1, &first);
	handover(R_FOREIGN_MAG, &first);
	cr_assert(eq(int, handover_code(R_FOREIGN_MAG), -1), "not yet");
	cr_assert(only_attachment()->delivering);
	rig_run(&r, 600);
	cr_assert(eq(int, handover_code(R_FOREIGN_MAG), MH_HACK_ACCEPTED));
	cr_assert(eq(u8, only_learnt()->kind, DLMA_LOCATION_FORWARDING));
	cr_assert(eq(u16, only_learnt()->target, R_FOREIGN_MAG));
	rig_done(&r);
}

Test(trust, the_word_of_the_own_lma_makes_a_handover_good_at_once)
{
	rig_init(&r, R_MAG);
	rig_attachment(&r, R_MN1, &first);
	handover(R_FOREIGN_MAG, &first);
	revoke(MH_TRIGGER_HANDOVER_UNKNOWN);
	cr_assert(eq(int, handover_code(R_FOREIGN_MAG), MH_HACK_ACCEPTED));
	cr_assert(not(only_attachment()->delivering));
	rig_done(&r);
}

/* The LMA believed a rogue; the MN is here, and has its packets back as soon as it says so. */
Test(trust, a_mn_that_is_present_after_all_is_served_again)
{
	struct event e = {.kind = EVENT_NEIGHBOUR};

	rig_init(&r, R_MAG);
	rig_attachment(&r, R_MN1, &first);
	revoke(MH_TRIGGER_HANDOVER_UNKNOWN);
	handover(R_FOREIGN_MAG, &first);
	cr_assert(not(only_attachment()->delivering));
	e.neighbour.ifindex = 7;
	memcpy(e.neighbour.mac, r.mobiles[R_MN1].link_layer, 6);
	e.neighbour.message.type = ND_NEIGHBOR_ADVERTISEMENT;
	e.neighbour.message.src = nd_link_local(r.mobiles[R_MN1].link_layer);
	rig_event(&r, &e);
	cr_assert(only_attachment()->delivering);
	cr_assert(only_learnt() == NULL, "it forwards no more");
	cr_assert(eq(u8, rig_answer(&r, R_D_LMA, MH_BINDING_REVOCATION)->revocation.code,
		MH_REVOCATION_MN_ATTACHED));
	rig_done(&r);
}

Test(trust, a_mn_that_left_longer_ago_may_still_be_handed_over)
{
	struct event e = {.kind = EVENT_DETACH};

	rig_init(&r, R_MAG);
	rig_attachment(&r, R_MN1, &first);
	memcpy(e.attach.mac, r.mobiles[R_MN1].link_layer, 6);
	rig_event(&r, &e);
	rig_run(&r, 5000);
	cr_assert(eq(u16, only_learnt()->target, DOMAIN_NO_NODE), "its packets wait no longer");
	handover(R_FOREIGN_MAG, &second);
	cr_assert(eq(int, handover_code(R_FOREIGN_MAG), MH_HACK_PROHIBITED));
	handover(R_FOREIGN_MAG, &first);
	cr_assert(eq(int, handover_code(R_FOREIGN_MAG), MH_HACK_ACCEPTED));
	/* Where it is now, its new MAG says, and no third one. */
	handover(R_MAG_2, &first);
	cr_assert(eq(int, handover_code(R_MAG_2), MH_HACK_PROHIBITED));
	cr_assert(eq(u16, only_learnt()->target, R_FOREIGN_MAG));
	rig_run(&r, 70000);
	cr_assert(only_learnt() == NULL);
	rig_done(&r);
}

Test(trust, handovers_of_mns_that_were_never_here_take_no_memory)
{
	rig_init(&r, R_MAG);
	for (unsigned int i = 1; i < 200; i++) {
		struct dlma_prefix hnp = rig_hnp(R_OWNER, i);

		rig_forget(&r);
		handover(R_FOREIGN_MAG, &hnp);
	}
	cr_assert(eq(sz, core_state(r.core)->learnt.count, 0));
	rig_done(&r);
}

/* Without authentication there is nothing */

Test(trust, what_cannot_be_authenticated_is_not_answered)
{
	uint8_t bytes[16] = {59, 1, 77};

	rig_init(&r, R_OWNER);
	mh_checksum_set(&r.nodes[R_V_LMA].address, &r.nodes[R_OWNER].address, bytes, sizeof(bytes));
	for (int i = 0; i < 1000; i++)
		rig_inject(&r, R_V_LMA, bytes, sizeof(bytes));
	cr_assert(eq(u32, r.sent_count, 0));
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_mh_type_unknown), 1000));
	rig_done(&r);
}

/* One MN, one record */

Test(trust, a_mn_without_its_link_layer_id_is_the_same_mn)
{
	struct mh_message m;

	rig_init(&r, R_OWNER);
	rig_anchor(&r, R_D_LMA, R_MN1, &(struct dlma_prefix){0});
	rig_run(&r, 10);
	registration(&m, R_MN1, &(struct dlma_prefix){0});
	m.options.has &= ~MH_HAS(MH_OPTION_LL_ID);
	cr_assert(eq(u8, status_for(R_V_LMA, &m), MH_STATUS_accepted));
	cr_assert(eq(sz, core_state(r.core)->anchors.count, 1));
	cr_assert(not(mh_option_has(
			  &rig_answer(&r, R_V_LMA, MH_BINDING_ACK)->options, MH_OPTION_LL_ID)),
		"an answer repeats what was asked");
	rig_done(&r);
}

Test(trust, a_bound_mn_without_its_link_layer_id_is_the_same_mn)
{
	struct mh_message m;

	rig_init(&r, R_D_LMA);
	rig_binding(&r, R_MAG, R_MN1, &first);
	rig_run(&r, 10);
	registration(&m, R_MN1, &first);
	m.options.has &= ~MH_HAS(MH_OPTION_LL_ID);
	cr_assert(eq(u8, status_for(R_MAG, &m), MH_STATUS_accepted));
	cr_assert(eq(sz, core_state(r.core)->bindings.count, 1));
	rig_done(&r);
}

/* The new D-LMA may keep it from the previous one, who alone can say that it is not true. */
Test(trust, the_h_lma_tells_the_previous_d_lma_of_a_move)
{
	const struct mh_message *told;

	rig_init(&r, R_OWNER);
	rig_anchor(&r, R_D_LMA, R_MN1, &first);
	cr_assert(eq(u8, claim(R_V_LMA, R_MN1, &first), MH_STATUS_accepted));
	told = rig_answer(&r, R_D_LMA, MH_BINDING_UPDATE);
	cr_assert(told != NULL);
	cr_assert(addr_equal(&told->options.lma_address, &r.nodes[R_V_LMA].address));
	cr_assert(prefix_equal(&told->options.hnp[0].prefix, &first));
	rig_done(&r);
}

Test(trust, nobody_registers_for_longer_than_the_domain_says)
{
	struct mh_message m;

	rig_init(&r, R_OWNER);
	registration(&m, R_MN1, &first);
	m.bu.lifetime = UINT16_MAX; /* three days */
	cr_assert(eq(u8, status_for(R_V_LMA, &m), MH_STATUS_accepted));
	cr_assert(eq(u16, rig_answer(&r, R_V_LMA, MH_BINDING_ACK)->ba.lifetime, 150));
	rig_run(&r, 700000);
	cr_assert(eq(u32, core_state(r.core)->peers[R_V_LMA].anchors, 0));
	rig_done(&r);
}

/* Prefixes that not every LMA may anchor */

static uint16_t entitled[] = {R_D_LMA};

static void restrict_owner(void)
{
	r.prefixes[0].anchors = entitled;
	r.prefixes[0].anchor_count = 1;
}

Test(trust, an_lma_without_title_to_a_prefix_anchors_none_of_its_mns)
{
	struct dlma_prefix any = {0};

	rig_init(&r, R_OWNER);
	restrict_owner();
	cr_assert(eq(u8, claim(R_V_LMA, R_MN1, &first), MH_STATUS_mag_not_authorised));
	cr_assert(eq(u8, claim(R_V_LMA, R_MN1, &any), MH_STATUS_no_resources), "no block for it");
	cr_assert(eq(sz, core_state(r.core)->anchors.count, 0));
	cr_assert(eq(u8, claim(R_D_LMA, R_MN1, &any), MH_STATUS_accepted));
	cr_assert(
		eq(u8, claim(R_V_LMA, R_MN1, &any), MH_STATUS_mag_not_authorised), "nor moves it");
	cr_assert(eq(u32, core_state(r.core)->peers[R_D_LMA].anchors, 1));
	r.mobiles[R_MN2].has_hnp = true;
	rig_done(&r);
}

Test(trust, a_previous_d_lma_believes_entitled_lmas_only)
{
	rig_init(&r, R_O_LMA);
	restrict_owner();
	rig_cached(&r, &first, R_MN1, R_D_LMA);
	cr_assert(
		eq(u8, location_update(R_D_LMA, &first, R_MN1, R_V_LMA, 0), MH_STATUS_prohibited));
	cr_assert(
		eq(u8, location_update(R_OWNER, &first, R_MN1, R_V_LMA, 0), MH_STATUS_prohibited));
	cr_assert(eq(u16, only_learnt()->target, R_D_LMA));
	rig_done(&r);
}

/* Quotas */

static void crowd_hnp(struct dlma_prefix *hnp, int mn)
{
	*hnp = rig_hnp(R_OWNER, 0);
	hnp->addr.b[6] = (uint8_t)(mn >> 8);
	hnp->addr.b[7] = (uint8_t)mn;
}

Test(trust, a_mag_has_no_more_mns_than_it_may)
{
	struct mh_message m;

	rig_init(&r, R_D_LMA);
	r.conf.bindings_per_mag = 1;
	rig_binding(&r, R_MAG, R_MN1, &first);
	registration(&m, R_MN2, &(struct dlma_prefix){0});
	cr_assert(eq(u8, status_for(R_MAG, &m), MH_STATUS_no_resources));
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_quota), 1));
	cr_assert(eq(u32, r.reports[REPORT_quota_entries], 1), "an alarm");
	cr_assert(eq(u64, core_state(r.core)->peers[R_MAG].over_quota, 1));
	cr_assert(rig_answer(&r, R_OWNER, MH_BINDING_UPDATE) == NULL, "nobody else is bothered");
	rig_run(&r, 10);
	registration(&m, R_MN1, &first);
	cr_assert(eq(u8, status_for(R_MAG, &m), MH_STATUS_accepted), "it keeps what it has");
	rig_binding(&r, R_MAG_2, R_MN2, &second); /* others are not its business */
	rig_done(&r);
}

Test(trust, a_v_lma_anchors_no_more_mns_than_it_may)
{
	unsigned int accepted = 0;

	rig_init_crowded(&r, R_OWNER);
	r.conf.anchors_per_lma = 100;
	for (int i = 0; i < 150; i++) {
		struct dlma_prefix hnp;

		crowd_hnp(&hnp, 10 + i);
		accepted += claim(R_V_LMA, R_MOBILES + i, &hnp) == MH_STATUS_accepted;
	}
	cr_assert(eq(u32, accepted, 100));
	cr_assert(eq(sz, core_state(r.core)->anchors.count, 100), "nothing left of the refused");
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_quota), 50));
	crowd_hnp(&first, 10);
	cr_assert(eq(u8, claim(R_D_LMA, R_MOBILES, &first), MH_STATUS_accepted), "others may");
	crowd_hnp(&second, 10 + 149);
	cr_assert(eq(u8, claim(R_V_LMA, R_MOBILES + 149, &second), MH_STATUS_accepted),
		"it has room again");
	record_figure("quota-anchors-accepted-of-150", "100", accepted == 100, "%u", accepted);
	rig_done(&r);
}

/* What the configuration gives a node by default. */
static void default_quotas(struct node_conf *c)
{
	c->bindings_per_mag = c->anchors_per_lma = 28672;
	c->moves_per_peer = 1000;
	c->moves_per_mn = 3;
}

/* A site fails, and all its MNs come to another one in the same moment. */
Test(trust, a_whole_site_may_move_at_once)
{
	unsigned int refused = 0;

	rig_init_crowded(&r, R_OWNER);
	default_quotas(&r.conf);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < R_CROWD; i++) {
			struct mh_message m;
			struct dlma_prefix hnp;

			crowd_hnp(&hnp, 10 + i);
			registration(&m, R_MOBILES + i, &hnp);
			rig_forget(&r);
			rig_receive(&r, round ? R_D_LMA : R_V_LMA, &m);
			refused += rig_answer(&r, round ? R_D_LMA : R_V_LMA, MH_BINDING_ACK)
					   ->ba.status != MH_STATUS_accepted;
		}
		rig_run(&r, 10);
	}
	cr_assert(eq(u32, core_state(r.core)->peers[R_D_LMA].anchors, R_CROWD));
	record_figure("quota-honest-mass-handover-refused", "0", refused == 0, "%u of %d", refused,
		2 * R_CROWD);
	cr_assert(eq(u32, refused, 0));
	rig_done(&r);
}

/* Two LMAs pull at one MN as fast as they can: each of them gets it three times a second. */
Test(trust, one_mn_moves_no_faster_than_it_may)
{
	const struct peer *peers;
	unsigned int moves = 0;
	uint32_t had = 1;

	rig_init(&r, R_OWNER);
	default_quotas(&r.conf);
	peers = core_state(r.core)->peers;
	rig_anchor(&r, R_D_LMA, R_MN1, &first);
	for (int i = 0; i < 10000; i++) {
		(void)claim(i % 2 ? R_D_LMA : R_V_LMA, R_MN1, &first);
		moves += peers[R_D_LMA].anchors != had;
		had = peers[R_D_LMA].anchors;
		cr_assert(eq(u32, peers[R_D_LMA].anchors + peers[R_V_LMA].anchors, 1));
	}
	/* In 10 s: two bursts of 10, and 2 * 3 a second. */
	cr_assert(lt(u32, 60, moves), "%u", moves);
	cr_assert(lt(u32, moves, 82), "%u", moves);
	record_figure("quota-moves-of-one-mn-in-10-s-by-10000-claims", "at most 81", moves <= 81,
		"%u", moves);
	rig_done(&r);
}

Test(trust, a_rogue_does_not_use_up_the_moves_of_others)
{
	rig_init(&r, R_OWNER);
	default_quotas(&r.conf);
	rig_anchor(&r, R_D_LMA, R_MN1, &first);
	/* Each time the rightful one takes it back. */
	for (int i = 0; i < 9; i++) {
		cr_assert(eq(u8, claim(R_V_LMA, R_MN1, &first), MH_STATUS_accepted));
		cr_assert(eq(u8, claim(R_D_LMA, R_MN1, &first), MH_STATUS_accepted), "time %d", i);
	}
	(void)claim(R_V_LMA, R_MN1, &first);
	cr_assert(eq(u8, claim(R_V_LMA, R_MN1, &first), MH_STATUS_accepted), "a mere refresh");
	(void)claim(R_D_LMA, R_MN1, &first);
	for (int i = 0; i < 300; i++)
		cr_assert(eq(u8, claim(R_V_LMA, R_MN1, &first), MH_STATUS_no_resources));
	cr_assert(
		eq(u32, core_state(r.core)->peers[R_D_LMA].anchors, 1), "the rightful one has it");
	rig_done(&r);
}

Test(trust, a_peer_moves_no_more_mns_a_second_than_it_may)
{
	unsigned int accepted = 0;
	struct mh_message m;

	rig_init_crowded(&r, R_OWNER);
	r.conf.moves_per_peer = 10;
	r.conf.anchors_per_lma = 100; /* and so many at once */
	for (int i = 0; i < 1000; i++) {
		struct dlma_prefix hnp;

		crowd_hnp(&hnp, 10 + i);
		accepted += claim(R_V_LMA, R_MOBILES + i, &hnp) == MH_STATUS_accepted;
		registration(&m, R_MOBILES + i, &hnp);
		m.bu.lifetime = 0; /* it does not keep them */
		(void)status_for(R_V_LMA, &m);
		rig_run(&r, 10);
	}
	/* 12 s: 100, and then 10 a second. */
	cr_assert(lt(u32, 200, accepted));
	cr_assert(lt(u32, accepted, 240), "%u", accepted);
	rig_done(&r);
}

/* A MAG that is told to wait asks again by itself, once the MN has given a sign of life. */
Test(trust, a_mag_without_room_comes_again)
{
	struct mh_message m = {.type = MH_BINDING_ACK};
	struct event e = {.kind = EVENT_ATTACH};

	rig_init(&r, R_MAG);
	e.attach.ifindex = 7;
	memcpy(e.attach.mac, r.mobiles[R_MN1].link_layer, 6);
	rig_event(&r, &e);
	m.ba.sequence = rig_answer(&r, R_D_LMA, MH_BINDING_UPDATE)->bu.sequence;
	m.ba.status = MH_STATUS_no_resources;
	rig_session(&r, &m, R_MN1, &first);
	rig_receive(&r, R_D_LMA, &m);
	rig_forget(&r);
	cr_assert(eq(u8, only_attachment()->state, ATTACHMENT_WAITING));
	rig_event(&r, &e);
	cr_assert(eq(u32, r.sent_count, 0), "however often it announces itself");
	r.mn_present = true;
	rig_run(&r, 1001);
	cr_assert(rig_answer(&r, R_D_LMA, MH_BINDING_UPDATE) != NULL);
	rig_done(&r);
}

/* Keys */

Test(trust, a_peer_without_a_key_is_a_stranger_from_then_on)
{
	struct event e = {.kind = EVENT_KEYS};
	struct mh_message m;

	rig_init(&r, R_OWNER);
	e.keys.list = r.keys;
	e.keys.count = r.conf.key_count - 3; /* those of the MAGs */
	rig_event(&r, &e);
	cr_assert(eq(u32, r.reports[REPORT_peer_unkeyed], 3));
	cr_assert(eq(u32, core_state(r.core)->rekeyed, 1));
	registration(&m, R_MN1, &first);
	rig_receive(&r, R_MAG, &m);
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_stranger), 1));
	rig_run(&r, 200000);
	for (unsigned int i = 0; i < r.sent_count; i++)
		cr_assert(lt(int, r.sent[i].to, R_MAG), "not even a heartbeat");
	cr_assert(eq(u8, claim(R_V_LMA, R_MN1, &first), MH_STATUS_accepted), "others go on");
	e.keys.count = r.conf.key_count;
	rig_forget(&r);
	rig_event(&r, &e);
	rig_run(&r, 1);
	cr_assert(rig_answer(&r, R_MAG, MH_HEARTBEAT) != NULL, "and is greeted when it has one");
	rig_done(&r);
}

Test(trust, what_was_recorded_under_an_old_key_is_of_no_use)
{
	struct domain_key twice[2];
	struct event e = {.kind = EVENT_KEYS};
	struct mh_message m;
	uint8_t bytes[EFFECT_BYTES_MAX];
	size_t len;

	rig_init(&r, R_OWNER);
	registration(&m, R_MN1, &first);
	len = rig_seal(&r, R_OTHER, &m, bytes);
	twice[0] = twice[1] = r.keys[0];
	cr_assert(eq(u16, twice[0].peer, R_OTHER));
	twice[1].spi++;
	twice[1].secret[0]++;
	/* Beside the old key, which still counts; then in its place; then back. */
	e.keys.list = twice;
	e.keys.count = 2;
	rig_event(&r, &e);
	rig_inject(&r, R_OTHER, bytes, len);
	cr_assert(eq(u8, rig_answer(&r, R_OTHER, MH_BINDING_ACK)->ba.status, MH_STATUS_accepted));
	e.keys.list = &twice[1];
	e.keys.count = 1;
	rig_event(&r, &e);
	rig_inject(&r, R_OTHER, bytes, len);
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_auth_spi), 1));
	e.keys.list = twice;
	rig_event(&r, &e);
	rig_inject(&r, R_OTHER, bytes, len);
	cr_assert(eq(u64, rig_reason(&r, DLMA_SIGNAL_replayed), 1), "the window outlives the keys");
	rig_done(&r);
}
