/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "generate.h"
#include "vectors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t generate_seed(void)
{
	const char *given = getenv("DLMA_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

	fprintf(stderr, "DLMA_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* splitmix64 */
static uint64_t generate_u64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t generate_number(uint64_t *state, uint32_t bound)
{
	return (uint32_t)((generate_u64(state) >> 32) * bound >> 32);
}

void generate_bytes(uint64_t *state, void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = (uint8_t)generate_u64(state);
}

/* All members of the fixed part; those that a type does not carry stay zero. */
static void random_fixed(uint64_t *s, struct mh_message *m)
{
	switch ((enum mh_type)m->type) {
	case MH_BINDING_REFRESH_REQUEST:
		break;
	case MH_BINDING_UPDATE:
		generate_bytes(s, &m->bu, sizeof(m->bu));
		break;
	case MH_BINDING_ACK:
		generate_bytes(s, &m->ba, sizeof(m->ba));
		break;
	case MH_BINDING_ERROR:
		generate_bytes(s, &m->be, sizeof(m->be));
		break;
	case MH_HEARTBEAT:
		generate_bytes(s, &m->heartbeat, sizeof(m->heartbeat));
		break;
	case MH_HANDOVER_INITIATE:
	case MH_HANDOVER_ACK:
		generate_bytes(s, &m->handover, sizeof(m->handover));
		break;
	case MH_BINDING_REVOCATION:
		generate_bytes(s, &m->revocation, sizeof(m->revocation));
		break;
	case MH_LOCALIZED_ROUTING_ACK:
		m->localized.status = (uint8_t)generate_u64(s);
		m->localized.unsolicited = generate_number(s, 2);
		/* fall through */
	case MH_LOCALIZED_ROUTING_INITIATION:
		m->localized.sequence = (uint16_t)generate_u64(s);
		m->localized.lifetime_s = (uint16_t)generate_u64(s);
		break;
	case MH_UPDATE_NOTIFICATION:
		m->notification.sequence = (uint16_t)generate_u64(s);
		m->notification.reason = (uint16_t)generate_u64(s);
		m->notification.flags = (uint16_t)generate_u64(s);
		break;
	case MH_UPDATE_NOTIFICATION_ACK:
		m->notification.sequence = (uint16_t)generate_u64(s);
		m->notification.status = (uint8_t)generate_u64(s);
		break;
	}
}

static bool localized(uint8_t type)
{
	return type == MH_LOCALIZED_ROUTING_INITIATION || type == MH_LOCALIZED_ROUTING_ACK;
}

/* HNPs stand in the order of their MNs, as they do in a decoded message. */
static void random_mns(uint64_t *s, uint8_t type, struct mh_options *o)
{
	uint8_t mn = 0;

	o->mn_id_count = (uint8_t)generate_number(s, localized(type) ? 3 : 2);
	for (unsigned int i = 0; i < o->mn_id_count; i++) {
		o->mn_id[i].subtype = (uint8_t)generate_number(s, 16);
		o->mn_id[i].len = (uint8_t)generate_number(s, MH_MN_ID_MAX + 1);
		generate_bytes(s, o->mn_id[i].id, o->mn_id[i].len);
	}
	o->hnp_count = (uint8_t)generate_number(s, MH_HNP_MAX + 1);
	for (unsigned int i = 0; i < o->hnp_count; i++) {
		struct dlma_addr addr;

		generate_bytes(s, &addr, sizeof(addr));
		if (mn + 1 < o->mn_id_count)
			mn = (uint8_t)(mn + generate_number(s, 2));
		o->hnp[i].mn = mn;
		o->hnp[i].prefix = prefix_make(addr, generate_number(s, 129));
	}
}

static bool random_has(uint64_t *s, struct mh_options *o, enum mh_option_type type)
{
	bool has = generate_number(s, 2);

	if (has)
		o->has |= MH_HAS(type);
	return has;
}

static void random_plain(uint64_t *s, struct mh_options *o)
{
	const struct {
		enum mh_option_type type;
		void *at;
		size_t len;
	} plain[] = {
		{MH_OPTION_HANDOFF, &o->handoff, sizeof(o->handoff)},
		{MH_OPTION_ATT, &o->att, sizeof(o->att)},
		{MH_OPTION_ALTERNATE_COA, &o->alternate_coa, sizeof(o->alternate_coa)},
		{MH_OPTION_LINK_LOCAL, &o->link_local, sizeof(o->link_local)},
		{MH_OPTION_LMA_ADDRESS, &o->lma_address, sizeof(o->lma_address)},
		{MH_OPTION_MAG_ADDRESS, &o->mag_address, sizeof(o->mag_address)},
		{MH_OPTION_REDIRECT, &o->redirect, sizeof(o->redirect)},
		{MH_OPTION_TIMESTAMP, &o->timestamp, sizeof(o->timestamp)},
		{MH_OPTION_MESG_ID, &o->mesg_id, sizeof(o->mesg_id)},
		{MH_OPTION_RESTART_COUNTER, &o->restart_counter, sizeof(o->restart_counter)},
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (random_has(s, o, plain[i].type))
			generate_bytes(s, plain[i].at, plain[i].len);
	}
}

static void random_sized(uint64_t *s, struct mh_options *o)
{
	if (random_has(s, o, MH_OPTION_LL_ID)) {
		o->ll_id_len = (uint8_t)generate_number(s, MH_LL_ID_MAX + 1);
		generate_bytes(s, o->ll_id, o->ll_id_len);
	}
	if (random_has(s, o, MH_OPTION_SERVICE_SELECTION)) {
		o->service_len = (uint8_t)(1 + generate_number(s, 255));
		generate_bytes(s, o->service, o->service_len);
	}
	if (random_has(s, o, MH_OPTION_VENDOR)) {
		o->vendor.id = (uint32_t)generate_u64(s);
		o->vendor.subtype = (uint8_t)generate_u64(s);
		o->vendor.len = (uint8_t)generate_number(s, MH_VENDOR_MAX + 1);
		generate_bytes(s, o->vendor.data, o->vendor.len);
	}
	if (random_has(s, o, MH_OPTION_AUTHENTICATION)) {
		o->auth.subtype = (uint8_t)generate_u64(s);
		o->auth.spi = (uint32_t)generate_u64(s);
		o->auth.len = (uint8_t)(4 * generate_number(s, MH_AUTH_MAX / 4 + 1));
		generate_bytes(s, o->auth.data, o->auth.len);
	}
}

void generate_message(uint64_t *state, struct mh_message *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = vectors[generate_number(state, VECTOR_COUNT)].message.type;
	random_fixed(state, ret);
	random_mns(state, ret->type, &ret->options);
	random_plain(state, &ret->options);
	random_sized(state, &ret->options);
}
