// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The file itself: damage is found, older layouts are brought up to date, newer ones refused. */
#include "crash.h"
#include "figures.h"
#include "scratch.h"
#include "traffic.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

enum { FLIP_EACH = 7, TURNS = 200, OLD_RECORDS = 20 };

static struct promises promises, discarded;
static struct traffic traffic;
static struct owner owner;
static char *directory;

static void setup(void)
{
	disk_install();
	directory = scratch_make();
}

static void teardown(void)
{
	scratch_remove(directory);
}

TestSuite(file, .init = setup, .fini = teardown);

static int start(void)
{
	discarded.count = discarded.run_count = 0;
	return owner_start(&owner, directory, DOMAIN_STORE_REFUSE, 5000, &discarded);
}

/* In the header there are a version for which the file is read-only, and that of our layout. */
static int expected_error(size_t at)
{
	return at == 18 ? -EROFS : at >= 60 && at < 64 ? -EPROTO : -EBADMSG;
}

/* 1: refused, 0: used, and nothing is missing. */
static int try_flipped(const struct disk_image images[DISK_FILES], size_t at)
{
	const char *wrong;
	int err;

	disk_mount(images);
	err = start();
	if (err) {
		cr_assert(err == -EBADMSG || err == expected_error(at), "octet %zu: error %d", at,
			err);
		return 1;
	}
	wrong = traffic_check(&traffic, &owner, SIZE_MAX);
	if (!wrong)
		wrong = traffic_check_claimed(&traffic, &owner);
	cr_assert_null(wrong, "octet %zu: %s", at, wrong);
	owner_stop(&owner, true);
	return 0;
}

Test(file, damage_is_found, .timeout = 300)
{
	struct disk_image images[DISK_FILES] = {{0}};
	unsigned int flips = 0, refused = 0;
	FILE *f;

	srand(5);
	cr_assert_eq(traffic_begin(&traffic, directory, OWNER_MOBILES, &promises), 0);
	for (int i = 0; i < TURNS; i++)
		traffic_turn(&traffic);
	owner_stop(&traffic.owner, false);
	for (int i = 0; i < DISK_FILES; i++)
		image_copy(&images[i], &disk_images()[i]);
	cr_assert_not(images[DISK_WAL].exists);
	for (size_t at = 0; at < images[DISK_DB].size; at += 1 + (size_t)rand() % FLIP_EACH) {
		uint8_t bit = (uint8_t)(1 << rand() % 8);

		images[DISK_DB].bytes[at] ^= bit;
		refused += (unsigned int)try_flipped(images, at);
		images[DISK_DB].bytes[at] ^= bit;
		flips++;
	}
	f = figures_open("damage");
	cr_assert_not_null(f);
	figures_add(f, "store-bits-flipped", "damage refused, else harmless", refused > flips / 4,
		"%u, of these %u refused", flips, refused);
	figures_close(f);
	free(traffic.claimed);
	for (int i = 0; i < DISK_FILES; i++)
		image_free(&images[i]);
}

static void make_old_file(int64_t layout)
{
	char text[512];
	sqlite3 *db;

	snprintf(text, sizeof(text), "%s/agent.db", directory);
	cr_assert_eq(sqlite3_open(text, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db,
			     "PRAGMA journal_mode = WAL;"
			     "CREATE TABLE run (one INTEGER PRIMARY KEY CHECK (one = 1),"
			     "	epoch INTEGER NOT NULL, restart_counter INTEGER NOT NULL);"
			     "INSERT INTO run VALUES (1, 4000000000, 77);"
			     "CREATE TABLE record (hnp BLOB NOT NULL, len INTEGER NOT NULL,"
			     "	mn TEXT NOT NULL, ll BLOB NOT NULL, dlma BLOB NOT NULL,"
			     "	previous BLOB NOT NULL, stamp INTEGER NOT NULL,"
			     "	lifetime_ms INTEGER NOT NULL, att INTEGER NOT NULL,"
			     "	PRIMARY KEY (hnp, len));",
			     NULL, NULL, NULL),
		SQLITE_OK);
	for (int i = 0; i < OLD_RECORDS; i++) {
		snprintf(text, sizeof(text),
			"INSERT INTO record VALUES (x'20010db8010000%02x0000000000000000', 64,"
			" 'mn%d@x', x'0200000000%02x', x'20010db80b0%d00000000000000000001',"
			" x'00000000000000000000000000000000', %d, 600000, 3)",
			0xe1 + i, i, i, 1 + i % 3, 1000 + i);
		cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	}
	snprintf(text, sizeof(text), "PRAGMA user_version = %ld", layout);
	cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void expect_old_records(void)
{
	cr_assert_eq(owner.restored_count, OLD_RECORDS);
	cr_assert_gt(owner.run.epoch, 4000000000U);
	cr_assert_gt(owner.run.restart_counter, 77);
	for (int mn = 0; mn < OLD_RECORDS; mn++) {
		const struct record *r = owner_record(&owner, mn);

		cr_assert_not_null(r);
		cr_assert_eq(r->hnp.addr.b[7], 0xe1 + mn);
		cr_assert_eq(r->stamp, 1000U + (unsigned int)mn);
		cr_assert_eq(r->dlma.b[5], 1 + mn % 3);
		cr_assert(addr_is_zero(&r->mag));
	}
}

/* Whatever moment of the change the power fails in. */
Test(file, an_older_layout_is_brought_up_to_date, .timeout = 60)
{
	struct disk_image before[DISK_FILES] = {{0}}, images[DISK_FILES] = {{0}};
	struct disk_op *ops;
	struct crash c;
	size_t count;

	make_old_file(0);
	for (int i = 0; i < DISK_FILES; i++)
		image_copy(&before[i], &disk_images()[i]);
	disk_journal(true);
	cr_assert_eq(start(), 0);
	expect_old_records();
	owner_stop(&owner, false);
	disk_journal(false);
	cr_assert_eq(start(), 0);
	expect_old_records();
	owner_stop(&owner, false);
	ops = disk_take_ops(&count);
	crash_begin(&c, ops, count, before);
	while (crash_advance(&c))
		for (unsigned int v = 0; crash_image(&c, v, 4, images); v++) {
			disk_mount(images);
			cr_assert_eq(start(), 0, "op %zu", c.next);
			expect_old_records();
			owner_stop(&owner, true);
		}
	crash_end(&c);
	disk_ops_free(ops, count);
}

Test(file, a_newer_layout_is_refused)
{
	make_old_file(2);
	cr_assert_eq(start(), -EPROTO);
}

/* A refresh finds its record as it is: no disk is needed for that. */
Test(file, what_is_there_is_not_written_again)
{
	uint64_t writes, syncs;

	srand(3);
	cr_assert_eq(traffic_begin(&traffic, directory, 20, &promises), 0);
	for (int mn = 0; mn < 20; mn++)
		traffic_move(&traffic, mn);
	owner_turn(&traffic.owner);
	writes = disk_calls(DISK_CALL_WRITE);
	syncs = disk_calls(DISK_CALL_SYNC);
	promises.count = 0;
	traffic_repeat(&traffic);
	cr_assert_eq(promises.count, 20, "all are acknowledged");
	cr_assert_eq(disk_calls(DISK_CALL_WRITE), writes);
	cr_assert_eq(disk_calls(DISK_CALL_SYNC), syncs);
	disk_refuse(0, UINT64_MAX, SQLITE_FULL);
	traffic_repeat(&traffic);
	cr_assert_eq(promises.count, 40, "and so they are while the disk is full");
	traffic_end(&traffic, true);
}

/* One fsync serves all that a turn has brought, also when that is more than the outbox holds. */
Test(file, one_sync_serves_many)
{
	enum { CLAIMS = 3000 };
	uint64_t syncs;
	FILE *f;

	srand(4);
	cr_assert_eq(traffic_begin(&traffic, directory, 20, &promises), 0);
	for (int i = 0; i < 20; i++)
		traffic_move(&traffic, i);
	owner_turn(&traffic.owner);
	syncs = disk_calls(DISK_CALL_SYNC);
	promises.count = 0;
	for (int i = 0; i < CLAIMS; i++)
		traffic_move(&traffic, i % 20);
	owner_turn(&traffic.owner);
	syncs = disk_calls(DISK_CALL_SYNC) - syncs;
	f = figures_open("commit");
	cr_assert_not_null(f);
	figures_add(f, "claims-for-one-fsync", ">= 100", syncs && CLAIMS / syncs >= 100,
		"%lu claims, %lu fsyncs", (unsigned long)CLAIMS, syncs);
	figures_close(f);
	cr_assert_geq(syncs, 1);
	cr_assert_leq(syncs, CLAIMS / 100);
	cr_assert_gt(promises.count, 20);
	traffic_end(&traffic, true);
}
