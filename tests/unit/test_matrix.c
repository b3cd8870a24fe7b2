// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who may say what about which HNP: every combination of a state, a message, a sender and a HNP,
 * against the production core. The rules of docs/security.md stand here once more, as expected().
 *
 * What may not be said changes no octet of any table, map or store, is counted under its reason,
 * and answered by its status or not at all. What may be said has its effect.
 */
#include "record.h"
#include "rig.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* The core under test, and what it has in its tables. */
enum scene {
	S_OWNER,    /* H-LMA: MN1 anchored at D_LMA, MN2 at O_LMA */
	S_D_LMA,    /* D-LMA: MN1 bound at MAG, MN2 at MAG_2 */
	S_PREVIOUS, /* V_LMA forwards for MN1 to D_LMA */
	S_O_LMA,    /* has learnt: MN1 at D_LMA, MN2 at V_LMA */
	S_MAG,	    /* MN1 attached */
	S_LEFT,	    /* MAG that MN1 has just left */
	S_COUNT,
};

enum what {
	W_REGISTER,
	W_REFRESH,
	W_DEREGISTER,
	W_MOVED,	/* location update: "it is with me" */
	W_MOVED_OLD,	/* the same with an old stamp */
	W_MOVED_FUTURE, /* and with one an hour ahead */
	W_REDIRECT,	/* location update to a third LMA */
	W_TO_MAG,	/* the same, past that LMA to FOREIGN_MAG */
	W_WITHDRAW,	/* location update, lifetime 0 */
	W_PBA,		/* that nobody asked for */
	W_QUERY,
	W_ERROR,
	W_REVOKE, /* BRI, each of the eight triggers */
	W_REVOKE_LAST = W_REVOKE + MH_TRIGGER_OUT_OF_SYNC,
	W_BRA, /* that nobody asked for */
	W_HANDOVER,
	W_HANDOVER_FUTURE,
	W_HACK, /* that nobody asked for */
	W_LOCALIZE,
	W_LRA,	  /* that nobody asked for */
	W_NOTIFY, /* UPN: register with V_LMA */
	W_UPA,	  /* that nobody asked for */
	W_HEARTBEAT,
	W_HEARTBEAT_ANSWER,
	W_COUNT,
};

/* Which MN and HNP a message is about. */
enum about {
	A_MN1,	    /* MN1 and the HNP that it has */
	A_MN2,	    /* the same of MN2 */
	A_BORROWED, /* MN1 with the HNP of MN2 */
	A_UNKNOWN,  /* MN1 with a HNP of the owner that nobody has */
	A_FOREIGN,  /* MN3, HNP of another owner */
	A_OUTSIDE,  /* MN1, HNP outside of the domain */
	A_COUNT,
};

enum { NOTHING = -1, OLD_MS = 3600000 };

/* What must come of it. */
struct outcome {
	bool changes;
	int answer;  /* MH type to the sender, or NOTHING */
	int status;  /* of that answer; NOTHING: has none */
	int counted; /* reason beside `accepted`, or NOTHING */
};

static struct rig r;

static const int self_of[S_COUNT] = {
	[S_OWNER] = R_OWNER,
	[S_D_LMA] = R_D_LMA,
	[S_PREVIOUS] = R_V_LMA,
	[S_O_LMA] = R_O_LMA,
	[S_MAG] = R_MAG,
	[S_LEFT] = R_MAG,
};

static struct dlma_prefix hnp_of(enum about about)
{
	switch (about) {
	case A_MN1:
		return rig_hnp(R_OWNER, 1);
	case A_MN2:
	case A_BORROWED:
		return rig_hnp(R_OWNER, 2);
	case A_UNKNOWN:
		return rig_hnp(R_OWNER, 9);
	case A_FOREIGN:
		return rig_hnp(R_OTHER, 3);
	case A_OUTSIDE:
	case A_COUNT:
		break;
	}
	return rig_hnp(R_STRANGER, 1);
}

static int mn_of(enum about about)
{
	return about == A_MN2 ? R_MN2 : about == A_FOREIGN ? R_MN3 : R_MN1;
}

/* The scenes */

static void detach_mn1(void)
{
	struct event e = {.kind = EVENT_DETACH};
	struct mh_message m = {.type = MH_BINDING_ACK};
	struct dlma_prefix hnp = hnp_of(A_MN1);

	memcpy(e.attach.mac, r.mobiles[R_MN1].link_layer, 6);
	rig_event(&r, &e);
	m.ba.sequence = rig_answer(&r, R_D_LMA, MH_BINDING_UPDATE)->bu.sequence;
	m.ba.flags = MH_BA_PROXY;
	rig_session(&r, &m, R_MN1, &hnp);
	rig_receive(&r, R_D_LMA, &m);
	cr_assert_eq(core_state(r.core)->attachments.count, 0);
}

static void location_update(struct mh_message *m, int mn, const struct dlma_prefix *hnp, int target,
	int dlma, uint16_t lifetime)
{
	m->type = MH_BINDING_UPDATE;
	m->bu.flags = MH_BU_ACK | MH_BU_PROXY;
	m->bu.lifetime = lifetime;
	rig_session(&r, m, mn, hnp);
	m->options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS) | MH_HAS(MH_OPTION_ALTERNATE_COA);
	m->options.lma_address = r.nodes[dlma].address;
	m->options.alternate_coa = r.nodes[target].address;
}

/* MN1 was bound here, and is at D_LMA now. */
static void become_previous(const struct dlma_prefix *hnp)
{
	struct mh_message m = {0}, answer = {.type = MH_BINDING_REVOCATION};

	rig_binding(&r, R_FOREIGN_MAG, R_MN1, hnp);
	rig_run(&r, 10);
	location_update(&m, R_MN1, hnp, R_D_LMA, R_D_LMA, 15);
	rig_receive(&r, R_D_LMA, &m);
	answer.revocation.type = MH_REVOCATION_ACK;
	answer.revocation.sequence =
		rig_answer(&r, R_FOREIGN_MAG, MH_BINDING_REVOCATION)->revocation.sequence;
	rig_receive(&r, R_FOREIGN_MAG, &answer);
	cr_assert_eq(core_state(r.core)->learnt.count, 1);
	cr_assert_eq(core_state(r.core)->revocations.count, 0);
}

static void set_scene(enum scene scene)
{
	struct dlma_prefix first = hnp_of(A_MN1), second = hnp_of(A_MN2);

	rig_init(&r, self_of[scene]);
	switch (scene) {
	case S_OWNER:
		rig_anchor(&r, R_V_LMA, R_MN1, &first);
		rig_anchor(&r, R_D_LMA, R_MN1, &first);
		rig_anchor(&r, R_O_LMA, R_MN2, &second);
		break;
	case S_D_LMA:
		rig_binding(&r, R_MAG, R_MN1, &first);
		rig_binding(&r, R_MAG_2, R_MN2, &second);
		break;
	case S_PREVIOUS:
		become_previous(&first);
		break;
	case S_O_LMA:
		rig_cached(&r, &first, R_MN1, R_D_LMA);
		rig_cached(&r, &second, R_MN2, R_V_LMA);
		break;
	case S_MAG:
		rig_attachment(&r, R_MN1, &first);
		break;
	case S_LEFT:
		rig_attachment(&r, R_MN1, &first);
		detach_mn1();
		break;
	case S_COUNT:
		abort();
	}
	rig_run(&r, 20);
	rig_forget(&r);
}

/* The messages */

static int lma_of(int node)
{
	return r.nodes[node].roles & DLMA_ROLE_LMA ? node : r.nodes[node].lma;
}

/* Not the core's own, and not the sender. */
static int third_lma(int self, int sender)
{
	static const int order[] = {R_O_LMA, R_V_LMA, R_D_LMA};
	int i = 0;

	while (order[i] == self || order[i] == sender)
		i++;
	return order[i];
}

static void build_update(struct mh_message *m, enum what what, int sender, enum about about)
{
	struct dlma_prefix hnp = hnp_of(about);
	int third = third_lma(r.conf.self, sender), dlma = sender, target = sender;

	if (what == W_REDIRECT || what == W_TO_MAG)
		dlma = target = third;
	if (what == W_TO_MAG)
		target = R_FOREIGN_MAG;
	location_update(m, mn_of(about), &hnp, target, dlma, what == W_WITHDRAW ? 0 : 10);
	if (what == W_MOVED_OLD)
		m->options.timestamp -= (uint64_t)OLD_MS * 65536 / 1000;
	if (what == W_MOVED_FUTURE)
		m->options.timestamp += (uint64_t)OLD_MS * 65536 / 1000;
}

static void build_registration(struct mh_message *m, enum what what, enum about about)
{
	struct dlma_prefix hnp = hnp_of(about);

	m->type = MH_BINDING_UPDATE;
	m->bu.flags = MH_BU_ACK | MH_BU_PROXY;
	m->bu.lifetime = what == W_DEREGISTER ? 0 : 100;
	rig_session(&r, m, mn_of(about), &hnp);
	if (what == W_REFRESH)
		m->options.handoff = MH_HANDOFF_UNCHANGED;
}

static void put_mn(struct mh_message *m, enum about about)
{
	struct identity mn = rig_mn(&r, mn_of(about));
	struct mh_options *o = &m->options;

	o->mn_id[o->mn_id_count].subtype = 1;
	o->mn_id[o->mn_id_count].len = mn.id_len;
	memcpy(o->mn_id[o->mn_id_count++].id, mn.id, mn.id_len);
	o->hnp[o->hnp_count].prefix = hnp_of(about);
	o->hnp[o->hnp_count++].mn = (uint8_t)(o->mn_id_count - 1);
}

static void build_revocation(struct mh_message *m, enum what what, enum about about)
{
	m->type = MH_BINDING_REVOCATION;
	m->revocation.type = what == W_BRA ? MH_REVOCATION_ACK : MH_REVOCATION_INDICATION;
	m->revocation.code = what == W_BRA ? MH_REVOCATION_MN_ATTACHED : (uint8_t)(what - W_REVOKE);
	m->revocation.sequence = 0xeeee;
	m->revocation.flags = MH_REVOCATION_PROXY;
	put_mn(m, about);
}

static void build_handover(struct mh_message *m, enum what what, int sender, enum about about)
{
	struct dlma_prefix hnp = hnp_of(about);

	m->type = what == W_HACK ? MH_HANDOVER_ACK : MH_HANDOVER_INITIATE;
	m->handover.sequence = 0xeeee;
	m->handover.flags =
		what == W_HACK ? MH_HACK_PROXY | MH_HACK_FORWARD : MH_HI_PROXY | MH_HI_FORWARD;
	rig_session(&r, m, mn_of(about), &hnp);
	if (what == W_HANDOVER_FUTURE)
		m->options.timestamp += (uint64_t)OLD_MS * 65536 / 1000;
	m->options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS);
	m->options.lma_address = r.nodes[lma_of(sender)].address;
}

static void build_localized(struct mh_message *m, enum what what, enum about about)
{
	m->type = what == W_LRA ? MH_LOCALIZED_ROUTING_ACK : MH_LOCALIZED_ROUTING_INITIATION;
	m->localized.sequence = 0xeeee;
	m->localized.lifetime_s = 60;
	put_mn(m, A_MN1);
	put_mn(m, about);
	m->options.has |= MH_HAS(MH_OPTION_MAG_ADDRESS);
	m->options.mag_address = r.nodes[R_FOREIGN_MAG].address;
}

static void build_notification(struct mh_message *m, enum what what, enum about about)
{
	m->type = what == W_UPA ? MH_UPDATE_NOTIFICATION_ACK : MH_UPDATE_NOTIFICATION;
	m->notification.sequence = 0xeeee;
	m->notification.reason = what == W_UPA ? 0 : MH_NOTIFICATION_FORCE_REREGISTRATION;
	m->notification.flags = what == W_UPA ? 0 : MH_NOTIFICATION_ACK_WANTED;
	put_mn(m, about);
	m->options.has |= MH_HAS(MH_OPTION_REDIRECT);
	m->options.redirect = r.nodes[R_V_LMA].address;
}

static void build_answer(struct mh_message *m, enum about about)
{
	struct dlma_prefix hnp = hnp_of(about);

	m->type = MH_BINDING_ACK;
	m->ba.flags = MH_BA_PROXY;
	m->ba.sequence = 0xeeee;
	m->ba.lifetime = 100;
	rig_session(&r, m, mn_of(about), &hnp);
}

static void build_plain(struct mh_message *m, enum what what, enum about about)
{
	switch ((int)what) {
	case W_QUERY:
		m->type = MH_BINDING_REFRESH_REQUEST;
		m->options.hnp[m->options.hnp_count++].prefix = hnp_of(about);
		break;
	case W_ERROR:
		m->type = MH_BINDING_ERROR;
		m->be.status = MH_BINDING_ERROR_NO_BINDING;
		m->be.home = hnp_of(about).addr;
		m->be.home.b[15] = 1;
		break;
	case W_HEARTBEAT:
	case W_HEARTBEAT_ANSWER:
		m->type = MH_HEARTBEAT;
		m->heartbeat.flags = what == W_HEARTBEAT ? 0 : MH_HEARTBEAT_RESPONSE;
		m->heartbeat.sequence = 77;
		break;
	}
}

static void build(struct mh_message *m, enum what what, int sender, enum about about)
{
	if (what <= W_DEREGISTER)
		build_registration(m, what, about);
	else if (what <= W_WITHDRAW)
		build_update(m, what, sender, about);
	else if (what == W_PBA)
		build_answer(m, about);
	else if (what >= W_REVOKE && what <= W_BRA)
		build_revocation(m, what, about);
	else if (what >= W_HANDOVER && what <= W_HACK)
		build_handover(m, what, sender, about);
	else if (what == W_LOCALIZE || what == W_LRA)
		build_localized(m, what, about);
	else if (what == W_NOTIFY || what == W_UPA)
		build_notification(m, what, about);
	else
		build_plain(m, what, about);
}

/* The rules */

static const struct outcome ignored = {false, NOTHING, NOTHING, DLMA_SIGNAL_unexpected};
static const struct outcome silently_refused = {
	false, NOTHING, NOTHING, DLMA_SIGNAL_not_authorised};
static const struct outcome out_of_date = {false, NOTHING, NOTHING, DLMA_SIGNAL_outdated};

static bool is_mag(int node)
{
	return node == R_MAG || node == R_MAG_2 || node == R_FOREIGN_MAG;
}

static struct outcome answer(int type, int status, bool changes, int counted)
{
	return (struct outcome){changes, type, status, counted};
}

static struct outcome accepted(bool changes)
{
	return answer(MH_BINDING_ACK, MH_STATUS_accepted, changes, NOTHING);
}

static struct outcome refused(int status, int counted)
{
	return answer(MH_BINDING_ACK, status, false, counted);
}

/* The LMA that the owner has on record for what a message is about; NOTHING: none. */
static int anchored_at(enum about about)
{
	switch (about) {
	case A_MN1:
		return R_D_LMA;
	case A_MN2:
	case A_BORROWED:
		return R_O_LMA;
	case A_UNKNOWN:
	case A_FOREIGN:
	case A_OUTSIDE:
	case A_COUNT:
		break;
	}
	return NOTHING;
}

/* PBU of an LMA: a claim, for the owner of the HNP alone to judge. */
static struct outcome expect_claim(enum scene scene, enum what what, int sender, enum about about)
{
	int now_at = anchored_at(about);

	if (scene != S_OWNER || about == A_FOREIGN || about == A_OUTSIDE)
		return refused(MH_STATUS_not_lma, DLMA_SIGNAL_refused);
	if (what == W_DEREGISTER && now_at == NOTHING)
		return accepted(false);
	if (what == W_DEREGISTER)
		return sender == now_at ? accepted(true)
					: refused(MH_STATUS_prohibited, DLMA_SIGNAL_not_authorised);
	if (about == A_BORROWED || about == A_UNKNOWN)
		return refused(MH_STATUS_hnp_not_authorised, DLMA_SIGNAL_not_authorised);
	if (what == W_REFRESH && sender != now_at)
		return refused(MH_STATUS_timestamp_lower, DLMA_SIGNAL_outdated);
	return accepted(true);
}

/* PBU of a MAG, to the LMA that it registers with, about its own MNs (RFC 5213 5.3). */
static struct outcome expect_registration(
	enum scene scene, enum what what, int sender, enum about about)
{
	static const struct outcome pending = {true, NOTHING, NOTHING, NOTHING};
	int has = about == A_MN1 ? R_MAG : about == A_MN2 ? R_MAG_2 : NOTHING;

	if (r.nodes[sender].lma != self_of[scene])
		return refused(MH_STATUS_mag_not_authorised, DLMA_SIGNAL_not_authorised);
	if (about == A_OUTSIDE)
		return refused(MH_STATUS_not_lma, DLMA_SIGNAL_refused);
	if (scene == S_D_LMA && about == A_BORROWED)
		return refused(MH_STATUS_hnp_not_authorised, DLMA_SIGNAL_refused);
	if (scene == S_D_LMA && about == A_UNKNOWN)
		return refused(MH_STATUS_prefix_set, DLMA_SIGNAL_refused);
	if (what == W_DEREGISTER && (scene != S_D_LMA || about == A_FOREIGN))
		return accepted(false); /* there is nothing to end */
	if (what == W_DEREGISTER && has != sender)
		return out_of_date;
	if (scene != S_D_LMA || about == A_FOREIGN)
		return pending; /* the owner decides */
	if (what == W_REFRESH && has != sender)
		return refused(MH_STATUS_prohibited, DLMA_SIGNAL_refused);
	return accepted(true);
}

static int owner_of(enum about about)
{
	return about == A_FOREIGN ? R_OTHER : about == A_OUTSIDE ? NOTHING : R_OWNER;
}

/* The node that an entry here points to, and which so may speak about it; NOTHING: no entry. */
static int pointed_to(enum scene scene, enum about about)
{
	bool second = about == A_MN2 || about == A_BORROWED;

	if (scene == S_PREVIOUS)
		return about == A_MN1 ? R_D_LMA : NOTHING;
	if (scene == S_O_LMA)
		return about == A_MN1 ? R_D_LMA : second ? R_V_LMA : NOTHING;
	return NOTHING;
}

static bool has_binding(enum scene scene, enum about about)
{
	return scene == S_D_LMA && (about == A_MN1 || about == A_MN2 || about == A_BORROWED);
}

/* PBU with option 41: where a HNP is now. Only who has a right to an entry may touch it. */
static struct outcome expect_update(enum scene scene, enum what what, int sender, enum about about)
{
	struct outcome no = refused(MH_STATUS_prohibited, DLMA_SIGNAL_not_authorised);
	bool third = what == W_REDIRECT || what == W_TO_MAG, old = what == W_MOVED_OLD;
	bool owner = sender == owner_of(about);
	bool entry = has_binding(scene, about) || pointed_to(scene, about) != NOTHING;

	if (about == A_OUTSIDE)
		return refused(MH_STATUS_not_lma, DLMA_SIGNAL_refused);
	if (self_of[scene] == owner_of(about))
		return no;
	if (!third && is_mag(sender))
		return no; /* a MAG is no D-LMA */
	if (what == W_MOVED_FUTURE && !owner)
		return refused(MH_STATUS_timestamp_mismatch, DLMA_SIGNAL_refused);
	if (has_binding(scene, about) && third && !owner)
		return no; /* a D-LMA speaks for itself, and nobody else */
	if (!has_binding(scene, about) && !owner && sender != pointed_to(scene, about))
		return no;
	if (old && entry)
		return refused(MH_STATUS_timestamp_lower, DLMA_SIGNAL_outdated);
	/* A MAG tunnels what its MNs send to other MAGs only (draft 5.4). */
	if (is_mag(self_of[scene]) && what != W_WITHDRAW && what != W_TO_MAG)
		return accepted(false);
	if (what == W_WITHDRAW)
		return accepted(
			pointed_to(scene, about) != NOTHING || (scene == S_LEFT && about == A_MN1));
	return accepted(true);
}

static struct outcome expect_query(enum scene scene, int sender, enum about about)
{
	if (scene != S_OWNER || is_mag(sender) || owner_of(about) != R_OWNER)
		return silently_refused;
	if (about == A_UNKNOWN)
		return answer(MH_BINDING_ERROR, MH_BINDING_ERROR_NO_BINDING, false, NOTHING);
	if (sender == anchored_at(about))
		return answer(NOTHING, NOTHING, true, NOTHING); /* it knows better */
	return answer(MH_BINDING_UPDATE, NOTHING, true, NOTHING);
}

static struct outcome expect_error(enum scene scene, int sender, enum about about)
{
	int at = pointed_to(scene, about);

	if (about == A_OUTSIDE)
		return ignored;
	if (scene == S_MAG && sender == R_D_LMA) /* its LMA: the MN is asked */
		return answer(NOTHING, NOTHING, about == A_MN1, NOTHING);
	if (scene == S_LEFT && about == A_MN1)
		return sender == R_OWNER ? answer(NOTHING, NOTHING, true, NOTHING)
					 : silently_refused;
	if (scene == S_LEFT && sender == R_D_LMA)
		return answer(NOTHING, NOTHING, false, NOTHING);
	if (at == NOTHING)
		return ignored;
	if (sender != at && sender != owner_of(about))
		return silently_refused;
	return answer(NOTHING, NOTHING, true, NOTHING);
}

static struct outcome expect_revocation(
	enum scene scene, unsigned int trigger, int sender, enum about about)
{
	bool handover =
		trigger >= MH_TRIGGER_HANDOVER_SAME_ATT && trigger <= MH_TRIGGER_HANDOVER_UNKNOWN;

	if (is_mag(self_of[scene])) {
		if (!domain_may_register(&r.conf.domain, r.conf.self, (uint16_t)sender))
			return silently_refused;
		if (scene == S_LEFT || about != A_MN1)
			return answer(
				MH_BINDING_REVOCATION, MH_REVOCATION_NO_BINDING, false, NOTHING);
		if (sender != R_D_LMA)
			return silently_refused;
		if (handover)
			return answer(NOTHING, NOTHING, true, NOTHING); /* once the MN is asked */
		return answer(MH_BINDING_REVOCATION, MH_REVOCATION_OK, true, NOTHING);
	}
	if (sender != owner_of(about) || trigger != MH_TRIGGER_ADMINISTRATIVE)
		return silently_refused;
	if (has_binding(scene, about))
		return answer(MH_BINDING_REVOCATION, MH_REVOCATION_OK, true, NOTHING);
	return answer(MH_BINDING_REVOCATION, MH_REVOCATION_NO_BINDING, false, NOTHING);
}

static struct outcome expect_handover(
	enum scene scene, enum what what, int sender, enum about about)
{
	if (!is_mag(self_of[scene]))
		return ignored;
	if (!is_mag(sender) || about != A_MN1 || what == W_HANDOVER_FUTURE)
		return answer(
			MH_HANDOVER_ACK, MH_HACK_PROHIBITED, false, DLMA_SIGNAL_not_authorised);
	if (scene == S_MAG) /* the MN is asked first */
		return answer(NOTHING, NOTHING, true, NOTHING);
	return answer(MH_HANDOVER_ACK, MH_HACK_ACCEPTED, true, NOTHING);
}

static struct outcome expect_localized(enum scene scene, int sender, enum about about)
{
	enum { NOT_ALLOWED = 128, NOT_ATTACHED = 129 };
	int own_lma = is_mag(self_of[scene]) ? R_D_LMA : NOTHING;

	if (sender != own_lma || about == A_OUTSIDE)
		return answer(
			MH_LOCALIZED_ROUTING_ACK, NOT_ALLOWED, false, DLMA_SIGNAL_not_authorised);
	if (scene == S_LEFT)
		return answer(
			MH_LOCALIZED_ROUTING_ACK, NOT_ATTACHED, false, DLMA_SIGNAL_not_authorised);
	return answer(MH_LOCALIZED_ROUTING_ACK, 0, true, NOTHING);
}

static struct outcome expect_notification(enum scene scene, int sender, enum about about)
{
	(void)sender;
	(void)about;
	if (!is_mag(self_of[scene]))
		return ignored;
	/* Not even its LMA may send a MAG to one that is no backup. */
	return answer(MH_UPDATE_NOTIFICATION_ACK, MH_NOTIFICATION_FAILED, false,
		DLMA_SIGNAL_not_authorised);
}

static struct outcome expected(enum scene scene, enum what what, int sender, enum about about)
{
	static const struct outcome stranger = {false, NOTHING, NOTHING, DLMA_SIGNAL_stranger};

	if (sender == R_STRANGER)
		return stranger;
	if (what == W_PBA || what == W_BRA || what == W_HACK || what == W_LRA || what == W_UPA)
		return ignored;
	if (what == W_HEARTBEAT)
		return answer(MH_HEARTBEAT, NOTHING, false, NOTHING);
	if (what == W_HEARTBEAT_ANSWER)
		return answer(NOTHING, NOTHING, false, NOTHING);
	if (what <= W_DEREGISTER && is_mag(self_of[scene]))
		return ignored;
	if (what <= W_DEREGISTER)
		return is_mag(sender) ? expect_registration(scene, what, sender, about)
				      : expect_claim(scene, what, sender, about);
	if (what <= W_WITHDRAW)
		return expect_update(scene, what, sender, about);
	if (what == W_QUERY)
		return expect_query(scene, sender, about);
	if (what == W_ERROR)
		return expect_error(scene, sender, about);
	if (what <= W_REVOKE_LAST)
		return expect_revocation(scene, what - W_REVOKE, sender, about);
	if (what == W_LOCALIZE)
		return expect_localized(scene, sender, about);
	if (what == W_NOTIFY)
		return expect_notification(scene, sender, about);
	return expect_handover(scene, what, sender, about);
}

/* One combination */

static int status_of(const struct mh_message *m)
{
	switch ((enum mh_type)m->type) {
	case MH_BINDING_ACK:
		return m->ba.status;
	case MH_BINDING_ERROR:
		return m->be.status;
	case MH_BINDING_REVOCATION:
		return m->revocation.code;
	case MH_HANDOVER_ACK:
		return m->handover.code;
	case MH_LOCALIZED_ROUTING_ACK:
		return m->localized.status;
	case MH_UPDATE_NOTIFICATION_ACK:
		return m->notification.status;
	case MH_UPDATE_NOTIFICATION:
	case MH_BINDING_REFRESH_REQUEST:
	case MH_BINDING_UPDATE:
	case MH_HEARTBEAT:
	case MH_HANDOVER_INITIATE:
	case MH_LOCALIZED_ROUTING_INITIATION:
		break;
	}
	return NOTHING;
}

static const char *wrong;

static void check(bool right, const char *what)
{
	if (!right && !wrong)
		wrong = what;
}

static void check_answer(const struct outcome *o, int sender)
{
	const struct mh_message *m =
		o->answer == NOTHING ? NULL : rig_answer(&r, sender, (uint8_t)o->answer);

	check(o->answer == NOTHING || m, "not answered");
	check(!m || o->status == NOTHING || status_of(m) == o->status, "another status");
	if (o->changes)
		return;
	check(r.deeds == 0, "maps or store were written");
	check(r.sent_count == (o->answer != NOTHING), "something was sent");
}

static void try(enum scene scene, enum what what, int sender, enum about about)
{
	struct outcome o = expected(scene, what, sender, about);
	int reason = o.counted == NOTHING ? DLMA_SIGNAL_accepted : o.counted;
	struct mh_message m = {0};
	struct image before, after;
	uint64_t counted, refusals;

	set_scene(scene);
	build(&m, what, sender, about);
	before = image_of(r.core);
	counted = rig_reason(&r, (enum dlma_signal_reason)reason);
	refusals = rig_reason(&r, DLMA_SIGNAL_refused);
	rig_receive(&r, sender, &m);
	after = image_of(r.core);
	wrong = NULL;
	check(image_same(&before, &after) != o.changes,
		o.changes ? "nothing has changed" : "a table has changed");
	check(rig_reason(&r, (enum dlma_signal_reason)reason) == counted + 1, "not counted");
	check(rig_reason(&r, DLMA_SIGNAL_refused) ==
			refusals + (o.answer == MH_BINDING_ACK && o.status >= 128),
		"refusals miscounted");
	check_answer(&o, sender);
	free(before.bytes);
	free(after.bytes);
	rig_done(&r);
}

Test(matrix, every_combination)
{
	unsigned int tried = 0, faults = 0;

	for (enum scene s = 0; s < S_COUNT; s++)
		for (enum what w = 0; w < W_COUNT; w++)
			for (int sender = 0; sender < R_NODES; sender++)
				for (enum about a = 0; a < A_COUNT; a++) {
					if (sender == self_of[s])
						continue;
					try(s, w, sender, a);
					tried++;
					faults += wrong != NULL;
					cr_expect(!wrong,
						"scene %d, message %d, sender %d, about %d: %s",
						(int)s, (int)w, sender, (int)a, wrong);
				}
	record_figure(
		"trust-matrix-combinations-wrong", "0", faults == 0, "%u of %u", faults, tried);
}
