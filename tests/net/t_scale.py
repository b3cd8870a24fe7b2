# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How signalling grows (draft 6.3, row D4): with the MNs, not with MNs times LMAs."""

import subprocess

import pcap
from figure5 import attach, binding, delivered_by, learnt, ping, signalling
from lab import test

MOVES = 60
HEARTBEAT = 13  # MH type; these are there without any move


def messages(packets, address=None):
    """Signalling, of everybody or of one."""
    return [p for p in signalling(packets) if p.kind != HEARTBEAT and
            address in (None, p.inner.src, p.inner.dst)]


def all_is_said(lab):
    """Waits until nobody has said anything for a while."""
    seen = [None]

    def calm():
        now = [row for node in lab.agents for row in lab.ctl_json(node, "counters")["messages"]
               if row["type"] != HEARTBEAT]
        same, seen[0] = now == seen[0], now
        return same
    lab.wait(calm, 15, "calm", interval_s=1)


def simulated(lab, lmas, mns):
    """Messages per registration, per move, and per new flow, in a domain of that size."""
    out = subprocess.run([lab.build / "scale", "draft", str(lmas), str(mns), str(MOVES)],
                         check=True, capture_output=True, text=True).stdout.split()
    return out[2], out[3], out[5]


@test(rows=["D4"], lab={"mobiles": 2})
def who_has_no_part_in_a_move_hears_nothing(lab):
    """A move is told to those whose packets it concerns, and each MN costs the same as the other."""
    lab.start_dlma()
    hoa, other = attach(lab, "mag-1a"), attach(lab, "mag-1a", "mn-2")
    assert ping(lab, "cn", hoa, 2) and learnt(lab, "v-lma-2", hoa)
    lab.wait(lambda: binding(lab, "v-lma-1", other), 5, "both are bound")
    all_is_said(lab)
    costs = []
    for mobile, address in (("mn", hoa), ("mn-2", other)):
        capture = lab.capture()
        lab.move(mobile, "mag-1b")
        lab.wait(lambda a=address: binding(lab, "v-lma-1", a)["mag"] == "mag-1b", 5, "moved")
        all_is_said(lab)
        packets = pcap.packets(capture.stop())
        for stranger in ("v-lma-2", "mag-2"):
            heard = messages(packets, lab.address(stranger))
            assert heard == [], f"{stranger} is told of {mobile}"
        costs.append(len(messages(packets)))
    assert costs[0] == costs[1] > 0, costs
    assert delivered_by(lab, "mag-1b")
    small, large = simulated(lab, 10, 100), simulated(lab, 100, 1000)
    assert small == large, f"a domain ten times as large: {large}, not {small}"
