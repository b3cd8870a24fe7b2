/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bounds of reader and writer. */
#include "wire/cursor.h"
#include <criterion/criterion.h>

static const uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

Test(cursor, reads_big_endian)
{
	struct reader r = {octets, sizeof(octets)};

	cr_expect_eq(reader_u8(&r), 1);
	cr_expect_eq(reader_u16(&r), 0x0203);
	cr_expect_eq(reader_u32(&r), 0x04050607);
	cr_expect_eq(reader_u64(&r), 0x08090a0b0c0d0e0f);
	cr_expect_eq(r.left, 0);
}

Test(cursor, reads_zeros_past_the_end)
{
	struct reader r = {octets, 3};
	uint8_t got[4] = {0xff, 0xff, 0xff, 0xff};

	cr_expect_eq(reader_u32(&r), 0x01020300);
	cr_expect_eq(reader_u8(&r), 0);
	r = (struct reader){octets, 2};
	reader_bytes(&r, got, sizeof(got));
	cr_expect_arr_eq(got, "\1\2\0\0", 4);
	cr_expect_eq(r.left, 0);
	r = (struct reader){octets, 4};
	cr_expect_eq(reader_take(&r, 9).left, 4);
	reader_skip(&r, 1);
	cr_expect_eq(r.left, 0);
	cr_expect_eq(r.at, octets + 4);
}

Test(cursor, writes_big_endian)
{
	uint8_t buf[sizeof(octets)];
	struct writer w = {buf, sizeof(buf), 0};

	writer_u8(&w, 1);
	writer_u16(&w, 0x0203);
	writer_u32(&w, 0x04050607);
	writer_u64(&w, 0x08090a0b0c0d0e0f);
	cr_expect_eq(w.len, sizeof(octets));
	cr_expect_arr_eq(buf, octets, sizeof(octets));
}

Test(cursor, writes_nothing_past_the_end)
{
	uint8_t buf[8];
	struct writer w = {buf, 4, 0};

	memset(buf, 0xff, sizeof(buf));
	writer_bytes(&w, octets, 3);
	writer_bytes(&w, octets, 2);
	writer_set_u8(&w, 3, 9);
	writer_set_u8(&w, 4, 9);
	writer_zeros(&w, 3);
	cr_expect_eq(w.len, 8, "still counts");
	cr_expect_arr_eq(buf, "\1\2\3\x9\xff\xff\xff\xff", 8);
}
