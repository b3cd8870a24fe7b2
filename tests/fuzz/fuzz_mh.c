// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Mobility Headers, their options, and their authentication.
 *
 * The first octet says what is done to the message that follows the second: with REPAIR its header
 * is made to fit, so that what comes after is reached. Properties: whatever is accepted means the
 * same when it is sent again, is sent in one form only, and never beyond the buffer; what is signed
 * verifies, and does not once an octet has changed.
 */
#include "fuzz.h"
#include "wire/mh.h"
#include <errno.h>
#include <stdlib.h>

enum { REPAIR = 1, HEAD = 2, CANARY = 0xa5, CHECKSUM_AT = 4, CHECKSUM_END = 6 };

static const struct dlma_addr src = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}};
static const struct dlma_addr dst = {.b = {0x20, 1, 0xd, 0xb8, [15] = 2}};
static const struct auth_key key = {AUTH_HMAC_SHA256_128, 4096, {1, 2, 3}, 32};

static struct mh_message message, again;
static uint8_t encoded[MH_MAX_LEN + 1], encoded_again[MH_MAX_LEN];

/* A whole number of units, with the Header Len that says so. */
static uint8_t *repair(const uint8_t *data, size_t *size)
{
	size_t units = *size < MH_MIN_LEN ? 1 : *size / 8;
	uint8_t *copy = calloc(units, 8);

	if (!copy)
		abort();
	memcpy(copy, data, *size < 8 * units ? *size : 8 * units);
	copy[0] = MH_NO_NEXT_HEADER;
	copy[1] = (uint8_t)(units - 1);
	*size = 8 * units;
	return copy;
}

static enum dlma_signal_reason decode(const uint8_t *buf, size_t len, struct mh_message *ret)
{
	unsigned int unknown;

	return mh_decode(buf, len, ret, &unknown);
}

static void check_no_room(const struct mh_message *m, size_t len)
{
	uint8_t last = encoded[len - 1];

	encoded[len - 1] = CANARY;
	CHECK(mh_encode(m, encoded, len - 1) == -ENOSPC);
	CHECK(encoded[len - 1] == CANARY);
	encoded[len - 1] = last;
}

/* Where the option stands is not a part of what a message means. */
static bool equal(struct mh_message *a, struct mh_message *b)
{
	a->options.auth.offset = b->options.auth.offset = 0;
	return !memcmp(a, b, sizeof(*a));
}

static void check_round_trip(struct mh_message *m)
{
	int len = mh_encode(m, encoded, MH_MAX_LEN);

	if (m->options.auth.len % 4) {
		CHECK(len == -EINVAL);
		return;
	}
	CHECK(len >= MH_MIN_LEN && len % 8 == 0);
	CHECK(decode(encoded, (size_t)len, &again) == DLMA_SIGNAL_accepted);
	CHECK(equal(m, &again));
	CHECK(mh_encode(&again, encoded_again, sizeof(encoded_again)) == len);
	CHECK(!memcmp(encoded, encoded_again, (size_t)len));
	check_no_room(m, (size_t)len);
	mh_checksum_set(&src, &dst, encoded, (size_t)len);
	CHECK(mh_checksum_ok(&src, &dst, encoded, (size_t)len));
}

static enum dlma_signal_reason verify(const uint8_t *buf, size_t len)
{
	enum dlma_signal_reason reason = decode(buf, len, &again);

	return reason ? reason : auth_verify(fuzz_mac, &key, &src, &dst, buf, len, &again.options);
}

static void check_authentication(struct mh_message *m, uint8_t where)
{
	int len;

	auth_reserve(&key, &m->options);
	len = mh_encode(m, encoded, MH_MAX_LEN);
	CHECK(len > 0 || len == -ENOSPC);
	if (len < 0)
		return;
	CHECK(!auth_sign(fuzz_mac, &key, &src, &dst, encoded, (size_t)len));
	CHECK(verify(encoded, (size_t)len) == DLMA_SIGNAL_accepted);
	encoded[where % len] ^= 1;
	CHECK((verify(encoded, (size_t)len) == DLMA_SIGNAL_accepted) ==
		(where % len >= CHECKSUM_AT && where % len < CHECKSUM_END));
}

/* The options again, in a message of any type, known or not. */
static void check_other_type(const struct mh_message *m, uint8_t type)
{
	again = (struct mh_message){.type = type, .options = m->options};
	CHECK(mh_encode(&again, encoded, MH_MAX_LEN) <= MH_MAX_LEN);
	CHECK(*mh_type_name(type) && *mh_status_text(type));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum dlma_signal_reason reason;
	uint8_t *repaired = NULL;
	const uint8_t *buf = data + HEAD;
	size_t len = size - HEAD;

	if (size < HEAD || len > MH_MAX_LEN)
		return 0;
	if (data[0] & REPAIR)
		buf = repaired = repair(buf, &len);
	(void)mh_checksum_ok(&src, &dst, buf, len);
	reason = decode(buf, len, &message);
	if (!reason)
		(void)auth_verify(fuzz_mac, &key, &src, &dst, buf, len, &message.options);
	free(repaired);
	CHECK(reason <= DLMA_SIGNAL_option_repeated && reason != DLMA_SIGNAL_mh_checksum);
	if (reason)
		return 0;
	check_round_trip(&message);
	check_authentication(&message, data[1]);
	check_other_type(&message, data[0] >> 1);
	return 0;
}
