// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The group "domain": its nodes, who owns which HoA prefix, and the superset of these. */
#include "base/addr.h"
#include "base/conf_read.h"
#include "base/superset.h"
#include <errno.h>
#include <stdlib.h>

static uint32_t role_of(const char *name)
{
	if (name && !strcmp(name, "lma"))
		return DLMA_ROLE_LMA;
	return name && !strcmp(name, "mag") ? DLMA_ROLE_MAG : 0;
}

static bool is_filled_array(const config_setting_t *s)
{
	return config_setting_is_array(s) && config_setting_length(s);
}

static int read_roles(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	uint32_t roles = 0;

	if (!is_filled_array(s))
		return conf_refuse(r, s, f);
	for (int i = 0; i < config_setting_length(s); i++) {
		uint32_t role = role_of(config_setting_get_string_elem(s, i));

		if (!role || roles & role)
			return conf_refuse(r, s, f);
		roles |= role;
	}
	*(uint32_t *)ret = roles;
	return 0;
}

static const struct conf_kind roles_kind = {
	"[ \"lma\" ], [ \"mag\" ] or [ \"lma\", \"mag\" ]", read_roles};

/* A setting that is read once others are known. */
static int read_later(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	(void)r, (void)s, (void)f, (void)ret;
	return 0;
}

static const struct conf_kind lma_kind = {"the name of an LMA, as \"v-lma-1\"", read_later};

static const struct conf_field node_fields[] = {
	{"name", &conf_name, CONF_ROOM(struct domain_node, name), .required = true},
	{"roles", &roles_kind, CONF_AT(struct domain_node, roles), .required = true},
	{"address", &conf_address, CONF_AT(struct domain_node, address), .required = true},
	{"lma", &lma_kind, CONF_WHOLE},
	{"backup", &lma_kind, CONF_WHOLE},
	{0},
};

struct nodes_seen {
	struct conf_seen names, addresses;
};

static void check_node_unique(struct conf_reader *r, const config_setting_t *s,
	const struct domain_node *n, struct nodes_seen *seen)
{
	const config_setting_t *earlier = NULL;

	if (*n->name)
		earlier = conf_seen_before(&seen->names, s, n->name, strlen(n->name));
	if (earlier)
		conf_error(r, conf_where(s, "name"),
			"the name \"%s\" is taken by the node on line %u; choose another", n->name,
			conf_line(earlier));
	earlier = NULL;
	if (!addr_is_zero(&n->address))
		earlier = conf_seen_before(&seen->addresses, s, &n->address, sizeof(n->address));
	if (earlier)
		conf_error(r, conf_where(s, "address"),
			"the address is that of the node on line %u; give each its own",
			conf_line(earlier));
}

/* A setting that names an LMA; all nodes have been read. */
static void read_lma(
	struct conf_reader *r, const config_setting_t *s, const struct domain *d, uint16_t *ret)
{
	const struct conf_field field = {config_setting_name(s), &conf_peer, CONF_WHOLE};
	uint16_t index;

	if (conf_peer.read(r, s, &field, &index))
		return;
	/* Without roles, they are what is wrong there. */
	if (d->nodes[index].roles && !(d->nodes[index].roles & DLMA_ROLE_LMA))
		conf_error(r, s, "\"%s\" has not the role lma; name a node that has",
			d->nodes[index].name);
	else
		*ret = index;
}

/* The LMA that a pure MAG registers with. */
static void read_registration(struct conf_reader *r, const config_setting_t *s,
	const struct domain *d, struct domain_node *n)
{
	const config_setting_t *lma = config_setting_get_member(s, "lma");

	if (lma)
		read_lma(r, lma, d, &n->lma);
	else
		conf_error(r, s, "\"lma\" is missing; a MAG needs %s", lma_kind.takes);
}

static void check_backup(struct conf_reader *r, const config_setting_t *s, const struct domain *d,
	struct domain_node *n)
{
	const config_setting_t *backup = config_setting_get_member(s, "backup");

	if (!backup)
		return;
	if (n->roles == DLMA_ROLE_MAG) {
		conf_error(r, backup, "\"backup\" is for a node with the role lma; remove it");
		return;
	}
	n->backup = DOMAIN_NO_NODE;
	read_lma(r, backup, d, &n->backup);
	n->has_backup = n->backup != DOMAIN_NO_NODE;
	if (n->backup == n - d->nodes)
		conf_error(r, backup, "a node is no backup of itself; name another LMA");
}

static void check_registration(struct conf_reader *r, const config_setting_t *s,
	const struct domain *d, struct domain_node *n)
{
	const config_setting_t *lma = config_setting_get_member(s, "lma");
	const char *named = lma ? config_setting_get_string(lma) : n->name;

	n->lma = DOMAIN_NO_NODE;
	if (n->roles == DLMA_ROLE_MAG) {
		read_registration(r, s, d, n);
	} else if (n->roles == DLMA_ROLE_LMA && lma) {
		conf_error(r, lma, "\"lma\" is for a node with the role mag; remove it");
	} else if (n->roles && n->roles != DLMA_ROLE_LMA) {
		n->lma = (uint16_t)(n - d->nodes);
		if (!named || strcmp(named, n->name))
			conf_error(r, lma,
				"a node with both roles registers with itself; remove "
				"\"lma\"");
	}
}

static void check_references(struct conf_reader *r, const config_setting_t *s,
	const struct domain *d, struct domain_node *n)
{
	check_registration(r, s, d, n);
	check_backup(r, s, d, n);
}

static int read_nodes(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct domain *d = ret;
	struct nodes_seen seen = {0};
	uint32_t before = r->error_count;

	d->nodes = conf_list(r, s, f, sizeof(*d->nodes), &d->node_count);
	if (!d->nodes)
		return -EINVAL;
	for (unsigned int i = 0; i < d->node_count; i++) {
		const config_setting_t *elem = config_setting_get_elem(s, i);

		(void)conf_read_group(r, elem, node_fields, &d->nodes[i]);
		check_node_unique(r, elem, &d->nodes[i], &seen);
	}
	for (unsigned int i = 0; i < d->node_count; i++)
		check_references(r, config_setting_get_elem(s, i), d, &d->nodes[i]);
	conf_seen_done(&seen.names);
	conf_seen_done(&seen.addresses);
	return r->error_count == before ? 0 : -EINVAL;
}

static const struct conf_kind nodes_kind = {
	"a list of nodes, as ( { name = \"v-lma-1\"; roles = [ \"lma\" ]; address = \"...\"; } )",
	read_nodes};

/* An entry of "prefixes". */
struct owned {
	struct dlma_prefix prefix;
	uint32_t hnp_length;
	uint16_t owner;
	uint16_t *anchors; /* allocated; NULL: not given */
	uint32_t anchor_count;
};

static bool is_listed(const struct owned *o, uint16_t node)
{
	for (uint32_t i = 0; i < o->anchor_count; i++)
		if (o->anchors[i] == node)
			return true;
	return false;
}

static int read_anchor(struct conf_reader *r, const config_setting_t *s, struct owned *o)
{
	static const struct conf_field field = {"anchors", &conf_peer, CONF_WHOLE};
	uint16_t node;

	if (conf_peer.read(r, s, &field, &node))
		return -EINVAL;
	if (r->domain->nodes[node].roles == DLMA_ROLE_MAG) {
		conf_error(r, s, "\"%s\" has not the role lma; name a node that has",
			r->domain->nodes[node].name);
		return -EINVAL;
	}
	if (is_listed(o, node)) {
		conf_error(r, s, "\"%s\" is listed twice; remove one", r->domain->nodes[node].name);
		return -EINVAL;
	}
	o->anchors[o->anchor_count++] = node;
	return 0;
}

static int read_anchors(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct owned *o = ret;
	unsigned int count =
		config_setting_is_array(s) ? (unsigned int)config_setting_length(s) : 0;
	int err = 0;

	if (!config_setting_is_array(s))
		return conf_refuse(r, s, f);
	o->anchors = calloc(count + 1, sizeof(*o->anchors));
	if (!o->anchors) {
		conf_error(r, s, "out of memory for %u entries of \"%s\"", count, f->name);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < count; i++)
		if (read_anchor(r, config_setting_get_elem(s, i), o))
			err = -EINVAL;
	return err;
}

static const struct conf_kind anchors_kind = {
	"an array of names of LMAs, as [ \"v-lma-1\" ]", read_anchors};

static const struct conf_field prefix_fields[] = {
	{"prefix", &conf_prefix, CONF_AT(struct owned, prefix), .required = true},
	{"owner", &conf_peer, CONF_AT(struct owned, owner), .required = true},
	{"hnp_length", &conf_number, CONF_AT(struct owned, hnp_length), .fallback = 64, .min = 1,
		.max = 128},
	{"anchors", &anchors_kind, CONF_WHOLE},
	{0},
};

static void check_owned(
	struct conf_reader *r, const config_setting_t *s, const struct domain *d, struct owned *o)
{
	const struct domain_node *owner = &d->nodes[o->owner];

	if (owner->roles == DLMA_ROLE_MAG)
		conf_error(r, conf_where(s, "owner"),
			"\"%s\" has not the role lma; name a node that has", owner->name);
	if (o->hnp_length < o->prefix.len)
		conf_error(r, conf_where(s, "hnp_length"),
			"\"hnp_length\" is %u; it must lie between the prefix's own %u and 128",
			o->hnp_length, o->prefix.len);
}

/* A HNP belongs to one owner, so a nested prefix must consist of whole HNPs. */
static bool splits_hnp(const struct domain_prefix *inner, const struct domain_prefix *outer)
{
	return inner->prefix.len > outer->hnp_len &&
	       prefix_contains(&outer->prefix, &inner->prefix.addr);
}

static void check_overlaps(struct conf_reader *r, const config_setting_t *s, const struct domain *d,
	const struct domain_prefix *p)
{
	char text[PREFIX_TEXT_MAX];

	for (uint32_t i = 0; i < d->prefix_count; i++) {
		const struct domain_prefix *other = &d->prefixes[i];
		const config_setting_t *at = conf_where(s, "prefix");

		prefix_format(&other->prefix, text);
		if (prefix_equal(&other->prefix, &p->prefix))
			conf_error(r, at, "%s is listed twice; remove one", text);
		else if (splits_hnp(p, other) || splits_hnp(other, p))
			conf_error(r, at,
				"this prefix and %s share a HNP; lengthen \"hnp_length\" of "
				"the larger one, or keep the prefixes apart",
				text);
	}
}

/* Only what is right is added: the checks to come need whole prefixes. */
static void add_owned(struct conf_reader *r, const config_setting_t *s, struct domain *d)
{
	struct owned o = {0};
	struct domain_prefix p;
	uint32_t before = r->error_count;

	conf_defaults(prefix_fields, &o);
	if (!conf_read_group(r, s, prefix_fields, &o))
		check_owned(r, s, d, &o);
	if (r->error_count == before) {
		p = (struct domain_prefix){.prefix = o.prefix,
			.hnp_len = (uint8_t)o.hnp_length,
			.owner = o.owner,
			.anchors = o.anchors,
			.anchor_count = o.anchor_count};
		check_overlaps(r, s, d, &p);
	}
	if (r->error_count == before)
		d->prefixes[d->prefix_count++] = p;
	else
		free(o.anchors);
}

static int longest_first(const void *left, const void *right)
{
	const struct domain_prefix *a = left, *b = right;

	if (a->prefix.len != b->prefix.len)
		return b->prefix.len - a->prefix.len;
	return memcmp(&a->prefix.addr, &b->prefix.addr, sizeof(a->prefix.addr));
}

static int read_prefixes(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct domain *d = ret;
	uint32_t count;

	d->prefixes = conf_list(r, s, f, sizeof(*d->prefixes), &count);
	if (!d->prefixes)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++)
		add_owned(r, config_setting_get_elem(s, i), d);
	qsort(d->prefixes, d->prefix_count, sizeof(*d->prefixes), longest_first);
	return d->prefix_count == count ? 0 : -EINVAL;
}

static const struct conf_kind prefixes_kind = {
	"a list of prefixes, as ( { prefix = \"2001:db8:100::/40\"; owner = \"h-lma\"; } )",
	read_prefixes};

/* Its contents are read once the prefixes are known. */
static int read_superset_type(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	(void)ret;
	return is_filled_array(s) ? 0 : conf_refuse(r, s, f);
}

static const struct conf_kind superset_kind = {
	"an array of IPv6 prefixes, as [ \"2001:db8::/32\" ]", read_superset_type};

/* The owned prefixes lie sorted, so the last one inside is the largest: its HNPs are typical. */
static const struct domain_prefix *largest_inside(
	const struct domain *d, const struct dlma_prefix *outer)
{
	for (uint32_t i = d->prefix_count; i--;)
		if (d->prefixes[i].prefix.len >= outer->len &&
			prefix_contains(outer, &d->prefixes[i].prefix.addr))
			return &d->prefixes[i];
	return NULL;
}

/* Reads one entry of "superset" as if somebody owned it. */
static int read_given(struct conf_reader *r, const config_setting_t *s, const struct domain *d,
	struct domain_prefix *ret)
{
	static const struct conf_field field = {"superset", &conf_prefix, CONF_WHOLE};
	const struct domain_prefix *inside;

	if (conf_prefix.read(r, s, &field, &ret->prefix))
		return -EINVAL;
	inside = largest_inside(d, &ret->prefix);
	if (!inside) {
		conf_error(r, s,
			"no prefix of \"prefixes\" lies in this part of the superset; "
			"remove it");
		return -EINVAL;
	}
	ret->hnp_len = inside->hnp_len;
	return 0;
}

static bool is_covered(
	const struct domain_prefix *p, const struct domain_prefix *given, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (given[i].prefix.len <= p->prefix.len &&
			prefix_contains(&given[i].prefix, &p->prefix.addr))
			return true;
	return false;
}

static void check_covered(struct conf_reader *r, const config_setting_t *s, const struct domain *d,
	const struct domain_prefix *given, uint32_t count)
{
	char text[PREFIX_TEXT_MAX];

	for (uint32_t i = 0; i < d->prefix_count; i++)
		if (!is_covered(&d->prefixes[i], given, count))
			conf_error(r, s, "the superset does not cover %s, owned by \"%s\"; add it",
				prefix_format(&d->prefixes[i].prefix, text),
				d->nodes[d->prefixes[i].owner].name);
}

static void build_superset(struct conf_reader *r, const config_setting_t *s, struct domain *d,
	const struct domain_prefix *blocks, uint32_t count)
{
	uint32_t needed = 0;
	int err = superset_build(blocks, count, d->superset, &needed);

	if (err == -E2BIG)
		conf_error(r, s,
			"the HoA prefixes aggregate to %u, but a superset has at most %d; "
			"give fewer and larger ones as \"superset\"",
			needed, DLMA_SUPERSET_MAX);
	else if (err)
		conf_error(r, s, "out of memory for the superset");
	else
		d->superset_count = needed;
}

static void read_superset(struct conf_reader *r, const config_setting_t *domain, struct domain *d)
{
	const config_setting_t *setting = config_setting_get_member(domain, "superset");
	const config_setting_t *given = setting && is_filled_array(setting) ? setting : NULL;
	uint32_t listed = given ? (uint32_t)config_setting_length(given) : 0, count = 0;
	uint32_t before = r->error_count;
	struct domain_prefix *blocks = calloc(listed + d->prefix_count + 1, sizeof(*blocks));

	if (!blocks) {
		conf_error(r, domain, "out of memory for the superset");
		return;
	}
	for (unsigned int i = 0; i < listed; i++)
		if (!read_given(r, config_setting_get_elem(given, i), d, &blocks[count]))
			count++;
	if (given && r->error_count == before)
		check_covered(r, given, d, blocks, count);
	memcpy(blocks + count, d->prefixes, d->prefix_count * sizeof(*blocks));
	build_superset(r, given ? given : conf_where(domain, "prefixes"), d, blocks,
		count + d->prefix_count);
	free(blocks);
}

static void check_nodes_outside(
	struct conf_reader *r, const config_setting_t *nodes, const struct domain *d)
{
	for (unsigned int i = 0; i < d->node_count; i++)
		if (superset_contains(d->superset, d->superset_count, &d->nodes[i].address))
			conf_error(r, conf_where(config_setting_get_elem(nodes, i), "address"),
				"the address of a node lies in the superset of HoA prefixes, where "
				"tunnels to it would be intercepted; take one outside");
}

static const struct conf_field security_fields[] = {
	{"authentication", &conf_flag, CONF_AT(struct domain, authentication)},
	{"vendor_id", &conf_number, CONF_AT(struct domain, vendor_id), .fallback = 32473, .min = 1,
		.max = UINT32_MAX},
	{0},
};

static int read_security(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	(void)f;
	return conf_read_group(r, s, security_fields, ret);
}

static const struct conf_kind security_kind = {
	"a group, as { authentication = true; }", read_security};

static const struct conf_field domain_fields[] = {
	{"name", &conf_name, CONF_ROOM(struct domain, name), .required = true},
	{"nodes", &nodes_kind, CONF_WHOLE, .required = true, .min = 1, .max = DLMA_PEERS_MAX},
	{"prefixes", &prefixes_kind, CONF_WHOLE, .required = true, .min = 1,
		.max = DLMA_OWNERS_MAX},
	{"superset", &superset_kind, CONF_WHOLE},
	{"mobile_nodes", &conf_mobiles, CONF_WHOLE},
	{"security", &security_kind, CONF_WHOLE},
	{"disclose_proxy_coa", &conf_disclosure, CONF_AT(struct domain, disclosure)},
	{"home_tracks_mag", &conf_flag, CONF_AT(struct domain, home_tracks_mag)},
	{"ask_first", &conf_flag, CONF_AT(struct domain, ask_first)},
	{"timers", &conf_timers, CONF_AT(struct domain, timers)},
	{0},
};

static int read_domain(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	struct domain *d = ret;
	uint32_t before = r->error_count;

	(void)f;
	d->authentication = true;
	d->disclosure = DOMAIN_DISCLOSE_NONE;
	conf_defaults(security_fields, d);
	conf_defaults(conf_timer_fields, &d->timers);
	(void)conf_read_group(r, s, domain_fields, d);
	if (d->prefix_count) {
		read_superset(r, s, d);
		check_nodes_outside(r, config_setting_get_member(s, "nodes"), d);
	}
	return r->error_count == before ? 0 : -EINVAL;
}

const struct conf_kind conf_domain = {
	"the group that describes the domain, mostly by: @include \"domain.conf\"", read_domain};
