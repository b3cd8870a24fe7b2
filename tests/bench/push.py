#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a node costs through real stacks: push.py BUILD full|quick

A generator, a node and a sink with veth between them, all on one processor: the time that it works
for one packet, from the making of it to its end. The nodes, which take turns, are O-LMAs with the
production programs and the kernel with its own means. In the end agents start on full tables.
Writes BUILD/bench/push.json.
"""

import re
import time
from pathlib import Path

from rows import Rows
from wires import Wires, arguments

OCTETS = 128
HOAS = "2001:db8:8000::/33"  # as generate.c and fill.c have it
FEW = 1000
ROOM = 65536  # the default of limits.locations
ABSENT = "20000000,1000"
OUT_INDEX = 77  # as in wire.bpf.c
MTU = 1600
GEN_MAC, IN_MAC, OUT_MAC = "02:00:00:00:01:01", "02:00:00:00:00:01", "02:00:00:00:00:02"
NEXT_MAC = "02:00:00:00:00:0f"

DOMAIN = """domain = {
  name = "bench";
  nodes = ( { name = "xdp";  roles = [ "lma" ]; address = "fd00:2::1"; },
            { name = "tc";   roles = [ "lma" ]; address = "fd00:3::1"; },
            { name = "many"; roles = [ "lma" ]; address = "fd00:7::1"; },
            { name = "next"; roles = [ "lma" ]; address = "fd00:f::1"; } );
  prefixes = ( { prefix = "%s"; owner = "next"; } );
  mobile_nodes = ( );
  timers = { cache_idle_s = 3600; cache_lifetime_s = 3600; forwarding_lifetime_s = 3600; };
};
""" % HOAS
NODE = """@include "domain.conf"
node = {
  name = "%s";
  interfaces = ( { match = "in0"; }, { match = "out0"; } );
  keys = "%s.keys";
  limits = { locations = %d; cache = %d; };
};
"""

# Number of the node, and how it comes by its way to the HoAs, or to its peer.
NODES = {
    "redirect": (1, ()),
    "xdp": (2, ("route add fd00:f::1/128 via fd00:2::f",)),
    "tc": (3, ("route add fd00:f::1/128 via fd00:3::f",)),
    "forward": (4, (f"route add {HOAS} via fd00:4::f",)),
    "seg6": (5, (f"route add {HOAS} encap seg6 mode encap.red segs fd00:5::f dev out0",)),
    "vxlan": (6, ("link add vx0 type vxlan id 5 local fd00:6::1 remote fd00:6::f dstport 4789 "
                  "udp6zerocsumtx", "link set vx0 up", "address add fd00:66::1/64 dev vx0 nodad",
                  f"neigh add fd00:66::f lladdr {NEXT_MAC} dev vx0 nud permanent",
                  f"route add {HOAS} via fd00:66::f")),
    "many": (7, ("route add fd00:f::1/128 via fd00:7::f",)),
    "floor": (8, ()),
    "redirect-tc": (9, ()),
}
BY_XDP = ("redirect", "floor", "xdp", "many")
HOOKS = {"xdp": "xdp", "tc": "tc", "many": "xdp"}  # of the production nodes

# name, what, numerator, denominator, goal and on which side of it to be
RATIOS = (
    ("push-to-redirect", "cost of a push, in bare XDP redirects", "push", "redirect", "<=", 1.2),
    ("push-to-forward", "packets/s of push, in plain forwardings", "forward", "push", ">=", 4),
    ("push-to-seg6", "packets/s of push, in seg6 encapsulations", "seg6", "push", ">=", 6.5),
    ("push-to-vxlan", "packets/s of push, in VXLAN encapsulations", "vxlan", "push", ">=", 6.5),
    ("tc-to-forward", "packets/s of push under TC, in plain forwardings", "forward", "tc", ">=",
     1.3),
    ("miss-to-push", "packets/s of misses, in hits", "push", "miss", ">=", 0.7),
)


def word(count):
    """1 k, 100 k, 1 M."""
    return f"{count // 1000} k" if count < 1_000_000 else f"{count // 1_000_000} M"


def cases(many):
    """Name, node, HoAs to send to, what it is."""
    hits = f"0,{FEW}"
    return (
        ("redirect", "redirect", hits, "a bare XDP redirect"),
        ("floor", "floor", hits, "the same, with 54 constant octets put before the packet"),
        ("push", "xdp", hits, f"O-LMA hit under XDP, {word(FEW)} HoAs"),
        ("push-many", "many", f"0,{many}", f"O-LMA hit under XDP, {word(many)} HoAs"),
        ("miss", "xdp", ABSENT, "O-LMA miss under XDP, the agent stopped"),
        ("forward", "forward", hits, "plain kernel forwarding"),
        ("seg6", "seg6", hits, "kernel seg6 encapsulation (encap.red)"),
        ("vxlan", "vxlan", hits, "kernel VXLAN over IPv6"),
        ("redirect-tc", "redirect-tc", hits, "a bare TC redirect"),
        ("tc", "tc", hits, f"O-LMA hit under TC, {word(FEW)} HoAs"),
        ("tc-miss", "tc", ABSENT, "O-LMA miss under TC, the agent stopped"),
    )


def lay_wires(lab):
    """Generator - node - sink, once for each node; neighbours that need no asking."""
    for name, (number, lines) in NODES.items():
        lab.wire(("gen", f"to-{name}", GEN_MAC, None), (name, "in0", IN_MAC, None), MTU)
        lab.wire((name, "out0", OUT_MAC, OUT_INDEX), ("sink", f"of-{name}", NEXT_MAC, None), MTU)
        lab.ip(name, f"address add fd00:{number}::1/64 dev out0 nodad",
               f"neigh add fd00:{number}::f lladdr {NEXT_MAC} dev out0 nud permanent", *lines)


def attach(lab):
    """The sinks; and what makes the first interface of each node take redirected frames."""
    programs = lab.load()
    for name in NODES:
        if name in BY_XDP:
            lab.run("sink", f"ip link set dev of-{name} xdpdrv pinned {programs}/swallow_all")
        else:
            lab.set_gro(name, "in0")
            lab.run("sink", f"tc qdisc add dev of-{name} clsact")
            lab.run("sink", f"tc filter add dev of-{name} ingress bpf da pinned "
                            f"{programs}/swallow_all_tc")
    lab.run("redirect-tc", "tc qdisc add dev in0 clsact")
    lab.run("redirect-tc", f"tc filter add dev in0 ingress bpf da pinned {programs}/forward_tc")
    lab.run("redirect", f"ip link set dev in0 xdpdrv pinned {programs}/forward")
    lab.run("floor", f"ip link set dev in0 xdpdrv pinned {programs}/encapsulate")


def start_nodes(lab, counts):
    """The production loaders and agents. The agents make way for whoever fills the tables."""
    lab.conf_dir = lab.directory / "bench"
    lab.conf_dir.mkdir()
    (lab.conf_dir / "domain.conf").write_text(DOMAIN, encoding="utf-8")
    for name, count in counts.items():
        room = max(ROOM, count + FEW)
        lab.conf(name).write_text(NODE % (name, name, room, max(count, room // 2)),
                                  encoding="utf-8")
    lab.keygen()
    for name, count in counts.items():
        lab.start_node(name, HOOKS[name])
        lab.wait_ready(name)
        lab.agents[name].stop()
        lab.run(name, [lab.build / "tests/bench/fill", lab.pin_dir / name, "fd00:f::1", count],
                timeout_s=60)


def one_round(lab, case, packets):
    """Nanoseconds for each packet; nothing may get lost on the way."""
    _, node, hoas, what = case
    sink = "sink", f"of-{node}"
    before = lab.received(*sink)
    report = lab.generate("gen", f"to-{node}", IN_MAC, packets, OCTETS, "--hit", hoas)
    if not lab.came(sink, before, report["sent"]):
        raise SystemExit(f"push: {what}: {lab.received(*sink) - before} of {report['sent']} came")
    return (report["thread_ns"] + report["softirqd_ns"]) / report["sent"]


def add_ratios(rows, took):
    """The goals: quotients of the least times, and of each round."""
    for name, what, over, under, sign, goal in RATIOS:
        least = min(took[over]) / min(took[under])
        rows.add(name, what, "x", [a / b for a, b in zip(took[over], took[under])],
                 f"{sign} {goal} x", least <= goal if sign == "<=" else least >= goal, least=least)


def resident_octets(process):
    """Memory of a process."""
    text = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1))


def start_again(lab, name, count):
    """Starts the agent of a node, which adopts what is in its tables. Seconds, octets."""
    begin = time.monotonic()
    lab.start_agent(name)
    lab.wait_ready(name, 120)
    took, octets = time.monotonic() - begin, resident_octets(lab.agents[name])
    adopted = lab.ctl_json(name, "status")["cached"]
    lab.agents[name].stop(60)
    if adopted != count:
        raise SystemExit(f"push: {name}: {adopted} of {count} locations adopted")
    return took, octets


def add_starts(rows, lab, counts, rounds):
    """How long an agent takes to start that finds locations, and what it needs for each."""
    found = {}
    for name in ("xdp", "many"):
        found[name] = [start_again(lab, name, counts[name]) for _ in range(rounds)]
        rows.add(f"start-{name}", f"an agent starts and adopts {word(counts[name])} locations", "s",
                 [seconds for seconds, _ in found[name]])
    more = max(o for _, o in found["many"]) - max(o for _, o in found["xdp"])
    rows.add("agent-memory", "agent memory for each cached location", "octets",
             [more / (counts["many"] - counts["xdp"])])


def main():
    """See the top of the file."""
    build, quick = arguments()
    rows = Rows(build, "push")
    rounds, packets, many = (2, 50_000, 100_000) if quick else (21, 200_000, 1_000_000)
    counts = {"xdp": FEW, "tc": FEW, "many": many}
    took = {name: [] for name, *_ in cases(many)}
    with Wires(["gen", "sink", *NODES]) as lab:
        lay_wires(lab)
        start_nodes(lab, counts)
        attach(lab)
        for _ in range(rounds):
            for case in cases(many):
                took[case[0]].append(one_round(lab, case, packets))
        for name, _, _, what in cases(many):
            rows.add(name, what, "ns", took[name])
        add_ratios(rows, took)
        add_starts(rows, lab, counts, 1 if quick else 3)
    rows.write()


if __name__ == "__main__":
    main()
