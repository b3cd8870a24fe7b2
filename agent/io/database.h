/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file behind the store: STATE_DIR/agent.db. Whatever it is made with is known to database.c
 * alone. What is committed survives the machine; what is not is forgotten by a rollback.
 *
 * Functions return 0 or a negative errno that says what kind of trouble it is:
 *
 *	-ENOSPC   the file system is full
 *	-EROFS    it must not be written to
 *	-EBADMSG  the file is damaged
 *	-EPROTO   a newer version of this program wrote it
 *	-EBUSY    another process holds it
 *	-ENOMEM, and -EIO for the rest; database_words() says more
 */
#pragma once

#include "core/record.h"
#include <stdint.h>

struct database;

/* Numbers of a run of the agent. */
struct database_run {
	uint32_t epoch, restart_counter;
};

/*
 * Opens the file in `directory`, which is there; makes it if need be, durably; brings an older
 * layout up to date. *ret is set in any case but -ENOMEM, for database_words() and _close().
 */
int database_open(struct database **ret, const char *directory);
void database_close(struct database *d);
/* What went wrong last, for people. */
const char *database_words(const struct database *d);

/* Zeros if there was no run yet. */
int database_read_run(struct database *d, struct database_run *ret);
/* Every record, or an error: never just some of them. */
int database_read_records(
	struct database *d, void (*each)(void *arg, const struct record *r), void *arg);

/* Parts of one transaction. What the file says already is not written again. */
int database_put_run(struct database *d, const struct database_run *run);
int database_put(struct database *d, const struct record *r);
int database_del(struct database *d, const struct dlma_prefix *hnp);
/* Makes it durable; if that fails none of it is there. Costs nothing if nothing was written. */
int database_commit(struct database *d);
void database_rollback(struct database *d);
/* How many transactions have been made durable. */
uint64_t database_commits(const struct database *d);
