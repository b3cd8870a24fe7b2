#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Round-trip times over a map of sites (draft 6.1): tests/net/rtt.py REPORT.md [HOOK]

Each line of the report is the domain of Figure 5 with its three networks at three of the sites. The
laboratory has one router, and a delay between it and each network. For three sites these delays can
be chosen so that every two are as far apart as on the map, unless a detour by the third is shorter.
"""

import itertools
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from figure5 import attach, edited_conf, learnt, ping
from lab import Lab

# Round-trip times in ms between cities as networks have them, rounded.
MAP = {
    ("Frankfurt", "London"): 14, ("Frankfurt", "New York"): 84, ("Frankfurt", "Sao Paulo"): 196,
    ("Frankfurt", "Singapore"): 160, ("Frankfurt", "Tokyo"): 226, ("London", "New York"): 72,
    ("London", "Sao Paulo"): 190, ("London", "Singapore"): 168, ("London", "Tokyo"): 216,
    ("New York", "Sao Paulo"): 116, ("New York", "Singapore"): 222, ("New York", "Tokyo"): 168,
    ("Sao Paulo", "Singapore"): 330, ("Sao Paulo", "Tokyo"): 268, ("Singapore", "Tokyo"): 70,
}
SITES = sorted({site for pair in MAP for site in pair})
PINGS = 5

# Home network, network of the MN, network of the CN.
PLACES = (
    ("Frankfurt", "London", "London"), ("Frankfurt", "London", "New York"),
    ("Frankfurt", "New York", "Sao Paulo"), ("Frankfurt", "Singapore", "Tokyo"),
    ("New York", "Frankfurt", "London"), ("Singapore", "Tokyo", "Sao Paulo"),
    ("Tokyo", "Frankfurt", "London"), ("London", "Singapore", "Singapore"),
)

HEAD = """# Round-trip times

Made by `sudo make rtt`, hook {hook}: what `ping` measured between a CN and a MN, in ms, with the
programs, agents and configurations of the tests. The sites are cities; how far they are apart is in
`tests/net/rtt.py` (between two networks in one city: 2 ms).

*direct*: CN to the MN's network without any mobility, the least that there is. *first*: the first
packet, by way of the H-LMA. *later*: all others (draft 5.1, Figure 8). *D-LMA bypassed*: O-LMA to MAG
(draft 5.1.1, Figure 9). *both bypassed*: the CN is a MN too, MAG to MAG (draft 5.4, Figure 11).

| home network | MN in | CN in | direct | first | later | D-LMA bypassed | both bypassed |
|---|---|---|---|---|---|---|---|
"""


class Times(NamedTuple):
    """Round-trip times in ms between a CN and a MN."""

    direct: float
    first: float
    later: float
    past_d_lma: float
    past_both: float


def distance(one, other):
    """Round-trip time in ms between two sites; within a city networks are 2 ms apart."""
    return 2 if one == other else MAP.get((one, other)) or MAP[other, one]


def delays(home, mn_site, cn_site):
    """One-way delay between the router and each network, so that all three distances are right."""
    to_mn, to_cn, between = (distance(home, mn_site), distance(home, cn_site),
                             distance(mn_site, cn_site))
    return {"home": (to_mn + to_cn - between) / 4, "visited-1": (to_mn + between - to_cn) / 4,
            "visited-2": (to_cn + between - to_mn) / 4}


def start(lab, disclose):
    """The domain with a policy about who may know where a MN is."""
    lab.start_dlma(conf_dir=edited_conf(lab, lambda text: text.replace(
        'name = "figure5";', f'name = "figure5"; disclose_proxy_coa = "{disclose}";')))


def settled(lab, node, hoa):
    """Pings until the way is the one that stays; returns the median of what follows."""
    target = lab.wait(lambda: ping(lab, node, hoa) and ping(lab, node, hoa), 10, "answers")
    assert target
    ping(lab, node, hoa, 8)
    return statistics.median(ping(lab, node, hoa, PINGS))


def measure(hook, places):
    """All ways between a CN and a MN at these places."""
    options = {"hook": hook, "delays_ms": delays(*places)}
    with Lab(**options) as lab:
        start(lab, "none")
        hoa = attach(lab, "mag-1a")
        direct = statistics.median(ping(lab, "cn", lab.address("mag-1a"), PINGS))
        first = ping(lab, "cn", hoa)[0]
        later = settled(lab, "cn", hoa)
    with Lab(**options) as lab:
        start(lab, "lma")
        hoa = attach(lab, "mag-1a")
        past_d_lma = settled(lab, "cn", hoa)
        assert learnt(lab, "v-lma-2", hoa)["target"] == "mag-1a"
    with Lab(**options, mobiles=2) as lab:
        start(lab, "mag")
        hoa = attach(lab, "mag-1a")
        attach(lab, "mag-2", "mn-2")
        past_both = settled(lab, "mn-2", hoa)
        assert learnt(lab, "mag-2", hoa)["target"] == "mag-1a"
    return Times(direct, first, later, past_d_lma, past_both)


def main():
    """Measures all places and writes the report."""
    report, hook = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "xdp"
    assert len(SITES) >= 6 and all(distance(*pair) for pair in itertools.combinations(SITES, 2))
    assert all(min(delays(*p).values()) >= 0 for p in PLACES), "no three sites of a map are like that"
    lines = []
    for places in PLACES:
        times = measure(hook, places)
        lines.append(f"| {' | '.join(places)} | {' | '.join(f'{t:.0f}' for t in times)} |")
        print(lines[-1], flush=True)
    report.write_text(HEAD.format(hook=hook) + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
