// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Heartbeats over a path that loses some of them (RFC 5847; row H3). */
#include "record.h"
#include "world.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

enum { HOUR_MS = 3600000, INTERVAL_MS = 300, ALLOWED = 2 };

static struct world w;
static uint64_t loss_state;

static bool lose_one_in_twenty(struct world *world, const struct world_message *m)
{
	(void)world;
	(void)m;
	loss_state = loss_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return loss_state >> 33 < (1U << 31) / 20;
}

/* $DLMA_HOURS of simulated time; a few minutes if it does not say. */
Test(heartbeat, a_lossy_path_is_no_dead_peer, .timeout = 600)
{
	const char *hours = getenv("DLMA_HOURS");
	double wanted = hours ? atof(hours) : 0.1;
	uint32_t alarms = 0;

	world_init(&w);
	for (int i = 0; i < W_NODES; i++) {
		w.conf[i].domain.timers.heartbeat_interval_ms = INTERVAL_MS;
		w.conf[i].domain.timers.missing_heartbeats_allowed = ALLOWED;
	}
	world_run(&w, 61000); /* the first ones were due at the old pace */
	w.lose = lose_one_in_twenty;
	for (double done = 0; done < wanted; done += 0.1)
		world_run(&w, HOUR_MS / 10);
	for (int i = 0; i < W_NODES; i++)
		alarms += w.reports[i][REPORT_peer_down];
	world_done(&w);
	record_figure("heartbeat-false-alarms-at-5-percent-loss", "0 in 10 simulated hours",
		alarms == 0, "%u in %.1f hours of %d nodes", alarms, wanted, W_NODES);
	cr_assert(eq(u32, alarms, 0));
}
