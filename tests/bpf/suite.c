// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "suite.h"
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <errno.h>
#include <stdio.h>

struct rig *suite_open(enum hook hook)
{
	const char *missing;
	struct rig *r = rig_open(hook, &missing);

	if (!r && missing)
		cr_skip_test("this needs %s", missing);
	cr_assert_not_null(
		r, "the object for %s does not load: %s", hook_names[hook], strerror(errno));
	return r;
}

void suite_judge(enum hook hook, const struct fixture *f, const char *told)
{
	if (told)
		cr_expect_fail("%s: %s: %s", hook_names[hook], f->name, told);
	else
		cr_log_info("%s: %s: as expected (%s)", hook_names[hook], f->name,
			f->rows ? f->rows : "-");
}
