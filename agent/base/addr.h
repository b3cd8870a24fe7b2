/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses, prefixes and link-layer addresses as text. */
#pragma once

#include "dlma/types.h"
#include <stdint.h>

enum addr_text {
	ADDR_TEXT_MAX = 46, /* with the terminating zero, all three */
	PREFIX_TEXT_MAX = ADDR_TEXT_MAX + 4,
	MAC_TEXT_MAX = 18,
};

/* All return buf. */
char *addr_format(const struct dlma_addr *addr, char buf[ADDR_TEXT_MAX]);
char *prefix_format(const struct dlma_prefix *prefix, char buf[PREFIX_TEXT_MAX]);
char *mac_format(const uint8_t mac[6], char buf[MAC_TEXT_MAX]);

/* 0, or -EBADMSG: no such thing can be written like that. */
int addr_parse(const char *text, struct dlma_addr *ret);
int mac_parse(const char *text, uint8_t ret[6]);

/* Value of two hexadecimal digits, or -EBADMSG. */
int octet_parse(const char *text);

/* Also -EINVAL: well written, but bits beyond the length are set. */
int prefix_parse(const char *text, struct dlma_prefix *ret);
