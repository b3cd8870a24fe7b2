# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A mobile node that changes its MAG during a stream: the move, and what became of the packets."""

import time

import pcap
from figure5 import PBA, mn_id
from lab import topology
from lab.core import Move

ROUTER_ADVERTISEMENT = 134


def hand_over(lab, old, new, gap_ms=0):
    """As a real access network does it: the old MAG hears that the MN left its link, the MN is
    nowhere for a while, and announces itself on the link of the new one."""
    left = lab.move("mn", None)
    lab.ctl(old, "detach", mn_id("mn"))
    time.sleep(gap_ms / 1000)
    return Move(left.left_ns, lab.move("mn", new).joined_ns)


def accepted_at(lab, packets, mag, after_ns):
    """When the move was accepted: the PBA of status 0 on its way to the MAG. A node that is LMA
    and MAG answers itself; then it is the router advertisement that follows at once."""
    for p in packets:
        if p.time > after_ns and p.kind == PBA and p.proto == pcap.MH and not p.out and \
                p.inner.dst == lab.address(mag) and p.transport[6] == 0 and is_anchor(p, mag):
            return p.time
        if mag == "h-lma" and p.time > after_ns and p.interface == "h-lma.acc0" and \
                p.proto == pcap.ICMPV6 and p.kind == ROUTER_ADVERTISEMENT:
            return p.time
    raise AssertionError(f"no sign that {mag} was accepted")


def is_anchor(p, mag):
    """Whether a PBA comes from the LMA of the MAG's own site."""
    site = next(n.site for n in topology.NODES if n.name == mag)
    return p.inner.src == site.prefix + "1" != p.inner.dst


def lost_after(packets, missing, accepted_ns):
    """Which of the missing packets the CN sent after the new anchor had accepted."""
    sent = {p.sequence: p.time for p in packets
            if p.sequence is not None and p.interface == "cn.net0"}
    return [s for s in missing if sent.get(s, 0) > accepted_ns]


def died_at(lab, journey, mag):
    """Whether a packet was last seen on the link of a MAG, or in the tunnel to it."""
    last = journey[-1]
    return last.interface == f"{mag}.acc0" or (last.tunnelled and
                                               last.outer.dst == lab.address(mag))
