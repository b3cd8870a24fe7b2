# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Dead peers (RFC 5847): how soon they are noticed, and what becomes of those who relied on them."""

import time

from figure5 import attach, binding, counters_close, edited_conf, learnt, location
from lab import test
from lab.timing import scaled

FAST = ("    cache_idle_s = 4;", "    heartbeat_interval_s = 0.3; missing_heartbeats_allowed = 2;\n"
        "    cache_idle_s = 4;")
BACKUP = ('address = "2001:db8:b1::1";', 'address = "2001:db8:b1::1"; backup = "v-lma-2";')
DETECTION_S = 1.0


def start(lab, *changes):
    """Starts the domain with fast heartbeats."""
    def edit(text):
        for old, new in (FAST, *changes):
            assert old in text
            text = text.replace(old, new, 1)
        return text
    lab.start_dlma(conf_dir=edited_conf(lab, edit))


def state(lab, node, peer):
    """What a node thinks of a peer."""
    return next(p["state"] for p in lab.ctl_json(node, "peers")["peers"] if p["name"] == peer)


def die(lab, node):
    """As if the power went: no packet in or out from now on."""
    lab.agents[node].kill9()
    lab.loaders[node].kill9()
    lab.run(node, "ip link set net0 down")
    return time.monotonic()


@test(rows=["H3"], limit_s=120)
def a_dead_d_lma_costs_its_detection(lab):
    """A stream by way of V-LMA-1, which dies while the MN moves home: the O-LMA asks the owner
    again once V-LMA-1 is silent, not when its entry ends (20 s)."""
    start(lab)
    hoa = attach(lab, "mag-1a")
    flow = lab.stream("cn", "mn", hoa, rate=500)
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 10, "the O-LMA has learnt where the MN is")
    died = die(lab, "v-lma-1")
    attach(lab, "h-lma")
    lab.wait(lambda: state(lab, "v-lma-2", "v-lma-1") == "down", 5, "V-LMA-2 has noticed")
    noticed = time.monotonic() - died
    count = flow.received()
    lab.wait(lambda: flow.received() > count + 100, 5, "the stream is back")
    assert (learnt(lab, "v-lma-2", hoa) or {}).get("d_lma") in (None, "h-lma")
    result = flow.stop()
    gap_s = len(result.missing()) / 500
    assert gap_s < scaled(2 * DETECTION_S), f"noticed after {noticed:.2f} s, lost {gap_s:.2f} s"
    counters_close(lab, "v-lma-2")


@test(rows=["H3"], limit_s=120)
def the_backup_takes_over(lab):
    """V-LMA-1 dies; its MAG registers the MN with the backup, and the streams go on."""
    start(lab, BACKUP)
    hoa = attach(lab, "mag-1a")
    down = lab.stream("cn", "mn", hoa, rate=500)
    up = lab.stream("mn", "cn", lab.address("cn"), rate=500, from_=hoa)
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 10, "the O-LMA has learnt where the MN is")
    die(lab, "v-lma-1")
    lab.wait(lambda: binding(lab, "v-lma-2", hoa), 10, "the backup has the MN")
    assert location(lab, hoa)["d_lma"] == "v-lma-2"
    counts = down.received(), up.received()
    lab.wait(lambda: down.received() > counts[0] + 100 and up.received() > counts[1] + 100, 5,
             "both streams are back")
    for flow in (down, up):
        gap_s = len(flow.stop().missing()) / 500
        assert gap_s < scaled(2 * DETECTION_S), f"lost {gap_s:.2f} s"


@test(rows=["H3"], hooks=("tc",), limit_s=120, slow=True)
def a_dead_owner_leaves_known_flows_alone(lab):
    """The H-LMA dies: a stream whose location is cached goes on past the end of the entry."""
    start(lab)
    hoa = attach(lab, "mag-1a")
    flow = lab.stream("cn", "mn", hoa, rate=200)
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 10, "the O-LMA has learnt where the MN is")
    die(lab, "h-lma")
    lab.wait(lambda: state(lab, "v-lma-2", "h-lma") == "down", 5, "V-LMA-2 has noticed")
    count = flow.received()
    lab.wait(lambda: flow.received() > count + 200 * 25, 40, "25 s more, and the entry ends in 20")
    result = flow.stop()
    triangle = 200 * 1  # at most: on their way through the H-LMA when it died
    assert max(result.missing(), default=0) < count and len(result.missing()) < triangle
