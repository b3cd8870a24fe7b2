// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/text.h"
#include <stdint.h>
#include <string.h>

/*
 * Octets of the UTF-8 sequence at `p` (RFC 3629 4); 0 if there is none that is well-formed, or if
 * it stands for a control character.
 */
static size_t sequence_len(const uint8_t *p, size_t left)
{
	static const struct {
		uint8_t first, last;	   /* of the leading octet */
		uint8_t second, second_to; /* what the next one may be */
		uint8_t len;
	} rows[] = {
		{0x20, 0x7e, 0, 0, 1},
		{0xc2, 0xc2, 0xa0, 0xbf, 2}, /* below: C1 control characters */
		{0xc3, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t i = 0;

	while (i < sizeof(rows) / sizeof(*rows) && !(*p >= rows[i].first && *p <= rows[i].last))
		i++;
	if (i == sizeof(rows) / sizeof(*rows) || rows[i].len > left)
		return 0;
	if (rows[i].len > 1 && (p[1] < rows[i].second || p[1] > rows[i].second_to))
		return 0;
	for (size_t k = 2; k < rows[i].len; k++)
		if ((p[k] & 0xc0) != 0x80)
			return 0;
	return rows[i].len;
}

char *text_plain(const void *octets, size_t len, char *buf, size_t cap)
{
	const uint8_t *p = octets;
	size_t used = 0;

	while (len && *p) {
		size_t n = sequence_len(p, len), taken = n ? n : 1;

		if (used + taken >= cap)
			break;
		memcpy(buf + used, n ? (const char *)p : "?", taken);
		used += taken;
		p += taken;
		len -= taken;
	}
	buf[used] = 0;
	return buf;
}

bool text_is_plain(const char *text)
{
	size_t left = strlen(text), n = 1;

	for (; left && n; text += n, left -= n)
		n = sequence_len((const uint8_t *)text, left);
	return n;
}
