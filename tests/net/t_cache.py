# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The location cache (draft 4.4, 5.1): what is learnt, what is forgotten, what does not fit."""

import re
import time

from figure5 import attach, counter, edited_conf, learnt, location, ping
from lab import test, topology
from lab.timing import scaled


@test(rows=["B4", "B5"], slow=True)
def idle_entries_end_and_used_ones_stay(lab):
    """4 s of silence end an entry; one in use outlives its lifetime of 20 s, being refreshed."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    flow = lab.stream("cn", "mn", hoa, rate=10, size=100)
    first = lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 5, "learnt")
    ends = time.monotonic() + 24
    while time.monotonic() < ends:
        entry = learnt(lab, "v-lma-2", hoa)
        assert entry, "an entry in use has gone"
        time.sleep(0.5)
    assert first["lifetime_left_s"] <= 20
    result = flow.stop()
    assert result.lost == 0, result
    silent = time.monotonic()
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa) is None, 8, "forgotten")
    assert 3 <= time.monotonic() - silent <= 7
    assert counter(lab, "v-lma-2", "tunnel_owner") >= 1
    before = counter(lab, "h-lma", "tunnel_location")
    assert ping(lab, "cn", hoa, 1), "and learnt anew"
    assert counter(lab, "h-lma", "tunnel_location") > before


@test(rows=["B4"], lab={"mobiles": 2})
def a_full_cache_makes_room(lab):
    """Room for one location, two MNs in use: nothing is lost, the other goes by the owner."""
    conf = edited_conf(lab, lambda text: re.sub(r';\s*hnp = "2001:db8:100:2::/64"', "", text))
    node = conf / "v-lma-2.conf"
    node.write_text(node.read_text(encoding="utf-8").replace(
        'name = "v-lma-2";', 'name = "v-lma-2";\n  limits = { locations = 16; cache = 1; };'),
        encoding="utf-8")
    lab.start_dlma(conf_dir=conf)
    hoas = [attach(lab, "mag-1a", "mn"), attach(lab, "mag-1b", "mn-2")]
    flows = [lab.stream("cn", mn, hoa, rate=100, size=100)
             for mn, hoa in zip(("mn", "mn-2"), hoas)]
    lab.wait(lambda: all(f.received() > 200 for f in flows), 10, "both flow")
    assert lab.ctl_json("v-lma-2", "cache")["cached"] <= 1
    for flow in flows:
        result = flow.stop()
        assert result.lost == 0, result


@test(lab={"mobiles": 2})
def a_full_map_refuses_and_says_so(lab):
    """Room for one binding at V-LMA-1: the second MN is refused with 130, the first is untouched."""
    conf = edited_conf(lab, lambda text: re.sub(r';\s*hnp = "2001:db8:100:2::/64"', "", text))
    node = conf / "v-lma-1.conf"
    node.write_text(node.read_text(encoding="utf-8").replace(
        'name = "v-lma-1";', 'name = "v-lma-1";\n  limits = { locations = 2; cache = 1; };'),
        encoding="utf-8")
    lab.start_dlma(conf_dir=conf)
    hoa = attach(lab, "mag-1a", "mn")
    lab.move("mn-2", "mag-1b")
    lab.wait(lambda: any(b["state"] == "waiting" for b in
                         lab.ctl_json("mag-1b", "bindings")["bindings"]), 10, "refused")
    assert "no room for mn2@example.net" in lab.agents["v-lma-1"].output()
    assert [s["status"] for s in lab.ctl_json("v-lma-1", "counters")["statuses"]] == [0, 130]
    assert ping(lab, "cn", hoa, 3)


@test(rows=["D3"])
def only_the_first_packets_see_the_triangle(lab):
    """Counted at the H-LMA: of 1000 packets a handful, those within the first round trip to it."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    flow = lab.stream("cn", "mn", hoa, rate=500, size=100, count=1000)
    flow.wait_sent(20)
    result = flow.stop()
    assert result.lost == 0, result
    triangle = counter(lab, "h-lma", "tunnel_location")
    direct = counter(lab, "v-lma-2", "tunnel_cached")
    assert triangle + direct == 1000, (triangle, direct)
    assert triangle <= scaled(40), f"{triangle} of 1000 packets by way of the H-LMA"
    assert location(lab, hoa)["d_lma"] == "v-lma-1"
    assert all(counter(lab, n.name, "tunnel_kernel") == 0 for n in topology.NODES)
