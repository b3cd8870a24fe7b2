// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a good configuration becomes. Bad ones are in test_conf_bad.c. */
#include "base/conf.h"
#include "base/addr.h"
#include "base/conf_read.h"
#include "ctl/keygen.h"
#include "scratch.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *dir;
static char *said;
static size_t said_len;
static FILE *errors;
static struct node_conf conf;

static void setup(void)
{
	dir = scratch_make();
	errors = open_memstream(&said, &said_len);
	unsetenv("DLMA_RUN_DIR");
	unsetenv("DLMA_STATE_DIR");
	unsetenv("DLMA_PIN_DIR");
}

static void teardown(void)
{
	conf_done(&conf);
	fclose(errors);
	free(said);
	scratch_remove(dir);
}

TestSuite(conf, .init = setup, .fini = teardown);

#define NODE_A "{ name = \"a\"; roles = [ \"lma\" ]; address = \"2001:db8:f::a\"; }"
#define NODE_B "{ name = \"b\"; roles = [ \"mag\", \"lma\" ]; address = \"2001:db8:f::b\"; }"
#define NODE_M "{ name = \"m\"; roles = [ \"mag\" ]; address = \"2001:db8:f::c\"; lma = \"a\"; }"
#define BLOCK  "{ prefix = \"2001:db8:100::/40\"; owner = \"a\"; }"
#define OPEN   "security = { authentication = false; };"
#define DOMAIN(nodes, prefixes, more)                                                             \
	"domain = { name = \"test\"; nodes = (" nodes "); prefixes = (" prefixes "); " more " };" \
	"\n"
#define NODE(name, more) \
	"node = { name = \"" name "\"; interfaces = ( { match = \"eth*\"; } ); " more " };\n"

static void write_conf(const char *text)
{
	scratch_write(dir, "node.conf", text);
}

static int try_load(void)
{
	int err = conf_load(scratch_path(dir, "node.conf"), &conf, errors);

	fflush(errors);
	return err;
}

static void load(const char *text)
{
	write_conf(text);
	cr_assert_eq(try_load(), 0, "%s", said);
	cr_assert_str_empty(said);
}

static void expect_prefix(const struct dlma_prefix *p, const char *want)
{
	char text[PREFIX_TEXT_MAX];

	cr_expect_str_eq(prefix_format(p, text), want);
}

Test(conf, defaults)
{
	const struct domain *d = &conf.domain;
	const struct domain_timers *t = &d->timers;

	load(DOMAIN(NODE_A, BLOCK, "") NODE("a", ""));
	cr_expect(d->authentication);
	cr_expect_eq(d->vendor_id, 32473);
	cr_expect_eq(d->prefixes[0].hnp_len, 64);
	cr_expect_eq(d->mobile_count, 0);
	cr_expect_eq(t->binding_lifetime_ms, 600000);
	cr_expect_eq(t->cache_lifetime_ms, 60000);
	cr_expect_eq(t->cache_idle_ms, 30000);
	cr_expect_eq(t->negative_ms, 5000);
	cr_expect_eq(t->forwarding_lifetime_ms, 60000);
	cr_expect_eq(t->min_delay_before_bce_delete_ms, 10000);
	cr_expect_eq(t->timestamp_validity_window_ms, 300);
	cr_expect_eq(t->lma_timestamp_window_ms, 30000);
	cr_expect_eq(t->initial_bindack_timeout_ms, 1000);
	cr_expect_eq(t->max_bindack_timeout_ms, 32000);
	cr_expect_eq(t->heartbeat_interval_ms, 60000);
	cr_expect_eq(t->missing_heartbeats_allowed, 3);
	cr_expect_eq(t->router_lifetime_ms, 1800000);
	cr_expect_eq(t->presence_timeout_ms, 500);
	cr_expect_eq(conf.locations_max, 65536);
	cr_expect_eq(conf.cache_max, 32768);
	cr_expect_eq(conf.access_max, 16384);
	cr_expect_eq(conf.bindings_per_mag, 28672);
	cr_expect_eq(conf.anchors_per_lma, 28672);
	cr_expect_eq(conf.moves_per_peer, 1000);
	cr_expect_eq(conf.moves_per_mn, 3);
	cr_expect_null(d->prefixes[0].anchors);
	cr_expect_eq(conf.interfaces[0].hook, DOMAIN_HOOK_AUTO);
	cr_expect_not(conf.interfaces[0].access);
	cr_expect_str_eq(conf.run_dir, "/run/dlma/a");
	cr_expect_str_eq(conf.state_dir, "/var/lib/dlma/a");
	cr_expect_str_eq(conf.pin_dir, "/sys/fs/bpf/dlma/a");
}

Test(conf, timers)
{
	const struct domain_timers *t = &conf.domain.timers;

	load(DOMAIN(NODE_A, BLOCK,
		"timers = { binding_lifetime_s = 262140; cache_lifetime_s = 20; cache_idle_s = 4; "
		"negative_s = 0.001; forwarding_lifetime_s = 20.25; "
		"min_delay_before_bce_delete_s = 2L; timestamp_validity_window_s = 0.3; "
		"lma_timestamp_window_s = 31; initial_bindack_timeout_s = 0.1; "
		"max_bindack_timeout_s = 0x10; heartbeat_interval_s = 1; "
		"missing_heartbeats_allowed = 5; router_lifetime_s = 9000; "
		"presence_timeout_s = 1e-1; };") NODE("a", ""));
	cr_expect_eq(t->binding_lifetime_ms, 262140000);
	cr_expect_eq(t->cache_lifetime_ms, 20000);
	cr_expect_eq(t->cache_idle_ms, 4000);
	cr_expect_eq(t->negative_ms, 1);
	cr_expect_eq(t->forwarding_lifetime_ms, 20250);
	cr_expect_eq(t->min_delay_before_bce_delete_ms, 2000);
	cr_expect_eq(t->timestamp_validity_window_ms, 300);
	cr_expect_eq(t->lma_timestamp_window_ms, 31000);
	cr_expect_eq(t->initial_bindack_timeout_ms, 100);
	cr_expect_eq(t->max_bindack_timeout_ms, 16000);
	cr_expect_eq(t->heartbeat_interval_ms, 1000);
	cr_expect_eq(t->missing_heartbeats_allowed, 5);
	cr_expect_eq(t->router_lifetime_ms, 9000000);
	cr_expect_eq(t->presence_timeout_ms, 100);
}

Test(conf, nodes)
{
	const struct domain *d = &conf.domain;
	struct dlma_addr want;

	load(DOMAIN(NODE_M ", " NODE_B ", " NODE_A, BLOCK,
		"security = { authentication = false; vendor_id = 0xffffffff; };") NODE("a", ""));
	cr_assert_eq(d->node_count, 3);
	cr_expect_str_eq(d->name, "test");
	cr_expect_eq(d->vendor_id, 0xffffffff);
	cr_expect_eq(conf.self, 2);
	cr_expect_str_eq(domain_self(&conf)->name, "a");
	cr_expect_eq(d->nodes[0].roles, DLMA_ROLE_MAG);
	cr_expect_eq(d->nodes[0].lma, 2, "named before it is listed");
	cr_expect_eq(d->nodes[1].roles, DLMA_ROLE_MAG | DLMA_ROLE_LMA);
	cr_expect_eq(d->nodes[1].lma, 1, "registers with itself");
	cr_expect_eq(d->nodes[2].lma, DOMAIN_NO_NODE);
	cr_assert_eq(addr_parse("2001:db8:f::c", &want), 0);
	cr_expect(addr_equal(&d->nodes[0].address, &want));
	cr_expect_eq(domain_find_name(d, "b"), 1);
	cr_expect_eq(domain_find_name(d, "2001:DB8:f:0::c"), 0);
	cr_expect_eq(domain_find_name(d, "c"), DOMAIN_NO_NODE);
	cr_expect_eq(domain_find_name(d, "2001:db8:f::d"), DOMAIN_NO_NODE);
	cr_expect_eq(domain_find_name(d, ""), DOMAIN_NO_NODE);
}

Test(conf, prefixes_longest_first)
{
	const struct domain *d = &conf.domain;

	load(DOMAIN(NODE_A ", " NODE_B,
		"{ prefix = \"2001:db8:200::/40\"; owner = \"a\"; hnp_length = 56; },"
		"{ prefix = \"2001:db8:1ff::/48\"; owner = \"b\"; hnp_length = 128; }," BLOCK,
		OPEN) NODE("a", ""));
	cr_assert_eq(d->prefix_count, 3);
	expect_prefix(&d->prefixes[0].prefix, "2001:db8:1ff::/48");
	cr_expect_eq(d->prefixes[0].owner, 1);
	cr_expect_eq(d->prefixes[0].hnp_len, 128);
	expect_prefix(&d->prefixes[1].prefix, "2001:db8:100::/40");
	cr_expect_eq(d->prefixes[1].hnp_len, 64);
	expect_prefix(&d->prefixes[2].prefix, "2001:db8:200::/40");
	cr_expect_eq(d->prefixes[2].hnp_len, 56);
	cr_expect_eq(d->prefixes[2].owner, 0);
}

static struct dlma_prefix superset_prefix(uint32_t i)
{
	const struct dlma_superset *s = &conf.domain.superset[i];
	unsigned int len = 0;

	while (len < 128 && s->mask.b[len / 8] & (0x80 >> len % 8))
		len++;
	return prefix_make(s->prefix, len);
}

static unsigned int superset_hnp_len(uint32_t i)
{
	unsigned int len = 0;

	for (unsigned int k = 0; k < 16; k++)
		len += (unsigned int)__builtin_popcount(conf.domain.superset[i].hnp_mask.b[k]);
	return len;
}

static void expect_superset(uint32_t i, const char *prefix, unsigned int hnp_len)
{
	struct dlma_prefix p = superset_prefix(i);

	expect_prefix(&p, prefix);
	cr_expect_eq(superset_hnp_len(i), hnp_len);
}

Test(conf, superset_is_computed)
{
	load(DOMAIN(NODE_A,
		"{ prefix = \"2001:db8:200::/40\"; owner = \"a\"; },"
		"{ prefix = \"2001:db8:300::/40\"; owner = \"a\"; }," BLOCK,
		"") NODE("a", ""));
	cr_assert_eq(conf.domain.superset_count, 2);
	expect_superset(0, "2001:db8:100::/40", 64);
	expect_superset(1, "2001:db8:200::/39", 64);
}

/* The given prefix takes the HNP length of the largest block in it; others keep their own. */
Test(conf, superset_is_given)
{
	load(DOMAIN(NODE_A,
		"{ prefix = \"2001:db8:1200::/40\"; owner = \"a\"; hnp_length = 128; },"
		"{ prefix = \"2001:db8:1400::/48\"; owner = \"a\"; hnp_length = 60; },"
		"{ prefix = \"2001:db8:1800::/38\"; owner = \"a\"; }",
		"superset = [ \"2001:db8:1000::/36\" ];") NODE("a", ""));
	cr_assert_eq(conf.domain.superset_count, 3);
	expect_superset(0, "2001:db8:1400::/48", 60);
	expect_superset(1, "2001:db8:1200::/40", 128);
	expect_superset(2, "2001:db8:1000::/36", 64);
}

Test(conf, mobile_nodes)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 1, 0xab};
	const struct domain_mobile *m;

	load(DOMAIN(NODE_A ", " NODE_B,
		BLOCK ", { prefix = \"2001:db8:200::/40\"; owner = \"b\"; hnp_length = 128; }",
		"mobile_nodes = ("
		"{ id = \"mn1@example.net\"; link_layer = \"02:00:00:00:01:aB\"; home = \"a\"; },"
		"{ id = \"mn1@example.net\"; link_layer = \"02:00:00:00:01:ac\"; home = \"a\"; },"
		"{ id = \"mn2@x\"; link_layer = \"02:00:00:00:01:ad\"; home = \"b\"; "
		"hnp = \"2001:db8:200::5/128\"; allowed = false; } );" OPEN) NODE("a", ""));
	m = conf.domain.mobiles;
	cr_assert_eq(conf.domain.mobile_count, 3);
	cr_expect_str_eq(m[0].id, "mn1@example.net");
	cr_expect_arr_eq(m[0].link_layer, mac, 6);
	cr_expect(m[0].allowed);
	cr_expect_not(m[0].has_hnp);
	cr_expect_eq(m[0].home, 0);
	cr_expect_eq(m[2].home, 1);
	cr_expect_not(m[2].allowed);
	cr_expect(m[2].has_hnp);
	expect_prefix(&m[2].hnp, "2001:db8:200::5/128");
}

Test(conf, node_settings)
{
	load(DOMAIN(NODE_A ", " NODE_M, BLOCK,
		OPEN) "node = { name = \"m\"; interfaces = ("
		      "{ match = \"eth0\"; hook = \"xdp\"; }, { match = \"eth1\"; hook = "
		      "\"xdp-generic\"; },"
		      "{ match = \"acc[0-9]\"; hook = \"tc\"; access = true; } );"
		      "run_dir = \"/r\"; state_dir = \"/s/t\"; pin_dir = \"/p\";"
		      "limits = { locations = 1000; cache = 999; access = 1; }; };");
	cr_assert_eq(conf.interface_count, 3);
	cr_expect_eq(conf.interfaces[0].hook, DOMAIN_HOOK_XDP);
	cr_expect_eq(conf.interfaces[1].hook, DOMAIN_HOOK_XDP_GENERIC);
	cr_expect_eq(conf.interfaces[2].hook, DOMAIN_HOOK_TC);
	cr_expect_str_eq(conf.interfaces[2].match, "acc[0-9]");
	cr_expect(conf.interfaces[2].access);
	cr_expect_not(conf.interfaces[1].access);
	cr_expect_str_eq(conf.run_dir, "/r");
	cr_expect_str_eq(conf.state_dir, "/s/t");
	cr_expect_str_eq(conf.pin_dir, "/p");
	cr_expect_eq(conf.locations_max, 1000);
	cr_expect_eq(conf.cache_max, 999);
	cr_expect_eq(conf.access_max, 1);
}

Test(conf, cache_is_half_of_the_locations)
{
	load(DOMAIN(NODE_A, BLOCK, "") NODE("a", "limits = { locations = 2001; };"));
	cr_expect_eq(conf.cache_max, 1000);
}

Test(conf, quotas)
{
	load(DOMAIN(NODE_A, BLOCK, "")
			NODE("a", "limits = { bindings_per_mag = 5; anchors_per_lma = 6; "
				  "moves_per_peer = 7; moves_per_mn = 8; };"));
	cr_expect_eq(conf.bindings_per_mag, 5);
	cr_expect_eq(conf.anchors_per_lma, 6);
	cr_expect_eq(conf.moves_per_peer, 7);
	cr_expect_eq(conf.moves_per_mn, 8);
}

Test(conf, who_may_anchor)
{
	const struct domain_prefix *p;

	load("domain = { name = \"test\"; nodes = ("
	     "{ name = \"a\"; roles = [ \"lma\" ]; address = \"2001:db8:f::a\"; },"
	     "{ name = \"b\"; roles = [ \"lma\" ]; address = \"2001:db8:f::b\"; },"
	     "{ name = \"c\"; roles = [ \"lma\" ]; address = \"2001:db8:f::c\"; } );"
	     "prefixes = ("
	     "{ prefix = \"2001:db8:100::/40\"; owner = \"a\"; anchors = [ \"c\" ]; },"
	     "{ prefix = \"2001:db8:200::/40\"; owner = \"a\"; anchors = [ ]; },"
	     "{ prefix = \"2001:db8:300::/40\"; owner = \"a\"; } );"
	     "security = { authentication = false; }; };" NODE("a", ""));
	p = conf.domain.prefixes;
	for (uint16_t node = 0; node < 3; node++) {
		cr_expect_eq(domain_may_anchor(&p[0], node), node != 1);
		cr_expect_eq(domain_may_anchor(&p[1], node), node == 0);
		cr_expect(domain_may_anchor(&p[2], node));
	}
}

/* Every setting that a reload cannot take is told by its name; without one nothing is. */
Test(conf, differences_have_names)
{
	static const struct {
		const char *from, *to, *name;
	} cases[] = {
		{"figure5", "figure6", "domain.name"},
		{"2001:db8:b1::a", "2001:db8:b1::c", "domain.nodes"},
		{"lma = \"v-lma-2\"", "lma = \"v-lma-1\"", "domain.nodes"},
		{"hnp_length = 64", "hnp_length = 64; anchors = [ \"v-lma-1\" ]",
			"domain.prefixes"},
		{"allowed = false", "allowed = true", "domain.mobile_nodes"},
		{"vendor_id = 32473", "vendor_id = 1", "domain.security"},
		{"cache_idle_s = 4", "cache_idle_s = 5", "domain.timers"},
		{"mobile_nodes =", "home_tracks_mag = true; mobile_nodes =",
			"domain.home_tracks_mag"},
		{"mobile_nodes =", "ask_first = true; mobile_nodes =", "domain.ask_first"},
		{"mobile_nodes =", "disclose_proxy_coa = \"lma\"; mobile_nodes =",
			"domain.disclose_proxy_coa"},
	};
	struct node_conf other;
	char *text;

	scratch_copy(dir, "configs/figure5");
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FRESH, stderr), 0);
	cr_assert_eq(conf_load(scratch_path(dir, "v-lma-1.conf"), &conf, stderr), 0);
	text = scratch_read(scratch_path(dir, "domain.conf"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *at = strstr(text, cases[i].from), changed[8192];

		cr_assert_not_null(at, "%s", cases[i].from);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, cases[i].to,
			at + strlen(cases[i].from));
		scratch_write(dir, "domain.conf", changed);
		cr_assert_eq(conf_load(scratch_path(dir, "v-lma-1.conf"), &other, stderr), 0);
		cr_expect_str_eq(conf_difference(&conf, &other), cases[i].name);
		conf_done(&other);
	}
	scratch_write(dir, "domain.conf", text);
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_ADD, stderr), 0);
	cr_assert_eq(conf_load(scratch_path(dir, "v-lma-1.conf"), &other, stderr), 0);
	cr_expect_null(conf_difference(&conf, &other), "keys alone are no difference");
	cr_expect_eq(other.key_count, 2 * conf.key_count);
	conf_done(&other);
	free(text);
}

Test(conf, hook_names)
{
	cr_expect_eq(conf_hook_parse("auto"), DOMAIN_HOOK_AUTO);
	cr_expect_eq(conf_hook_parse("xdp"), DOMAIN_HOOK_XDP);
	cr_expect_eq(conf_hook_parse("xdp-generic"), DOMAIN_HOOK_XDP_GENERIC);
	cr_expect_eq(conf_hook_parse("tc"), DOMAIN_HOOK_TC);
	cr_expect_eq(conf_hook_parse("XDP"), -EINVAL);
	cr_expect_eq(conf_hook_parse(""), -EINVAL);
}

Test(conf, directories_from_the_environment)
{
	setenv("DLMA_RUN_DIR", "/tmp/r", 1);
	setenv("DLMA_STATE_DIR", "/tmp/s", 1);
	setenv("DLMA_PIN_DIR", "", 1);
	load(DOMAIN(NODE_A, BLOCK, "") NODE("a", "run_dir = \"/mine\";"));
	cr_expect_str_eq(conf.run_dir, "/mine", "what the file says counts more");
	cr_expect_str_eq(conf.state_dir, "/tmp/s/a");
	cr_expect_str_eq(conf.pin_dir, "/sys/fs/bpf/dlma/a", "empty is as good as unset");
}

Test(conf, bad_environment)
{
	char longest[300] = "/";

	memset(longest + 1, 'x', 254);
	setenv("DLMA_STATE_DIR", "relative", 1);
	setenv("DLMA_RUN_DIR", longest, 1);
	write_conf(DOMAIN(NODE_A, BLOCK, "") NODE("a", ""));
	cr_assert_eq(try_load(), -EINVAL);
	cr_expect_not_null(strstr(said, "node.conf:2: DLMA_STATE_DIR in the environment must be"));
	cr_expect_not_null(
		strstr(said, "node.conf:2: DLMA_RUN_DIR in the environment is too long"));
}

#define SECRET_16 "00112233445566778899aabbccddeeff"
#define SECRET_64 SECRET_16 SECRET_16 SECRET_16 "FEdcba98765432100123456789abcdef"

Test(conf, keys)
{
	static const uint8_t tail[4] = {0x89, 0xab, 0xcd, 0xef};

	scratch_write(dir, "a.keys",
		"keys = ( { peer = \"m\"; spi = 0xffffffff; secret = \"" SECRET_64 "\"; },"
		"{ peer = \"b\"; spi = 256; secret = \"" SECRET_16 "\"; },"
		"{ peer = \"m\"; spi = 2147483647; secret = \"" SECRET_16 "\"; } );");
	load(DOMAIN(NODE_A ", " NODE_B ", " NODE_M, BLOCK, "") NODE("a", "keys = \"a.keys\";"));
	cr_assert_eq(conf.key_count, 3);
	cr_expect_eq(conf.keys[0].peer, 2, "the order is kept: the first is for sending");
	cr_expect_eq(conf.keys[0].spi, 0xffffffff);
	cr_expect_eq(conf.keys[0].secret_len, 64);
	cr_expect_arr_eq(conf.keys[0].secret + 60, tail, 4);
	cr_expect_eq(conf.keys[0].secret[48], 0xfe);
	cr_expect_eq(conf.keys[1].peer, 1);
	cr_expect_eq(conf.keys[1].spi, 256);
	cr_expect_eq(conf.keys[1].secret_len, 16);
	cr_expect_eq(conf.keys[2].peer, 2);
	cr_expect_eq(conf.keys[2].spi, 2147483647);
}

/* A MAG needs the key of its own LMA only; an LMA that of no MAG of another. */
Test(conf, keys_of_strangers_are_not_needed)
{
	scratch_write(dir, "some.keys",
		"keys = ( { peer = \"a\"; spi = 256; secret = \"" SECRET_16 "\"; } );");
	load(DOMAIN(NODE_A ", " NODE_B ", " NODE_M, BLOCK,
		"") "node = { name = \"m\"; "
		    "interfaces = ( { match = \"e\"; }, { match = \"a\"; access = true; } ); "
		    "keys = \"some.keys\"; };");
	conf_done(&conf);
	load(DOMAIN(NODE_A ", " NODE_B ", " NODE_M, BLOCK,
		"") "node = { name = \"b\"; "
		    "interfaces = ( { match = \"e\"; }, { match = \"a\"; access = true; } ); "
		    "keys = \"some.keys\"; };");
}

Test(conf, keys_by_absolute_path)
{
	char text[1024];

	scratch_write(
		dir, "x", "keys = ( { peer = \"b\"; spi = 256; secret = \"" SECRET_16 "\"; } );");
	snprintf(text, sizeof(text),
		DOMAIN(NODE_A ", " NODE_B, BLOCK, "") NODE("a", "keys = \"%s\";"),
		scratch_path(dir, "x"));
	load(text);
	cr_expect_eq(conf.key_count, 1);
}

Test(conf, alone_needs_no_keys)
{
	load(DOMAIN(NODE_A, BLOCK, "security = { authentication = true; };") NODE("a", ""));
	cr_expect(conf.domain.authentication);
	cr_expect_eq(conf.key_count, 0);
}

Test(conf, files_beside_the_file)
{
	scratch_write(dir, "domain.conf", DOMAIN(NODE_A ", " NODE_B, BLOCK, ""));
	scratch_write(
		dir, "k", "keys = ( { peer = \"b\"; spi = 256; secret = \"" SECRET_16 "\"; } );");
	load("@include \"domain.conf\"\n" NODE("a", "keys = \"k\";"));
	conf_done(&conf);
	cr_assert_eq(chdir(dir), 0);
	cr_expect_eq(conf_load("node.conf", &conf, errors), 0, "%s", said);
}

static void expect_file_error(const char *path, const char *want)
{
	char line[512];

	rewind(errors);
	cr_expect_eq(conf_load(path, &conf, errors), -EINVAL);
	fputc('\0', errors);
	fflush(errors);
	snprintf(line, sizeof(line), "%s:1: cannot read this file: %s\n", path, want);
	cr_expect_str_eq(said, line);
}

Test(conf, unreadable)
{
	static const char binary[] = "domain = {\0 };";
	FILE *f = fopen(scratch_path(dir, "binary"), "w");

	cr_assert_eq(fwrite(binary, sizeof(binary), 1, f), 1);
	fclose(f);
	expect_file_error(scratch_path(dir, "none"), "No such file or directory");
	expect_file_error(dir, "it is not a regular file");
	expect_file_error("/dev/zero", "it is not a regular file");
	expect_file_error(scratch_path(dir, "binary"), "it holds a zero octet, so it is not text");
}

Test(conf, nothing_is_left_of_a_bad_file)
{
	static const struct node_conf empty;

	memset(&conf, 0xff, sizeof(conf));
	write_conf(DOMAIN(NODE_A, BLOCK, "colour = 1;") NODE("a", ""));
	cr_assert_eq(try_load(), -EINVAL);
	cr_assert_eq(memcmp(&conf, &empty, sizeof(conf)), 0);
	conf_done(&conf);
	conf_done(&conf);
}

Test(conf, domain_alone)
{
	struct domain d;

	scratch_write(dir, "domain.conf", DOMAIN(NODE_A ", " NODE_B, BLOCK, ""));
	cr_assert_eq(conf_load_domain(scratch_path(dir, "domain.conf"), &d, errors), 0);
	cr_expect_eq(d.node_count, 2);
	cr_expect_eq(d.superset_count, 1);
	conf_domain_done(&d);
	/* Keys that are still to be made must not stand in the way. */
	write_conf("@include \"domain.conf\"\n" NODE("a", "keys = \"not-yet.keys\";"));
	cr_assert_eq(conf_load_domain(scratch_path(dir, "node.conf"), &d, errors), 0);
	cr_expect_eq(d.node_count, 2);
	conf_domain_done(&d);
	write_conf(NODE("a", ""));
	cr_assert_eq(conf_load_domain(scratch_path(dir, "node.conf"), &d, errors), -EINVAL);
	fflush(errors);
	cr_expect_not_null(strstr(said, "node.conf:1: \"domain\" is missing"));
	cr_expect_null(d.nodes);
}

Test(conf, longest_texts)
{
#define TEN	"1234567890"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
	load(DOMAIN("{ name = \"" TEN TEN TEN
		    "x\"; roles = [ \"lma\" ]; address = \"2001:db8::1\"; }",
		"{ prefix = \"2001:db8:100::/128\"; owner = \"" TEN TEN TEN
		"x\"; hnp_length = 128; }",
		"mobile_nodes = ( { id = \"" HUNDRED HUNDRED TEN TEN TEN TEN TEN "@x.\"; "
		"link_layer = \"02:00:00:00:01:ac\"; home = \"" TEN TEN TEN "x\"; } );")
			NODE(TEN TEN TEN "x", ""));
	cr_expect_eq(strlen(domain_self(&conf)->name), DOMAIN_NAME_MAX - 1);
	cr_expect_eq(strlen(conf.domain.mobiles[0].id), DOMAIN_MN_ID_MAX);
}

/* Writes a domain of so many LMAs that each own a /64. */
static void write_large(unsigned int count)
{
	FILE *f = fopen(scratch_path(dir, "node.conf"), "w");

	fputs("domain = { name = \"large\"; nodes = (", f);
	for (unsigned int i = 0; i < count; i++)
		fprintf(f,
			"%s{ name = \"n%u\"; roles = [ \"lma\" ]; address = \"2001:db8:f::%x\"; }",
			i ? ",\n" : "\n", i, i + 1);
	fputs("\n); prefixes = (", f);
	for (unsigned int i = 0; i < count; i++)
		fprintf(f, "%s{ prefix = \"2001:db8:100:%x::/64\"; owner = \"n%u\"; }",
			i ? ",\n" : "\n", i, count - 1 - i);
	fputs("\n); " OPEN " };\n" NODE("n0", ""), f);
	cr_assert_eq(fclose(f), 0);
}

Test(conf, as_many_as_there_may_be)
{
	const struct domain *d = &conf.domain;

	write_large(DLMA_PEERS_MAX);
	cr_assert_eq(try_load(), 0, "%s", said);
	cr_expect_eq(d->node_count, DLMA_PEERS_MAX);
	cr_expect_eq(d->prefix_count, DLMA_OWNERS_MAX);
	cr_assert_eq(d->superset_count, 1);
	expect_superset(0, "2001:db8:100::/52", 64);
	cr_expect_str_eq(d->nodes[d->prefixes[0].owner].name, "n4095");
}

Test(conf, one_too_many)
{
	write_large(DLMA_PEERS_MAX + 1);
	cr_assert_eq(try_load(), -EINVAL);
	cr_expect_not_null(
		strstr(said, "node.conf:1: \"nodes\" has 4097 entries; there may be 4096"));
	cr_expect_not_null(strstr(said, ": \"prefixes\" has 4097 entries; there may be 4096"));
}

/* A nested block may be as small as one HNP of the block around it. */
Test(conf, nested_block_of_one_hnp)
{
	load(DOMAIN(NODE_A ", " NODE_B,
		BLOCK ", { prefix = \"2001:db8:100:7::/64\"; owner = \"b\"; }", OPEN)
			NODE("a", ""));
	cr_assert_eq(conf.domain.prefix_count, 2);
	cr_expect_eq(conf.domain.prefixes[0].owner, 1);
	cr_expect_eq(conf.domain.superset_count, 1);
}

Test(conf, nearest_word)
{
	static const struct {
		const char *word, *candidates[3], *nearest;
	} cases[] = {
		{"hook", {"match", "hook", "access"}, "hook"},
		{"hok", {"match", "hook", "access"}, "hook"},
		{"hookk", {"match", "hook", "access"}, "hook"},
		{"haak", {"match", "hook", "access"}, NULL},
		{"v-lma-3", {"v-lma-1", "v-lma-2", "v-lma-33"}, "v-lma-1"},
		{"v-lma-33x", {"v-lma-1", "v-lma-2", "v-lma-33"}, "v-lma-33"},
		{"cache_idle", {"cache_lifetime_s", "cache_idle_s", "negative_s"}, "cache_idle_s"},
		{"ab", {"a", "b", "c"}, NULL},
		{"ab", {"cb", "b", "ac"}, "cb"},
		{"", {"a", "bb", "ccc"}, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct conf_nearest n = {.word = cases[i].word};

		for (size_t j = 0; j < 3; j++)
			conf_nearest_try(&n, cases[i].candidates[j]);
		if (cases[i].nearest)
			cr_expect_str_eq(n.best, cases[i].nearest, "%s", cases[i].word);
		else
			cr_expect_null(n.best, "%s", cases[i].word);
	}
}

/* 48 octets are compared, 49 are not. */
Test(conf, nearest_word_has_a_limit)
{
	static const char long_word[] = "1234567890123456789012345678901234567890123456789";
	struct conf_nearest inside = {.word = long_word + 1}, outside = {.word = long_word};

	conf_nearest_try(&inside, long_word);
	cr_expect_null(inside.best);
	conf_nearest_try(&outside, long_word + 1);
	cr_expect_null(outside.best);
	conf_nearest_try(&inside, long_word + 1);
	cr_expect_eq(inside.best, long_word + 1);
}

/* Whatever a file holds, an error is one line of plain text. */
Test(conf, errors_are_single_lines)
{
	write_conf(DOMAIN(NODE_A, BLOCK, OPEN) "node = { name = \"two\\nlines\\x1b[31m\"; "
					       "interfaces = ( { match = \"eth*\"; } ); };");
	cr_assert_eq(try_load(), -EINVAL);
	cr_expect_eq(strchr(said, '\n'), said + said_len - 1);
	cr_expect_null(strchr(said, '\x1b'));
	cr_expect_not_null(strstr(said, "\"name\" names \"two?lines?[31m\""));
}
