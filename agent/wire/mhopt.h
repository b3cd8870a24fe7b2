/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of a Mobility Header message; only mh.c uses this. */
#pragma once

#include "wire/cursor.h"
#include "wire/mh.h"

/*
 * Walks the options of message `buf` from `start` to its end, `len`. *ret must be zero. At most
 * mn_max MN-ID options are allowed. *ret and *ret_unknown are whole only on success.
 *
 * Returns DLMA_SIGNAL_accepted, option_overrun, option_length or option_repeated.
 */
enum dlma_signal_reason mhopt_read(const uint8_t *buf, size_t len, size_t start,
	unsigned int mn_max, struct mh_options *ret, unsigned int *ret_unknown);

/*
 * Writes all options and the padding that makes the message end on a multiple of 8. Returns 0, or
 * -EINVAL if a count or a length in `o` is not possible.
 */
int mhopt_write(const struct mh_options *o, unsigned int mn_max, struct writer *w);
