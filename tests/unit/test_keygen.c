// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys that dlmactl makes, and with them the examples in configs/. */
#include "base/conf.h"
#include "ctl/keygen.h"
#include "scratch.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;
static char *said;
static size_t said_len;
static FILE *errors;

static void setup(void)
{
	dir = scratch_make();
	errors = open_memstream(&said, &said_len);
}

static void teardown(void)
{
	fclose(errors);
	free(said);
	scratch_remove(dir);
}

TestSuite(keygen, .init = setup, .fini = teardown);

static const char *what_was_said(void)
{
	fflush(errors);
	return said;
}

static const struct domain_key *key_of(const struct node_conf *c, const char *peer)
{
	uint16_t index = domain_find_name(&c->domain, peer);
	const struct domain_key *found = NULL;

	for (uint32_t i = 0; !found && i < c->key_count; i++)
		if (c->keys[i].peer == index)
			found = &c->keys[i];
	cr_assert_not_null(found, "%s has no key for %s", domain_self(c)->name, peer);
	return found;
}

static void expect_shared(const struct node_conf *a, const struct node_conf *b)
{
	const struct domain_key *left = key_of(a, domain_self(b)->name);
	const struct domain_key *right = key_of(b, domain_self(a)->name);

	cr_expect_eq(left->spi, 4096);
	cr_expect_eq(right->spi, 4096);
	cr_expect_eq(left->secret_len, 32);
	cr_expect_eq(right->secret_len, 32);
	cr_expect_arr_eq(left->secret, right->secret, 32);
}

static void load(struct node_conf *c, const char *name)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.conf", name);
	cr_assert_eq(conf_load(scratch_path(dir, file), c, errors), 0, "%s", what_was_said());
	cr_assert_str_eq(domain_self(c)->name, name);
}

/* All nodes of an example load with their keys, and each pair shares a secret of its own. */
static void expect_example(const char *from, const char *const *names, size_t count)
{
	struct node_conf conf[8];

	scratch_copy(dir, from);
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FRESH, errors), 0, "%s",
		what_was_said());
	for (size_t i = 0; i < count; i++)
		load(&conf[i], names[i]);
	cr_assert_eq(conf[0].domain.node_count, count);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			expect_shared(&conf[i], &conf[j]);
	for (uint32_t i = 0; i < conf[0].key_count; i++)
		for (uint32_t j = 0; j < i; j++)
			cr_expect_arr_neq(conf[0].keys[i].secret, conf[0].keys[j].secret, 32);
	for (size_t i = 0; i < count; i++)
		conf_done(&conf[i]);
}

Test(keygen, figure5)
{
	static const char *const names[] = {
		"h-lma", "v-lma-1", "v-lma-2", "mag-1a", "mag-1b", "mag-2"};

	expect_example("configs/figure5", names, 6);
}

Test(keygen, minimal)
{
	static const char *const names[] = {"home", "away"};

	expect_example("configs/minimal", names, 2);
}

Test(keygen, files_are_for_their_owner)
{
	struct stat st;

	umask(0);
	scratch_copy(dir, "configs/minimal");
	cr_assert_eq(keygen(scratch_path(dir, "home.conf"), dir, KEYGEN_FRESH, errors), 0);
	cr_assert_eq(stat(scratch_path(dir, "away.keys"), &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_neq(access(scratch_path(dir, "away.keys.new"), F_OK), 0);
}

Test(keygen, existing_keys_stay)
{
	char *text;

	scratch_copy(dir, "configs/minimal");
	scratch_write(dir, "away.keys", "old");
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FRESH, errors), -EEXIST);
	cr_assert_not_null(strstr(what_was_said(), "/away.keys: File exists; "), "%s", said);
	text = scratch_read(scratch_path(dir, "away.keys"));
	cr_expect_str_eq(text, "old");
	free(text);
	cr_expect_neq(access(scratch_path(dir, "home.keys"), F_OK), 0, "half a set was written");
}

Test(keygen, force_replaces_them)
{
	struct node_conf c;

	scratch_copy(dir, "configs/minimal");
	scratch_write(dir, "away.keys", "old");
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FORCE, errors), 0);
	load(&c, "away");
	conf_done(&c);
}

/* A link that somebody put there must not lead the secrets away. */
Test(keygen, links_are_not_followed)
{
	char *text;

	scratch_copy(dir, "configs/minimal");
	scratch_write(dir, "elsewhere", "old");
	cr_assert_eq(symlink("elsewhere", scratch_path(dir, "away.keys.new")), 0);
	cr_assert_eq(symlink("elsewhere", scratch_path(dir, "away.keys")), 0);
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FRESH, errors), -EEXIST);
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FORCE, errors), 0);
	text = scratch_read(scratch_path(dir, "elsewhere"));
	cr_expect_str_eq(text, "old");
	free(text);
}

Test(keygen, nowhere_to_write)
{
	scratch_copy(dir, "configs/minimal");
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), scratch_path(dir, "no"), KEYGEN_FRESH,
			     errors),
		-ENOENT);
	cr_assert_not_null(strstr(what_was_said(), "/no/home.keys: No such file"), "%s", said);
}

Test(keygen, bad_domain)
{
	scratch_write(dir, "domain.conf", "domain = { };\n");
	cr_assert_eq(keygen(scratch_path(dir, "domain.conf"), dir, KEYGEN_FRESH, errors), -EINVAL);
	cr_assert_not_null(strstr(what_was_said(), "domain.conf:1: \"nodes\" is missing"));
}

static void change(enum keygen_step step, int want)
{
	int err = keygen(scratch_path(dir, "domain.conf"), dir, step, errors);

	cr_assert_eq(err, want, "%d: %s", err, what_was_said());
}

/* The SPIs that one node has for its only peer, in their order. */
static void expect_spis(const char *name, const char *want)
{
	struct node_conf c;
	char found[64] = "";

	load(&c, name);
	for (uint32_t i = 0; i < c.key_count; i++)
		sprintf(found + strlen(found), "%s%u", i ? " " : "", c.keys[i].spi);
	cr_expect_str_eq(found, want);
	conf_done(&c);
}

static void expect_spis_everywhere(const char *want)
{
	expect_spis("home", want);
	expect_spis("away", want);
}

/* At every moment each of two neighbouring steps is understood by the other. */
Test(keygen, rotation)
{
	struct node_conf before, after;

	scratch_copy(dir, "configs/minimal");
	change(KEYGEN_ADD, 0);
	expect_spis_everywhere("4096");
	load(&before, "home");
	change(KEYGEN_ADD, 0);
	expect_spis_everywhere("4096 4097");
	load(&after, "home");
	cr_expect_arr_eq(before.keys[0].secret, after.keys[0].secret, 32, "the old one stays");
	cr_expect_arr_neq(after.keys[0].secret, after.keys[1].secret, 32);
	conf_done(&before);
	change(KEYGEN_SWITCH, 0);
	expect_spis_everywhere("4097 4096");
	load(&before, "away");
	cr_expect_arr_eq(before.keys[0].secret, after.keys[1].secret, 32);
	cr_expect_arr_eq(before.keys[1].secret, after.keys[0].secret, 32);
	change(KEYGEN_DROP, 0);
	expect_spis_everywhere("4097");
	change(KEYGEN_ADD, 0);
	expect_spis_everywhere("4097 4098");
	conf_done(&before);
	conf_done(&after);
}

Test(keygen, steps_out_of_order_change_nothing)
{
	char *before, *after;

	scratch_copy(dir, "configs/minimal");
	change(KEYGEN_FRESH, 0);
	before = scratch_read(scratch_path(dir, "home.keys"));
	change(KEYGEN_SWITCH, -EINVAL);
	cr_expect_not_null(strstr(what_was_said(), "no second key"), "%s", said);
	change(KEYGEN_DROP, 0);
	after = scratch_read(scratch_path(dir, "home.keys"));
	cr_expect_str_eq(before, after);
	change(KEYGEN_ADD, 0);
	change(KEYGEN_ADD, -EINVAL);
	cr_expect_not_null(strstr(what_was_said(), "two keys already"), "%s", said);
	expect_spis_everywhere("4096 4097");
	free(before);
	free(after);
}

/* A node that is new gets its first key, and the others one more. */
Test(keygen, add_serves_a_new_node)
{
	scratch_copy(dir, "configs/minimal");
	change(KEYGEN_FRESH, 0);
	cr_assert_eq(unlink(scratch_path(dir, "home.keys")), 0);
	change(KEYGEN_ADD, -EINVAL);
	cr_expect_not_null(strstr(what_was_said(), "bring the two files in line"), "%s", said);
	cr_assert_eq(unlink(scratch_path(dir, "away.keys")), 0);
	change(KEYGEN_ADD, 0);
	expect_spis_everywhere("4096");
}

Test(keygen, files_that_disagree_are_left_alone)
{
	char *text, *at;

	scratch_copy(dir, "configs/minimal");
	change(KEYGEN_FRESH, 0);
	text = scratch_read(scratch_path(dir, "away.keys"));
	at = strstr(text, "secret = \"") + strlen("secret = \"");
	*at = *at == '0' ? '1' : '0';
	scratch_write(dir, "away.keys", text);
	cr_assert_eq(chmod(scratch_path(dir, "away.keys"), 0600), 0);
	change(KEYGEN_ADD, -EINVAL);
	cr_expect_not_null(strstr(what_was_said(), "are not those in"), "%s", said);
	cr_expect_null(strstr(what_was_said(), at), "no secret is told");
	free(text);
}

Test(keygen, steps_have_names)
{
	cr_expect_eq(keygen_step_parse("add"), KEYGEN_ADD);
	cr_expect_eq(keygen_step_parse("switch"), KEYGEN_SWITCH);
	cr_expect_eq(keygen_step_parse("drop"), KEYGEN_DROP);
	cr_expect_eq(keygen_step_parse("force"), -EINVAL);
}
