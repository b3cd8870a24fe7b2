/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The authentication option against OpenSSL's HMAC: known answer, every bit, every refusal. */
#include "generate.h"
#include "vectors.h"
#include "wire/auth.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { COVERED_FROM = 6, MESSAGES = 500 };

static int mac_openssl(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	char *digest = algorithm == AUTH_HMAC_SHA1_96 ? "SHA1" : "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	int ok = EVP_MAC_init(ctx, key, key_len, params);

	for (size_t i = 0; i < count; i++)
		ok &= EVP_MAC_update(ctx, chunks[i].data, chunks[i].len);
	ok &= EVP_MAC_final(ctx, ret_mac, &key_len, 32);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return ok ? 0 : -EIO;
}

static int mac_broken(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	mac_openssl(algorithm, key, key_len, chunks, count, ret_mac);
	return -EIO;
}

static const struct auth_key sha1_key = {
	.algorithm = AUTH_HMAC_SHA1_96,
	.spi = 256,
	.key = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	.key_len = 16,
};

static const struct auth_key sha256_key = {
	.algorithm = AUTH_HMAC_SHA256_128,
	.spi = 0x01020304,
	.key = "thirty-two octets of a test key",
	.key_len = 32,
};

static const struct auth_key *const keys[] = {&sha1_key, &sha256_key};

/* A signed message and all that its check needs. */
struct signed_message {
	struct dlma_addr first, second;
	struct auth_key key;
	uint8_t buf[MH_MAX_LEN];
	size_t len;
};

static struct signed_message sign(const struct mh_message *m, const struct auth_key *key)
{
	struct signed_message s = {vectors[16].src, vectors[16].dst, *key, {0}, 0};
	struct mh_message with = *m;

	auth_reserve(key, &with.options);
	s.len = (size_t)mh_encode(&with, s.buf, sizeof(s.buf));
	cr_assert_leq(s.len, sizeof(s.buf));
	cr_assert_eq(auth_sign(mac_openssl, key, &s.first, &s.second, s.buf, s.len), 0);
	return s;
}

/* As a receiver does: what cannot be decoded is refused for that reason. */
static enum dlma_signal_reason verify(const struct signed_message *s)
{
	struct mh_message m;
	unsigned int unknown;
	enum dlma_signal_reason reason = vector_decode(s->buf, s->len, &m, &unknown);

	if (reason != DLMA_SIGNAL_accepted)
		return reason;
	return auth_verify(mac_openssl, &s->key, &s->first, &s->second, s->buf, s->len, &m.options);
}

static const struct dlma_addr home = {.b = {0x20, 0x01, 0x0d, 0xb8, 0, 0x0f, 1}};

/* RFC 4285 5.1: care-of address, home address. */
Test(auth, known_answer)
{
	const struct vector *v = &vectors[VECTOR_AUTHENTICATED];
	struct mh_message m = v->message;
	uint8_t buf[MH_MAX_LEN];

	memset(&m.options.auth, 0, sizeof(m.options.auth));
	m.options.has &= ~MH_HAS(MH_OPTION_AUTHENTICATION);
	auth_reserve(&sha1_key, &m.options);
	cr_assert_eq(mh_encode(&m, buf, sizeof(buf)), (int)v->len);
	cr_assert_eq(auth_sign(mac_openssl, &sha1_key, &v->src, &home, buf, v->len), 0);
	mh_checksum_set(&v->src, &v->dst, buf, v->len);
	cr_expect_arr_eq(buf, v->bytes, v->len);
	cr_expect_eq(auth_verify(mac_openssl, &sha1_key, &v->src, &home, v->bytes, v->len,
			     &v->message.options),
		DLMA_SIGNAL_accepted);
}

/* The MAC in one piece, so that the order and the borders of the chunks are checked too. */
static void mac_whole(const struct signed_message *s, size_t covered, uint8_t ret_mac[32])
{
	uint8_t all[32 + MH_MAX_LEN];

	memcpy(all, &s->first, 16);
	memcpy(all + 16, &s->second, 16);
	memcpy(all + 32, s->buf, covered);
	memset(all + 32 + 4, 0, 2);
	cr_assert_not_null(
		HMAC(EVP_sha256(), s->key.key, s->key.key_len, all, 32 + covered, ret_mac, NULL));
}

Test(auth, sha256_over_the_whole)
{
	struct signed_message s = sign(&vectors[2].message, &sha256_key);
	size_t covered = s.len - 16;
	uint8_t expected[32];

	mac_whole(&s, covered, expected);
	cr_expect_arr_eq(s.buf + covered, expected, 16);
	cr_expect_eq(s.len % 8, 0);
	cr_expect_eq((covered - 7) % 4, 1, "SPI on a multiple of 4");
	cr_expect_eq(s.buf[covered - 7], MH_OPTION_AUTHENTICATION);
	cr_expect_eq(s.buf[covered - 6], 21);
	cr_expect_eq(s.buf[covered - 5], 1);
	cr_expect_arr_eq(s.buf + covered - 4, "\1\2\3\4", 4);
}

Test(auth, data_lengths)
{
	cr_expect_eq(auth_data_len(AUTH_HMAC_SHA256_128), 16);
	cr_expect_eq(auth_data_len(AUTH_HMAC_SHA1_96), 12);
}

Test(auth, every_vector_signed_and_verified)
{
	for (size_t i = 0; i < VECTOR_COUNT * 2; i++) {
		struct signed_message s = sign(&vectors[i / 2].message, keys[i % 2]);

		cr_expect_eq(verify(&s), DLMA_SIGNAL_accepted, "%s", vectors[i / 2].name);
		mh_checksum_set(&s.first, &s.second, s.buf, s.len);
		cr_expect_eq(verify(&s), DLMA_SIGNAL_accepted, "%s: checksum set after signing",
			vectors[i / 2].name);
	}
}

/* Flips each bit of an object inside of *s; each flip must be noticed. */
static void expect_noticed(struct signed_message *s, void *object, size_t len, const char *what)
{
	uint8_t *octets = object;

	for (size_t bit = 0; bit < len * 8; bit++) {
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_neq(verify(s), DLMA_SIGNAL_accepted, "%s: bit %zu", what, bit);
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	cr_expect_eq(verify(s), DLMA_SIGNAL_accepted, "%s: as it was", what);
}

/* Octets 4 and 5 are the checksum, which is not covered and has its own check. */
Test(auth, every_bit_counts)
{
	for (size_t i = 0; i < VECTOR_COUNT * 2; i++) {
		const char *name = vectors[i / 2].name;
		struct signed_message s = sign(&vectors[i / 2].message, keys[i % 2]);

		expect_noticed(&s, s.buf, 4, name);
		expect_noticed(&s, s.buf + COVERED_FROM, s.len - COVERED_FROM, name);
		expect_noticed(&s, &s.first, sizeof(s.first), name);
		expect_noticed(&s, &s.second, sizeof(s.second), name);
		expect_noticed(&s, s.key.key, s.key.key_len, name);
		expect_noticed(&s, &s.key.spi, sizeof(s.key.spi), name);
	}
}

Test(auth, addresses_are_not_interchangeable)
{
	struct signed_message s = sign(&vectors[0].message, &sha256_key);
	struct dlma_addr swap = s.first;

	s.first = s.second;
	s.second = swap;
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_failed, "reflected");
}

Test(auth, random_messages, .timeout = 600)
{
	uint64_t state = generate_seed();

	for (int i = 0; i < MESSAGES; i++) {
		struct mh_message m;
		struct signed_message s;
		size_t at;

		generate_message(&state, &m);
		s = sign(&m, keys[i % 2]);
		cr_assert_eq(verify(&s), DLMA_SIGNAL_accepted, "message %d", i);
		at = COVERED_FROM + generate_number(&state, (uint32_t)s.len - COVERED_FROM);
		s.buf[at] ^= (uint8_t)(1 + generate_number(&state, 255));
		cr_assert_neq(verify(&s), DLMA_SIGNAL_accepted, "message %d at %zu", i, at);
	}
}

Test(auth, missing)
{
	struct signed_message s = {.key = sha256_key, .len = vectors[0].len};

	memcpy(s.buf, vectors[0].bytes, s.len);
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_missing);
}

/* MN-AAA (RFC 4285 5.2) is another relation than ours. */
Test(auth, other_subtype)
{
	struct signed_message s = sign(&vectors[0].message, &sha256_key);

	s.buf[s.len - 16 - 5] = 2;
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_missing);
}

Test(auth, wrong_spi)
{
	struct signed_message s = sign(&vectors[0].message, &sha256_key);

	s.key.spi++;
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_spi);
}

Test(auth, wrong_key)
{
	struct signed_message s = sign(&vectors[0].message, &sha256_key);

	s.key.key[0]++;
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_failed);
}

/* Eight octets of padding after a valid option: not covered by it, so refused. */
Test(auth, not_last)
{
	struct signed_message s = sign(&vectors[0].message, &sha256_key);
	size_t covered = s.len - 16;
	uint8_t mac[32];

	memcpy(s.buf + s.len, "\1\6\0\0\0\0\0", 8);
	s.len += 8;
	s.buf[1]++;
	cr_expect_eq(auth_sign(mac_openssl, &s.key, &s.first, &s.second, s.buf, s.len), -EINVAL);
	mac_whole(&s, covered, mac);
	memcpy(s.buf + covered, mac, 16);
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_failed);
}

/* A peer must not choose a shorter MAC, nor the other algorithm. */
Test(auth, data_of_another_length)
{
	struct signed_message s = sign(&vectors[0].message, &sha1_key);

	s.key.algorithm = AUTH_HMAC_SHA256_128;
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_failed);
	s = sign(&vectors[0].message, &sha256_key);
	s.key.algorithm = AUTH_HMAC_SHA1_96;
	cr_expect_eq(verify(&s), DLMA_SIGNAL_auth_failed);
}

Test(auth, nothing_to_sign)
{
	uint8_t buf[MH_MAX_LEN];

	for (size_t len = 0; len <= vectors[0].len; len += 8) {
		memcpy(buf, vectors[0].bytes, vectors[0].len);
		cr_expect_eq(auth_sign(mac_openssl, &sha256_key, &home, &home, buf, len), -EINVAL);
		cr_expect_arr_eq(buf, vectors[0].bytes, vectors[0].len);
	}
}

/* What ends the message only looks like the option. */
Test(auth, another_option_at_the_end)
{
	struct signed_message s = sign(&vectors[0].message, &sha256_key);
	size_t at = s.len - 16 - 7;

	s.buf[at]++;
	cr_expect_eq(auth_sign(mac_openssl, &s.key, &s.first, &s.second, s.buf, s.len), -EINVAL);
	s.buf[at]--;
	s.buf[at + 1]--;
	cr_expect_eq(auth_sign(mac_openssl, &s.key, &s.first, &s.second, s.buf, s.len), -EINVAL);
	s.buf[at + 1]++;
	cr_expect_eq(auth_sign(mac_openssl, &s.key, &s.first, &s.second, s.buf, s.len), 0);
}

/* Without a MAC nothing is signed, and nothing is accepted. */
Test(auth, broken_mac)
{
	struct signed_message s = sign(&vectors[0].message, &sha256_key), before = s;
	struct mh_message m;
	unsigned int unknown;

	cr_assert_eq(vector_decode(s.buf, s.len, &m, &unknown), DLMA_SIGNAL_accepted);
	cr_expect_eq(auth_verify(mac_broken, &s.key, &s.first, &s.second, s.buf, s.len, &m.options),
		DLMA_SIGNAL_auth_failed);
	cr_expect_eq(auth_sign(mac_broken, &s.key, &s.second, &s.first, s.buf, s.len), -EIO);
	cr_expect_arr_eq(s.buf, before.buf, s.len);
}
