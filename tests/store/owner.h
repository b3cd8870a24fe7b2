/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An H-LMA made of the production core, store and outbox, and V-LMAs that claim MNs from it. What
 * was acknowledged is what left the outbox: a promise, with the moment in the disk's journal.
 */
#pragma once

#include "core/core.h"
#include "io/outbox.h"

enum {
	OWNER_SELF,
	OWNER_LMAS = 4, /* V-LMAs 1 to 3 */
	OWNER_MAGS = 4, /* nodes 4 to 7 */
	OWNER_NODES = OWNER_LMAS + OWNER_MAGS,
	OWNER_MOBILES = 40,
	OWNER_PROMISES_MAX = 1 << 16,
};

struct promise {
	size_t op; /* the journal was so long when it was given */
	int mn;
	struct dlma_prefix hnp;
	uint64_t stamp;
	int dlma; /* 0: released */
	int mag;
	bool withdrawn; /* the HNP goes to another MN from now on: not a promise but the end of one
			 */
};

struct owner {
	struct node_conf conf;
	struct store *store;
	struct outbox *outbox;
	struct profiles *profiles;
	struct core *core;
	struct effects effects;
	uint64_t now_ms;
	uint16_t sequence;
	struct database_run run;
	struct record restored[OWNER_MOBILES]; /* what the store had at the start */
	int restored_count;
};

/* Every promise since the beginning, by any owner; and the largest numbers of a run. */
struct promises {
	struct promise list[OWNER_PROMISES_MAX];
	size_t count;
	struct {
		size_t op;
		struct database_run run;
	} runs[256];
	size_t run_count;
};

/* Starts it on what the disk has. 0 or what the store says; then it is stopped already. */
int owner_start(struct owner *o, const char *directory, enum domain_store_failure on_failure,
	uint64_t now_ms, struct promises *log);
/* Ends it in good order, or as a crash does: nothing more reaches the disk. */
void owner_stop(struct owner *o, bool crash);

struct owner_claim {
	int mn, dlma, mag;
	uint64_t stamp;
	bool release, refresh;
};
/* A V-LMA's PBU. The answer, if any, leaves at the end of the turn. */
void owner_claim(struct owner *o, const struct owner_claim *claim);
void owner_turn(struct owner *o);
/* Lets time pass, with a turn for each timer. */
void owner_pass(struct owner *o, uint64_t ms);

/* What the store had of a MN at the start, or NULL. */
const struct record *owner_record(const struct owner *o, int mn);
/* Whether a record is exactly what was promised. */
bool owner_record_is(const struct record *r, const struct promise *p);
