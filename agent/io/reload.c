// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading the configuration again, by SIGHUP or `dlmactl reload`. Only the keys may have changed:
 * the rest is shared with the loader and the peers, and takes a restart. All or nothing.
 */
#include "io/agent.h"
#include "base/conf.h"
#include "base/log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void swap_keys(struct node_conf *x, struct node_conf *y)
{
	struct domain_key *keys = x->keys;
	uint32_t count = x->key_count;

	x->keys = y->keys;
	x->key_count = y->key_count;
	y->keys = keys;
	y->key_count = count;
}

static int take_keys(struct agent *a, struct node_conf *fresh, FILE *errors)
{
	struct event e = {.kind = EVENT_KEYS};
	uint32_t before = core_state(a->core)->rekeyed;
	const char *changed = conf_difference(&a->conf, fresh);

	if (changed) {
		fprintf(errors,
			"%s: %s has changed, which takes a restart; nothing was reloaded. Only the "
			"keys can be replaced while the agent runs\n",
			a->conf_path, changed);
		return -EINVAL;
	}
	e.keys.list = fresh->keys;
	e.keys.count = fresh->key_count;
	agent_event(a, &e);
	if (core_state(a->core)->rekeyed == before) {
		fprintf(errors, "out of memory; the old keys stay\n");
		return -ENOMEM;
	}
	swap_keys(&a->conf, fresh);
	return 0;
}

int reload(struct agent *a, FILE *errors)
{
	struct node_conf fresh;
	int err = conf_load(a->conf_path, &fresh, errors);

	if (err)
		return err;
	err = take_keys(a, &fresh, errors);
	conf_done(&fresh);
	return err;
}

json_t *reload_answer(struct agent *a, const char *argument)
{
	char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	int err = errors ? reload(a, errors) : -ENOMEM;
	json_t *answer;

	(void)argument;
	if (errors)
		fclose(errors);
	if (said && len && said[len - 1] == '\n')
		said[len - 1] = 0;
	if (err)
		answer = json_pack("{s:s}", "error", said && *said ? said : "out of memory");
	else
		answer = json_pack("{s:s, s:i}", "done", "keys", "count", (int)a->conf.key_count);
	free(said);
	return answer;
}
