// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ctl/ctl.h"
#include "ctl/keygen.h"
#include <dirent.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char RUN_BASE[] = "/run/dlma";

struct verb {
	const char *name;
	const char *arguments;
	const char *help;
	int min, max; /* arguments */
};

static const struct verb verbs[] = {
	{"status", "", "the node at a glance (what no verb shows as well)", 0, 0},
	{"bindings", "", "LMA: MNs anchored here; MAG: MNs attached here", 0, 0},
	{"cache", "", "locations learnt as O-LMA or previous D-LMA", 0, 0},
	{"locations", "", "H-LMA: the location table", 0, 0},
	{"peers", "", "the other nodes of the domain", 0, 0},
	{"counters", "", "every counter", 0, 0},
	{"drops", "", "only what was dropped, by reason", 0, 0},
	{"explain", "ADDRESS", "what would happen here to a packet for it, and why", 1, 1},
	{"attach", "MN [INTERFACE]", "MAG: this MN is on that access link now", 1, 2},
	{"detach", "MN [INTERFACE]", "MAG: it has left", 1, 2},
	{"revoke", "MN", "LMA: end its service here and at its D-LMA, for a minute", 1, 1},
	{"drain", "[LMA]", "hand all MNs over to that LMA, and wait until this node is empty", 0,
		1},
	{"undrain", "", "take MNs again", 0, 0},
	{"monitor", "", "follow what happens, line by line", 0, 0},
	{"reload", "", "read the keys of the configuration again (as SIGHUP does)", 0, 0},
	{"keygen", "DOMAIN.conf DIR [STEP]",
		"fresh keys of every node; STEP rotates them: add, switch, drop", 2, 3},
	{"reasons", "", "every reason of every counter (docs/reasons.md)", 0, 0},
};

struct options {
	const char *node;
	const char *socket;
	bool json;
	bool force;
	bool no_wait;
};

static void print_usage(FILE *out)
{
	fprintf(out, "usage: dlmactl [-n NODE | --socket PATH] [--json] [VERB [ARGUMENT...]]\n\n");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		fprintf(out, "  %-9s %-16s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
	fprintf(out,
		"\nNODE may be left out where only one agent runs (sockets in %s, or below\n"
		"DLMA_RUN_DIR). --json prints the agent's answer as it is; keygen --force "
		"replaces keys; drain --no-wait only begins.\n"
		"Exit: 0 done, 1 refused by the agent, 2 wrong usage, 3 no agent answers.\n",
		RUN_BASE);
}

static const char *run_base(void)
{
	const char *base = getenv("DLMA_RUN_DIR");

	return base ? base : RUN_BASE;
}

static int has_name(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* The only node there is, or none. */
static bool only_node(char *ret_name, size_t cap)
{
	struct dirent **entries;
	int n = scandir(run_base(), &entries, has_name, alphasort);

	if (n == 1)
		snprintf(ret_name, cap, "%s", entries[0]->d_name);
	else if (n > 1)
		fprintf(stderr, "dlmactl: several nodes run here; choose one with -n:");
	for (int i = 0; i < n; i++) {
		if (n > 1)
			fprintf(stderr, " %s", entries[i]->d_name);
		free(entries[i]);
	}
	if (n > 1)
		fputc('\n', stderr);
	if (n >= 0)
		free(entries);
	if (n <= 0)
		fprintf(stderr,
			"dlmactl: no agent runs here (nothing in %s); start dlma-agent, or "
			"use --socket\n",
			run_base());
	return n == 1;
}

static int socket_path(const struct options *o, char path[PATH_MAX])
{
	char name[NAME_MAX + 1];

	if (o->socket) {
		snprintf(path, PATH_MAX, "%s", o->socket);
		return CTL_OK;
	}
	if (o->node)
		snprintf(name, sizeof(name), "%s", o->node);
	else if (!only_node(name, sizeof(name)))
		return CTL_UNREACHABLE;
	snprintf(path, PATH_MAX, "%s/%s/agent.sock", run_base(), name);
	return CTL_OK;
}

static bool print_line(json_t *line, void *arg)
{
	const struct options *o = arg;
	double at = json_real_value(json_object_get(line, "time"));
	time_t seconds = (time_t)at;
	char clock[16];

	if (o->json) {
		json_dumpf(line, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&seconds));
		printf("%s.%03d %s: %s\n", clock, (int)((at - (double)seconds) * 1000),
			json_string_value(json_object_get(line, "node")),
			json_string_value(json_object_get(line, "text")));
	}
	return !fflush(stdout);
}

static void print_answer(const struct options *o, const char *verb, const json_t *answer)
{
	if (o->json || !show_print(verb, answer)) {
		json_dumpf(answer, stdout, o->json ? JSON_INDENT(2) : JSON_COMPACT);
		putchar('\n');
	}
}

static int ask(const struct options *o, int count, char **words)
{
	char path[PATH_MAX], request[512] = "";
	int status = socket_path(o, path);
	json_t *answer;

	if (status)
		return status;
	if (!strcmp(words[0], "monitor"))
		return talk_watch(path, print_line, (void *)o);
	for (int i = 0; i < count; i++) {
		size_t n = strlen(request);

		snprintf(request + n, sizeof(request) - n, "%s%s", i ? " " : "", words[i]);
	}
	if (!strcmp(words[0], "drain"))
		return drain_run(path, request, !o->no_wait, o->json);
	answer = talk_ask(path, request, &status);
	if (answer)
		print_answer(o, words[0], answer);
	json_decref(answer);
	return status;
}

static int make_keys(const struct options *o, char **words, int count)
{
	int step = o->force ? KEYGEN_FORCE : KEYGEN_FRESH;

	if (count > 3)
		step = keygen_step_parse(words[3]);
	if (step < 0) {
		fprintf(stderr, "dlmactl: a STEP of keygen is add, switch or drop\n");
		return CTL_USAGE;
	}
	return keygen(words[1], words[2], (enum keygen_step)step, stderr) ? CTL_REFUSED : CTL_OK;
}

static int run(const struct options *o, int count, char **words)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(v->name, words[0]))
			continue;
		if (count - 1 < v->min || count - 1 > v->max) {
			fprintf(stderr, "usage: dlmactl %s %s\n", v->name, v->arguments);
			return CTL_USAGE;
		}
		if (!strcmp(v->name, "keygen"))
			return make_keys(o, words, count);
		if (!strcmp(v->name, "reasons")) {
			reasons_print(stdout);
			return CTL_OK;
		}
		return ask(o, count, words);
	}
	fprintf(stderr, "dlmactl: no verb \"%s\"\n", words[0]);
	print_usage(stderr);
	return CTL_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"node", required_argument, NULL, 'n'},
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"force", no_argument, NULL, 'f'},
		{"no-wait", no_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	static char *status[] = {(char *)"status"};
	struct options o = {0};
	int c;

	while ((c = getopt_long(argc, argv, "n:jh", known, NULL)) >= 0) {
		if (c == 'n')
			o.node = optarg;
		else if (c == 's')
			o.socket = optarg;
		else if (c == 'j')
			o.json = true;
		else if (c == 'f')
			o.force = true;
		else if (c == 'w')
			o.no_wait = true;
		else {
			print_usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? CTL_OK : CTL_USAGE;
		}
	}
	return optind < argc ? run(&o, argc - optind, argv + optind) : run(&o, 1, status);
}
