// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/conf.h"
#include "base/addr.h"
#include "base/conf_read.h"
#include <errno.h>
#include <stdlib.h>

static int read_nothing(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	(void)r, (void)s, (void)f, (void)ret;
	return 0;
}

static const struct conf_kind nothing = {"", read_nothing};

static const struct conf_field node_file[] = {
	{"domain", &conf_domain, CONF_AT(struct node_conf, domain), .required = true},
	{"node", &conf_node, CONF_WHOLE, .required = true},
	{0},
};

static const struct conf_field domain_file[] = {
	{"domain", &conf_domain, CONF_WHOLE, .required = true},
	{"node", &nothing, CONF_WHOLE},
	{0},
};

static void read_text(
	struct conf_reader *r, const char *text, const struct conf_field *fields, void *base)
{
	config_t config = {0};

	if (!conf_file_parse(r, text, &config))
		(void)conf_read_group(r, config_root_setting(&config), fields, base);
	config_destroy(&config);
}

/* `domain` is the part of `base` that the domain is read into. */
static int read_file(const char *path, const struct conf_field *fields, void *base,
	const struct domain *domain, FILE *errors)
{
	struct conf_reader r = {.path = path, .errors = errors, .domain = domain};
	char *text = NULL;
	uint32_t mode;
	int err = conf_file_load(path, &text, &mode);

	if (err)
		conf_error(&r, NULL, "cannot read this file: %s", conf_file_problem(err));
	else
		read_text(&r, text, fields, base);
	conf_file_wipe(text);
	return r.error_count ? -EINVAL : 0;
}

int conf_load(const char *path, struct node_conf *ret, FILE *errors)
{
	int err;

	*ret = (struct node_conf){0};
	err = read_file(path, node_file, ret, &ret->domain, errors);
	if (err)
		conf_done(ret);
	return err;
}

int conf_load_domain(const char *path, struct domain *ret, FILE *errors)
{
	int err;

	*ret = (struct domain){0};
	err = read_file(path, domain_file, ret, ret, errors);
	if (err)
		conf_domain_done(ret);
	return err;
}

void conf_domain_done(struct domain *d)
{
	for (uint32_t i = 0; i < d->prefix_count; i++)
		free(d->prefixes[i].anchors);
	free(d->nodes);
	free(d->prefixes);
	free(d->mobiles);
	*d = (struct domain){0};
}

void conf_done(struct node_conf *conf)
{
	if (conf->keys)
		explicit_bzero(conf->keys, conf->key_count * sizeof(*conf->keys));
	free(conf->keys);
	free(conf->interfaces);
	conf_domain_done(&conf->domain);
	*conf = (struct node_conf){0};
}

uint16_t domain_find_name(const struct domain *d, const char *name)
{
	struct dlma_addr a;
	bool is_address = !addr_parse(name, &a);

	for (uint16_t i = 0; i < d->node_count; i++)
		if (is_address ? addr_equal(&a, &d->nodes[i].address)
			       : !strcmp(name, d->nodes[i].name))
			return i;
	return DOMAIN_NO_NODE;
}
