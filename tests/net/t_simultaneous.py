# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Both ends move at the same time (draft 6.4): two MNs that talk to each other."""

import os
import random
import time

from figure5 import attach, counter, counters_close, delivered_by, location, mn_id
from lab import test, topology

MAGS = ("mag-1a", "mag-1b", "mag-2", "h-lma")
LMA_OF = {"mag-1a": "v-lma-1", "mag-1b": "v-lma-1", "mag-2": "v-lma-2", "h-lma": "h-lma"}
ROUNDS = int(os.environ.get("DLMA_ROUNDS", "20"))
SPREAD_MS = 60  # the longest that one end is behind the other: more than the signalling takes


def leave(lab, mobile, place):
    """Takes a MN off its link, and tells the MAG of half of the departures only."""
    lab.move(mobile, None)
    if random.random() < 0.5:
        lab.ctl(place, "detach", mn_id(mobile))


def move_both(lab, places):
    """Both MNs move, one a little later than the other; which, and how much, is random."""
    targets = {m: random.choice([p for p in MAGS if p != places[m]]) for m in places}
    order = random.sample(list(places), 2)
    for mobile in order:
        leave(lab, mobile, places[mobile])
        lab.move(mobile, targets[mobile])
        time.sleep(random.uniform(0, SPREAD_MS) / 1000)
    return targets


@test(rows=["D5"], lab={"mobiles": 2}, limit_s=60 + 8 * ROUNDS)
def both_ends_move(lab):
    """Every order of the messages: no flow is stuck, and all tables end where the MNs are."""
    random.seed(6014)
    lab.start_dlma()
    places = {"mn": "mag-1a", "mn-2": "mag-2"}
    hoas = {mobile: attach(lab, place, mobile) for mobile, place in places.items()}
    flows = {"mn-2": lab.stream("mn", "mn-2", hoas["mn-2"], rate=500, from_=hoas["mn"]),
             "mn": lab.stream("mn-2", "mn", hoas["mn"], rate=500, from_=hoas["mn-2"])}
    for number in range(ROUNDS):
        places = move_both(lab, places)
        for mobile, place in places.items():
            lab.wait(lambda m=mobile, p=place: delivered_by(lab, p, m), 15,
                     f"round {number}: {mobile} registered at {place}")
        counts = {mobile: flow.received() for mobile, flow in flows.items()}
        for mobile, flow in flows.items():
            lab.wait(lambda f=flow, c=counts[mobile]: f.received() > c + 100, 15,
                     f"round {number}: the flow to {mobile} at {places[mobile]} goes on")
    results = {mobile: flow.stop() for mobile, flow in flows.items()}
    for mobile, result in results.items():
        print(f"to {mobile}: {result.sent} sent, {result.lost} lost in {ROUNDS} rounds, "
              f"{result.duplicates} twice")
        assert result.duplicates == 0
        lab.wait(lambda m=mobile: location(lab, hoas[m])["d_lma"] == LMA_OF[places[m]], 15,
                 f"the H-LMA knows where {mobile} is")
    for node in topology.NODES:
        counters_close(lab, node.name)
    print("loops cut:", {n: counter(lab, n, "tunnel_loop") for n in sorted(set(LMA_OF.values()))})
