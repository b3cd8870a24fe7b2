// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Empties a node, and stays until it is empty: what an operator waits for before maintenance. */
#include "ctl/ctl.h"
#include <string.h>
#include <time.h>

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* MNs that are still anchored here and can go elsewhere, those on their way included. */
static long long still_bound(const json_t *s)
{
	return number_of(s, "bindings") + number_of(s, "handed");
}

static bool is_empty(const json_t *s)
{
	return !still_bound(s) && !number_of(s, "forwarding") && !number_of(s, "attached");
}

/* All that could go has gone: only MNs on our own access links are left. */
static bool is_stuck(const json_t *s)
{
	return number_of(s, "attached") && !still_bound(s) && !number_of(s, "forwarding");
}

static void print_progress(const json_t *s)
{
	printf("%lld MNs bound here, %lld served until their MAG has heard; packets for %lld are "
	       "sent on; %lld on access links\n",
		number_of(s, "bindings"), number_of(s, "handed"), number_of(s, "forwarding"),
		number_of(s, "attached"));
	fflush(stdout);
}

static void print_end(const json_t *s)
{
	if (is_stuck(s))
		printf("not empty: %lld MNs are on access links of this node; move them to another "
		       "MAG\n",
			number_of(s, "attached"));
	else
		printf("empty: nothing is bound here, and nobody sends here any more what is bound "
		       "elsewhere\n");
	if (number_of(s, "anchors"))
		printf("still the H-LMA of %lld MNs: while this node is down, known locations stay "
		       "in use, but new\nflows and new registrations of these MNs have to wait\n",
			number_of(s, "anchors"));
	if (json_is_true(json_object_get(s, "lma")))
		printf("withdraw the routes to the HoA prefixes that lead here before you stop "
		       "it\n");
}

static json_t *next_status(const char *socket_path, int *ret_exit)
{
	const struct timespec pause = {.tv_nsec = 300000000};

	nanosleep(&pause, NULL);
	return talk_ask(socket_path, "drain-status", ret_exit);
}

int drain_run(const char *socket_path, const char *request, bool wait, bool as_json)
{
	long long seen[4] = {-1};
	int status;
	json_t *s = talk_ask(socket_path, request, &status);

	while (s && wait && !is_empty(s) && !is_stuck(s)) {
		long long now[4] = {number_of(s, "bindings"), number_of(s, "handed"),
			number_of(s, "forwarding"), number_of(s, "attached")};

		if (!as_json && memcmp(seen, now, sizeof(now)))
			print_progress(s);
		memcpy(seen, now, sizeof(now));
		json_decref(s);
		s = next_status(socket_path, &status);
	}
	if (!s)
		return status;
	if (as_json) {
		json_dumpf(s, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (wait) {
		print_end(s);
	} else {
		print_progress(s);
	}
	if (wait && !is_empty(s))
		status = CTL_REFUSED;
	json_decref(s);
	return status;
}
