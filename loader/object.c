// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include "base/node.h"
#include "dlma_tc.skel.h"
#include "dlma_xdp.skel.h"
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <xdp/libxdp.h>

static char complaint[LOADER_NOTE_MAX], verdict[LOADER_NOTE_MAX];
static bool mismatch; /* it said that a pinned map is not like ours; then it said more */

enum { WORDS_MAX = 512 };

static void keep_line(char ret[LOADER_NOTE_MAX], const char *text)
{
	snprintf(ret, LOADER_NOTE_MAX, "%.*s", (int)strcspn(text, "\n"), text);
}

/* libbpf is thorough; its words are kept for one line of ours, and shown whole with --verbose. */
static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	static const char log_begins[] = "-- BEGIN PROG LOAD LOG --\n";
	char words[WORDS_MAX];
	const char *log;
	va_list copy;

	va_copy(copy, args);
	if (level == LIBBPF_WARN) {
		vsnprintf(words, sizeof(words), format, copy);
		keep_line(complaint, words);
		mismatch = mismatch || strstr(words, "parameter mismatch");
		log = strstr(words, log_begins);
		if (log)
			keep_line(verdict, log + sizeof(log_begins) - 1);
	}
	va_end(copy);
	log_v(LOG_LEVEL_DEBUG, format, args);
	return 0;
}

static int keep_quiet(enum libxdp_print_level level, const char *format, va_list args)
{
	(void)level;
	log_v(LOG_LEVEL_DEBUG, format, args);
	return 0;
}

void object_quiet(void)
{
	libbpf_set_print(keep_complaint);
	libxdp_set_print(keep_quiet);
}

const char *object_verdict(void)
{
	return verdict;
}

const char *object_program_name(enum program_side side)
{
	return side == PROGRAM_ACCESS ? "dlma_access" : "dlma_network";
}

static const char *kind_name(enum object_kind kind)
{
	return kind == OBJECT_XDP ? "XDP" : "TC";
}

/* 0: as it stands in the object. */
static uint32_t map_entries(const struct node_conf *conf, const char *name)
{
	static struct dlma_node node;

	if (!strcmp(name, "locations"))
		return conf->locations_max;
	if (!strcmp(name, "access"))
		return conf->access_max;
	if (strcmp(name, "front"))
		return 0;
	node.superset_count = conf->domain.superset_count;
	memcpy(node.superset, conf->domain.superset, sizeof(node.superset));
	node_set_front(&node, conf->locations_max);
	return 1u << node.front_bits;
}

static int bind_maps(struct bpf_object *object, const struct node_conf *conf)
{
	struct bpf_map *map;
	char path[DOMAIN_PATH_MAX];
	int err = 0;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		uint32_t entries = map_entries(conf, name);

		if (bpf_map__is_internal(map))
			continue;
		err = pin_path(conf, "maps", name, path);
		if (!err)
			err = bpf_map__set_pin_path(map, path);
		if (!err && entries)
			err = bpf_map__set_max_entries(map, entries);
		if (err)
			break;
	}
	return err;
}

struct bpf_object *object_open(const struct loader *l, enum object_kind kind)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_object *object;
	const void *bytes;
	size_t len;
	int err;

	bytes = kind == OBJECT_XDP ? dlma_xdp_bpf__elf_bytes(&len) : dlma_tc_bpf__elf_bytes(&len);
	opts.object_name = kind == OBJECT_XDP ? "dlma_xdp" : "dlma_tc";
	object = bpf_object__open_mem(bytes, len, &opts);
	if (!object) {
		log_error("cannot open the embedded %s programs: %s", kind_name(kind), complaint);
		return NULL;
	}
	err = bind_maps(object, &l->conf);
	if (!err)
		return object;
	log_error("cannot prepare the maps: %s", strerror(-err));
	bpf_object__close(object);
	return NULL;
}

static void explain_load_failure(const struct loader *l, enum object_kind kind, int err)
{
	struct utsname u = {0};

	(void)uname(&u);
	if (mismatch)
		log_error("the maps pinned in %s have other sizes than configured; take them over "
			  "with --export and --replace (docs/upgrade.md), or give them up with: "
			  "dlma-loader --detach",
			l->conf.pin_dir);
	else
		log_error("kernel %s refuses the %s programs (%s); dlma needs Linux 6.1 or newer, "
			  "--verbose shows the verifier's words",
			u.release, kind_name(kind), strerror(-err));
}

struct bpf_object *object_get(struct loader *l, enum object_kind kind)
{
	struct bpf_object *object = l->object[kind];
	int err;

	if (object)
		return object;
	object = object_open(l, kind);
	if (!object)
		return NULL;
	err = bpf_object__load(object);
	if (err) {
		explain_load_failure(l, kind, err);
		bpf_object__close(object);
		return NULL;
	}
	l->object[kind] = object;
	return object;
}

void object_done(struct loader *l)
{
	for (int i = 0; i <= OBJECT_TC; i++)
		bpf_object__close(l->object[i]);
}

int object_program(const struct bpf_object *object, enum program_side side)
{
	struct bpf_program *p = bpf_object__find_program_by_name(object, object_program_name(side));

	return p ? bpf_program__fd(p) : -ENOENT;
}
