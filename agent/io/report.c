// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/agent.h"
#include "base/addr.h"
#include "base/log.h"
#include "base/text.h"
#include <stdio.h>
#include <time.h>

static const struct {
	const char *name;
	enum log_level level;
	const char *text;
} rows[REPORT_KIND_COUNT] = {
#define X(name, level, text) [REPORT_##name] = {#name, LOG_LEVEL_##level, text},
	REPORTS(X)
#undef X
};

struct words {
	char hnp[PREFIX_TEXT_MAX];
	char status[64];
	char mn[REPORT_MN_MAX];
	const char *peer;
};

static void words_find(const struct agent *a, const struct report *r, struct words *w)
{
	prefix_format(&r->hnp, w->hnp);
	snprintf(w->status, sizeof(w->status), "%s (%u)", mh_status_text(r->status), r->status);
	/* A peer chose it: it may hold anything. */
	text_plain(*r->mn ? r->mn : "MN unknown", REPORT_MN_MAX - 1, w->mn, sizeof(w->mn));
	w->peer = r->peer == REPORT_NO_PEER ? "nobody" : a->conf.domain.nodes[r->peer].name;
}

static const char *word_for(const struct words *w, char letter)
{
	switch (letter) {
	case 'm':
		return w->mn;
	case 'h':
		return w->hnp;
	case 'p':
		return w->peer;
	case 's':
		return w->status;
	}
	return "?";
}

static void compose(const char *text, const struct words *w, char *line, size_t cap)
{
	size_t n = 0;

	for (; *text && n + 1 < cap; text++) {
		const char *word;

		if (*text != '%') {
			line[n++] = *text;
			continue;
		}
		word = word_for(w, *++text);
		n += (size_t)snprintf(line + n, cap - n, "%s", word);
	}
	line[n < cap ? n : cap - 1] = 0;
}

static void publish(
	struct agent *a, const struct report *r, const struct words *w, const char *line)
{
	struct timespec now;
	json_t *o;

	clock_gettime(CLOCK_REALTIME, &now);
	o = json_pack("{s:f, s:s, s:s, s:s}", "time",
		(double)now.tv_sec + (double)now.tv_nsec / 1e9, "node", domain_self(&a->conf)->name,
		"event", rows[r->kind].name, "text", line);
	if (*r->mn)
		json_object_set_new(o, "mn", json_string(w->mn));
	if (r->hnp.len)
		json_object_set_new(o, "hnp", json_string(w->hnp));
	if (r->peer != REPORT_NO_PEER)
		json_object_set_new(o, "peer", json_string(w->peer));
	if (r->status)
		json_object_set_new(o, "status", json_integer(r->status));
	control_publish(a, o);
	json_decref(o);
}

void report_show(struct agent *a, const struct report *r)
{
	struct words w;
	char line[512];

	words_find(a, r, &w);
	compose(rows[r->kind].text, &w, line, sizeof(line));
	log_at(rows[r->kind].level, "%s", line);
	publish(a, r, &w, line);
}
