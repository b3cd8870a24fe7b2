/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mobility Message Authentication option (RFC 4285 5), always the last option of a message.
 *
 * The MAC covers two addresses and the message from its first octet to the SPI, checksum 0,
 * Header Len final. For locally assigned SPIs the addresses are the IPv6 source and destination
 * of the message; the interoperable profile of RFC 4285 takes care-of and home address instead.
 * The hash itself comes from outside, so that this file needs no crypto library.
 */
#pragma once

#include "wire/mh.h"

enum auth_algorithm {
	AUTH_HMAC_SHA256_128, /* ours: 16 octets */
	AUTH_HMAC_SHA1_96,    /* RFC 4285: 12 octets */
};

struct auth_chunk {
	const void *data;
	size_t len;
};

/* Computes a whole HMAC (32 or 20 octets) over the chunks. Returns 0 or negative errno. */
typedef int auth_mac_fn(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32]);

struct auth_key {
	enum auth_algorithm algorithm;
	uint32_t spi;
	uint8_t key[32];
	uint8_t key_len;
};

/* Octets of authentication data. */
size_t auth_data_len(enum auth_algorithm algorithm);

/* Puts an authentication option with zero data into the message, ready for auth_sign(). */
void auth_reserve(const struct auth_key *key, struct mh_options *o);

/* Fills the authentication data of an encoded message whose last option it is. */
int auth_sign(auth_mac_fn *mac, const struct auth_key *key, const struct dlma_addr *first,
	const struct dlma_addr *second, uint8_t *buf, size_t len);

/*
 * Compares in constant time. `o` is what mh_decode() found in `buf`. Returns
 * DLMA_SIGNAL_accepted, auth_missing, auth_spi or auth_failed. The option must end the message.
 */
enum dlma_signal_reason auth_verify(auth_mac_fn *mac, const struct auth_key *key,
	const struct dlma_addr *first, const struct dlma_addr *second, const uint8_t *buf,
	size_t len, const struct mh_options *o);
