# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Mobility routing (draft 4.4, 5.1, 5.2): which way the packets go, header by header."""

import re

import pcap
import privacy
from figure5 import (ALTERNATE_COA, BRR, PBU, attach, counter, counters_close, edited_conf, learnt,
                     option_address, ping, signalling, tunnels)
from lab import test, topology
from lab.timing import scaled

NODES = [n.name for n in topology.NODES]
TUNNEL_HOP_LIMIT = 64


def run_stream(lab, src, dst, to, count, **options):
    """A short numbered flow, all of which must arrive."""
    flow = lab.stream(src, dst, to, count=count, **options)
    flow.wait_sent(30)
    result = flow.stop()
    assert (result.lost, result.duplicates) == (0, 0), result
    return result


def native(p):
    """The UDP packet as it was before any node touched it: without hop limit, and without the
    checksum, which a stack may leave to the network card; where it is there it must be right."""
    assert p.frame.partial or p.checksum_ok(), p
    at = 54 if p.tunnelled else 14
    data = bytearray(p.frame.data[at:])
    data[7] = data[46] = data[47] = 0
    return bytes(data)


def check_outer(p, src, dst):
    """The whole outer header: what RFC 2473 says, and nothing else before the inner packet."""
    inner = p.inner
    assert (p.outer.src, p.outer.dst) == (src, dst), p
    assert p.outer.hop_limit == TUNNEL_HOP_LIMIT, p
    assert p.outer.next_header == pcap.IPV6 and p.outer.extensions == (), p
    assert p.outer.length == inner.length + 40, p
    assert p.outer.traffic_class == inner.traffic_class, p
    assert p.outer.flow_label, "RFC 6438: never 0"


def check_journey(lab, packets, sequence, steps, first_hop_limit=64):
    """One packet of a stream on its way: nodes, tunnels, hop limits, and every octet inside."""
    way = [p for p in pcap.journey(packets, sequence) if not p.interface.startswith("r.")]
    assert [p.interface for p in way] == [s[0] for s in steps], way
    for number, (p, (_, entry, exit_)) in enumerate(zip(way, steps)):
        assert native(p) == native(way[0]), f"step {number} changed the packet: {p}"
        assert p.inner.hop_limit == first_hop_limit - number, p
        if entry:
            check_outer(p, lab.address(entry), lab.address(exit_))
        else:
            assert not p.tunnelled, p


def figure_7(hoa_mag="mag-1a"):
    """First packets, CN to MN: by way of the H-LMA."""
    return [("cn.net0", None, None), ("v-lma-2.net0", "v-lma-2", "h-lma"),
            ("h-lma.net0", "h-lma", "v-lma-1"), ("v-lma-1.net0", "v-lma-1", hoa_mag),
            (f"{hoa_mag}.acc0", None, None)]


def figure_8(hoa_mag="mag-1a"):
    """Subsequent packets: straight from the O-LMA to the D-LMA."""
    return [("cn.net0", None, None), ("v-lma-2.net0", "v-lma-2", "v-lma-1"),
            ("v-lma-1.net0", "v-lma-1", hoa_mag), (f"{hoa_mag}.acc0", None, None)]


@test(rows=["B1", "B2", "B3", "B4", "B10", "D3", "H2", "H8"])
def figures_7_and_8(lab):
    """The first packet by way of the H-LMA, the later ones direct; no packet waits or is lost."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    run_stream(lab, "cn", "mn", hoa, 200, rate=200, size=300)
    packets = pcap.packets(capture.stop())
    check_journey(lab, packets, 0, figure_7())
    check_journey(lab, packets, 199, figure_8())
    ways = [tuple(tunnels(lab, packets, s)) for s in range(200)]
    triangle, direct = ("v-lma-2>h-lma", "h-lma>v-lma-1", "v-lma-1>mag-1a"), \
        ("v-lma-2>v-lma-1", "v-lma-1>mag-1a")
    assert set(ways) == {triangle, direct}, set(ways)
    turn = ways.index(direct)
    assert ways == [triangle] * turn + [direct] * (200 - turn), "each way once, in this order"
    # The answer of the H-LMA takes a round trip of 40 ms: 8 packets, and a few for a busy machine.
    assert 1 <= turn <= scaled(16), f"{turn} packets saw the triangle"
    labels = {p.outer.flow_label & 0x3ffff for p in packets if p.sequence is not None and
              p.tunnelled}
    assert len(labels) == 1, "one flow, one label"
    told = signalling(packets, PBU, lab.address("h-lma"), lab.address("v-lma-2"))
    assert told and option_address(told[0], ALTERNATE_COA) == lab.address("v-lma-1")
    assert signalling(packets, BRR, lab.address("v-lma-2"), lab.address("h-lma"))
    assert learnt(lab, "v-lma-2", hoa)["d_lma"] == "v-lma-1"
    for node in NODES:
        counters_close(lab, node)


@test(rows=["B3"])
def the_h_lma_tells_without_being_asked(lab):
    """The O-LMA's question is lost: the packets themselves make the H-LMA tell (push)."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    lab.agents["v-lma-2"].kill9()
    assert ping(lab, "cn", hoa, 2)
    before = counter(lab, "h-lma", "event_sent")
    assert before >= 1
    lab.start_agent("v-lma-2")
    lab.wait_ready("v-lma-2")
    lab.wait(lambda: ping(lab, "cn", hoa) and learnt(lab, "v-lma-2", hoa), 10, "told or asked")


@test(rows=["C6", "H2", "H8"])
def figure_10(lab):
    """MN to CN: in a tunnel to its LMA, from there native; the kernel lowers the last hop limits."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    run_stream(lab, "mn", "cn", lab.address("cn"), 50, rate=200, size=300, from_=hoa)
    packets = pcap.packets(capture.stop())
    way = [p for p in pcap.journey(packets, 49) if not p.interface.startswith("r.")]
    assert [p.interface for p in way] == ["mn.wlan0", "mag-1a.net0", "v-lma-1.net0",
                                          "v-lma-2.cn0"], way
    check_outer(way[1], lab.address("mag-1a"), lab.address("v-lma-1"))
    assert [p.tunnelled for p in way] == [False, True, False, False]
    assert all(native(p) == native(way[0]) for p in way)
    # MAG, LMA, router, V-LMA-2 as the CN's first-hop router
    assert [p.inner.hop_limit for p in way] == [64, 63, 62, 60]
    assert counter(lab, "mag-1a", "tunnel_uplink") >= 50
    assert counter(lab, "v-lma-1", "from_mn") >= 50
    for node in NODES:
        counters_close(lab, node)


@test(rows=["C7", "H2", "H8"], lab={"mobiles": 2})
def mn_to_mn(lab):
    """MN1 - MAG1 - O-LMA - D-LMA - MAG2 - MN2 (draft 5.3); the first packets by way of the H-LMA."""
    lab.start_dlma()
    hoa1, hoa2 = attach(lab, "mag-1a"), attach(lab, "mag-2", "mn-2")
    for src, dst, source, target, mags, lmas in (
            ("mn", "mn-2", hoa1, hoa2, ("mag-1a", "mag-2"), ("v-lma-1", "v-lma-2")),
            ("mn-2", "mn", hoa2, hoa1, ("mag-2", "mag-1a"), ("v-lma-2", "v-lma-1"))):
        capture = lab.capture()
        run_stream(lab, src, dst, target, 100, rate=200, size=300, from_=source)
        packets = pcap.packets(capture.stop())
        uplink = [(f"{src}.wlan0", None, None), (f"{mags[0]}.net0", mags[0], lmas[0])]
        down = [(f"{lmas[1]}.net0", lmas[1], mags[1]), (f"{mags[1]}.acc0", None, None)]
        check_journey(lab, packets, 0, [*uplink, (f"{lmas[0]}.net0", lmas[0], "h-lma"),
                                        ("h-lma.net0", "h-lma", lmas[1]), *down])
        check_journey(lab, packets, 99, [*uplink, (f"{lmas[0]}.net0", *lmas), *down])
    for node in NODES:
        counters_close(lab, node)


@test(rows=["C7"], lab={"mobiles": 2})
def mn_to_mn_in_one_network(lab):
    """O-LMA and D-LMA in one: no other LMA sees the packet, whether there are two MAGs or one."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    for mag in ("mag-1b", "mag-1a"):
        hoa2 = attach(lab, mag, "mn-2")
        capture = lab.capture()
        run_stream(lab, "mn", "mn-2", hoa2, 20, rate=200, size=300, from_=hoa)
        packets = pcap.packets(capture.stop())
        for sequence in (0, 19):
            check_journey(lab, packets, sequence,
                          [("mn.wlan0", None, None), ("mag-1a.net0", "mag-1a", "v-lma-1"),
                           ("v-lma-1.net0", "v-lma-1", mag), (f"{mag}.acc0", None, None)])


@test(rows=["B11"])
def at_home_the_h_lma_is_the_d_lma(lab):
    """O-LMA to H-LMA is the only tunnel; the O-LMA learns that the owner is the right target."""
    lab.start_dlma()
    hoa = attach(lab, "h-lma")
    capture = lab.capture()
    run_stream(lab, "cn", "mn", hoa, 100, rate=200, size=200)
    packets = pcap.packets(capture.stop())
    steps = [("cn.net0", None, None), ("v-lma-2.net0", "v-lma-2", "h-lma"),
             ("h-lma.acc0", None, None)]
    for sequence in (0, 99):
        check_journey(lab, packets, sequence, steps)
    assert learnt(lab, "v-lma-2", hoa)["d_lma"] == "h-lma"


@test(rows=["B10"], lab={"correspondents": ("cn", "cn-1")})
def o_lma_and_d_lma_in_one(lab):
    """A CN in the network where the MN is: one tunnel, from its LMA to the MAG."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    run_stream(lab, "cn-1", "mn", hoa, 20, rate=200, size=200)
    check_journey(lab, pcap.packets(capture.stop()), 0,
                  [("cn-1.net0", None, None), ("v-lma-1.net0", "v-lma-1", "mag-1a"),
                   ("mag-1a.acc0", None, None)])


@test(rows=["A3"])
def nested_prefixes_have_their_own_owner(lab):
    """The longest prefix decides who the H-LMA is: V-LMA-1 owns a part of what H-LMA owns."""
    conf = edited_conf(lab, lambda text: re.sub(
        r'(\{ prefix = "2001:db8:100::/40"; owner = "h-lma"; hnp_length = 64; \})',
        r'\1,\n    { prefix = "2001:db8:180::/44"; owner = "v-lma-1"; hnp_length = 64; },'
        r'\n    { prefix = "2001:db8:184::/48"; owner = "mag-x"; hnp_length = 64; }', text)
        .replace("mag-x", "h-lma"))
    lab.start_dlma(conf_dir=conf)
    for address, owner in (("2001:db8:17f::1", "h-lma"), ("2001:db8:180::1", "v-lma-1"),
                           ("2001:db8:18f:ffff::1", "v-lma-1"), ("2001:db8:184::1", "h-lma"),
                           ("2001:db8:185::1", "v-lma-1"), ("2001:db8:190::1", "h-lma")):
        capture = lab.capture()
        ping(lab, "cn", address, 1, 1)
        outer = {p.outer.dst for p in pcap.packets(capture.stop()) if p.tunnelled and
                 p.interface == "v-lma-2.net0"}
        assert outer == {lab.address(owner)}, f"{address}: {outer}"


@test(rows=["C10"], lab={"correspondents": ("cn", "cn-1")})
def no_location_reaches_the_ends(lab):
    """Every octet that CN and MN hear is searched for the addresses of MAGs and LMAs."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    captures = {end: lab.capture(interfaces=[end], both=True)
                for end in ("cn.net0", "cn-1.net0", "mn.wlan0")}
    between = lab.capture("mag-1a")
    for cn in ("cn", "cn-1"):
        run_stream(lab, cn, "mn", hoa, 50, rate=500, size=300)
        assert ping(lab, cn, hoa, 3)
        run_stream(lab, "mn", cn, lab.address(cn), 50, rate=500, size=300, from_=hoa)
    attach(lab, "mag-1b")
    run_stream(lab, "cn", "mn", hoa, 50, rate=500, size=300)
    attach(lab, "mag-2")
    run_stream(lab, "cn", "mn", hoa, 50, rate=500, size=300)
    ping(lab, "cn", "2001:db8:1ff::1", 1, 1)  # a HoA that nobody has
    for hops in range(1, 6):  # what traceroute does
        lab.run("cn", f"ping -n -c 1 -W 1 -t {hops} {hoa}", check=False)
        lab.run("mn", f"ping -n -c 1 -W 1 -t {hops} -I {hoa} {lab.address('cn')}", check=False)
    assert privacy.leaks_in(between.stop()), "the search finds what there is to find"
    for end, capture in captures.items():
        frames = [f for f in capture.stop() if f.out]
        assert len(frames) > 50, f"{end} heard only {len(frames)} frames"
        assert not privacy.leaks_in(frames), f"{end}: {privacy.leaks_in(frames)[0]}"


@test(rows=["H2"])
def congestion_marks_and_classes_both_ways(lab):
    """Traffic class and ECN of the packet stand in the outer header, and arrive unchanged."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    for tclass in (0x00, 0x02, 0x03, 0xb8 | 0x01):
        capture = lab.capture()
        run_stream(lab, "cn", "mn", hoa, 5, rate=500, size=100, tclass=tclass)
        packets = [p for p in pcap.packets(capture.stop()) if p.sequence is not None]
        assert packets and {p.headers[0].traffic_class for p in packets} == {tclass}
        assert {p.inner.traffic_class for p in packets} == {tclass}


@test(rows=["H8"])
def every_packet_is_counted_once(lab):
    """All kinds of traffic, good and bad: the sums close on every node."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    run_stream(lab, "cn", "mn", hoa, 100, rate=500, size=100)
    run_stream(lab, "mn", "cn", lab.address("cn"), 100, rate=500, size=100, from_=hoa)
    ping(lab, "cn", "2001:db8:1ff::1", 2, 1)
    ping(lab, "cn", "2001:db8:100:1::dead", 1, 1)
    ping(lab, "cn", lab.address("h-lma"), 2)
    lab.run("cn", f"ping -n -c 1 -W 1 -t 1 {hoa}", check=False)
    for node in NODES:
        counters_close(lab, node)
    assert counter(lab, "h-lma", "unbound") >= 1
    assert counter(lab, "v-lma-2", "hop_limit") == 1
