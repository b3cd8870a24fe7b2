// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core_run.h"
#include "core_trace.h"
#include "fuzz.h"
#include "invariants.h"

enum {
	TICKS_MAX = 2000,	   /* at one moment; more is a loop */
	SETTLE_MS = 2 * 262140000, /* twice the longest lifetime */
};

struct run run;

static struct effects effects;

static void hold(const char *broken)
{
	if (broken)
		fuzz_broken("core", 0, broken);
}

static void post(const struct event *e)
{
	CHECK(run.posted_count < EFFECTS_MAX);
	run.posted[run.posted_count++] = *e;
}

static void hear(const struct effect *e)
{
	static struct mh_message m;
	unsigned int unknown;

	CHECK(!mh_decode(e->send.bytes, e->send.len, &m, &unknown));
	message_heard(&run.talk, peer_index(run.core, &e->send.dst), &m);
}

static void carry_out(const struct effect *e)
{
	struct event failed = {.kind = EVENT_MAP_FAILED};

	trace_effect(run.core, e);
	hold(mirror_apply(&run.mirror, run.core, e));
	if (e->kind == EFFECT_SEND && !run.quiet)
		hear(e);
	if (e->kind == EFFECT_REPORT && run.report)
		run.report(&e->report);
	if (!mirror_failed(&run.mirror, e))
		return;
	failed.map_failed.hnp = e->location.hnp;
	post(&failed);
}

static void check(void)
{
	hold(invariants_broken(run.core));
	hold(run.posted_count ? NULL : mirror_differs(&run.mirror, run.core));
}

static void step_once(const struct event *e)
{
	trace_event(run.core, &run.now, e);
	core_step(run.core, &run.now, e, &effects);
	CHECK(!effects.lost);
	for (unsigned int i = 0; i < effects.count; i++)
		carry_out(&effects.list[i]);
	if (!run.quiet)
		check();
}

/* Like agent_event(). */
void run_step(const struct event *e)
{
	step_once(e);
	for (unsigned int i = 0; i < run.posted_count; i++) {
		struct event next = run.posted[i];

		step_once(&next);
	}
	run.posted_count = 0;
}

/* Serves all timers that are due; that comes to an end. */
void run_serve(void)
{
	const struct event tick = {.kind = EVENT_TICK};
	unsigned int ticks = 0;

	while (core_deadline(run.core) <= run.now.mono_ms) {
		run_step(&tick);
		CHECK(++ticks < TICKS_MAX);
	}
}

void run_pass(uint64_t ms)
{
	run.now.mono_ms += ms;
	run.now.wall += ms * 65536 / 1000;
	run.talk.wall = run.now.wall;
}

static void restore_all(const struct mirror *before)
{
	for (unsigned int i = 0; i < before->store_count; i++) {
		struct event e = {.kind = EVENT_RESTORE};

		e.restore = before->store[i];
		run_step(&e);
	}
}

/* What never got into the map is not there after a restart. */
static void forget_failed(struct mirror *m)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < m->location_count; i++)
		if (m->locations[i].kind)
			m->locations[kept++] = m->locations[i];
	m->location_count = kept;
}

static void adopt_all(const struct mirror *before)
{
	for (unsigned int i = 0; i < before->location_count; i++) {
		struct event e = {.kind = EVENT_ADOPT_LOCATION};

		e.adopt_location.hnp = before->locations[i].hnp;
		e.adopt_location.kind = before->locations[i].kind;
		e.adopt_location.target = before->locations[i].target;
		run_step(&e);
	}
	for (unsigned int i = 0; i < before->access_count; i++) {
		struct event e = {.kind = EVENT_ADOPT_ACCESS};

		e.adopt_access.hnp = before->access[i].hnp;
		e.adopt_access.ifindex = before->access[i].ifindex;
		memcpy(e.adopt_access.mac, before->access[i].mac, 6);
		run_step(&e);
	}
}

void run_start(bool with_link)
{
	static struct mirror before;
	struct event link = {.kind = EVENT_LINK};
	const struct core_options o = {.conf = run.conf,
		.profiles = domain_profiles(),
		.mac = fuzz_mac,
		.epoch = ++run.epoch,
		.restart_counter = run.epoch};

	forget_failed(&run.mirror);
	before = run.mirror;
	run.core = core_new(&o);
	CHECK(run.core);
	run.mirror.expecting = false;
	/* Until that is done the maps are not yet what the tables say. */
	run.quiet = true;
	restore_all(&before);
	link.link.ifindex = 7;
	link.link.mtu = 1500;
	if (with_link && domain_self(run.conf)->roles & DLMA_ROLE_MAG)
		run_step(&link);
	adopt_all(&before);
	run_serve();
	run.quiet = false;
	check();
}

/* Nobody says anything any more. */
void run_settle(void)
{
	uint64_t end = run.now.mono_ms + SETTLE_MS;
	/* That would take too many heartbeats. */
	if (run.conf->domain.timers.heartbeat_interval_ms < 10000)
		return;
	run.quiet = true;
	run.mirror.fail = 0;
	for (uint64_t at; (at = core_deadline(run.core)) <= end;) {
		if (at > run.now.mono_ms)
			run_pass(at - run.now.mono_ms);
		run_serve();
	}
	hold(invariants_broken(run.core));
	CHECK(invariants_settled(run.core));
	CHECK(!run.mirror.access_count);
	CHECK(!run.mirror.location_count);
}
