// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "compare.h"
#include <stdarg.h>
#include <stdio.h>

static const char *const verdict_names[] = {
	[VERDICT_PASS] = "passed",
	[VERDICT_DROP] = "dropped",
	[VERDICT_SEND] = "sent",
	[VERDICT_STRANGE] = "answered strangely",
};

__attribute__((format(printf, 2, 3))) static const char *tell(
	char text[COMPARE_TEXT_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, COMPARE_TEXT_MAX, format, args);
	va_end(args);
	return text;
}

static const char *reason_of(const struct outcome *o)
{
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++)
		if (dlma_packet_texts[i].class != DLMA_NOTE && o->counted[i].packets)
			return dlma_packet_texts[i].name;
	return "nothing";
}

static bool goes_elsewhere(
	uint32_t ifindex, const struct outcome *expected, const struct outcome *got)
{
	if (got->verdict != VERDICT_SEND || !got->to)
		return false;
	return got->to == (uint32_t)TO_ELSEWHERE ? expected->to == ifindex
						 : expected->to != got->to;
}

static const char *compare_counters(
	const struct outcome *expected, const struct outcome *got, char text[COMPARE_TEXT_MAX])
{
	for (int i = 0; i < DLMA_COUNTERS_MAX; i++) {
		const struct dlma_counter *e = &expected->counted[i], *g = &got->counted[i];

		if (e->packets == g->packets && e->bytes == g->bytes)
			continue;
		return tell(text, "counter %s rose by %llu (%llu octets), not by %llu (%llu)",
			i < DLMA_PACKET_REASON_COUNT ? dlma_packet_texts[i].name
						     : "beyond the last",
			g->packets, g->bytes, e->packets, e->bytes);
	}
	return NULL;
}

static const char *compare_events(
	const struct outcome *expected, const struct outcome *got, char text[COMPARE_TEXT_MAX])
{
	if (expected->event_count != got->event_count)
		return tell(
			text, "%u events instead of %u", got->event_count, expected->event_count);
	for (uint32_t i = 0; i < expected->event_count && i < EVENTS_MAX; i++) {
		const struct dlma_event *e = &expected->events[i], *g = &got->events[i];

		if (e->kind != g->kind)
			return tell(text, "event of kind %u instead of %u", g->kind, e->kind);
		if (memcmp(e, g, sizeof(*e)))
			return tell(text, "event with other contents");
	}
	return NULL;
}

static const char *compare_frames(
	const struct frame *expected, const struct frame *got, char text[COMPARE_TEXT_MAX])
{
	if (expected->len != got->len)
		return tell(text, "%u octets out instead of %u", got->len, expected->len);
	for (uint32_t i = 0; i < got->len; i++)
		if (expected->bytes[i] != got->bytes[i])
			return tell(text, "octet %u is %02x instead of %02x", i, got->bytes[i],
				expected->bytes[i]);
	return NULL;
}

const char *compare_outcomes(uint32_t ifindex, const struct outcome *expected,
	const struct outcome *got, char text[COMPARE_TEXT_MAX])
{
	const char *told;

	if (expected->verdict != got->verdict)
		return tell(text, "%s as %s instead of %s as %s", verdict_names[got->verdict],
			reason_of(got), verdict_names[expected->verdict], reason_of(expected));
	if (goes_elsewhere(ifindex, expected, got))
		return tell(text, "sent out of another interface");
	told = compare_counters(expected, got, text) ?: compare_events(expected, got, text);
	if (told || got->verdict == VERDICT_DROP)
		return told;
	return compare_frames(&expected->out, &got->out, text);
}

const char *compare_used(
	const struct tables *expected, const struct tables *got, char text[COMPARE_TEXT_MAX])
{
	for (uint32_t i = 0; i < expected->location_count; i++)
		if (expected->locations[i].value.used != got->locations[i].value.used)
			return tell(text, "location %u used at tick %u instead of %u", i,
				got->locations[i].value.used, expected->locations[i].value.used);
	for (uint32_t i = 0; i < expected->access_count; i++)
		if (expected->access[i].value.used != got->access[i].value.used)
			return tell(text, "MN %u active at tick %u instead of %u", i,
				got->access[i].value.used, expected->access[i].value.used);
	return NULL;
}

void compare_dump(const char *title, const struct frame *f)
{
	fprintf(stderr, "%s, %u octets:", title, f->len);
	for (uint32_t i = 0; i < f->len; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", f->bytes[i]);
	fprintf(stderr, "\n");
}
