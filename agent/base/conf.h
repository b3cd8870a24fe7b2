/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration file: libconfig in, struct node_conf out. docs/configuration.md has every
 * setting. Nothing that is wrong is ever ignored: an unknown setting is an error too.
 */
#pragma once

#include "dlma/domain.h"
#include <stdio.h>

/*
 * Reads a node's file and what it includes. Every error becomes one line on `errors`:
 *
 *	FILE:LINE: what is wrong; what to do
 *
 * Returns 0, or -EINVAL after at least one such line; then *ret is empty. On success the caller
 * owns *ret and gives it back with conf_done().
 */
int conf_load(const char *path, struct node_conf *ret, FILE *errors);

/* Frees what conf_load() filled, wiping the secrets. An empty struct is fine. */
void conf_done(struct node_conf *conf);

/* The domain alone, out of its own file or a node's file; the node's part is not looked at. */
int conf_load_domain(const char *path, struct domain *ret, FILE *errors);
void conf_domain_done(struct domain *d);

/*
 * The keys of one node alone, out of its own file, into ret->keys; ret->domain and ret->self are
 * given. No keys of a peer need be there. The same errors as conf_load(), and -ENOENT without a
 * line if there is no such file.
 */
int conf_load_keys(const char *path, struct node_conf *ret, FILE *errors);

/*
 * The name of the first setting, keys aside, in which two configurations of a node differ; NULL if
 * there is none.
 */
const char *conf_difference(const struct node_conf *x, const struct node_conf *y);

/* Index of the node with this name or address, or DOMAIN_NO_NODE. */
uint16_t domain_find_name(const struct domain *d, const char *name);

/* enum domain_hook of its name in the configuration, or -EINVAL. */
int conf_hook_parse(const char *name);
