#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is left of good traffic under attack: attack.py BUILD full|quick

The domain of Figure 5 without delays, and a numbered flow from a CN to a MN. Beside it, one after
the other: a scan of random HoAs at ten times the rate, stopped agents, a full map, a peer that
floods its tunnel. Writes BUILD/bench/attack.json.
"""

import contextlib
import json
import os
import signal
import socket
import time

from rows import Rows
from wires import Lab, arguments, topology

# pylint: disable=wrong-import-order
from figure5 import attach, counter, edited_conf, patient, ping
from many import ManyMag, profile

RATE = 5000  # packets/s of the flow
TIMES = 10
CAP, TICK_S = 1000, 0.1  # events a second and processor, counted by the tick (dlma/abi.h)
OCTETS = 128
BLOCK = "2001:db8:100::/40"
KEEPS = 95  # per cent
EVERYBODY = "0,16000000"
MNS, CACHE = 40, 8  # registered; what the O-LMA of the last case has room for
NO_DELAYS = {"home": 0, "visited-1": 0, "visited-2": 0}


class Flow:
    """The good traffic, and what has become of it."""

    def __init__(self, lab, hoa, rounds, seconds):
        self.lab, self.hoa, self.rounds, self.seconds = lab, hoa, rounds, seconds

    def share(self, beside=contextlib.nullcontext):
        """Per cent of the packets that arrive while the other thing happens, for each round."""
        shares = []
        for _ in range(self.rounds):
            with beside():
                flow = self.lab.stream("cn", "mn", self.hoa, rate=RATE, size=100,
                                       count=round(RATE * self.seconds))
                flow.wait_sent(self.seconds + 20)
                result = flow.stop()
            shares.append(100 * (result.sent - result.lost) / result.sent)
        return shares


class Scan:
    """Random HoAs from a node, as long as the context lasts. Knows what the events were."""

    def __init__(self, lab, node, mac, watched, *options):
        self.lab, self.node, self.mac, self.watched, self.options = lab, node, mac, watched, options
        self.events, self.work, self.sent = [], [], []
        self.capped = True

    def _events(self):
        return [counter(self.lab, node, "event_sent") for node in self.watched]

    @contextlib.contextmanager
    def __call__(self):
        lab = self.lab
        tool = [lab.tool("../bench/generate"), "--rate", RATE * TIMES, "--block", BLOCK, "--hit",
                EVERYBODY, "--cpu", 1, *self.options]
        events, work = self._events(), [lab.agents[n].cpu_s() for n in self.watched]
        begin = time.monotonic()
        process = lab.start(self.node, [*tool, lab.build, "net0", self.mac, 1 << 40, OCTETS],
                            name="scan").wait_ready()
        yield
        process.stop()
        took = time.monotonic() - begin
        report = process.report()
        self.sent.append(1e9 * report["sent"] / report["wall_ns"])
        most = max(b - a for a, b in zip(events, self._events()))
        self.capped &= most <= os.cpu_count() * CAP * (took + TICK_S)
        self.events.append(most / took)
        self.work.append(100 * max(lab.agents[n].cpu_s() - w
                                   for n, w in zip(self.watched, work)) / took)


@contextlib.contextmanager
def stalled(lab):
    """No agent runs, though all are there."""
    agents = [agent.pid for agent in lab.agents.values()]
    for pid in agents:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in agents:
            os.kill(pid, signal.SIGCONT)


def conf(lab):
    """Locations that stay; more MNs."""
    more = ",\n".join(profile(number) for number in range(MNS))
    return edited_conf(lab, lambda text: patient(text).replace(
        "mobile_nodes = (", f"mobile_nodes = (\n{more},", 1))


def small_cache(lab):
    """The O-LMA has room for a few locations only; others have taken it."""
    file = lab.conf_dir / "v-lma-2.conf"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("node = {", f"node = {{ limits = {{ cache = {CACHE}; }};", 1),
                    encoding="utf-8")
    lab.agents["v-lma-2"].stop()
    lab.start_agent("v-lma-2")
    lab.wait_ready("v-lma-2")


def fill_cache(lab):
    """Packets to other MNs until the cache is full."""
    with contextlib.closing(ManyMag(lab, "mag-1b", "v-lma-1")) as mag:
        lab.wait(mag.greet, 10, "V-LMA-1 answers")
        hoas = [socket.inet_ntop(socket.AF_INET6, hnp[:15] + b"\1")
                for hnp in mag.register(range(MNS)).values()]
    with lab.namespaces["cn"].entered():
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)

    def full():
        for hoa in hoas:
            sender.sendto(b"dlma", (hoa, 9))
        return len(lab.ctl_json("v-lma-2", "cache")["cache"]) >= CACHE

    with contextlib.closing(sender):
        lab.wait(full, 20, "the cache is full", 0.2)


def add_share(rows, name, what, shares, goal=KEEPS):
    """What arrived; the least of all rounds counts."""
    rows.add(name, f"arrives: {what}", "%", shares, f">= {goal} %", min(shares) >= goal)


def add_scan(rows, name, what, scan):
    """What the attacker got done, and what it cost the agent."""
    rate = RATE * TIMES
    rows.add(f"{name}/rate", f"{what}: packets/s of it", "1/s", scan.sent, f"{rate:,}",
             min(scan.sent) >= 0.95 * rate)
    rows.add(f"{name}/events", f"{what}: events/s, the busiest agent", "1/s", scan.events,
             f"<= {CAP} a processor", scan.capped)
    rows.add(f"{name}/work", f"{what}: the busiest agent's share of a core", "%", scan.work)


def mac_of(lab, node, interface="net0"):
    """Link-layer address of an interface."""
    return json.loads(lab.run(node, f"ip -j link show dev {interface}").stdout)[0]["address"]


def main():
    """See the top of the file."""
    build, quick = arguments()
    rows = Rows(build, "attack")
    with Lab(hook="xdp", delays_ms=NO_DELAYS) as lab:
        lab.start_dlma(conf_dir=conf(lab), nodes=("h-lma", "v-lma-1", "v-lma-2", "mag-1a", "mag-2"))
        hoa = attach(lab, "mag-1a")
        lab.wait(lambda: ping(lab, "cn", hoa, 3), 10, "the MN answers")
        flow = Flow(lab, hoa, *((1, 0.5) if quick else (3, 3)))
        scan = Scan(lab, "cn", mac_of(lab, "v-lma-2", "cn0"), ("v-lma-2", "h-lma"), "--from",
                    lab.address("cn"))
        flood = Scan(lab, "h-lma", mac_of(lab, topology.ROUTER), ("v-lma-2",), "--from",
                     lab.address("cn"), "--tunnel", f"{lab.address('h-lma')},"
                     f"{lab.address('v-lma-2')}")
        add_share(rows, "nothing", "nothing else happens", flow.share(), 100)
        add_share(rows, "scan", f"scan of random HoAs, {TIMES} times as many", flow.share(scan))
        add_share(rows, "flood", f"an LMA floods its tunnel to the O-LMA, {TIMES} times as many",
                  flow.share(flood))
        add_share(rows, "stalled", "all agents stopped", flow.share(lambda: stalled(lab)), 100)
        small_cache(lab)
        fill_cache(lab)
        add_share(rows, "full", "cache full of others, by way of the H-LMA", flow.share(), 100)
    add_scan(rows, "scan", "scan", scan)
    add_scan(rows, "flood", "flood", flood)
    rows.write()


if __name__ == "__main__":
    main()
