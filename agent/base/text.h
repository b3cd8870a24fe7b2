/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What others have chosen, made fit for a log, a terminal and JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Copies as much as fits, zero-terminated, with a "?" for every octet that is a control character
 * or no part of whole, well-formed UTF-8. Ends at a zero octet. Returns buf; cap is not 0.
 */
char *text_plain(const void *octets, size_t len, char *buf, size_t cap);

/* Whether text_plain() would change nothing. */
bool text_is_plain(const char *text);
