# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of the product have in common: mobile nodes, tables, and packets on their way."""

import ipaddress
import re
import subprocess
from pathlib import Path

import pcap
from lab import topology

CONFIGS = Path(__file__).resolve().parents[2] / "configs/figure5"
MN_ID = "mn{}@example.net"
ATTACH_S = 10
# MH types as they stand on the wire
BRR, PBU, PBA, BE, HEARTBEAT, HI, HACK, BRI, LRI, LRA = 0, 5, 6, 7, 13, 14, 15, 16, 17, 18
PREVIOUS_LMA, ALTERNATE_COA = 41, 3  # mobility options


def address_of(lab, mobile="mn"):
    """Global address of a mobile node that is past DAD, or None."""
    shown = lab.run(mobile, "ip -6 address show dev wlan0 scope global").stdout
    found = re.search(r"inet6 (2001:db8:1\S+)/64 scope global (?!tentative)", shown)
    return found.group(1) if found else None


def attach(lab, mag, mobile="mn", gap_ms=0):
    """Moves a mobile node to a MAG and waits until it may be reached there. Returns its HoA."""
    lab.move(mobile, mag, gap_ms=gap_ms)
    lab.wait(lambda: delivered_by(lab, mag, mobile), ATTACH_S, f"{mobile} registered at {mag}")
    return lab.wait(lambda: address_of(lab, mobile), ATTACH_S, f"{mobile} has its HoA")


def mn_id(mobile):
    """MN-ID of a mobile node of the laboratory, as in configs/figure5."""
    return MN_ID.format(1 + topology.mobile_names(9).index(mobile))


def delivered_by(lab, mag, mobile="mn"):
    """Whether a MAG has a mobile node registered."""
    return any(b["role"] == "mag" and b["state"] == "registered" and b["mn"] == mn_id(mobile)
               for b in lab.ctl_json(mag, "bindings")["bindings"])


def hnp_of(address):
    """The /64 of an address, as the product writes it."""
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def binding(lab, lma, hoa):
    """The binding cache entry of a HoA at an LMA, or None."""
    for entry in lab.ctl_json(lma, "bindings")["bindings"]:
        if entry["role"] == "lma" and entry["hnp"] == hnp_of(hoa):
            return entry
    return None


def location(lab, hoa, lma="h-lma"):
    """The entry of the location table for a HoA, or None."""
    for entry in lab.ctl_json(lma, "locations")["locations"]:
        if entry["hnp"] == hnp_of(hoa):
            return entry
    return None


def learnt(lab, lma, hoa):
    """What an LMA has learnt about a HoA: cached or forwarding; None without a target."""
    for entry in lab.ctl_json(lma, "cache")["cache"]:
        if entry["hnp"] == hnp_of(hoa) and entry["d_lma"]:
            return entry
    return None


def counter(lab, node, reason):
    """Packets counted under a reason."""
    for row in lab.ctl_json(node, "counters")["packets"]:
        if row["reason"] == reason:
            return row["packets"]
    raise AssertionError(f"no counter {reason}")


def signal_counter(lab, node, reason):
    """Messages counted under a reason."""
    for row in lab.ctl_json(node, "counters")["signalling"]:
        if row["reason"] == reason:
            return row["messages"]
    raise AssertionError(f"no counter {reason}")


def counters_close(lab, node):
    """Received is the sum of what was forwarded, passed and dropped (row H8)."""
    rows = lab.ctl_json(node, "counters")["packets"]
    received = next(r["packets"] for r in rows if r["reason"] == "received")
    ended = sum(r["packets"] for r in rows if r["class"] != "note")
    assert received == ended, f"{node}: received {received}, accounted for {ended}: {rows}"


def node_at(port):
    """The node behind a port of the wires."""
    return port.split(".")[0]


def path(lab, journey):
    """How a packet went: (node that sent it, outer source, outer destination). `journey`: where
    it was seen, as pcap.journey() has it."""
    names = {lab.address(n.name): n.name for n in topology.NODES}
    steps = []
    for p in journey:
        node = node_at(p.interface)
        if node == topology.ROUTER:
            continue
        outer = (names.get(p.outer.src, p.outer.src), names.get(p.outer.dst, p.outer.dst)) \
            if p.tunnelled else (None, None)
        steps.append((node, *outer))
    return steps


def tunnels(lab, packets, sequence):
    """The tunnels that a packet of a stream went through, as "entry>exit"."""
    return tunnels_of(path(lab, pcap.journey(packets, sequence)))


def tunnels_of(steps):
    """The tunnels in what path() returns."""
    return [f"{src}>{dst}" for _, src, dst in steps if src]


def ping(lab, node, address, count=1, wait_s=2, interval_s=0.1):
    """Sends `count` echo requests; returns the round trips of those that were answered, in ms."""
    done = lab.run(node, f"ping -n -i {interval_s} -W {wait_s} -c {count} {address}", check=False)
    return [float(t) for t in re.findall(r"time=([0-9.]+)", done.stdout)]


def signalling(packets, kind=None, src=None, dst=None):
    """Mobility Headers that nodes put on their wires."""
    return [p for p in packets if p.proto == pcap.MH and not p.out and
            node_at(p.interface) != topology.ROUTER and kind in (None, p.kind) and
            src in (None, p.inner.src) and dst in (None, p.inner.dst)]


def options_of(data):
    """{type: data} of a message whose fixed part has 12 octets."""
    at, found = 12, {}
    while at + 1 < len(data):
        if data[at] == 0:
            at += 1
            continue
        found[data[at]] = data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found


def mobility_options(packet):
    """Options of a BU or BA: {type: data}."""
    return options_of(packet.transport)


def option_address(packet, option):
    """The address in option 3 or 41 of a message, or None."""
    value = mobility_options(packet).get(option)
    return pcap.address_text(value[-16:]) if value else None


def tshark(capture, *fields, display="mipv6"):
    """What tshark reads in a capture: a list of tuples of strings."""
    command = ["tshark", "-n", "-r", str(capture), "-Y", display, "-T", "fields", "-E",
               "separator=/t"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def patient(text):
    """domain.conf with times after which nothing ends by itself while a test looks on."""
    return re.sub(r"(cache_idle_s|cache_lifetime_s|forwarding_lifetime_s) = \d+", r"\1 = 600", text)


def edited_conf(lab, edit):
    """A copy of configs/figure5 in which `edit` has changed the text of domain.conf."""
    target = lab.directory / "edited"
    target.mkdir()
    for file in CONFIGS.glob("*.conf"):
        text = file.read_text(encoding="utf-8")
        (target / file.name).write_text(edit(text) if file.name == "domain.conf" else text,
                                        encoding="utf-8")
    return target
