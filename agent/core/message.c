// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/internal.h"

static uint16_t lifetime_units(uint32_t ms)
{
	uint32_t units = (ms + MH_LIFETIME_UNIT_MS - 1) / MH_LIFETIME_UNIT_MS;

	return (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX);
}

uint32_t message_lifetime_ms(uint16_t units)
{
	return (uint32_t)units * MH_LIFETIME_UNIT_MS;
}

void message_update(
	struct mh_message *m, const struct exchange *e, uint16_t flags, uint32_t lifetime_ms)
{
	m->type = MH_BINDING_UPDATE;
	m->bu.sequence = e->sequence;
	m->bu.flags = (uint16_t)(MH_BU_ACK | MH_BU_PROXY | flags);
	m->bu.lifetime = lifetime_units(lifetime_ms);
}

static void put_mn(struct mh_options *o, const struct identity *mn)
{
	struct mh_mn_id *id = &o->mn_id[o->mn_id_count++];

	id->subtype = 1; /* NAI */
	id->len = mn ? mn->id_len : 0;
	if (mn)
		memcpy(id->id, mn->id, mn->id_len);
	if (!mn || !mn->ll_len)
		return;
	o->has |= MH_HAS(MH_OPTION_LL_ID);
	o->ll_id_len = mn->ll_len;
	memcpy(o->ll_id, mn->ll, mn->ll_len);
}

void message_mn(struct mh_message *m, const struct identity *mn, const struct dlma_prefix *hnp)
{
	struct mh_options *o = &m->options;
	struct identity named = {0};

	if (mn) {
		named.id_len = mn->id_len;
		memcpy(named.id, mn->id, mn->id_len);
	}
	put_mn(o, &named);
	o->hnp[o->hnp_count].prefix = *hnp;
	o->hnp[o->hnp_count++].mn = (uint8_t)(o->mn_id_count - 1);
}

void message_session(struct mh_message *m, const struct identity *mn, const struct dlma_prefix *hnp,
	uint8_t handoff, uint8_t att, uint64_t timestamp)
{
	struct mh_options *o = &m->options;

	put_mn(o, mn);
	o->hnp[o->hnp_count++].prefix = *hnp;
	o->has |= MH_HAS(MH_OPTION_HANDOFF) | MH_HAS(MH_OPTION_ATT) | MH_HAS(MH_OPTION_TIMESTAMP);
	o->handoff = handoff;
	o->att = att;
	o->timestamp = timestamp;
}

void message_location(struct core *c, struct mh_message *m, uint16_t target, uint16_t dlma)
{
	struct mh_options *o = &m->options;

	o->has |= MH_HAS(MH_OPTION_ALTERNATE_COA) | MH_HAS(MH_OPTION_LMA_ADDRESS);
	o->alternate_coa = c->state.peers[target].node->address;
	o->lma_address = c->state.peers[dlma].node->address;
}

void message_redirect(struct core *c, struct mh_message *m, uint16_t lma)
{
	m->options.has |= MH_HAS(MH_OPTION_REDIRECT);
	m->options.redirect = c->state.peers[lma].node->address;
}

uint16_t message_redirection(const struct core *c, const struct mh_message *m)
{
	return mh_option_has(&m->options, MH_OPTION_REDIRECT) ? peer_index(c, &m->options.redirect)
							      : DOMAIN_NO_NODE;
}

void message_name_mag(struct core *c, struct mh_message *m, uint16_t mag)
{
	m->options.has |= MH_HAS(MH_OPTION_MAG_ADDRESS);
	m->options.mag_address = c->state.peers[mag].node->address;
}

uint16_t message_mag(const struct core *c, const struct mh_message *m)
{
	return mh_option_has(&m->options, MH_OPTION_MAG_ADDRESS)
		       ? peer_index(c, &m->options.mag_address)
		       : DOMAIN_NO_NODE;
}

struct dlma_prefix message_hnp(const struct mh_message *m)
{
	return m->options.hnp_count ? m->options.hnp[0].prefix : (struct dlma_prefix){0};
}

uint8_t message_status(const struct mh_message *m)
{
	return m->ba.status < MH_STATUS_unspecified ? MH_STATUS_accepted : m->ba.status;
}

void message_revocation_answer(struct core *c, uint16_t peer, uint16_t sequence, uint8_t code)
{
	struct mh_message m = {.type = MH_BINDING_REVOCATION};

	m.revocation.type = MH_REVOCATION_ACK;
	m.revocation.code = code;
	m.revocation.sequence = sequence;
	m.revocation.flags = MH_REVOCATION_PROXY;
	(void)peer_send(c, peer, &m);
}

static void read_identity(struct identity *mn, const struct mh_options *o)
{
	if (o->mn_id_count) {
		mn->id_len = o->mn_id[0].len;
		memcpy(mn->id, o->mn_id[0].id, mn->id_len);
	}
	if (mh_option_has(o, MH_OPTION_LL_ID) && o->ll_id_len <= sizeof(mn->ll)) {
		mn->ll_len = o->ll_id_len;
		memcpy(mn->ll, o->ll_id, mn->ll_len);
	}
}

void request_read(struct request *r, const struct peer *p, const struct mh_message *m)
{
	*r = (struct request){
		.peer = p->index,
		.sequence = m->bu.sequence,
		.has = m->options.has,
		.timestamp = m->options.timestamp,
		.lifetime_ms = message_lifetime_ms(m->bu.lifetime),
		.handoff = m->options.handoff,
		.att = m->options.att,
		.link_local = m->options.link_local,
		.has_hnp = m->options.hnp_count,
		.hnp = message_hnp(m),
	};
	read_identity(&r->mn, &m->options);
}

void message_limit_lifetime(const struct core *c, struct request *r)
{
	uint32_t limit = c->state.domain->timers.binding_lifetime_ms;

	r->lifetime_ms = r->lifetime_ms < limit ? r->lifetime_ms : limit;
}

struct reply message_reply_new(uint8_t status)
{
	return (struct reply){.status = status,
		.previous = DOMAIN_NO_NODE,
		.previous_mag = DOMAIN_NO_NODE,
		.redirect = DOMAIN_NO_NODE};
}

/* RFC 5213 5.3.6 */
void message_reply(struct core *c, const struct request *r, const struct reply *reply)
{
	const struct dlma_prefix *hnp = addr_is_zero(&reply->hnp.addr) ? &r->hnp : &reply->hnp;
	struct mh_message m = {.type = MH_BINDING_ACK};

	m.ba.status = reply->status;
	m.ba.flags = MH_BA_PROXY;
	m.ba.sequence = r->sequence;
	m.ba.lifetime = lifetime_units(reply->lifetime_ms);
	message_session(&m, &r->mn, hnp, r->handoff, r->att,
		reply->timestamp ? reply->timestamp : r->timestamp);
	m.options.has &= r->has | ~(MH_HAS(MH_OPTION_TIMESTAMP) | MH_HAS(MH_OPTION_LL_ID));
	if (r->has & MH_HAS(MH_OPTION_LINK_LOCAL)) {
		m.options.has |= MH_HAS(MH_OPTION_LINK_LOCAL);
		m.options.link_local = r->link_local;
	}
	if (reply->previous != DOMAIN_NO_NODE) {
		m.options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS);
		m.options.lma_address = c->state.peers[reply->previous].node->address;
	}
	if (reply->previous_mag != DOMAIN_NO_NODE)
		message_name_mag(c, &m, reply->previous_mag);
	if (reply->redirect != DOMAIN_NO_NODE)
		message_redirect(c, &m, reply->redirect);
	c->state.counters.statuses[reply->status]++;
	if (reply->status >= MH_STATUS_unspecified)
		count(c, DLMA_SIGNAL_refused);
	(void)peer_send(c, r->peer, &m);
}
