/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libconfig without memory. */
#pragma once

#include <libconfig.h>

/*
 * Reads a text with libconfig, whose includes are looked for in `include_dir`. 0; -EINVAL: the
 * error is in `config`; -ENOMEM: `config` is as config_init() makes it.
 */
int conf_memory_read(config_t *config, const char *include_dir, const char *text);

/* What libconfig calls instead of the C library's functions; see the Makefile. */
void *conf_memory_malloc(size_t size);
void *conf_memory_calloc(size_t count, size_t size);
void *conf_memory_realloc(void *p, size_t size);
char *conf_memory_strdup(const char *text);
