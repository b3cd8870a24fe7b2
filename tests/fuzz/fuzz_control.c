// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The control socket and all that it shows: agent/io/control.c, view.c, explain.c and report.c as
 * they are, on a real socket and a real core (core_run.h), whose state the input makes. What they
 * ask of the maps is answered by control_stubs.c.
 *
 * Properties: whatever a client sends, in whatever pieces, it gets one JSON document or nothing,
 * and what that shows is all that there is; watchers get one JSON document a line.
 */
#include "control_stubs.h"
#include "core_run.h"
#include "fuzz.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 4, ACTS_MAX = 60, ANSWER_MAX = 1 << 18, SEND_MAX = 600 };

struct client {
	int fd; /* -1: none */
	size_t len;
	bool watching;
	char heard[ANSWER_MAX];
};

static struct agent agent;
static struct client clients[CLIENTS];
static char directory[] = "/dev/shm/dlma-fuzz-XXXXXX", path[64];

static void clean_up(void)
{
	control_close(&agent);
	ev_loop_destroy(agent.loop);
	(void)rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	CHECK(mkdtemp(directory));
	agent.conf = *domain_shape(0);
	snprintf(agent.conf.run_dir, sizeof(agent.conf.run_dir), "%s", directory);
	snprintf(path, sizeof(path), "%s/agent.sock", directory);
	agent.loop = ev_default_loop(EVFLAG_AUTO);
	CHECK(agent.loop && !control_open(&agent));
	atexit(clean_up);
	for (int i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	return 0;
}

static void turn(void)
{
	ev_run(agent.loop, EVRUN_NOWAIT);
}

static size_t count_of(const json_t *answer, const char *name)
{
	const json_t *list = json_object_get(answer, name);

	CHECK(json_is_array(list));
	return json_array_size(list);
}

/* Nothing is left out, whatever is in it. */
static void check_whole(const json_t *answer)
{
	const struct core_state *s = core_state(run.core);

	if (json_object_get(answer, "bindings") && !json_object_get(answer, "node"))
		CHECK(count_of(answer, "bindings") == s->bindings.count + s->attachments.count);
	if (json_object_get(answer, "cache"))
		CHECK(count_of(answer, "cache") == s->learnt.count);
	if (json_object_get(answer, "locations"))
		CHECK(count_of(answer, "locations") == s->anchors.count);
	if (json_object_get(answer, "peers") && !json_object_get(answer, "node"))
		CHECK(count_of(answer, "peers") == F_NODES - 1);
}

static json_t *parse(const char *text, size_t len)
{
	json_t *o = json_loadb(text, len, 0, NULL);

	CHECK(json_is_object(o));
	return o;
}

/* Whole lines that a watcher has heard. */
static void check_lines(struct client *c)
{
	char *at = c->heard, *end;

	while ((end = memchr(at, '\n', c->len - (size_t)(at - c->heard)))) {
		json_t *line = parse(at, (size_t)(end - at));

		CHECK(json_object_get(line, "event") || json_object_get(line, "error"));
		json_decref(line);
		at = end + 1;
	}
	c->len -= (size_t)(at - c->heard);
	memmove(c->heard, at, c->len);
}

static void hang_up(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* The agent has closed the connection: what was said is an answer, or there was none. */
static void check_answer(struct client *c)
{
	json_t *answer;

	hang_up(c);
	if (!c->len || c->watching)
		return;
	CHECK(c->heard[c->len - 1] == '\n');
	answer = parse(c->heard, c->len);
	check_whole(answer);
	json_decref(answer);
}

static void listen_to(struct client *c)
{
	ssize_t n;

	while (c->fd >= 0) {
		n = recv(c->fd, c->heard + c->len, ANSWER_MAX - c->len, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		CHECK(c->len < ANSWER_MAX);
		if (n > 0)
			c->len += (size_t)n;
		else
			check_answer(c);
	}
	if (c->fd >= 0 && c->watching)
		check_lines(c);
}

/* The answer to a request is made in the turn in which it comes: nothing may happen in between. */
static void exchange(void)
{
	for (int k = 0; k < 3; k++) {
		turn();
		for (int i = 0; i < CLIENTS; i++)
			listen_to(&clients[i]);
	}
}

static void dial(struct client *c)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	hang_up(c);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->len = 0;
	c->watching = false;
	CHECK(c->fd >= 0 && !connect(c->fd, (struct sockaddr *)&at, sizeof(at)));
}

static void say(struct client *c, const void *text, size_t len)
{
	if (c->fd < 0)
		dial(c);
	(void)send(c->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static const char *take_argument(struct reader *r)
{
	static const char *const arguments[] = {"", "mn1@x", "02:00:00:00:00:03", "mn4@x acc0",
		"mn5@x lo", "2001:db8:100:1::5", "2001:db8:200::9", "2001:db8:900::1", "::", "x",
		"2001:db8:ff::1", " ", "mn2@x  lo  lo"};

	return arguments[reader_u8(r) % (sizeof(arguments) / sizeof(*arguments))];
}

static void ask(struct client *c, struct reader *r)
{
	static const char *const verbs[] = {"status", "bindings", "cache", "locations", "peers",
		"counters", "drops", "explain", "attach", "detach", "revoke", "monitor", "reload",
		"drain", ""};
	uint8_t verb = reader_u8(r);
	const char *argument = take_argument(r);
	char line[128];
	int n = snprintf(line, sizeof(line), "%s%s%s\n",
		verbs[verb % (sizeof(verbs) / sizeof(*verbs))], *argument ? " " : "", argument);

	if (c->fd < 0)
		dial(c);
	if (!strcmp(line, "monitor\n") && !c->len)
		c->watching = true;
	say(c, line, (size_t)n);
}

/* Whatever octets. A watcher could be made of them, so it is taken for one if it may be. */
static void babble(struct client *c, struct reader *r)
{
	char text[SEND_MAX];
	size_t len = reader_u16(r) % SEND_MAX;

	reader_bytes(r, text, len);
	if (memchr(text, 'm', len))
		c->watching = true;
	say(c, text, len);
}

static void act(struct reader *r)
{
	uint8_t what = reader_u8(r);
	struct client *c = &clients[what / 8 % CLIENTS];

	switch (what % 8) {
	case 0:
	case 1:
	case 2:
		run_act(r);
		agent.core = run.core;
		break;
	case 3:
	case 4:
	case 5:
		ask(c, r);
		break;
	case 6:
		babble(c, r);
		break;
	case 7:
		if (c->fd >= 0)
			hang_up(c);
		else
			dial(c);
		break;
	}
	exchange();
}

static void report_to_all(const struct report *r)
{
	report_show(&agent, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = {data, size};

	run_begin(&r);
	run.report = report_to_all;
	agent.core = run.core;
	agent.conf.domain = run.conf->domain;
	agent.conf.self = run.conf->self;
	for (int i = 0; r.left && i < ACTS_MAX; i++)
		act(&r);
	for (int i = 0; i < CLIENTS; i++)
		hang_up(&clients[i]);
	turn();
	turn();
	run_end();
	return 0;
}
