# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Movement (draft 4.3, 5.1.2, 5.1.3): what is told to whom, and what the packets meet."""

import time

import pcap
from figure5 import (ALTERNATE_COA, PBA, PBU, address_of, attach, binding, counter, counters_close,
                     delivered_by, learnt, location, option_address, ping, signalling, tunnels)
from handover import accepted_at, died_at, hand_over, lost_after
from lab import test

LMAS = ("h-lma", "v-lma-1", "v-lma-2")


def move_with_stream(lab, hoa, old, new, gap_ms=0, rate=1000, announced=True):
    """Moves the MN in the middle of a stream from the CN. Returns (move, packets, result)."""
    capture = lab.capture()
    flow = lab.stream("cn", "mn", hoa, rate=rate, size=200)
    lab.wait(lambda: flow.received() > rate // 4, 10, "the stream flows")
    move = hand_over(lab, old, new, gap_ms) if announced else lab.move("mn", new, gap_ms=gap_ms)
    lab.wait(lambda: delivered_by(lab, new), 10, f"registered at {new}")
    count = flow.received()
    lab.wait(lambda: flow.received() > count + rate, 10, "the stream goes on")
    result = flow.stop()
    return move, pcap.packets(capture.stop()), result


@test(rows=["C3"])
def mag_changes_under_one_lma(lab):
    """MAG-1a to MAG-1b: nothing lost once accepted, and nobody tells the O-LMA anything."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    move, packets, result = move_with_stream(lab, hoa, "mag-1a", "mag-1b")
    accepted = accepted_at(lab, packets, "mag-1b", move.left_ns)
    assert lost_after(packets, result.missing(), accepted) == []
    assert result.duplicates == 0
    to_o_lma = [p for p in signalling(packets, dst=lab.address("v-lma-2"))
                if p.time > move.left_ns and p.kind in (PBU, PBA)]
    news = [p for p in to_o_lma if option_address(p, ALTERNATE_COA) not in
            (None, lab.address("v-lma-1"))]
    assert news == [], "draft 5.1.2: the O-LMA is unaffected"
    assert learnt(lab, "v-lma-2", hoa)["d_lma"] == "v-lma-1"
    assert binding(lab, "v-lma-1", hoa)["mag"] == "mag-1b"
    last = max(p.sequence for p in packets if p.sequence is not None)
    assert tunnels(lab, packets, last - 100) == ["v-lma-2>v-lma-1", "v-lma-1>mag-1b"]


@test(rows=["A8", "B6", "B7", "B8"], slow=True)
def lma_changes(lab):
    """V-LMA-1 to H-LMA, CN at V-LMA-2: the previous D-LMA forwards, and tells the O-LMA."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    _, packets, result = move_with_stream(lab, hoa, "mag-1a", "h-lma", announced=False)
    address = lab.address
    moved = [p for p in signalling(packets, PBU, address("h-lma"), address("v-lma-1"))
             if option_address(p, ALTERNATE_COA) == address("h-lma")]
    assert moved, "the new D-LMA tells the previous one"
    acknowledged = signalling(packets, PBA, address("v-lma-1"), address("h-lma"))
    assert acknowledged and acknowledged[0].transport[6] == 0
    told = [p for p in signalling(packets, PBU, address("v-lma-1"), address("v-lma-2"))
            if option_address(p, ALTERNATE_COA) == address("h-lma")]
    assert told, "the previous D-LMA tells the O-LMA"
    ways = [tuple(tunnels(lab, packets, r.sequence)) for r in result.records]
    forwarded = ("v-lma-2>v-lma-1", "v-lma-1>h-lma")
    assert forwarded in ways, "late packets were forwarded"
    assert ways[-1] == ("v-lma-2>h-lma",)
    marks = {p.outer.flow_label >> 18 for p in packets if p.sequence is not None and
             p.interface == "v-lma-1.net0" and p.tunnelled and
             p.outer.dst == address("h-lma")}
    assert marks == {2}, "forwarded once: marked in the flow label"
    # Lost are at most those that were on their way to V-LMA-1 before it knew.
    knows = acknowledged[0].time
    arrived_late = [p.sequence for p in packets if p.sequence is not None and
                    p.interface == "v-lma-2.net0" and p.time > knows]
    assert not set(result.missing()) & set(arrived_late)
    assert lost_after(packets, result.missing(), knows) == []
    lab.wait(lambda: learnt(lab, "v-lma-1", hoa) is None, 25, "the forwarding entry times out")
    for node in LMAS:
        counters_close(lab, node)


@test(rows=["B7", "B9"], slow=True)
def forwarding_ends(lab):
    """After its time the previous D-LMA forwards no more: the packet is dropped, the sender told."""
    lab.start_dlma()
    hoa = attach(lab, "mag-2")
    assert ping(lab, "cn", hoa, 2)
    lab.ctl("v-lma-2", "status")
    attach(lab, "mag-1a")
    entry = lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 5, "forwarding")
    assert entry["kind"] == "forwarding" and 15 < entry["lifetime_left_s"] <= 20
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa) is None, 25, "timed out")
    assert ping(lab, "cn", hoa, 3), "by way of the owner again"


@test(rows=["A5"], limit_s=180)
def a_tcp_connection_survives_every_move(lab):
    """An open connection and the HoA stay while the MN visits all networks and comes home."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    down = lab.transfer("cn", "mn", hoa, rate=2_000_000)
    up = lab.transfer("mn", "cn", lab.address("cn"), rate=2_000_000, from_=hoa)
    for mag in ("mag-1b", "mag-2", "h-lma", "mag-1a"):
        time.sleep(0.5)
        lab.move("mn", mag, gap_ms=20)
        lab.wait(lambda: delivered_by(lab, mag), 10, f"registered at {mag}")
        assert address_of(lab) == hoa
    time.sleep(0.5)
    for transfer in (down, up):
        result = transfer.stop()
        assert result.end == "done" and result.mismatches == 0, result
        assert result.received == result.sent > 1_000_000, result


@test(rows=["A8", "B8"], limit_s=180, slow=True)
def a_tour_loses_nothing_once_accepted(lab):
    """All moves of the story of Figure 5, and more: from the moment in which the new anchor has
    accepted, no packet that the CN sends is lost, and those sent in the gap wait and arrive."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    tour = ("mag-1a", "mag-1b", "mag-2", "h-lma", "mag-1a", "h-lma", "mag-2", "mag-1b")
    for old, new in zip(tour, tour[1:]):
        move, packets, result = move_with_stream(lab, hoa, old, new, gap_ms=20)
        accepted = accepted_at(lab, packets, new, move.left_ns)
        assert lost_after(packets, result.missing(), accepted) == [], f"{old} to {new}"
        elsewhere = [s for s in result.missing()
                     if not died_at(lab, pcap.journey(packets, s), old)]
        assert elsewhere == [], f"{old} to {new}: lost, but not at the link that the MN left"
        assert result.duplicates == 0


@test(rows=["A8"])
def an_unannounced_move_heals(lab):
    """The old MAG hears nothing: what is sent there is lost until its LMA is told, no longer."""
    lab.start_dlma()
    hoa = attach(lab, "mag-2")
    _, packets, result = move_with_stream(lab, hoa, "mag-2", "h-lma", announced=False)
    told = signalling(packets, PBU, lab.address("h-lma"), lab.address("v-lma-2"))
    knows = min(p.time for p in told if option_address(p, ALTERNATE_COA) ==
                lab.address("h-lma")) + 25_000_000
    assert lost_after(packets, result.missing(), knows) == [], "once the previous D-LMA knows"
    lab.wait(lambda: not delivered_by(lab, "mag-2"), 10, "the old MAG gave the MN up")


@test()
def agents_die_during_the_stream(lab):
    """SIGKILL of every agent, one after the other, during a stream: nothing is lost."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    flow = lab.stream("cn", "mn", hoa, rate=1000, size=200)
    lab.wait(lambda: flow.received() > 500, 10, "the stream flows")
    for node in lab.agents:
        lab.agents[node].kill9()
        count = flow.received()
        lab.wait(lambda: flow.received() > count + 200, 10, f"flows without the agent of {node}")
    for node in lab.agents:
        lab.start_agent(node)
        lab.wait_ready(node)
    count = flow.received()
    lab.wait(lambda: flow.received() > count + 1000, 10, "flows with new agents")
    result = flow.stop()
    assert (result.lost, result.duplicates) == (0, 0), result
    attach(lab, "mag-2")
    assert ping(lab, "cn", hoa, 3), "and the new agents know what to do"


@test()
def loaders_die_during_the_stream(lab):
    """SIGKILL and restart of every loader during a stream: programs replaced, nothing lost."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    flow = lab.stream("cn", "mn", hoa, rate=1000, size=200)
    lab.wait(lambda: flow.received() > 500, 10, "the stream flows")
    for node in list(lab.loaders):
        lab.loaders[node].kill9()
        lab.start_loader(node)
        lab.wait(lambda: "next hop" in lab.loaders[node].output() or
                 "adopting" in lab.loaders[node].output(), 10, f"loader of {node} is back")
    count = flow.received()
    lab.wait(lambda: flow.received() > count + 1000, 10, "the stream goes on")
    result = flow.stop()
    assert (result.lost, result.duplicates) == (0, 0), result


@test(limit_s=180)
def ping_pong(lab):
    """Ten quick moves between two LMAs: the tables end where the MN is."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    for number in range(10):
        lab.move("mn", "mag-2" if number % 2 == 0 else "mag-1b")
        time.sleep(0.15)
    lab.move("mn", "mag-2")
    lab.wait(lambda: ping(lab, "cn", hoa, 1, 1), 20, "reachable again")
    lab.wait(lambda: location(lab, hoa)["d_lma"] == "v-lma-2", 20, "the H-LMA is right")
    lab.wait(lambda: not delivered_by(lab, "mag-1b"), 20, "the old MAG gave up")
    assert counter(lab, "v-lma-1", "tunnel_loop") == 0
