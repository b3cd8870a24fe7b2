// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The group "node": which node of the domain this is, and what only it needs to know. */
#include "base/conf.h"
#include "base/conf_read.h"
#include <errno.h>
#include <stdlib.h>

enum {
	ENTRIES_MAX = 1 << 24, /* of a map; a GiB or two of memory */
	MOVES_PER_PEER = 1000, /* a second */
	MOVES_PER_MN = 3,      /* a second: MAX_UPDATE_RATE of RFC 6275 */
};

static const char *const hook_names[] = {
	[DOMAIN_HOOK_AUTO] = "auto",
	[DOMAIN_HOOK_XDP] = "xdp",
	[DOMAIN_HOOK_XDP_GENERIC] = "xdp-generic",
	[DOMAIN_HOOK_TC] = "tc",
};

int conf_hook_parse(const char *name)
{
	for (size_t i = 0; i < sizeof(hook_names) / sizeof(*hook_names); i++)
		if (!strcmp(name, hook_names[i]))
			return (int)i;
	return -EINVAL;
}

static int read_hook(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *name = config_setting_get_string(s);
	int hook = name ? conf_hook_parse(name) : -EINVAL;

	if (hook < 0)
		return conf_refuse(r, s, f);
	*(enum domain_hook *)ret = (enum domain_hook)hook;
	return 0;
}

static const struct conf_kind hook_kind = {
	"\"auto\", \"xdp\", \"xdp-generic\" or \"tc\"", read_hook};

static int read_store_failure(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *word = config_setting_get_string(s);

	if (!word || (strcmp(word, "refuse") && strcmp(word, "continue")))
		return conf_refuse(r, s, f);
	*(enum domain_store_failure *)ret =
		strcmp(word, "refuse") ? DOMAIN_STORE_CONTINUE : DOMAIN_STORE_REFUSE;
	return 0;
}

static const struct conf_kind store_failure_kind = {
	"\"refuse\" or \"continue\"", read_store_failure};

static const struct conf_field interface_fields[] = {
	{"match", &conf_text, CONF_ROOM(struct domain_interface, match), .required = true},
	{"hook", &hook_kind, CONF_AT(struct domain_interface, hook)},
	{"access", &conf_flag, CONF_AT(struct domain_interface, access)},
	{0},
};

static int read_interfaces(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct node_conf *conf = ret;
	struct conf_seen seen = {0};
	uint32_t before = r->error_count;

	conf->interfaces = conf_list(r, s, f, sizeof(*conf->interfaces), &conf->interface_count);
	for (unsigned int i = 0; i < conf->interface_count; i++) {
		const config_setting_t *elem = config_setting_get_elem(s, i), *earlier;
		const char *match = conf->interfaces[i].match;

		if (conf_read_group(r, elem, interface_fields, &conf->interfaces[i]))
			continue;
		earlier = conf_seen_before(&seen, elem, match, strlen(match));
		if (earlier)
			conf_error(r, elem, "\"%s\" stands on line %u already; remove one", match,
				conf_line(earlier));
	}
	conf_seen_done(&seen);
	return r->error_count == before ? 0 : -EINVAL;
}

static const struct conf_kind interfaces_kind = {
	"a list of interfaces, as ( { match = \"eth*\"; } )", read_interfaces};

static const struct conf_field limit_fields[] = {
	{"locations", &conf_number, CONF_AT(struct node_conf, locations_max),
		.fallback = DLMA_LOCATIONS_DEFAULT, .min = 2, .max = ENTRIES_MAX},
	{"cache", &conf_number, CONF_AT(struct node_conf, cache_max), .min = 1, .max = ENTRIES_MAX},
	{"access", &conf_number, CONF_AT(struct node_conf, access_max),
		.fallback = DLMA_ACCESS_DEFAULT, .min = 1, .max = ENTRIES_MAX},
	{"bindings_per_mag", &conf_number, CONF_AT(struct node_conf, bindings_per_mag), .min = 1,
		.max = ENTRIES_MAX},
	{"anchors_per_lma", &conf_number, CONF_AT(struct node_conf, anchors_per_lma), .min = 1,
		.max = ENTRIES_MAX},
	{"moves_per_peer", &conf_number, CONF_AT(struct node_conf, moves_per_peer),
		.fallback = MOVES_PER_PEER, .min = 1, .max = 1000000},
	{"moves_per_mn", &conf_number, CONF_AT(struct node_conf, moves_per_mn),
		.fallback = MOVES_PER_MN, .min = 1, .max = 1000},
	{0},
};

/* What depends on others. One peer alone may never fill the table. */
static void fill_limits(struct node_conf *conf)
{
	uint32_t room, share;

	if (!conf->cache_max)
		conf->cache_max = conf->locations_max / 2;
	room = conf->locations_max - conf->cache_max;
	share = room > 8 ? room - room / 8 : room;
	if (!conf->bindings_per_mag)
		conf->bindings_per_mag = share;
	if (!conf->anchors_per_lma)
		conf->anchors_per_lma = share;
}

static int read_limits(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct node_conf *conf = ret;
	int err = conf_read_group(r, s, limit_fields, ret);

	(void)f;
	if (err || conf->cache_max < conf->locations_max)
		return err;
	conf_error(r, conf_where(s, "cache"),
		"\"cache\" is %u, which leaves no room for bindings in \"locations\" (%u); halve "
		"it",
		conf->cache_max, conf->locations_max);
	return -EINVAL;
}

static const struct conf_kind limits_kind = {"a group, as { locations = 65536; }", read_limits};

static const struct conf_field node_fields[] = {
	{"name", &conf_peer, CONF_AT(struct node_conf, self), .required = true},
	{"interfaces", &interfaces_kind, CONF_WHOLE, .required = true, .min = 1},
	{"keys", &conf_keys, CONF_WHOLE},
	{"run_dir", &conf_path, CONF_ROOM(struct node_conf, run_dir)},
	{"state_dir", &conf_path, CONF_ROOM(struct node_conf, state_dir)},
	{"pin_dir", &conf_path, CONF_ROOM(struct node_conf, pin_dir)},
	{"limits", &limits_kind, CONF_WHOLE},
	{"store_failure", &store_failure_kind, CONF_AT(struct node_conf, store_failure)},
	{0},
};

/* Where the directories are unless set: NAME below the base. */
static const struct {
	size_t offset;
	const char *variable, *base;
} directories[] = {
	{offsetof(struct node_conf, run_dir), "DLMA_RUN_DIR", "/run/dlma"},
	{offsetof(struct node_conf, state_dir), "DLMA_STATE_DIR", "/var/lib/dlma"},
	{offsetof(struct node_conf, pin_dir), "DLMA_PIN_DIR", "/sys/fs/bpf/dlma"},
};

static void fill_directories(
	struct conf_reader *r, const config_setting_t *s, struct node_conf *conf)
{
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		const char *given = getenv(directories[i].variable);
		const char *base = given && *given ? given : directories[i].base;
		char *path = (char *)conf + directories[i].offset;

		if (*path)
			continue;
		if (*base != '/')
			conf_error(r, s, "%s in the environment must be an absolute path",
				directories[i].variable);
		else if (snprintf(path, DOMAIN_PATH_MAX, "%s/%s", base, domain_self(conf)->name) >=
			 DOMAIN_PATH_MAX)
			conf_error(r, s, "%s in the environment is too long; shorten it",
				directories[i].variable);
	}
}

static void check_access(
	struct conf_reader *r, const config_setting_t *s, const struct node_conf *conf)
{
	const config_setting_t *list = config_setting_get_member(s, "interfaces");
	bool is_mag = domain_self(conf)->roles & DLMA_ROLE_MAG;
	uint32_t access = 0;

	for (unsigned int i = 0; i < conf->interface_count; i++) {
		if (!conf->interfaces[i].access)
			continue;
		access++;
		if (!is_mag)
			conf_error(r, config_setting_get_elem(list, i),
				"access interfaces are for a node with the role mag, which \"%s\" "
				"has "
				"not; remove \"access\" or add the role",
				domain_self(conf)->name);
	}
	if (is_mag && !access)
		conf_error(r, list,
			"a MAG needs an access interface; add { match = \"...\"; access "
			"= true; }");
	if (access == conf->interface_count)
		conf_error(r, list,
			"an interface to the network is needed beside the access "
			"interfaces; add { match = \"...\"; }");
}

static int read_node(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct node_conf *conf = ret;
	uint32_t before = r->error_count;

	(void)f;
	conf->self = DOMAIN_NO_NODE;
	conf_defaults(limit_fields, conf);
	(void)conf_read_group(r, s, node_fields, conf);
	fill_limits(conf);
	if (conf->self != DOMAIN_NO_NODE) {
		fill_directories(r, s, conf);
		/* Without roles, they are what is wrong. */
		if (domain_self(conf)->roles && conf->interface_count)
			check_access(r, s, conf);
		if (!config_setting_get_member(s, "keys"))
			conf_keys_absent(r, s, conf);
	}
	return r->error_count == before ? 0 : -EINVAL;
}

const struct conf_kind conf_node = {
	"the group of this node, as node = { name = \"v-lma-1\"; interfaces = ( ... ); }",
	read_node};
