// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <xdp/libxdp.h>

/* Where libxdp keeps a directory dispatch-IFINDEX-ID for each dispatcher. */
static const char PINS[] = "/sys/fs/bpf/xdp";

enum { MAPS_MAX = 64 }; /* of one program */

static bool is_ours(const struct xdp_program *p)
{
	const char *name = xdp_program__name(p);

	return name && (!strcmp(name, object_program_name(PROGRAM_NETWORK)) ||
			       !strcmp(name, object_program_name(PROGRAM_ACCESS)));
}

/* Detaches one program of ours from the dispatcher of an interface. False: there is no other. */
static bool detach_one(uint32_t ifindex, uint32_t keep)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *p;
	bool done = false;

	if (libxdp_get_error(mp))
		return false;
	p = xdp_multiprog__next_prog(NULL, mp);
	while (p && (!is_ours(p) || xdp_program__id(p) == keep))
		p = xdp_multiprog__next_prog(p, mp);
	if (p)
		done = !xdp_program__detach(p, (int)ifindex, XDP_MODE_NATIVE, 0);
	xdp_multiprog__close(mp);
	return done;
}

/*
 * Leaves only the program with the id `keep`. A loader that was killed between attaching and this
 * has left one more.
 */
static void prune(uint32_t ifindex, uint32_t keep)
{
	while (detach_one(ifindex, keep))
		;
}

static bool has_dispatcher(uint32_t ifindex)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex((int)ifindex);
	bool yes = !libxdp_get_error(mp) && !xdp_multiprog__is_legacy(mp);

	if (!libxdp_get_error(mp))
		xdp_multiprog__close(mp);
	return yes;
}

/*
 * libxdp drops its dispatcher silently on kernels that cannot do it; then a link of our own is
 * better, because it can be replaced in one step. Since 6.13, and in the stable kernels since then,
 * a program that moves packet data may stand only behind a dispatcher that does so itself: that of
 * libxdp 1.5.5 or newer. With an older one that too ends here.
 */
int dispatcher_attach(struct loader *l, const struct netlink_link *link, enum program_side side)
{
	struct bpf_object *object = l->dispatcher_err ? NULL : object_open(l, OBJECT_XDP);
	DECLARE_LIBXDP_OPTS(
		xdp_program_opts, opts, .obj = object, .prog_name = object_program_name(side));
	struct xdp_program *program;
	int err;

	if (!object)
		return l->dispatcher_err ? l->dispatcher_err : -ECANCELED;
	program = xdp_program__create(&opts);
	err = (int)libxdp_get_error(program);
	if (err)
		goto close_object;
	err = xdp_program__attach(program, (int)link->ifindex, XDP_MODE_NATIVE, 0);
	if (!err && !has_dispatcher(link->ifindex)) {
		(void)xdp_program__detach(program, (int)link->ifindex, XDP_MODE_NATIVE, 0);
		err = l->dispatcher_err = -EOPNOTSUPP;
	} else if (err == -EINVAL && *object_verdict()) {
		l->dispatcher_err = err; /* the verifier will not think otherwise next time */
	}
	if (!err)
		prune(link->ifindex, xdp_program__id(program));
	xdp_program__close(program);
close_object:
	bpf_object__close(object);
	return err;
}

void dispatcher_release(struct loader *l, const struct netlink_link *link)
{
	(void)l;
	prune(link->ifindex, 0);
}

/* Id of the map that tells this node's programs from those of all others, or 0. */
static uint32_t map_of_node(const struct loader *l)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int fd = pin_open(&l->conf, "maps", "node");

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.id = 0;
	close(fd);
	return info.id;
}

static bool uses_map(const char *pin, uint32_t map)
{
	uint32_t ids[MAPS_MAX] = {0};
	struct bpf_prog_info info = {
		.nr_map_ids = MAPS_MAX,
		.map_ids = (uint64_t)(uintptr_t)ids,
	};
	uint32_t len = sizeof(info);
	bool found = false;
	int fd = bpf_obj_get(pin);

	if (fd < 0)
		return false;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		for (int i = 0; !found && i < MAPS_MAX; i++)
			found = ids[i] == map;
	close(fd);
	return found;
}

static bool holds_ours(const char *directory, uint32_t map)
{
	char pin[DOMAIN_PATH_MAX];
	const struct dirent *e;
	bool found = false;
	DIR *dir = opendir(directory);

	while (dir && !found && (e = readdir(dir))) {
		if (!strncmp(e->d_name, "prog", 4) && strstr(e->d_name, "-prog") &&
			snprintf(pin, sizeof(pin), "%s/%s", directory, e->d_name) <
				(int)sizeof(pin))
			found = uses_map(pin, map);
	}
	if (dir)
		closedir(dir);
	return found;
}

void dispatcher_sweep(const struct loader *l, uint32_t ifindex)
{
	uint32_t map = map_of_node(l), index, id;
	char directory[DOMAIN_PATH_MAX];
	const struct dirent *e;
	DIR *dir = map ? opendir(PINS) : NULL;

	while (dir && (e = readdir(dir))) {
		if (sscanf(e->d_name, "dispatch-%u-%u", &index, &id) != 2)
			continue;
		if (ifindex && index != ifindex)
			continue;
		if (snprintf(directory, sizeof(directory), "%s/%s", PINS, e->d_name) <
				(int)sizeof(directory) &&
			holds_ours(directory, map))
			pin_remove_directory(directory);
	}
	if (dir)
		closedir(dir);
}
