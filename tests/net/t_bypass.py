# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Bypassing LMAs (draft 5.1.1, 5.1.2, 5.1.3, 5.4): straight to the MAG, where policy allows."""

import pcap
from figure5 import (ALTERNATE_COA, LRA, LRI, PBU, PREVIOUS_LMA, attach, counter, counters_close,
                     edited_conf, learnt, option_address, patient, ping, signalling, tunnels)
from lab import test, topology
from t_handover import move_with_stream
from t_routing import check_journey, figure_8, run_stream

NODES = [n.name for n in topology.NODES]


def figure_9(mag="mag-1a"):
    """CN to MN past the D-LMA."""
    return [("cn.net0", None, None), ("v-lma-2.net0", "v-lma-2", mag), (f"{mag}.acc0", None, None)]


def start(lab, disclose="lma", extra="", edit=lambda text: text):
    """Starts the domain with a policy that lets others than the D-LMA know the proxy-CoA."""
    lab.start_dlma(conf_dir=edited_conf(lab, lambda text: edit(text.replace(
        'name = "figure5";', f'name = "figure5"; disclose_proxy_coa = "{disclose}"; {extra}'))))


@test(rows=["C1", "C10"])
def figure_9_past_the_d_lma(lab):
    """The D-LMA tells the O-LMA the proxy-CoA, and the O-LMA tunnels straight to the MAG."""
    start(lab)
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    run_stream(lab, "cn", "mn", hoa, 200, rate=200, size=300)
    packets = pcap.packets(capture.stop())
    ways = [tuple(tunnels(lab, packets, s)) for s in range(200)]
    triangle = ("v-lma-2>h-lma", "h-lma>v-lma-1", "v-lma-1>mag-1a")
    order = [triangle, ("v-lma-2>v-lma-1", "v-lma-1>mag-1a"), ("v-lma-2>mag-1a",)]
    assert sorted(ways, key=order.index) == ways and set(ways) >= {triangle, order[2]}, set(ways)
    check_journey(lab, packets, 199, figure_9())
    told = [p for p in signalling(packets, PBU, lab.address("v-lma-1"), lab.address("v-lma-2"))]
    assert [option_address(p, ALTERNATE_COA) for p in told] == [lab.address("mag-1a")]
    assert option_address(told[0], PREVIOUS_LMA) == lab.address("v-lma-1")
    entry = learnt(lab, "v-lma-2", hoa)
    assert (entry["d_lma"], entry["target"]) == ("v-lma-1", "mag-1a")
    explained = lab.ctl_json("v-lma-2", "explain", hoa)
    assert explained["target"] == "mag-1a" and "bypassed" in " ".join(explained["steps"])
    for node in NODES:
        counters_close(lab, node)


@test(rows=["C10"])
def nobody_is_told_without_leave(lab):
    """The policy of the MN stands above that of the domain, both ways."""
    def edit(text):
        return text.replace('name = "figure5";', 'name = "figure5"; disclose_proxy_coa = "lma";') \
            .replace('link_layer = "02:00:00:00:01:01";',
                     'link_layer = "02:00:00:00:01:01"; disclose_proxy_coa = "none";')
    lab.start_dlma(conf_dir=edited_conf(lab, edit))
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    run_stream(lab, "cn", "mn", hoa, 200, rate=200, size=300)
    packets = pcap.packets(capture.stop())
    check_journey(lab, packets, 199, figure_8())
    assert not signalling(packets, PBU, lab.address("v-lma-1"), lab.address("v-lma-2"))


@test(rows=["C4"])
def the_mag_changes_while_bypassed(lab):
    """Previous MAG tunnels to the new MAG, the O-LMA learns it, nothing is lost once accepted."""
    start(lab)
    hoa = attach(lab, "mag-1a")
    _, packets, result = move_with_stream(lab, hoa, "mag-1a", "mag-1b", gap_ms=20)
    ways = [tuple(tunnels(lab, packets, r.sequence)) for r in result.records]
    assert ("v-lma-2>mag-1a",) in ways, "bypassed before"
    assert ("v-lma-2>mag-1a", "mag-1a>mag-1b") in ways, "the previous MAG forwards"
    assert ways[-1] == ("v-lma-2>mag-1b",), "bypassed after"
    told = [p for p in signalling(packets, PBU, lab.address("mag-1a"), lab.address("v-lma-2"))
            if option_address(p, ALTERNATE_COA) == lab.address("mag-1b")]
    assert told, "the previous MAG tells the O-LMA"
    on_link = [p.sequence for p in packets if p.interface == "mag-1a.acc0" and
               p.sequence in result.missing()]
    assert sorted(result.missing()) == sorted(set(on_link)), "lost only on the link that it left"
    assert result.duplicates == 0
    for node in NODES:
        counters_close(lab, node)


@test(rows=["C5"], slow=True)
def the_lma_changes_while_bypassed(lab):
    """V-LMA-1 to V-LMA-2's network and home: the previous MAG forwards to the new one."""
    start(lab)
    hoa = attach(lab, "mag-1a")
    for old, new in (("mag-1a", "h-lma"), ("h-lma", "mag-1b"), ("mag-1b", "mag-2")):
        _, packets, result = move_with_stream(lab, hoa, old, new, gap_ms=20)
        ways = {tuple(tunnels(lab, packets, r.sequence)) for r in result.records}
        if old != "h-lma":
            assert ("v-lma-2>" + old, f"{old}>{new}") in ways, f"{old} to {new}: {ways}"
            assert signalling(packets, PBU, lab.address(old), lab.address("v-lma-2")) or \
                new == "mag-2"
        on_link = {p.sequence for p in packets if p.interface == f"{old}.acc0"}
        assert set(result.missing()) <= on_link, f"{old} to {new}: {result.missing()}"
        assert result.duplicates == 0
    assert counter(lab, "v-lma-2", "tunnel_loop") == 0


@test(rows=["C2"])
def the_h_lma_tracks_the_mag(lab):
    """By configuration the H-LMA tunnels to the MAG itself, and tells the O-LMA to do so too."""
    start(lab, extra="home_tracks_mag = true;")
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    run_stream(lab, "cn", "mn", hoa, 100, rate=200, size=300)
    packets = pcap.packets(capture.stop())
    assert tunnels(lab, packets, 0) == ["v-lma-2>h-lma", "h-lma>mag-1a"]
    check_journey(lab, packets, 99, figure_9())
    told = signalling(packets, PBU, lab.address("h-lma"), lab.address("v-lma-2"))
    assert option_address(told[0], ALTERNATE_COA) == lab.address("mag-1a")
    assert option_address(told[0], PREVIOUS_LMA) == lab.address("v-lma-1")
    attach(lab, "mag-1b")
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa) is None, 15, "forgotten")
    capture = lab.capture()
    run_stream(lab, "cn", "mn", hoa, 20, rate=200, size=300)
    packets = pcap.packets(capture.stop())
    assert tunnels(lab, packets, 0) == ["v-lma-2>h-lma", "h-lma>mag-1b"]


def mn_to_mn(lab, place1, place2):
    """A stream between two MNs; returns the ways of its packets, without repetitions."""
    hoa1, hoa2 = attach(lab, place1), attach(lab, place2, "mn-2")
    capture = lab.capture()
    run_stream(lab, "mn", "mn-2", hoa2, 200, rate=200, size=300, from_=hoa1)
    packets = pcap.packets(capture.stop())
    for node in NODES:
        counters_close(lab, node)
    return hoa1, hoa2, packets, [tuple(tunnels(lab, packets, s)) for s in range(200)]


@test(rows=["C8", "C10"], lab={"mobiles": 2})
def mn_to_mn_past_the_d_lma(lab):
    """MAG1 - O-LMA - MAG2; the MAGs, which may not know of each other, are told nothing."""
    start(lab, "lma")
    _, _, packets, ways = mn_to_mn(lab, "mag-1a", "mag-2")
    assert ways[-1] == ("mag-1a>v-lma-1", "v-lma-1>mag-2"), ways[-1]
    assert not signalling(packets, LRI)
    check_journey(lab, packets, 199, [
        ("mn.wlan0", None, None), ("mag-1a.net0", "mag-1a", "v-lma-1"),
        ("v-lma-1.net0", "v-lma-1", "mag-2"), ("mag-2.acc0", None, None)])


@test(rows=["C9", "C10"], lab={"mobiles": 2})
def figure_11_from_mag_to_mag(lab):
    """Both LMAs bypassed where the policy of both MNs allows that (LRI and LRA, RFC 6705)."""
    start(lab, "mag", edit=patient)
    hoa1, hoa2, packets, ways = mn_to_mn(lab, "mag-1a", "mag-2")
    assert ways[0] == ("mag-1a>v-lma-1", "v-lma-1>h-lma", "h-lma>v-lma-2", "v-lma-2>mag-2")
    check_journey(lab, packets, 199, [("mn.wlan0", None, None), ("mag-1a.net0", "mag-1a", "mag-2"),
                                      ("mag-2.acc0", None, None)])
    asked = signalling(packets, LRI, lab.address("v-lma-1"), lab.address("mag-1a"))
    assert asked and signalling(packets, LRA, lab.address("mag-1a"), lab.address("v-lma-1"))
    assert learnt(lab, "mag-1a", hoa2)["target"] == "mag-2"
    explained = lab.ctl_json("mag-1a", "explain", hoa2)
    assert explained["target"] == "mag-2", explained
    # The other end moves: its previous MAG forwards, and tells the MAG that tunnels to it.
    flow = lab.stream("mn", "mn-2", hoa2, rate=1000, size=200, from_=hoa1)
    lab.wait(lambda: flow.received() > 200, 10, "flows")
    capture = lab.capture()
    lab.move("mn-2", None)
    lab.ctl("mag-2", "detach", "mn2@example.net")
    lab.move("mn-2", "mag-1b")
    count = flow.received()
    lab.wait(lambda: flow.received() > count + 1500, 20, "flows again")
    packets = pcap.packets(capture.stop())
    result = flow.stop()
    ways = {tuple(tunnels(lab, packets, r.sequence)) for r in result.records}
    assert ("mag-1a>mag-2", "mag-2>mag-1b") in ways, ways
    assert ("mag-1a>mag-1b",) in ways and ("mag-1a>v-lma-1", "v-lma-1>mag-1b") not in ways, ways
    on_link = {p.sequence for p in packets if p.interface == "mag-2.acc0"}
    assert set(result.missing()) <= on_link, sorted(set(result.missing()) - on_link)[:20]


@test(rows=["C9"], lab={"mobiles": 2})
def two_mns_at_one_mag(lab):
    """No tunnel at all, once the LMA of both has said so."""
    start(lab, "mag")
    _, _, packets, ways = mn_to_mn(lab, "mag-1a", "mag-1a")
    assert ways[0] == ("mag-1a>v-lma-1", "v-lma-1>mag-1a") and ways[-1] == (), (ways[0], ways[-1])
    check_journey(lab, packets, 199, [("mn.wlan0", None, None), ("mag-1a.acc0", None, None)])


@test(rows=["D2"])
def asked_before_the_first_packet(lab):
    """The first packets wait for the answer of the H-LMA: none takes the triangle, none is lost."""
    lab.start_dlma(conf_dir=edited_conf(lab, lambda text: text.replace(
        'name = "figure5";', 'name = "figure5"; ask_first = true;')))
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    run_stream(lab, "cn", "mn", hoa, 500, rate=1000, size=300)
    packets = pcap.packets(capture.stop())
    ways = {tuple(tunnels(lab, packets, s)) for s in range(500)}
    assert ways == {("v-lma-2>v-lma-1", "v-lma-1>mag-1a")}, ways
    held = counter(lab, "v-lma-2", "held")
    assert 20 < held < 200, f"{held} packets waited; a round trip to the H-LMA takes 40 ms"
    assert ping(lab, "cn", "2001:db8:1ff::1", 1, 3) == [], "nobody has this HoA"
    lab.wait(lambda: counter(lab, "h-lma", "unbound") == 1, 5, "the owner counts it after all")
    for node in NODES:
        counters_close(lab, node)
