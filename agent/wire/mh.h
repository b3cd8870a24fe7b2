/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mobility Header messages (RFC 6275 6.1) as structs, and back.
 *
 * Pure: no I/O, no clock, no allocation. A decoded message points nowhere into the packet. Every
 * message type and every option is one row of a table in mh.c / mhopt.c; what has no row is
 * unknown. All numbers in the structs are in host order; addresses are in network order.
 */
#pragma once

#include "dlma/reasons.h"
#include "dlma/types.h"
#include <stddef.h>
#include <stdint.h>

enum mh_limits {
	MH_MIN_LEN = 8,
	MH_MAX_LEN = 2048,
	MH_MN_ID_MAX = 253,
	MH_MN_MAX = 2,	/* MN-ID options of one message (LRI has two) */
	MH_HNP_MAX = 4, /* HNP options of one message */
	MH_LL_ID_MAX = 16,
	MH_AUTH_HEAD = 7, /* octets of an authentication option before its data */
	MH_AUTH_MAX = 32,
	MH_VENDOR_MAX = 32, /* octets of vendor data kept */
	MH_PROTOCOL = 135,  /* IPv6 next header */
	MH_NO_NEXT_HEADER = 59,
	MH_LIFETIME_UNIT_MS = 4000, /* BU and BA */
};

enum mh_type {
	MH_BINDING_REFRESH_REQUEST = 0,
	MH_BINDING_UPDATE = 5,
	MH_BINDING_ACK = 6,
	MH_BINDING_ERROR = 7,
	MH_HEARTBEAT = 13,
	MH_HANDOVER_INITIATE = 14,
	MH_HANDOVER_ACK = 15,
	MH_BINDING_REVOCATION = 16,
	MH_LOCALIZED_ROUTING_INITIATION = 17,
	MH_LOCALIZED_ROUTING_ACK = 18,
	MH_UPDATE_NOTIFICATION = 19,
	MH_UPDATE_NOTIFICATION_ACK = 20,
};

enum mh_bu_flag {
	MH_BU_ACK = 0x8000,
	MH_BU_HOME = 0x4000,
	MH_BU_PROXY = 0x0200,
};

enum mh_ba_flag {
	MH_BA_PROXY = 0x20,
};

/* Status of a Binding Error (RFC 6275 6.1.9). */
enum mh_error_status {
	MH_BINDING_ERROR_NO_BINDING = 1,
	MH_BINDING_ERROR_UNKNOWN_TYPE = 2,
};

enum mh_heartbeat_flag {
	MH_HEARTBEAT_RESPONSE = 1,
	MH_HEARTBEAT_UNSOLICITED = 2,
};

enum mh_hi_flag {
	MH_HI_BUFFER = 0x40,
	MH_HI_PROXY = 0x20,
	MH_HI_FORWARD = 0x10,
	MH_HACK_BUFFER = 0x80,
	MH_HACK_PROXY = 0x40,
	MH_HACK_FORWARD = 0x20,
};

/* RFC 5568 6.2.2; 128 and above mean that there is no forwarding. */
enum mh_hack_code {
	MH_HACK_ACCEPTED = 0,
	MH_HACK_REFUSED = 128,
	MH_HACK_PROHIBITED = 129,
};

enum mh_revocation_type {
	MH_REVOCATION_INDICATION = 1,
	MH_REVOCATION_ACK = 2,
};

enum mh_revocation_flag {
	MH_REVOCATION_PROXY = 0x8000,
	MH_REVOCATION_IPV4 = 0x4000,
	MH_REVOCATION_GLOBAL = 0x2000,
};

/* RFC 5846: triggers of an indication, and statuses of an acknowledgement. */
enum mh_revocation_code {
	MH_TRIGGER_UNSPECIFIED = 0,
	MH_TRIGGER_ADMINISTRATIVE = 1,
	MH_TRIGGER_HANDOVER_SAME_ATT = 2,
	MH_TRIGGER_HANDOVER_OTHER_ATT = 3,
	MH_TRIGGER_HANDOVER_UNKNOWN = 4,
	MH_TRIGGER_USER_SESSION_END = 5,
	MH_TRIGGER_ACCESS_SESSION_END = 6,
	MH_TRIGGER_OUT_OF_SYNC = 7,
	MH_REVOCATION_OK = 0,
	MH_REVOCATION_PARTIAL = 1,
	MH_REVOCATION_NO_BINDING = 128,
	MH_REVOCATION_MN_ATTACHED = 132,
};

/* RFC 7077 4.1, and 4.2 with RFC 7864 for the status. */
enum mh_notification {
	MH_NOTIFICATION_FORCE_REREGISTRATION = 1,
	MH_NOTIFICATION_ACK_WANTED = 0x8000,
	MH_NOTIFICATION_RETRANSMITTED = 0x4000,
	MH_NOTIFICATION_DONE = 0,
	MH_NOTIFICATION_FAILED = 128,
	MH_NOTIFICATION_NOT_ATTACHED = 132,
};

/* Status of a Binding Acknowledgement (RFC 5213 8.9 and the registry). X(number, name, text) */
#define MH_STATUSES(X)                                                       \
	X(0, accepted, "accepted")                                           \
	X(128, unspecified, "reason unspecified")                            \
	X(129, prohibited, "administratively prohibited")                    \
	X(130, no_resources, "insufficient resources")                       \
	X(135, sequence, "sequence number out of window")                    \
	X(146, auth_fail, "MIPV6-AUTH-FAIL")                                 \
	X(152, not_enabled, "PROXY_REG_NOT_ENABLED")                         \
	X(153, not_lma, "NOT_LMA_FOR_THIS_MOBILE_NODE")                      \
	X(154, mag_not_authorised, "MAG_NOT_AUTHORIZED_FOR_PROXY_REG")       \
	X(155, hnp_not_authorised, "NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX") \
	X(156, timestamp_mismatch, "TIMESTAMP_MISMATCH")                     \
	X(157, timestamp_lower, "TIMESTAMP_LOWER_THAN_PREV_ACCEPTED")        \
	X(158, missing_hnp, "MISSING_HOME_NETWORK_PREFIX_OPTION")            \
	X(159, prefix_set, "BCE_PBU_PREFIX_SET_DO_NOT_MATCH")                \
	X(160, missing_mn_id, "MISSING_MN_IDENTIFIER_OPTION")                \
	X(161, missing_handoff, "MISSING_HANDOFF_INDICATOR_OPTION")          \
	X(162, missing_att, "MISSING_ACCESS_TECH_TYPE_OPTION")

#define MH_STATUS_(number, name, text) MH_STATUS_##name = number,
enum mh_status { MH_STATUSES(MH_STATUS_) };
#undef MH_STATUS_

/* Handoff Indicator (RFC 5213 8.4). */
enum mh_handoff {
	MH_HANDOFF_NONE = 0,
	MH_HANDOFF_NEW_INTERFACE = 1,
	MH_HANDOFF_BETWEEN_INTERFACES = 2,
	MH_HANDOFF_BETWEEN_MAGS = 3,
	MH_HANDOFF_UNKNOWN = 4,
	MH_HANDOFF_UNCHANGED = 5,
};

enum mh_option_type {
	MH_OPTION_PAD1 = 0,
	MH_OPTION_PADN = 1,
	MH_OPTION_ALTERNATE_COA = 3,
	MH_OPTION_MN_ID = 8,
	MH_OPTION_AUTHENTICATION = 9,
	MH_OPTION_MESG_ID = 10,
	MH_OPTION_VENDOR = 19,
	MH_OPTION_SERVICE_SELECTION = 20,
	MH_OPTION_HNP = 22,
	MH_OPTION_HANDOFF = 23,
	MH_OPTION_ATT = 24,
	MH_OPTION_LL_ID = 25,
	MH_OPTION_LINK_LOCAL = 26,
	MH_OPTION_TIMESTAMP = 27,
	MH_OPTION_RESTART_COUNTER = 28,
	MH_OPTION_LMA_ADDRESS = 41,
	MH_OPTION_REDIRECT = 47,
	MH_OPTION_MAG_ADDRESS = 51,
};

/* Access Technology Type (RFC 5213 8.5), the one that we know of. */
enum { MH_ATT_ETHERNET = 3 };

struct mh_mn_id {
	uint8_t subtype; /* 1: NAI */
	uint8_t len;	 /* octets of id; 0 is legal (answer to a request without one) */
	uint8_t id[MH_MN_ID_MAX];
};

struct mh_hnp {
	struct dlma_prefix prefix; /* zero: "please assign" */
	uint8_t mn;		   /* index of the MN-ID option before it; 0 if none */
};

struct mh_vendor {
	uint32_t id;
	uint8_t subtype;
	uint8_t len;
	uint8_t data[MH_VENDOR_MAX];
};

struct mh_auth {
	uint8_t subtype; /* 1: MN-HA */
	uint8_t len;	 /* octets of data */
	uint32_t spi;
	uint8_t data[MH_AUTH_MAX];
	uint16_t offset; /* decoded: of the option's first octet in the message */
};

/* Options with at most one occurrence: has & MH_HAS(MH_OPTION_x) says whether it is there. */
#define MH_HAS(option) (1ULL << (option))

struct mh_options {
	uint64_t has;
	uint8_t mn_id_count;
	uint8_t hnp_count;
	uint8_t handoff; /* enum mh_handoff */
	uint8_t att;	 /* access technology type */
	uint8_t ll_id_len;
	uint8_t service_len;
	uint8_t ll_id[MH_LL_ID_MAX];
	struct mh_mn_id mn_id[MH_MN_MAX];
	struct mh_hnp hnp[MH_HNP_MAX];
	struct dlma_addr alternate_coa;
	struct dlma_addr link_local;
	struct dlma_addr lma_address;
	struct dlma_addr mag_address;
	struct dlma_addr redirect; /* LMA to register with, RFC 6463 4.2 */
	uint64_t timestamp;	   /* 48 bits of seconds since 1970, 16 bits of fraction */
	uint64_t mesg_id;	   /* NTP format, RFC 4285 6 */
	uint32_t restart_counter;
	struct mh_vendor vendor;
	struct mh_auth auth;
	uint8_t service[255]; /* Service Selection, RFC 5149 */
};

struct mh_message {
	uint8_t type; /* enum mh_type */
	union {
		struct {
			uint16_t sequence;
			uint16_t flags;	   /* enum mh_bu_flag */
			uint16_t lifetime; /* units of 4 s */
		} bu;
		struct {
			uint8_t status; /* enum mh_status */
			uint8_t flags;	/* enum mh_ba_flag */
			uint16_t sequence;
			uint16_t lifetime; /* units of 4 s */
		} ba;
		struct {
			uint8_t status; /* enum mh_error_status */
			struct dlma_addr home;
		} be;
		struct {
			uint16_t flags; /* enum mh_heartbeat_flag */
			uint32_t sequence;
		} heartbeat;
		struct {
			uint16_t sequence;
			uint8_t flags; /* enum mh_hi_flag */
			uint8_t code;
		} handover; /* initiate and acknowledge */
		struct {
			uint8_t type; /* enum mh_revocation_type */
			uint8_t code; /* trigger or status, enum mh_revocation_code */
			uint16_t sequence;
			uint16_t flags; /* enum mh_revocation_flag */
		} revocation;
		struct {
			uint16_t sequence;
			uint8_t status;	     /* acknowledgement only */
			bool unsolicited;    /* acknowledgement only */
			uint16_t lifetime_s; /* 0xffff: infinite */
		} localized;
		struct {
			uint16_t sequence;
			uint16_t reason; /* notification only */
			uint16_t flags;	 /* notification only */
			uint8_t status;	 /* acknowledgement only */
		} notification;
	};
	struct mh_options options;
};

/*
 * Reads a message. Checks everything but the checksum and the authentication: length against
 * Header Len, Payload Proto, type, the fixed part, and each option's length. An unknown option is
 * skipped and counted in *ret_unknown. *ret is whole only on success.
 *
 * Returns DLMA_SIGNAL_accepted or the reason to drop (RFC 6275 9.2, RFC 5213 6.9.1).
 */
enum dlma_signal_reason mh_decode(
	const uint8_t *buf, size_t len, struct mh_message *ret, unsigned int *ret_unknown);

/*
 * Writes a message with aligned, minimally padded options, in the order of the table in mhopt.c
 * (MN-ID and its HNPs first, authentication last). Checksum 0, authentication data as given.
 *
 * Returns its length in octets, -ENOSPC, or -EINVAL for a type without a row and for options that
 * no message can carry: a count or a length beyond its array, more MN-IDs than the type allows, an
 * HNP of a MN-ID that is not there, authentication data that is not a multiple of 4 octets.
 */
int mh_encode(const struct mh_message *m, uint8_t *buf, size_t cap);

/*
 * Checksum over pseudo-header and message (RFC 6275 6.1.1), the two octets of the field taken as
 * 0. In network order, ready to be stored. len is MH_MIN_LEN or more, except for mh_checksum_ok(),
 * which says no to anything shorter.
 */
__be16 mh_checksum(
	const struct dlma_addr *src, const struct dlma_addr *dst, const uint8_t *buf, size_t len);
void mh_checksum_set(
	const struct dlma_addr *src, const struct dlma_addr *dst, uint8_t *buf, size_t len);
bool mh_checksum_ok(
	const struct dlma_addr *src, const struct dlma_addr *dst, const uint8_t *buf, size_t len);

/* "PBU", "PBA", "heartbeat"...; never NULL. For BU and BA the proxy names. */
const char *mh_type_name(uint8_t type);
/* Text of a status; "status N is not known" has no room here, so unknown ones give "unknown". */
const char *mh_status_text(uint8_t status);

static inline bool mh_option_has(const struct mh_options *o, enum mh_option_type type)
{
	return o->has & MH_HAS(type);
}
