/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tap of the waiting room (include/dlma/abi.h): made by the loader, read by the agent. */
#pragma once

/*
 * Opens the tap of this network namespace, making it if it is not there. `flags` are added to
 * those of open(). Returns a descriptor that the caller closes, or negative errno: -ENOENT without
 * /dev/net/tun, -EBUSY if somebody else has it open.
 */
int tap_open(int flags);
