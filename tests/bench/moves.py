#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long signalling takes, in the domain of Figure 5 with its delays: moves.py BUILD full|quick

From the first packet for an unknown HoA to the first on the direct path; and a MN that moves
between MAGs of different LMAs during a stream. Everything is read from captures of the wires.
Writes BUILD/bench/moves.json.
"""

import contextlib
import socket
import statistics
import time

from rows import Rows
from wires import Lab, arguments

# pylint: disable=wrong-import-order
import pcap
from figure5 import PBA, PBU, attach, delivered_by, edited_conf, ping
from figures import percentile
from handover import hand_over
from many import ManyMag, profile

INTERVAL_S = 0.0002  # between two packets for an unknown HoA
RATE = 2500  # packets/s to the MN that moves
MISS_ROUND_TRIPS = 1.5
MISS_EXTRA_MS, GAP_EXTRA_MS = 1, 5
STAY_S = 0.25  # longer than limits.moves_per_mn would have a MN wait
PORT = 9
MAGS = {"mag-1a": "v-lma-1", "mag-2": "v-lma-2"}
MNS = (131, 132, 143, 133, 135)  # ICMPv6 with which a MN is heard: MLD, RS, NS


def many_conf(lab, count):
    """configs/figure5 with more MNs."""
    more = ",\n".join(profile(number) for number in range(count))
    return edited_conf(lab, lambda text: text.replace("mobile_nodes = (",
                                                      f"mobile_nodes = (\n{more},", 1))


def send_to(sender, hoa, seconds):
    """Packets to a HoA at an even pace."""
    begin = time.perf_counter()
    for turn in range(round(seconds / INTERVAL_S)):
        time.sleep(max(0, begin + turn * INTERVAL_S - time.perf_counter()))
        sender.sendto(b"dlma", (hoa, PORT))


def first_misses(lab, hoas, round_trip_ms):
    """Milliseconds from the first packet by way of the H-LMA to the first that was not, by HoA."""
    with lab.namespaces["cn"].entered():
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    capture = lab.capture(interfaces=["v-lma-2.net0"])
    with contextlib.closing(sender):
        for hoa in hoas:
            send_to(sender, hoa, MISS_ROUND_TRIPS * round_trip_ms / 1000)
    first = {}
    for p in pcap.packets(capture.stop()):
        if p.tunnelled and p.sport and not p.out:
            first.setdefault((p.inner.dst, p.outer.dst), p.time)
    owner, direct = lab.address("h-lma"), lab.address("v-lma-1")
    missing = [hoa for hoa in hoas if (hoa, direct) not in first]
    if missing:
        raise SystemExit(f"moves: {len(missing)} of {len(hoas)} HoAs got no direct path")
    return [(first[hoa, direct] - first[hoa, owner]) / 1e6 for hoa in hoas]


def first_after(packets, begin_ns, interface, wanted, out=False):
    """When a node first sent, or got, such a packet on an interface, ns."""
    return next(p.time for p in packets if p.time >= begin_ns and p.out == out and
                p.interface == interface and wanted(p))


def move(packets, left_ns, mag):
    """Of one move: ms from the PBU to the PBA that accepts it, and from the first that the new MAG
    hears of the MN to the first packet for it there."""
    heard = first_after(packets, left_ns, f"{mag}.acc0",
                        lambda p: p.proto == pcap.ICMPV6 and p.kind in MNS, out=True)
    asked = first_after(packets, heard, f"{mag}.net0", lambda p: p.kind == PBU)
    answered = first_after(packets, asked, f"{MAGS[mag]}.net0", lambda p: p.kind == PBA and
                           p.transport[6] == 0 and p.eth_dst == mac_of(packets, asked, mag))
    data = first_after(packets, heard, f"{mag}.acc0", lambda p: p.sequence is not None)
    return (answered - asked) / 1e6, (data - heard) / 1e6


def mac_of(packets, when, mag):
    """Source of what a MAG sent at that time."""
    return next(p.eth_src for p in packets if p.time == when and p.interface == f"{mag}.net0")


def handovers(lab, count):
    """[(signalling, gap)...] of so many moves between the two MAGs."""
    hoa = attach(lab, "mag-1a")
    lab.wait(lambda: ping(lab, "cn", hoa, 2), 10, "the MN answers")
    captures = [lab.capture(interfaces=[f"{mag}.acc0" for mag in MAGS], both=True),
                lab.capture(interfaces=[f"{node}.net0" for pair in MAGS.items() for node in pair])]
    flow = lab.stream("cn", "mn", hoa, rate=RATE, size=100)
    lab.wait(lambda: flow.received() > 100, 10, "packets come")
    moves, here = [], "mag-1a"
    for _ in range(count):
        there = next(mag for mag in MAGS if mag != here)
        moves.append((hand_over(lab, here, there), there))
        lab.wait(lambda mag=there: delivered_by(lab, mag), 10, f"registered at {there}")
        here = there
        time.sleep(STAY_S)
    flow.stop()
    packets = sorted((p for c in captures for p in pcap.packets(c.stop())), key=lambda p: p.time)
    return [move(packets, m.left_ns, mag) for m, mag in moves]


def add_percentiles(rows, name, what, values, goal_ms=None, words=None):
    """Two rows: p50 and p99."""
    for share, label in ((0.5, "p50"), (0.99, "p99")):
        value = percentile(values, share)
        goal = f"<= {goal_ms:.1f} ms = {words}" if words else None
        rows.add(f"{name}/{label}", f"{what}, {label} of {len(values)}", "ms", [value], goal,
                 words and value <= goal_ms, least=min(values))


def register(lab, count):
    """Registers MNs by way of V-LMA-1. Returns their HoAs, and how many registrations the agents
    of both LMAs would handle in a second of work: {node: rate}."""
    nodes = ("v-lma-1", "h-lma")
    with contextlib.closing(ManyMag(lab, "mag-1b", "v-lma-1")) as mag:
        lab.wait(mag.greet, 10, "V-LMA-1 answers")
        before = [lab.agents[node].cpu_s() for node in nodes]
        hnps = mag.register(range(count))
        work = [lab.agents[node].cpu_s() - b for node, b in zip(nodes, before)]
    hoas = [socket.inet_ntop(socket.AF_INET6, hnp[:15] + b"\1") for hnp in hnps.values()]
    return hoas, {node: count / w for node, w in zip(nodes, work)}


def main():
    """See the top of the file."""
    build, quick = arguments()
    rows = Rows(build, "moves")
    many, misses, moves = (100, 10, 4) if quick else (3000, 200, 100)
    with Lab(hook="tc") as lab:
        lab.start_dlma(conf_dir=many_conf(lab, many), nodes=("h-lma", "v-lma-1", "v-lma-2",
                                                              "mag-1a", "mag-2"))
        hoas, rates = register(lab, many)
        round_trip_ms = statistics.median(ping(lab, "v-lma-2", lab.address("h-lma"), 10, 1, 0.05))
        direct = first_misses(lab, hoas[:misses], round_trip_ms)
        took = handovers(lab, moves)
    for node, rate in rates.items():
        rows.add(f"agent/{node}", f"agent of {node}: registrations in a second of its work", "1/s",
                 [rate])
    rows.add("round-trip", "round trip between V-LMA and H-LMA", "ms", [round_trip_ms])
    add_percentiles(rows, "first-miss", "first packet to direct path", direct,
                    round_trip_ms + MISS_EXTRA_MS, "round trip to the H-LMA + 1 ms")
    add_percentiles(rows, "signalling", "handover: PBU to PBA", [s for s, _ in took])
    add_percentiles(rows, "gap", "handover: MN heard to first packet", [g for _, g in took],
                    round_trip_ms + GAP_EXTRA_MS, "round trip to the H-LMA + 5 ms")
    rows.write()


if __name__ == "__main__":
    main()
