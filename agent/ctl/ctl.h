/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dlmactl: asks an agent, and shows the answer to a person. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit statuses, as documented in the usage text. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_REFUSED = 1, /* the agent says no */
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3, /* no agent answers */
};

/* talk.c */
/* Sends a request and reads the answer. NULL after a message; *ret_exit says which status. */
json_t *talk_ask(const char *socket_path, const char *request, int *ret_exit);
/* Calls fn with each line until it returns false or the agent goes. */
int talk_watch(const char *socket_path, bool (*fn)(json_t *line, void *arg), void *arg);

/* table.c: rows of JSON objects as aligned columns. */
struct column {
	const char *title;
	const char *key;  /* "a.b" reaches into an object */
	const char *unit; /* appended to a number; may be NULL */
	bool right;
};
void table_print(FILE *out, const json_t *rows, const struct column *columns, size_t count);

/* show.c: the human form of each answer. */
bool show_print(const char *verb, const json_t *answer);

/*
 * drain.c: sends the request, and with `wait` stays until the node is empty. Returns an exit
 * status: CTL_REFUSED also if it cannot be emptied.
 */
int drain_run(const char *socket_path, const char *request, bool wait, bool as_json);

/* reasons.c */
void reasons_print(FILE *out);
