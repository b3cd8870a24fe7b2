# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The test laboratory: the domain of the draft's Figure 5 in network namespaces.

    with Lab(hook="tc") as lab:
        lab.start_dlma()
        lab.move("mn", "mag-1a")
        capture = lab.capture()
        flow = lab.stream("cn", "mn", "2001:db8:100::1", rate=1000, size=200)
        lab.move("mn", "mag-1b", gap_ms=20)
        print(flow.stop().lost, len(capture.stop()))
"""

from .case import Skip, all_cases, test, thrifty
from .core import Lab, LabError
from .netns import sweep

__all__ = ["Lab", "LabError", "Skip", "all_cases", "sweep", "test", "thrifty"]
