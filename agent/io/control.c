// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The control socket RUN_DIR/agent.sock: one request a connection, a line of words; the answer is
 * one JSON document, after which the connection is closed. "monitor" is answered with a line for
 * each report, until the other side closes. Only the owner of the socket file gets in.
 */
#include "io/agent.h"
#include "base/log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_MAX = 512, PENDING_MAX = 1 << 20 };

struct client {
	struct ev_io io;
	struct agent *agent;
	char *out; /* what the other side has not taken yet */
	size_t out_len, out_done;
	char in[REQUEST_MAX];
	size_t in_len;
	int fd; /* -1: slot free */
	bool watching;
	bool answered;
};

struct control {
	struct ev_io io;
	int fd;
	char path[DOMAIN_PATH_MAX + 16];
	struct client clients[AGENT_CLIENTS_MAX];
};

static void client_close(struct client *c)
{
	ev_io_stop(c->agent->loop, &c->io);
	close(c->fd);
	free(c->out);
	c->out = NULL;
	c->fd = -1;
}

static void client_wants(struct client *c, int events)
{
	ev_io_stop(c->agent->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	ev_io_start(c->agent->loop, &c->io);
}

/* Writes what goes; the rest waits until the other side reads. */
static void client_write(struct client *c)
{
	while (c->out_done < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			client_wants(c, EV_READ | EV_WRITE);
			return;
		}
		if (n < 0) {
			client_close(c);
			return;
		}
		c->out_done += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_done = 0;
	if (c->answered && !c->watching)
		client_close(c);
	else
		client_wants(c, EV_READ);
}

/* Takes over nothing: `text` is copied. A watcher that does not read is left behind. */
static void client_queue(struct client *c, const char *text)
{
	size_t left = c->out_len - c->out_done, len = strlen(text);
	char *grown = left + len + 1 < PENDING_MAX || !c->watching ? malloc(left + len + 1) : NULL;

	if (!grown) {
		client_close(c);
		return;
	}
	if (left)
		memcpy(grown, c->out + c->out_done, left);
	memcpy(grown + left, text, len);
	grown[left + len] = '\n';
	free(c->out);
	c->out = grown;
	c->out_len = left + len + 1;
	c->out_done = 0;
	client_write(c);
}

static void client_answer(struct client *c)
{
	json_t *answer;
	char *text;

	if (!strcmp(c->in, "monitor")) {
		c->watching = true;
		return;
	}
	answer = view_answer(c->agent, c->in);
	if (!answer)
		answer = json_pack("{s:s}", "error", "unknown request");
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	c->answered = true;
	client_queue(c, text ? text : "{\"error\": \"out of memory\"}");
	free(text);
}

static void client_read(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len, MSG_DONTWAIT);
	char *end;

	if (n <= 0 && !(n < 0 && errno == EAGAIN)) {
		client_close(c);
		return;
	}
	if (n < 0 || c->answered || c->watching)
		return;
	c->in_len += (size_t)n;
	c->in[c->in_len] = 0;
	end = strchr(c->in, '\n');
	if (end) {
		*end = 0;
		client_answer(c);
	} else if (c->in_len == sizeof(c->in) - 1) {
		client_close(c);
	}
}

static void on_client(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct client *c = io->data;

	(void)loop;
	if (events & EV_WRITE)
		client_write(c);
	if (c->fd >= 0 && events & EV_READ)
		client_read(c);
}

static struct client *client_free(struct control *ctl)
{
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		if (ctl->clients[i].fd < 0)
			return &ctl->clients[i];
	return NULL;
}

static void on_connection(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct agent *a = io->data;
	int fd = accept4(a->control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c = client_free(a->control);

	(void)events;
	if (fd < 0)
		return;
	if (!c) {
		close(fd);
		return;
	}
	*c = (struct client){.agent = a, .fd = fd};
	ev_io_init(&c->io, on_client, fd, EV_READ);
	c->io.data = c;
	ev_io_start(loop, &c->io);
}

static int listen_at(struct control *ctl, const struct node_conf *conf)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int n = snprintf(ctl->path, sizeof(ctl->path), "%s/agent.sock", conf->run_dir);

	if (n >= (int)sizeof(at.sun_path)) {
		log_error("run_dir %s is too long for a socket; at most %zu characters",
			conf->run_dir, sizeof(at.sun_path) - sizeof("/agent.sock"));
		return -ENAMETOOLONG;
	}
	memcpy(at.sun_path, ctl->path, (size_t)n + 1);
	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->fd < 0)
		return -errno;
	if (!connect(ctl->fd, (struct sockaddr *)&at, sizeof(at))) {
		log_error("another agent runs for this node (it answers at %s)", ctl->path);
		return -EBUSY;
	}
	(void)unlink(ctl->path);
	if (bind(ctl->fd, (struct sockaddr *)&at, sizeof(at)) || chmod(ctl->path, 0600) ||
		listen(ctl->fd, AGENT_CLIENTS_MAX)) {
		int err = -errno;

		log_error("cannot listen at %s: %s", ctl->path, strerror(-err));
		return err;
	}
	return 0;
}

int control_open(struct agent *a)
{
	struct control *ctl = calloc(1, sizeof(*ctl));
	int err;

	if (!ctl)
		return -ENOMEM;
	a->control = ctl;
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		ctl->clients[i].fd = -1;
	err = listen_at(ctl, &a->conf);
	if (err) {
		*ctl->path = 0; /* not ours */
		return err;
	}
	ev_io_init(&ctl->io, on_connection, ctl->fd, EV_READ);
	ctl->io.data = a;
	ev_io_start(a->loop, &ctl->io);
	return 0;
}

void control_close(struct agent *a)
{
	struct control *ctl = a->control;

	if (!ctl)
		return;
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		if (ctl->clients[i].fd >= 0)
			client_close(&ctl->clients[i]);
	if (ctl->fd >= 0)
		close(ctl->fd);
	if (*ctl->path)
		(void)unlink(ctl->path);
	free(ctl);
}

void control_publish(struct agent *a, json_t *line)
{
	char *text = NULL;

	if (!a->control)
		return;
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		struct client *c = &a->control->clients[i];

		if (c->fd < 0 || !c->watching)
			continue;
		if (!text)
			text = json_dumps(line, JSON_COMPACT);
		if (text)
			client_queue(c, text);
	}
	free(text);
}
