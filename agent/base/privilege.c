// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/privilege.h"
#include "base/log.h"
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

static bool has(cap_value_t cap)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (!caps)
		return false;
	(void)cap_get_flag(caps, cap, CAP_EFFECTIVE, &value);
	cap_free(caps);
	return value == CAP_SET;
}

int privilege_check(const struct privilege *wanted, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		char *name;

		if (has(wanted[i].cap))
			continue;
		name = cap_to_name(wanted[i].cap);
		log_error("%s is needed to %s: start as root, or give it with systemd's "
			  "AmbientCapabilities= or the container's cap_add",
			name ? name : "a capability", wanted[i].purpose);
		cap_free(name);
		err = -EPERM;
	}
	return err;
}

int privilege_keep(const struct privilege *wanted, size_t count)
{
	cap_t caps = cap_init();
	int err = caps ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < count; i++)
		if (cap_set_flag(caps, CAP_PERMITTED, 1, &wanted[i].cap, CAP_SET) ||
			cap_set_flag(caps, CAP_EFFECTIVE, 1, &wanted[i].cap, CAP_SET))
			err = -errno;
	if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || cap_set_proc(caps)))
		err = -errno;
	if (caps)
		cap_free(caps);
	if (err)
		log_error("cannot give up capabilities: %s", strerror(-err));
	return err;
}
