# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Figures out of captures: ways of packets, who told whom, what a move cost."""

from statistics import median

import pcap
from figure5 import HEARTBEAT, path, signalling, tunnels_of
from handover import accepted_at, died_at, lost_after
from words import LMAS, message, node_of

ECHO_REQUEST, ECHO_REPLY = 128, 129
SETTLED = 200  # packets at the end of a phase that must all go the same way


def told(packets, begin_ns, end_ns=None):
    """Who told whom what since `begin_ns`, heartbeats left out."""
    found = []
    for p in signalling(packets):
        if p.kind == HEARTBEAT or p.time < begin_ns or (end_ns and p.time > end_ns):
            continue
        name, says = message(p)
        found.append({"ms": round((p.time - begin_ns) / 1e6, 2), "from": node_of(p.inner.src),
                      "to": node_of(p.inner.dst), "message": name, "says": says})
    return found


def hops(lab, journey):
    """A packet's way, step by step, with times since its first one."""
    steps = [p for p in journey if not p.interface.startswith("r.")]
    return [{"ms": round((p.time - steps[0].time) / 1e6, 3), "node": node,
             "outer_source": p.outer.src if src else None,
             "outer_destination": p.outer.dst if src else None, "tunnel_to": dst}
            for p, (node, src, dst) in zip(steps, path(lab, steps))]


def tunnels_of_hops(steps):
    """The tunnels in what hops() returns, as "entry>exit"."""
    return tunnels_of([(h["node"], h["outer_source"] and h["node"], h["tunnel_to"])
                       for h in steps])


def echoes(packets, kind):
    """Journeys of echo requests or replies by their sequence number, from 1."""
    found = {}
    for p in packets:
        if p.proto == pcap.ICMPV6 and p.kind == kind and not p.out:
            found.setdefault(int.from_bytes(p.transport[6:8], "big"), []).append(p)
    return found


def kind_of(tunnels):
    """What kind of way that is: by the tunnels between LMAs."""
    between = [t.split(">") for t in tunnels]
    between = [(entry, exit_) for entry, exit_ in between if entry in LMAS and exit_ in LMAS]
    if len(between) < 2:
        return "direct" if between else "local"
    return "triangle" if between[1][0] == "h-lma" else "forwarded"


class Flow:
    """A numbered stream and the capture of its time: each packet with its way and its fate."""

    def __init__(self, lab, packets, result, source="cn"):
        self.lab, self.packets, self.result = lab, packets, result
        self.journeys = pcap.journeys(packets)
        self.sent = {s: way[0].time for s, way in self.journeys.items()
                     if way[0].interface.startswith(f"{source}.")}
        self.arrived = {r.sequence: r for r in result.records}
        self.steps = {s: path(lab, way) for s, way in self.journeys.items()}
        self.ways = {s: tuple(tunnels_of(steps)) for s, steps in self.steps.items()}

    def kind(self, sequence):
        """triangle, direct, local, forwarded, or lost."""
        return kind_of(self.ways[sequence]) if sequence in self.arrived else "lost"

    def delay_ms(self, sequence):
        """One-way delay between the two applications, None for a lost packet."""
        record = self.arrived.get(sequence)
        return (record.received_ns - record.sent_ns) / 1e6 if record else None

    def between(self, begin_ns, end_ns):
        """Numbers of the packets that were sent in a time."""
        return [s for s, t in sorted(self.sent.items()) if begin_ns <= t < end_ns]

    def longest_gap_ms(self, sequences):
        """The longest time without an arrival, of these packets."""
        times = sorted(self.arrived[s].received_ns for s in sequences if s in self.arrived)
        return max((b - a) / 1e6 for a, b in zip(times, times[1:]))

    def median_delay_ms(self, sequences):
        """Of those that arrived."""
        return median(self.delay_ms(s) for s in sequences if s in self.arrived)

    def kinds(self, sequences):
        """How many packets went each kind of way."""
        found = {}
        for s in sequences:
            kind = self.kind(s)
            found[kind] = found.get(kind, 0) + 1
        return found

    def example(self, kind, sequences):
        """The way of the first packet of that kind, or None."""
        return next((self.steps[s] for s in sequences if self.kind(s) == kind), None)

    def settled(self, sequences):
        """The one way of the last packets of a phase, or None if they went several."""
        ways = {self.ways[s] for s in sequences[-SETTLED:]}
        return list(ways.pop()) if len(ways) == 1 else None


def handover(flow, move, old, new, window):
    """All figures of one move; `window` is what was sent from shortly before it to its end."""
    accepted = accepted_at(flow.lab, flow.packets, new, move.left_ns)
    before = [s for s in window if flow.sent[s] < move.left_ns]
    missing = [s for s in window if s not in flow.arrived]
    elsewhere = [s for s in missing if not died_at(flow.lab, flow.journeys[s], old)]
    kept = [s for s in window if move.left_ns <= flow.sent[s] < accepted and s in flow.arrived]
    return {
        "from": old, "to": new,
        "left_ns": move.left_ns, "joined_ns": move.joined_ns, "accepted_ns": accepted,
        "joined_ms": (move.joined_ns - move.left_ns) / 1e6,
        "accepted_ms": (accepted - move.left_ns) / 1e6,
        "sent": len(window), "lost": len(missing),
        "lost_after_acceptance": len(lost_after(flow.packets, missing, accepted)),
        "lost_elsewhere": len(elsewhere),
        "sent_while_away_and_delivered": len(kept),
        "longest_gap_ms": flow.longest_gap_ms(window),
        "delay_ms_before": flow.median_delay_ms(before),
        "delay_ms_after": flow.median_delay_ms(window[-SETTLED:]),
        "ways": flow.kinds(window),
        "path_forwarded": flow.example("forwarded", window),
        "path_before": flow.steps[before[-SETTLED // 4]], "path_after": flow.steps[window[-1]],
        "tunnels_after": flow.settled(window),
        "signalling": told(flow.packets, move.left_ns, flow.sent[window[-1]]),
    }
