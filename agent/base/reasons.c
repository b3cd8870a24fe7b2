// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "dlma/reasons.h"

#define PACKET_TEXT(number, id, kind, words) \
	[number] = {.name = #id, .text = words, .class = DLMA_##kind},
const struct dlma_reason_text dlma_packet_texts[DLMA_PACKET_REASON_COUNT] = {
	DLMA_PACKET_REASONS(PACKET_TEXT)};

#define SIGNAL_TEXT(number, id, words) [number] = {.name = #id, .text = words},
const struct dlma_reason_text dlma_signal_texts[DLMA_SIGNAL_REASON_COUNT] = {
	DLMA_SIGNAL_REASONS(SIGNAL_TEXT)};
