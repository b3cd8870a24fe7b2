/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interfaces of a node under test: taps in a network namespace of this process alone, so that
 * frames can be put on the wire and taken from it. Gone with the process.
 */
#pragma once

#include "tables.h"

struct links {
	uint32_t ifindex[LINK_COUNT];
	int fd[LINK_COUNT]; /* of the taps; -1 */
};

#define LINKS_CLOSED ((struct links){.fd = {-1, -1, -1, -1, -1, -1}})

/* What the wire says beside the octets (struct virtio_net_hdr). */
struct segmentation {
	uint16_t head;	 /* octets that the kernel keeps in the head of the skb, at least */
	uint16_t mss;	 /* of a super-packet: octets of TCP payload in each segment */
	uint16_t tcp_at; /* not 0: its checksum is still to be filled in, as in a super-packet */
};

/* Returns NULL, or what is missing. links_close() is allowed either way. */
const char *links_open(struct links *ret);

void links_close(struct links *l);

/* Puts a frame on the wire of a link. `how` may be NULL. Returns 0 or negative errno. */
int links_send(const struct links *l, enum link link, const struct frame *f,
	const struct segmentation *how);

/* Waits until a frame has come out of any link. Returns 0 or -ETIMEDOUT. */
int links_wait(const struct links *l, int deadline_ms);

/* The next frame that has come out of a link. Returns 0, or -EAGAIN if there is none. */
int links_receive(const struct links *l, enum link link, struct frame *ret);
