// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* SQLite in WAL mode: a commit is one fsync of the log, and a torn log ends where it is torn. */
#include "io/database.h"
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAYOUT = 1, OLD_COLUMNS = 9, WORDS_MAX = 160 };

enum statement { SELECT, PUT, DEL, STATEMENT_COUNT };

struct database {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	uint64_t commits;
	bool writing; /* a transaction is open */
	bool settled; /* see settle() */
	char words[WORDS_MAX];
};

/*
 * `sum` covers the rest of its row: SQLite finds damage in its own structures, but not in what they
 * hold. The first layout had neither sums nor MAGs.
 */
#define RECORD_TABLE                                                                         \
	"CREATE TABLE record (hnp BLOB NOT NULL, len INTEGER NOT NULL, mn TEXT NOT NULL,"    \
	" ll BLOB NOT NULL, dlma BLOB NOT NULL, previous BLOB NOT NULL, mag BLOB NOT NULL,"  \
	" previous_mag BLOB NOT NULL, stamp INTEGER NOT NULL, lifetime_ms INTEGER NOT NULL," \
	" att INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (hnp, len)) WITHOUT ROWID;"
#define RUN_TABLE                                                                            \
	"CREATE TABLE run (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL," \
	" restart_counter INTEGER NOT NULL, sum INTEGER NOT NULL);"
#define RECORD_COLUMNS \
	"hnp, len, mn, ll, dlma, previous, mag, previous_mag, stamp, lifetime_ms, att, sum"

static const char *const texts[STATEMENT_COUNT] = {
	[SELECT] = "SELECT " RECORD_COLUMNS " FROM record WHERE hnp = ? AND len = ?",
	[PUT] = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[DEL] = "DELETE FROM record WHERE hnp = ? AND len = ?",
};

static int error_of(sqlite3 *db, int code)
{
	int system = sqlite3_system_errno(db);

	switch (code) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* our statements are right, so the file is not */
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return system == ENOSPC || system == EROFS ? -system : -EIO;
	}
}

static int fail(struct database *d, int err, const char *words)
{
	snprintf(d->words, sizeof(d->words), "%s", words);
	return err;
}

/* Of the call that failed just now. */
static int failed(struct database *d)
{
	int code = sqlite3_errcode(d->db) & 0xff, err = error_of(d->db, code);
	int system = sqlite3_system_errno(d->db);

	if (system && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN))
		snprintf(d->words, sizeof(d->words), "%s: %s", sqlite3_errmsg(d->db),
			strerror(system));
	else
		snprintf(d->words, sizeof(d->words), "%s", sqlite3_errmsg(d->db));
	return err;
}

static int run(struct database *d, const char *text)
{
	return sqlite3_exec(d->db, text, NULL, NULL, NULL) ? failed(d) : 0;
}

/* The one value of a statement's first row; -1 if it has none. */
static int number(struct database *d, const char *text, int64_t *ret)
{
	sqlite3_stmt *q;
	int code;

	*ret = -1;
	if (sqlite3_prepare_v2(d->db, text, -1, &q, NULL))
		return failed(d);
	code = sqlite3_step(q);
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : failed(d);
}

static uint64_t mix(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		sum = (sum ^ *p++) * 1099511628211ULL; /* FNV-1a */
	return sum;
}

static int64_t sum_of_record(const struct record *r)
{
	uint64_t sum = mix(14695981039346656037ULL, &r->hnp.addr, sizeof(r->hnp.addr));

	sum = mix(sum, &r->hnp.len, sizeof(r->hnp.len));
	sum = mix(sum, &r->mn.id_len, sizeof(r->mn.id_len));
	sum = mix(sum, r->mn.id, r->mn.id_len);
	sum = mix(sum, r->mn.ll, r->mn.ll_len);
	sum = mix(sum, &r->dlma, sizeof(r->dlma));
	sum = mix(sum, &r->previous, sizeof(r->previous));
	sum = mix(sum, &r->mag, sizeof(r->mag));
	sum = mix(sum, &r->previous_mag, sizeof(r->previous_mag));
	sum = mix(sum, &r->stamp, sizeof(r->stamp));
	sum = mix(sum, &r->lifetime_ms, sizeof(r->lifetime_ms));
	return (int64_t)mix(sum, &r->att, sizeof(r->att));
}

static int64_t sum_of_run(const struct database_run *r)
{
	return (int64_t)mix(mix(14695981039346656037ULL, &r->epoch, sizeof(r->epoch)),
		&r->restart_counter, sizeof(r->restart_counter));
}

/* At most `room` octets of a column; returns how many there are. */
static size_t column_bytes(sqlite3_stmt *q, int column, void *ret, size_t room)
{
	const void *p = sqlite3_column_blob(q, column);
	size_t len = (size_t)sqlite3_column_bytes(q, column);

	if (p)
		memcpy(ret, p, len < room ? len : room);
	return len < room ? len : room;
}

static void read_mn(sqlite3_stmt *q, struct identity *mn)
{
	mn->id_len = (uint8_t)column_bytes(q, 2, mn->id, sizeof(mn->id) - 1);
	mn->ll_len = (uint8_t)column_bytes(q, 3, mn->ll, sizeof(mn->ll));
}

/* False if the row is not what was written. */
static bool read_record(sqlite3_stmt *q, struct record *r)
{
	*r = (struct record){.hnp.len = (uint8_t)sqlite3_column_int(q, 1)};
	column_bytes(q, 0, &r->hnp.addr, sizeof(r->hnp.addr));
	read_mn(q, &r->mn);
	column_bytes(q, 4, &r->dlma, sizeof(r->dlma));
	column_bytes(q, 5, &r->previous, sizeof(r->previous));
	column_bytes(q, 6, &r->mag, sizeof(r->mag));
	column_bytes(q, 7, &r->previous_mag, sizeof(r->previous_mag));
	r->stamp = (uint64_t)sqlite3_column_int64(q, 8);
	r->lifetime_ms = (uint32_t)sqlite3_column_int64(q, 9);
	r->att = (uint8_t)sqlite3_column_int(q, 10);
	return sqlite3_column_int64(q, 11) == sum_of_record(r);
}

static void bind_bytes(sqlite3_stmt *q, int parameter, const void *bytes, size_t len)
{
	sqlite3_bind_blob(q, parameter, bytes, (int)len, SQLITE_STATIC);
}

static void bind_hnp(sqlite3_stmt *q, const struct dlma_prefix *hnp)
{
	bind_bytes(q, 1, &hnp->addr, sizeof(hnp->addr));
	sqlite3_bind_int(q, 2, hnp->len);
}

static void bind_record(sqlite3_stmt *q, const struct record *r)
{
	bind_hnp(q, &r->hnp);
	sqlite3_bind_text(q, 3, r->mn.id, r->mn.id_len, SQLITE_STATIC);
	bind_bytes(q, 4, r->mn.ll, r->mn.ll_len);
	bind_bytes(q, 5, &r->dlma, sizeof(r->dlma));
	bind_bytes(q, 6, &r->previous, sizeof(r->previous));
	bind_bytes(q, 7, &r->mag, sizeof(r->mag));
	bind_bytes(q, 8, &r->previous_mag, sizeof(r->previous_mag));
	sqlite3_bind_int64(q, 9, (sqlite3_int64)r->stamp);
	sqlite3_bind_int64(q, 10, r->lifetime_ms);
	sqlite3_bind_int(q, 11, r->att);
	sqlite3_bind_int64(q, 12, sum_of_record(r));
}

/* Runs a bound statement that returns nothing, and makes it ready for the next time. */
static int execute(struct database *d, sqlite3_stmt *q)
{
	int err = sqlite3_step(q) == SQLITE_DONE ? 0 : failed(d);

	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return err;
}

/* Opening */

/* Damage is found now, and not when the page is needed. */
static int check(struct database *d)
{
	const char *words;
	sqlite3_stmt *q;
	int err = 0;

	if (sqlite3_prepare_v2(d->db, "PRAGMA quick_check(1)", -1, &q, NULL))
		return failed(d);
	words = sqlite3_step(q) == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
	if (!words)
		err = failed(d);
	else if (strcmp(words, "ok") != 0) /* below a headline */
		err = fail(d, strstr(words, "unable to get the page") ? -EIO : -EBADMSG,
			strchr(words, '\n') ? strchr(words, '\n') + 1 : words);
	sqlite3_finalize(q);
	return err;
}

/* Through SQLite's own file, so that nobody else writes to it at the same time. */
static int rewrite(sqlite3_file *log)
{
	static uint8_t piece[1 << 16];
	sqlite3_int64 size = 0;
	int code = log->pMethods ? log->pMethods->xFileSize(log, &size) : SQLITE_OK;

	for (sqlite3_int64 at = 0; !code && at < size; at += (sqlite3_int64)sizeof(piece)) {
		int len = size - at < (sqlite3_int64)sizeof(piece) ? (int)(size - at)
								   : (int)sizeof(piece);

		code = log->pMethods->xRead(log, piece, len, at);
		if (!code)
			code = log->pMethods->xWrite(log, piece, len, at);
	}
	if (!code && size)
		code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	return code;
}

/*
 * The log of an earlier process may be nothing but a memory of the kernel: after an fsync that
 * failed its pages are as good as clean, and no later fsync writes them. So it is written anew,
 * before anything stands behind it, and before it goes into the database. Call it with the lock.
 */
static int settle(struct database *d)
{
	sqlite3_file *log = NULL;
	int code = sqlite3_file_control(d->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);

	if (sqlite3_db_readonly(d->db, "main") == 1)
		return fail(d, -EROFS, "it is read-only");
	if (!code && log)
		code = rewrite(log);
	if (code)
		return fail(d, (code & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO,
			"the log cannot be written again");
	d->settled = true;
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return 0;
}

/* The whole lock at once: a transaction that has read first could not be sure to get it later. */
static int begin(struct database *d)
{
	int err = d->writing ? 0 : run(d, "BEGIN IMMEDIATE");

	d->writing = d->writing || !err;
	if (!err && !d->settled)
		err = settle(d);
	return err;
}

static int copy_old_record(struct database *d, sqlite3_stmt *old, sqlite3_stmt *put)
{
	struct record r = {.hnp.len = (uint8_t)sqlite3_column_int(old, 1)};

	column_bytes(old, 0, &r.hnp.addr, sizeof(r.hnp.addr));
	read_mn(old, &r.mn);
	column_bytes(old, 4, &r.dlma, sizeof(r.dlma));
	column_bytes(old, 5, &r.previous, sizeof(r.previous));
	r.stamp = (uint64_t)sqlite3_column_int64(old, 6);
	r.lifetime_ms = (uint32_t)sqlite3_column_int64(old, 7);
	r.att = (uint8_t)sqlite3_column_int(old, 8);
	bind_record(put, &r);
	return execute(d, put);
}

static int copy_old_records(struct database *d)
{
	sqlite3_stmt *old = NULL, *put = NULL;
	int err = 0, code = SQLITE_DONE;

	if (sqlite3_prepare_v2(d->db,
		    "SELECT hnp, len, mn, ll, dlma, previous, stamp, lifetime_ms, att"
		    " FROM record_0",
		    -1, &old, NULL) ||
		sqlite3_prepare_v2(d->db, texts[PUT], -1, &put, NULL))
		err = failed(d);
	while (!err && (code = sqlite3_step(old)) == SQLITE_ROW)
		err = copy_old_record(d, old, put);
	if (!err && code != SQLITE_DONE)
		err = failed(d);
	sqlite3_finalize(old);
	sqlite3_finalize(put);
	return err;
}

static int copy_old_run(struct database *d)
{
	struct database_run r;
	int64_t epoch, counter;
	int err = number(d, "SELECT epoch FROM run_0", &epoch);

	if (!err)
		err = number(d, "SELECT restart_counter FROM run_0", &counter);
	if (err || epoch < 0)
		return err;
	r = (struct database_run){(uint32_t)epoch, (uint32_t)counter};
	return database_put_run(d, &r);
}

/*
 * From layout 0. All of it or nothing: it is one transaction. The first tables were made one by
 * one, so the last may be missing.
 */
static int upgrade(struct database *d)
{
	int64_t columns;
	int err = number(d, "SELECT count(*) FROM pragma_table_info('record')", &columns);

	if (!err && columns && columns != OLD_COLUMNS)
		err = fail(d, -EBADMSG, "its layout is none that there ever was");
	if (err)
		return err;
	err = run(d, "CREATE TABLE IF NOT EXISTS record (hnp, len, mn, ll, dlma, previous, stamp,"
		     "	lifetime_ms, att);"
		     "ALTER TABLE record RENAME TO record_0;"
		     "ALTER TABLE run RENAME TO run_0;" RECORD_TABLE RUN_TABLE);
	if (!err)
		err = copy_old_records(d);
	if (!err)
		err = copy_old_run(d);
	return err ? err : run(d, "DROP TABLE record_0; DROP TABLE run_0; PRAGMA user_version = 1");
}

static int lay_out(struct database *d)
{
	int64_t layout, tables;
	int err = number(d, "PRAGMA user_version", &layout);

	if (!err)
		err = number(d, "SELECT count(*) FROM sqlite_schema", &tables);
	if (err || layout == LAYOUT)
		return err;
	if (layout > LAYOUT) {
		snprintf(d->words, sizeof(d->words), "it has layout %lld, and this agent knows %d",
			(long long)layout, LAYOUT);
		return -EPROTO;
	}
	err = begin(d);
	if (!err)
		err = tables ? upgrade(d)
			     : run(d, RECORD_TABLE RUN_TABLE "PRAGMA user_version = 1");
	return err ? err : database_commit(d);
}

static int prepare(struct database *d)
{
	/* FULL: a commit is on the disk, not just on its way there. */
	int err = run(d, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");

	if (!err)
		err = check(d);
	if (!err)
		err = lay_out(d);
	for (int i = 0; !err && i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v2(d->db, texts[i], -1, &d->statements[i], NULL))
			err = failed(d);
	return err;
}

int database_open(struct database **ret, const char *directory)
{
	struct database *d = *ret = calloc(1, sizeof(*d));
	char path[DOMAIN_PATH_MAX + 16];

	if (!d)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/agent.db", directory);
	if (sqlite3_open(path, &d->db))
		return failed(d);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return prepare(d);
}

void database_close(struct database *d)
{
	if (!d)
		return;
	database_rollback(d);
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(d->statements[i]);
	sqlite3_close(d->db);
	free(d);
}

const char *database_words(const struct database *d)
{
	return d ? d->words : "out of memory";
}

/* Reading */

int database_read_run(struct database *d, struct database_run *ret)
{
	sqlite3_stmt *q;
	int err = 0, code;

	*ret = (struct database_run){0};
	if (sqlite3_prepare_v2(d->db, "SELECT epoch, restart_counter, sum FROM run", -1, &q, NULL))
		return failed(d);
	code = sqlite3_step(q);
	if (code == SQLITE_ROW) {
		ret->epoch = (uint32_t)sqlite3_column_int64(q, 0);
		ret->restart_counter = (uint32_t)sqlite3_column_int64(q, 1);
		if (sqlite3_column_int64(q, 2) != sum_of_run(ret))
			err = fail(d, -EBADMSG, "the number of the last run is wrong");
	} else if (code != SQLITE_DONE) {
		err = failed(d);
	}
	sqlite3_finalize(q);
	return err;
}

int database_read_records(
	struct database *d, void (*each)(void *arg, const struct record *r), void *arg)
{
	sqlite3_stmt *q;
	int err = 0, code = SQLITE_DONE;

	if (sqlite3_prepare_v2(d->db, "SELECT " RECORD_COLUMNS " FROM record", -1, &q, NULL))
		return failed(d);
	while (!err && (code = sqlite3_step(q)) == SQLITE_ROW) {
		struct record r;

		if (read_record(q, &r))
			each(arg, &r);
		else
			err = fail(d, -EBADMSG, "a record does not match its sum");
	}
	if (!err && code != SQLITE_DONE)
		err = failed(d);
	sqlite3_finalize(q);
	return err;
}

/* Writing */

int database_put_run(struct database *d, const struct database_run *r)
{
	char text[160];
	int err = begin(d);

	snprintf(text, sizeof(text), "INSERT OR REPLACE INTO run VALUES (1, %lld, %lld, %lld)",
		(long long)r->epoch, (long long)r->restart_counter, (long long)sum_of_run(r));
	return err ? err : run(d, text);
}

/* -ENOENT: there is no such record. */
static int get(struct database *d, const struct dlma_prefix *hnp, struct record *ret)
{
	sqlite3_stmt *q = d->statements[SELECT];
	int err = 0, code;

	bind_hnp(q, hnp);
	code = sqlite3_step(q);
	if (code == SQLITE_DONE)
		err = -ENOENT;
	else if (code != SQLITE_ROW)
		err = failed(d);
	else if (!read_record(q, ret))
		err = fail(d, -EBADMSG, "a record does not match its sum");
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return err;
}

static bool same_mn(const struct identity *a, const struct identity *b)
{
	return a->id_len == b->id_len && a->ll_len == b->ll_len &&
	       !memcmp(a->id, b->id, a->id_len) && !memcmp(a->ll, b->ll, a->ll_len);
}

static bool same(const struct record *a, const struct record *b)
{
	return prefix_equal(&a->hnp, &b->hnp) && same_mn(&a->mn, &b->mn) &&
	       addr_equal(&a->dlma, &b->dlma) && addr_equal(&a->previous, &b->previous) &&
	       addr_equal(&a->mag, &b->mag) && addr_equal(&a->previous_mag, &b->previous_mag) &&
	       a->stamp == b->stamp && a->lifetime_ms == b->lifetime_ms && a->att == b->att;
}

int database_put(struct database *d, const struct record *r)
{
	struct record old;
	int err = get(d, &r->hnp, &old);

	if (!err && same(&old, r))
		return 0;
	if (err && err != -ENOENT)
		return err;
	err = begin(d);
	if (err)
		return err;
	bind_record(d->statements[PUT], r);
	return execute(d, d->statements[PUT]);
}

int database_del(struct database *d, const struct dlma_prefix *hnp)
{
	int err = begin(d);

	if (err)
		return err;
	bind_hnp(d->statements[DEL], hnp);
	return execute(d, d->statements[DEL]);
}

int database_commit(struct database *d)
{
	int err = d->writing ? run(d, "COMMIT") : 0;

	if (err) {
		database_rollback(d);
		return err;
	}
	d->commits += d->writing;
	d->writing = false;
	return 0;
}

/* After some errors SQLite has done so already. */
void database_rollback(struct database *d)
{
	if (!d)
		return;
	if (d->writing && !sqlite3_get_autocommit(d->db))
		(void)sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	d->writing = false;
}

uint64_t database_commits(const struct database *d)
{
	return d ? d->commits : 0;
}
