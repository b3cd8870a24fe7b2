// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* dlma-agent: the signalling of one node. */
#include "base/conf.h"
#include "base/log.h"
#include "io/agent.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

static const char usage[] = "usage: dlma-agent [--verbose] NODE.conf\n"
			    "       dlma-agent --check NODE.conf   only check the configuration\n"
			    "Exit: 0 done, 1 failed, 2 wrong usage or configuration.\n";

static int parse(int argc, char **argv, bool *ret_check)
{
	static const struct option known[] = {
		{"check", no_argument, NULL, 'c'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", known, NULL)) >= 0) {
		if (c == 'c')
			*ret_check = true;
		else if (c == 'v')
			log_set_level(LOG_LEVEL_DEBUG);
		else if (c == 'h')
			exit(fputs(usage, stdout) < 0);
		else
			return -1;
	}
	return optind == argc - 1 ? optind : -1;
}

int main(int argc, char **argv)
{
	struct agent *a = calloc(1, sizeof(*a));
	bool check = false;
	int file = parse(argc, argv, &check), status = 0;

	if (file < 0) {
		fputs(usage, stderr);
		free(a);
		return 2;
	}
	if (!a) {
		log_error("cannot start: %s", strerror(ENOMEM));
		return 1;
	}
	if (conf_load(argv[file], &a->conf, stderr))
		status = 2;
	a->conf_path = argv[file];
	if (!status && !check)
		status = agent_run(a);
	conf_done(&a->conf);
	free(a);
	return status;
}
