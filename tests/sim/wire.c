// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Messages on their way: delayed, lost, doubled. */
#include "sim.h"
#include <stdlib.h>

enum { LATE_US = 3000000, DOUBLE_US = 300000 };

/*
 * Not a MAC, but quick, and as good as one among nodes that do not try to break it: any other
 * octet, and any other key, gives another result.
 */
int wire_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32])
{
	uint64_t h = 0x9e3779b97f4a7c15ULL + (uint64_t)algorithm, word;

	for (size_t i = 0; i <= count; i++) {
		const uint8_t *p = i ? chunks[i - 1].data : key;
		size_t len = i ? chunks[i - 1].len : key_len;

		for (; len >= 8; len -= 8, p += 8) {
			memcpy(&word, p, 8);
			h = (h ^ word) * 0xff51afd7ed558ccdULL;
			h ^= h >> 32;
		}
		word = len;
		memcpy(&word, p, len);
		h = (h ^ word) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	for (int i = 0; i < 4; i++) {
		h = h * 0xc4ceb9fe1a85ec53ULL + 1;
		memcpy(ret_mac + 8 * i, &h, 8);
	}
	return 0;
}

/* The MN that a message is about: by its first MN-ID, or HNP, or Home Address. */
static int16_t mobile_of(const struct sim *s, const uint8_t *m, size_t len)
{
	static const uint8_t fixed[32] = {[MH_BINDING_REFRESH_REQUEST] = 8,
		[MH_BINDING_UPDATE] = 12,
		[MH_BINDING_ACK] = 12,
		[MH_BINDING_ERROR] = 24,
		[MH_HANDOVER_INITIATE] = 10,
		[MH_HANDOVER_ACK] = 10,
		[MH_BINDING_REVOCATION] = 12,
		[MH_LOCALIZED_ROUTING_INITIATION] = 12,
		[MH_LOCALIZED_ROUTING_ACK] = 12};
	size_t at = fixed[m[2] % 32];
	struct dlma_addr a;
	int slot;

	if (!at)
		return NOWHERE;
	memcpy(&a, m + 8, sizeof(a));
	while (m[2] != MH_BINDING_ERROR && at + 2 < len) {
		if (m[at] == MH_OPTION_MN_ID && m[at + 1] > 3)
			return (int16_t)atoi((const char *)m + at + 5);
		if (m[at] == MH_OPTION_HNP) {
			memcpy(&a, m + at + 4, sizeof(a));
			break;
		}
		at += m[at] == MH_OPTION_PAD1 ? 1 : 2U + m[at + 1];
	}
	slot = path_slot_of(&a);
	return slot == PATH_NO_SLOT ? NOWHERE : s->owner_of_slot[slot];
}

struct letter *wire_letter(struct sim *s)
{
	struct letter *l = s->free_letters;

	if (!l)
		l = malloc(sizeof(*l));
	else
		s->free_letters = l->next;
	if (!l)
		abort();
	return l;
}

void wire_free(struct sim *s, struct letter *l)
{
	l->next = s->free_letters;
	s->free_letters = l;
}

static void take_off(struct sim *s, const struct letter *l)
{
	struct mobile *m = &s->mobiles[l->mobile];

	if (l->mobile == NOWHERE)
		return;
	if (l->move == m->moves)
		m->flying++;
	else
		m->flying_old++;
}

static void land(struct sim *s, const struct letter *l)
{
	struct mobile *m = &s->mobiles[l->mobile];

	if (l->mobile == NOWHERE)
		return;
	if (l->move == m->moves)
		m->flying--;
	else
		m->flying_old--;
	if (!m->flying && !m->flying_old && m->right && !m->promise)
		promise_check(s, l->mobile);
}

static bool happens(struct sim *s, uint16_t permille)
{
	return permille && !s->faults_end_us && random_permille(&s->random, permille);
}

static uint64_t delay_of(struct sim *s, const struct letter *l)
{
	uint64_t delay = s->plan.delay_us[l->from][l->to];

	if (s->plan.jitter_us)
		delay += random_between(&s->random, 0, s->plan.jitter_us);
	if (happens(s, s->plan.late))
		delay += random_between(&s->random, 0, LATE_US);
	return delay;
}

static void post(struct sim *s, struct letter *l, uint64_t delay_us)
{
	take_off(s, l);
	sim_at(s, delay_us, SIM_MESSAGE, l->to, l);
}

void wire_send(struct sim *s, struct letter *l)
{
	uint64_t delay = delay_of(s, l);

	l->mobile = mobile_of(s, l->bytes, l->len);
	if (l->mobile != NOWHERE && l->bytes[2] == MH_BINDING_UPDATE)
		s->nodes[l->from].claimed[l->mobile] = true;
	l->move = l->mobile == NOWHERE ? 0 : s->mobiles[l->mobile].moves;
	/* It says what was, without a stamp: no better than one from before. */
	if (l->bytes[2] == MH_BINDING_ERROR)
		l->move = UINT32_MAX;
	s->counters.sums.messages++;
	if (s->cut[l->from][l->to] || happens(s, s->plan.loss)) {
		chart_message(s, l, s->cut[l->from][l->to] ? "cut off" : "lost", 0);
		s->counters.sums.lost++;
		wire_free(s, l);
		return;
	}
	chart_message(s, l, "", delay);
	if (happens(s, s->plan.duplicates)) {
		struct letter *copy = wire_letter(s);

		*copy = *l;
		s->counters.sums.doubled++;
		post(s, copy, delay + random_between(&s->random, 0, DOUBLE_US));
	}
	post(s, l, delay);
}

void wire_arrive(struct sim *s, struct letter *l)
{
	struct event e = {.kind = EVENT_DATAGRAM};
	uint16_t to = l->to;

	e.datagram.src = path_node_address(l->from);
	e.datagram.dst = path_node_address(to);
	e.datagram.bytes = l->bytes;
	e.datagram.len = l->len;
	if (s->nodes[to].state == NODE_UP)
		node_event(s, to, &e);
	land(s, l);
	wire_free(s, l);
}
