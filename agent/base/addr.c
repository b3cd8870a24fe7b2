// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/addr.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

_Static_assert(ADDR_TEXT_MAX == INET6_ADDRSTRLEN, "room for any address");

char *addr_format(const struct dlma_addr *addr, char buf[ADDR_TEXT_MAX])
{
	(void)inet_ntop(AF_INET6, addr->b, buf, ADDR_TEXT_MAX);
	return buf;
}

char *prefix_format(const struct dlma_prefix *prefix, char buf[PREFIX_TEXT_MAX])
{
	size_t used = strlen(addr_format(&prefix->addr, buf));

	snprintf(buf + used, PREFIX_TEXT_MAX - used, "/%u", prefix->len);
	return buf;
}

char *mac_format(const uint8_t mac[6], char buf[MAC_TEXT_MAX])
{
	snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5]);
	return buf;
}

int addr_parse(const char *text, struct dlma_addr *ret)
{
	struct dlma_addr addr;

	if (inet_pton(AF_INET6, text, addr.b) != 1)
		return -EBADMSG;
	*ret = addr;
	return 0;
}

/* Up to three digits without a needless zero; strtoul() would take signs and blanks. */
static int length_parse(const char *text, unsigned int *ret)
{
	unsigned int len = 0;
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 3 || text[digits] || (digits > 1 && *text == '0'))
		return -EBADMSG;
	for (; *text; text++)
		len = 10 * len + (unsigned int)(*text - '0');
	if (len > 128)
		return -EBADMSG;
	*ret = len;
	return 0;
}

int prefix_parse(const char *text, struct dlma_prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t used = slash ? (size_t)(slash - text) : ADDR_TEXT_MAX;
	char head[ADDR_TEXT_MAX] = "";
	struct dlma_addr addr;
	struct dlma_prefix prefix;
	unsigned int len;

	if (used >= sizeof(head))
		return -EBADMSG;
	memcpy(head, text, used);
	if (addr_parse(head, &addr) || length_parse(slash + 1, &len))
		return -EBADMSG;
	prefix = prefix_make(addr, len);
	if (!addr_equal(&prefix.addr, &addr))
		return -EINVAL;
	*ret = prefix;
	return 0;
}

static int digit_value(char c)
{
	if (!isxdigit((unsigned char)c))
		return -EBADMSG;
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

int octet_parse(const char *text)
{
	int high = digit_value(text[0]);
	int low = high < 0 ? high : digit_value(text[1]);

	return low < 0 ? low : 16 * high + low;
}

int mac_parse(const char *text, uint8_t ret[6])
{
	uint8_t mac[6];

	for (size_t i = 0; i < sizeof(mac); i++, text += 3) {
		int octet = octet_parse(text);

		if (octet < 0 || text[2] != (i < sizeof(mac) - 1 ? ':' : '\0'))
			return -EBADMSG;
		mac[i] = (uint8_t)octet;
	}
	memcpy(ret, mac, sizeof(mac));
	return 0;
}
