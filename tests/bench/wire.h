/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the generator and its program in the kernel tell each other. */
#pragma once

#include "control.h"

enum {
	WIRE_HEAD = 62,	 /* Ethernet, IPv6 and UDP: octets that are made anew for each packet */
	WIRE_OUTER = 40, /* and of a tunnel's header between the first two */
};

/* HoAs number first to first + count - 1, as bench_key() scatters them. */
struct wire_keys {
	__u32 first, count;
};

struct wire_control {
	__u64 state; /* of the random numbers */
	__u64 packets;
	__u32 ifindex; /* where to send */
	__u32 one_in;  /* of so many packets one takes its HoA from keys[0], the others from [1] */
	struct wire_keys keys[2]; /* count 0: the destination in `head` */
	__u32 block, block_mask; /* HoAs: second word of the HNP, and which bits of it they share */
	__u32 tunnelled;
	__u8 head[WIRE_HEAD + WIRE_OUTER];
};
