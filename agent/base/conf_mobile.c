// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policy profiles: "mobile_nodes" of the domain. */
#include "base/addr.h"
#include "base/conf_read.h"
#include "base/text.h"
#include <errno.h>

/* user@realm of RFC 4282: nothing that would not survive a log line or a RADIUS attribute. */
static bool nai_is_valid(const char *id)
{
	const char *at = strchr(id, '@');

	if (strchr(id, ' ') || !text_is_plain(id))
		return false;
	return at && at != id && at[1] && !strchr(at + 1, '@');
}

static int read_id(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	const char *id = config_setting_get_string(s);

	if (!id || !nai_is_valid(id))
		return conf_refuse(r, s, f);
	return conf_text.read(r, s, f, ret);
}

static const struct conf_kind id_kind = {"a NAI, as \"mn1@example.net\"", read_id};

static int read_link_layer(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	static const uint8_t none[6];
	const char *text = config_setting_get_string(s);
	uint8_t mac[6];

	if (!text || mac_parse(text, mac) || mac[0] & 1 || !memcmp(mac, none, sizeof(mac)))
		return conf_refuse(r, s, f);
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

static const struct conf_kind link_layer_kind = {
	"the MAC address of one interface, as \"02:00:00:00:01:01\"", read_link_layer};

static int read_hnp(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct domain_mobile *m = ret;
	int err = conf_prefix.read(r, s, f, &m->hnp);

	m->has_hnp = !err;
	return err;
}

static const struct conf_kind hnp_kind = {"a HNP, as \"2001:db8:100:1::/64\"", read_hnp};

static const struct conf_field mobile_fields[] = {
	{"id", &id_kind, CONF_ROOM(struct domain_mobile, id), .required = true},
	{"link_layer", &link_layer_kind, CONF_AT(struct domain_mobile, link_layer),
		.required = true},
	{"home", &conf_peer, CONF_AT(struct domain_mobile, home), .required = true},
	{"hnp", &hnp_kind, CONF_WHOLE},
	{"allowed", &conf_flag, CONF_AT(struct domain_mobile, allowed)},
	{"disclose_proxy_coa", &conf_disclosure, CONF_AT(struct domain_mobile, disclosure)},
	{0},
};

/* A key that may come again only in an entry with the same `but`; without `but` never. */
struct once {
	const char *at, *but, *text;
	struct conf_seen seen;
};

static bool same_text(const config_setting_t *a, const config_setting_t *b, const char *member)
{
	const char *left = config_setting_get_string(conf_where(a, member));
	const char *right = config_setting_get_string(conf_where(b, member));

	return left && right && !strcmp(left, right);
}

static void check_once(struct conf_reader *r, const config_setting_t *s, struct once *o,
	const void *key, size_t len)
{
	const config_setting_t *earlier = conf_seen_before(&o->seen, s, key, len);

	if (earlier && !(o->but && same_text(earlier, s, o->but)))
		conf_error(r, conf_where(s, o->at), "%s line %u; change one of them", o->text,
			conf_line(earlier));
}

/* The block that the HNP lies in; the prefixes are sorted, so the first is the owner's. */
static const struct domain_prefix *block_of(const struct domain *d, const struct dlma_prefix *hnp)
{
	for (uint32_t i = 0; i < d->prefix_count; i++)
		if (prefix_contains(&d->prefixes[i].prefix, &hnp->addr))
			return &d->prefixes[i];
	return NULL;
}

static void check_hnp(struct conf_reader *r, const config_setting_t *s, const struct domain *d,
	const struct domain_mobile *m)
{
	const struct domain_prefix *block = block_of(d, &m->hnp);
	const config_setting_t *at = conf_where(s, "hnp");

	if (!block || block->owner != m->home)
		conf_error(r, at, "the HNP lies in no prefix of \"%s\"; take one that it owns",
			d->nodes[m->home].name);
	else if (block->hnp_len != m->hnp.len)
		conf_error(r, at,
			"the HNP has %u bits, but \"hnp_length\" of its prefix is %u; "
			"make them equal",
			m->hnp.len, block->hnp_len);
}

static bool owns_prefix(const struct domain *d, uint16_t node)
{
	for (uint32_t i = 0; i < d->prefix_count; i++)
		if (d->prefixes[i].owner == node)
			return true;
	return false;
}

static void check_home(struct conf_reader *r, const config_setting_t *s, const struct domain *d,
	const struct domain_mobile *m)
{
	const struct domain_node *home = &d->nodes[m->home];
	const config_setting_t *at = conf_where(s, "home");

	if (home->roles == DLMA_ROLE_MAG)
		conf_error(r, at, "\"%s\" has not the role lma; name a node that has", home->name);
	else if (!owns_prefix(d, m->home))
		conf_error(r, at,
			"\"%s\" owns no prefix to allocate a HNP from; give it one in "
			"\"prefixes\"",
			home->name);
	else if (m->has_hnp)
		check_hnp(r, s, d, m);
}

/* A prefix that was refused could be the one that is missed here. */
static bool prefixes_are_complete(const struct domain *d, const config_setting_t *mobiles)
{
	const config_setting_t *prefixes =
		config_setting_get_member(config_setting_parent(mobiles), "prefixes");

	return prefixes && (uint32_t)config_setting_length(prefixes) == d->prefix_count;
}

static int read_mobiles(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct domain *d = ret;
	struct once link_layers = {
		.at = "link_layer", .text = "this link-layer address is that of the interface on"};
	struct once ids = {.at = "home",
		.but = "home",
		.text = "a MN has one H-LMA, but this one has another on"};
	struct once hnps = {.at = "hnp", .but = "id", .text = "this HNP is that of another MN on"};
	bool complete = prefixes_are_complete(d, s);
	uint32_t before = r->error_count;

	d->mobiles = conf_list(r, s, f, sizeof(*d->mobiles), &d->mobile_count);
	if (!d->mobiles)
		return -EINVAL;
	for (unsigned int i = 0; i < d->mobile_count; i++) {
		const config_setting_t *elem = config_setting_get_elem(s, i);
		struct domain_mobile *m = &d->mobiles[i];

		m->allowed = true;
		if (conf_read_group(r, elem, mobile_fields, m))
			continue;
		check_once(r, elem, &link_layers, m->link_layer, sizeof(m->link_layer));
		check_once(r, elem, &ids, m->id, strlen(m->id));
		if (m->has_hnp)
			check_once(r, elem, &hnps, &m->hnp, sizeof(m->hnp));
		if (complete)
			check_home(r, elem, d, m);
	}
	conf_seen_done(&link_layers.seen);
	conf_seen_done(&ids.seen);
	conf_seen_done(&hnps.seen);
	return r->error_count == before ? 0 : -EINVAL;
}

const struct conf_kind conf_mobiles = {
	"a list of profiles, as ( { id = \"mn1@example.net\"; link_layer = \"02:00:00:00:01:01\"; "
	"home = \"h-lma\"; } )",
	read_mobiles};
