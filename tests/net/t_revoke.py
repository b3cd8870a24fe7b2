# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Binding revocation (RFC 5846): to the previous MAG, by the operator, and from H-LMA to V-LMA."""

import pcap
from figure5 import (attach, binding, counter, delivered_by, location, mn_id, node_at, ping,
                     signalling)
from lab import test

BRI, MH_BRI, MH_BRA = 16, 1, 2
ADMINISTRATIVE, HANDOVER_UNKNOWN = 1, 4
ROUTER_ADVERTISEMENT = 134


def revocations(packets, src, dst, kind):
    """Triggers or statuses of the BRI or BRA from one node to another."""
    return [p.transport[7] for p in signalling(packets, BRI, src, dst) if p.transport[6] == kind]


@test(rows=["H4"])
def the_previous_mag_is_told(lab):
    """A move that the old MAG does not notice: its LMA revokes the binding there."""
    lab.start_dlma()
    attach(lab, "mag-1a")
    capture = lab.capture()
    attach(lab, "mag-1b")
    lab.wait(lambda: not delivered_by(lab, "mag-1a"), 10, "the old MAG gave the MN up")
    packets = pcap.packets(capture.stop())
    lma, mag = lab.address("v-lma-1"), lab.address("mag-1a")
    assert revocations(packets, lma, mag, MH_BRI) == [HANDOVER_UNKNOWN]
    assert revocations(packets, mag, lma, MH_BRA) == [0]


def revoke_at(lab, node, others):
    """The operator revokes at a node; checks that the service ends, and stays ended."""
    hoa = attach(lab, "mag-1a")
    assert ping(lab, "cn", hoa, 3)
    capture = lab.capture()
    lab.ctl(node, "revoke", mn_id("mn"))
    lab.wait(lambda: not delivered_by(lab, "mag-1a"), 5, "the MAG gave the MN up")
    lab.wait(lambda: binding(lab, "v-lma-1", hoa) is None, 5, "the binding is gone")
    lab.wait(lambda: not (location(lab, hoa) or {}).get("d_lma"), 5, "anchored nowhere")
    assert ping(lab, "cn", hoa, 1, 1) == []
    lab.move("mn", "mag-1a")  # it announces itself anew, in vain
    assert ping(lab, "cn", hoa, 1, 1) == []
    assert not delivered_by(lab, "mag-1a")
    packets = pcap.packets(capture.stop())
    for src, dst in others:
        assert revocations(packets, lab.address(src), lab.address(dst), MH_BRI) == \
            [ADMINISTRATIVE], (src, dst)
        assert revocations(packets, lab.address(dst), lab.address(src), MH_BRA) == [0], (src, dst)
    withdrawn = [p for p in packets if p.proto == pcap.ICMPV6 and
                 p.kind == ROUTER_ADVERTISEMENT and node_at(p.interface) == "mag-1a" and
                 p.transport[6:8] == b"\0\0"]
    assert withdrawn, "the MN hears that its router is none any more"
    assert counter(lab, "h-lma", "unbound") >= 1


@test(rows=["H4"], limit_s=60)
def the_operator_revokes_at_the_d_lma(lab):
    """dlmactl revoke at the LMA where the MN is anchored."""
    lab.start_dlma()
    revoke_at(lab, "v-lma-1", [("v-lma-1", "mag-1a")])


@test(rows=["H4"], limit_s=60)
def the_operator_revokes_at_the_h_lma(lab):
    """dlmactl revoke at the H-LMA, which tells the V-LMA, which tells the MAG."""
    lab.start_dlma()
    revoke_at(lab, "h-lma", [("h-lma", "v-lma-1"), ("v-lma-1", "mag-1a")])
    status = lab.ctl("mag-1a", "revoke", mn_id("mn"), check=False)
    assert status.returncode == 1 and "not an LMA" in status.stdout + status.stderr
