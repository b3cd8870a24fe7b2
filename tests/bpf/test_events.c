// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events under their rate limit, none of them uncounted; and what `used` says. */
#include "suite.h"
#include <criterion/criterion.h>
#include <stdio.h>

enum { SECOND = 1000 / DLMA_TICK_MS };

static struct rig *rig;
static struct tables tables;
static struct outcome got;

static void start(enum hook hook)
{
	rig = suite_open(hook);
	tables_init(&tables, rig_ifindex(rig), LMA_);
	cr_assert_eq(rig_fill(rig, &tables), 0);
}

static void set_tick(uint32_t tick)
{
	struct dlma_clock clock = {.tick = tick};

	cr_assert_eq(rig_set_clock(rig, &clock), 0);
}

static void send(const struct layer *layers)
{
	static struct frame in;

	packet_build(layers, &in);
	cr_assert_eq(rig_run(rig, SIDE_NETWORK, rig_ifindex(rig)[LINK_CORE], &in, &got), 0);
}

/* A native packet to an unknown HoA. */
static void send_miss(const char *hoa)
{
	const struct layer in[] = {ARRIVES, IP6(CN, hoa), UDP, {0}};

	send(in);
}

/* A stray packet in a tunnel. */
static void send_stray(const char *peer, const char *hoa)
{
	const struct layer in[] = {ARRIVES, IP6(peer, SELF), IP6(CN, hoa), UDP, {0}};

	send(in);
}

static void expect(const char *what, uint64_t sent, uint64_t limited, uint64_t lost)
{
	cr_expect_eq(got.counted[DLMA_PACKET_event_sent].packets, sent, "%s: sent", what);
	cr_expect_eq(got.counted[DLMA_PACKET_event_limited].packets, limited, "%s: limited", what);
	cr_expect_eq(got.counted[DLMA_PACKET_event_lost].packets, lost, "%s: lost", what);
	cr_expect_eq(got.event_count, sent, "%s: %u events came", what, got.event_count);
}

static void once_a_second(enum hook hook)
{
	start(hook);
	send_miss(HOA);
	expect("the first", 1, 0, 0);
	cr_expect_eq(got.events[0].kind, DLMA_EVENT_MISS);
	send_miss(HOA);
	expect("at once again", 0, 1, 0);
	send_miss("2001:db8:1:5:ffff::1");
	expect("another HoA of the HNP", 0, 1, 0);
	send_miss(HOA2);
	expect("another HNP", 1, 0, 0);
	set_tick(TABLE_TICK + SECOND - 1);
	send_miss(HOA);
	expect("nearly a second later", 0, 1, 0);
	set_tick(TABLE_TICK + SECOND);
	send_miss(HOA);
	expect("a second later", 1, 0, 0);
	rig_close(rig);
}

Test(events, once_a_second_xdp)
{
	once_a_second(HOOK_XDP);
}

Test(events, once_a_second_tc)
{
	once_a_second(HOOK_TC);
}

static void per_peer_and_kind(enum hook hook)
{
	start(hook);
	send_miss(HOA);
	expect("a miss", 1, 0, 0);
	send_stray(H_LMA, HOA);
	expect("a stray of the same HNP", 1, 0, 0);
	send_stray(D_LMA, HOA);
	expect("a stray from another peer", 1, 0, 0);
	send_stray(D_LMA, HOA);
	expect("that peer again", 0, 1, 0);
	rig_close(rig);
}

Test(events, per_peer_and_kind_xdp)
{
	per_peer_and_kind(HOOK_XDP);
}

Test(events, per_peer_and_kind_tc)
{
	per_peer_and_kind(HOOK_TC);
}

/* What each peer's event is remembered by must not depend on the other's. */
static void peers_in_turn(enum hook hook)
{
	start(hook);
	send_stray(H_LMA, HOA);
	send_stray(D_LMA, HOA);
	send_stray(H_LMA, HOA);
	cr_expect_eq(got.counted[DLMA_PACKET_event_limited].packets, 1);
	rig_close(rig);
}

Test(events, peers_in_turn_xdp)
{
	peers_in_turn(HOOK_XDP);
}

Test(events, peers_in_turn_tc)
{
	peers_in_turn(HOOK_TC);
}

/* The clock is 32 bits of 100 ms: it turns over after 13 years. */
static void clock_turns_over(enum hook hook)
{
	start(hook);
	set_tick(UINT32_MAX - 2);
	send_miss(HOA);
	expect("before", 1, 0, 0);
	set_tick(SECOND - 4);
	send_miss(HOA);
	expect("nearly a second later", 0, 1, 0);
	set_tick(SECOND - 3);
	send_miss(HOA);
	expect("a second later", 1, 0, 0);
	rig_close(rig);
}

Test(events, clock_turns_over_xdp)
{
	clock_turns_over(HOOK_XDP);
}

Test(events, clock_turns_over_tc)
{
	clock_turns_over(HOOK_TC);
}

static const char *hoa_number(unsigned int i)
{
	static char text[64];

	snprintf(text, sizeof(text), "2001:db8:1:%x::1", 0x100 + i);
	return text;
}

static void so_many_per_tick(enum hook hook)
{
	start(hook);
	for (unsigned int i = 0; i < DLMA_EVENTS_PER_TICK; i++) {
		send_miss(hoa_number(i));
		expect("below the cap", 1, 0, 0);
	}
	send_miss(hoa_number(DLMA_EVENTS_PER_TICK));
	expect("beyond the cap", 0, 1, 0);
	set_tick(TABLE_TICK + 1);
	send_miss(hoa_number(DLMA_EVENTS_PER_TICK));
	expect("the next tick: it was not said yet", 1, 0, 0);
	rig_close(rig);
}

Test(events, so_many_per_tick_xdp)
{
	so_many_per_tick(HOOK_XDP);
}

Test(events, so_many_per_tick_tc)
{
	so_many_per_tick(HOOK_TC);
}

static void nobody_reads(enum hook hook)
{
	start(hook);
	cr_assert_eq(rig_set_reader(rig, READER_GONE), 0);
	send_miss(HOA);
	expect("nobody there", 0, 0, 1);
	cr_expect_eq(got.verdict, VERDICT_SEND, "the packet goes on all the same");
	cr_assert_eq(rig_set_reader(rig, READER_AWAKE), 0);
	send_miss(HOA2);
	expect("somebody there", 1, 0, 0);
	rig_close(rig);
}

Test(events, nobody_reads_xdp)
{
	nobody_reads(HOOK_XDP);
}

Test(events, nobody_reads_tc)
{
	nobody_reads(HOOK_TC);
}

/* A reader that stalls: what the ring cannot take is counted, to the last one. */
static void stalled_reader(enum hook hook)
{
	enum { TICKS = 20, EACH = 50 };
	uint64_t sent = 0, lost = 0;

	start(hook);
	cr_assert_eq(rig_set_reader(rig, READER_ASLEEP), 0);
	for (unsigned int i = 0; i < TICKS * EACH; i++) {
		set_tick(TABLE_TICK + i / EACH);
		send_miss(hoa_number(i));
		sent += got.counted[DLMA_PACKET_event_sent].packets;
		lost += got.counted[DLMA_PACKET_event_lost].packets;
	}
	cr_expect_eq(sent + lost, TICKS * EACH);
	cr_expect_neq(lost, 0, "the ring took them all: send more");
	cr_assert_eq(rig_set_reader(rig, READER_AWAKE), 0);
	got.event_count = 0;
	rig_take_events(rig, &got);
	cr_expect_eq(got.event_count, sent, "%u events came", got.event_count);
	rig_close(rig);
}

Test(events, stalled_reader_xdp)
{
	stalled_reader(HOOK_XDP);
}

Test(events, stalled_reader_tc)
{
	stalled_reader(HOOK_TC);
}

static uint32_t used(void)
{
	struct tables now = tables;

	cr_assert_eq(rig_read_used(rig, &now), 0);
	return now.locations[0].value.used;
}

static void use_follows_the_clock(enum hook hook)
{
	start(hook);
	tables_add_location(&tables, HNP, DLMA_LOCATION_CACHED, NODE_D_LMA);
	cr_assert_eq(rig_fill(rig, &tables), 0);
	cr_expect_eq(used(), TABLE_USED);
	send_miss(HOA);
	cr_expect_eq(used(), TABLE_TICK);
	set_tick(TABLE_TICK + 3);
	send_miss(HOA2);
	cr_expect_eq(used(), TABLE_TICK, "used by a packet for another HNP");
	send_miss(HOA);
	cr_expect_eq(used(), TABLE_TICK + 3);
	rig_close(rig);
}

Test(events, use_follows_the_clock_xdp)
{
	use_follows_the_clock(HOOK_XDP);
}

Test(events, use_follows_the_clock_tc)
{
	use_follows_the_clock(HOOK_TC);
}
