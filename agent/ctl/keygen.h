/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Secrets for a whole domain: of each pair of nodes, in one file per node. And their rotation, in
 * three steps; after each of them every node reads its file again, and all keep understanding each
 * other while some have and some have not:
 *
 *	add	a new key beside the one in use, under a new SPI
 *	switch	the new key is the one to send with
 *	drop	the old key goes
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum keygen_step {
	KEYGEN_FRESH, /* new keys for all; those that are there are an error */
	KEYGEN_FORCE, /* ...or are replaced, and with them all trust at once */
	KEYGEN_ADD,
	KEYGEN_SWITCH,
	KEYGEN_DROP,
};

/* Of its name; -EINVAL. */
int keygen_step_parse(const char *name);

/*
 * Reads the domain out of its own file or a node's file, and writes DIR/NAME.keys, mode 0600, for
 * every node: all of them or none. Returns 0, or negative errno after a line on `errors`.
 */
int keygen(const char *conf_path, const char *dir, enum keygen_step step, FILE *errors);
