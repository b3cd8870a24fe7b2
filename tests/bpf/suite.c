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

static bool is_known(enum hook hook, enum suite_way way, const struct fixture *f)
{
	const struct fixture_fault *fault = &f->unlike;

	return fault->text && (!fault->hooks || fault->hooks & 1u << hook) &&
	       (!fault->ways || fault->ways & way);
}

void suite_judge(enum hook hook, enum suite_way way, const struct fixture *f, const char *told)
{
	bool known = is_known(hook, way, f);

	if (known && told)
		fprintf(stderr, "%s: %s: KNOWN FAULT: %s (%s)\n", hook_names[hook], f->name,
			f->unlike.text, told);
	else if (known)
		cr_expect_fail("%s: %s: is right now; remove its mark `unlike`", hook_names[hook],
			f->name);
	else if (told)
		cr_expect_fail("%s: %s: %s", hook_names[hook], f->name, told);
	else
		cr_log_info("%s: %s: as expected (%s)", hook_names[hook], f->name,
			f->rows ? f->rows : "-");
}

void suite_known(enum hook hook, bool wrong, const char *fault)
{
	if (wrong)
		fprintf(stderr, "%s: KNOWN FAULT: %s\n", hook_names[hook], fault);
	else
		cr_expect_fail(
			"%s: right now; make this an ordinary check: %s", hook_names[hook], fault);
}
