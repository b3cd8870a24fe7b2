// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include <arpa/inet.h>
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

static json_t *errors(const struct errors *e)
{
	return json_pack("{s:b, s:I, s:I, s:I}", "heard", e->fd >= 0, "learned",
		(json_int_t)e->learned, "relayed", (json_int_t)e->relayed, "ignored",
		(json_int_t)e->ignored);
}

/* Paths that are narrower than their first link, as routers say. */
static json_t *narrow_paths(const struct loader *l)
{
	json_t *list = json_array();
	char peer[INET6_ADDRSTRLEN];

	for (uint32_t i = 1; l->errors.path && i < l->adjacency_count; i++) {
		uint16_t mtu = icmp_path_mtu(&l->errors.path[i], l->errors.link_mtu[i], clock_ms());

		if (mtu == l->errors.link_mtu[i])
			continue;
		inet_ntop(AF_INET6, &l->adjacency[i].peer, peer, sizeof(peer));
		json_array_append_new(list, json_pack("{s:s, s:i}", "peer", peer, "mtu", (int)mtu));
	}
	return list;
}

/* Written beside and renamed: a reader never sees half of it. */
void status_write(const struct loader *l)
{
	char path[DOMAIN_PATH_MAX + 16], fresh[DOMAIN_PATH_MAX + 24];
	json_t *status = json_pack("{s:i, s:i, s:o, s:i, s:i, s:o, s:o}", "pid", (int)getpid(),
		"layout_version", DLMA_ABI_VERSION, "interfaces", attachments(l), "peers",
		(int)l->adjacency_count - 1, "unresolved", (int)l->unresolved, "icmp_errors",
		errors(&l->errors), "narrow_paths", narrow_paths(l));

	snprintf(path, sizeof(path), "%s/loader.json", l->conf.run_dir);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (!status || json_dump_file(status, fresh, JSON_INDENT(1)) || rename(fresh, path))
		log_warn("cannot write %s: %s, ignoring", path, strerror(errno));
	json_decref(status);
}
