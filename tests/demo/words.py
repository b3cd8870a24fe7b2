# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Names and messages in the words of the draft, and the plain text of the story."""

import sys

import pcap
from figure5 import (ALTERNATE_COA, BE, BRI, BRR, HACK, HEARTBEAT, HI, LRA, LRI, PBA, PBU,
                     PREVIOUS_LMA, option_address)
from lab import topology

NAMES = {"h-lma": "H-LMA", "v-lma-1": "V-LMA-1", "v-lma-2": "V-LMA-2", "mag-1a": "MAG-1a",
         "mag-1b": "MAG-1b", "mag-2": "MAG-2", "cn": "CN", "mn": "MN", "mn-2": "MN2",
         "r": "router"}
LMAS = ("h-lma", "v-lma-1", "v-lma-2")
MESSAGES = {BRR: "BRR", PBU: "PBU", PBA: "PBA", BE: "BE", HEARTBEAT: "HB", BRI: "BRI",
            HI: "HI", HACK: "HAck", LRI: "LRI", LRA: "LRA"}
REFUSED = 128  # codes of HAck and LRA from here on
REVOCATION = {1: ("BRI", "is the MN still there?"), 2: ("BRA", "answered")}
SAYS = {BRR: "where is the MN?", BE: "no binding for this HoA here",
        HI: "I have the MN: send its packets on to me",
        LRI: "your MN may send to that MAG directly"}
STATUSES = {0: "accepted", 155: "not unique, take another", 157: "there is a newer one"}


def node_of(address):
    """Which node has an address; the address itself if none has."""
    hosts = (*topology.NODES, *topology.CORRESPONDENTS)
    return next((h.name for h in hosts if h.address == address), address)


def shown(node):
    """A node as the draft writes it."""
    return NAMES.get(node, node)


def _update_says(p):
    """What a PBU tells, which follows from its options and from who sends it."""
    here, ends = option_address(p, ALTERNATE_COA), p.transport[10:12] == b"\0\0"
    if option_address(p, PREVIOUS_LMA):
        what = "D-LMA" if node_of(here) in LMAS else "MAG"
        return "location: nowhere" if ends else f"location: the {what} is {shown(node_of(here))}"
    if node_of(p.inner.src) in LMAS:
        return "I am its D-LMA no more" if ends else "I am its D-LMA; is its HoA unique?"
    return "de-registration: the MN has left" if ends else "registration: the MN is here"


def _answer_says(p):
    status = STATUSES.get(p.transport[6], f"status {p.transport[6]}")
    previous = option_address(p, PREVIOUS_LMA)
    return f"{status}; the previous D-LMA is {shown(node_of(previous))}" if previous else status


def _granted(p):
    """HAck and LRA have their code at the same place."""
    return "granted" if p.transport[9] < REFUSED else "refused"


def message(p):
    """A signalling message in two words: its name, and what it says."""
    if p.kind == BRI:
        return REVOCATION.get(p.transport[6], ("BRI", ""))
    says = {PBU: _update_says, PBA: _answer_says, HACK: _granted, LRA: _granted}.get(
        p.kind, lambda _: SAYS.get(p.kind, ""))
    return MESSAGES.get(p.kind, f"MH {p.kind}"), says(p)


def heard(p):
    """What a MN sent that told its MAG of it."""
    kinds = {133: "Router Solicitation", 135: "Neighbor Solicitation", 143: "MLD report"}
    return kinds.get(p.kind, "packet") if p.proto == pcap.ICMPV6 else "packet"


def chain(steps, end):
    """A path in one line: -> on the wire as it is, => in a tunnel."""
    text = ""
    for node, src, _ in steps:
        text += f"{shown(node)} {'=>' if src else '->'} "
    return text + shown(end)


def tunnel_chain(tunnels):
    """Tunnels ["a>b", "b>c"] in one line."""
    ends = [tunnel.split(">") for tunnel in tunnels]
    return " => ".join(shown(node) for node in (ends[0][0], *(end for _, end in ends)))


def milliseconds(value):
    """A time in ms, as precise as it is of use."""
    if value is None:
        return "-"
    digits = 2 if value < 1 else 1 if value < 100 else 0
    return f"{value:.{digits}f} ms"


def hooks_of(report):
    """What the loaders took, for people: "tc (tcx)"."""
    found = {hook for node in report["attached"].values() for name, hook in node.items()
             if name != "dlma0"}
    return ", ".join(sorted(found))


class Teller:
    """Prints the story: paragraphs and rows of 100 columns; bold titles on a terminal."""

    def __init__(self, out=sys.stdout):
        self._out = out
        self._bold = ("\033[1m", "\033[0m") if out.isatty() else ("", "")

    def say(self, text="", indent=3):
        """One line, or several."""
        for line in text.split("\n"):
            print((" " * indent + line).rstrip(), file=self._out, flush=True)

    def title(self, text):
        """Begins a part of the story."""
        self.say()
        self.say(f"{self._bold[0]}{text}{self._bold[1]}", 0)

    def rows(self, rows, *widths, indent=5):
        """A table: a positive width aligns to the left, a negative one to the right."""
        for row in rows:
            cells = [f"{cell:<{w}}" if w >= 0 else f"{cell:>{-w}}" for cell, w in
                     zip(row, (*widths, *[0] * len(row)))]
            self.say("  ".join(cells), indent)

    def signalling(self, messages):
        """Who told whom, with the times."""
        self.rows([(f"+{m['ms']:.1f} ms", shown(m["from"]), "->", shown(m["to"]), m["message"],
                    m["says"]) for m in messages], -9, 7, 2, 7, 3)
