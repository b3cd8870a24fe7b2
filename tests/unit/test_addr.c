// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/addr.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct dlma_addr addr(const char *text)
{
	struct dlma_addr a;

	cr_assert_eq(addr_parse(text, &a), 0, "%s", text);
	return a;
}

Test(addr, bytes)
{
	static const uint8_t want[16] = {
		0x20, 0x01, 0x0d, 0xb8, 0, 0xf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	struct dlma_addr a = addr("2001:db8:f::1");

	cr_assert_arr_eq(a.b, want, sizeof(want));
}

Test(addr, text_and_back)
{
	static const char *const cases[][2] = {
		{"2001:db8:f::1", "2001:db8:f::1"},
		{"2001:0DB8:000F:0:0::0001", "2001:db8:f::1"},
		{"::", "::"},
		{"::1", "::1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dlma_addr a = addr(cases[i][0]);

		cr_expect_str_eq(addr_format(&a, text), cases[i][1]);
	}
}

Test(addr, bad)
{
	static const char *const cases[] = {"", "1", "2001:db8", "2001:db8::1::", "2001:db8::1 ",
		" ::1", "::g", "::12345", "fe80::1%eth0", "192.0.2.1", "::1/128",
		"1:2:3:4:5:6:7:8:9"};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dlma_addr a = addr("2001:db8::1"), before = a;

		cr_expect_eq(addr_parse(cases[i], &a), -EBADMSG, "%s", cases[i]);
		cr_expect(addr_equal(&a, &before), "%s was written", cases[i]);
	}
}

Test(prefix, text_and_back)
{
	static const struct {
		const char *text, *back;
		unsigned int len;
	} cases[] = {
		{"2001:db8:100::/40", "2001:db8:100::/40", 40},
		{"2001:DB8:100:0:0::/40", "2001:db8:100::/40", 40},
		{"::/0", "::/0", 0},
		{"8000::/1", "8000::/1", 1},
		{"2001:db8::1/128", "2001:db8::1/128", 128},
		{"2001:db8::/127", "2001:db8::/127", 127},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 128},
	};
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dlma_prefix p;

		cr_assert_eq(prefix_parse(cases[i].text, &p), 0, "%s", cases[i].text);
		cr_expect_eq(p.len, cases[i].len);
		cr_expect_str_eq(prefix_format(&p, text), cases[i].back);
	}
}

Test(prefix, bad)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{"", -EBADMSG},
		{"/", -EBADMSG},
		{"2001:db8::", -EBADMSG},
		{"2001:db8::/", -EBADMSG},
		{"2001:db8::/129", -EBADMSG},
		{"2001:db8::/999", -EBADMSG},
		{"2001:db8::/4294967328", -EBADMSG},
		{"2001:db8::/-32", -EBADMSG},
		{"2001:db8::/+32", -EBADMSG},
		{"2001:db8::/ 32", -EBADMSG},
		{"2001:db8::/32 ", -EBADMSG},
		{"2001:db8::/032", -EBADMSG},
		{"2001:db8::/0x20", -EBADMSG},
		{"2001:db8::/32/32", -EBADMSG},
		{"2001:db8::%eth0/32", -EBADMSG},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8", -EBADMSG},
		{"2001:db8::1/64", -EINVAL},
		{"2001:db8::1/127", -EINVAL},
		{"2001:db8:180::/40", -EINVAL},
		{"8000::/0", -EINVAL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dlma_prefix p = {.len = 77};

		cr_expect_eq(prefix_parse(cases[i].text, &p), cases[i].err, "%s", cases[i].text);
		cr_expect_eq(p.len, 77, "%s was written", cases[i].text);
	}
}

Test(mac, text_and_back)
{
	static const uint8_t want[6] = {0x02, 0x00, 0x5e, 0xaB, 0xcD, 0xff};
	char text[MAC_TEXT_MAX];
	uint8_t mac[6];

	cr_assert_eq(mac_parse("02:00:5e:aB:Cd:fF", mac), 0);
	cr_assert_arr_eq(mac, want, sizeof(want));
	cr_assert_str_eq(mac_format(mac, text), "02:00:5e:ab:cd:ff");
}

Test(mac, bad)
{
	static const char *const cases[] = {"", "0", "02", "02:", "02:00:00:00:00",
		"02:00:00:00:00:", "02:00:00:00:00:0", "02:00:00:00:00:01:", "02:00:00:00:00:012",
		"02-00-00-00-00-01", "0g:00:00:00:00:01", "g0:00:00:00:00:01", "2:00:00:00:00:001",
		" 2:00:00:00:00:01"};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t mac[6] = {1, 2, 3, 4, 5, 6};

		cr_expect_eq(mac_parse(cases[i], mac), -EBADMSG, "%s", cases[i]);
		cr_expect_eq(mac[0], 1, "%s was written", cases[i]);
	}
}

Test(octet, every_value)
{
	char text[8];

	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "%02x", (unsigned int)i);
		cr_expect_eq(octet_parse(text), i);
		snprintf(text, sizeof(text), "%02X", (unsigned int)i);
		cr_expect_eq(octet_parse(text), i);
	}
	cr_expect_eq(octet_parse(""), -EBADMSG);
	cr_expect_eq(octet_parse("1"), -EBADMSG);
	cr_expect_eq(octet_parse("1g"), -EBADMSG);
	cr_expect_eq(octet_parse("-1"), -EBADMSG);
}
