// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The file with the secrets that a node shares with its peers. */
#include "base/addr.h"
#include "base/conf.h"
#include "base/conf_read.h"
#include <errno.h>
#include <stdlib.h>

enum {
	SPI_MIN = 256,	       /* those below are reserved (RFC 4285 5) */
	KEYS_PER_PEER_MAX = 2, /* the one in use, and the one before or after it */
	MODE_OTHERS = 077,     /* group and other */
};

/* Tells no more of a bad secret than that it is bad. */
static int read_secret(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct domain_key *key = ret;
	const char *text = config_setting_get_string(s);
	size_t len = text ? strlen(text) : 0;

	if (len % 2 || len < 2 * DOMAIN_KEY_MIN || len > 2 * DOMAIN_KEY_MAX)
		return conf_refuse(r, s, f);
	for (size_t i = 0; i < len / 2; i++) {
		int octet = octet_parse(text + 2 * i);

		if (octet < 0)
			return conf_refuse(r, s, f);
		key->secret[i] = (uint8_t)octet;
	}
	key->secret_len = (uint8_t)(len / 2);
	return 0;
}

static const struct conf_kind secret_kind = {
	"32 to 128 hexadecimal digits in quotes, two for each octet", read_secret};

static const struct conf_field key_fields[] = {
	{"peer", &conf_peer, CONF_AT(struct domain_key, peer), .required = true},
	{"spi", &conf_number, CONF_AT(struct domain_key, spi), .required = true, .min = SPI_MIN,
		.max = UINT32_MAX},
	{"secret", &secret_kind, CONF_WHOLE, .required = true},
	{0},
};

struct keys_check {
	uint8_t *count; /* keys so far, of each node */
	struct conf_seen seen;
};

static void check_key(struct conf_reader *r, const config_setting_t *s,
	const struct node_conf *conf, const struct domain_key *key, struct keys_check *check)
{
	struct {
		uint32_t peer, spi;
	} id = {key->peer, key->spi};
	const char *name = conf->domain.nodes[key->peer].name;
	const config_setting_t *earlier = conf_seen_before(&check->seen, s, &id, sizeof(id));

	if (key->peer == conf->self)
		conf_error(r, s, "\"%s\" is this node itself; remove this key", name);
	else if (earlier)
		conf_error(r, conf_where(s, "spi"),
			"\"%s\" has this SPI already on line %u; take another", name,
			conf_line(earlier));
	else if (check->count[key->peer]++ >= KEYS_PER_PEER_MAX)
		conf_error(r, s, "more than %d keys for \"%s\"; remove the oldest",
			KEYS_PER_PEER_MAX, name);
}

static int read_key_list(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct node_conf *conf = ret;
	struct keys_check check = {.count = calloc(conf->domain.node_count + 1, 1)};

	conf->keys = conf_list(r, s, f, sizeof(*conf->keys), &conf->key_count);
	for (unsigned int i = 0; check.count && i < conf->key_count; i++) {
		const config_setting_t *elem = config_setting_get_elem(s, i);

		if (!conf_read_group(r, elem, key_fields, &conf->keys[i]))
			check_key(r, elem, conf, &conf->keys[i], &check);
	}
	if (!check.count)
		conf_error(r, s, "out of memory");
	conf_seen_done(&check.seen);
	free(check.count);
	return conf->keys && check.count ? 0 : -EINVAL;
}

static const struct conf_kind key_list_kind = {
	"a list of keys, as ( { peer = \"h-lma\"; spi = 4096; secret = \"...\"; } )",
	read_key_list};

static const struct conf_field file_fields[] = {
	{"keys", &key_list_kind, CONF_WHOLE, .required = true},
	{0},
};

/* Of libconfig's copies these live longest; those of its scanner are out of reach. */
static void wipe_texts(config_setting_t *s)
{
	if (config_setting_type(s) == CONFIG_TYPE_STRING)
		explicit_bzero(s->value.sval, strlen(s->value.sval));
	else if (config_setting_is_aggregate(s))
		for (int i = 0; i < config_setting_length(s); i++)
			wipe_texts(config_setting_get_elem(s, (unsigned int)i));
}

static bool must_know(const struct node_conf *conf, uint16_t peer)
{
	const struct domain_node *self = domain_self(conf), *other = &conf->domain.nodes[peer];

	if (peer == conf->self)
		return false;
	if (self->roles & other->roles & DLMA_ROLE_LMA)
		return true;
	return self->lma == peer || other->lma == conf->self;
}

static bool has_key(const struct node_conf *conf, uint16_t peer)
{
	for (uint32_t i = 0; i < conf->key_count; i++)
		if (conf->keys[i].peer == peer)
			return true;
	return false;
}

/* The next node, from `from` on, that this one must talk with but could not tell from a stranger.
 */
static uint16_t next_stranger(const struct node_conf *conf, uint16_t from)
{
	if (conf->domain.authentication && conf->self != DOMAIN_NO_NODE)
		for (uint16_t i = from; i < conf->domain.node_count; i++)
			if (must_know(conf, i) && !has_key(conf, i))
				return i;
	return DOMAIN_NO_NODE;
}

static void check_strangers(
	struct conf_reader *r, const config_setting_t *where, const struct node_conf *conf)
{
	for (uint16_t i = next_stranger(conf, 0); i != DOMAIN_NO_NODE;
		i = next_stranger(conf, (uint16_t)(i + 1)))
		conf_error(r, where,
			"no key for \"%s\", which this node must talk with; dlmactl keygen makes "
			"the "
			"keys of all nodes",
			conf->domain.nodes[i].name);
}

void conf_keys_absent(
	struct conf_reader *r, const config_setting_t *where, const struct node_conf *conf)
{
	uint16_t stranger = next_stranger(conf, 0);

	if (stranger != DOMAIN_NO_NODE)
		conf_error(r, where,
			"\"keys\" is missing, so nothing from \"%s\" could be authenticated; make "
			"the "
			"keys with dlmactl keygen",
			conf->domain.nodes[stranger].name);
}

static void read_file(struct conf_reader *r, const char *text, struct node_conf *conf, bool in_use)
{
	config_t config = {0};

	if (!conf_file_parse(r, text, &config) &&
		!conf_read_group(r, config_root_setting(&config), file_fields, conf) && in_use)
		check_strangers(r, config_lookup(&config, "keys"), conf);
	if (config_root_setting(&config))
		wipe_texts(config_root_setting(&config));
	config_destroy(&config);
}

static int read_keys(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *name = config_setting_get_string(s);
	char path[DOMAIN_PATH_MAX], *text = NULL;
	struct conf_reader inner = {.path = path, .errors = r->errors, .domain = r->domain};
	uint32_t mode = 0;
	int err;

	if (!name || !*name)
		return conf_refuse(r, s, f);
	err = conf_file_beside(r, s, name, path);
	if (!err)
		err = conf_file_load(path, &text, &mode);
	if (err) {
		conf_error(r, s, "cannot read the keys in \"%.128s\": %s; %s", name,
			conf_file_problem(err),
			err == -ENOENT ? "make them with: dlmactl keygen"
				       : "let the user that runs this read them");
		return -EINVAL;
	}
	if (mode & MODE_OTHERS)
		conf_error(r, s, "the keys are open to others (mode %03o); run: chmod 600 %s", mode,
			path);
	/* Without nodes no name of a peer means anything. */
	if (r->domain->node_count)
		read_file(&inner, text, ret, true);
	conf_file_wipe(text);
	r->error_count += inner.error_count;
	return inner.error_count || mode & MODE_OTHERS ? -EINVAL : 0;
}

int conf_load_keys(const char *path, struct node_conf *ret, FILE *errors)
{
	struct conf_reader r = {.path = path, .errors = errors, .domain = &ret->domain};
	char *text = NULL;
	uint32_t mode = 0;
	int err = conf_file_load(path, &text, &mode);

	if (err == -ENOENT)
		return err;
	if (err)
		conf_error(&r, NULL, "cannot read this file: %s", conf_file_problem(err));
	else if (mode & MODE_OTHERS)
		conf_error(&r, NULL, "the keys are open to others (mode %03o); run: chmod 600 %s",
			mode, path);
	else
		read_file(&r, text, ret, false);
	conf_file_wipe(text);
	return r.error_count ? -EINVAL : 0;
}

const struct conf_kind conf_keys = {"the name of a file, as \"v-lma-1.keys\"", read_keys};
