// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/agent.h"
#include "base/log.h"
#include "base/privilege.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { POSTED_MIN = 2 * EFFECTS_MAX }; /* more than the steps of one event have ever posted */

struct moment agent_now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct moment){
		.mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000,
		.wall = (uint64_t)wall.tv_sec << 16 | ((uint64_t)wall.tv_nsec << 16) / 1000000000,
	};
}

static int grow_posted(struct agent *a, uint32_t cap)
{
	struct event *grown = reallocarray(a->posted, cap, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->posted = grown;
	a->posted_cap = cap;
	return 0;
}

int agent_post(struct agent *a, const struct event *e)
{
	if (a->posted_count == a->posted_cap && grow_posted(a, 2 * a->posted_cap))
		return -ENOMEM;
	a->posted[a->posted_count++] = *e;
	return 0;
}

static void check_use(struct agent *a, const struct dlma_prefix *hnp)
{
	struct event e = {.kind = EVENT_USE};

	e.use.hnp = *hnp;
	e.use.idle_ms = maps_idle_ms(a, hnp);
	(void)agent_post(a, &e);
}

static void put_location(struct agent *a, const struct effect *effect)
{
	struct event e = {.kind = EVENT_MAP_FAILED};
	int err = unwritten_write(a, effect);

	if (!err && effect->location.kind != DLMA_LOCATION_HELD)
		hold_release(a, &effect->location.hnp);
	if (!err || err == -EAGAIN)
		return;
	log_error("cannot write a location: %s%s", strerror(-err),
		err == -E2BIG ? "; raise limits.locations (docs/upgrade.md)" : "");
	e.map_failed.hnp = effect->location.hnp;
	(void)agent_post(a, &e);
}

static void put_access(struct agent *a, const struct effect *effect)
{
	int err = unwritten_write(a, effect);

	if (!err)
		hold_release(a, &effect->access.hnp);
	else if (err != -EAGAIN)
		log_error("cannot write an access entry: %s%s", strerror(-err),
			err == -E2BIG ? "; raise limits.access (docs/upgrade.md)" : "");
}

static void carry_out(struct agent *a, const struct effect *e)
{
	switch (e->kind) {
	case EFFECT_SEND:
	case EFFECT_FRAME:
		outbox_put(a->outbox, e, agent_now().mono_ms);
		break;
	case EFFECT_LOCATION_PUT:
		put_location(a, e);
		break;
	case EFFECT_LOCATION_DEL:
		(void)unwritten_write(a, e);
		hold_release(a, &e->location.hnp);
		break;
	case EFFECT_ACCESS_PUT:
		put_access(a, e);
		break;
	case EFFECT_ACCESS_DEL:
		(void)unwritten_write(a, e);
		break;
	case EFFECT_EXPECT:
		maps_expect(a, e->expect);
		if (!e->expect)
			hold_release_unknown(a);
		break;
	case EFFECT_CHECK_USE:
		check_use(a, &e->check_use.hnp);
		break;
	case EFFECT_STORE_PUT:
		store_put(a->store, &e->store);
		break;
	case EFFECT_STORE_DEL:
		store_del(a->store, &e->store.hnp);
		break;
	case EFFECT_REPORT:
		report_show(a, &e->report);
		break;
	}
}

static void step(struct agent *a, const struct event *e)
{
	struct moment now = agent_now();

	core_step(a->core, &now, e, &a->effects);
	if (a->effects.lost)
		log_error("bug: %u effects of an event of kind %d lost", a->effects.lost,
			(int)e->kind);
	for (unsigned int i = 0; i < a->effects.count; i++)
		carry_out(a, &a->effects.list[i]);
}

/* What carrying effects out brought up is handled here as well, one after the other. */
void agent_event(struct agent *a, const struct event *e)
{
	step(a, e);
	for (uint32_t i = 0; i < a->posted_count; i++) {
		struct event next = a->posted[i];

		step(a, &next);
	}
	a->posted_count = 0;
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	enum { AT_ONCE_MAX = 256 };
	const struct event tick = {.kind = EVENT_TICK};
	struct agent *a = timer->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < AT_ONCE_MAX && core_deadline(a->core) <= agent_now().mono_ms; i++)
		agent_event(a, &tick);
}

static void arm_deadline(struct agent *a)
{
	uint64_t at = core_deadline(a->core), now = agent_now().mono_ms;

	ev_timer_stop(a->loop, &a->deadline);
	if (at == TIMER_NEVER)
		return;
	ev_now_update(a->loop);
	ev_timer_set(&a->deadline, at > now ? (double)(at - now) / 1000 : 0, 0);
	ev_timer_start(a->loop, &a->deadline);
}

static void send_out(void *arg, const struct effect *e)
{
	if (e->kind == EFFECT_SEND)
		mhsock_send(arg, e);
	else
		access_send(arg, e);
}

static void on_turn_end(struct ev_loop *loop, struct ev_prepare *prepare, int events)
{
	struct agent *a = prepare->data;

	(void)loop;
	(void)events;
	outbox_flush(a->outbox, agent_now().mono_ms);
	hold_flush(a);
	arm_deadline(a);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	maps_tick(timer->data);
	unwritten_retry(timer->data);
	maps_sweep(timer->data);
	hold_expire(timer->data);
}

static void on_signal(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	(void)signal;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* What the store says of the disk may get better; meanwhile the data path goes on as it is. */
static int start_run(struct agent *a, struct core_options *o)
{
	const struct timespec pause = {.tv_sec = 1};
	struct database_run run;
	int err;

	while ((err = store_start_run(a->store, &run))) {
		if (!store_may_recover(err))
			return err;
		if (nanosleep(&pause, NULL))
			return -EINTR;
	}
	o->epoch = run.epoch;
	o->restart_counter = run.restart_counter;
	return 0;
}

static void on_hangup(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	(void)loop;
	(void)events;
	if (reload(signal->data, stderr))
		log_error("nothing was reloaded; the old keys stay");
}

static int start_core(struct agent *a)
{
	struct core_options o = {.conf = &a->conf, .mac = crypto_mac, .sweeps = true};
	int err = start_run(a, &o);

	if (err)
		return err;
	if (getrandom(o.seed, sizeof(o.seed), 0) != sizeof(o.seed))
		return -EIO;
	a->profiles = profiles_new(&a->conf.domain, o.seed);
	o.profiles = a->profiles;
	a->core = a->profiles ? core_new(&o) : NULL;
	return a->core ? 0 : -ENOMEM;
}

static void start_watchers(struct agent *a)
{
	const double tick_s = DLMA_TICK_MS / 1000.0;

	ev_timer_init(&a->deadline, on_deadline, 0, 0);
	a->deadline.data = a;
	ev_prepare_init(&a->turn_end, on_turn_end);
	a->turn_end.data = a;
	ev_prepare_start(a->loop, &a->turn_end);
	ev_timer_init(&a->tick, on_tick, tick_s, tick_s);
	a->tick.data = a;
	ev_timer_start(a->loop, &a->tick);
	ev_signal_init(&a->term, on_signal, SIGTERM);
	ev_signal_start(a->loop, &a->term);
	ev_signal_init(&a->interrupt, on_signal, SIGINT);
	ev_signal_start(a->loop, &a->interrupt);
	ev_signal_init(&a->hangup, on_hangup, SIGHUP);
	a->hangup.data = a;
	ev_signal_start(a->loop, &a->hangup);
}

static void restore_one(void *arg, const struct record *r)
{
	struct event e = {.kind = EVENT_RESTORE, .restore = *r};

	agent_event(arg, &e);
}

/* Says how many; a store that cannot be read whole is not read at all. */
static int restore(struct agent *a)
{
	int err = store_restore(a->store, restore_one, a);
	size_t count = core_state(a->core)->anchors.count;

	if (!err && count)
		log_info("restored %zu records from the store", count);
	return err;
}

/* Says how many; a line for each would take longer than all the rest. */
static int adopt(struct agent *a)
{
	const struct event tick = {.kind = EVENT_TICK};
	const struct core_state *s = core_state(a->core);
	int err = maps_adopt(a);

	if (err)
		return err;
	agent_event(a, &tick);
	if (s->learnt.count || s->attachments.count)
		log_info("adopted %zu locations and %zu MNs from the maps", s->learnt.count,
			s->attachments.count);
	return 0;
}

static const struct privilege needed[] = {
	{CAP_NET_RAW, "send and receive Mobility Headers"},
	{CAP_PERFMON, "read the perf ring"},
};

/*
 * The order: what may refuse first; then what earlier runs knew, the store before the maps, for
 * the store is the master; only then ears.
 */
static int start(struct agent *a)
{
	static const struct privilege kept[] = {{CAP_NET_RAW, "follow new access links"}};
	int err = privilege_check(needed, sizeof(needed) / sizeof(*needed));

	if (!err)
		err = grow_posted(a, POSTED_MIN);
	if (!err)
		err = maps_open(a);
	if (!err)
		err = store_open(&a->store, a->conf.state_dir, a->conf.store_failure);
	if (!err)
		err = (a->outbox = outbox_new(a->store, send_out, a)) ? 0 : -ENOMEM;
	if (!err)
		err = mhsock_open(a);
	if (!err)
		err = start_core(a);
	if (!err)
		err = control_open(a);
	if (!err)
		err = hold_open(a);
	if (err)
		return err;
	maps_tick(a);
	maps_expect(a, false);
	err = restore(a);
	if (!err)
		err = access_open(a);
	if (!err)
		err = adopt(a);
	if (!err)
		err = maps_listen(a);
	return err ? err : privilege_keep(kept, 1);
}

int agent_run(struct agent *a)
{
	int err;

	memory_insist();
	a->mh_fd = -1;
	a->loop = ev_default_loop(EVFLAG_AUTO);
	a->started_ms = agent_now().mono_ms;
	err = start(a);
	memory_relent();
	if (err && err != -EINTR && !log_said_error())
		log_error("cannot start: %s", strerror(-err));
	if (!err) {
		start_watchers(a);
		a->ready = true;
		log_info("node %s: ready", domain_self(&a->conf)->name);
		ev_run(a->loop, 0);
		outbox_flush(a->outbox, agent_now().mono_ms);
		log_info("node %s: stopping; the data path goes on", domain_self(&a->conf)->name);
	}
	control_close(a);
	hold_close(a);
	access_close(a);
	maps_close(a);
	mhsock_close(a);
	outbox_free(a->outbox);
	store_close(a->store);
	core_free(a->core);
	profiles_free(a->profiles);
	free(a->posted);
	ev_loop_destroy(a->loop);
	return err && err != -EINTR ? 1 : 0;
}
