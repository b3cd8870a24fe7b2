/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "wire/mh.h"
#include "wire/checksum.h"
#include "wire/cursor.h"
#include "wire/mhopt.h"
#include <errno.h>

enum {
	MH_HEADER_LEN_AT = 1,
	MH_CHECKSUM_AT = 4,
	MH_DATA_AT = 6, /* Message data: the fixed part of the type, then options */
	MH_LRA_UNSOLICITED = 0x80,
};

struct message_row {
	const char *name;
	uint8_t fixed;	/* octets before the options */
	uint8_t mn_max; /* MN-ID options that may stand in it */
	void (*read)(struct reader *r, struct mh_message *m);
	void (*write)(struct writer *w, const struct mh_message *m);
};

static void read_nothing(struct reader *r, struct mh_message *m)
{
	(void)r;
	(void)m;
}

static void write_reserved(struct writer *w, const struct mh_message *m)
{
	(void)m;
	writer_u16(w, 0);
}

static void read_bu(struct reader *r, struct mh_message *m)
{
	m->bu.sequence = reader_u16(r);
	m->bu.flags = reader_u16(r);
	m->bu.lifetime = reader_u16(r);
}

static void write_bu(struct writer *w, const struct mh_message *m)
{
	writer_u16(w, m->bu.sequence);
	writer_u16(w, m->bu.flags);
	writer_u16(w, m->bu.lifetime);
}

static void read_ba(struct reader *r, struct mh_message *m)
{
	m->ba.status = reader_u8(r);
	m->ba.flags = reader_u8(r);
	m->ba.sequence = reader_u16(r);
	m->ba.lifetime = reader_u16(r);
}

static void write_ba(struct writer *w, const struct mh_message *m)
{
	writer_u8(w, m->ba.status);
	writer_u8(w, m->ba.flags);
	writer_u16(w, m->ba.sequence);
	writer_u16(w, m->ba.lifetime);
}

static void read_be(struct reader *r, struct mh_message *m)
{
	m->be.status = reader_u8(r);
	reader_skip(r, 1);
	reader_bytes(r, &m->be.home, sizeof(m->be.home));
}

static void write_be(struct writer *w, const struct mh_message *m)
{
	writer_u8(w, m->be.status);
	writer_u8(w, 0);
	writer_bytes(w, &m->be.home, sizeof(m->be.home));
}

static void read_heartbeat(struct reader *r, struct mh_message *m)
{
	m->heartbeat.flags = reader_u16(r);
	m->heartbeat.sequence = reader_u32(r);
}

static void write_heartbeat(struct writer *w, const struct mh_message *m)
{
	writer_u16(w, m->heartbeat.flags);
	writer_u32(w, m->heartbeat.sequence);
}

static void read_handover(struct reader *r, struct mh_message *m)
{
	m->handover.sequence = reader_u16(r);
	m->handover.flags = reader_u8(r);
	m->handover.code = reader_u8(r);
}

static void write_handover(struct writer *w, const struct mh_message *m)
{
	writer_u16(w, m->handover.sequence);
	writer_u8(w, m->handover.flags);
	writer_u8(w, m->handover.code);
}

static void read_revocation(struct reader *r, struct mh_message *m)
{
	m->revocation.type = reader_u8(r);
	m->revocation.code = reader_u8(r);
	m->revocation.sequence = reader_u16(r);
	m->revocation.flags = reader_u16(r);
}

static void write_revocation(struct writer *w, const struct mh_message *m)
{
	writer_u8(w, m->revocation.type);
	writer_u8(w, m->revocation.code);
	writer_u16(w, m->revocation.sequence);
	writer_u16(w, m->revocation.flags);
}

static void read_lri(struct reader *r, struct mh_message *m)
{
	m->localized.sequence = reader_u16(r);
	reader_skip(r, 2);
	m->localized.lifetime_s = reader_u16(r);
}

static void write_lri(struct writer *w, const struct mh_message *m)
{
	writer_u16(w, m->localized.sequence);
	writer_u16(w, 0);
	writer_u16(w, m->localized.lifetime_s);
}

static void read_lra(struct reader *r, struct mh_message *m)
{
	m->localized.sequence = reader_u16(r);
	m->localized.unsolicited = reader_u8(r) & MH_LRA_UNSOLICITED;
	m->localized.status = reader_u8(r);
	m->localized.lifetime_s = reader_u16(r);
}

static void write_lra(struct writer *w, const struct mh_message *m)
{
	writer_u16(w, m->localized.sequence);
	writer_u8(w, m->localized.unsolicited ? MH_LRA_UNSOLICITED : 0);
	writer_u8(w, m->localized.status);
	writer_u16(w, m->localized.lifetime_s);
}

static void read_upn(struct reader *r, struct mh_message *m)
{
	m->notification.sequence = reader_u16(r);
	m->notification.reason = reader_u16(r);
	m->notification.flags = reader_u16(r);
}

static void write_upn(struct writer *w, const struct mh_message *m)
{
	writer_u16(w, m->notification.sequence);
	writer_u16(w, m->notification.reason);
	writer_u16(w, m->notification.flags);
}

static void read_upa(struct reader *r, struct mh_message *m)
{
	m->notification.sequence = reader_u16(r);
	m->notification.status = reader_u8(r);
}

static void write_upa(struct writer *w, const struct mh_message *m)
{
	writer_u16(w, m->notification.sequence);
	writer_u8(w, m->notification.status);
	writer_zeros(w, 3);
}

static const struct message_row rows[] = {
	[MH_BINDING_REFRESH_REQUEST] = {"BRR", 8, 1, read_nothing, write_reserved},
	[MH_BINDING_UPDATE] = {"PBU", 12, 1, read_bu, write_bu},
	[MH_BINDING_ACK] = {"PBA", 12, 1, read_ba, write_ba},
	[MH_BINDING_ERROR] = {"BE", 24, 1, read_be, write_be},
	[MH_HEARTBEAT] = {"heartbeat", 12, 1, read_heartbeat, write_heartbeat},
	[MH_HANDOVER_INITIATE] = {"HI", 10, 1, read_handover, write_handover},
	[MH_HANDOVER_ACK] = {"HAck", 10, 1, read_handover, write_handover},
	[MH_BINDING_REVOCATION] = {"BRI/BRA", 12, 1, read_revocation, write_revocation},
	[MH_LOCALIZED_ROUTING_INITIATION] = {"LRI", 12, MH_MN_MAX, read_lri, write_lri},
	[MH_LOCALIZED_ROUTING_ACK] = {"LRA", 12, MH_MN_MAX, read_lra, write_lra},
	[MH_UPDATE_NOTIFICATION] = {"UPN", 12, 1, read_upn, write_upn},
	[MH_UPDATE_NOTIFICATION_ACK] = {"UPA", 12, 1, read_upa, write_upa},
};

static const struct message_row *row_find(uint8_t type)
{
	if (type >= sizeof(rows) / sizeof(rows[0]) || !rows[type].name)
		return NULL;
	return &rows[type];
}

/* What all types have in common, up to the type's row. RFC 6275 9.2. */
static enum dlma_signal_reason header_check(
	const uint8_t *buf, size_t len, const struct message_row **ret_row)
{
	struct reader r = {buf, len};
	uint8_t proto, header_len;
	const struct message_row *row;

	if (len < MH_MIN_LEN)
		return DLMA_SIGNAL_mh_short;
	proto = reader_u8(&r);
	header_len = reader_u8(&r);
	row = row_find(reader_u8(&r));
	if (len != (header_len + 1u) * 8)
		return DLMA_SIGNAL_mh_length;
	if (proto != MH_NO_NEXT_HEADER)
		return DLMA_SIGNAL_mh_payload_proto;
	if (!row)
		return DLMA_SIGNAL_mh_type_unknown;
	if (len < row->fixed)
		return DLMA_SIGNAL_mh_short;
	*ret_row = row;
	return DLMA_SIGNAL_accepted;
}

enum dlma_signal_reason mh_decode(
	const uint8_t *buf, size_t len, struct mh_message *ret, unsigned int *ret_unknown)
{
	const struct message_row *row;
	enum dlma_signal_reason reason = header_check(buf, len, &row);
	struct reader fixed;

	if (reason != DLMA_SIGNAL_accepted)
		return reason;
	fixed = (struct reader){buf + MH_DATA_AT, row->fixed - (size_t)MH_DATA_AT};
	memset(ret, 0, sizeof(*ret));
	ret->type = (uint8_t)(row - rows);
	row->read(&fixed, ret);
	return mhopt_read(buf, len, row->fixed, row->mn_max, &ret->options, ret_unknown);
}

int mh_encode(const struct mh_message *m, uint8_t *buf, size_t cap)
{
	const struct message_row *row = row_find(m->type);
	struct writer w = {buf, cap, 0};
	int err;

	if (!row)
		return -EINVAL;
	writer_u8(&w, MH_NO_NEXT_HEADER);
	writer_u8(&w, 0);
	writer_u8(&w, m->type);
	writer_zeros(&w, 3);
	row->write(&w, m);
	err = mhopt_write(&m->options, row->mn_max, &w);
	if (err)
		return err;
	if (w.len > cap)
		return -ENOSPC;
	writer_set_u8(&w, MH_HEADER_LEN_AT, (uint8_t)(w.len / 8 - 1));
	return (int)w.len;
}

static uint16_t checksum_compute(
	const struct dlma_addr *src, const struct dlma_addr *dst, const uint8_t *buf, size_t len)
{
	uint64_t sum = checksum_pseudo(src, dst, MH_PROTOCOL, len);

	sum = checksum_add(sum, buf, MH_CHECKSUM_AT);
	return checksum_finish(checksum_add(sum, buf + MH_DATA_AT, len - MH_DATA_AT));
}

__be16 mh_checksum(
	const struct dlma_addr *src, const struct dlma_addr *dst, const uint8_t *buf, size_t len)
{
	uint16_t sum = checksum_compute(src, dst, buf, len);
	uint8_t octets[2] = {(uint8_t)(sum >> 8), (uint8_t)sum};
	__be16 ret;

	memcpy(&ret, octets, sizeof(ret));
	return ret;
}

void mh_checksum_set(
	const struct dlma_addr *src, const struct dlma_addr *dst, uint8_t *buf, size_t len)
{
	__be16 sum = mh_checksum(src, dst, buf, len);

	memcpy(buf + MH_CHECKSUM_AT, &sum, sizeof(sum));
}

bool mh_checksum_ok(
	const struct dlma_addr *src, const struct dlma_addr *dst, const uint8_t *buf, size_t len)
{
	if (len < MH_MIN_LEN)
		return false;
	return !checksum_finish(
		checksum_add(checksum_pseudo(src, dst, MH_PROTOCOL, len), buf, len));
}

const char *mh_type_name(uint8_t type)
{
	const struct message_row *row = row_find(type);

	return row ? row->name : "unknown";
}

const char *mh_status_text(uint8_t status)
{
#define TEXT_(number, name, text) [number] = text,
	static const char *const texts[256] = {MH_STATUSES(TEXT_)};
#undef TEXT_

	return texts[status] ? texts[status] : "unknown";
}
