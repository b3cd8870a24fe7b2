/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* MNs that move, stay, leave and are spoken of too late; and what may be true after a crash. */
#pragma once

#include "owner.h"

struct traffic {
	struct owner owner;
	const char *directory;
	int mobiles; /* so many take part: with more than there are HNPs some change hands */
	struct promises *promises;
	uint64_t clock;				/* stamps */
	struct owner_claim last[OWNER_MOBILES]; /* with the largest stamp */
	struct owner_claim *claimed;		/* everything that was ever asked for */
	size_t claimed_count, claimed_room;
	uint64_t claims;
};

/* Starts the owner. As owner_start(). */
int traffic_begin(struct traffic *t, const char *directory, int mobiles, struct promises *log);
/* One turn: a few claims. Any of them may be out of order. */
void traffic_turn(struct traffic *t);
/* A MN goes somewhere else. */
void traffic_move(struct traffic *t, int mn);
/* Every V-LMA says again what it said last, as it would until it is answered. */
void traffic_repeat(struct traffic *t);
/* Ends the owner and starts the next one. As owner_start(). */
int traffic_restart(struct traffic *t, bool crash);
void traffic_end(struct traffic *t, bool crash);

/*
 * Whether what `o` found in its store keeps every promise that was given before `op`. NULL, or
 * what is wrong.
 */
const char *traffic_check(const struct traffic *t, const struct owner *o, size_t op);
/* Whether it says only what was claimed. NULL, or what is wrong. */
const char *traffic_check_claimed(const struct traffic *t, const struct owner *o);
/* Whether it has the last word of each V-LMA. NULL, or what is wrong. */
const char *traffic_check_last(const struct traffic *t, const struct owner *o);
