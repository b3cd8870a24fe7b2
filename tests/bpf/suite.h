/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the test programs share in the face of Criterion. */
#pragma once

#include "fixture.h"

/* A rig, or the test is skipped for what is missing here, or fails. */
struct rig *suite_open(enum hook hook);

/*
 * `told` is what was wrong, or NULL. A fixture that shows a known fault must go wrong, or else its
 * mark is out of date.
 */
void suite_judge(enum hook hook, enum suite_way way, const struct fixture *f, const char *told);

/* Likewise for a known fault that no fixture shows. */
void suite_known(enum hook hook, bool wrong, const char *fault);
