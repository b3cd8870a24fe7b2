/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mobility protocol of one node: LMA and MAG, whichever the configuration makes it.
 *
 * Pure: core_step() takes what happened and the time, and returns what to do. It owns its tables
 * and nothing else; no socket, clock or map is ever touched in here, so that the same code runs in
 * the agent, in the tests and in the simulator.
 */
#pragma once

#include "core/effect.h"
#include "core/event.h"
#include "wire/auth.h"

struct core;

/*
 * The policy profiles of a domain, found by MN-ID, link-layer address and HNP. NULL if there is no
 * memory. It is only read afterwards, so cores in one process may share it.
 */
struct profiles;
struct profiles *profiles_new(const struct domain *d, const uint64_t seed[2]);
void profiles_free(struct profiles *all);

struct core_options {
	const struct node_conf *conf;	 /* must outlive the core */
	const struct profiles *profiles; /* of conf->domain; must outlive the core */
	auth_mac_fn *mac;
	uint64_t seed[2];	  /* random: hash seeds, first sequence number */
	uint32_t epoch;		  /* of this run: larger than that of any run before */
	uint32_t restart_counter; /* RFC 5847: larger than in the last run that lost bindings */
	bool sweeps;		  /* EVENT_USE comes unasked for cached locations that fall idle */
};

/* NULL if there is no memory. */
struct core *core_new(const struct core_options *options);
void core_free(struct core *c);

/*
 * Handles one event. *effects is emptied first. At most one timer is served by EVENT_TICK, so the
 * caller repeats it while core_deadline() is not in the future.
 */
void core_step(struct core *c, const struct moment *now, const struct event *event,
	struct effects *effects);

/* When EVENT_TICK is wanted next, monotonic ms; TIMER_NEVER: only after another event. */
uint64_t core_deadline(const struct core *c);

/* The tables, for those who show them (agent/core/state.h says what is in there). */
const struct core_state *core_state(const struct core *c);
