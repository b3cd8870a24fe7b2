// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A run as lines to read: who said what to whom, what changed where, who moved. */
#include "sim.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WALL_START = 1800000000, LINES = 160, LINE_MAX_LEN = 240 };

/* The last lines; the one under way is the next. */
static char lines[LINES][LINE_MAX_LEN];
static unsigned int line_count;

__attribute__((format(printf, 2, 3))) static void say(const struct sim *s, const char *format, ...)
{
	char *line = lines[line_count % LINES];
	size_t len = strlen(line);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line + len, LINE_MAX_LEN - len, format, arguments);
	va_end(arguments);
	if (format[strlen(format) - 1] != '\n')
		return;
	if (!s->chart_last)
		fputs(line, stdout);
	lines[++line_count % LINES][0] = 0;
}

void chart_flush(const struct sim *s)
{
	unsigned int i = line_count < LINES ? 0 : line_count - LINES + 1;

	for (; s->chart_last && i < line_count; i++)
		fputs(lines[i % LINES], stdout);
}

static void line(const struct sim *s)
{
	say(s, "%12.6f  ", (double)s->now_us / 1e6);
}

static bool wanted(const struct sim *s, int m)
{
	return s->chart && (s->chart_mobile == NOWHERE || m == NOWHERE || m == s->chart_mobile);
}

static int mobile_of_slot(const struct sim *s, int slot)
{
	return slot < 0 ? NOWHERE : s->owner_of_slot[slot];
}

/* The MN that a message names; NOWHERE: none. */
static int mobile_of(const struct mh_message *m)
{
	int mobile;

	if (m->options.mn_id_count &&
		sscanf((const char *)m->options.mn_id[0].id, "mn%d@", &mobile) == 1)
		return mobile;
	return NOWHERE;
}

static void print_prefix(const struct sim *s, const struct mh_options *o)
{
	if (o->hnp_count)
		say(s, " hnp %d",
			addr_is_zero(&o->hnp[0].prefix.addr)
				? -1
				: path_slot_of(&o->hnp[0].prefix.addr));
}

static void print_stamp(const struct sim *s, const struct mh_options *o)
{
	if (mh_option_has(o, MH_OPTION_TIMESTAMP))
		say(s, " stamp %.6f",
			(double)(int64_t)(o->timestamp - ((uint64_t)WALL_START << 16)) / 65536);
}

static void print_places(const struct sim *s, const struct mh_options *o)
{
	const struct {
		enum mh_option_type type;
		const char *word;
		const struct dlma_addr *a;
	} places[] = {
		{MH_OPTION_ALTERNATE_COA, "at", &o->alternate_coa},
		{MH_OPTION_LMA_ADDRESS, "lma", &o->lma_address},
		{MH_OPTION_MAG_ADDRESS, "mag", &o->mag_address},
	};

	for (int i = 0; i < 3; i++)
		if (mh_option_has(o, places[i].type))
			say(s, " %s %s", places[i].word,
				plan_node_name(&s->plan, (uint16_t)path_node_of(places[i].a)));
}

static void print_fixed(const struct sim *s, const struct mh_message *m)
{
	if (m->type == MH_BINDING_UPDATE)
		say(s, " #%u life %u handoff %u", m->bu.sequence, m->bu.lifetime * 4,
			m->options.handoff);
	else if (m->type == MH_BINDING_ACK)
		say(s, " #%u status %u life %u", m->ba.sequence, m->ba.status, m->ba.lifetime * 4);
	else if (m->type == MH_BINDING_REVOCATION)
		say(s, " #%u %s %u", m->revocation.sequence,
			m->revocation.type == MH_REVOCATION_ACK ? "answer" : "trigger",
			m->revocation.code);
	else if (m->type == MH_BINDING_ERROR)
		say(s, " status %u hnp %d", m->be.status, path_slot_of(&m->be.home));
}

static bool about(const struct sim *s, const struct mh_message *m)
{
	int mobile = mobile_of(m), slot = NOWHERE;

	if (s->chart_mobile == NOWHERE || mobile == s->chart_mobile)
		return true;
	if (m->type == MH_BINDING_ERROR)
		slot = path_slot_of(&m->be.home);
	else if (m->options.hnp_count)
		slot = path_slot_of(&m->options.hnp[0].prefix.addr);
	return slot >= 0 && mobile_of_slot(s, slot) == s->chart_mobile;
}

/* What packets cause, and not moves. */
static bool is_about_packets(const struct mh_message *m)
{
	return m->type == MH_BINDING_REFRESH_REQUEST || m->type == MH_BINDING_ERROR ||
	       m->type == MH_LOCALIZED_ROUTING_INITIATION || m->type == MH_LOCALIZED_ROUTING_ACK;
}

void chart_message(const struct sim *s, const struct letter *l, const char *fate, uint64_t delay_us)
{
	struct mh_message m = {0};
	unsigned int unknown;

	if (!s->chart || mh_decode(l->bytes, l->len, &m, &unknown) != DLMA_SIGNAL_accepted ||
		!about(s, &m) || (m.type == MH_HEARTBEAT && s->chart_mobile != NOWHERE) ||
		(!s->chart_packets && is_about_packets(&m)))
		return;
	line(s);
	say(s, "%-9s -> %-9s %s", plan_node_name(&s->plan, l->from),
		plan_node_name(&s->plan, l->to), mh_type_name(m.type));
	print_fixed(s, &m);
	if (m.options.mn_id_count)
		say(s, " mn%d", mobile_of(&m));
	print_prefix(s, &m.options);
	print_stamp(s, &m.options);
	print_places(s, &m.options);
	if (*fate)
		say(s, "  [%s]\n", fate);
	else
		say(s, "  [arrives %.6f]\n", (double)(s->now_us + delay_us) / 1e6);
}

void chart_location(const struct sim *s, uint16_t n, int slot, const struct dlma_location *l)
{
	static const char *const kinds[] = {
		"none", "binding", "forwarding", "anchor", "cached", "held"};

	if (!wanted(s, mobile_of_slot(s, slot)))
		return;
	line(s);
	say(s, "             %-9s location of hnp %d: %s", plan_node_name(&s->plan, n), slot,
		l ? kinds[l->kind] : "deleted");
	if (l)
		say(s, " -> %s",
			plan_node_name(&s->plan, l->adjacency ? (uint16_t)(l->adjacency - 1) : n));
	say(s, "\n");
}

void chart_access(const struct sim *s, uint16_t n, int slot, bool there)
{
	if (!wanted(s, mobile_of_slot(s, slot)))
		return;
	line(s);
	say(s, "             %-9s access of hnp %d %s\n", plan_node_name(&s->plan, n), slot,
		there ? "delivers" : "deleted");
}

void chart_packet(const struct sim *s, const struct trip *t, uint16_t n, const char *what)
{
	if (!s->chart_packets || t->mobile == NOWHERE || !wanted(s, t->mobile))
		return;
	line(s);
	say(s, "             %-9s packet %llu for mn%d: %s\n", plan_node_name(&s->plan, n),
		(unsigned long long)t->number, t->mobile, what);
}

void chart_report(const struct sim *s, uint16_t n, const struct report *r)
{
	static const char *const names[] = {
#define NAME_(name, level, text) #name,
		REPORTS(NAME_)
#undef NAME_
	};
	int mobile = NOWHERE;

	if (!s->chart || s->chart_mobile == NOWHERE)
		return;
	(void)sscanf(r->mn, "mn%d@", &mobile);
	if (mobile == NOWHERE && r->hnp.len)
		mobile = mobile_of_slot(s, path_slot_of(&r->hnp.addr));
	if (mobile != s->chart_mobile)
		return;
	line(s);
	say(s, "             %-9s says %s%s%s status %u\n", plan_node_name(&s->plan, n),
		names[r->kind], r->peer == REPORT_NO_PEER ? "" : ", ",
		r->peer == REPORT_NO_PEER ? "" : plan_node_name(&s->plan, r->peer), r->status);
}

void chart_note(const struct sim *s, int m, const char *format, ...)
{
	char text[LINE_MAX_LEN];
	va_list arguments;

	if (!wanted(s, m))
		return;
	line(s);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	say(s, "---- %s\n", text);
}
