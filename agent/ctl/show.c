// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ctl/ctl.h"
#include <string.h>

/* One table of an answer: the member that holds its rows, and its columns. */
struct view {
	const char *verb;
	const char *title; /* printed above, if an answer has several */
	const char *member;
	size_t count;
	struct column columns[12];
};

static const struct view views[] = {
	{"bindings", NULL, "bindings", 8,
		{{"ROLE", "role"}, {"MN", "mn"}, {"HNP", "hnp"}, {"STATE", "state"}, {"MAG", "mag"},
			{"LMA", "lma"}, {"INTERFACE", "interface"},
			{"LIFETIME", "lifetime_left_s", "s", true}}},
	{"cache", NULL, "cache", 7,
		{{"HNP", "hnp"}, {"KIND", "kind"}, {"TUNNEL TO", "target"}, {"D-LMA", "d_lma"},
			{"MN", "mn"}, {"LIFETIME", "lifetime_left_s", "s", true},
			{"IDLE", "idle_s", "s", true}}},
	{"locations", NULL, "locations", 5,
		{{"HNP", "hnp"}, {"MN", "mn"}, {"LINK-LAYER", "link_layer"}, {"D-LMA", "d_lma"},
			{"LIFETIME", "lifetime_left_s", "s", true}}},
	{"peers", NULL, "peers", 12,
		{{"NAME", "name"}, {"ADDRESS", "address"}, {"ROLES", "roles"}, {"STATE", "state"},
			{"SPI", "heard_spi", NULL, true}, {"HEARD", "heard_ago_s", "s", true},
			{"BINDINGS", "bindings", NULL, true}, {"ANCHORS", "anchors", NULL, true},
			{"OVER QUOTA", "over_quota", NULL, true},
			{"DISPUTED", "disputed", NULL, true}, {"OUT OF", "next_hop.interface"},
			{"MTU", "next_hop.mtu", NULL, true}}},
	{"counters", "packets", "packets", 5,
		{{"PACKETS", "packets", NULL, true}, {"BYTES", "bytes", NULL, true},
			{"CLASS", "class"}, {"REASON", "reason"}, {"", "text"}}},
	{"counters", "messages", "messages", 3,
		{{"SENT", "sent", NULL, true}, {"RECEIVED", "received", NULL, true},
			{"MESSAGE", "name"}}},
	{"counters", "what became of the messages", "signalling", 3,
		{{"MESSAGES", "messages", NULL, true}, {"REASON", "reason"}, {"", "text"}}},
	{"counters", "statuses given", "statuses", 3,
		{{"SENT", "sent", NULL, true}, {"STATUS", "status", NULL, true}, {"", "text"}}},
	{"drops", "packets", "packets", 4,
		{{"PACKETS", "packets", NULL, true}, {"BYTES", "bytes", NULL, true},
			{"REASON", "reason"}, {"", "text"}}},
	{"drops", "signalling", "signalling", 3,
		{{"MESSAGES", "messages", NULL, true}, {"REASON", "reason"}, {"", "text"}}},
};

static const struct column interface_columns[] = {
	{"INTERFACE", "name"}, {"SIDE", "side"}, {"HOOK", "hook"}, {"", "note"}};

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "-";
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void show_roles(const json_t *roles)
{
	const json_t *role;
	size_t i;

	json_array_foreach (roles, i, role)
		printf("%s%s", i ? ", " : "", json_string_value(role));
}

static void show_store(const json_t *store)
{
	if (json_is_true(json_object_get(store, "works")))
		printf("store      works, %lld records made durable by %lld commits\n",
			number_of(store, "records"), number_of(store, "commits"));
	else
		printf("store      %s; %lld records pending, %lld messages held back\n",
			text_of(store, "trouble"), number_of(store, "pending"),
			number_of(store, "held_back"));
}

static void show_status(const json_t *s)
{
	const json_t *loader = json_object_get(s, "loader"), *errors;

	printf("node       %s of domain %s (", text_of(s, "node"), text_of(s, "domain"));
	show_roles(json_object_get(s, "roles"));
	printf(")\naddress    %s\n", text_of(s, "address"));
	printf("agent      %s, up %.0f s\n",
		json_is_true(json_object_get(s, "ready")) ? "ready" : "starting",
		json_real_value(json_object_get(s, "uptime_s")));
	if (json_is_true(json_object_get(s, "draining")))
		printf("draining   takes no new MNs; \"dlmactl drain\" shows how far it is, "
		       "\"dlmactl "
		       "undrain\" ends it\n");
	printf("peers      %lld of %lld answer\n", number_of(s, "peers_up"), number_of(s, "peers"));
	printf("bindings   %lld here, %lld MNs attached, %lld in the location table\n",
		number_of(s, "bindings"), number_of(s, "attachments"), number_of(s, "anchors"));
	printf("cache      %lld locations; map %lld of %lld entries\n", number_of(s, "cached"),
		number_of(s, "map_entries"), number_of(s, "map_max"));
	show_store(json_object_get(s, "store"));
	if (!json_is_object(loader)) {
		printf("data path  no loader has run; start dlma-loader\n");
		return;
	}
	printf("data path  layout %lld, %lld of %lld peers without a resolved next hop\n",
		number_of(loader, "layout_version"), number_of(loader, "unresolved"),
		number_of(loader, "peers"));
	errors = json_object_get(loader, "icmp_errors");
	printf("errors     %lld believed, %lld relayed, %lld ignored; paths narrower than their "
	       "first link: %zu\n",
		number_of(errors, "learned"), number_of(errors, "relayed"),
		number_of(errors, "ignored"),
		json_array_size(json_object_get(loader, "narrow_paths")));
	table_print(stdout, json_object_get(loader, "interfaces"), interface_columns,
		sizeof(interface_columns) / sizeof(*interface_columns));
}

static void show_undrain(const json_t *s)
{
	printf("%s takes MNs again\n", text_of(s, "node"));
}

static void show_explain(const json_t *e)
{
	const json_t *step;
	size_t i;

	printf("%s at %s:\n", text_of(e, "address"), text_of(e, "node"));
	json_array_foreach (json_object_get(e, "steps"), i, step)
		printf("  %zu. %s\n", i + 1, json_string_value(step));
	printf("  => %s: %s\n", text_of(e, "reason"), text_of(e, "text"));
}

bool show_print(const char *verb, const json_t *answer)
{
	bool shown = false;

	if (!strcmp(verb, "status")) {
		show_status(answer);
		return true;
	}
	if (!strcmp(verb, "undrain")) {
		show_undrain(answer);
		return true;
	}
	if (!strcmp(verb, "explain")) {
		show_explain(answer);
		return true;
	}
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		const struct view *v = &views[i];

		if (strcmp(v->verb, verb))
			continue;
		if (v->title)
			printf("%s%s\n", shown ? "\n" : "", v->title);
		table_print(stdout, json_object_get(answer, v->member), v->columns, v->count);
		shown = true;
	}
	return shown;
}
