// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include "base/tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { QUEUE_LEN = 8192 };

/* No link-local address, no router solicitations: nothing but held packets is on this link. */
static void keep_silent(void)
{
	static const char path[] = "/proc/sys/net/ipv6/conf/" DLMA_HOLD_NAME "/addr_gen_mode";
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		log_debug("cannot write %s: %s, ignoring", path, strerror(errno));
	close(fd);
}

static int bring_up(void)
{
	struct ifreq r = {.ifr_name = DLMA_HOLD_NAME};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	r.ifr_qlen = QUEUE_LEN;
	if (ioctl(fd, SIOCSIFTXQLEN, &r) || ioctl(fd, SIOCGIFFLAGS, &r))
		err = -errno;
	r.ifr_flags |= IFF_UP;
	if (!err && ioctl(fd, SIOCSIFFLAGS, &r))
		err = -errno;
	close(fd);
	return err;
}

/* While the agent holds it open, it exists: then there is nothing to make. */
static int make_persistent(void)
{
	int fd = if_nametoindex(DLMA_HOLD_NAME) ? -EEXIST : tap_open(0);
	int err = 0;

	if (fd < 0)
		return fd == -EEXIST ? 0 : fd;
	if (ioctl(fd, TUNSETOWNER, (unsigned long)getuid()) || ioctl(fd, TUNSETPERSIST, 1UL))
		err = -errno;
	close(fd);
	return err;
}

void hold_make(void)
{
	int err = make_persistent();

	if (err) {
		log_warn("no waiting room: packets of MNs between two MAGs are dropped "
			 "(/dev/net/tun: %s; a container needs that device)",
			strerror(-err));
		return;
	}
	keep_silent();
	err = bring_up();
	if (err)
		log_warn("cannot bring up %s: %s", DLMA_HOLD_NAME, strerror(-err));
}

void hold_remove(void)
{
	int fd = if_nametoindex(DLMA_HOLD_NAME) ? tap_open(0) : -ENODEV;

	if (fd == -ENODEV)
		return;
	if (fd < 0 || ioctl(fd, TUNSETPERSIST, 0UL))
		log_warn("cannot remove %s: %s; stop the agent first", DLMA_HOLD_NAME,
			strerror(fd < 0 ? -fd : errno));
	if (fd >= 0)
		close(fd);
}
