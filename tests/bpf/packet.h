/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames for the tests of the data path, written down as a list of layers:
 *
 *   static const struct layer in[] = {ETH(MAC_SELF, MAC_ROUTER), IP6(CN, HOA), UDP, DATA(32), {0}};
 *
 * Lengths and next headers follow from the layers unless a layer lies about them. Nothing here
 * uses code of the product.
 */
#pragma once

#include "dlma/types.h"
#include <stdint.h>

enum {
	FRAME_MAX = 6000,
	ETH_LEN = 14,
	IP6_LEN = 40,
	LAYERS_MAX = 10,
	PACKET_HOP_LIMIT = 64, /* unless a layer says otherwise */
};

struct frame {
	uint32_t len;
	uint8_t bytes[FRAME_MAX];
};

enum layer_kind {
	LAYER_END,
	LAYER_ETH,
	LAYER_VLAN,
	LAYER_IP6,
	LAYER_TRANSPORT, /* UDP, TCP or ICMPv6 by `number` */
	LAYER_TOO_BIG,	 /* ICMPv6 Packet Too Big; what follows is quoted */
	LAYER_HEADER,	 /* an extension header: `number`, and `count` octets after the first two */
	LAYER_DATA,	 /* `count` octets */
	LAYER_RAW,	 /* `count` octets from `raw` */
	LAYER_PAD,	 /* octets that no length field covers */
};

/* A zero in these fields means "as usual"; a real zero is written as the constant below. */
enum {
	HOP_ZERO = 1 << 8,
	PAYLOAD_ZERO = 1 << 16,
	LABEL_FLOW = 1 << 20, /* the label that dlma gives to the flow of the packet inside */
};

struct layer {
	enum layer_kind kind;
	uint8_t number; /* protocol */
	uint8_t mac_to, mac_from;
	uint16_t type; /* EtherType */
	uint16_t count;
	const char *src, *dst, *raw;
	uint32_t label;
	uint32_t payload; /* Payload Length; 0: what follows */
	uint32_t mtu;	  /* of LAYER_TOO_BIG */
	uint16_t hop;	  /* Hop Limit; 0: PACKET_HOP_LIMIT */
	uint8_t tc;	  /* Traffic Class */
	uint8_t version;  /* 0: 6 */
	uint8_t next;	  /* 0: by what follows */
};

#define ETH(to, from) ETH_TYPE(to, from, 0x86dd)
#define ETH_TYPE(to, from, ethertype)                                                      \
	{                                                                                  \
		.kind = LAYER_ETH, .mac_to = (to), .mac_from = (from), .type = (ethertype) \
	}
#define VLAN(tag, ethertype)                                            \
	{                                                               \
		.kind = LAYER_VLAN, .count = (tag), .type = (ethertype) \
	}
#define IP6(from, to, ...)                                                   \
	{                                                                    \
		.kind = LAYER_IP6, .src = (from), .dst = (to), ##__VA_ARGS__ \
	}
#define UDP                                                       \
	{                                                         \
		.kind = LAYER_TRANSPORT, .number = 17, .count = 8 \
	}
#define TCP                                                       \
	{                                                         \
		.kind = LAYER_TRANSPORT, .number = 6, .count = 20 \
	}
#define ICMP6                                                     \
	{                                                         \
		.kind = LAYER_TRANSPORT, .number = 58, .count = 8 \
	}
#define TOO_BIG(octets)                                              \
	{                                                            \
		.kind = LAYER_TOO_BIG, .number = 58, .mtu = (octets) \
	}
#define HEADER(protocol, octets, bytes)                                                       \
	{                                                                                     \
		.kind = LAYER_HEADER, .number = (protocol), .count = (octets), .raw = (bytes) \
	}
#define DATA(octets)                                                \
	{                                                           \
		.kind = LAYER_DATA, .number = 59, .count = (octets) \
	}
#define RAW(protocol, octets, bytes)                                                       \
	{                                                                                  \
		.kind = LAYER_RAW, .number = (protocol), .count = (octets), .raw = (bytes) \
	}
#define PAD(octets)                                  \
	{                                            \
		.kind = LAYER_PAD, .count = (octets) \
	}

/* Extension headers: what follows the Next Header and the Hdr Ext Len octet. */
#define HOP_BY_HOP  HEADER(0, 6, "\x01\x04\0\0\0\0")
#define ROUTING	    HEADER(43, 6, "\x04\0\0\0\0\0")
#define FRAGMENT    HEADER(44, 6, "\0\x01\0\0\0\x2a")
#define DST_OPTIONS HEADER(60, 6, "\x01\x04\0\0\0\0")
#define ENCAP_LIMIT HEADER(60, 6, "\x04\x01\x04\x01\x01\0") /* as Linux ip6tnl writes it */
#define MAC_FIRST   "\x02\0\0\0\0" /* before the number that stands for a MAC address */

/* `layers` ends with {0}. */
void packet_build(const struct layer *layers, struct frame *ret);

struct dlma_addr packet_addr(const char *text);

void packet_mac(uint8_t number, uint8_t ret[6]);

uint32_t packet_be32(const uint8_t *at);

/* The checksum of an ICMPv6 message of `len` octets behind this IPv6 header; its own field counts.
 */
uint16_t packet_checksum(const uint8_t *ip6, size_t len);

/* The checksum of the pseudo header alone, for `len` octets of a protocol behind it. */
uint16_t packet_pseudo(const uint8_t *ip6, size_t len, uint8_t protocol);

/* The flow label of an encapsulated IPv6 packet (RFC 6438), under the tests' key. */
#define PACKET_LABEL_KEY 0x0123456789abcdefULL
uint32_t packet_label(uint64_t key, const uint8_t *ip6, size_t len);

/* The hash in it: folds one value more into `h`. */
uint64_t packet_mix(uint64_t h, uint64_t value);
