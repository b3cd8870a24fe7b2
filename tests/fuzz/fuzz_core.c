// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whole steps of the core: the octets of an input choose what happens to one node of a small
 * domain, be it LMA, MAG and owner, an LMA of another site, or a MAG (core_run.h). At the end
 * nothing happens any more but that time passes: then everything that ends by itself must end.
 *
 * DLMA_FUZZ_TRACE=1 tells the story of an input.
 */
#include "core_run.h"
#include "fuzz.h"

enum { EVENTS_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = {data, size};

	run_begin(&r);
	for (int i = 0; r.left && i < EVENTS_MAX; i++)
		run_act(&r);
	run_settle();
	run_end();
	return 0;
}
