/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What must survive: the records of the H-LMA, and the numbers of the runs. What was put and is
 * not durable yet is *pending*: kept here, written by the next commit, and tried again as long as
 * the disk refuses. Meanwhile store_lets_out() says what may be told to others.
 */
#pragma once

#include "core/record.h"
#include "io/database.h"

struct store;

struct store_state {
	int error;	   /* 0, or why what is pending could not be written last time */
	const char *words; /* the same for people, and what to do; "" without an error */
	uint32_t pending;  /* records that are not durable */
	uint64_t commits;  /* made durable: transactions, of these records */
	uint64_t records;
};

/* A store in `directory`, which is made if need be. 0, or -errno after a message; *ret is for
 * store_close() in any case. Begin with store_start_run(). */
int store_open(struct store **ret, const char *directory, enum domain_store_failure on_failure);
/* What is pending gets a last chance. */
void store_close(struct store *s);

/*
 * Opens the file. Numbers of this run, larger than those of any before, durable when this returns
 * 0; else -errno after a message, said once however often it is tried. If on_failure says so, a
 * disk that takes nothing is no error; then the numbers come from the clock, and are written as
 * soon as it does.
 */
int store_start_run(struct store *s, struct database_run *ret);
/* Whether it is worth trying again: the disk may get better, a damaged file does not. */
bool store_may_recover(int err);

/* Hands out every record; or -errno after a message, since some of them would not do. */
int store_restore(struct store *s, void (*each)(void *arg, const struct record *r), void *arg);

/* Takes a copy. Without memory it counts as a failure of the disk. */
void store_put(struct store *s, const struct record *r);
void store_del(struct store *s, const struct dlma_prefix *hnp);
/* Makes everything durable, at once or not yet. Monotonic time: how long to leave a bad disk. */
void store_commit(struct store *s, uint64_t now_ms);
/*
 * Whether a message about a HNP may leave: not before its record is durable, unless on_failure
 * says that this is the lesser evil. Anything that is about none (zero) may.
 */
bool store_lets_out(const struct store *s, const struct dlma_prefix *hnp);

struct store_state store_state(const struct store *s);
