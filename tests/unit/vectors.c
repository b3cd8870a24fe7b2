/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "vectors.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define NODE(third)                                                 \
	{                                                           \
		.b = { 0x20, 0x01, 0x0d, 0xb8, 0, third, [15] = 1 } \
	}
#define MAG1   NODE(0xa1)
#define MAG2   NODE(0xa2)
#define V_LMA1 NODE(0xb1)
#define V_LMA2 NODE(0xb2)
#define H_LMA  NODE(0x0f)
#define O_LMA  NODE(0x0c)

#define HNP(number, host)                                                     \
	{                                                                     \
		.b = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0f, number, [15] = host } \
	}
#define PREFIX(address, bits)                \
	{                                    \
		.addr = address, .len = bits \
	}
#define HOA1 HNP(1, 5)
#define MN(text)                                                  \
	{                                                         \
		.subtype = 1, .len = sizeof(text) - 1, .id = text \
	}
#define ONE_MN                                                              \
	.mn_id_count = 1, .mn_id = {MN("mn1@example.net")}, .hnp_count = 1, \
	.hnp = {{.prefix = PREFIX(HNP(1, 0), 64)}}
#define TWO_MNS                                                                                    \
	.mn_id_count = 2, .mn_id = {MN("mn1@example.net"), MN("mn2@example.net")}, .hnp_count = 2, \
	.hnp = {{.prefix = PREFIX(HNP(1, 0), 64)}, {.prefix = PREFIX(HNP(2, 0), 64), .mn = 1}}
#define HAS(option) MH_HAS(MH_OPTION_##option)
#define LINK_LAYER  .ll_id_len = 6, .ll_id = {2, 0, 0, 0, 0, 1}
#define MOVED	    0x00006955b9008000 /* 2026-01-01 00:00:00.5 UTC */

const struct vector vectors[VECTOR_COUNT] = {
	{"T1 PBU MAG1 to V-LMA-1 (first attachment in visited network)", MAG1, V_LMA1, 88,
		"\x3b\x0a\x05\x00\xf2\x43\x00\x01\x82\x00\x00\x4b\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x17\x02\x00\x04\x18\x02\x00\x04"
		"\x01\x00\x1b\x08\x00\x00\x69\x55\xb9\x00\x80\x00\x19\x08\x00\x00"
		"\x02\x00\x00\x00\x00\x01\x01\x00",
		{.type = MH_BINDING_UPDATE,
			.bu = {1, 0x8200, 75},
			.options = {ONE_MN, .handoff = 4, .att = 4, .timestamp = MOVED, LINK_LAYER,
				.has = HAS(HANDOFF) | HAS(ATT) | HAS(TIMESTAMP) | HAS(LL_ID)}}},
	{"T2 PBA V-LMA-1 to MAG1, accepted", V_LMA1, MAG1, 88,
		"\x3b\x0a\x06\x00\x73\x24\x00\x20\x00\x01\x00\x4b\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x17\x02\x00\x04\x18\x02\x00\x04"
		"\x01\x00\x1b\x08\x00\x00\x69\x55\xb9\x00\x80\x00\x19\x08\x00\x00"
		"\x02\x00\x00\x00\x00\x01\x01\x00",
		{.type = MH_BINDING_ACK,
			.ba = {0, 0x20, 1, 75},
			.options = {ONE_MN, .handoff = 4, .att = 4, .timestamp = MOVED, LINK_LAYER,
				.has = HAS(HANDOFF) | HAS(ATT) | HAS(TIMESTAMP) | HAS(LL_ID)}}},
	{"T3 PBU V-LMA-1 to H-LMA (uniqueness check + anchoring update)", V_LMA1, H_LMA, 112,
		"\x3b\x0d\x05\x00\x4f\xc9\x01\x01\xc2\x00\x00\x4b\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x17\x02\x00\x04\x18\x02\x00\x04"
		"\x01\x00\x1b\x08\x00\x00\x69\x55\xb9\x00\x80\x00\x19\x08\x00\x00"
		"\x02\x00\x00\x00\x00\x01\x01\x04\x00\x00\x00\x00\x33\x12\x00\x80"
		"\x20\x01\x0d\xb8\x00\xa1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		{.type = MH_BINDING_UPDATE,
			.bu = {0x101, 0xc200, 75},
			.options = {ONE_MN, .handoff = 4, .att = 4, .timestamp = MOVED, LINK_LAYER,
				.mag_address = MAG1,
				.has = HAS(HANDOFF) | HAS(ATT) | HAS(TIMESTAMP) | HAS(LL_ID) |
				       HAS(MAG_ADDRESS)}}},
	{"T4 PBA H-LMA to V-LMA-1, accepted, previous D-LMA = V-LMA-2", H_LMA, V_LMA1, 112,
		"\x3b\x0d\x06\x00\x19\x1b\x00\x20\x01\x01\x00\x4b\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x17\x02\x00\x04\x18\x02\x00\x04"
		"\x01\x00\x1b\x08\x00\x00\x69\x55\xb9\x00\x80\x00\x19\x08\x00\x00"
		"\x02\x00\x00\x00\x00\x01\x01\x00\x29\x12\x01\x00\x20\x01\x0d\xb8"
		"\x00\xb2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\x00\x00",
		{.type = MH_BINDING_ACK,
			.ba = {0, 0x20, 0x101, 75},
			.options = {ONE_MN, .handoff = 4, .att = 4, .timestamp = MOVED, LINK_LAYER,
				.lma_address = V_LMA2,
				.has = HAS(HANDOFF) | HAS(ATT) | HAS(TIMESTAMP) | HAS(LL_ID) |
				       HAS(LMA_ADDRESS)}}},
	{"T5 PBA H-LMA to V-LMA-1, HoA not unique (155)", H_LMA, V_LMA1, 88,
		"\x3b\x0a\x06\x00\xd8\x00\x9b\x20\x01\x01\x00\x00\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x17\x02\x00\x04\x18\x02\x00\x04"
		"\x01\x00\x1b\x08\x00\x00\x69\x55\xb9\x00\x80\x00\x19\x08\x00\x00"
		"\x02\x00\x00\x00\x00\x01\x01\x00",
		{.type = MH_BINDING_ACK,
			.ba = {155, 0x20, 0x101, 0},
			.options = {ONE_MN, .handoff = 4, .att = 4, .timestamp = MOVED, LINK_LAYER,
				.has = HAS(HANDOFF) | HAS(ATT) | HAS(TIMESTAMP) | HAS(LL_ID)}}},
	{"T6 PBU location update H-LMA to O-LMA (D-LMA = V-LMA-1)", H_LMA, O_LMA, 120,
		"\x3b\x0e\x05\x00\x81\xa1\x02\x01\x82\x00\x00\x0f\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x17\x02\x00\x04\x18\x02\x00\x04"
		"\x01\x00\x1b\x08\x00\x00\x69\x55\xb9\x00\x80\x00\x01\x00\x03\x10"
		"\x20\x01\x0d\xb8\x00\xb1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
		"\x29\x12\x01\x00\x20\x01\x0d\xb8\x00\xb1\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x01\x01\x02\x00\x00",
		{.type = MH_BINDING_UPDATE,
			.bu = {0x201, 0x8200, 15},
			.options = {ONE_MN, .handoff = 4, .att = 4, .timestamp = MOVED,
				.alternate_coa = V_LMA1, .lma_address = V_LMA1,
				.has = HAS(HANDOFF) | HAS(ATT) | HAS(TIMESTAMP) |
				       HAS(ALTERNATE_COA) | HAS(LMA_ADDRESS)}}},
	{"T7 BRR O-LMA to H-LMA (pull for 2001:db8:f:100::5)", O_LMA, H_LMA, 32,
		"\x3b\x03\x00\x00\x22\x65\x00\x00\x01\x02\x00\x00\x16\x12\x00\x80"
		"\x20\x01\x0d\xb8\x00\x0f\x01\x00\x00\x00\x00\x00\x00\x00\x00\x05",
		{.type = MH_BINDING_REFRESH_REQUEST,
			.options = {.hnp_count = 1, .hnp = {{.prefix = PREFIX(HOA1, 128)}}}}},
	{"T8 BE D-LMA to O-LMA, no binding for 2001:db8:f:100::5", V_LMA2, O_LMA, 24,
		"\x3b\x02\x07\x00\x31\x5f\x01\x00\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x05",
		{.type = MH_BINDING_ERROR, .be = {1, HOA1}}},
	{"T9 Heartbeat request", V_LMA1, H_LMA, 16,
		"\x3b\x01\x0d\x00\x59\xce\x00\x00\x00\x00\x00\x63\x01\x02\x00\x00",
		{.type = MH_HEARTBEAT, .heartbeat = {0, 99}}},
	{"T10 Heartbeat response with restart counter 7", H_LMA, V_LMA1, 24,
		"\x3b\x02\x0d\x00\x3c\xb9\x00\x01\x00\x00\x00\x63\x01\x00\x1c\x04"
		"\x00\x00\x00\x07\x01\x02\x00\x00",
		{.type = MH_HEARTBEAT,
			.heartbeat = {1, 99},
			.options = {.restart_counter = 7, .has = HAS(RESTART_COUNTER)}}},
	{"T11 BRI D-LMA to previous MAG, trigger 2", V_LMA1, MAG1, 56,
		"\x3b\x06\x10\x00\xf2\x1d\x01\x02\x00\x08\x80\x00\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00",
		{.type = MH_BINDING_REVOCATION,
			.revocation = {1, 2, 8, 0x8000},
			.options = {ONE_MN}}},
	{"T12 BRA success", MAG1, V_LMA1, 16,
		"\x3b\x01\x10\x00\xd4\x96\x02\x00\x00\x08\x80\x00\x01\x02\x00\x00",
		{.type = MH_BINDING_REVOCATION, .revocation = {2, 0, 8, 0x8000}}},
	{"T13 HI new MAG2 to previous MAG1 (P,F set)", MAG2, MAG1, 48,
		"\x3b\x05\x0e\x00\x46\x3d\x00\x07\x30\x00\x08\x10\x01\x6d\x6e\x31"
		"\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x16\x12\x00\x40"
		"\x20\x01\x0d\xb8\x00\x0f\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		{.type = MH_HANDOVER_INITIATE, .handover = {7, 0x30, 0}, .options = {ONE_MN}}},
	{"T14 HAck MAG1 to MAG2 (P,F set, code 0)", MAG1, MAG2, 48,
		"\x3b\x05\x0f\x00\x15\x3d\x00\x07\x60\x00\x08\x10\x01\x6d\x6e\x31"
		"\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x16\x12\x00\x40"
		"\x20\x01\x0d\xb8\x00\x0f\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		{.type = MH_HANDOVER_ACK, .handover = {7, 0x60, 0}, .options = {ONE_MN}}},
	{"T15 LRI O-LMA to MAG1 (MN1 local, MN2 behind MAG2)", O_LMA, MAG1, 120,
		"\x3b\x0e\x11\x00\x2a\x0a\x00\x06\x00\x00\x00\x3c\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x08\x10\x01\x6d\x6e\x32\x40\x65"
		"\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x00\x16\x12\x00\x40"
		"\x20\x01\x0d\xb8\x00\x0f\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x01\x02\x00\x00\x33\x12\x00\x80\x20\x01\x0d\xb8\x00\xa2\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x01",
		{.type = MH_LOCALIZED_ROUTING_INITIATION,
			.localized = {.sequence = 6, .lifetime_s = 60},
			.options = {TWO_MNS, .mag_address = MAG2, .has = HAS(MAG_ADDRESS)}}},
	{"T16 LRA success", MAG1, O_LMA, 96,
		"\x3b\x0b\x12\x00\x8c\x15\x00\x06\x00\x00\x00\x3c\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x08\x10\x01\x6d\x6e\x32\x40\x65"
		"\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x00\x16\x12\x00\x40"
		"\x20\x01\x0d\xb8\x00\x0f\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		{.type = MH_LOCALIZED_ROUTING_ACK,
			.localized = {.sequence = 6, .lifetime_s = 60},
			.options = {TWO_MNS}}},
	{"T17 PBU with MESG-ID (10) and MN-HA authentication (9)", V_LMA1, H_LMA, 96,
		"\x3b\x0b\x05\x00\xe7\x32\x00\x0d\x82\x00\x00\x0f\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x17\x02\x00\x04\x18\x02\x00\x04"
		"\x01\x00\x0a\x08\xed\x00\x00\x00\x80\x00\x00\x00\x00\x09\x11\x01"
		"\x00\x00\x01\x00\xe9\x36\xe1\x56\x30\x0d\x49\xe3\xcf\x75\x48\x2a",
		{.type = MH_BINDING_UPDATE,
			.bu = {13, 0x8200, 15},
			.options = {ONE_MN, .handoff = 4, .att = 4, .mesg_id = 0xed00000080000000,
				.auth = {.subtype = 1,
					.len = 12,
					.spi = 256,
					.offset = 77,
					.data = {0xe9, 0x36, 0xe1, 0x56, 0x30, 0x0d, 0x49, 0xe3,
						0xcf, 0x75, 0x48, 0x2a}},
				.has = HAS(HANDOFF) | HAS(ATT) | HAS(MESG_ID) |
				       HAS(AUTHENTICATION)}}},
	{"UPN V-LMA-1 to MAG1: register with V-LMA-2", V_LMA1, MAG1, 80,
		"\x3b\x09\x13\x00\x11\x82\x00\x09\x00\x01\x80\x00\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x2f\x12\x80\x00\x20\x01\x0d\xb8"
		"\x00\xb2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\x00\x00",
		{.type = MH_UPDATE_NOTIFICATION,
			.notification = {.sequence = 9, .reason = 1, .flags = 0x8000},
			.options = {ONE_MN, .redirect = V_LMA2, .has = HAS(REDIRECT)}}},
	{"UPA: the MN is not attached", MAG1, V_LMA1, 16,
		"\x3b\x01\x14\x00\xce\x95\x00\x09\x84\x00\x00\x00\x01\x02\x00\x00",
		{.type = MH_UPDATE_NOTIFICATION_ACK,
			.notification = {.sequence = 9, .status = 132}}},
	{"PBA V-LMA-1 to MAG1: no, ask V-LMA-2", V_LMA1, MAG1, 80,
		"\x3b\x09\x06\x00\x1c\x6b\x82\x20\x00\x01\x00\x00\x08\x10\x01\x6d"
		"\x6e\x31\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6e\x65\x74\x01\x04"
		"\x00\x00\x00\x00\x16\x12\x00\x40\x20\x01\x0d\xb8\x00\x0f\x01\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x2f\x12\x80\x00\x20\x01\x0d\xb8"
		"\x00\xb2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\x00\x00",
		{.type = MH_BINDING_ACK,
			.ba = {130, 0x20, 1, 0},
			.options = {ONE_MN, .redirect = V_LMA2, .has = HAS(REDIRECT)}}},
};

size_t vector_fixed_len(uint8_t type)
{
	switch ((enum mh_type)type) {
	case MH_BINDING_REFRESH_REQUEST:
		return 8;
	case MH_HANDOVER_INITIATE:
	case MH_HANDOVER_ACK:
		return 10;
	case MH_BINDING_UPDATE:
	case MH_BINDING_ACK:
	case MH_HEARTBEAT:
	case MH_BINDING_REVOCATION:
	case MH_LOCALIZED_ROUTING_INITIATION:
	case MH_LOCALIZED_ROUTING_ACK:
	case MH_UPDATE_NOTIFICATION:
	case MH_UPDATE_NOTIFICATION_ACK:
		return 12;
	case MH_BINDING_ERROR:
		return 24;
	}
	return 0;
}

enum dlma_signal_reason vector_decode(
	const uint8_t *buf, size_t len, struct mh_message *ret, unsigned int *ret_unknown)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum dlma_signal_reason reason;

	if (len)
		memcpy(copy, buf, len);
	reason = mh_decode(copy, len, ret, ret_unknown);
	free(copy);
	return reason;
}

void vector_expect(
	const uint8_t *buf, size_t len, enum dlma_signal_reason expected, const char *what)
{
	struct mh_message decoded;
	unsigned int unknown;
	enum dlma_signal_reason reason = vector_decode(buf, len, &decoded, &unknown);

	cr_assert_eq(reason, expected, "%s: reason %d, not %d", what, reason, expected);
}

uint16_t vector_checksum(const struct dlma_addr *src, const struct dlma_addr *dst,
	uint8_t next_header, const uint8_t *payload, size_t len)
{
	uint8_t all[40 + 2048] = {0};
	uint32_t sum = 0;

	memcpy(all, src->b, 16);
	memcpy(all + 16, dst->b, 16);
	all[34] = (uint8_t)(len >> 8);
	all[35] = (uint8_t)len;
	all[39] = next_header;
	memcpy(all + 40, payload, len);
	for (size_t i = 0; i < 40 + len; i += 2) {
		sum += (uint32_t)(all[i] * 256 + all[i + 1]);
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)(0xffff - sum);
}

#define COMPARE(member)                                                \
	do {                                                           \
		if (memcmp(&a->member, &b->member, sizeof(a->member))) \
			return #member;                                \
	} while (0)

static const char *fixed_difference(const struct mh_message *a, const struct mh_message *b)
{
	switch ((enum mh_type)a->type) {
	case MH_BINDING_REFRESH_REQUEST:
		break;
	case MH_BINDING_UPDATE:
		COMPARE(bu.sequence);
		COMPARE(bu.flags);
		COMPARE(bu.lifetime);
		break;
	case MH_BINDING_ACK:
		COMPARE(ba.status);
		COMPARE(ba.flags);
		COMPARE(ba.sequence);
		COMPARE(ba.lifetime);
		break;
	case MH_BINDING_ERROR:
		COMPARE(be.status);
		COMPARE(be.home);
		break;
	case MH_HEARTBEAT:
		COMPARE(heartbeat.flags);
		COMPARE(heartbeat.sequence);
		break;
	case MH_HANDOVER_INITIATE:
	case MH_HANDOVER_ACK:
		COMPARE(handover.sequence);
		COMPARE(handover.flags);
		COMPARE(handover.code);
		break;
	case MH_BINDING_REVOCATION:
		COMPARE(revocation.type);
		COMPARE(revocation.code);
		COMPARE(revocation.sequence);
		COMPARE(revocation.flags);
		break;
	case MH_LOCALIZED_ROUTING_INITIATION:
	case MH_LOCALIZED_ROUTING_ACK:
		COMPARE(localized.sequence);
		COMPARE(localized.status);
		COMPARE(localized.unsolicited);
		COMPARE(localized.lifetime_s);
		break;
	case MH_UPDATE_NOTIFICATION:
	case MH_UPDATE_NOTIFICATION_ACK:
		COMPARE(notification.sequence);
		COMPARE(notification.reason);
		COMPARE(notification.flags);
		COMPARE(notification.status);
		break;
	}
	return NULL;
}

static const char *options_difference(const struct mh_options *a, const struct mh_options *b)
{
	COMPARE(has);
	COMPARE(mn_id_count);
	COMPARE(mn_id);
	COMPARE(hnp_count);
	COMPARE(hnp);
	COMPARE(handoff);
	COMPARE(att);
	COMPARE(ll_id_len);
	COMPARE(ll_id);
	COMPARE(alternate_coa);
	COMPARE(link_local);
	COMPARE(lma_address);
	COMPARE(mag_address);
	COMPARE(redirect);
	COMPARE(timestamp);
	COMPARE(mesg_id);
	COMPARE(restart_counter);
	COMPARE(vendor.id);
	COMPARE(vendor.subtype);
	COMPARE(vendor.len);
	COMPARE(vendor.data);
	COMPARE(auth.subtype);
	COMPARE(auth.len);
	COMPARE(auth.spi);
	COMPARE(auth.data);
	COMPARE(auth.offset);
	COMPARE(service_len);
	COMPARE(service);
	return NULL;
}

const char *vector_difference(const struct mh_message *a, const struct mh_message *b)
{
	const char *fixed;

	COMPARE(type);
	fixed = fixed_difference(a, b);
	return fixed ? fixed : options_difference(&a->options, &b->options);
}
