/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One node of the small domain (core_domain.h) and what is done to it by the octets of an input.
 * After each step its tables must be consistent (tests/unit/invariants.c), and the maps must be
 * what the tables say (tests/unit/mirror.c).
 */
#pragma once

#include "core_message.h"
#include "mirror.h"

enum { RUN_KEPT = 8 /* datagrams that may be replayed */ };

struct run_datagram {
	struct dlma_addr src;
	size_t len;
	uint8_t bytes[EFFECT_BYTES_MAX];
};

struct run {
	struct core *core;
	const struct node_conf *conf;
	struct mirror mirror;
	struct talk talk;
	struct moment now;
	struct run_datagram kept[RUN_KEPT];
	unsigned int kept_count;
	uint32_t epoch;
	struct event posted[EFFECTS_MAX]; /* what carrying out effects brought up */
	unsigned int posted_count;
	bool quiet;				/* what is checked is how it ends */
	void (*report)(const struct report *r); /* NULL: nobody wants to know */
};

extern struct run run;

/* Starts a node whose shape, maps and store the input says. */
void run_begin(struct reader *r);
void run_end(void);

/* Something happens to it, whatever the next octets say. */
void run_act(struct reader *r);

/* Handles an event, and what carrying out its effects brings up, like agent_event(). */
void run_step(const struct event *e);
/* Serves all timers that are due; that comes to an end. */
void run_serve(void);
void run_pass(uint64_t ms);
/* The agent starts, with what earlier runs have left in the maps and in the store. */
void run_start(bool with_link);
/* Nobody says anything any more: everything that ends by itself ends. */
void run_settle(void);
