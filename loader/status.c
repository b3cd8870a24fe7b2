// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static json_t *attachments(const struct loader *l)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < l->attached_count; i++) {
		const struct attachment *a = &l->attached[i];

		json_array_append_new(
			list, json_pack("{s:s, s:i, s:s, s:s, s:s}", "name", a->name, "ifindex",
				      (int)a->ifindex, "side",
				      a->side == PROGRAM_ACCESS ? "access" : "network", "hook",
				      attach_method_name(a->method), "note", a->note));
	}
	return list;
}

/* Written beside and renamed: a reader never sees half of it. */
void status_write(const struct loader *l)
{
	char path[DOMAIN_PATH_MAX + 16], fresh[DOMAIN_PATH_MAX + 24];
	json_t *status = json_pack("{s:i, s:i, s:o, s:i, s:i}", "pid", (int)getpid(),
		"layout_version", DLMA_ABI_VERSION, "interfaces", attachments(l), "peers",
		(int)l->adjacency_count - 1, "unresolved", (int)l->unresolved);

	snprintf(path, sizeof(path), "%s/loader.json", l->conf.run_dir);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (!status || json_dump_file(status, fresh, JSON_INDENT(1)) || rename(fresh, path))
		log_warn("cannot write %s: %s, ignoring", path, strerror(errno));
	json_decref(status);
}
