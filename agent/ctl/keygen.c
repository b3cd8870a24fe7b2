// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ctl/keygen.h"
#include "base/conf.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	SECRET_LEN = 32, /* octets; as many as HMAC-SHA-256 puts out */
	SPI = 4096,
};

struct keyring {
	const struct domain *domain;
	const char *dir;
	FILE *errors;
	uint8_t (*secrets)[SECRET_LEN]; /* one for each pair of nodes */
	size_t count;
};

/* Pairs are numbered (1,0) (2,0) (2,1) (3,0) ...; both of a pair find the same one. */
static const uint8_t *secret_of(const struct keyring *k, size_t a, size_t b)
{
	size_t high = a > b ? a : b, low = a > b ? b : a;

	return k->secrets[high * (high - 1) / 2 + low];
}

static int fill_random(uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n = getrandom(buf, len, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int keyring_fill(struct keyring *k)
{
	size_t nodes = k->domain->node_count;

	k->count = nodes * (nodes - 1) / 2;
	k->secrets = calloc(k->count + 1, sizeof(*k->secrets));
	if (!k->secrets)
		return -ENOMEM;
	return fill_random(&k->secrets[0][0], k->count * sizeof(*k->secrets));
}

static void keyring_wipe(struct keyring *k)
{
	if (k->secrets)
		explicit_bzero(k->secrets, k->count * sizeof(*k->secrets));
	free(k->secrets);
}

static void write_key(const struct keyring *k, FILE *f, size_t self, size_t peer, bool more)
{
	const uint8_t *secret = secret_of(k, self, peer);

	fprintf(f, "  { peer = \"%s\"; spi = %d; secret = \"", k->domain->nodes[peer].name, SPI);
	for (size_t i = 0; i < SECRET_LEN; i++)
		fprintf(f, "%02x", secret[i]);
	fprintf(f, "\"; }%s\n", more ? "," : "");
}

static void write_keys(const struct keyring *k, FILE *f, size_t self)
{
	size_t left = k->domain->node_count - 1;

	fprintf(f, "# Secrets that %s shares with each node of the domain %s; for %s alone.\n",
		k->domain->nodes[self].name, k->domain->name, k->domain->nodes[self].name);
	fputs("keys = (\n", f);
	for (size_t peer = 0; peer < k->domain->node_count; peer++)
		if (peer != self)
			write_key(k, f, self, peer, --left);
	fputs(");\n", f);
}

static int write_to(int fd, const struct keyring *k, size_t self)
{
	FILE *f = fdopen(fd, "w");
	int err;

	if (!f) {
		err = -errno;
		close(fd);
		return err;
	}
	write_keys(k, f, self);
	err = fflush(f) || fsync(fd) ? -errno : 0;
	if (fclose(f) && !err)
		err = -errno;
	return err;
}

struct paths {
	char done[PATH_MAX];
	char begun[PATH_MAX + 8];
};

static int paths_of(const struct keyring *k, size_t node, struct paths *ret)
{
	int n = snprintf(
		ret->done, sizeof(ret->done), "%s/%s.keys", k->dir, k->domain->nodes[node].name);

	snprintf(ret->begun, sizeof(ret->begun), "%s.new", ret->done);
	return n < (int)sizeof(ret->done) ? 0 : -ENAMETOOLONG;
}

static int write_begun(const struct keyring *k, const struct paths *p, size_t node)
{
	int fd;

	(void)unlink(p->begun);
	fd = open(p->begun, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : write_to(fd, k, node);
}

static int rename_begun(const struct keyring *k, const struct paths *p, size_t node)
{
	(void)k, (void)node;
	return rename(p->begun, p->done) ? -errno : 0;
}

static int remove_begun(const struct keyring *k, const struct paths *p, size_t node)
{
	(void)k, (void)node;
	(void)unlink(p->begun);
	return 0;
}

static int check_absent(const struct keyring *k, const struct paths *p, size_t node)
{
	(void)k, (void)node;
	if (!faccessat(AT_FDCWD, p->done, F_OK, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return errno == ENOENT ? 0 : -errno;
}

static void complain(const struct keyring *k, const char *path, int err)
{
	fprintf(k->errors, "%s: %s%s\n", path, strerror(-err),
		err == -EEXIST ? "; peers may use these keys: replace them all with --force, or "
				 "choose another directory"
			       : "");
}

static int for_each_node(const struct keyring *k,
	int (*step)(const struct keyring *k, const struct paths *p, size_t node))
{
	struct paths p;

	for (size_t i = 0; i < k->domain->node_count; i++) {
		int err = paths_of(k, i, &p);

		if (!err)
			err = step(k, &p, i);
		if (err) {
			complain(k, p.done, err);
			return err;
		}
	}
	return 0;
}

/* Old keys stay until all the new ones are on the disk. */
static int keyring_write(struct keyring *k, bool force)
{
	int err = force ? 0 : for_each_node(k, check_absent);

	if (!err)
		err = keyring_fill(k);
	if (!err)
		err = for_each_node(k, write_begun);
	if (!err)
		err = for_each_node(k, rename_begun);
	if (err)
		(void)for_each_node(k, remove_begun);
	return err;
}

int keygen(const char *conf_path, const char *dir, bool force, FILE *errors)
{
	struct domain d;
	struct keyring k = {.domain = &d, .dir = dir, .errors = errors};
	int err = conf_load_domain(conf_path, &d, errors);

	if (err)
		return err;
	err = keyring_write(&k, force);
	keyring_wipe(&k);
	conf_domain_done(&d);
	return err;
}
