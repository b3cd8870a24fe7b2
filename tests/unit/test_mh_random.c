/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mobility Header messages by chance: round trips, the layout of what is sent, and garbage. */
#include "generate.h"
#include "vectors.h"
#include <criterion/criterion.h>

enum { ROUND_TRIPS = 20000, MUTANTS = 200000 };

/* From the RFCs: the Type octet of an option stands at align * n + phase. */
static const struct {
	uint8_t align, phase;
} alignment[256] = {
	[3] = {8, 6},
	[9] = {4, 1},
	[10] = {8, 2},
	[19] = {4, 2},
	[22] = {8, 4},
	[26] = {8, 6},
	[27] = {8, 2},
	[28] = {4, 2},
	[41] = {4, 0},
	[47] = {4, 0},
	[51] = {8, 4},
};

/* Length of the padding at `at`, which must be all zero; 0 if an option stands there. */
static size_t padding_len(const uint8_t *buf, size_t at)
{
	if (buf[at] == 0)
		return 1;
	if (buf[at] != 1)
		return 0;
	for (size_t i = 0; i < buf[at + 1]; i++)
		cr_assert_eq(buf[at + 2 + i], 0, "padding at %zu", at);
	return buf[at + 1] + 2u;
}

/* Aligned, padded no more than is needed, authentication last, whole. */
static void expect_layout(const uint8_t *buf, size_t len)
{
	size_t at = vector_fixed_len(buf[2]), padding = 0;

	cr_assert_eq((buf[1] + 1u) * 8, len);
	while (at < len) {
		uint8_t align = alignment[buf[at]].align;
		size_t pad = padding_len(buf, at);

		cr_assert(!pad || !padding, "two paddings before %zu", at);
		padding = pad;
		if (pad) {
			cr_assert_lt(pad, 8);
			at += pad;
			cr_assert(at == len || alignment[buf[at]].align > pad || buf[at] == 9,
				"needless padding before %zu", at);
			continue;
		}
		cr_assert(!align || at % align == alignment[buf[at]].phase, "option %u at %zu",
			buf[at], at);
		cr_assert(buf[at] != 9 || at + 2 + buf[at + 1] == len, "authentication not last");
		at += 2u + buf[at + 1];
	}
	cr_assert_eq(at, len);
}

Test(mh_random, round_trip, .timeout = 600)
{
	uint64_t state = generate_seed();

	for (int i = 0; i < ROUND_TRIPS; i++) {
		struct mh_message sent, received;
		uint8_t buf[MH_MAX_LEN];
		unsigned int unknown = 99;
		const char *difference;
		int len;

		generate_message(&state, &sent);
		len = mh_encode(&sent, buf, sizeof(buf));
		cr_assert_gt(len, 0, "message %d", i);
		expect_layout(buf, (size_t)len);
		cr_assert_eq(vector_decode(buf, (size_t)len, &received, &unknown),
			DLMA_SIGNAL_accepted, "message %d", i);
		cr_assert_eq(unknown, 0);
		sent.options.auth.offset = received.options.auth.offset;
		difference = vector_difference(&sent, &received);
		cr_assert_null(difference, "message %d: %s differs", i, difference);
	}
}

/* What was accepted, however odd, means the same when sent again. */
static void expect_stable(const struct mh_message *m)
{
	struct mh_message again;
	uint8_t buf[MH_MAX_LEN];
	unsigned int unknown;
	const char *difference;
	int len = mh_encode(m, buf, sizeof(buf));

	if (m->options.auth.len % 4)
		return;
	cr_assert_gt(len, 0);
	cr_assert_eq(vector_decode(buf, (size_t)len, &again, &unknown), DLMA_SIGNAL_accepted);
	again.options.auth.offset = m->options.auth.offset;
	difference = vector_difference(m, &again);
	cr_assert_null(difference, "%s differs", difference);
}

static bool expect_survival(const uint8_t *buf, size_t len)
{
	struct mh_message m;
	unsigned int unknown;
	enum dlma_signal_reason reason = vector_decode(buf, len, &m, &unknown);

	cr_assert_leq(reason, DLMA_SIGNAL_option_repeated);
	cr_assert_neq(reason, DLMA_SIGNAL_mh_checksum, "not checked here");
	if (reason == DLMA_SIGNAL_accepted)
		expect_stable(&m);
	return reason == DLMA_SIGNAL_accepted;
}

Test(mh_random, garbage, .timeout = 600)
{
	uint64_t state = generate_seed();
	unsigned int accepted = 0;

	for (int i = 0; i < MUTANTS; i++) {
		uint8_t buf[256];
		size_t len = generate_number(&state, sizeof(buf) + 1);

		generate_bytes(&state, buf, sizeof(buf));
		if (i % 2) {
			len = len / 8 * 8 + (len < 8 ? 8 : 0);
			buf[0] = 59;
			buf[1] = (uint8_t)(len / 8 - 1);
			buf[2] = vectors[generate_number(&state, VECTOR_COUNT)].message.type;
		}
		accepted += expect_survival(buf, len);
	}
	cr_assert_gt(accepted, 100, "the options of too few messages were read");
}

Test(mh_random, mutants, .timeout = 600)
{
	uint64_t state = generate_seed();
	unsigned int accepted = 0;

	for (int i = 0; i < MUTANTS; i++) {
		const struct vector *v = &vectors[generate_number(&state, VECTOR_COUNT)];
		uint8_t buf[sizeof(v->bytes)];
		unsigned int changes = 1 + generate_number(&state, 4);

		memcpy(buf, v->bytes, sizeof(buf));
		while (changes--)
			generate_bytes(&state, buf + generate_number(&state, (uint32_t)v->len), 1);
		accepted += expect_survival(buf, v->len);
	}
	cr_assert_gt(accepted, MUTANTS / 20);
	cr_assert_lt(accepted, MUTANTS);
}
