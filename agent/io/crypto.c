// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/agent.h"
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/core_names.h>

int crypto_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	static EVP_MAC *hmac;
	char digest[16] = "SHA256";
	OSSL_PARAM params[2];
	EVP_MAC_CTX *ctx;
	size_t len;
	bool ok;

	if (algorithm == AUTH_HMAC_SHA1_96)
		memcpy(digest, "SHA1", sizeof("SHA1"));
	if (!hmac)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	ok = ctx && EVP_MAC_init(ctx, key, key_len, params);
	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_MAC_update(ctx, chunks[i].data, chunks[i].len);
	ok = ok && EVP_MAC_final(ctx, ret_mac, &len, 32);
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -EIO;
}
