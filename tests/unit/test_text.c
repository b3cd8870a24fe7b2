/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/text.h"
#include <criterion/criterion.h>
#include <string.h>

static void expect(const char *octets, const char *want)
{
	char buf[32];

	cr_expect_str_eq(text_plain(octets, strlen(octets), buf, sizeof(buf)), want);
	cr_expect_eq(text_is_plain(octets), !strcmp(octets, want));
}

Test(text, plain_text_stays)
{
	expect("", "");
	expect("mn1@example.net ~", "mn1@example.net ~");
	expect("m\xc3\xbcnchen@\xe4\xbe\x8b.\xf0\x9f\x93\xa1",
		"m\xc3\xbcnchen@\xe4\xbe\x8b.\xf0\x9f\x93\xa1");
}

Test(text, nothing_else_gets_through)
{
	expect("a\nb\x1b[2J\x7f", "a?b?[2J?");
	expect("\xc2\x9b", "??"); /* a control sequence introducer */
	expect("\xff\x80z", "??z");
	expect("\xc0\xaf", "??"); /* overlong */
	expect("\xe0\x80\xaf", "???");
	expect("\xed\xa0\x80", "???");	    /* a surrogate */
	expect("\xf4\x90\x80\x80", "????"); /* beyond Unicode */
	expect("\xe4\xbe", "??");	    /* cut */
	expect("\xe4\xbez", "??z");
}

Test(text, it_is_cut_between_characters)
{
	char buf[4];

	cr_expect_str_eq(text_plain("abcdef", 6, buf, sizeof(buf)), "abc");
	cr_expect_str_eq(text_plain("ab\xc3\xbc", 4, buf, sizeof(buf)), "ab");
	cr_expect_str_eq(text_plain("abc", 2, buf, sizeof(buf)), "ab");
	cr_expect_str_eq(text_plain("a\0b", 3, buf, sizeof(buf)), "a");
	cr_expect_str_eq(text_plain("abc", 3, buf, 1), "");
}
