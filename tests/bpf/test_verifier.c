// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the programs cost the verifier: a limit far below the kernel's million, on every kernel. */
#include "harness.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { INSTRUCTIONS_MAX = 100000, LOG_SIZE = 1 << 16 };

/* "processed 1234 insns (limit 1000000) ..." */
static long processed(const char *log)
{
	static const char before[] = "processed ";
	const char *at = strstr(log, before);

	return at ? strtol(at + sizeof(before) - 1, NULL, 10) : -1;
}

static void check(enum hook hook, enum side side)
{
	static char log[LOG_SIZE];
	int err = rig_verify(hook, log, sizeof(log), side);
	long count = processed(log);

	if (err == -EPERM)
		cr_skip_test("this needs the right to load BPF programs (run as root)");
	cr_assert_eq(err, 0, "%s %s does not load: %s\n%s", hook_names[hook], program_names[side],
		strerror(-err), log);
	cr_assert_geq(count, 1, "the verifier does not say how much it did: %s", log);
	fprintf(stderr, "%s %s: %ld instructions processed\n", hook_names[hook],
		program_names[side], count);
	cr_expect_leq(count, INSTRUCTIONS_MAX, "%s %s: %ld", hook_names[hook], program_names[side],
		count);
}

Test(verifier, xdp)
{
	check(HOOK_XDP, SIDE_NETWORK);
	check(HOOK_XDP, SIDE_ACCESS);
}

Test(verifier, tc)
{
	check(HOOK_TC, SIDE_NETWORK);
	check(HOOK_TC, SIDE_ACCESS);
}
