// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A disk that refuses. The n-th call fails, and some after it, for every n: nothing that was
 * acknowledged is lost, whatever a power cut leaves then; and when the disk works again, so does
 * the H-LMA, with the last word of each V-LMA.
 *
 * DLMA_FAULT_STRIDE=1: every n; DLMA_FAULT_SEED=N.
 */
#include "crash.h"
#include "figures.h"
#include "scratch.h"
#include "traffic.h"
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdlib.h>

enum { MOBILES = 24, STRIDE = 5, TURNS = 24, RESTART_AT = 12, CUT_EACH = 11, FOR_EVER = 1 << 20 };

static struct promises promises, discarded;
static struct traffic traffic;
static uint64_t runs, states, lost, stuck;
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

TestSuite(faults, .init = setup, .fini = teardown);

static unsigned int number_of(const char *variable, unsigned int otherwise)
{
	const char *text = getenv(variable);

	return text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

/* The operator sees to the disk. */
static void repair(void)
{
	disk_refuse(0, 0, 0);
}

/* Returns what the beginning or the restart says; the owner does not run if that is an error. */
static int work(bool *ret_begun)
{
	int err = traffic_begin(&traffic, directory, MOBILES, &promises);

	*ret_begun = !err;
	for (int i = 0; !err && i < TURNS; i++) {
		if (i == RESTART_AT)
			err = traffic_restart(&traffic, true);
		if (err)
			break;
		traffic_turn(&traffic);
		owner_pass(&traffic.owner, 300);
	}
	return err;
}

/* The store said that it cannot be used; once it can, it is all there. */
static void work_again(bool begun)
{
	if (begun)
		cr_assert_eq(owner_start(&traffic.owner, directory, DOMAIN_STORE_REFUSE, 9000,
				     &promises),
			0);
	else
		cr_assert_eq(traffic_begin(&traffic, directory, MOBILES, &promises), 0);
}

static void recover(uint64_t from)
{
	const char *wrong;

	owner_pass(&traffic.owner, 2000);
	traffic_repeat(&traffic);
	cr_assert_eq(traffic_restart(&traffic, false), 0);
	wrong = traffic_check_last(&traffic, &traffic.owner);
	stuck += wrong != NULL;
	cr_expect_null(wrong, "refused from call %lu: %s", from, wrong);
	owner_stop(&traffic.owner, false);
}

static void try_state(const struct disk_image images[DISK_FILES], size_t op, uint64_t from)
{
	static struct owner o;
	const char *wrong;

	disk_mount(images);
	discarded.count = discarded.run_count = 0;
	cr_assert_eq(owner_start(&o, directory, DOMAIN_STORE_REFUSE, 5000, &discarded), 0,
		"refused from call %lu, power cut at op %zu: the store does not open", from, op);
	wrong = traffic_check(&traffic, &o, op);
	lost += wrong != NULL;
	cr_expect_null(wrong, "refused from call %lu, power cut at op %zu: %s", from, op, wrong);
	owner_stop(&o, true);
	states++;
}

static void cut(uint64_t from)
{
	static struct disk_image images[DISK_FILES];
	struct disk_op *ops;
	struct crash c;
	size_t count;

	disk_journal(false);
	ops = disk_take_ops(&count);
	crash_begin(&c, ops, count, NULL);
	while (crash_advance(&c))
		for (unsigned int v = 0; c.next % CUT_EACH == runs % CUT_EACH && v < 4; v++)
			if (crash_image(&c, v, 2, images))
				try_state(images, c.next, from);
	crash_end(&c);
	disk_ops_free(ops, count);
}

/* Returns how many calls it took. */
static uint64_t run(uint64_t from, uint64_t length, int code)
{
	static const struct disk_image empty[DISK_FILES];
	uint64_t before = disk_call_count(), took;
	bool begun;
	int err;

	srand(number_of("DLMA_FAULT_SEED", 1));
	promises.count = promises.run_count = 0;
	disk_mount(empty);
	disk_journal(true);
	disk_refuse(before + from, before + from + length, code);
	err = work(&begun);
	took = disk_call_count() - before;
	repair();
	if (err)
		work_again(begun);
	recover(from);
	cut(from);
	free(traffic.claimed);
	traffic.claimed = NULL;
	runs++;
	return took;
}

static void tell(void)
{
	FILE *f = figures_open("disk");

	cr_assert_not_null(f);
	printf("%lu power cuts on failing disks\n", states);
	figures_add(f, "disk-calls-that-fail", "all survived", !stuck, "%lu of %lu", runs - stuck,
		runs);
	figures_add(f, "acknowledged-bindings-lost-by-failing-disk", "0", !lost, "%lu", lost);
	figures_close(f);
}

Test(faults, the_nth_call_fails, .timeout = 900)
{
	static const struct {
		uint64_t length;
		int code; /* of a write; 0: that of the call */
	} kinds[] = {{1, 0}, {1, SQLITE_FULL}, {9, 0}, {40, SQLITE_FULL}, {FOR_EVER, SQLITE_FULL}};
	unsigned int stride = number_of("DLMA_FAULT_STRIDE", STRIDE);
	uint64_t calls = run(FOR_EVER, 0, 0);

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (uint64_t from = k % stride; from < calls; from += stride)
			(void)run(from, kinds[k].length, kinds[k].code);
	tell();
}
