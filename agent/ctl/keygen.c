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
	SPI_FIRST = 4096,
	PAIR_KEYS_MAX = 2,
};

/* What two nodes share; the first key is the one that they send with. */
struct pair {
	struct domain_key keys[PAIR_KEYS_MAX];
	uint8_t count;
};

struct keyring {
	const struct domain *domain;
	const char *dir;
	FILE *errors;
	struct pair *pairs; /* one for each pair of nodes */
	size_t count;
};

/* Pairs are numbered (1,0) (2,0) (2,1) (3,0) ...; both of a pair find the same one. */
static struct pair *pair_of(const struct keyring *k, size_t a, size_t b)
{
	size_t high = a > b ? a : b, low = a > b ? b : a;

	return &k->pairs[high * (high - 1) / 2 + low];
}

static int keyring_alloc(struct keyring *k)
{
	size_t nodes = k->domain->node_count;

	k->count = nodes * (nodes - 1) / 2;
	k->pairs = calloc(k->count + 1, sizeof(*k->pairs));
	return k->pairs ? 0 : -ENOMEM;
}

static void keyring_wipe(struct keyring *k)
{
	if (k->pairs)
		explicit_bzero(k->pairs, k->count * sizeof(*k->pairs));
	free(k->pairs);
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

/* Reading what is there */

struct paths {
	char done[PATH_MAX];
	char begun[PATH_MAX + 8];
};

static void complain(const struct keyring *k, const char *path, const char *why)
{
	fprintf(k->errors, "%s: %s\n", path, why);
}

static int paths_of(const struct keyring *k, size_t node, struct paths *ret)
{
	int n = snprintf(
		ret->done, sizeof(ret->done), "%s/%s.keys", k->dir, k->domain->nodes[node].name);

	snprintf(ret->begun, sizeof(ret->begun), "%s.new", ret->done);
	return n < (int)sizeof(ret->done) ? 0 : -ENAMETOOLONG;
}

static int for_each_node(
	struct keyring *k, int (*step)(struct keyring *k, const struct paths *p, size_t node))
{
	struct paths p;

	for (size_t i = 0; i < k->domain->node_count; i++) {
		int err = paths_of(k, i, &p);

		if (!err)
			err = step(k, &p, i);
		if (err && err != -EINVAL) /* which comes with its own words */
			complain(k, p.done,
				err == -EEXIST
					? "File exists; peers may use these keys: replace "
					  "them all with --force, or choose another directory"
					: strerror(-err));
		if (err)
			return err;
	}
	return 0;
}

static const struct domain_key *find(const struct node_conf *c, size_t peer, unsigned int nth)
{
	for (uint32_t i = 0; i < c->key_count; i++)
		if (c->keys[i].peer == peer && !nth--)
			return &c->keys[i];
	return NULL;
}

static bool same_key(const struct domain_key *a, const struct domain_key *b)
{
	return a->spi == b->spi && a->secret_len == b->secret_len &&
	       !memcmp(a->secret, b->secret, a->secret_len);
}

/* What one node has for another; the second of the two to be read must agree with the first. */
static int take(struct keyring *k, const struct paths *p, const struct node_conf *c, size_t peer)
{
	const char *other = k->domain->nodes[peer].name;
	struct pair *pair = pair_of(k, c->self, peer);
	const struct domain_key *key;
	uint8_t n = 0;

	while ((key = find(c, peer, n)) != NULL) {
		if (peer > c->self)
			pair->keys[pair->count++] = *key;
		else if (n >= pair->count || !same_key(key, &pair->keys[n]))
			break;
		n++;
	}
	if (!key && n == pair->count)
		return 0;
	fprintf(k->errors,
		"%s: the keys for \"%s\" are not those in %s.keys, in the same order; bring the "
		"two "
		"files in line first\n",
		p->done, other, other);
	return -EINVAL;
}

static int load(struct keyring *k, const struct paths *p, size_t node)
{
	struct node_conf c = {.domain = *k->domain, .self = (uint16_t)node};
	int err = conf_load_keys(p->done, &c, k->errors);

	/* A node that is new in the domain. */
	if (err == -ENOENT)
		err = 0;
	for (size_t peer = 0; !err && peer < k->domain->node_count; peer++)
		if (peer != node)
			err = take(k, p, &c, peer);
	if (c.keys)
		explicit_bzero(c.keys, c.key_count * sizeof(*c.keys));
	free(c.keys);
	return err;
}

/* The steps */

static int add_key(struct keyring *k, struct pair *pair)
{
	struct domain_key *key = &pair->keys[pair->count];

	if (pair->count == PAIR_KEYS_MAX) {
		complain(k, k->dir,
			"there are two keys already; finish the rotation first: keygen ... switch, "
			"then keygen ... drop");
		return -EINVAL;
	}
	*key = (struct domain_key){.spi = SPI_FIRST, .secret_len = SECRET_LEN};
	if (pair->count)
		key->spi = pair->keys[0].spi < UINT32_MAX ? pair->keys[0].spi + 1 : SPI_FIRST;
	pair->count++;
	return fill_random(key->secret, SECRET_LEN);
}

static int switch_keys(struct keyring *k, struct pair *pair)
{
	struct domain_key first = pair->keys[0];

	if (pair->count < PAIR_KEYS_MAX) {
		complain(k, k->dir, "there is no second key to switch to; first: keygen ... add");
		return -EINVAL;
	}
	pair->keys[0] = pair->keys[1];
	pair->keys[1] = first;
	explicit_bzero(&first, sizeof(first));
	return 0;
}

static int drop_key(struct keyring *k, struct pair *pair)
{
	(void)k;
	if (pair->count > 1)
		pair->count = 1;
	return 0;
}

static int (*const changes[])(struct keyring *k, struct pair *pair) = {
	[KEYGEN_FRESH] = add_key,
	[KEYGEN_FORCE] = add_key,
	[KEYGEN_ADD] = add_key,
	[KEYGEN_SWITCH] = switch_keys,
	[KEYGEN_DROP] = drop_key,
};

int keygen_step_parse(const char *name)
{
	static const char *const names[] = {
		[KEYGEN_ADD] = "add", [KEYGEN_SWITCH] = "switch", [KEYGEN_DROP] = "drop"};

	for (int i = KEYGEN_ADD; i <= KEYGEN_DROP; i++)
		if (!strcmp(names[i], name))
			return i;
	return -EINVAL;
}

/* Writing */

static void write_key(FILE *f, const char *peer, const struct domain_key *key, bool first)
{
	fprintf(f, "%s\n  { peer = \"%s\"; spi = %u; secret = \"", first ? "" : ",", peer,
		key->spi);
	for (size_t i = 0; i < key->secret_len; i++)
		fprintf(f, "%02x", key->secret[i]);
	fputs("\"; }", f);
}

static void write_keys(const struct keyring *k, FILE *f, size_t self)
{
	bool first = true;

	fprintf(f, "# Secrets that %s shares with each node of the domain %s; for %s alone.\n",
		k->domain->nodes[self].name, k->domain->name, k->domain->nodes[self].name);
	fputs("keys = (", f);
	for (size_t peer = 0; peer < k->domain->node_count; peer++) {
		const struct pair *pair = peer == self ? NULL : pair_of(k, self, peer);

		for (uint8_t i = 0; pair && i < pair->count; i++, first = false)
			write_key(f, k->domain->nodes[peer].name, &pair->keys[i], first);
	}
	fputs("\n);\n", f);
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

static int write_begun(struct keyring *k, const struct paths *p, size_t node)
{
	int fd;

	(void)unlink(p->begun);
	fd = open(p->begun, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : write_to(fd, k, node);
}

static int rename_begun(struct keyring *k, const struct paths *p, size_t node)
{
	(void)k, (void)node;
	return rename(p->begun, p->done) ? -errno : 0;
}

static int remove_begun(struct keyring *k, const struct paths *p, size_t node)
{
	(void)k, (void)node;
	(void)unlink(p->begun);
	return 0;
}

static int check_absent(struct keyring *k, const struct paths *p, size_t node)
{
	(void)k, (void)node;
	if (!faccessat(AT_FDCWD, p->done, F_OK, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return errno == ENOENT ? 0 : -errno;
}

/* Old keys stay until all the new ones are on the disk. */
static int keyring_write(struct keyring *k)
{
	int err = for_each_node(k, write_begun);

	if (!err)
		err = for_each_node(k, rename_begun);
	if (err)
		(void)for_each_node(k, remove_begun);
	return err;
}

static int keyring_change(struct keyring *k, enum keygen_step step)
{
	int err = keyring_alloc(k);

	if (!err && step == KEYGEN_FRESH)
		err = for_each_node(k, check_absent);
	if (!err && step >= KEYGEN_ADD)
		err = for_each_node(k, load);
	for (size_t i = 0; !err && i < k->count; i++)
		err = changes[step](k, &k->pairs[i]);
	return err ? err : keyring_write(k);
}

int keygen(const char *conf_path, const char *dir, enum keygen_step step, FILE *errors)
{
	struct domain d;
	struct keyring k = {.domain = &d, .dir = dir, .errors = errors};
	int err = conf_load_domain(conf_path, &d, errors);

	if (err)
		return err;
	err = keyring_change(&k, step);
	keyring_wipe(&k);
	conf_domain_done(&d);
	return err;
}
