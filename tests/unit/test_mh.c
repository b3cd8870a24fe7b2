/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mobility Header messages: the test vectors both ways, and each malformed header by its reason. */
#include "vectors.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

Test(mh, vectors_decode)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &vectors[i];
		struct mh_message decoded;
		unsigned int unknown = 99;
		const char *difference;

		cr_assert_eq(vector_decode(v->bytes, v->len, &decoded, &unknown),
			DLMA_SIGNAL_accepted, "%s", v->name);
		cr_expect_eq(unknown, 0, "%s", v->name);
		difference = vector_difference(&decoded, &v->message);
		cr_expect_null(difference, "%s: %s differs", v->name, difference);
	}
}

Test(mh, vectors_encode)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &vectors[i];
		uint8_t buf[MH_MAX_LEN];
		int len = mh_encode(&v->message, buf, sizeof(buf));

		cr_assert_eq(len, (int)v->len, "%s: %d octets", v->name, len);
		mh_checksum_set(&v->src, &v->dst, buf, v->len);
		for (size_t at = 0; at < v->len; at++)
			cr_expect_eq(buf[at], v->bytes[at], "%s: octet %zu is %02x, not %02x",
				v->name, at, buf[at], v->bytes[at]);
	}
}

Test(mh, encode_leaves_the_checksum_zero)
{
	uint8_t buf[MH_MAX_LEN];

	memset(buf, 0xff, sizeof(buf));
	cr_assert_gt(mh_encode(&vectors[0].message, buf, sizeof(buf)), 0);
	cr_expect_eq(buf[4] | buf[5], 0);
}

Test(mh, encode_keeps_within_its_buffer)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &vectors[i];

		for (size_t cap = 0; cap <= v->len; cap++) {
			uint8_t *buf = malloc(cap ? cap : 1);
			int expected = cap < v->len ? -ENOSPC : (int)v->len;

			cr_expect_eq(mh_encode(&v->message, buf, cap), expected, "%s in %zu",
				v->name, cap);
			if (cap == v->len)
				cr_expect_arr_eq(buf + 6, v->bytes + 6, cap - 6, "%s", v->name);
			free(buf);
		}
	}
}

Test(mh, checksum)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &vectors[i];
		__be16 sum = mh_checksum(&v->src, &v->dst, v->bytes, v->len);
		uint8_t blank[sizeof(v->bytes)];
		uint16_t expected;

		memcpy(blank, v->bytes, v->len);
		blank[4] = blank[5] = 0;
		expected = vector_checksum(&v->src, &v->dst, 135, blank, v->len);
		cr_expect_eq(v->bytes[4] << 8 | v->bytes[5], expected, "%s", v->name);
		cr_expect_arr_eq(&sum, v->bytes + 4, 2, "%s", v->name);
		cr_expect(mh_checksum_ok(&v->src, &v->dst, v->bytes, v->len), "%s", v->name);
	}
}

Test(mh, checksum_sees_every_bit)
{
	const struct vector *v = &vectors[0];
	uint8_t buf[sizeof(v->bytes)];
	struct dlma_addr src = v->src, dst = v->dst;

	memcpy(buf, v->bytes, sizeof(buf));
	for (size_t bit = 0; bit < v->len * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_not(mh_checksum_ok(&src, &dst, buf, v->len), "bit %zu", bit);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 128; bit++) {
		src.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_not(mh_checksum_ok(&src, &dst, buf, v->len), "source bit %zu", bit);
		src = v->src;
		dst.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_not(mh_checksum_ok(&src, &dst, buf, v->len), "destination bit %zu", bit);
		dst = v->dst;
	}
}

Test(mh, checksum_of_the_shortest_message)
{
	const struct vector *v = &vectors[0];
	struct mh_message m = {.type = MH_BINDING_REFRESH_REQUEST};
	uint8_t buf[MH_MIN_LEN];
	uint16_t expected;

	cr_assert_eq(mh_encode(&m, buf, sizeof(buf)), MH_MIN_LEN);
	expected = vector_checksum(&v->src, &v->dst, 135, buf, sizeof(buf));
	mh_checksum_set(&v->src, &v->dst, buf, sizeof(buf));
	cr_expect_eq(buf[4] << 8 | buf[5], expected);
	cr_expect(mh_checksum_ok(&v->src, &v->dst, buf, sizeof(buf)));
}

Test(mh, checksum_of_too_little_is_wrong)
{
	const struct vector *v = &vectors[0];

	for (size_t len = 0; len < MH_MIN_LEN; len++) {
		uint8_t *buf = calloc(1, len ? len : 1);

		cr_expect_not(mh_checksum_ok(&v->src, &v->dst, buf, len), "%zu octets", len);
		free(buf);
	}
}

Test(mh, length_disagrees_with_header_len)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &vectors[i];
		uint8_t buf[sizeof(v->bytes) + 8] = {0};

		for (size_t len = 0; len < v->len; len++)
			vector_expect(v->bytes, len,
				len < 8 ? DLMA_SIGNAL_mh_short : DLMA_SIGNAL_mh_length, v->name);
		memcpy(buf, v->bytes, v->len);
		for (size_t len = v->len + 1; len <= v->len + 8; len++)
			vector_expect(buf, len, DLMA_SIGNAL_mh_length, v->name);
		for (unsigned int header_len = 0; header_len < 256; header_len++) {
			buf[1] = (uint8_t)header_len;
			vector_expect(buf, v->len,
				header_len == v->bytes[1] ? DLMA_SIGNAL_accepted
							  : DLMA_SIGNAL_mh_length,
				v->name);
		}
	}
}

Test(mh, payload_proto)
{
	uint8_t buf[sizeof(vectors[0].bytes)];

	memcpy(buf, vectors[0].bytes, sizeof(buf));
	for (unsigned int proto = 0; proto < 256; proto++) {
		buf[0] = (uint8_t)proto;
		vector_expect(buf, vectors[0].len,
			proto == 59 ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_mh_payload_proto, "");
	}
}

/* 24 octets satisfy every type, and none but the known ones are taken. */
Test(mh, types)
{
	for (unsigned int type = 0; type < 256; type++) {
		bool known = type == 0 || (type >= 5 && type <= 7) || (type >= 13 && type <= 20);
		struct mh_message message = {.type = (uint8_t)type};
		uint8_t buf[MH_MAX_LEN] = {59, 2, (uint8_t)type};

		vector_expect(buf, 24, known ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_mh_type_unknown,
			"type");
		cr_expect_eq(mh_encode(&message, buf, sizeof(buf)) == -EINVAL, !known);
		cr_expect_eq(strcmp(mh_type_name((uint8_t)type), "unknown") == 0, !known);
	}
	cr_expect_str_eq(mh_type_name(MH_BINDING_UPDATE), "PBU");
	cr_expect_str_eq(mh_type_name(MH_HEARTBEAT), "heartbeat");
}

/* The first thing that is wrong gives the reason. */
Test(mh, order_of_checks)
{
	uint8_t buf[24] = {58, 2, 99};

	vector_expect(buf, 7, DLMA_SIGNAL_mh_short, "all wrong");
	vector_expect(buf, 16, DLMA_SIGNAL_mh_length, "length, proto and type wrong");
	vector_expect(buf, 24, DLMA_SIGNAL_mh_payload_proto, "proto and type wrong");
	buf[0] = 59;
	vector_expect(buf, 24, DLMA_SIGNAL_mh_type_unknown, "type wrong");
	buf[1] = 0;
	buf[2] = MH_BINDING_ERROR;
	vector_expect(buf, 8, DLMA_SIGNAL_mh_short, "below the type's minimum");
	buf[1] = 1;
	vector_expect(buf, 16, DLMA_SIGNAL_mh_short, "below the type's minimum");
	buf[1] = 2;
	vector_expect(buf, 24, DLMA_SIGNAL_accepted, "just enough");
}

/* Octets and bits that RFC 6275 and the others call reserved, all set. */
Test(mh, reserved_is_ignored)
{
	static const struct {
		size_t vector, at;
		uint8_t bits;
	} reserved[] = {
		{0, 3, 0xff},	 /* of the Mobility Header */
		{6, 6, 0xff},	 /* BRR */
		{6, 7, 0xff},	 /* BRR */
		{7, 7, 0xff},	 /* BE */
		{14, 8, 0xff},	 /* LRI */
		{14, 9, 0xff},	 /* LRI */
		{15, 8, 0x7f},	 /* LRA */
		{0, 0x26, 0xff}, /* Home Network Prefix */
		{0, 0x3a, 0xff}, /* Handoff Indicator */
		{0, 0x3e, 0xff}, /* Access Technology Type */
		{0, 0x4e, 0xff}, /* Mobile Node Link-layer Identifier */
		{0, 0x4f, 0xff}, /* Mobile Node Link-layer Identifier */
		{2, 0x5e, 0xff}, /* MAG IPv6 Address */
		{3, 0x5b, 0xff}, /* LMA Address */
	};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		const struct vector *v = &vectors[reserved[i].vector];
		struct mh_message decoded;
		uint8_t buf[sizeof(v->bytes)];
		unsigned int unknown;

		memcpy(buf, v->bytes, v->len);
		buf[reserved[i].at] |= reserved[i].bits;
		cr_assert_eq(vector_decode(buf, v->len, &decoded, &unknown), DLMA_SIGNAL_accepted);
		cr_expect_null(vector_difference(&decoded, &v->message), "%s at %zu", v->name,
			reserved[i].at);
	}
}

Test(mh, unsolicited_acknowledgement)
{
	const struct vector *v = &vectors[15];
	struct mh_message decoded;
	uint8_t buf[MH_MAX_LEN];
	unsigned int unknown;

	memcpy(buf, v->bytes, v->len);
	buf[8] = 0x80;
	buf[9] = 129;
	cr_assert_eq(vector_decode(buf, v->len, &decoded, &unknown), DLMA_SIGNAL_accepted);
	cr_expect(decoded.localized.unsolicited);
	cr_expect_eq(decoded.localized.status, 129);
	memset(buf, 0, sizeof(buf));
	cr_assert_eq(mh_encode(&decoded, buf, sizeof(buf)), (int)v->len);
	cr_expect_eq(buf[8], 0x80);
	cr_expect_eq(buf[9], 129);
}

static void expect_refused(const struct mh_message *m, const char *what)
{
	uint8_t buf[MH_MAX_LEN];

	cr_expect_eq(mh_encode(m, buf, sizeof(buf)), -EINVAL, "%s", what);
}

Test(mh, encode_refuses_what_cannot_be)
{
	const struct mh_message pbu = {.type = MH_BINDING_UPDATE};
	struct mh_message m;

#define REFUSED(...)                              \
	do {                                      \
		m = pbu;                          \
		__VA_ARGS__;                      \
		expect_refused(&m, #__VA_ARGS__); \
	} while (0)
	REFUSED(m.options.mn_id_count = 2);
	REFUSED(m.type = MH_LOCALIZED_ROUTING_INITIATION, m.options.mn_id_count = 3);
	REFUSED(m.options.mn_id_count = 1, m.options.mn_id[0].len = 254);
	REFUSED(m.options.hnp_count = 5);
	REFUSED(m.options.hnp_count = 1, m.options.hnp[0].prefix.len = 129);
	REFUSED(m.options.hnp_count = 1, m.options.hnp[0].mn = 1);
	REFUSED(m.options.mn_id_count = 1, m.options.hnp_count = 1, m.options.hnp[0].mn = 1);
	REFUSED(m.options.ll_id_len = 17);
	REFUSED(m.options.vendor.len = 33);
	REFUSED(m.options.auth.len = 36);
	REFUSED(m.options.auth.len = 13);
	REFUSED(m.options.has = MH_HAS(MH_OPTION_SERVICE_SELECTION));
#undef REFUSED
}

Test(mh, status_texts)
{
	cr_expect_str_eq(mh_status_text(0), "accepted");
	cr_expect_str_eq(mh_status_text(155), "NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX");
	cr_expect_str_eq(mh_status_text(162), "MISSING_ACCESS_TECH_TYPE_OPTION");
	cr_expect_str_eq(mh_status_text(1), "unknown");
	cr_expect_str_eq(mh_status_text(255), "unknown");
}
