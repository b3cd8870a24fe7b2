// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From MAG to MAG (RFC 5949, reactive): where O-LMAs tunnel straight to a MAG, the previous one
 * sends on what still comes to it (draft 5.1.2, 5.1.3).
 */
#include "core/internal.h"

bool handover_build(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, handover);
	struct identity mn = attachment_identity(a);

	if (a->state != ATTACHMENT_REGISTERED)
		return false;
	m->type = MH_HANDOVER_INITIATE;
	m->handover.sequence = e->sequence;
	m->handover.flags = MH_HI_PROXY | MH_HI_FORWARD;
	message_session(m, &mn, &a->hnp, a->handoff, MH_ATT_ETHERNET, a->last_timestamp);
	m->options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS);
	m->options.lma_address = c->state.peers[c->state.self->lma].node->address;
	return true;
}

void handover_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, handover);
	struct identity mn = attachment_identity(a);

	if (m->handover.code < MH_HACK_REFUSED)
		report(c, REPORT_forwarding_granted, &mn, &a->hnp, e->peer);
}

/* Packets that went to the previous MAG are lost then; its LMA corrects the O-LMAs. */
void handover_given_up(struct core *c, struct exchange *e)
{
	struct attachment *a = container_of(e, struct attachment, handover);
	struct identity mn = attachment_identity(a);

	report(c, REPORT_unanswered, &mn, &a->hnp, e->peer);
}

static void acknowledge(
	struct core *c, const struct peer *p, const struct mh_message *request, uint8_t code)
{
	struct mh_message m = {.type = MH_HANDOVER_ACK};

	m.handover.sequence = request->handover.sequence;
	m.handover.code = code;
	m.handover.flags = MH_HACK_PROXY | (code < MH_HACK_REFUSED ? MH_HACK_FORWARD : 0);
	m.options.mn_id_count = 1;
	m.options.mn_id[0] = request->options.mn_id[0];
	m.options.hnp_count = 1;
	m.options.hnp[0].prefix = message_hnp(request);
	(void)peer_send(c, p->index, &m);
}

/* Another MAG has the MN now. A HI older than our own registration is a late one. */
static uint8_t judge(
	struct core *c, const struct peer *p, const struct attachment *a, const struct request *r)
{
	if (!peer_is_mag(c, p->index) || !r->has_hnp || !r->mn.id_len ||
		!owner_hnp_valid(c, &r->hnp) ||
		mobile_disclosure(c, &r->mn) == DOMAIN_DISCLOSE_NONE)
		return MH_HACK_PROHIBITED;
	if (a && a->state == ATTACHMENT_REGISTERED && a->last_timestamp >= r->timestamp)
		return MH_HACK_REFUSED;
	return MH_HACK_ACCEPTED;
}

/* RFC 5949 6.1: we are the previous MAG. */
void handover_on_initiate(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct attachment *a;
	struct onward onward;
	struct request r;
	uint8_t code;

	request_read(&r, p, m);
	a = attachment_by_hnp(c, &r.hnp);
	code = judge(c, p, a, &r);
	onward = (struct onward){
		&r.mn, p->index, peer_index(c, &m->options.lma_address), r.timestamp};
	if (onward.dlma == DOMAIN_NO_NODE || !peer_is_lma(c, onward.dlma))
		code = MH_HACK_PROHIBITED;
	if (code)
		count(c, DLMA_SIGNAL_not_authorised);
	/* A node that is an LMA too forwards by its own entries. */
	if (!code && peer_is_mag_only(c, c->state.conf->self)) {
		learnt_forward(c, &r.hnp, &onward);
		if (a)
			attachment_undeliver(c, a);
	}
	acknowledge(c, p, m, code);
}
