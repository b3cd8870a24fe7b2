/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "wire/mhopt.h"
#include <errno.h>
#include <stddef.h>

enum {
	MESSAGE_UNIT = 8, /* a message ends on a multiple of this */
	LMA_ADDRESS_IPV6 = 1,
	MAG_ADDRESS_BITS = 128,
	REDIRECT_IPV6 = 0x8000, /* the K bit */
};

struct option_row {
	uint8_t type;
	uint8_t min; /* of the Length field */
	uint8_t max;
	uint8_t align; /* the Type octet stands at align * n + phase; any place on receive */
	uint8_t phase;
	bool first_only; /* more of them are legal, and passed over */
	uint16_t field;	 /* of struct mh_options: what read and write get */
	bool (*read)(struct reader *r, void *field);
	void (*write)(struct writer *w, const void *field);
};

static bool read_mn_id(struct reader *r, void *field)
{
	struct mh_mn_id *mn = field;

	mn->subtype = reader_u8(r);
	mn->len = (uint8_t)r->left;
	reader_bytes(r, mn->id, mn->len);
	return true;
}

static void write_mn_id(struct writer *w, const void *field)
{
	const struct mh_mn_id *mn = field;

	writer_u8(w, mn->subtype);
	writer_bytes(w, mn->id, mn->len);
}

static bool read_hnp(struct reader *r, void *field)
{
	struct mh_hnp *hnp = field;
	struct dlma_addr addr;
	uint8_t len;

	reader_skip(r, 1);
	len = reader_u8(r);
	if (len > 128)
		return false;
	reader_bytes(r, &addr, sizeof(addr));
	hnp->prefix = prefix_make(addr, len);
	return true;
}

static void write_hnp(struct writer *w, const void *field)
{
	const struct mh_hnp *hnp = field;

	writer_u8(w, 0);
	writer_u8(w, hnp->prefix.len);
	writer_bytes(w, &hnp->prefix.addr, sizeof(hnp->prefix.addr));
}

/* Handoff Indicator and Access Technology Type: a reserved octet and one that counts. */
static bool read_octet(struct reader *r, void *field)
{
	reader_skip(r, 1);
	*(uint8_t *)field = reader_u8(r);
	return true;
}

static void write_octet(struct writer *w, const void *field)
{
	writer_u8(w, 0);
	writer_u8(w, *(const uint8_t *)field);
}

static bool read_u32(struct reader *r, void *field)
{
	*(uint32_t *)field = reader_u32(r);
	return true;
}

static void write_u32(struct writer *w, const void *field)
{
	writer_u32(w, *(const uint32_t *)field);
}

static bool read_u64(struct reader *r, void *field)
{
	*(uint64_t *)field = reader_u64(r);
	return true;
}

static void write_u64(struct writer *w, const void *field)
{
	writer_u64(w, *(const uint64_t *)field);
}

static bool read_addr(struct reader *r, void *field)
{
	reader_bytes(r, field, sizeof(struct dlma_addr));
	return true;
}

static void write_addr(struct writer *w, const void *field)
{
	writer_bytes(w, field, sizeof(struct dlma_addr));
}

/* RFC 5949 6.2.2; the IPv4 form has another length and is refused by the table. */
static bool read_lma_address(struct reader *r, void *field)
{
	uint8_t code = reader_u8(r);

	reader_skip(r, 1);
	return code == LMA_ADDRESS_IPV6 && read_addr(r, field);
}

static void write_lma_address(struct writer *w, const void *field)
{
	writer_u8(w, LMA_ADDRESS_IPV6);
	writer_u8(w, 0);
	write_addr(w, field);
}

static bool read_mag_address(struct reader *r, void *field)
{
	reader_skip(r, 1);
	return reader_u8(r) == MAG_ADDRESS_BITS && read_addr(r, field);
}

static void write_mag_address(struct writer *w, const void *field)
{
	writer_u8(w, 0);
	writer_u8(w, MAG_ADDRESS_BITS);
	write_addr(w, field);
}

/* RFC 6463 4.2; the IPv4 form has another length and is refused by the table. */
static bool read_redirect(struct reader *r, void *field)
{
	return reader_u16(r) & REDIRECT_IPV6 && read_addr(r, field);
}

static void write_redirect(struct writer *w, const void *field)
{
	writer_u16(w, REDIRECT_IPV6);
	write_addr(w, field);
}

static bool read_ll_id(struct reader *r, void *field)
{
	struct mh_options *o = field;

	reader_skip(r, 2);
	o->ll_id_len = (uint8_t)r->left;
	reader_bytes(r, o->ll_id, o->ll_id_len);
	return true;
}

static void write_ll_id(struct writer *w, const void *field)
{
	const struct mh_options *o = field;

	writer_u16(w, 0);
	writer_bytes(w, o->ll_id, o->ll_id_len);
}

static bool read_service(struct reader *r, void *field)
{
	struct mh_options *o = field;

	o->service_len = (uint8_t)r->left;
	reader_bytes(r, o->service, o->service_len);
	return true;
}

static void write_service(struct writer *w, const void *field)
{
	const struct mh_options *o = field;

	writer_bytes(w, o->service, o->service_len);
}

static bool read_vendor(struct reader *r, void *field)
{
	struct mh_vendor *v = field;

	v->id = reader_u32(r);
	v->subtype = reader_u8(r);
	v->len = (uint8_t)(r->left < MH_VENDOR_MAX ? r->left : MH_VENDOR_MAX);
	reader_bytes(r, v->data, v->len);
	return true;
}

static void write_vendor(struct writer *w, const void *field)
{
	const struct mh_vendor *v = field;

	writer_u32(w, v->id);
	writer_u8(w, v->subtype);
	writer_bytes(w, v->data, v->len);
}

static bool read_auth(struct reader *r, void *field)
{
	struct mh_auth *auth = field;

	auth->subtype = reader_u8(r);
	auth->spi = reader_u32(r);
	auth->len = (uint8_t)r->left;
	reader_bytes(r, auth->data, auth->len);
	return true;
}

static void write_auth(struct writer *w, const void *field)
{
	const struct mh_auth *auth = field;

	writer_u8(w, auth->subtype);
	writer_u32(w, auth->spi);
	writer_bytes(w, auth->data, auth->len);
}

#define FIELD(name) offsetof(struct mh_options, name)
#define WHOLE	    0 /* two members of struct mh_options belong to the option */

/* The first two rows stand in arrays; the others once, under their bit of `has`. */
enum { ROW_MN_ID, ROW_HNP, ROW_SINGLE };

/* In the order of sending. RFC 4283 3 and RFC 5149 3: 8 and 20 before 9; RFC 4285 5: 9 last. */
static const struct option_row rows[] = {
	[ROW_MN_ID] = {MH_OPTION_MN_ID, 1, 1 + MH_MN_ID_MAX, 1, 0, false, FIELD(mn_id), read_mn_id,
		write_mn_id},
	[ROW_HNP] = {MH_OPTION_HNP, 18, 18, 8, 4, false, FIELD(hnp), read_hnp, write_hnp},
	[ROW_SINGLE] = {MH_OPTION_HANDOFF, 2, 2, 1, 0, false, FIELD(handoff), read_octet,
		write_octet},
	{MH_OPTION_ATT, 2, 2, 1, 0, false, FIELD(att), read_octet, write_octet},
	{MH_OPTION_MESG_ID, 8, 8, 8, 2, false, FIELD(mesg_id), read_u64, write_u64},
	{MH_OPTION_TIMESTAMP, 8, 8, 8, 2, false, FIELD(timestamp), read_u64, write_u64},
	{MH_OPTION_LL_ID, 2, 2 + MH_LL_ID_MAX, 1, 0, false, WHOLE, read_ll_id, write_ll_id},
	{MH_OPTION_LINK_LOCAL, 16, 16, 8, 6, false, FIELD(link_local), read_addr, write_addr},
	{MH_OPTION_ALTERNATE_COA, 16, 16, 8, 6, false, FIELD(alternate_coa), read_addr, write_addr},
	{MH_OPTION_MAG_ADDRESS, 18, 18, 8, 4, false, FIELD(mag_address), read_mag_address,
		write_mag_address},
	{MH_OPTION_LMA_ADDRESS, 18, 18, 4, 0, false, FIELD(lma_address), read_lma_address,
		write_lma_address},
	{MH_OPTION_REDIRECT, 18, 18, 4, 0, false, FIELD(redirect), read_redirect, write_redirect},
	{MH_OPTION_RESTART_COUNTER, 4, 4, 4, 2, false, FIELD(restart_counter), read_u32, write_u32},
	{MH_OPTION_SERVICE_SELECTION, 1, 255, 1, 0, false, WHOLE, read_service, write_service},
	{MH_OPTION_VENDOR, 5, 255, 4, 2, true, FIELD(vendor), read_vendor, write_vendor},
	{MH_OPTION_AUTHENTICATION, 5, 5 + MH_AUTH_MAX, 4, 1, false, FIELD(auth), read_auth,
		write_auth},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static const struct option_row *row_find(uint8_t type)
{
	for (unsigned int i = 0; i < ROW_COUNT; i++) {
		if (rows[i].type == type)
			return &rows[i];
	}
	return NULL;
}

static struct mh_hnp *hnp_place(struct mh_options *o)
{
	struct mh_hnp *hnp;

	if (o->hnp_count == MH_HNP_MAX)
		return NULL;
	hnp = &o->hnp[o->hnp_count++];
	hnp->mn = o->mn_id_count ? (uint8_t)(o->mn_id_count - 1) : 0;
	return hnp;
}

/* Where the next option of this row is to be read into; NULL: it stands there too often. */
static void *option_place(struct mh_options *o, const struct option_row *row, unsigned int mn_max)
{
	if (row == &rows[ROW_MN_ID])
		return o->mn_id_count < mn_max ? &o->mn_id[o->mn_id_count++] : NULL;
	if (row == &rows[ROW_HNP])
		return hnp_place(o);
	if (o->has & MH_HAS(row->type))
		return NULL;
	o->has |= MH_HAS(row->type);
	return (uint8_t *)o + row->field;
}

static enum dlma_signal_reason option_read(const struct option_row *row, struct reader *body,
	unsigned int mn_max, struct mh_options *o)
{
	void *place;

	if (body->left < row->min || body->left > row->max)
		return DLMA_SIGNAL_option_length;
	place = option_place(o, row, mn_max);
	if (!place)
		return row->first_only ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_option_repeated;
	return row->read(body, place) ? DLMA_SIGNAL_accepted : DLMA_SIGNAL_option_length;
}

enum dlma_signal_reason mhopt_read(const uint8_t *buf, size_t len, size_t start,
	unsigned int mn_max, struct mh_options *ret, unsigned int *ret_unknown)
{
	struct reader r = {buf + start, len - start};
	unsigned int unknown = 0;

	while (r.left) {
		size_t offset = len - r.left;
		uint8_t type = reader_u8(&r);
		const struct option_row *row = row_find(type);
		enum dlma_signal_reason reason;
		struct reader body;

		if (type == MH_OPTION_PAD1)
			continue;
		if (!r.left || r.left - 1 < *r.at)
			return DLMA_SIGNAL_option_overrun;
		body = reader_take(&r, reader_u8(&r));
		if (type == MH_OPTION_AUTHENTICATION)
			ret->auth.offset = (uint16_t)offset;
		if (!row) {
			unknown += type != MH_OPTION_PADN;
			continue;
		}
		reason = option_read(row, &body, mn_max, ret);
		if (reason != DLMA_SIGNAL_accepted)
			return reason;
	}
	*ret_unknown = unknown;
	return DLMA_SIGNAL_accepted;
}

/* Goes on to the next offset of the form align * n + phase (RFC 6275 6.2.2, 6.2.3). */
static void padding_write(struct writer *w, size_t align, size_t phase)
{
	size_t need = (phase + align - w->len % align) % align;

	if (need == 1)
		writer_u8(w, MH_OPTION_PAD1);
	if (need < 2)
		return;
	writer_u8(w, MH_OPTION_PADN);
	writer_u8(w, (uint8_t)(need - 2));
	writer_zeros(w, need - 2);
}

static void option_write(struct writer *w, const struct option_row *row, const void *field)
{
	size_t length_at;

	padding_write(w, row->align, row->phase);
	writer_u8(w, row->type);
	length_at = w->len;
	writer_u8(w, 0);
	row->write(w, field);
	writer_set_u8(w, length_at, (uint8_t)(w->len - length_at - 1));
}

/* A MN-ID and the HNPs that belong to it; without any MN-ID, the HNPs alone. */
static void mn_write(struct writer *w, const struct mh_options *o, unsigned int mn)
{
	if (mn < o->mn_id_count)
		option_write(w, &rows[ROW_MN_ID], &o->mn_id[mn]);
	for (unsigned int i = 0; i < o->hnp_count; i++) {
		if (o->hnp[i].mn == mn)
			option_write(w, &rows[ROW_HNP], &o->hnp[i]);
	}
}

/* Nothing may follow the authentication, so the padding of the message's end goes before it. */
static void padding_write_before_auth(struct writer *w, const struct mh_auth *auth)
{
	size_t past = (MH_AUTH_HEAD + (size_t)auth->len) % MESSAGE_UNIT;

	padding_write(w, MESSAGE_UNIT, MESSAGE_UNIT - past);
}

static bool hnps_valid(const struct mh_options *o)
{
	for (unsigned int i = 0; i < o->hnp_count; i++) {
		if (o->hnp[i].prefix.len > 128)
			return false;
		if (o->hnp[i].mn && o->hnp[i].mn >= o->mn_id_count)
			return false;
	}
	return true;
}

static bool options_valid(const struct mh_options *o, unsigned int mn_max)
{
	if (o->mn_id_count > mn_max || o->hnp_count > MH_HNP_MAX || !hnps_valid(o))
		return false;
	for (unsigned int i = 0; i < o->mn_id_count; i++) {
		if (o->mn_id[i].len > MH_MN_ID_MAX)
			return false;
	}
	if (o->ll_id_len > MH_LL_ID_MAX || o->vendor.len > MH_VENDOR_MAX)
		return false;
	if (mh_option_has(o, MH_OPTION_SERVICE_SELECTION) && !o->service_len)
		return false;
	/* Else it cannot be at 4n+1 and end on a multiple of 8. */
	return o->auth.len <= MH_AUTH_MAX && o->auth.len % 4 == 0;
}

int mhopt_write(const struct mh_options *o, unsigned int mn_max, struct writer *w)
{
	if (!options_valid(o, mn_max))
		return -EINVAL;
	for (unsigned int mn = 0; mn == 0 || mn < o->mn_id_count; mn++)
		mn_write(w, o, mn);
	for (unsigned int i = ROW_SINGLE; i < ROW_COUNT; i++) {
		if (!(o->has & MH_HAS(rows[i].type)))
			continue;
		if (rows[i].type == MH_OPTION_AUTHENTICATION)
			padding_write_before_auth(w, &o->auth);
		option_write(w, &rows[i], (const uint8_t *)o + rows[i].field);
	}
	padding_write(w, MESSAGE_UNIT, 0);
	return 0;
}
