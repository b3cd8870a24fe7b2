/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* New secrets for a whole domain: one per pair of nodes, in one file per node. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * Reads the domain out of its own file or a node's file, and writes DIR/NAME.keys, mode 0600, for
 * every node. Keys that are there already are an error, and nothing is written, unless `force`.
 * Returns 0, or negative errno after a line on `errors`.
 */
int keygen(const char *conf_path, const char *dir, bool force, FILE *errors);
