/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happens in an input of the fuzz target "core", in words, if DLMA_FUZZ_TRACE is set. */
#pragma once

#include "core_domain.h"

void trace_event(const struct core *c, const struct moment *now, const struct event *e);
void trace_effect(const struct core *c, const struct effect *e);
