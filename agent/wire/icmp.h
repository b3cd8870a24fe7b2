/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMPv6 errors from inside our tunnels (RFC 2473 8): what to believe of them, and what follows. */
#pragma once

#include "dlma/types.h"
#include <stddef.h>
#include <stdint.h>

enum {
	ICMP_DESTINATION_UNREACHABLE = 1,
	ICMP_PACKET_TOO_BIG = 2,
	ICMP_TIME_EXCEEDED = 3,
	ICMP_IP6_MTU_MIN = 1280,
	ICMP_TUNNEL_MTU_MIN = ICMP_IP6_MTU_MIN + 40, /* what every inner packet may rely on */
	ICMP_PATH_MTU_MS = 600000,		     /* RFC 8201 4: 10 minutes */
};

/* An error about a packet that this node has tunnelled. */
struct icmp_error {
	uint8_t type;
	uint32_t mtu;		   /* ICMP_PACKET_TOO_BIG */
	struct dlma_addr peer;	   /* where the tunnel leads */
	struct dlma_addr src, dst; /* of the packet in the tunnel */
	const uint8_t *inner;	   /* what is quoted of that packet, in the message */
	size_t inner_len;
};

/*
 * Takes an ICMPv6 message apart whose checksum is right. It must quote a packet as `self` writes
 * it: IPv6 directly in IPv6, with a hop limit and a flow label that it can have, of fitting lengths
 * and, if it was too big, larger than the MTU reported. Whether the peer is one, and the inner
 * addresses are of this domain, is the caller's to say. Returns 0 or -EBADMSG.
 */
int icmp_parse(
	const uint8_t *message, size_t len, const struct dlma_addr *self, struct icmp_error *ret);

/*
 * Writes the packet that relays an error to the source of the inner packet (RFC 2473 8.2):
 * unreachable, in the name of the inner destination. Returns its length; 0 if that source must not
 * be sent any (RFC 4443 2.4 e).
 */
size_t icmp_write_relay(const struct icmp_error *e, uint8_t *buf, size_t cap);

/* What routers have said about the path to a peer. */
struct icmp_path {
	uint16_t mtu; /* 0: nothing */
	uint64_t until_ms;
};

/* The MTU of the path, whose first link has `link_mtu`. */
uint16_t icmp_path_mtu(const struct icmp_path *p, uint16_t link_mtu, uint64_t now_ms);

/* Takes a report; false if it is not to be believed, since it would raise the MTU or is absurd. */
bool icmp_path_lower(struct icmp_path *p, uint32_t reported, uint16_t link_mtu, uint64_t now_ms);
