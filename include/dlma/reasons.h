/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a packet or a message ended the way it did.
 *
 * These two lists are the only ones: the enums, the counters, the metric names, the tool's texts
 * and docs/reasons.md are all made from them. Numbers are dense and never used again; a reason
 * that dies keeps its line as `unused_N`.
 */
#pragma once

/* What became of a packet. Every packet is counted under exactly one reason. */
enum dlma_class {
	DLMA_FORWARD, /* sent on by us */
	DLMA_PASS,    /* left to the kernel */
	DLMA_DROP,
	DLMA_NOTE, /* not a verdict: something counted beside one */
};

/* X(number, name, class, text) */
#define DLMA_PACKET_REASONS(X)                                                                    \
	X(0, received, NOTE, "packets seen by the programs")                                      \
	X(1, tunnel_binding, FORWARD, "anchored here: tunnelled to the MAG of the binding")       \
	X(2, tunnel_cached, FORWARD, "O-LMA, location cached: tunnelled to the D-LMA")            \
	X(3, tunnel_forwarding, FORWARD, "previous D-LMA: tunnelled to the new D-LMA")            \
	X(4, tunnel_location, FORWARD, "H-LMA: tunnelled to the D-LMA of its location table")     \
	X(5, tunnel_owner, FORWARD, "O-LMA, location unknown: tunnelled to the prefix owner")     \
	X(6, tunnel_uplink, FORWARD, "MAG: tunnelled from the MN to its LMA")                     \
	X(7, delivered, FORWARD, "MAG: delivered to the MN on its access link")                   \
	X(8, tunnel_kernel, FORWARD, "tunnelled, next hop not resolved: sent by the kernel")      \
	X(9, tunnel_returned, FORWARD, "forwarded once already: tunnelled back to the owner")     \
	X(10, not_ipv6, PASS, "not an IPv6 packet")                                               \
	X(11, not_ours, PASS, "neither a HoA nor an address of this node")                        \
	X(12, local, PASS, "for this node itself, signalling included")                           \
	X(13, link_scope, PASS, "link-local or multicast traffic of an access link")              \
	X(14, from_mn, PASS, "from a MN to a CN: tunnel ended, routed on by the kernel")          \
	X(15, no_service, PASS, "access link, source outside the HoA prefixes: routed natively")  \
	X(16, malformed, DROP, "truncated or inconsistent IPv6 header")                           \
	X(17, untrusted_peer, DROP, "tunnelled by a node that is not a peer for it")              \
	X(18, inner_malformed, DROP, "tunnelled packet is not a whole IPv6 packet")               \
	X(19, inner_source, DROP, "source not bound to the MAG, the link or the MN that sent it") \
	X(20, inner_destination, DROP, "tunnelled to an address that may not leave its link")     \
	X(21, hop_limit, DROP, "hop limit used up")                                               \
	X(22, no_owner, DROP, "inside the superset, but nobody owns the prefix")                  \
	X(23, unbound, DROP, "HoA owned here is anchored nowhere")                                \
	X(24, wrong_anchor, DROP, "tunnelled here, but not anchored here")                        \
	X(25, not_attached, DROP, "tunnelled to this MAG, but the MN is not attached")            \
	X(26, unbound_source, DROP, "from an access link, HoA not registered yet")                \
	X(27, tunnel_loop, DROP, "would go back into the tunnel that it came from")               \
	X(28, too_big, DROP,                                                                      \
		"larger than the path allows once tunnelled; its source is not told: it has "     \
		"no more than 1280 octets, is an ICMPv6 error, or the rate limit says so")        \
	X(29, ecn, DROP, "congestion marked outside, inner not ECN-capable (RFC 6040)")           \
	X(30, no_room, DROP, "kernel refused to make room for the header")                        \
	X(31, not_ready, PASS, "programs attached, but not configured yet")                       \
	X(32, event_sent, NOTE, "events handed to the agent")                                     \
	X(33, event_limited, NOTE, "events held back by the rate limit")                          \
	X(34, event_lost, NOTE, "events that the perf ring could not take")                       \
	X(35, held, FORWARD, "MN between two MAGs or being registered: waits at the agent")       \
	X(36, not_held, DROP, "MN between two MAGs for too long, or without a waiting room")      \
	X(37, too_big_told, DROP,                                                                 \
		"larger than the path allows once tunnelled; its source is told by ICMPv6")

/* What became of a signalling message, and of the options in it. X(number, name, text) */
#define DLMA_SIGNAL_REASONS(X)                                                             \
	X(0, accepted, "messages acted on")                                                \
	X(1, mh_short, "shorter than its type needs")                                      \
	X(2, mh_length, "length disagrees with the Header Len field")                      \
	X(3, mh_checksum, "wrong checksum")                                                \
	X(4, mh_payload_proto, "Payload Proto is not 59")                                  \
	X(5, mh_type_unknown, "unknown Mobility Header type")                              \
	X(6, option_overrun, "an option runs past the end of the message")                 \
	X(7, option_length, "an option has a length that its type does not allow")         \
	X(8, option_repeated, "an option stands more often than it may")                   \
	X(9, option_unknown, "unknown options, skipped")                                   \
	X(10, stranger, "sender is not a configured peer; not answered")                   \
	X(11, auth_missing, "no authentication option from a peer that must send one")     \
	X(12, auth_spi, "authentication under an SPI that this peer does not have")        \
	X(13, auth_failed, "authentication data wrong")                                    \
	X(14, replayed, "counter seen before, or too old")                                 \
	X(15, stale_epoch, "sent to, or by, an earlier run of a node")                     \
	X(16, unexpected, "an answer to nothing that was asked, or a type of no use here") \
	X(17, refused, "requests answered with a status of 128 or more")                   \
	X(18, outdated, "older than what is known; answered with the newer stamp")         \
	X(19, not_authorised, "sender may not change that entry")                          \
	X(20, rate_limited, "answers held back by a rate limit")                           \
	X(21, table_full, "no room for one more entry")                                    \
	X(22, unanswered, "requests given up after the last retransmission")               \
	X(23, retransmitted, "requests sent again")                                        \
	X(24, greeted, "heartbeats of nodes that do not know our run yet; answered")       \
	X(25, quota, "registrations refused: the peer has, or moves, as many MNs as it may")

#define DLMA_ENUM_(number, name, ...) DLMA_PACKET_##name = number,
enum dlma_packet_reason { DLMA_PACKET_REASONS(DLMA_ENUM_) DLMA_PACKET_REASON_COUNT };
#undef DLMA_ENUM_

#define DLMA_ENUM_(number, name, ...) DLMA_SIGNAL_##name = number,
enum dlma_signal_reason { DLMA_SIGNAL_REASONS(DLMA_ENUM_) DLMA_SIGNAL_REASON_COUNT };
#undef DLMA_ENUM_

#ifndef __bpf__
struct dlma_reason_text {
	const char *name;
	const char *text;
	enum dlma_class class; /* packet reasons only */
};

/* Indexed by enum dlma_packet_reason and enum dlma_signal_reason; in agent/base/reasons.c. */
extern const struct dlma_reason_text dlma_packet_texts[DLMA_PACKET_REASON_COUNT];
extern const struct dlma_reason_text dlma_signal_texts[DLMA_SIGNAL_REASON_COUNT];
#endif
