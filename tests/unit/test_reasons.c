// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "dlma/reasons.h"
#include <criterion/criterion.h>

static void expect_whole(const struct dlma_reason_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cr_assert(texts[i].name && *texts[i].name, "number %zu has no name", i);
		cr_assert(texts[i].text && *texts[i].text, "%s has no text", texts[i].name);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(texts[i].name, texts[j].name);
	}
}

Test(reasons, tables_are_whole)
{
	expect_whole(dlma_packet_texts, DLMA_PACKET_REASON_COUNT);
	expect_whole(dlma_signal_texts, DLMA_SIGNAL_REASON_COUNT);
}

Test(reasons, numbers_and_rows_agree)
{
	cr_expect_str_eq(dlma_packet_texts[DLMA_PACKET_tunnel_cached].name, "tunnel_cached");
	cr_expect_eq(dlma_packet_texts[DLMA_PACKET_tunnel_cached].class, DLMA_FORWARD);
	cr_expect_eq(dlma_packet_texts[DLMA_PACKET_not_ipv6].class, DLMA_PASS);
	cr_expect_eq(dlma_packet_texts[DLMA_PACKET_unbound].class, DLMA_DROP);
	cr_expect_eq(dlma_packet_texts[DLMA_PACKET_received].class, DLMA_NOTE);
	cr_expect_str_eq(dlma_signal_texts[DLMA_SIGNAL_replayed].name, "replayed");
}
