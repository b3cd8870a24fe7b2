// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What single settings take: texts, numbers, times, addresses, names of nodes. */
#include "base/conf_read.h"
#include "base/addr.h"
#include "base/conf.h"
#include <ctype.h>
#include <errno.h>

static int read_text(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *text = config_setting_get_string(s);

	if (!text || !*text)
		return conf_refuse(r, s, f);
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return conf_refuse(r, s, f);
	if (strlen(text) >= f->max) {
		conf_error(r, s, "\"%s\" is too long; %u octets is the most", f->name, f->max - 1);
		return -EINVAL;
	}
	strcpy(ret, text);
	return 0;
}

const struct conf_kind conf_text = {"a text in quotes", read_text};

/* A bad name is kept all the same: what refers to it is not wrong as well. */
static int read_name(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *name = ret;
	int err = read_text(r, s, f, ret);

	/* It becomes a file name, also on bpffs, which takes no dots. */
	if (!err && (strspn(name, allowed) != strlen(name) || !isalnum((unsigned char)*name)))
		return conf_refuse(r, s, f);
	return err;
}

const struct conf_kind conf_name = {
	"a name of a-z, 0-9 and \"-\" that begins with a letter or digit, as \"v-lma-1\"",
	read_name};

static int read_path(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *text = config_setting_get_string(s);

	return text && *text == '/' ? read_text(r, s, f, ret) : conf_refuse(r, s, f);
}

const struct conf_kind conf_path = {"an absolute path, as \"/var/lib/dlma/v-lma-1\"", read_path};

static int read_flag(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return conf_refuse(r, s, f);
	*(bool *)ret = config_setting_get_bool(s);
	return 0;
}

const struct conf_kind conf_flag = {"true or false, without quotes", read_flag};

/* 32-bit hexadecimal numbers come out of libconfig as negative ones. */
static double number_of(const config_setting_t *s)
{
	if (config_setting_type(s) == CONFIG_TYPE_FLOAT)
		return config_setting_get_float(s);
	if (config_setting_type(s) == CONFIG_TYPE_INT64)
		return (double)config_setting_get_int64(s);
	if (config_setting_get_format(s) == CONFIG_FORMAT_HEX)
		return (uint32_t)config_setting_get_int(s);
	return config_setting_get_int(s);
}

static int read_number(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	double value = number_of(s);

	if (!config_setting_is_number(s) || config_setting_type(s) == CONFIG_TYPE_FLOAT)
		return conf_refuse(r, s, f);
	if (value < f->min || value > f->max) {
		conf_error(r, s, "\"%s\" is %.0f; it must lie between %u and %u", f->name, value,
			f->min, f->max);
		return -EINVAL;
	}
	*(uint32_t *)ret = (uint32_t)value;
	return 0;
}

const struct conf_kind conf_number = {"a whole number without quotes", read_number};

static int read_seconds(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	double ms = 1000 * number_of(s);

	if (!config_setting_is_number(s))
		return conf_refuse(r, s, f);
	if (ms < f->min || ms > f->max) {
		conf_error(r, s, "\"%s\" is %g seconds; it must lie between %g and %g", f->name,
			ms / 1000, f->min / 1000.0, f->max / 1000.0);
		return -EINVAL;
	}
	*(uint32_t *)ret = (uint32_t)(ms + 0.5);
	return 0;
}

const struct conf_kind conf_seconds = {
	"a number of seconds without quotes, as 60 or 0.5", read_seconds};

/* What keeps packets to the address on their link or node; NULL for a routable address. */
static const char *scope_of(const struct dlma_addr *a)
{
	if (addr_is_multicast(a))
		return "multicast";
	if (addr_is_link_local(a))
		return "link-local";
	if (addr_is_zero(a))
		return "unspecified";
	return addr_is_routable(a) ? NULL : "loopback";
}

static int check_scope(struct conf_reader *r, const config_setting_t *s, const struct conf_field *f,
	const struct dlma_addr *a)
{
	const char *scope = scope_of(a);

	if (!scope)
		return 0;
	conf_error(r, s, "\"%s\" is %s; a routable one is needed", f->name, scope);
	return -EINVAL;
}

static int read_address(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *text = config_setting_get_string(s);
	struct dlma_addr a;

	if (!text || addr_parse(text, &a))
		return conf_refuse(r, s, f);
	if (check_scope(r, s, f, &a))
		return -EINVAL;
	*(struct dlma_addr *)ret = a;
	return 0;
}

const struct conf_kind conf_address = {"an IPv6 address, as \"2001:db8:f::1\"", read_address};

static int read_prefix(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *text = config_setting_get_string(s);
	struct dlma_prefix p;
	int err = text ? prefix_parse(text, &p) : -EBADMSG;

	if (err == -EINVAL) {
		conf_error(r, s,
			"\"%s\": %.64s has bits set beyond its length; clear them, or "
			"lengthen it",
			f->name, text);
		return err;
	}
	if (err)
		return conf_refuse(r, s, f);
	if (check_scope(r, s, f, &p.addr))
		return -EINVAL;
	*(struct dlma_prefix *)ret = p;
	return 0;
}

const struct conf_kind conf_prefix = {"an IPv6 prefix, as \"2001:db8:100::/40\"", read_prefix};

static int read_peer(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const struct domain *d = r->domain;
	struct conf_nearest nearest = {.word = config_setting_get_string(s)};
	uint16_t index;

	if (!nearest.word)
		return conf_refuse(r, s, f);
	index = domain_find_name(d, nearest.word);
	if (index != DOMAIN_NO_NODE) {
		*(uint16_t *)ret = index;
		return 0;
	}
	for (uint32_t i = 0; i < d->node_count; i++)
		conf_nearest_try(&nearest, d->nodes[i].name);
	/* Without any node the list of nodes is what is wrong, and that has been said. */
	if (d->node_count)
		conf_error(r, s, "\"%s\" names \"%.64s\", which is not in \"nodes\"; %s%s%s",
			f->name, nearest.word,
			nearest.best ? "did you mean \"" : "add it there, or correct it",
			nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
	return -EINVAL;
}

const struct conf_kind conf_peer = {"the name of a node, as \"h-lma\"", read_peer};

static int read_disclosure(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	static const char *const names[] = {
		[DOMAIN_DISCLOSE_NONE] = "none",
		[DOMAIN_DISCLOSE_LMA] = "lma",
		[DOMAIN_DISCLOSE_MAG] = "mag",
	};
	const char *word = config_setting_get_string(s);

	for (int i = DOMAIN_DISCLOSE_NONE; word && i <= DOMAIN_DISCLOSE_MAG; i++) {
		if (strcmp(word, names[i]))
			continue;
		*(enum domain_disclosure *)ret = (enum domain_disclosure)i;
		return 0;
	}
	return conf_refuse(r, s, f);
}

const struct conf_kind conf_disclosure = {"\"none\", \"lma\" or \"mag\"", read_disclosure};
