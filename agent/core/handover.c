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
	m->options.lma_address = c->state.peers[a->lma].node->address;
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

static void acknowledge(struct core *c, const struct handover_word *w, const struct identity *mn,
	const struct dlma_prefix *hnp, uint8_t code)
{
	struct mh_message m = {.type = MH_HANDOVER_ACK};

	m.handover.sequence = w->sequence;
	m.handover.code = code;
	m.handover.flags = MH_HACK_PROXY | (code < MH_HACK_REFUSED ? MH_HACK_FORWARD : 0);
	message_mn(&m, mn, hnp);
	(void)peer_send(c, w->peer, &m);
}

void handover_agree(struct core *c, struct attachment *a)
{
	struct identity mn = attachment_identity(a);
	struct handover_word w = a->word;

	if (w.peer == DOMAIN_NO_NODE)
		return;
	a->word.peer = DOMAIN_NO_NODE;
	learnt_forward(c, &a->hnp, &(struct onward){&mn, w.peer, w.dlma, w.stamp});
	attachment_undeliver(c, a);
	acknowledge(c, &w, &mn, &a->hnp, MH_HACK_ACCEPTED);
}

bool handover_contradict(struct core *c, struct attachment *a)
{
	struct identity mn = attachment_identity(a);

	if (a->word.peer == DOMAIN_NO_NODE)
		return false;
	count(c, DLMA_SIGNAL_not_authorised);
	c->state.peers[a->word.peer].disputed++;
	report(c, REPORT_move_disputed, &mn, &a->hnp, a->word.peer);
	acknowledge(c, &a->word, &mn, &a->hnp, MH_HACK_REFUSED);
	a->word.peer = DOMAIN_NO_NODE;
	return true;
}

/* Only a MN that was here can be handed over from here; where it went, its new MAG says. */
static bool was_here(const struct core *c, const struct peer *p, const struct attachment *a,
	const struct dlma_prefix *hnp)
{
	const struct learnt *l = learnt_by_hnp(c, hnp);

	if (l && l->kind == DLMA_LOCATION_FORWARDING)
		return l->target == p->index;
	return a || (l && l->kind == DLMA_LOCATION_HELD);
}

/*
 * Another MAG has the MN now. A HI older than our own registration is a late one, one from the
 * future an attempt to stand above all that comes.
 */
static uint8_t judge(
	struct core *c, const struct peer *p, const struct attachment *a, const struct request *r)
{
	uint64_t window = (uint64_t)c->state.domain->timers.lma_timestamp_window_ms * 65536 / 1000;

	if (!peer_is_mag(c, p->index) || !r->has_hnp || !r->mn.id_len ||
		!owner_hnp_valid(c, &r->hnp) ||
		mobile_disclosure(c, &r->mn) == DOMAIN_DISCLOSE_NONE ||
		r->timestamp > c->now.wall + window || !was_here(c, p, a, &r->hnp))
		return MH_HACK_PROHIBITED;
	if (a && a->state == ATTACHMENT_REGISTERED && a->last_timestamp >= r->timestamp)
		return MH_HACK_REFUSED;
	return MH_HACK_ACCEPTED;
}

/*
 * While the MN seems to be here, and our LMA knows of no move, the word of another MAG is not
 * enough: the MN is asked.
 */
static void take_word(struct core *c, struct attachment *a, const struct handover_word *w)
{
	a->word = *w;
	if (!a->delivering || a->revoking) {
		handover_agree(c, a);
	} else if (!a->probed_ms) {
		a->probes = 0;
		attachment_probe(c, a);
	}
}

/* RFC 5949 6.1: we are the previous MAG. */
void handover_on_initiate(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct handover_word w = {.stamp = m->options.timestamp,
		.peer = p->index,
		.dlma = peer_index(c, &m->options.lma_address),
		.sequence = m->handover.sequence};
	struct attachment *a;
	struct request r;
	uint8_t code;

	request_read(&r, p, m);
	a = attachment_by_hnp(c, &r.hnp);
	code = judge(c, p, a, &r);
	if (w.dlma == DOMAIN_NO_NODE || !peer_is_lma(c, w.dlma))
		code = MH_HACK_PROHIBITED;
	if (code)
		count(c, DLMA_SIGNAL_not_authorised);
	/* A node that is an LMA too forwards by its own entries. */
	if (!code && a && peer_is_mag_only(c, c->state.conf->self)) {
		take_word(c, a, &w);
		return;
	}
	if (!code && peer_is_mag_only(c, c->state.conf->self))
		learnt_forward(c, &r.hnp, &(struct onward){&r.mn, w.peer, w.dlma, w.stamp});
	acknowledge(c, &w, &r.mn, &r.hnp, code);
}
