// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packets beside the signalling: what MNs say on an access link (ND, MLD), what routers say of
 * our tunnels (ICMPv6), and what is written in answer. The first octet chooses which.
 */
#include "fuzz.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/nd.h"
#include <errno.h>
#include <stdlib.h>

enum { IP6 = 40, ICMPV6 = 58, NEXT_AT = 6, BUFFER = 2048 };

static uint8_t buffer[BUFFER];

static struct dlma_addr take_addr(struct reader *r)
{
	struct dlma_addr a;

	reader_bytes(r, &a, sizeof(a));
	return a;
}

/* Checks what we wrote ourselves: length, checksum. */
static void check_packet(const uint8_t *packet, size_t len)
{
	struct dlma_addr ends[2];
	uint64_t sum;

	memcpy(ends, packet + 8, sizeof(ends));
	CHECK(len > IP6 && packet[0] >> 4 == 6 && packet[NEXT_AT] == ICMPV6);
	CHECK((packet[4] << 8 | packet[5]) == (int)(len - IP6));
	sum = checksum_pseudo(&ends[0], &ends[1], ICMPV6, len - IP6);
	CHECK(!checksum_finish(checksum_add(sum, packet + IP6, len - IP6)));
}

static bool is_nd_type(uint8_t type)
{
	return type == ND_MLD_REPORT || type == ND_MLD2_REPORT ||
	       (type >= ND_ROUTER_SOLICITATION && type <= ND_NEIGHBOR_ADVERTISEMENT);
}

static void check_nd(const uint8_t *packet, size_t len)
{
	struct nd_message m;
	int err = nd_decode(packet, len, &m);

	CHECK(!err || err == -ENOMSG || err == -EBADMSG);
	if (err)
		return;
	CHECK(is_nd_type(m.type) && !addr_is_multicast(&m.src) && !addr_is_multicast(&m.target));
	if (m.type != ND_NEIGHBOR_SOLICITATION && m.type != ND_NEIGHBOR_ADVERTISEMENT)
		CHECK(addr_is_zero(&m.target));
}

/* Makes the lengths and the checksum of a packet fit, a hop-by-hop header included. */
static void check_nd_repaired(const uint8_t *data, size_t len)
{
	size_t icmp = IP6 + (len > IP6 + 2 && !data[NEXT_AT] ? 8 + 8 * data[IP6 + 1] : 0);
	uint8_t *packet = fuzz_copy(data, len);
	struct dlma_addr ends[2];
	uint16_t sum;

	if (len >= icmp + 4) {
		packet[0] = 0x60;
		packet[4] = (uint8_t)((len - IP6) >> 8);
		packet[5] = (uint8_t)(len - IP6);
		packet[icmp + 2] = packet[icmp + 3] = 0;
		memcpy(ends, packet + 8, sizeof(ends));
		sum = checksum_finish(
			checksum_add(checksum_pseudo(&ends[0], &ends[1], ICMPV6, len - icmp),
				packet + icmp, len - icmp));
		packet[icmp + 2] = (uint8_t)(sum >> 8);
		packet[icmp + 3] = (uint8_t)sum;
	}
	check_nd(packet, len);
	free(packet);
}

static void check_advertise(struct reader r)
{
	struct nd_advertisement ra = {.src = take_addr(&r), .dst = take_addr(&r)};
	size_t cap = reader_u8(&r);
	struct nd_message m;
	int len;

	ra.hnp = prefix_make(take_addr(&r), reader_u8(&r) % 129);
	reader_bytes(&r, ra.mac, sizeof(ra.mac));
	ra.mtu = reader_u32(&r);
	ra.router_lifetime_s = reader_u16(&r);
	ra.valid_lifetime_s = reader_u32(&r);
	ra.preferred_lifetime_s = reader_u32(&r);
	CHECK(nd_advertise(&ra, buffer, cap) <= (int)cap);
	len = nd_advertise(&ra, buffer, ND_PACKET_MAX);
	CHECK(len > 0);
	check_packet(buffer, (size_t)len);
	if (addr_is_multicast(&ra.src) || addr_is_zero(&ra.src))
		return;
	CHECK(!nd_decode(buffer, (size_t)len, &m) && m.type == ND_ROUTER_ADVERTISEMENT);
	CHECK(addr_equal(&m.src, &ra.src));
}

static void check_solicit(struct reader r)
{
	struct dlma_addr src = take_addr(&r), target = take_addr(&r);
	struct nd_message m;
	uint8_t mac[6];
	size_t cap;
	int len;

	reader_bytes(&r, mac, sizeof(mac));
	cap = reader_u8(&r);
	CHECK(nd_solicit(&src, &target, mac, buffer, cap) <= (int)cap);
	len = nd_solicit(&src, &target, mac, buffer, ND_PACKET_MAX);
	CHECK(len > 0);
	check_packet(buffer, (size_t)len);
	src = nd_link_local(mac);
	CHECK(addr_is_link_local(&src));
	len = nd_solicit(&src, &target, mac, buffer, ND_PACKET_MAX);
	if (addr_is_multicast(&target))
		return;
	CHECK(!nd_decode(buffer, (size_t)len, &m) && m.type == ND_NEIGHBOR_SOLICITATION);
	CHECK(addr_equal(&m.target, &target) && addr_equal(&m.src, &src));
}

static void check_icmp(const uint8_t *message, size_t len, const struct dlma_addr *self)
{
	struct icmp_error e;
	size_t relay, cap;

	if (icmp_parse(message, len, self, &e))
		return;
	CHECK(e.type >= ICMP_DESTINATION_UNREACHABLE && e.type <= ICMP_TIME_EXCEEDED);
	CHECK(addr_is_routable(&e.src) && addr_is_routable(&e.dst));
	CHECK(e.inner >= message && e.inner + e.inner_len == message + len);
	relay = icmp_write_relay(&e, buffer, sizeof(buffer));
	CHECK(relay <= ICMP_IP6_MTU_MIN);
	if (!relay)
		return;
	check_packet(buffer, relay);
	for (cap = relay - 1; cap > relay - 3; cap--)
		CHECK(!icmp_write_relay(&e, buffer, cap));
}

/* Our own address is taken from the message, so that it is one of ours more often. */
static void check_icmp_as_ours(const uint8_t *data, size_t len)
{
	struct dlma_addr self = {0};

	if (len >= 8 + IP6)
		memcpy(&self, data + 16, sizeof(self));
	check_icmp(data, len, &self);
}

/* The MTU of a path: what routers say makes it smaller, never larger, until that is forgotten. */
static void check_path(struct reader r)
{
	uint16_t link = reader_u16(&r), now, was;
	struct icmp_path p = {0};
	uint64_t at = 0;

	CHECK(icmp_path_mtu(&p, link, at) == link);
	while (r.left) {
		uint32_t reported = reader_u8(&r) & 1 ? reader_u32(&r) : reader_u16(&r);

		was = icmp_path_mtu(&p, link, at);
		if (icmp_path_lower(&p, reported, link, at)) {
			now = icmp_path_mtu(&p, link, at);
			CHECK(now <= was && now < link && now >= ICMP_TUNNEL_MTU_MIN);
		} else {
			CHECK(icmp_path_mtu(&p, link, at) == was);
		}
		at += reader_u32(&r) % ICMP_PATH_MTU_MS;
	}
	CHECK(icmp_path_mtu(&p, link, at + ICMP_PATH_MTU_MS) == link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dlma_addr self = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	struct reader r = {data + 1, size - 1};

	if (!size)
		return 0;
	switch (data[0] % 7) {
	case 0:
		check_nd(r.at, r.left);
		break;
	case 1:
		check_nd_repaired(r.at, r.left);
		break;
	case 2:
		check_advertise(r);
		break;
	case 3:
		check_solicit(r);
		break;
	case 4:
		check_icmp(r.at, r.left, &self);
		break;
	case 5:
		check_icmp_as_ours(r.at, r.left);
		break;
	case 6:
		check_path(r);
		break;
	}
	return 0;
}
