// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core_message.h"

#define BIT(option) MH_HAS(MH_OPTION_##option)

enum {
	SESSION = 1 << 0, /* MN-ID, HNP, Handoff Indicator, ATT, Timestamp */
	PLACE = 1 << 1,	  /* Alternate Care-of Address, LMA Address */
	MAG = 1 << 2,
	MN = 1 << 3,
	HNP = 1 << 4,
	RESTART = 1 << 5,
	SECOND = 1 << 6, /* a second MN and HNP */
	LINK = 1 << 7,	 /* Link-local Address */
	REDIRECT = 1 << 8,
};

static const struct {
	uint8_t type;
	uint16_t parts;
} kinds[] = {
	{MH_BINDING_UPDATE, SESSION},
	{MH_BINDING_UPDATE, SESSION | MAG},
	{MH_BINDING_UPDATE, SESSION | PLACE},
	{MH_BINDING_ACK, SESSION},
	{MH_BINDING_ACK, SESSION | MAG | PLACE},
	{MH_BINDING_REFRESH_REQUEST, HNP},
	{MH_BINDING_ERROR, 0},
	{MH_HEARTBEAT, 0},
	{MH_HEARTBEAT, RESTART},
	{MH_HANDOVER_INITIATE, SESSION | PLACE},
	{MH_HANDOVER_ACK, MN | HNP},
	{MH_BINDING_REVOCATION, MN | HNP},
	{MH_BINDING_REVOCATION, 0},
	{MH_LOCALIZED_ROUTING_INITIATION, MN | HNP | SECOND | MAG},
	{MH_LOCALIZED_ROUTING_ACK, MN | HNP | SECOND},
	{MH_BINDING_UPDATE, SESSION},
	{MH_UPDATE_NOTIFICATION, MN | HNP | REDIRECT},
	{MH_UPDATE_NOTIFICATION_ACK, MN | HNP},
	{MH_BINDING_ACK, SESSION | REDIRECT},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static uint64_t take_stamp(struct reader *r, const struct talk *t)
{
	uint8_t base = reader_u8(r);
	int64_t offset = (int8_t)reader_u8(r);

	if (base % 4 == 3)
		return offset < 0 ? UINT64_MAX : 0;
	if (base % 4 == 2)
		offset *= 65536;
	return (base % 4 == 1 ? t->last_stamp : t->wall) + (uint64_t)offset;
}

static uint16_t take_sequence(struct reader *r, const struct talk *t, unsigned int peer)
{
	uint8_t i = reader_u8(r);

	return i < 0xf0 ? t->sequences[peer][i % ASKED_MAX] : i;
}

/* Success more often than chance would have it. */
static uint8_t take_status(struct reader *r)
{
	static const uint8_t statuses[] = {0, MH_STATUS_timestamp_lower, MH_REVOCATION_MN_ATTACHED,
		MH_STATUS_hnp_not_authorised, MH_STATUS_mag_not_authorised, 1};
	uint8_t i = reader_u8(r);

	return i < 0xc0 ? statuses[i % 6] : i;
}

static void put_mn(struct mh_options *o, const struct identity *mn)
{
	struct mh_mn_id *id;

	if (o->mn_id_count == MH_MN_MAX)
		return;
	id = &o->mn_id[o->mn_id_count++];
	id->subtype = 1;
	id->len = mn->id_len;
	memcpy(id->id, mn->id, mn->id_len);
	if (!mn->ll_len)
		return;
	o->has |= BIT(LL_ID);
	o->ll_id_len = mn->ll_len;
	memcpy(o->ll_id, mn->ll, mn->ll_len);
}

static void put_hnp(struct mh_options *o, struct dlma_prefix hnp)
{
	if (o->hnp_count < MH_HNP_MAX)
		o->hnp[o->hnp_count++] =
			(struct mh_hnp){hnp, (uint8_t)(o->mn_id_count ? o->mn_id_count - 1 : 0)};
}

static void take_session(struct reader *r, const struct talk *t, struct mh_options *o)
{
	o->has |= BIT(HANDOFF) | BIT(ATT) | BIT(TIMESTAMP);
	o->handoff = (uint8_t)((MH_HANDOFF_UNKNOWN + reader_u8(r)) % 7);
	o->att = 3;
	o->timestamp = take_stamp(r, t);
}

static void take_options(
	struct reader *r, const struct talk *t, unsigned int parts, struct mh_options *o)
{
	struct identity mn = take_identity(r);

	if (parts & (SESSION | MN))
		put_mn(o, &mn);
	if (parts & (SESSION | HNP))
		put_hnp(o, take_hnp(r));
	if (parts & SESSION)
		take_session(r, t, o);
	if (parts & PLACE) {
		o->has |= BIT(ALTERNATE_COA) | BIT(LMA_ADDRESS);
		o->alternate_coa = take_address(r);
		o->lma_address = take_address(r);
	}
	if (parts & MAG) {
		o->has |= BIT(MAG_ADDRESS);
		o->mag_address = take_address(r);
	}
	if (parts & RESTART) {
		o->has |= BIT(RESTART_COUNTER);
		o->restart_counter = reader_u8(r);
	}
	if (parts & SECOND) {
		mn = take_identity(r);
		put_mn(o, &mn);
		put_hnp(o, take_hnp(r));
	}
	if (parts & LINK) {
		o->has |= BIT(LINK_LOCAL);
		o->link_local.b[0] = 0xfe;
	}
	if (parts & REDIRECT) {
		o->has |= BIT(REDIRECT);
		o->redirect = take_address(r);
	}
}

static void take_fixed(
	struct reader *r, const struct talk *t, unsigned int peer, struct mh_message *m)
{
	uint16_t units = (uint16_t)(take_lifetime_ms(r) / MH_LIFETIME_UNIT_MS);
	uint16_t sequence = take_sequence(r, t, peer);
	uint8_t status = take_status(r);

	switch ((enum mh_type)m->type) {
	case MH_BINDING_REFRESH_REQUEST:
		break;
	case MH_BINDING_UPDATE:
		m->bu.sequence = sequence;
		m->bu.flags = status == 1 ? MH_BU_ACK : MH_BU_ACK | MH_BU_PROXY;
		m->bu.lifetime = units;
		break;
	case MH_BINDING_ACK:
		m->ba.status = status;
		m->ba.sequence = sequence;
		m->ba.lifetime = units;
		break;
	case MH_BINDING_ERROR:
		m->be.status = status ? status : MH_BINDING_ERROR_NO_BINDING;
		m->be.home = take_hoa(r);
		break;
	case MH_HEARTBEAT:
		m->heartbeat.flags = reader_u8(r) % 4;
		m->heartbeat.sequence = sequence;
		break;
	case MH_HANDOVER_INITIATE:
	case MH_HANDOVER_ACK:
		m->handover.sequence = sequence;
		m->handover.code = status;
		break;
	case MH_BINDING_REVOCATION:
		m->revocation.type = MH_REVOCATION_INDICATION + reader_u8(r) % 2;
		m->revocation.code =
			m->revocation.type == MH_REVOCATION_ACK ? status : reader_u8(r) % 8;
		m->revocation.sequence = sequence;
		break;
	case MH_LOCALIZED_ROUTING_INITIATION:
	case MH_LOCALIZED_ROUTING_ACK:
		m->localized.sequence = sequence;
		m->localized.status = m->type == MH_LOCALIZED_ROUTING_ACK ? status : 0;
		m->localized.lifetime_s = units;
		break;
	case MH_UPDATE_NOTIFICATION:
		m->notification.sequence = sequence;
		m->notification.reason =
			status ? status : (uint16_t)MH_NOTIFICATION_FORCE_REREGISTRATION;
		m->notification.flags = MH_NOTIFICATION_ACK_WANTED;
		break;
	case MH_UPDATE_NOTIFICATION_ACK:
		m->notification.sequence = sequence;
		m->notification.status = status;
		break;
	}
}

void message_take(struct reader *r, const struct talk *t, unsigned int peer, struct mh_message *ret)
{
	uint8_t kind = reader_u8(r);
	/* Now and then something else than the kind calls for. */
	uint8_t parts = kind & 0x80 ? reader_u8(r) : 0;

	memset(ret, 0, sizeof(*ret));
	ret->type = kinds[kind % 32 % KINDS].type;
	take_fixed(r, t, peer, ret);
	take_options(r, t, kinds[kind % 32 % KINDS].parts ^ parts, &ret->options);
	if (kind & 0x40)
		ret->options.has &= ~(1ULL << reader_u8(r) % 64);
}

static bool is_request(const struct mh_message *m, uint16_t *ret_sequence)
{
	switch ((enum mh_type)m->type) {
	case MH_BINDING_UPDATE:
		*ret_sequence = m->bu.sequence;
		return true;
	case MH_BINDING_REVOCATION:
		*ret_sequence = m->revocation.sequence;
		return m->revocation.type == MH_REVOCATION_INDICATION;
	case MH_HANDOVER_INITIATE:
		*ret_sequence = m->handover.sequence;
		return true;
	case MH_LOCALIZED_ROUTING_INITIATION:
		*ret_sequence = m->localized.sequence;
		return true;
	case MH_UPDATE_NOTIFICATION:
		*ret_sequence = m->notification.sequence;
		return true;
	case MH_BINDING_REFRESH_REQUEST:
	case MH_BINDING_ACK:
	case MH_BINDING_ERROR:
	case MH_HEARTBEAT:
	case MH_HANDOVER_ACK:
	case MH_LOCALIZED_ROUTING_ACK:
	case MH_UPDATE_NOTIFICATION_ACK:
		break;
	}
	return false;
}

void message_heard(struct talk *t, unsigned int peer, const struct mh_message *m)
{
	uint16_t *known = t->sequences[peer], sequence;

	if (m->options.has & BIT(TIMESTAMP))
		t->last_stamp = m->options.timestamp;
	if (!is_request(m, &sequence))
		return;
	memmove(known + 1, known, (ASKED_MAX - 1) * sizeof(*known));
	known[0] = sequence;
}
