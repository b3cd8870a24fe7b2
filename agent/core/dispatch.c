// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"

/*
 * What a PBU means follows from its sender's role and from option 41, which no other PBU has:
 * with it, it says where a HNP is now; without, a MAG registers a MN, or a V-LMA claims one.
 */
static void on_update(struct core *c, struct peer *p, const struct mh_message *m)
{
	bool own = p->index == c->state.conf->self;

	if (!(m->bu.flags & MH_BU_PROXY))
		count(c, DLMA_SIGNAL_unexpected);
	else if (mh_option_has(&m->options, MH_OPTION_LMA_ADDRESS))
		update_on_pbu(c, p, m);
	else if (!(c->state.self->roles & DLMA_ROLE_LMA))
		count(c, DLMA_SIGNAL_unexpected);
	else if (!own && p->node->roles & DLMA_ROLE_LMA)
		anchor_on_pbu(c, p, m);
	else
		registration_on_pbu(c, p, m);
}

static void on_answer(struct core *c, struct peer *p, const struct mh_message *m, uint16_t sequence)
{
	struct exchange *e = exchange_find(c, p->index, sequence, m->type);

	if (e)
		exchange_answered(c, e, m);
}

static void on_revocation(struct core *c, struct peer *p, const struct mh_message *m)
{
	if (m->revocation.type == MH_REVOCATION_ACK)
		on_answer(c, p, m, m->revocation.sequence);
	else if (c->state.self->roles & DLMA_ROLE_LMA && p->index != c->state.conf->self)
		binding_on_revocation(c, p, m);
	else if (c->state.self->roles & DLMA_ROLE_MAG)
		presence_on_revocation(c, p, m);
	else
		count(c, DLMA_SIGNAL_unexpected);
}

static void on_handover(struct core *c, struct peer *p, const struct mh_message *m)
{
	if (c->state.self->roles & DLMA_ROLE_MAG)
		handover_on_initiate(c, p, m);
	else
		count(c, DLMA_SIGNAL_unexpected);
}

static void on_notification(struct core *c, struct peer *p, const struct mh_message *m)
{
	if (c->state.self->roles & DLMA_ROLE_MAG)
		drain_on_notification(c, p, m);
	else
		count(c, DLMA_SIGNAL_unexpected);
}

void dispatch(struct core *c, struct peer *p, const struct mh_message *m)
{
	switch ((enum mh_type)m->type) {
	case MH_BINDING_UPDATE:
		on_update(c, p, m);
		break;
	case MH_BINDING_ACK:
		on_answer(c, p, m, m->ba.sequence);
		break;
	case MH_BINDING_REFRESH_REQUEST:
		anchor_on_query(c, p, m);
		break;
	case MH_BINDING_ERROR:
		query_on_error(c, p, m);
		break;
	case MH_BINDING_REVOCATION:
		on_revocation(c, p, m);
		break;
	case MH_HANDOVER_INITIATE:
		on_handover(c, p, m);
		break;
	case MH_HANDOVER_ACK:
		on_answer(c, p, m, m->handover.sequence);
		break;
	case MH_LOCALIZED_ROUTING_INITIATION:
		localize_on_initiation(c, p, m);
		break;
	case MH_LOCALIZED_ROUTING_ACK:
		on_answer(c, p, m, m->localized.sequence);
		break;
	case MH_UPDATE_NOTIFICATION:
		on_notification(c, p, m);
		break;
	case MH_UPDATE_NOTIFICATION_ACK:
		on_answer(c, p, m, m->notification.sequence);
		break;
	case MH_HEARTBEAT: /* peer.c has taken it */
		count(c, DLMA_SIGNAL_unexpected);
		break;
	}
}
