// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ctl/ctl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(at.sun_path)) {
		fprintf(stderr, "dlmactl: the path %s is too long for a socket\n", path);
		return -1;
	}
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	if (errno == EACCES)
		fprintf(stderr, "dlmactl: %s: not permitted; run dlmactl as the agent's user\n",
			path);
	else
		fprintf(stderr,
			"dlmactl: no agent answers at %s (%s); start dlma-agent, or name another "
			"node with -n\n",
			path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static FILE *start(const char *path, const char *request)
{
	int fd = connect_to(path);
	FILE *f;

	if (fd < 0)
		return NULL;
	if (dprintf(fd, "%s\n", request) < 0 || !(f = fdopen(fd, "r"))) {
		fprintf(stderr, "dlmactl: cannot speak to the agent: %s\n", strerror(errno));
		close(fd);
		return NULL;
	}
	return f;
}

json_t *talk_ask(const char *socket_path, const char *request, int *ret_exit)
{
	FILE *f = start(socket_path, request);
	json_error_t error;
	json_t *answer;

	*ret_exit = CTL_UNREACHABLE;
	if (!f)
		return NULL;
	answer = json_loadf(f, 0, &error);
	fclose(f);
	if (!answer) {
		fprintf(stderr, "dlmactl: the agent went away while it answered\n");
		return NULL;
	}
	if (json_object_get(answer, "error")) {
		fprintf(stderr, "dlmactl: %s\n",
			json_string_value(json_object_get(answer, "error")));
		*ret_exit = CTL_REFUSED;
		json_decref(answer);
		return NULL;
	}
	*ret_exit = CTL_OK;
	return answer;
}

int talk_watch(const char *socket_path, bool (*fn)(json_t *line, void *arg), void *arg)
{
	FILE *f = start(socket_path, "monitor");
	bool more = true;
	char *text = NULL;
	size_t cap = 0;

	if (!f)
		return CTL_UNREACHABLE;
	while (more && getline(&text, &cap, f) > 0) {
		json_t *line = json_loads(text, 0, NULL);

		if (line)
			more = fn(line, arg);
		json_decref(line);
	}
	free(text);
	fclose(f);
	return CTL_OK;
}
