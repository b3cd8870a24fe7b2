/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Linux capabilities: say which are missing, and give up the others. */
#pragma once

#include <stddef.h>
#include <sys/capability.h>

struct privilege {
	cap_value_t cap;
	const char *purpose; /* completes "is needed to ..." */
};

/* Logs one line for each that this process lacks. Returns 0 or -EPERM. */
int privilege_check(const struct privilege *wanted, size_t count);

/* Drops all but these, for good. Returns 0 or -errno after a message. */
int privilege_keep(const struct privilege *wanted, size_t count);
