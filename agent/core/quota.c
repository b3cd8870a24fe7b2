// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How many MNs a peer may have, and how fast it may take over others. A MAG or LMA with valid keys
 * may say of any MN that it is there (docs/security.md); this bounds what that can cost.
 *
 * A token bucket is kept as the time at which it is full again: taking a token moves that time by
 * one interval, and none is left once it lies a whole bucket ahead.
 */
#include "core/internal.h"

enum {
	MN_BURST = 10, /* moves of one MN to one peer before its rate counts */
	ALARM_PACE_MS = 1000,
	US_PER_S = 1000000,
};

/* Between two moves of a MN to the same place, once its burst is used up. 0: any number. */
static uint32_t interval_ms(const struct core *c)
{
	return c->state.conf->moves_per_mn ? 1000 / c->state.conf->moves_per_mn : 0;
}

/* How far ahead the bucket is full. Its clock is short: what is too far ahead, is long ago. */
static uint32_t ahead_ms(const struct core *c, uint32_t full_ms)
{
	uint32_t ahead = full_ms - (uint32_t)c->now.mono_ms;

	return ahead <= MN_BURST * interval_ms(c) ? ahead : 0;
}

/* Until there is a token. */
static uint32_t wait_ms(const struct core *c, uint32_t full_ms)
{
	uint32_t ahead = ahead_ms(c, full_ms), most = (MN_BURST - 1) * interval_ms(c);

	return ahead > most ? ahead - most : 0;
}

static uint32_t charged(const struct core *c, uint32_t full_ms)
{
	return (uint32_t)c->now.mono_ms + ahead_ms(c, full_ms) + interval_ms(c);
}

/* Of the buckets kept in a record, that of a peer, or the one that is full soonest. */
static unsigned int slot_of(const struct core *c, const struct movers *m, uint16_t peer)
{
	if (m->peer[0] == peer || m->peer[1] == peer)
		return m->peer[0] == peer ? 0 : 1;
	return ahead_ms(c, m->full_ms[0]) > ahead_ms(c, m->full_ms[1]) ? 1 : 0;
}

static bool mn_admits(const struct core *c, const struct gain *g)
{
	const struct movers *m = g->movers;
	unsigned int i = m ? slot_of(c, m, g->peer) : 0;

	return !m || m->peer[i] != g->peer || !wait_ms(c, m->full_ms[i]);
}

static void mn_charge(struct core *c, const struct gain *g)
{
	struct movers *m = g->movers;
	unsigned int i = m ? slot_of(c, m, g->peer) : 0;

	if (!m || !interval_ms(c))
		return;
	m->full_ms[i] = charged(c, m->peer[i] == g->peer ? m->full_ms[i] : 0);
	m->peer[i] = g->peer;
}

/* As many at once as the peer may have in all: a whole site may move. */
static bool peer_admits(struct core *c, struct peer *p, uint32_t burst)
{
	uint32_t rate = c->state.conf->moves_per_peer;
	uint64_t now = c->now.mono_ms * 1000, interval = rate ? US_PER_S / rate : 0;

	if (!rate)
		return true;
	if (p->moves_full_us < now)
		p->moves_full_us = now;
	return p->moves_full_us - now <= (uint64_t)(burst - 1) * interval;
}

static bool refuse(struct core *c, struct peer *p, const struct gain *g, enum report_kind why)
{
	count(c, DLMA_SIGNAL_quota);
	p->over_quota++;
	if (c->now.mono_ms >= p->alarm_after_ms) {
		p->alarm_after_ms = c->now.mono_ms + ALARM_PACE_MS;
		report(c, why, g->mn, g->hnp, p->index);
	}
	return false;
}

bool quota_admits(struct core *c, const struct gain *g)
{
	struct peer *p = &c->state.peers[g->peer];
	uint32_t rate = c->state.conf->moves_per_peer;

	if (g->peer == c->state.conf->self)
		return true;
	if (g->limit && g->has >= g->limit)
		return refuse(c, p, g, REPORT_quota_entries);
	if (!mn_admits(c, g) || !peer_admits(c, p, g->limit ? g->limit : UINT32_MAX))
		return refuse(c, p, g, REPORT_quota_moves);
	mn_charge(c, g);
	if (rate)
		p->moves_full_us += US_PER_S / rate;
	return true;
}

uint32_t quota_pause(const struct core *c, uint32_t *full_ms)
{
	uint32_t wait = wait_ms(c, *full_ms);

	if (!wait && interval_ms(c))
		*full_ms = charged(c, *full_ms);
	return wait;
}

uint32_t quota_remembered(const struct core *c, uint32_t full_ms)
{
	return ahead_ms(c, full_ms);
}
