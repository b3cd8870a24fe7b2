// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char BPFFS[] = "/sys/fs/bpf";
static const char *const kinds[] = {"links", "progs", "maps", "next"};

enum { KINDS_USUAL = 3 };

/* Where "maps" are at the moment: see pin_begin_anew(). */
static const char *maps = "maps";

static int mkdir_parents(const char *path, mode_t mode)
{
	char partial[DOMAIN_PATH_MAX];

	for (size_t i = 1;; i++) {
		if (path[i] && path[i] != '/')
			continue;
		snprintf(partial, sizeof(partial), "%.*s", (int)i, path);
		if (mkdir(partial, mode) && errno != EEXIST)
			return -errno;
		if (!path[i])
			return 0;
	}
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static int ensure_bpffs(const struct node_conf *conf)
{
	if (strncmp(conf->pin_dir, BPFFS, strlen(BPFFS)) || is_bpffs(BPFFS))
		return 0;
	if (mount("bpf", BPFFS, "bpf", 0, "mode=700")) {
		int err = errno;

		log_error("no bpf file system on %s and it cannot be mounted (%s); run: "
			  "mount -t bpf bpf %s",
			BPFFS, strerror(err), BPFFS);
		return -err;
	}
	return 0;
}

/* Held for the life of the process. A pid file would outlive a killed loader; this does not. */
static int take_lock(const struct node_conf *conf)
{
	char path[DOMAIN_PATH_MAX + 16];
	int fd, err;

	snprintf(path, sizeof(path), "%s/loader.lock", conf->run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	err = errno;
	if (err == EWOULDBLOCK)
		log_error("another loader runs for node %s (it holds %s); stop that one first",
			domain_self(conf)->name, path);
	else
		log_error("cannot lock %s: %s", path, strerror(err));
	if (fd >= 0)
		close(fd);
	return -err;
}

int pin_path(const struct node_conf *conf, const char *kind, const char *name, char *ret_path)
{
	const char *directory = strcmp(kind, "maps") ? kind : maps;
	char path[DOMAIN_PATH_MAX];
	int n = snprintf(
		path, sizeof(path), "%s/%s%s%s", conf->pin_dir, directory, *name ? "/" : "", name);

	if (n >= (int)sizeof(path))
		return -ENAMETOOLONG;
	memcpy(ret_path, path, (size_t)n + 1);
	return 0;
}

static int make_directory(const char *path)
{
	int err = mkdir_parents(path, 0750);

	if (err)
		log_error("cannot make directory %s: %s", path, strerror(-err));
	return err;
}

/* A loader that was killed while new maps took the place of the former ones has left the name. */
static int finish_taking_place(const struct node_conf *conf)
{
	char next[DOMAIN_PATH_MAX], path[DOMAIN_PATH_MAX];
	int err = pin_path(conf, "next", "node", next);

	if (!err)
		err = pin_path(conf, "maps", "node", path);
	if (err || access(next, F_OK) || !access(path, F_OK))
		return err;
	return pin_take_place(conf);
}

int pin_prepare(const struct node_conf *conf)
{
	char path[DOMAIN_PATH_MAX];
	int err = make_directory(conf->run_dir);

	if (!err)
		err = take_lock(conf);
	if (!err)
		err = ensure_bpffs(conf);
	for (size_t i = 0; !err && i < KINDS_USUAL; i++) {
		err = pin_path(conf, kinds[i], "", path);
		if (!err)
			err = make_directory(path);
	}
	if (!err && !is_bpffs(conf->pin_dir)) {
		log_error("pin_dir %s is not on a bpf file system; choose a directory below %s",
			conf->pin_dir, BPFFS);
		err = -EINVAL;
	}
	return err ? err : finish_taking_place(conf);
}

int pin_open(const struct node_conf *conf, const char *kind, const char *name)
{
	char path[DOMAIN_PATH_MAX];
	int fd = pin_path(conf, kind, name, path);

	if (fd)
		return fd;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int pin_version(const struct node_conf *conf, uint32_t *ret_version)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info), zero = 0, version;
	int fd = pin_open(conf, "maps", "node"), err = 0;
	void *value = NULL;

	if (fd < 0)
		return fd;
	/* Whatever the layout, the version is the first word of the one value of this map. */
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.value_size < sizeof(version))
		err = -EPROTO;
	if (!err)
		value = calloc(1, info.value_size);
	if (!err && (!value || bpf_map_lookup_elem(fd, &zero, value)))
		err = value ? -errno : -ENOMEM;
	if (!err) {
		memcpy(&version, value, sizeof(version));
		*ret_version = version;
		err = version == DLMA_ABI_VERSION || !version ? 0 : -EPROTO;
	}
	free(value);
	close(fd);
	return err;
}

void pin_remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.' && unlinkat(dirfd(dir), e->d_name, 0))
			log_warn("cannot remove %s/%s: %s", path, e->d_name, strerror(errno));
	closedir(dir);
	if (rmdir(path))
		log_warn("cannot remove %s: %s", path, strerror(errno));
}

int pin_begin_anew(const struct node_conf *conf)
{
	char path[DOMAIN_PATH_MAX];
	int err;

	maps = "next";
	err = pin_path(conf, "maps", "", path);
	if (err)
		return err;
	if (!access(path, F_OK))
		pin_remove_directory(path); /* of a loader that was killed half-way */
	return make_directory(path);
}

/* The programs have the new maps already: what follows is only what they are called. */
int pin_take_place(const struct node_conf *conf)
{
	char next[DOMAIN_PATH_MAX], path[DOMAIN_PATH_MAX];
	int err = pin_path(conf, "next", "", next);

	maps = "maps";
	if (!err)
		err = pin_path(conf, "maps", "", path);
	if (err)
		return err;
	pin_remove_directory(path);
	if (!rename(next, path))
		return 0;
	err = -errno;
	log_error("cannot rename %s: %s", next, strerror(-err));
	return err;
}

void pin_remove_all(const struct node_conf *conf)
{
	char path[DOMAIN_PATH_MAX];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!pin_path(conf, kinds[i], "", path) && !access(path, F_OK))
			pin_remove_directory(path);
	(void)rmdir(conf->pin_dir);
}
