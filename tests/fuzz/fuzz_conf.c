// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The configuration of a node, as dlma-agent and dlma-loader read it.
 *
 * An input is up to four texts with an octet 0x1e between them: node.conf, and what it may include
 * or name: domain.conf, n.keys, more.inc. Properties: what is refused leaves nothing behind and
 * says why, in whole lines of plain text that name a file and a line; what is taken is consistent
 * enough for a core to start with it.
 */
#include "fuzz.h"
#include "base/conf.h"
#include "base/text.h"
#include "core/core.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 4, SEPARATOR = 0x1e, INPUT_MAX = 16384 };

const char *__lsan_default_suppressions(void); /* asked for by LSan */

static const char *const names[FILES] = {"node.conf", "domain.conf", "n.keys", "more.inc"};

static char directory[] = "/dev/shm/dlma-fuzz-XXXXXX", paths[FILES][64];
static struct text {
	char bytes[INPUT_MAX];
	size_t len;
	bool written;
} texts[FILES];

/* libconfig forgets the text of a string that does not end. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

static void clean_up(void)
{
	for (int i = 0; i < FILES; i++)
		(void)unlink(paths[i]);
	(void)rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	CHECK(mkdtemp(directory));
	atexit(clean_up);
	for (int i = 0; i < FILES; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", directory, names[i]);
	return 0;
}

/* Most inputs differ from the last in one file only. */
static void write_file(int i, const char *bytes, size_t len)
{
	struct text *t = &texts[i];
	int fd;

	if (t->written && t->len == len && !memcmp(t->bytes, bytes, len))
		return;
	fd = open(paths[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && !close(fd));
	memcpy(t->bytes, bytes, len);
	t->len = len;
	t->written = true;
}

static void write_files(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	for (int i = 0; i < FILES; i++) {
		const char *stop = i < FILES - 1 ? memchr(at, SEPARATOR, (size_t)(end - at)) : NULL;

		stop = stop ? stop : end;
		write_file(i, at, (size_t)(stop - at));
		at = stop < end ? stop + 1 : end;
	}
}

/* DIRECTORY/FILE:LINE: text */
static void check_line(const char *line)
{
	const char *at = line + strlen(directory);
	size_t digits;

	CHECK(!strncmp(line, directory, strlen(directory)) && *at == '/');
	at = strchr(at, ':');
	CHECK(at);
	digits = strspn(at + 1, "0123456789");
	CHECK(digits && at[1] != '0' && !strncmp(at + 1 + digits, ": ", 2) && at[3 + digits]);
	CHECK(text_is_plain(at + 3 + digits));
}

static void check_said(char *said, size_t len, int err)
{
	char *line, *rest = said;

	CHECK(!err == !len);
	CHECK(!len || said[len - 1] == '\n');
	while ((line = strsep(&rest, "\n")) && rest)
		check_line(line);
}

static void check_nodes(const struct domain *d)
{
	CHECK(d->node_count && d->node_count <= DLMA_PEERS_MAX);
	for (uint32_t i = 0; i < d->node_count; i++) {
		const struct domain_node *n = &d->nodes[i];

		CHECK(*n->name && strlen(n->name) < DOMAIN_NAME_MAX);
		CHECK(n->roles && !(n->roles & ~(DLMA_ROLE_LMA | DLMA_ROLE_MAG)));
		CHECK(addr_is_routable(&n->address) && !domain_block(d, &n->address));
		if (n->roles == DLMA_ROLE_LMA)
			CHECK(n->lma == DOMAIN_NO_NODE);
		else
			CHECK(n->lma < d->node_count && d->nodes[n->lma].roles & DLMA_ROLE_LMA);
		for (uint32_t k = 0; k < i; k++)
			CHECK(strcmp(n->name, d->nodes[k].name) &&
				!addr_equal(&n->address, &d->nodes[k].address));
	}
}

static void check_prefixes(const struct domain *d)
{
	CHECK(d->prefix_count && d->superset_count && d->superset_count <= DLMA_SUPERSET_MAX);
	for (uint32_t i = 0; i < d->prefix_count; i++) {
		const struct domain_prefix *p = &d->prefixes[i];

		CHECK(p->owner < d->node_count && d->nodes[p->owner].roles & DLMA_ROLE_LMA);
		CHECK(p->prefix.len <= p->hnp_len && p->hnp_len && p->hnp_len <= 128);
		CHECK(!i || d->prefixes[i - 1].prefix.len >= p->prefix.len);
	}
}

static void check_mobiles(const struct domain *d)
{
	for (uint32_t i = 0; i < d->mobile_count; i++) {
		const struct domain_mobile *m = &d->mobiles[i];
		const struct domain_prefix *block;

		CHECK(text_is_plain(m->id) && strchr(m->id, '@') && m->home < d->node_count);
		CHECK(d->nodes[m->home].roles & DLMA_ROLE_LMA && !(m->link_layer[0] & 1));
		block = m->has_hnp ? domain_block(d, &m->hnp.addr) : NULL;
		if (m->has_hnp)
			CHECK(block && block->owner == m->home && block->hnp_len == m->hnp.len);
	}
}

static void check_own(const struct node_conf *c)
{
	const struct domain_timers *t = &c->domain.timers;

	CHECK(c->self < c->domain.node_count && c->interface_count);
	CHECK(c->cache_max && c->cache_max < c->locations_max && c->access_max);
	CHECK(*c->run_dir == '/' && *c->state_dir == '/' && *c->pin_dir == '/');
	CHECK(t->cache_idle_ms && t->cache_idle_ms <= t->cache_lifetime_ms);
	CHECK(t->cache_lifetime_ms <= t->forwarding_lifetime_ms);
	CHECK(t->initial_bindack_timeout_ms <= t->max_bindack_timeout_ms);
	for (uint32_t i = 0; i < c->key_count; i++) {
		const struct domain_key *k = &c->keys[i];

		CHECK(k->peer < c->domain.node_count && k->peer != c->self && k->spi >= 256);
		CHECK(k->secret_len >= DOMAIN_KEY_MIN && k->secret_len <= DOMAIN_KEY_MAX);
	}
}

static void check_start(const struct node_conf *c)
{
	struct profiles *profiles = profiles_new(&c->domain, (uint64_t[2]){1, 2});
	struct core_options o = {.conf = c, .profiles = profiles, .mac = fuzz_mac, .epoch = 1};
	struct core *core = core_new(&o);

	CHECK(profiles && core);
	core_free(core);
	profiles_free(profiles);
}

static void check_node(const char *path)
{
	static const struct node_conf empty;
	struct node_conf conf;
	char *said = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&said, &len);
	int err = conf_load(path, &conf, errors);

	CHECK(!fclose(errors) && (!err || err == -EINVAL));
	check_said(said, len, err);
	free(said);
	if (!err) {
		check_nodes(&conf.domain);
		check_prefixes(&conf.domain);
		check_mobiles(&conf.domain);
		check_own(&conf);
		check_start(&conf);
		conf_done(&conf);
	}
	CHECK(!memcmp(&conf, &empty, sizeof(conf)));
}

/* As dlmactl keygen reads it. */
static void check_domain(const char *path)
{
	struct domain d;
	char *said = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&said, &len);
	int err = conf_load_domain(path, &d, errors);

	CHECK(!fclose(errors));
	check_said(said, len, err);
	free(said);
	if (!err)
		check_nodes(&d);
	conf_domain_done(&d);
}

/* What would read files of this machine, which may be devices, or different on the next one. */
static bool leads_out(const uint8_t *data, size_t size)
{
	static const char *const ways[] = {"../", "/proc", "/sys", "/dev"};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (memmem(data, size, ways[i], strlen(ways[i])))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX || leads_out(data, size))
		return 0;
	write_files(data, size);
	check_node(paths[0]);
	if (texts[1].len)
		check_domain(paths[1]);
	return 0;
}
