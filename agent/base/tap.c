// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/tap.h"
#include "dlma/abi.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

int tap_open(int flags)
{
	struct ifreq r = {.ifr_name = DLMA_HOLD_NAME, .ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | flags);
	int err;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, TUNSETIFF, &r))
		return fd;
	err = -errno;
	close(fd);
	return err;
}
