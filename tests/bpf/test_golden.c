// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The figures of the draft in plain hexadecimal: the fixtures say what they mean, whatever becomes
 * of the code that builds frames from layers. These octets were made apart from all C code.
 */
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>

struct golden {
	const char *fixture;
	const char *in, *out;
};

static const struct golden goldens[] = {
	{"location cached: tunnelled to the D-LMA (Figure 8, O-LMA)",
		"02000000001102000000000186dd600000000028114020010db8000c0000000000000000"
		"000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5d6d7d8d9"
		"dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000002202000000001286dd6002ab0f0050294020010db8000f0000000000000000"
		"000120010db8000f00000000000000000003600000000028113f20010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"location unknown: tunnelled to the H-LMA at once (Figure 7, O-LMA)",
		"02000000001102000000000186dd600000000028114020010db8000c0000000000000000"
		"000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5d6d7d8d9"
		"dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000002102000000001286dd6002ab0f0050294020010db8000f0000000000000000"
		"000120010db8000f00000000000000000002600000000028113f20010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"H-LMA: on to the D-LMA, and the O-LMA should know better (Figure 7, H-LMA)",
		"02000000001102000000000186dd600123450050294020010db8000f0000000000000000"
		"000420010db8000f00000000000000000001600000000028114020010db8000c00000000"
		"00000000000120010db800020007000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000002202000000001286dd600123450050294020010db8000f0000000000000000"
		"000120010db8000f00000000000000000003600000000028113f20010db8000c00000000"
		"00000000000120010db800020007000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"D-LMA: on to the MAG (Figures 7 and 8, V-LMA)",
		"02000000001102000000000186dd6003ffff0050294020010db8000f0000000000000000"
		"000220010db8000f00000000000000000001600000000028114020010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000002402000000001286dd6003ffff0050294020010db8000f0000000000000000"
		"000120010db8000f00000000000000000011600000000028113f20010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"previous D-LMA: forwarded to the new D-LMA under a mark",
		"02000000001102000000000186dd600123450050294020010db8000f0000000000000000"
		"000420010db8000f00000000000000000001600000000028114020010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000002202000000001286dd600923450050294020010db8000f0000000000000000"
		"000120010db8000f00000000000000000003600000000028113f20010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"delivered to the MN (Figures 7 and 8, MAG)",
		"02000000001102000000000186dd600123450050294020010db8000f0000000000000000"
		"000320010db8000f00000000000000000001600000000028114020010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000000202000000001386dd600000000028113f20010db8000c0000000000000000"
		"000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5d6d7d8d9"
		"dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"from the MN: tunnelled to its LMA (Figure 10, MAG)",
		"02000000001302000000000286dd600000000028114020010db800010005000000000000"
		"001020010db8000c0000000000000000000113881b580010abcdd0d1d2d3d4d5d6d7d8d9"
		"dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000002202000000001286dd6002a45e0050294020010db8000f0000000000000000"
		"000120010db8000f00000000000000000003600000000028113f20010db8000100050000"
		"00000000001020010db8000c0000000000000000000113881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"to a CN: the tunnel ends, the kernel routes it on (Figure 10, O-LMA)",
		"02000000001102000000000186dd6002abcd0050294020010db8000f0000000000000000"
		"001120010db8000f00000000000000000001600000000028114020010db8000100050000"
		"00000000001020010db8000c0000000000000000000113881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000001102000000000186dd600000000028114020010db800010005000000000000"
		"001020010db8000c0000000000000000000113881b580010abcdd0d1d2d3d4d5d6d7d8d9"
		"dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
	{"encapsulation limit: taken out by a relay",
		"02000000001102000000000186dd6000000000583c4020010db8000f0000000000000000"
		"000220010db8000f00000000000000000001290004010401010060000000002811402001"
		"0db8000c0000000000000000000120010db800010005000000000000001013881b580010"
		"abcdd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef",
		"02000000002402000000001286dd600000000050294020010db8000f0000000000000000"
		"000120010db8000f00000000000000000011600000000028113f20010db8000c00000000"
		"00000000000120010db800010005000000000000001013881b580010abcdd0d1d2d3d4d5"
		"d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"},
};

static const struct fixture *find(const char *name)
{
	for (const struct fixture_set *const *s = fixture_sets; *s; s++)
		for (unsigned int i = 0; i < (*s)->count; i++)
			if (!strcmp((*s)->fixtures[i].name, name))
				return &(*s)->fixtures[i];
	return NULL;
}

static void check(const char *name, const struct layer *layers, const char *expected)
{
	static char text[2 * FRAME_MAX + 1];
	static struct frame f;

	packet_build(layers, &f);
	for (uint32_t i = 0; i < f.len; i++)
		sprintf(text + (size_t)2 * i, "%02x", f.bytes[i]);
	cr_expect_str_eq(text, expected, "%s:\n%s\ninstead of\n%s", name, text, expected);
}

Test(golden, figures)
{
	for (size_t i = 0; i < sizeof(goldens) / sizeof(*goldens); i++) {
		const struct fixture *f = find(goldens[i].fixture);

		cr_assert_not_null(f, "no fixture is called %s", goldens[i].fixture);
		check(f->name, f->in, goldens[i].in);
		check(f->name, f->out, goldens[i].out);
	}
}

/* RFC 6438: the label goes by addresses and ports, or by the inner label, and is never 0. */
Test(golden, labels)
{
	static const struct layer udp[] = {IP6(CN, HOA), UDP, {0}};
	static const struct layer back[] = {IP6(HOA, CN), UDP, {0}};
	static const struct layer labelled[] = {IP6(CN, HOA, .label = 7), UDP, {0}};
	static const struct layer icmp[] = {IP6(CN, HOA), ICMP6, {0}};
	static const struct {
		const struct layer *layers;
		uint32_t label;
	} cases[] = {{udp, 0x2ab0f}, {back, 0x2a45e}, {labelled, 0x153d4}, {icmp, 0x130cc}};
	static struct frame f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		packet_build(cases[i].layers, &f);
		cr_expect_eq(packet_label(PACKET_LABEL_KEY, f.bytes, f.len), cases[i].label,
			"label %zu is %05x", i, packet_label(PACKET_LABEL_KEY, f.bytes, f.len));
	}
}
