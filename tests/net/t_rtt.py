# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Round-trip times close to those of the direct route (draft 6.1)."""

import rtt
from lab import test

PLACES = ("Tokyo", "Frankfurt", "London")
SLACK_MS = 30  # for a busy machine; the detour by way of the home network is 214 ms longer


def check(hook):
    """The first packet takes the detour, and no later one, whatever is bypassed."""
    home, mn_site, cn_site = PLACES
    detour = rtt.distance(home, cn_site) / 2 + rtt.distance(home, mn_site) / 2
    times = rtt.measure(hook, PLACES)
    print(times)
    assert times.first > detour, times
    for later in (times.later, times.past_d_lma, times.past_both):
        assert later < times.direct + SLACK_MS, times


@test(rows=["D1"], hooks=("xdp",), lab=None)
def later_packets_take_the_direct_route_by_xdp():
    """Three laboratories, one after the other: nothing, the D-LMA, both LMAs bypassed."""
    check("xdp")


@test(rows=["D1"], hooks=("tc",), lab=None)
def later_packets_take_the_direct_route_by_tc():
    """The same under TC."""
    check("tc")
