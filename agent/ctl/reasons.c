// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reasons, as a document: `dlmactl reasons` is what docs/reasons.md is made of. */
#include "ctl/ctl.h"
#include "dlma/reasons.h"

static const char *const classes[] = {
	[DLMA_FORWARD] = "forward",
	[DLMA_PASS] = "pass",
	[DLMA_DROP] = "drop",
	[DLMA_NOTE] = "note",
};

void reasons_print(FILE *out)
{
	fputs("# Reasons\n\n"
	      "Made by `make docs` from include/dlma/reasons.h. Numbers are never used again.\n\n"
	      "## Packets\n\n"
	      "Each packet is counted under exactly one reason, so `received` is the sum of all\n"
	      "that forward, pass or drop. A note is counted beside a reason.\n\n"
	      "| number | reason | class | meaning |\n|---|---|---|---|\n",
		out);
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++)
		fprintf(out, "| %d | `%s` | %s | %s |\n", i, dlma_packet_texts[i].name,
			classes[dlma_packet_texts[i].class], dlma_packet_texts[i].text);
	fputs("\n## Signalling\n\n"
	      "| number | reason | meaning |\n|---|---|---|\n",
		out);
	for (int i = 0; i < DLMA_SIGNAL_REASON_COUNT; i++)
		fprintf(out, "| %d | `%s` | %s |\n", i, dlma_signal_texts[i].name,
			dlma_signal_texts[i].text);
}
