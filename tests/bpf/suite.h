/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the test programs share in the face of Criterion. */
#pragma once

#include "fixture.h"

/* A rig, or the test is skipped for what is missing here, or fails. */
struct rig *suite_open(enum hook hook);

/* `told` is what was wrong with a fixture, or NULL. */
void suite_judge(enum hook hook, const struct fixture *f, const char *told);
