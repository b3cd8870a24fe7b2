/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the control socket need of the rest of the agent, out of core_run.h. */
#pragma once

#include "io/agent.h"
