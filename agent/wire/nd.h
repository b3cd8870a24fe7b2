/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The Neighbor Discovery that a MAG speaks with its MNs (RFC 4861, RFC 5213 6.7 to 6.9): whole
 * IPv6 packets in and out, without the Ethernet header. Pure.
 */
#pragma once

#include "dlma/types.h"
#include <stddef.h>
#include <stdint.h>

enum nd_type {
	ND_ROUTER_SOLICITATION = 133,
	ND_ROUTER_ADVERTISEMENT = 134,
	ND_NEIGHBOR_SOLICITATION = 135,
	ND_NEIGHBOR_ADVERTISEMENT = 136,
	ND_MLD2_REPORT = 143,
	ND_MLD_REPORT = 131,
};

enum { ND_PACKET_MAX = 256 };

/* What a MN sent on the access link. */
struct nd_message {
	uint8_t type; /* enum nd_type, no other */
	struct dlma_addr src;
	struct dlma_addr target; /* NS and NA; else zero */
};

/*
 * Reads an ICMPv6 message of one of the types above: checksum, hop limit 255 (1 for MLD), Code 0,
 * minimum length, option lengths and addresses (RFC 4861 6.1, 7.1). Hop-by-hop options before it
 * (MLD) are stepped over; octets after the IPv6 payload are link padding.
 * Returns 0; -ENOMSG: not one of these types; -EBADMSG: malformed.
 */
int nd_decode(const uint8_t *packet, size_t len, struct nd_message *ret);

struct nd_advertisement {
	struct dlma_addr src; /* the MAG's link-local address */
	struct dlma_addr dst; /* ff02::1 or the MN's link-local address */
	struct dlma_prefix hnp;
	uint8_t mac[6]; /* source link-layer address option */
	uint32_t mtu;	/* 0: no MTU option */
	uint16_t router_lifetime_s;
	uint32_t valid_lifetime_s;
	uint32_t preferred_lifetime_s;
};

/* Router Advertisement: one prefix, on-link and autonomous. Returns octets or -ENOSPC. */
int nd_advertise(const struct nd_advertisement *ra, uint8_t *buf, size_t cap);

/* Neighbor Solicitation for `target`, unicast to it: is the MN still there? */
int nd_solicit(const struct dlma_addr *src, const struct dlma_addr *target, const uint8_t mac[6],
	uint8_t *buf, size_t cap);

/* The link-local address with the modified EUI-64 of a MAC (RFC 4291 appendix A). */
struct dlma_addr nd_link_local(const uint8_t mac[6]);
