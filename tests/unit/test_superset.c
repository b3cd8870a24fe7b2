// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/superset.h"
#include "base/addr.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

enum { BLOCKS_MAX = 8 };

static struct domain_prefix block(const char *text, unsigned int hnp_len)
{
	struct domain_prefix b = {.hnp_len = (uint8_t)hnp_len};

	cr_assert_eq(prefix_parse(text, &b.prefix), 0, "%s", text);
	return b;
}

static unsigned int mask_len(const struct dlma_addr *mask)
{
	unsigned int len = 0;
	struct dlma_addr whole;

	for (unsigned int i = 0; i < 16; i++)
		len += (unsigned int)__builtin_popcount(mask->b[i]);
	memset(&whole, 0xff, sizeof(whole));
	whole = addr_masked(whole, len);
	cr_assert(addr_equal(&whole, mask), "a mask has a hole");
	return len;
}

/* "PREFIX/LEN=HNP_LEN ..." in the order of the array. */
static const char *format(const struct dlma_superset *set, uint32_t count)
{
	static char text[DLMA_SUPERSET_MAX * (PREFIX_TEXT_MAX + 8)];
	size_t used = 0;

	*text = '\0';
	for (uint32_t i = 0; i < count; i++) {
		char buf[ADDR_TEXT_MAX];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%u=%u",
			i ? " " : "", addr_format(&set[i].prefix, buf), mask_len(&set[i].mask),
			mask_len(&set[i].hnp_mask));
	}
	return text;
}

struct example {
	const char *what;
	struct {
		const char *prefix;
		unsigned int hnp_len;
	} blocks[BLOCKS_MAX];
	const char *superset;
};

static const struct example examples[] = {
	{"nothing", {{0}}, ""},
	{"one", {{"2001:db8:100::/40", 64}}, "2001:db8:100::/40=64"},
	{"Figure 6 of the draft: PA and PB aggregate, P3C does not",
		{{"2001:db8:a000::/38", 64}, {"2001:db8:a400::/38", 64}, {"2001:db8:a800::/37", 64},
			{"2001:db8:b00::/40", 64}, {"2001:db8:a00::/40", 64},
			{"2001:db8:c00::/40", 64}},
		"2001:db8:c00::/40=64 2001:db8:a00::/39=64 2001:db8:a000::/36=64"},
	{"neighbours that are no halves of one prefix",
		{{"2001:db8:100::/40", 64}, {"2001:db8:200::/40", 64}},
		"2001:db8:100::/40=64 2001:db8:200::/40=64"},
	{"halves with HNPs of other lengths",
		{{"2001:db8:200::/40", 64}, {"2001:db8:300::/40", 128}},
		"2001:db8:200::/40=64 2001:db8:300::/40=128"},
	{"nested, same HNPs", {{"2001:db8::/32", 64}, {"2001:db8:300::/40", 64}},
		"2001:db8::/32=64"},
	{"nested, other HNPs", {{"2001:db8::/32", 64}, {"2001:db8:300::/64", 128}},
		"2001:db8:300::/64=128 2001:db8::/32=64"},
	{"the innermost is like the outermost, not like the one around it",
		{{"2001:db8::/32", 64}, {"2001:db8:300::/40", 128}, {"2001:db8:300::/48", 64}},
		"2001:db8:300::/48=64 2001:db8:300::/40=128 2001:db8::/32=64"},
	{"a parent that its halves hide",
		{{"2001:db8:200::/39", 128}, {"2001:db8:200::/40", 64}, {"2001:db8:300::/40", 64}},
		"2001:db8:200::/39=64"},
	{"the same block twice", {{"2001:db8::/32", 64}, {"2001:db8::/32", 64}},
		"2001:db8::/32=64"},
	{"what merges may merge again, and vanish in what is around it",
		{{"2001:db8::/34", 64}, {"2001:db8:4000::/34", 64}, {"2001:db8:8000::/33", 64},
			{"2001:db9::/32", 64}, {"2001:d00::/24", 64}},
		"2001:d00::/24=64"},
	{"single addresses", {{"2001:db8::2/128", 128}, {"2001:db8::3/128", 128}},
		"2001:db8::2/127=128"},
	{"everything", {{"::/1", 64}, {"8000::/1", 64}}, "::/0=64"},
};

Test(superset, examples)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		const struct example *e = &examples[i];
		struct domain_prefix blocks[BLOCKS_MAX];
		struct dlma_superset set[DLMA_SUPERSET_MAX];
		uint32_t count = 0, ret = 99;

		for (; count < BLOCKS_MAX && e->blocks[count].prefix; count++)
			blocks[count] = block(e->blocks[count].prefix, e->blocks[count].hnp_len);
		cr_assert_eq(superset_build(blocks, count, set, &ret), 0, "%s", e->what);
		cr_expect_str_eq(
			format(set, ret), e->superset, "%s: %s", e->what, format(set, ret));
	}
}

/* Every other /48, so that none aggregate. */
static void fill_apart(struct domain_prefix *blocks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		blocks[i] = block("2001:db8::/48", 64);
		blocks[i].prefix.addr.b[4] = (uint8_t)(i >> 7);
		blocks[i].prefix.addr.b[5] = (uint8_t)(i << 1);
	}
}

Test(superset, size)
{
	struct domain_prefix blocks[DLMA_SUPERSET_MAX + 1];
	struct dlma_superset set[DLMA_SUPERSET_MAX];
	uint32_t count = 0;

	fill_apart(blocks, DLMA_SUPERSET_MAX + 1);
	cr_assert_eq(superset_build(blocks, DLMA_SUPERSET_MAX, set, &count), 0);
	cr_assert_eq(count, DLMA_SUPERSET_MAX);
	cr_assert_eq(mask_len(&set[DLMA_SUPERSET_MAX - 1].hnp_mask), 64);
	memset(set, 0xaa, sizeof(set));
	cr_assert_eq(superset_build(blocks, DLMA_SUPERSET_MAX + 1, set, &count), -E2BIG);
	cr_assert_eq(count, DLMA_SUPERSET_MAX + 1);
	cr_assert_eq(set[0].prefix.b[0], 0xaa);
}

Test(superset, as_many_as_there_may_be)
{
	static struct domain_prefix blocks[DLMA_OWNERS_MAX];
	struct dlma_superset set[DLMA_SUPERSET_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < DLMA_OWNERS_MAX; i++) {
		uint32_t scattered = (i * 2654435761u) % DLMA_OWNERS_MAX;

		blocks[i] = block("2001:db8::/64", 64);
		blocks[i].prefix.addr.b[6] = (uint8_t)(scattered >> 8);
		blocks[i].prefix.addr.b[7] = (uint8_t)scattered;
	}
	cr_assert_eq(superset_build(blocks, DLMA_OWNERS_MAX, set, &count), 0);
	cr_assert_str_eq(format(set, count), "2001:db8::/52=64");
}

/* xorshift: the same numbers in every run. */
static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What a longest match over the blocks themselves says: the HNP length, or 0. */
static unsigned int naive_hnp_len(
	const struct domain_prefix *blocks, uint32_t count, const struct dlma_addr *a)
{
	unsigned int best_len = 0, hnp_len = 0;

	for (uint32_t i = 0; i < count; i++)
		if (prefix_contains(&blocks[i].prefix, a) && blocks[i].prefix.len >= best_len) {
			best_len = blocks[i].prefix.len;
			hnp_len = blocks[i].hnp_len;
		}
	return hnp_len;
}

/* What the programs do with the superset: the first match counts. */
static unsigned int superset_hnp_len(
	const struct dlma_superset *set, uint32_t count, const struct dlma_addr *a)
{
	for (uint32_t i = 0; i < count; i++)
		if (superset_contains(&set[i], 1, a))
			return mask_len(&set[i].hnp_mask);
	return 0;
}

/* Distinct blocks of 33 to 40 bits, so few that they often meet. */
static uint32_t random_blocks(uint32_t *state, struct domain_prefix *blocks, uint32_t wanted)
{
	uint32_t count = 0;

	while (wanted--) {
		struct domain_prefix b = block("2001:db8::/32", 64);
		bool is_new = true;

		b.prefix.addr.b[4] = (uint8_t)random_next(state);
		b.prefix = prefix_make(b.prefix.addr, 33 + random_next(state) % 8);
		b.hnp_len = random_next(state) % 3 ? 64 : 128;
		for (uint32_t i = 0; i < count; i++)
			is_new &= !prefix_equal(&blocks[i].prefix, &b.prefix);
		if (is_new)
			blocks[count++] = b;
	}
	return count;
}

/* Nothing is left to aggregate. */
static void expect_minimal(const struct dlma_superset *set, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		unsigned int len = mask_len(&set[i].mask);
		struct dlma_addr other = set[i].prefix;

		other.b[(len - 1) / 8] ^= (uint8_t)(0x80 >> (len - 1) % 8);
		for (uint32_t j = i + 1; j < count; j++) {
			cr_expect_leq(mask_len(&set[j].mask), len, "not the longest first");
			cr_expect(mask_len(&set[j].mask) != len ||
					  !addr_equal(&set[j].prefix, &other) ||
					  !addr_equal(&set[j].hnp_mask, &set[i].hnp_mask),
				"two halves are left: %s", format(set, count));
		}
		if (superset_contains(set + i + 1, count - i - 1, &set[i].prefix))
			cr_expect_neq(superset_hnp_len(set + i + 1, count - i - 1, &set[i].prefix),
				mask_len(&set[i].hnp_mask), "redundant: %s", format(set, count));
	}
}

Test(superset, says_what_the_blocks_say)
{
	uint32_t state = 20100308;

	for (int round = 0; round < 3000; round++) {
		struct domain_prefix blocks[40];
		struct dlma_superset set[DLMA_SUPERSET_MAX];
		uint32_t count = random_blocks(&state, blocks, random_next(&state) % 41), ret;
		struct dlma_addr a = block("2001:db8::/32", 64).prefix.addr;

		cr_assert_eq(superset_build(blocks, count, set, &ret), 0);
		for (unsigned int i = 0; i < 256; i++) {
			a.b[4] = (uint8_t)i;
			cr_assert_eq(superset_hnp_len(set, ret, &a),
				naive_hnp_len(blocks, count, &a), "round %d, address %u: %s", round,
				i, format(set, ret));
			cr_assert_eq(superset_contains(set, ret, &a),
				naive_hnp_len(blocks, count, &a) != 0);
		}
		expect_minimal(set, ret);
	}
}
