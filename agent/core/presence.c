// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * MAG: sees MNs come to its access links, and finds out whether they are still there (RFC 5213
 * 6.9.1.1, 6.13; RFC 5846 7.2).
 */
#include "core/internal.h"

enum {
	PROBES_MAX = 3,
	REGISTER_PACE_MS = 3000, /* of one MN that keeps announcing itself, as MLD makes it do */
};

static void attached(struct core *c, struct attachment *a)
{
	uint32_t pause = quota_pause(c, &a->full_ms);

	if (pause) {
		count(c, DLMA_SIGNAL_rate_limited);
		mag_pause(c, a, pause);
		return;
	}
	attachment_report(c, REPORT_mn_attached, a);
	a->retries = 0;
	mag_register(c, a, MH_HANDOFF_UNKNOWN);
}

static void answer_revocation(struct core *c, const struct attachment *a, uint8_t code)
{
	message_revocation_answer(c, a->revoking_lma, a->revoking_sequence, code);
}

/* A sign of life. What it answers depends on why it was wanted. */
static void present(struct core *c, struct attachment *a)
{
	bool disputed;

	a->heard_ms = c->now.mono_ms;
	a->away = false;
	if (!a->probed_ms)
		return;
	a->probed_ms = 0;
	a->probes = 0;
	disputed = handover_contradict(c, a);
	if (a->revoking) {
		if (a->state == ATTACHMENT_REGISTERED && !a->delivering)
			attachment_deliver(c, a);
		a->revoking = false;
		a->registered_ms = 0; /* it may have been away: it need not wait to be registered */
		attachment_report(c, REPORT_mn_present, a);
		answer_revocation(c, a, MH_REVOCATION_MN_ATTACHED);
		if (a->state == ATTACHMENT_PROBING || a->state == ATTACHMENT_WAITING)
			mag_register(c, a, MH_HANDOFF_UNKNOWN);
		else
			mag_schedule_refresh(c, a);
	} else if (disputed) {
		/*
		 * Nothing is said to our LMA yet. If it believes that MAG it asks us, and a mere
		 * refresh would be taken for less than that answer.
		 */
		timer_set(&c->timers, &a->timer, c->now.mono_ms + REGISTER_PACE_MS);
	} else if (a->state == ATTACHMENT_REGISTERED && a->delivering) {
		mag_refresh(c, a);
		mag_schedule_refresh(c, a);
	} else {
		mag_register(c, a, MH_HANDOFF_UNKNOWN);
	}
}

static void absent(struct core *c, struct attachment *a)
{
	attachment_report(c, REPORT_mn_gone, a);
	if (a->revoking) {
		answer_revocation(c, a, MH_REVOCATION_OK);
		handover_agree(c, a);
		attachment_part(c, a);
		attachment_drop(c, a);
	} else if (a->state == ATTACHMENT_PROBING) {
		attachment_drop(c, a);
	} else {
		mag_leave(c, a);
	}
}

void presence_due(struct core *c, struct attachment *a)
{
	if (!attachment_link_of(c, a->ifindex))
		mag_leave(c, a);
	else if (a->state == ATTACHMENT_REFUSED || a->away)
		attachment_drop(c, a);
	else if (a->probed_ms &&
		 (a->revoking || a->word.peer != DOMAIN_NO_NODE || a->probes >= PROBES_MAX))
		absent(c, a);
	else
		attachment_probe(c, a);
}

/*
 * A MN announces itself. If it is known, it may have been away and come back before anybody
 * noticed: a new registration settles that, at a bounded pace.
 */
static void announced(struct core *c, struct attachment *a, const struct dlma_addr *hoa)
{
	a->away = false;
	attachment_take_hint(c, a, hoa);
	if (a->state == ATTACHMENT_REGISTERED && !a->exchange.waiting &&
		c->now.mono_ms - a->registered_ms >= REGISTER_PACE_MS)
		attached(c, a);
	else if (a->state == ATTACHMENT_LEAVING || a->state == ATTACHMENT_PROBING)
		attached(c, a);
	/* It may have been away since the first try: the next one would be long in coming. */
	else if (a->state == ATTACHMENT_REGISTERING && a->exchange.tries > 1)
		attached(c, a);
}

static void turned_away(struct core *c, const struct domain_mobile *mobile)
{
	struct identity mn = {.id_len = (uint8_t)strlen(mobile->id)};

	memcpy(mn.id, mobile->id, mn.id_len);
	report(c, REPORT_drain_refused, &mn, NULL, REPORT_NO_PEER);
}

void presence_attach(
	struct core *c, uint32_t ifindex, const uint8_t mac[6], const struct dlma_addr *hoa_hint)
{
	const struct domain_mobile *mobile = mobile_by_mac(c, mac);
	struct attachment *a = attachment_by_mac(c, mac);

	if (!mobile || !attachment_link_of(c, ifindex))
		return;
	if (a && a->ifindex != ifindex) {
		a->ifindex = ifindex;
		a->registered_ms = 0;
		if (a->delivering)
			attachment_deliver(c, a);
	}
	if (a) {
		present(c, a);
		announced(c, a, hoa_hint);
		return;
	}
	if (c->state.draining) {
		turned_away(c, mobile);
		return;
	}
	a = attachment_create(c, mobile, ifindex);
	if (!a)
		return;
	attachment_take_hint(c, a, hoa_hint);
	attached(c, a);
}

void presence_detach(struct core *c, uint32_t ifindex, const uint8_t mac[6])
{
	struct attachment *a = attachment_by_mac(c, mac);

	if (!a || a->state == ATTACHMENT_LEAVING || (ifindex && a->ifindex != ifindex))
		return;
	if (a->state == ATTACHMENT_WAITING)
		a->away = true;
	else
		mag_leave(c, a);
}

/* The address of its own that a MN shows: of its packet, or the one that it is about to take. */
static const struct dlma_addr *shown_address(const struct nd_message *m)
{
	if (m->type == ND_NEIGHBOR_SOLICITATION && addr_is_zero(&m->src))
		return &m->target;
	return &m->src;
}

void presence_neighbour(
	struct core *c, uint32_t ifindex, const uint8_t mac[6], const struct nd_message *m)
{
	const struct dlma_addr *shown = shown_address(m);
	struct attachment *a = attachment_by_mac(c, mac);
	/* These are sent on joining a link; the others at any time. */
	bool joining = m->type == ND_ROUTER_SOLICITATION || m->type == ND_MLD2_REPORT ||
		       m->type == ND_MLD_REPORT;

	if (a && a->ifindex == ifindex) {
		if (addr_is_link_local(shown))
			a->link_local = *shown;
		if (m->type == ND_ROUTER_SOLICITATION && a->delivering)
			attachment_advertise(c, a, false);
		present(c, a);
	}
	if (!a || a->ifindex != ifindex || joining || a->state == ATTACHMENT_LEAVING)
		presence_attach(c, ifindex, mac, shown);
}

/* By MN-ID, and by the HNP if there is one yet: the LMA may know it before us. */
static struct attachment *by_revocation(const struct core *c, const struct mh_options *o)
{
	struct identity mn = {.id_len = o->mn_id[0].len};
	const struct domain_mobile *mobile;
	struct attachment *a;

	if (!o->mn_id_count || !o->hnp_count)
		return NULL;
	memcpy(mn.id, o->mn_id[0].id, mn.id_len);
	mobile = mobile_by_identity(c, &mn);
	a = mobile ? attachment_by_mac(c, mobile->link_layer) : NULL;
	if (!a || (attachment_has_hnp(a) && !prefix_equal(&a->hnp, &o->hnp[0].prefix)))
		return NULL;
	return a;
}

/* RFC 5846 7.2 */
void presence_on_revocation(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct attachment *a = by_revocation(c, &m->options);
	uint8_t trigger = m->revocation.code;

	if (!domain_may_register(c->state.domain, c->state.conf->self, p->index)) {
		count(c, DLMA_SIGNAL_not_authorised);
		return;
	}
	/* Being asked by its LMA, it need not say by itself any more that the MN has left. */
	if (a && a->state == ATTACHMENT_LEAVING) {
		if (a->lma == p->index)
			attachment_forget(c, a);
		a = NULL;
	}
	if (!a || a->away || a->state == ATTACHMENT_REFUSED) {
		message_revocation_answer(
			c, p->index, m->revocation.sequence, MH_REVOCATION_NO_BINDING);
		return;
	}
	/* An LMA that had the MN before, on the same MAG, has no say any more. */
	if (a->lma != p->index) {
		count(c, DLMA_SIGNAL_not_authorised);
		return;
	}
	a->revoking_sequence = m->revocation.sequence;
	a->revoking_lma = p->index;
	if (trigger < MH_TRIGGER_HANDOVER_SAME_ATT || trigger > MH_TRIGGER_HANDOVER_UNKNOWN) {
		answer_revocation(c, a, MH_REVOCATION_OK);
		mag_turn_away(c, a);
		return;
	}
	if (a->revoking)
		return;
	a->revoking = true;
	handover_agree(c, a);
	a->probes = 0;
	attachment_probe(c, a);
}

void presence_adopt(
	struct core *c, const struct dlma_prefix *hnp, uint32_t ifindex, const uint8_t mac[6])
{
	const struct domain_mobile *mobile = mobile_by_mac(c, mac);
	struct attachment *a;

	if (!mobile || !attachment_link_of(c, ifindex) || attachment_by_mac(c, mac) ||
		!owner_hnp_valid(c, hnp)) {
		emit_access_del(c, hnp);
		return;
	}
	a = attachment_create(c, mobile, ifindex);
	if (!a)
		return;
	attachment_set_hnp(c, a, hnp);
	a->delivering = true;
	attachment_enter(c, a, ATTACHMENT_PROBING);
	attachment_probe(c, a);
}
