# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long things may take: on a slow machine, such as an emulated one, everything takes longer.

DLMA_TIME_SCALE=4 makes all deadlines four times as long, and what a test expects of the speed of
the machine as lax. It changes none of the times that the product itself keeps.
"""

import os

SCALE = float(os.environ.get("DLMA_TIME_SCALE", "1"))


def scaled(seconds):
    """A deadline on this machine; `seconds` is what it is on an ordinary one."""
    return seconds * SCALE
