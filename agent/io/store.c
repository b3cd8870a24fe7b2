// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/store.h"
#include "base/log.h"
#include "core/table.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	RETRY_MS = 500,
	WORDS_MAX = 512,
	SPARE_MAX = 64, /* changes for which there is memory in any case */
};

struct pending {
	struct table_node node; /* by HNP */
	struct record record;
	bool deleted; /* only the HNP counts */
};

struct store {
	struct database *db;
	struct table pending;
	struct pending *spare[SPARE_MAX];
	uint32_t spare_count;
	struct database_run run;
	bool run_pending;
	bool forgot; /* no memory for something that was put: nothing may be told any more */
	enum domain_store_failure on_failure;
	int error;
	uint64_t retry_at_ms;
	uint64_t records;
	uint64_t commits; /* of what was open before */
	bool unopened;	  /* the last attempt to open it anew failed */
	char directory[DOMAIN_PATH_MAX];
	char words[WORDS_MAX];
};

static const char *advice(int err)
{
	switch (-err) {
	case ENOSPC:
		return "free some space there";
	case EROFS:
		return "mount it writable";
	case EBADMSG:
		return "stop the agent and put a copy of agent.db in its place; without a copy "
		       "move "
		       "agent.db* away, to begin with no location at all";
	case EPROTO:
		return "install the agent that wrote it, or a newer one";
	case EBUSY:
		return "end the other process that uses it";
	default:
		return "see to the disk";
	}
}

/* Says so once, and again when the reason is another one; `then` is what follows from it. */
static int failed(struct store *s, int err, const char *doing, const char *then)
{
	snprintf(s->words, sizeof(s->words), "cannot %s %s/agent.db: %s; %s", doing, s->directory,
		database_words(s->db), advice(err));
	if (s->error != err)
		log_error("store: %s%s", s->words, then);
	s->error = err;
	return err;
}

static int failed_to_write(struct store *s, int err)
{
	return failed(s, err, "write",
		s->on_failure == DOMAIN_STORE_CONTINUE
			? "; meanwhile a crash would lose what is acknowledged"
			: "; meanwhile no change of a location is acknowledged, all else goes on");
}

static void worked(struct store *s)
{
	if (s->error)
		log_info("store: works again, nothing is pending");
	s->error = 0;
	*s->words = 0;
}

/* Opening */

static int sync_parent(const char *path)
{
	char parent[DOMAIN_PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, err;

	snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 || fsync(fd) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return err;
}

/* With its parents; durable, as far as it is new. */
static int make_directory(const char *path)
{
	char partial[DOMAIN_PATH_MAX];

	for (size_t i = 1;; i++) {
		int err = 0;

		if (path[i] && path[i] != '/')
			continue;
		snprintf(partial, sizeof(partial), "%.*s", (int)i, path);
		if (!mkdir(partial, 0700))
			err = sync_parent(partial);
		else if (errno != EEXIST)
			err = -errno;
		if (err || !path[i])
			return err;
	}
}

static int fill_spare(struct store *s)
{
	while (s->spare_count < SPARE_MAX) {
		struct pending *p = calloc(1, sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->spare[s->spare_count++] = p;
	}
	return table_reserve(&s->pending, SPARE_MAX);
}

static struct pending *pending_new(struct store *s)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p && s->spare_count)
		p = s->spare[--s->spare_count];
	return p;
}

static void pending_free(struct store *s, struct pending *p)
{
	if (s->spare_count == SPARE_MAX) {
		free(p);
		return;
	}
	memset(p, 0, sizeof(*p));
	s->spare[s->spare_count++] = p;
}

int store_open(struct store **ret, const char *directory, enum domain_store_failure on_failure)
{
	struct store *s = *ret = calloc(1, sizeof(*s));
	uint64_t seed[2] = {0};
	int err;

	if (!s)
		return -ENOMEM;
	s->on_failure = on_failure;
	snprintf(s->directory, sizeof(s->directory), "%s", directory);
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	table_init(&s->pending, seed);
	err = fill_spare(s);
	if (err)
		return err;
	err = make_directory(directory);
	if (err)
		log_error("cannot make state_dir %s: %s", directory, strerror(-err));
	return err;
}

static void forget_all(struct store *s)
{
	struct table_node *n = table_next(&s->pending, NULL), *next;

	for (; n; n = next) {
		next = table_next(&s->pending, n);
		table_remove(&s->pending, n);
		pending_free(s, container_of(n, struct pending, node));
	}
}

/* Writing */

static int write_one(struct store *s, const struct pending *p)
{
	return p->deleted ? database_del(s->db, &p->record.hnp) : database_put(s->db, &p->record);
}

/* What was opened on a read-only disk stays read-only. */
static int open_anew(struct store *s)
{
	int err;

	if (s->error != -EROFS && !s->unopened)
		return 0;
	s->commits += database_commits(s->db);
	database_close(s->db);
	err = database_open(&s->db, s->directory);
	s->unopened = err;
	return err;
}

static int write_all(struct store *s)
{
	struct table_node *n = NULL;
	int err = open_anew(s);

	if (!err && s->run_pending)
		err = database_put_run(s->db, &s->run);
	while (!err && (n = table_next(&s->pending, n)))
		err = write_one(s, container_of(n, struct pending, node));
	if (err)
		database_rollback(s->db);
	return err ? err : database_commit(s->db);
}

void store_commit(struct store *s, uint64_t now_ms)
{
	int err;

	if (!s->pending.count && !s->run_pending)
		return;
	if (s->error && now_ms < s->retry_at_ms)
		return;
	err = write_all(s);
	if (err) {
		s->retry_at_ms = now_ms + RETRY_MS;
		(void)failed_to_write(s, err);
		return;
	}
	s->records += s->pending.count;
	s->run_pending = false;
	forget_all(s);
	worked(s);
}

static bool is_for(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct pending, node)->record.hnp, key);
}

static uint64_t hash_of(const struct store *s, const struct dlma_prefix *hnp)
{
	return table_hash(&s->pending, &hnp->addr, sizeof(hnp->addr));
}

static struct pending *find(const struct store *s, const struct dlma_prefix *hnp)
{
	struct table_node *n = table_find(&s->pending, hash_of(s, hnp), is_for, hnp);

	return n ? container_of(n, struct pending, node) : NULL;
}

/* Of several changes of a record the last one counts. */
static struct pending *touch(struct store *s, const struct dlma_prefix *hnp)
{
	struct pending *p = find(s, hnp);

	if (p)
		return p;
	p = pending_new(s);
	if (!p || table_insert(&s->pending, &p->node, hash_of(s, hnp))) {
		log_error("store: out of memory; nothing is acknowledged any more, restart the "
			  "agent");
		s->forgot = true;
		free(p);
		return NULL;
	}
	p->record.hnp = *hnp;
	return p;
}

void store_put(struct store *s, const struct record *r)
{
	struct pending *p = touch(s, &r->hnp);

	if (!p)
		return;
	p->record = *r;
	p->deleted = false;
}

void store_del(struct store *s, const struct dlma_prefix *hnp)
{
	struct pending *p = touch(s, hnp);

	if (p)
		p->deleted = true;
}

bool store_lets_out(const struct store *s, const struct dlma_prefix *hnp)
{
	if (s->on_failure == DOMAIN_STORE_CONTINUE || !hnp->len)
		return true;
	return !s->forgot && !(s->pending.count && find(s, hnp));
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->db)
		store_commit(s, UINT64_MAX);
	if (s->pending.count)
		log_error("store: %zu records were never written", s->pending.count);
	forget_all(s);
	while (s->spare_count)
		free(s->spare[--s->spare_count]);
	table_done(&s->pending);
	database_close(s->db);
	free(s);
}

/* Runs and records */

bool store_may_recover(int err)
{
	return err == -ENOSPC || err == -EROFS || err == -EBUSY || err == -EIO;
}

/*
 * Without a disk, what makes a run's numbers new is the clock, which counts seconds: so this second
 * must be over before there can be another run.
 */
static void take_from_clock(struct database_run *r)
{
	struct timespec now, left = {0};

	clock_gettime(CLOCK_REALTIME, &now);
	if (r->restart_counter < (uint32_t)now.tv_sec)
		r->restart_counter = (uint32_t)now.tv_sec;
	left.tv_nsec = 999999999 - now.tv_nsec;
	nanosleep(&left, NULL);
}

static int failed_to_start(struct store *s, int err, const char *doing)
{
	return failed(s, err, doing,
		store_may_recover(err) ? "; the agent waits for that, what is pinned goes on" : "");
}

static int open_and_read(struct store *s)
{
	int err;

	database_close(s->db);
	err = database_open(&s->db, s->directory);
	if (err)
		return failed_to_start(s, err, "open");
	err = database_read_run(s->db, &s->run);
	return err ? failed_to_start(s, err, "read") : 0;
}

/* The clock helps a node that lost its store to be believed again; never backwards, though. */
int store_start_run(struct store *s, struct database_run *ret)
{
	uint32_t now = (uint32_t)time(NULL);
	int err = open_and_read(s);

	if (err)
		return err;
	s->run.epoch = s->run.epoch + 1 > now ? s->run.epoch + 1 : now;
	s->run.restart_counter++;
	err = database_put_run(s->db, &s->run);
	if (!err)
		err = database_commit(s->db);
	database_rollback(s->db);
	if (err && s->on_failure == DOMAIN_STORE_REFUSE)
		return failed_to_start(s, err, "write");
	if (err) {
		take_from_clock(&s->run);
		(void)failed_to_write(s, err);
	} else {
		worked(s);
	}
	s->run_pending = err;
	*ret = s->run;
	return 0;
}

int store_restore(struct store *s, void (*each)(void *arg, const struct record *r), void *arg)
{
	int err = database_read_records(s->db, each, arg);

	return err ? failed(s, err, "read", "") : 0;
}

struct store_state store_state(const struct store *s)
{
	return (struct store_state){
		.error = s->error,
		.words = s->words,
		.pending = (uint32_t)s->pending.count,
		.commits = s->commits + database_commits(s->db),
		.records = s->records,
	};
}
