// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What must survive: the records of the H-LMA and the numbers of the runs. SQLite, WAL. */
#include "io/agent.h"
#include "base/log.h"
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum statement { PUT, DEL, STATEMENT_COUNT };

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	bool open_transaction;
	bool turn_failed; /* a write of this turn did not succeed */
	bool failing;	  /* said so already */
};

static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"CREATE TABLE IF NOT EXISTS run (one INTEGER PRIMARY KEY CHECK (one = 1),"
	"	epoch INTEGER NOT NULL, restart_counter INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS record (hnp BLOB NOT NULL, len INTEGER NOT NULL,"
	"	mn TEXT NOT NULL, ll BLOB NOT NULL, dlma BLOB NOT NULL, previous BLOB NOT NULL,"
	"	stamp INTEGER NOT NULL, lifetime_ms INTEGER NOT NULL, att INTEGER NOT NULL,"
	"	PRIMARY KEY (hnp, len));";

static const char *const texts[STATEMENT_COUNT] = {
	[PUT] = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[DEL] = "DELETE FROM record WHERE hnp = ? AND len = ?",
};

static int fail(struct store *s, const char *doing)
{
	if (!s->failing)
		log_error("store: cannot %s: %s; nothing is acknowledged until that works again",
			doing, sqlite3_errmsg(s->db));
	s->failing = s->turn_failed = true;
	return -EIO;
}

static int make_directory(const char *path)
{
	char partial[DOMAIN_PATH_MAX];

	for (size_t i = 1;; i++) {
		if (path[i] && path[i] != '/')
			continue;
		snprintf(partial, sizeof(partial), "%.*s", (int)i, path);
		if (mkdir(partial, 0700) && errno != EEXIST)
			return -errno;
		if (!path[i])
			return 0;
	}
}

static int prepare(struct store *s)
{
	if (sqlite3_exec(s->db, schema, NULL, NULL, NULL))
		return fail(s, "prepare its tables");
	for (int i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v2(s->db, texts[i], -1, &s->statements[i], NULL))
			return fail(s, "prepare its statements");
	return 0;
}

int store_open(struct agent *a)
{
	struct store *s = calloc(1, sizeof(*s));
	char path[DOMAIN_PATH_MAX + 16];
	int err = make_directory(a->conf.state_dir);

	a->store = s;
	if (!s)
		return -ENOMEM;
	if (err) {
		log_error("cannot make state_dir %s: %s", a->conf.state_dir, strerror(-err));
		return err;
	}
	snprintf(path, sizeof(path), "%s/agent.db", a->conf.state_dir);
	if (sqlite3_open(path, &s->db)) {
		log_error("cannot open the store %s: %s; if the file is damaged, restore it from a "
			  "copy, or move it away to start without bindings",
			path, sqlite3_errmsg(s->db));
		return -EIO;
	}
	return prepare(s);
}

void store_close(struct agent *a)
{
	struct store *s = a->store;

	if (!s)
		return;
	if (s->db)
		(void)store_commit(a);
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	free(s);
}

static int read_run(struct store *s, int64_t *ret_epoch, int64_t *ret_counter)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(s->db, "SELECT epoch, restart_counter FROM run", -1, &q, NULL))
		return fail(s, "read the last run");
	if (sqlite3_step(q) == SQLITE_ROW) {
		*ret_epoch = sqlite3_column_int64(q, 0);
		*ret_counter = sqlite3_column_int64(q, 1);
	}
	sqlite3_finalize(q);
	return 0;
}

/* The clock helps a node that lost its store to be believed again; never backwards, though. */
int store_start_run(struct agent *a, uint32_t *ret_epoch, uint32_t *ret_restart_counter)
{
	struct store *s = a->store;
	int64_t epoch = 0, counter = 0, now = time(NULL);
	char text[160];
	int err = read_run(s, &epoch, &counter);

	if (err)
		return err;
	epoch = epoch + 1 > now ? epoch + 1 : now;
	counter++;
	snprintf(text, sizeof(text), "INSERT OR REPLACE INTO run VALUES (1, %lld, %lld)",
		(long long)epoch, (long long)counter);
	if (sqlite3_exec(s->db, text, NULL, NULL, NULL))
		return fail(s, "write the number of this run");
	*ret_epoch = (uint32_t)epoch;
	*ret_restart_counter = (uint32_t)counter;
	return 0;
}

static void column_blob(sqlite3_stmt *q, int column, void *ret, size_t len)
{
	const void *p = sqlite3_column_blob(q, column);
	size_t have = (size_t)sqlite3_column_bytes(q, column);

	if (p)
		memcpy(ret, p, have < len ? have : len);
}

static void read_record(sqlite3_stmt *q, struct record *r)
{
	const char *mn = (const char *)sqlite3_column_text(q, 2);
	size_t ll = (size_t)sqlite3_column_bytes(q, 3);

	column_blob(q, 0, &r->hnp.addr, sizeof(r->hnp.addr));
	r->hnp.len = (uint8_t)sqlite3_column_int(q, 1);
	snprintf(r->mn.id, sizeof(r->mn.id), "%s", mn ? mn : "");
	r->mn.id_len = (uint8_t)strlen(r->mn.id);
	r->mn.ll_len = (uint8_t)(ll < sizeof(r->mn.ll) ? ll : sizeof(r->mn.ll));
	column_blob(q, 3, r->mn.ll, sizeof(r->mn.ll));
	column_blob(q, 4, &r->dlma, sizeof(r->dlma));
	column_blob(q, 5, &r->previous, sizeof(r->previous));
	r->stamp = (uint64_t)sqlite3_column_int64(q, 6);
	r->lifetime_ms = (uint32_t)sqlite3_column_int64(q, 7);
	r->att = (uint8_t)sqlite3_column_int(q, 8);
}

void store_restore(struct agent *a)
{
	unsigned int count = 0;
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(a->store->db, "SELECT * FROM record", -1, &q, NULL)) {
		(void)fail(a->store, "read its records");
		return;
	}
	while (sqlite3_step(q) == SQLITE_ROW) {
		struct event e = {.kind = EVENT_RESTORE};

		read_record(q, &e.restore);
		agent_event(a, &e);
		count++;
	}
	sqlite3_finalize(q);
	if (count)
		log_info("restored %u records from the store", count);
}

static void begin(struct store *s)
{
	if (s->open_transaction)
		return;
	if (sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL))
		(void)fail(s, "begin");
	else
		s->open_transaction = true;
}

static void run(struct store *s, sqlite3_stmt *q)
{
	begin(s);
	if (sqlite3_step(q) != SQLITE_DONE)
		(void)fail(s, "write a record");
	sqlite3_reset(q);
}

static void bind_hnp(sqlite3_stmt *q, const struct dlma_prefix *hnp)
{
	sqlite3_bind_blob(q, 1, &hnp->addr, sizeof(hnp->addr), SQLITE_TRANSIENT);
	sqlite3_bind_int(q, 2, hnp->len);
}

void store_put(struct agent *a, const struct record *r)
{
	sqlite3_stmt *q = a->store->statements[PUT];

	bind_hnp(q, &r->hnp);
	sqlite3_bind_text(q, 3, r->mn.id, r->mn.id_len, SQLITE_TRANSIENT);
	sqlite3_bind_blob(q, 4, r->mn.ll, r->mn.ll_len, SQLITE_TRANSIENT);
	sqlite3_bind_blob(q, 5, &r->dlma, sizeof(r->dlma), SQLITE_TRANSIENT);
	sqlite3_bind_blob(q, 6, &r->previous, sizeof(r->previous), SQLITE_TRANSIENT);
	sqlite3_bind_int64(q, 7, (sqlite3_int64)r->stamp);
	sqlite3_bind_int64(q, 8, r->lifetime_ms);
	sqlite3_bind_int(q, 9, r->att);
	run(a->store, q);
}

void store_del(struct agent *a, const struct dlma_prefix *hnp)
{
	sqlite3_stmt *q = a->store->statements[DEL];

	bind_hnp(q, hnp);
	run(a->store, q);
}

int store_commit(struct agent *a)
{
	struct store *s = a->store;
	bool wrote = s->open_transaction;
	int err;

	if (wrote && sqlite3_exec(s->db, s->turn_failed ? "ROLLBACK" : "COMMIT", NULL, NULL, NULL))
		(void)fail(s, "commit");
	s->open_transaction = s->open_transaction && !sqlite3_get_autocommit(s->db);
	err = s->turn_failed ? -EIO : 0;
	if (!err && wrote && s->failing) {
		log_info("store: works again");
		s->failing = false;
	}
	s->turn_failed = false;
	return err;
}
