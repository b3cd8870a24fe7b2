// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "links.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

enum { LINK_MTU = 9000 };

/* Without IPv6 the kernel itself says nothing on a tap. */
static int silence(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, "1", 1) != 1 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int link_up(const char *name, uint32_t *ret_ifindex)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {0};
	int err = 0;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	r.ifr_mtu = LINK_MTU;
	if (ioctl(s, SIOCSIFMTU, &r))
		err = -errno;
	r.ifr_flags = IFF_UP | IFF_NOARP;
	if (!err && ioctl(s, SIOCSIFFLAGS, &r))
		err = -errno;
	if (!err && ioctl(s, SIOCGIFINDEX, &r))
		err = -errno;
	if (!err)
		*ret_ifindex = (uint32_t)r.ifr_ifindex;
	close(s);
	return err;
}

/* The MTU before "up", and a super-packet that leaves is to be cut as on a real wire. */
static int tap_open(unsigned int number, uint32_t *ret_ifindex)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "link%u", number);
	err = ioctl(fd, TUNSETIFF, &r) ? -errno : link_up(r.ifr_name, ret_ifindex);
	if (!err)
		return fd;
	close(fd);
	return err;
}

const char *links_open(struct links *ret)
{
	*ret = LINKS_CLOSED;
	if (unshare(CLONE_NEWNET))
		return "network namespaces";
	if (silence())
		return "IPv6";
	for (unsigned int i = LINK_CORE; i < LINK_COUNT; i++) {
		ret->fd[i] = tap_open(i, &ret->ifindex[i]);
		if (ret->fd[i] < 0)
			return "tap devices (tun)";
	}
	return NULL;
}

void links_close(struct links *l)
{
	for (unsigned int i = LINK_CORE; i < LINK_COUNT; i++)
		if (l->fd[i] >= 0)
			close(l->fd[i]);
}

int links_send(const struct links *l, enum link link, const struct frame *f,
	const struct segmentation *how)
{
	struct virtio_net_hdr h = {0};
	struct iovec parts[] = {{&h, sizeof(h)}, {(void *)f->bytes, f->len}};

	if (how)
		h.hdr_len = how->head;
	if (how && how->tcp_at) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.csum_start = how->tcp_at;
		h.csum_offset = 16;
	}
	if (how && how->mss) {
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
		h.gso_size = how->mss;
	}
	return writev(l->fd[link], parts, 2) < 0 ? -errno : 0;
}

int links_wait(const struct links *l, int deadline_ms)
{
	struct pollfd p[LINK_COUNT];

	for (unsigned int i = 0; i < LINK_COUNT; i++)
		p[i] = (struct pollfd){.fd = i ? l->fd[i] : -1, .events = POLLIN};
	return poll(p, LINK_COUNT, deadline_ms) < 1 ? -ETIMEDOUT : 0;
}

int links_receive(const struct links *l, enum link link, struct frame *ret)
{
	struct virtio_net_hdr h;
	struct iovec parts[] = {{&h, sizeof(h)}, {ret->bytes, sizeof(ret->bytes)}};
	ssize_t n = readv(l->fd[link], parts, 2);

	if (n < (ssize_t)sizeof(h))
		return -EAGAIN;
	ret->len = (uint32_t)(n - (ssize_t)sizeof(h));
	return 0;
}
