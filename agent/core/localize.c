// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From MN to MN past all LMAs (draft 5.4, Figure 11), by the messages of RFC 6705: the O-LMA, which
 * is the D-LMA of the sender, tells the sender's MAG the proxy-CoA of the other MN. Each MAG learns
 * from it where the other's MN is, so the policies of both MNs must allow that.
 */
#include "core/internal.h"

enum {
	NOT_ALLOWED = 128, /* RFC 6705 9.2 */
	NOT_ATTACHED = 129,
};

static const struct identity *mn_of(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct binding *b = binding_by_hnp(c, hnp);
	const struct anchor *a = anchor_by_hnp(c, hnp);
	const struct learnt *l = learnt_by_hnp(c, hnp);

	return b ? b->mn : a ? a->mn : l ? l->mn : NULL;
}

bool localize_allowed(const struct core *c, const struct dlma_prefix *source,
	const struct dlma_prefix *hnp, uint16_t mag)
{
	const struct binding *sender = binding_by_hnp(c, source);
	struct route to = route_of(c, hnp);

	return sender && sender->state == BINDING_ACTIVE && sender->mag == mag &&
	       mobile_disclosure(c, sender->mn) == DOMAIN_DISCLOSE_MAG &&
	       mobile_disclosure(c, mn_of(c, hnp)) == DOMAIN_DISCLOSE_MAG &&
	       peer_is_mag_only(c, to.target);
}

/* RFC 6705 9.1: two MNs with their HNPs, and the MAG of the second. */
void localize_build(struct core *c, const struct exchange *e, const struct dlma_prefix *source,
	const struct dlma_prefix *hnp, struct mh_message *m)
{
	struct route to = route_of(c, hnp);

	m->type = MH_LOCALIZED_ROUTING_INITIATION;
	m->localized.sequence = e->sequence;
	m->localized.lifetime_s = (uint16_t)(c->state.domain->timers.cache_lifetime_ms / 1000);
	message_mn(m, mn_of(c, source), source);
	message_mn(m, mn_of(c, hnp), hnp);
	message_name_mag(c, m, to.target);
}

static bool is_here(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct attachment *a = attachment_by_hnp(c, hnp);

	return a && a->delivering;
}

static uint8_t judge(struct core *c, const struct peer *p, const struct mh_message *m,
	const struct identity *mn, uint16_t target)
{
	const struct mh_options *o = &m->options;
	const struct attachment *a;

	a = o->hnp_count ? attachment_by_hnp(c, &o->hnp[0].prefix) : NULL;
	if (p->index != (a ? a->lma : c->state.self->lma) || o->hnp_count != 2 ||
		o->mn_id_count != 2 || !mh_option_has(o, MH_OPTION_MAG_ADDRESS) ||
		!peer_is_mag_only(c, target) || !owner_hnp_valid(c, &o->hnp[1].prefix) ||
		mobile_disclosure(c, mn) != DOMAIN_DISCLOSE_MAG)
		return NOT_ALLOWED;
	if (!is_here(c, &o->hnp[0].prefix) ||
		(target == c->state.conf->self && !is_here(c, &o->hnp[1].prefix)))
		return NOT_ATTACHED;
	return 0;
}

/* MAG: its LMA says that packets for the second MN may go to another MAG. */
void localize_on_initiation(struct core *c, struct peer *p, const struct mh_message *m)
{
	const struct mh_mn_id *id = &m->options.mn_id[1];
	uint16_t target = message_mag(c, m);
	struct mh_message answer = {.type = MH_LOCALIZED_ROUTING_ACK};
	struct identity mn = {.id_len = id->len};
	struct onward onward = {&mn, target, p->index, 0};

	memcpy(mn.id, id->id, id->len);
	answer.localized.sequence = m->localized.sequence;
	answer.localized.lifetime_s = m->localized.lifetime_s;
	answer.localized.status = judge(c, p, m, &mn, target);
	if (answer.localized.status)
		count(c, DLMA_SIGNAL_not_authorised);
	else if (learnt_localize(
			 c, &m->options.hnp[1].prefix, &onward, m->localized.lifetime_s * 1000U))
		answer.localized.status = NOT_ALLOWED;
	answer.options.mn_id_count = m->options.mn_id_count;
	memcpy(answer.options.mn_id, m->options.mn_id, sizeof(answer.options.mn_id));
	answer.options.hnp_count = m->options.hnp_count;
	memcpy(answer.options.hnp, m->options.hnp, sizeof(answer.options.hnp));
	(void)peer_send(c, p->index, &answer);
}
