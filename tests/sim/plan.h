/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one seed is: a domain, its settings, and what goes wrong in it. Each seed takes a random
 * part of all that can be (swarm testing): what is rare in a soup of everything shows when it
 * stands alone.
 */
#pragma once

#include "path.h"
#include "random.h"
#include "dlma/domain.h"

enum { MOBILES_MAX = 32 };

/* X(name, text) */
#define FAULTS(X)                                                           \
	X(loss, "messages are lost")                                        \
	X(duplicates, "messages arrive twice")                              \
	X(reorder, "delays vary, so messages overtake each other")          \
	X(late, "a few messages take seconds")                              \
	X(partition, "nodes cannot reach each other for a while")           \
	X(skew, "the clocks of the sites differ")                           \
	X(step, "clocks are set, by up to an hour")                         \
	X(kill, "agents are killed and started again; maps and store stay") \
	X(reboot, "nodes restart without their maps")                       \
	X(disk, "nodes that own no HNP restart without maps and store")     \
	X(keys, "keys are rotated")                                         \
	X(full, "location tables are too small")                            \
	X(exhausted, "fewer HNPs than MNs")                                 \
	X(rogue, "a peer sends what it may not say")                        \
	X(revoke, "the operator ends the service of MNs")

#define FAULT_(name, text) FAULT_##name,
enum fault { FAULTS(FAULT_) FAULT_COUNT };
#undef FAULT_

/* X(name, text) */
#define HABITS(X)                                                  \
	X(detach, "departures are told to the old MAG")            \
	X(pairs, "two MNs that talk move at once")                 \
	X(pingpong, "MNs go back to where they came from at once") \
	X(home, "MNs go home often")                               \
	X(leave, "MNs go away for a while")                        \
	X(quiet, "MNs show themselves by a packet only")           \
	X(traffic, "packets all the time")

#define HABIT_(name, text) HABIT_##name,
enum habit { HABITS(HABIT_) HABIT_COUNT };
#undef HABIT_

struct plan {
	uint64_t seed;
	uint32_t faults; /* bits of enum fault */
	uint32_t habits; /* bits of enum habit */
	struct path_domain domain;
	uint16_t lma_count;
	uint16_t mobile_count;
	uint16_t rogue;			 /* an LMA with neither HNPs nor MAGs; or DOMAIN_NO_NODE */
	uint16_t lma_of[PATH_NODES_MAX]; /* of a MAG; DOMAIN_NO_NODE */
	uint16_t home_block[MOBILES_MAX];
	bool fixed_hnp[MOBILES_MAX];
	enum domain_disclosure disclosure, mobile_disclosure[MOBILES_MAX];
	bool home_tracks_mag, ask_first, authentication;
	struct domain_timers timers;
	uint32_t cache_max, locations_max;
	/* The network. */
	uint32_t delay_us[PATH_NODES_MAX][PATH_NODES_MAX];
	uint32_t jitter_us;
	uint32_t commit_us;		 /* how long the store takes */
	uint16_t loss, duplicates, late; /* in 1000 messages */
	int32_t skew_ms[PATH_NODES_MAX];
	/* What happens. */
	uint32_t handovers;
	uint32_t dwell_ms;     /* mean, between two moves of a MN */
	uint32_t packet_ms;    /* mean, between two packets in the domain */
	uint32_t incidents_ms; /* mean, between two of the faults that come and go */
};

static inline bool plan_fault(const struct plan *p, enum fault f)
{
	return p->faults >> f & 1;
}

static inline bool plan_habit(const struct plan *p, enum habit h)
{
	return p->habits >> h & 1;
}

struct plan_options {
	bool no_faults;
	bool orderly;  /* MNs move one by one, and stay for a while */
	uint32_t only; /* bits of enum fault that there may be */
	int loss;      /* in 1000; -1: as the seed says */
};

/* Names of faults, with commas between them. */
bool plan_read_faults(const char *names, uint32_t *ret);
void plan_make(struct plan *p, uint64_t seed, const struct plan_options *o);
void plan_print(const struct plan *p);

/* Longest way from one node to another and back. */
uint32_t plan_rtt_us(const struct plan *p);

/* "lma-1", "mag-2b" */
const char *plan_node_name(const struct plan *p, uint16_t node);

/* The configuration that all nodes of the plan share, and that of each. */
struct plan_conf {
	struct domain_node nodes[PATH_NODES_MAX];
	struct domain_prefix prefixes[PATH_BLOCKS_MAX];
	struct domain_mobile mobiles[MOBILES_MAX];
	struct domain_key keys[PATH_NODES_MAX][2 * PATH_NODES_MAX];
	struct node_conf conf[PATH_NODES_MAX];
};

void plan_configure(const struct plan *p, struct plan_conf *c);
/* The keys that a node takes at its next start: of generation `newest`, then `oldest`. */
void plan_set_keys(
	const struct plan *p, struct plan_conf *c, uint16_t node, uint32_t first, uint32_t second);
