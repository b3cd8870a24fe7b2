/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options of Mobility Header messages: each malformation gives its named reason. */
#include "vectors.h"
#include <criterion/criterion.h>

/* What the RFCs say of each option, apart from the table under test. */
struct rule {
	uint8_t type;
	unsigned int min, max; /* of the Length field */
	size_t align, phase;
	const char *good; /* data that is accepted in an option of `min` octets */
};

static const struct rule rules[] = {
	{8, 1, 254, 1, 0, "\1"},
	{22, 18, 18, 8, 4, "\0\x40\x20\1\xd\xb8\0\xf\1\0\0\0\0\0\0\0\0\0"},
	{23, 2, 2, 1, 0, "\0\3"},
	{24, 2, 2, 1, 0, "\0\4"},
	{10, 8, 8, 8, 2, "\1\2\3\4\5\6\7\x8"},
	{27, 8, 8, 8, 2, "\1\2\3\4\5\6\7\x8"},
	{25, 2, 18, 1, 0, "\0\0"},
	{26, 16, 16, 8, 6, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"},
	{3, 16, 16, 8, 6, "\x20\1\xd\xb8\0\xf\1\0\0\0\0\0\0\0\0\1"},
	{51, 18, 18, 8, 4, "\0\x80\x20\1\xd\xb8\0\xf\1\0\0\0\0\0\0\0\0\1"},
	{41, 18, 18, 4, 0, "\1\0\x20\1\xd\xb8\0\xf\1\0\0\0\0\0\0\0\0\1"},
	{28, 4, 4, 4, 2, "\0\0\0\7"},
	{20, 1, 255, 1, 0, "x"},
	{19, 5, 255, 4, 2, "\0\0\x7e\xd9\1"},
	{9, 5, 37, 4, 1, "\1\0\0\1\0"},
	{47, 18, 18, 4, 0, "\x80\0\x20\1\xd\xb8\0\xf\1\0\0\0\0\0\0\0\0\1"},
};

enum { RULE_COUNT = sizeof(rules) / sizeof(rules[0]) };

/* A message built octet by octet, without the code under test. */
struct raw {
	uint8_t bytes[2048];
	size_t len;
};

static void raw_option(struct raw *m, uint8_t type, const void *data, size_t len)
{
	m->bytes[m->len++] = type;
	m->bytes[m->len++] = (uint8_t)len;
	memcpy(m->bytes + m->len, data, len);
	m->len += len;
}

/* Data of any length: the good one, filled up with zeros. */
static void raw_rule(struct raw *m, const struct rule *rule, size_t len)
{
	uint8_t data[255] = {0};

	memcpy(data, rule->good, rule->min);
	raw_option(m, rule->type, data, len);
}

static struct raw raw_begin(uint8_t type, size_t fixed)
{
	return (struct raw){.bytes = {59, 0, type}, .len = fixed};
}

/* A PBU has room for any option. */
static struct raw raw_pbu(void)
{
	return raw_begin(MH_BINDING_UPDATE, 12);
}

static void raw_end(struct raw *m)
{
	while (m->len % 8)
		m->bytes[m->len++] = 0;
	m->bytes[1] = (uint8_t)(m->len / 8 - 1);
}

static enum dlma_signal_reason raw_decode(
	struct raw *m, struct mh_message *ret, unsigned int *ret_unknown)
{
	raw_end(m);
	return vector_decode(m->bytes, m->len, ret, ret_unknown);
}

static void expect_raw(struct raw *m, enum dlma_signal_reason expected, const char *what)
{
	raw_end(m);
	vector_expect(m->bytes, m->len, expected, what);
}

/* Offset of the option or padding after the one at `at`. */
static size_t next_option(const uint8_t *bytes, size_t at)
{
	return bytes[at] == 0 ? at + 1 : at + 2 + bytes[at + 1];
}

/* Cut at each multiple of 8, Header Len set to match: legal exactly between two options. */
Test(mhopt, cut_between_options)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &vectors[i];
		size_t fixed = vector_fixed_len(v->message.type), at = fixed;

		for (size_t len = 8; len < v->len; len += 8) {
			uint8_t buf[sizeof(v->bytes)];

			memcpy(buf, v->bytes, v->len);
			buf[1] = (uint8_t)(len / 8 - 1);
			while (at < len)
				at = next_option(buf, at);
			vector_expect(buf, len,
				len < fixed ? DLMA_SIGNAL_mh_short
				: at == len ? DLMA_SIGNAL_accepted
					    : DLMA_SIGNAL_option_overrun,
				v->name);
		}
	}
}

Test(mhopt, option_lengths)
{
	for (size_t i = 0; i < RULE_COUNT; i++) {
		for (unsigned int len = 0; len < 256; len++) {
			struct raw m = raw_pbu();
			bool good = len >= rules[i].min && len <= rules[i].max;

			raw_rule(&m, &rules[i], len);
			expect_raw(&m, good ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_option_length,
				"length");
		}
	}
}

/* Each Length of each vector, each other value: seen, unless it makes another legal message. */
Test(mhopt, flipped_length_octets)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &vectors[i];
		size_t at = vector_fixed_len(v->message.type);

		for (; at < v->len; at = next_option(v->bytes, at)) {
			uint8_t buf[sizeof(v->bytes)];
			struct mh_message decoded;
			unsigned int unknown;

			memcpy(buf, v->bytes, v->len);
			for (unsigned int len = 0; len < 256 && buf[at]; len++) {
				enum dlma_signal_reason reason;
				bool fits = at + 2 + len <= v->len;

				buf[at + 1] = (uint8_t)len;
				reason = vector_decode(buf, v->len, &decoded, &unknown);
				if (len == v->bytes[at + 1])
					cr_expect_eq(reason, DLMA_SIGNAL_accepted);
				else if (!fits)
					cr_expect_eq(reason, DLMA_SIGNAL_option_overrun);
				else if (buf[at] != 1 && buf[at] != 8 && buf[at] != 25 &&
					 buf[at] != 9)
					cr_expect_eq(reason, DLMA_SIGNAL_option_length);
				else if (buf[at] != 1 && reason == DLMA_SIGNAL_accepted)
					cr_expect_not_null(
						vector_difference(&decoded, &v->message));
			}
		}
	}
}

Test(mhopt, options_may_stand_at_any_offset)
{
	for (size_t i = 0; i < RULE_COUNT; i++) {
		for (size_t shift = 0; shift < 8; shift++) {
			struct raw m = raw_pbu();

			m.len += shift;
			raw_rule(&m, &rules[i], rules[i].min);
			expect_raw(&m, DLMA_SIGNAL_accepted, "shifted");
		}
	}
}

/* How many of an option a message of this type may carry. */
static unsigned int allowed(uint8_t option, uint8_t message)
{
	if (option == 8)
		return message == 17 || message == 18 ? 2 : 1;
	if (option == 22)
		return 4;
	return option == 19 ? 99 : 1;
}

Test(mhopt, repeated_options)
{
	for (size_t i = 0; i < VECTOR_COUNT * RULE_COUNT; i++) {
		const struct rule *rule = &rules[i % RULE_COUNT];
		uint8_t type = vectors[i / RULE_COUNT].message.type;

		for (unsigned int count = 1; count <= 6; count++) {
			struct raw m = raw_begin(type, vector_fixed_len(type));

			for (unsigned int n = 0; n < count; n++)
				raw_rule(&m, rule, rule->min);
			expect_raw(&m,
				count > allowed(rule->type, type) ? DLMA_SIGNAL_option_repeated
								  : DLMA_SIGNAL_accepted,
				"repeated");
		}
	}
}

Test(mhopt, unknown_options_are_skipped_and_counted)
{
	unsigned int expected = 0, unknown = 0;
	struct raw m = raw_pbu();
	struct mh_message decoded;

	for (unsigned int type = 2; type < 256; type++) {
		bool known = false;

		for (size_t i = 0; i < RULE_COUNT; i++)
			known |= rules[i].type == type;
		if (known)
			continue;
		raw_option(&m, (uint8_t)type, "\xff\xff\xff\xff\xff\xff", type % 7);
		expected++;
	}
	raw_rule(&m, &rules[2], 2);
	cr_assert_eq(raw_decode(&m, &decoded, &unknown), DLMA_SIGNAL_accepted);
	cr_expect_eq(unknown, expected);
	cr_expect_eq(decoded.options.has, MH_HAS(MH_OPTION_HANDOFF), "what follows is read");
	cr_expect_eq(decoded.options.handoff, MH_HANDOFF_BETWEEN_MAGS);
}

Test(mhopt, padding_is_neither_checked_nor_counted)
{
	struct raw m = raw_pbu();
	struct mh_message decoded;
	unsigned int unknown = 99;

	raw_option(&m, 1, "\xff\xff\xff", 3);
	raw_option(&m, 1, "", 0);
	m.len += 3;
	raw_option(&m, 1, rules[1].good, 18);
	cr_assert_eq(raw_decode(&m, &decoded, &unknown), DLMA_SIGNAL_accepted);
	cr_expect_eq(unknown, 0);
	cr_expect_null(
		vector_difference(&decoded, &(struct mh_message){.type = MH_BINDING_UPDATE}));
}

Test(mhopt, option_without_a_length)
{
	for (unsigned int type = 1; type < 256; type++) {
		struct raw m = raw_pbu();

		m.len = 15;
		m.bytes[m.len++] = (uint8_t)type;
		expect_raw(&m, DLMA_SIGNAL_option_overrun, "one octet left");
	}
}

Test(mhopt, hnp_prefix_length)
{
	for (unsigned int bits = 0; bits < 256; bits++) {
		struct raw m = raw_pbu();
		struct mh_message decoded;
		unsigned int unknown;
		uint8_t data[18];

		memset(data, 0xff, sizeof(data));
		data[1] = (uint8_t)bits;
		raw_option(&m, MH_OPTION_HNP, data, sizeof(data));
		if (bits > 128) {
			expect_raw(&m, DLMA_SIGNAL_option_length, "longer than an address");
			continue;
		}
		cr_assert_eq(raw_decode(&m, &decoded, &unknown), DLMA_SIGNAL_accepted);
		cr_expect_eq(decoded.options.hnp[0].prefix.len, bits);
		for (unsigned int bit = 0; bit < 128; bit++)
			cr_expect_eq(
				decoded.options.hnp[0].prefix.addr.b[bit / 8] >> (7 - bit % 8) & 1,
				bit < bits, "bit %u of a /%u", bit, bits);
	}
}

Test(mhopt, hnp_belongs_to_the_mn_id_before_it)
{
	static const uint8_t expected[] = {0, 0, 1, 1};
	struct raw m = raw_begin(MH_LOCALIZED_ROUTING_INITIATION, 12);
	struct mh_message decoded;
	unsigned int unknown;

	raw_rule(&m, &rules[1], 18);
	raw_rule(&m, &rules[0], 1);
	raw_rule(&m, &rules[1], 18);
	raw_rule(&m, &rules[0], 1);
	raw_rule(&m, &rules[1], 18);
	raw_rule(&m, &rules[1], 18);
	cr_assert_eq(raw_decode(&m, &decoded, &unknown), DLMA_SIGNAL_accepted);
	cr_assert_eq(decoded.options.hnp_count, 4);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(decoded.options.hnp[i].mn, expected[i], "HNP %zu", i);
}

Test(mhopt, address_forms_that_are_not_ipv6)
{
	for (unsigned int octet = 0; octet < 256; octet++) {
		struct raw lma = raw_pbu(), mag = raw_pbu(), other = raw_pbu();
		uint8_t data[2][18] = {{(uint8_t)octet}, {0, (uint8_t)octet}};

		raw_option(&lma, MH_OPTION_LMA_ADDRESS, data[0], 18);
		expect_raw(&lma, octet == 1 ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_option_length,
			"code");
		raw_option(&mag, MH_OPTION_MAG_ADDRESS, data[1], 18);
		expect_raw(&mag, octet == 128 ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_option_length,
			"address length");
		raw_option(&other, MH_OPTION_REDIRECT, data[0], 18);
		expect_raw(&other, octet & 128 ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_option_length,
			"K bit");
	}
}

Test(mhopt, vendor_option_first_is_kept_and_cut)
{
	struct raw m = raw_pbu();
	struct mh_message decoded;
	unsigned int unknown;
	uint8_t data[255] = {0, 0, 0x7e, 0xd9, 3};

	for (size_t i = 5; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	raw_option(&m, MH_OPTION_VENDOR, data, sizeof(data));
	raw_rule(&m, &rules[13], 5);
	cr_assert_eq(raw_decode(&m, &decoded, &unknown), DLMA_SIGNAL_accepted);
	cr_expect_eq(unknown, 0);
	cr_expect_eq(decoded.options.vendor.id, 32473);
	cr_expect_eq(decoded.options.vendor.subtype, 3);
	cr_expect_eq(decoded.options.vendor.len, MH_VENDOR_MAX);
	cr_expect_arr_eq(decoded.options.vendor.data, data + 5, MH_VENDOR_MAX);
}
