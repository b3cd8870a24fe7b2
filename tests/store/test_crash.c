// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Power cuts. The production core, store and outbox answer claims on a disk of disk.h; then every
 * state that a power cut could have left of it is started again, and must keep every promise.
 *
 * DLMA_CRASH_TURNS=N: how long it is that the disk is written to; DLMA_CRASH_SEED=N: another one.
 */
#include "crash.h"
#include "figures.h"
#include "scratch.h"
#include "traffic.h"
#include <criterion/criterion.h>
#include <stdlib.h>

enum {
	TURNS = 600,
	RANDOMS = 6,
	NESTED_EACH = 53,
	STATES_MIN = 10000,
	WRONG_MAX = 20,
	SEEN_SLOTS = 1 << 20
};

static struct promises promises, discarded;
static struct traffic traffic;
static uint64_t seen[SEEN_SLOTS];
static uint64_t states, nested, lost;
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

TestSuite(crash, .init = setup, .fini = teardown);

static unsigned int number_of(const char *variable, unsigned int otherwise)
{
	const char *text = getenv(variable);

	return text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

static size_t promised_before(const struct promises *p, size_t op)
{
	size_t count = 0;

	while (count < p->count && p->list[count].op <= op)
		count++;
	return count;
}

/* The same state is tried again only if more was promised meanwhile. */
static bool is_new(const struct disk_image images[DISK_FILES], const struct promises *p, size_t op)
{
	uint64_t h = (crash_hash(images) + promised_before(p, op) * 0x9e3779b97f4a7c15ULL) | 1;

	for (size_t i = h % SEEN_SLOTS;; i = (i + 1) % SEEN_SLOTS) {
		if (seen[i] == h)
			return false;
		if (seen[i])
			continue;
		seen[i] = h;
		return true;
	}
}

static void expect(const char *wrong, size_t op, size_t inner_op)
{
	lost += wrong != NULL;
	cr_expect_null(wrong, "op %zu (%zu): %s", op, inner_op, wrong);
	cr_assert_lt(lost, WRONG_MAX, "and so on");
}

/* Starts what a power cut left; the owner must be stopped afterwards. */
static void start(struct owner *o, struct promises *log, size_t op, size_t inner_op)
{
	log->count = log->run_count = 0;
	cr_assert_eq(owner_start(o, directory, DOMAIN_STORE_REFUSE, 5000, log), 0,
		"op %zu (%zu): the store does not open", op, inner_op);
	expect(traffic_check(&traffic, o, op), op, inner_op);
	states++;
}

static void try_state(const struct disk_image images[DISK_FILES], size_t op)
{
	static struct owner o;

	disk_mount(images);
	disk_journal(false);
	start(&o, &discarded, op, 0);
	expect(traffic_check_claimed(&traffic, &o), op, 0);
	owner_stop(&o, true);
}

static void move_some(struct traffic *t)
{
	for (int turn = 0; turn < 3; turn++) {
		for (int mn = turn; mn < OWNER_MOBILES; mn += 3)
			if (owner_record(&t->owner, mn))
				traffic_move(t, mn);
		owner_turn(&t->owner);
	}
}

/* A power cut during what comes after a power cut: the recovery, and new claims. */
static void try_nested(const struct disk_image images[DISK_FILES], size_t op)
{
	static struct disk_image inner_images[DISK_FILES];
	static struct promises inner_promises;
	static struct traffic inner;
	static struct owner o;
	struct disk_op *ops;
	struct crash c;
	size_t count;

	inner = (struct traffic){.promises = &inner_promises, .clock = traffic.clock};
	disk_mount(images);
	disk_journal(true);
	start(&inner.owner, &inner_promises, op, 0);
	move_some(&inner);
	owner_stop(&inner.owner, true);
	disk_journal(false);
	ops = disk_take_ops(&count);
	crash_begin(&c, ops, count, images);
	while (crash_advance(&c))
		for (unsigned int v = 0; crash_image(&c, v, 0, inner_images); v++) {
			if (!is_new(inner_images, &inner_promises, c.next))
				continue;
			disk_mount(inner_images);
			start(&o, &discarded, op, c.next);
			expect(traffic_check(&inner, &o, c.next), op, c.next);
			owner_stop(&o, true);
			nested++;
		}
	crash_end(&c);
	disk_ops_free(ops, count);
	free(inner.claimed);
}

static void write_some(unsigned int turns)
{
	cr_assert_eq(traffic_begin(&traffic, directory, OWNER_MOBILES, &promises), 0);
	for (unsigned int i = 0; i < turns; i++) {
		traffic_turn(&traffic);
		if (rand() % 16 == 0)
			owner_pass(&traffic.owner, 1000);
		if (rand() % 40 == 0)
			cr_assert_eq(traffic_restart(&traffic, rand() % 3), 0);
	}
}

/* Every state of the journal; a power cut has come at each of its ops. */
static void cut_everywhere(const struct disk_op *ops, size_t count)
{
	static struct disk_image images[DISK_FILES];
	unsigned int number = 0;
	struct crash c;

	crash_begin(&c, ops, count, NULL);
	while (crash_advance(&c))
		for (unsigned int v = 0; crash_image(&c, v, RANDOMS, images); v++) {
			if (!is_new(images, &promises, c.next))
				continue;
			try_state(images, c.next);
			if (++number % NESTED_EACH == 0)
				try_nested(images, c.next);
		}
	crash_end(&c);
}

static void tell(size_t ops)
{
	FILE *f = figures_open("crash");

	cr_assert_not_null(f);
	printf("%zu operations on the disk, %zu promises, %lu states of a second power cut\n", ops,
		promises.count, nested);
	figures_add(f, "crash-states-replayed", ">= 10000", states >= STATES_MIN, "%lu", states);
	figures_add(f, "acknowledged-bindings-lost", "0", !lost, "%lu", lost);
	figures_close(f);
}

Test(crash, every_state_keeps_every_promise, .timeout = 900)
{
	struct disk_op *ops;
	size_t count;

	srand(number_of("DLMA_CRASH_SEED", 1));
	disk_journal(true);
	write_some(number_of("DLMA_CRASH_TURNS", TURNS));
	owner_stop(&traffic.owner, false);
	ops = disk_take_ops(&count);
	cr_assert_gt(promises.count, promises.run_count + TURNS / 2, "nothing is acknowledged");
	cut_everywhere(ops, count);
	tell(count);
	cr_assert_geq(states, STATES_MIN);
	disk_ops_free(ops, count);
	free(traffic.claimed);
}
