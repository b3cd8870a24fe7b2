/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "wire/auth.h"
#include <errno.h>
#include <string.h>

enum {
	AUTH_SUBTYPE_MN_HA = 1,
	OPTION_HEAD = 2, /* Type and Length, which the Length field leaves out */
	CHECKSUM_AT = 4,
	CHECKSUM_END = 6,
};

size_t auth_data_len(enum auth_algorithm algorithm)
{
	static const uint8_t lens[] = {
		[AUTH_HMAC_SHA256_128] = 16,
		[AUTH_HMAC_SHA1_96] = 12,
	};

	return lens[algorithm];
}

void auth_reserve(const struct auth_key *key, struct mh_options *o)
{
	o->has |= MH_HAS(MH_OPTION_AUTHENTICATION);
	o->auth = (struct mh_auth){
		.subtype = AUTH_SUBTYPE_MN_HA,
		.len = (uint8_t)auth_data_len(key->algorithm),
		.spi = key->spi,
	};
}

/* RFC 4285 5.1: addresses, then the message up to and including the SPI with its checksum 0. */
static int mac_compute(auth_mac_fn *mac, const struct auth_key *key, const struct dlma_addr *first,
	const struct dlma_addr *second, const uint8_t *buf, size_t covered, uint8_t ret_mac[32])
{
	static const uint8_t no_checksum[CHECKSUM_END - CHECKSUM_AT];
	const struct auth_chunk chunks[] = {
		{first, sizeof(*first)},
		{second, sizeof(*second)},
		{buf, CHECKSUM_AT},
		{no_checksum, sizeof(no_checksum)},
		{buf + CHECKSUM_END, covered - CHECKSUM_END},
	};

	return mac(key->algorithm, key->key, key->key_len, chunks,
		sizeof(chunks) / sizeof(chunks[0]), ret_mac);
}

int auth_sign(auth_mac_fn *mac, const struct auth_key *key, const struct dlma_addr *first,
	const struct dlma_addr *second, uint8_t *buf, size_t len)
{
	size_t data_len = auth_data_len(key->algorithm);
	uint8_t result[32];
	const uint8_t *option;
	int err;

	if (len < MH_MIN_LEN + MH_AUTH_HEAD + data_len)
		return -EINVAL;
	option = buf + len - data_len - MH_AUTH_HEAD;
	if (option[0] != MH_OPTION_AUTHENTICATION ||
		option[1] != MH_AUTH_HEAD - OPTION_HEAD + data_len)
		return -EINVAL;
	err = mac_compute(mac, key, first, second, buf, len - data_len, result);
	if (err)
		return err;
	memcpy(buf + len - data_len, result, data_len);
	return 0;
}

/* Takes the same time wherever the first difference is. */
static bool equal_in_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

enum dlma_signal_reason auth_verify(auth_mac_fn *mac, const struct auth_key *key,
	const struct dlma_addr *first, const struct dlma_addr *second, const uint8_t *buf,
	size_t len, const struct mh_options *o)
{
	size_t data_len = auth_data_len(key->algorithm);
	uint8_t result[32];

	if (!mh_option_has(o, MH_OPTION_AUTHENTICATION) || o->auth.subtype != AUTH_SUBTYPE_MN_HA)
		return DLMA_SIGNAL_auth_missing;
	if (o->auth.spi != key->spi)
		return DLMA_SIGNAL_auth_spi;
	if (o->auth.len != data_len || o->auth.offset + MH_AUTH_HEAD + data_len != len)
		return DLMA_SIGNAL_auth_failed;
	if (mac_compute(mac, key, first, second, buf, len - data_len, result))
		return DLMA_SIGNAL_auth_failed;
	if (!equal_in_constant_time(result, o->auth.data, data_len))
		return DLMA_SIGNAL_auth_failed;
	return DLMA_SIGNAL_accepted;
}
