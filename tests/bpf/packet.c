// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "packet.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

enum { IP6_PAYLOAD_AT = 4, IP6_SRC_AT = 8, IP6_DST_AT = 24, LABEL_BITS = 18 };

struct dlma_addr packet_addr(const char *text)
{
	struct dlma_addr a;

	if (inet_pton(AF_INET6, text, &a) != 1)
		cr_assert_fail("%s is no address", text);
	return a;
}

void packet_mac(uint8_t number, uint8_t ret[6])
{
	memcpy(ret, MAC_FIRST, 5);
	ret[5] = number;
}

uint32_t packet_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

uint64_t packet_mix(uint64_t h, uint64_t value)
{
	h ^= value;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15;
	return h ^ h >> 32;
}

static uint64_t big_endian(const uint8_t *octets, size_t count)
{
	uint64_t value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | octets[i];
	return value;
}

/* The keys of the hash: splitmix64, seeded with the secret. */
static uint64_t label_key(uint64_t secret, unsigned int number)
{
	uint64_t z = secret + (number + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A half of an address, with its key. */
static uint64_t keyed(uint64_t secret, const uint8_t *ip6, unsigned int half)
{
	return big_endian(ip6 + IP6_SRC_AT + (size_t)8 * half, 8) + label_key(secret, half);
}

/* RFC 6438: the inner label if there is one, else the ports where they can be seen. */
uint32_t packet_label(uint64_t key, const uint8_t *ip6, size_t len)
{
	uint32_t inner = (ip6[1] & 0xfu) << 16 | (uint32_t)ip6[2] << 8 | ip6[3];
	bool has_ports = (ip6[6] == IPPROTO_TCP || ip6[6] == IPPROTO_UDP) && len >= IP6_LEN + 4;
	uint64_t flow = inner ? inner : has_ports ? big_endian(ip6 + IP6_LEN, 4) : 0;
	uint64_t h = keyed(key, ip6, 0) * keyed(key, ip6, 1) +
		     keyed(key, ip6, 2) * keyed(key, ip6, 3) + flow * label_key(key, 4);

	h >>= 64 - LABEL_BITS;
	return h ? (uint32_t)h : 1;
}

static uint16_t checksum(uint64_t sum, const uint8_t *octets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum += i % 2 ? octets[i] : (uint64_t)octets[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t packet_pseudo(const uint8_t *ip6, size_t len, uint8_t protocol)
{
	return checksum(len + protocol, ip6 + IP6_SRC_AT, IP6_LEN - IP6_SRC_AT);
}

uint16_t packet_checksum(const uint8_t *ip6, size_t len)
{
	return checksum(len + IPPROTO_ICMPV6, ip6 + IP6_SRC_AT, IP6_LEN - IP6_SRC_AT + len);
}

static void put(struct frame *f, const void *bytes, size_t count)
{
	if (f->len + count > sizeof(f->bytes))
		cr_assert_fail("the frame is too long");
	memcpy(f->bytes + f->len, bytes, count);
	f->len += (uint32_t)count;
}

static void put_be16(struct frame *f, unsigned int value)
{
	put(f, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

/* Octets that differ from each other, so that one that moved is seen. */
static void put_data(struct frame *f, unsigned int count)
{
	uint8_t octets[256];

	for (unsigned int i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(0xd0 + i);
	for (; count > sizeof(octets); count -= sizeof(octets))
		put(f, octets, sizeof(octets));
	put(f, octets, count);
}

static uint8_t next_header(const struct layer *l)
{
	if (l->next)
		return l->next;
	if (l[1].kind == LAYER_IP6)
		return IPPROTO_IPV6;
	return l[1].kind == LAYER_END || l[1].kind == LAYER_PAD ? IPPROTO_NONE : l[1].number;
}

static void put_eth(struct frame *f, const struct layer *l)
{
	uint8_t macs[12];

	packet_mac(l->mac_to, macs);
	packet_mac(l->mac_from, macs + 6);
	put(f, macs, sizeof(macs));
	put_be16(f, l->type);
}

static void put_ip6(struct frame *f, const struct layer *l)
{
	struct dlma_addr src = packet_addr(l->src), dst = packet_addr(l->dst);
	uint32_t word = (uint32_t)(l->version ? l->version : 6) << 28 | (uint32_t)l->tc << 20 |
			(l->label & 0xfffff);

	put_be16(f, word >> 16);
	put_be16(f, word);
	put_be16(f, l->payload);
	put(f, (uint8_t[]){next_header(l), (uint8_t)(l->hop ? l->hop : PACKET_HOP_LIMIT)}, 2);
	put(f, &src, sizeof(src));
	put(f, &dst, sizeof(dst));
}

static void put_transport(struct frame *f, const struct layer *l)
{
	static const uint8_t udp[8] = {0x13, 0x88, 0x1b, 0x58, 0, 16, 0xab, 0xcd};
	static const uint8_t tcp[20] = {0x9c, 0x40, 1, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10};
	static const uint8_t icmp6[8] = {128, 0, 0xbe, 0xef, 1, 2, 3, 4};

	put(f, l->number == IPPROTO_UDP ? udp : l->number == IPPROTO_TCP ? tcp : icmp6, l->count);
}

static void put_layer(struct frame *f, const struct layer *l)
{
	switch (l->kind) {
	case LAYER_END:
		break;
	case LAYER_ETH:
		put_eth(f, l);
		break;
	case LAYER_VLAN:
		put_be16(f, l->count);
		put_be16(f, l->type);
		break;
	case LAYER_IP6:
		put_ip6(f, l);
		break;
	case LAYER_TRANSPORT:
		put_transport(f, l);
		break;
	case LAYER_TOO_BIG:
		put(f, "\x02\0\0\0", 4);
		put_be16(f, l->mtu >> 16);
		put_be16(f, l->mtu);
		break;
	case LAYER_HEADER:
		put(f, (uint8_t[]){next_header(l), (uint8_t)((l->count + 2) / 8 - 1)}, 2);
		put(f, l->raw, l->count);
		break;
	case LAYER_DATA:
	case LAYER_PAD:
		put_data(f, l->count);
		break;
	case LAYER_RAW:
		put(f, l->raw, l->count);
		break;
	}
}

/* What only the octets after a header tell: its length, and the label of the flow inside. */
static void finish_ip6(struct frame *f, const struct layer *l, uint32_t at, uint32_t end)
{
	uint8_t *ip6 = f->bytes + at;
	uint32_t label;

	if (!l->payload) {
		ip6[IP6_PAYLOAD_AT] = (uint8_t)((end - at - IP6_LEN) >> 8);
		ip6[IP6_PAYLOAD_AT + 1] = (uint8_t)(end - at - IP6_LEN);
	}
	if (!(l->label & LABEL_FLOW))
		return;
	label = packet_label(PACKET_LABEL_KEY, ip6 + IP6_LEN, f->len - at - IP6_LEN);
	ip6[1] |= (uint8_t)(label >> 16);
	ip6[2] = (uint8_t)(label >> 8);
	ip6[3] = (uint8_t)label;
}

/* Once what is quoted is finished; the header before it has its addresses already. */
static void finish_too_big(struct frame *f, uint32_t at, uint32_t end)
{
	uint16_t sum = packet_checksum(f->bytes + at - IP6_LEN, end - at);

	f->bytes[at + 2] = (uint8_t)(sum >> 8);
	f->bytes[at + 3] = (uint8_t)sum;
}

void packet_build(const struct layer *layers, struct frame *ret)
{
	uint32_t at[LAYERS_MAX], end = 0;
	int count = 0;

	ret->len = 0;
	for (; layers[count].kind != LAYER_END; count++) {
		if (count == LAYERS_MAX)
			cr_assert_fail("more than %d layers", LAYERS_MAX);
		at[count] = ret->len;
		put_layer(ret, &layers[count]);
		if (layers[count].kind != LAYER_PAD)
			end = ret->len;
	}
	while (count--)
		if (layers[count].kind == LAYER_IP6)
			finish_ip6(ret, &layers[count], at[count], end);
		else if (layers[count].kind == LAYER_TOO_BIG)
			finish_too_big(ret, at[count], end);
}
