# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sizes (rows H1, H2): who is told that a packet is too big, what is learnt from the errors of
routers, and what no node may touch on its way.

Between the nodes there are 1500 octets, as between most networks; a tunnel takes 40 of them.
"""

import errno
import socket
import struct

import pcap
from figure5 import attach, counter, counters_close
from lab import test, topology

EDGE, TUNNEL, LEAST = 1500, 40, 1280
FITS = EDGE - TUNNEL  # of the end systems' packets, in the tunnel
NARROW = 1400  # of a link in the middle
TIGHT = {"underlay_mtu": EDGE}
UNREACHABLE, TOO_BIG = 1, 2  # ICMPv6
IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_RECVERR, IPV6_PMTUDISC_DO = 23, 24, 25, 2
PORT = 9  # discard
LEARN_S = 10
STATUS_S = 20  # the loader writes its counters every ten seconds
OCTETS = 8 << 20


def octets(address):
    """An address as it stands in a packet."""
    return socket.inet_pton(socket.AF_INET6, address)


def make_socket(lab, node, kind=socket.SOCK_DGRAM, protocol=0):
    """A socket in the namespace of a node."""
    with lab.namespaces[node].entered():
        return socket.socket(socket.AF_INET6, kind, protocol)


def connected(lab, node, to, source=None):
    """A UDP socket that finds the MTU of its path, and says it."""
    udp = make_socket(lab, node)
    udp.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
    if source:
        udp.bind((source, 0))
    udp.connect((to, PORT))
    return udp


def mtu_of(udp):
    """What the kernel of its node knows of the path."""
    return udp.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)


def fill(udp, size):
    """Sends a UDP packet of that many octets, IPv6 header included, if the kernel lets it go."""
    try:
        udp.send(bytes(i & 0xFF for i in range(size - 48)))
    except OSError as error:
        assert error.errno in (errno.EMSGSIZE, errno.EHOSTUNREACH, errno.ECONNREFUSED), error


def learn(lab, udp, mtu):
    """Sends as much as the path seems to take until it is known to take `mtu` octets."""
    def known():
        if mtu_of(udp) != mtu:
            fill(udp, mtu_of(udp))
        return mtu_of(udp) == mtu

    lab.wait(known, LEARN_S, f"a path MTU of {mtu}, not {mtu_of(udp)}", 0.05)


def errors(packets, kind=TOO_BIG):
    """ICMPv6 errors that somebody was sent."""
    return [p for p in packets if p.proto == pcap.ICMPV6 and p.kind == kind and p.out]


def complete(packet):
    """A packet whose checksum a network card is yet to fill in is a quotation here: does so."""
    data = bytearray(packet.frame.data)
    if not packet.frame.partial:
        return bytes(data)
    at = 14 + 40 + 8 + 40  # of the quoted UDP header
    total = sum(struct.unpack(f"!{(len(data) - at) // 2}H", data[at:]))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", data, at + 6, ~total & 0xFFFF)
    return bytes(data)


def without_udp_checksum(data):
    """An IPv6 packet of UDP: a sender may leave the checksum to its network card."""
    return data[:46] + bytes(2) + data[48:]


def check_error(packet, sent, mtu):
    """Every octet of a Packet Too Big for `sent`."""
    frame = pcap.Packet(pcap.Frame(0, packet.interface, True, False, complete(packet)))
    data, original = frame.frame.data, sent.frame.data[14:]
    head = struct.pack("!IHBB", 6 << 28, LEAST - 40, pcap.ICMPV6, packet.inner.hop_limit)
    assert data[14:54] == head + original[24:40] + original[8:24], packet
    assert data[54:56] + data[58:62] == struct.pack("!BBI", TOO_BIG, 0, mtu), packet
    quoted = data[62:]
    assert len(quoted) == LEAST - 48, len(quoted)
    assert quoted[:7] == original[:7] and sent.inner.hop_limit - quoted[7] in (0, 1), packet
    assert without_udp_checksum(quoted)[8:] == without_udp_checksum(original)[8:LEAST - 48], packet
    assert frame.checksum_ok(), packet
    assert packet.inner.hop_limit in (63, 64), packet


def no_node_in(lab, packets):
    """Row C10: nothing that an end system hears names an LMA or a MAG."""
    heard = [p for p in packets if p.out]
    assert heard
    for packet in heard:
        for node in topology.NODES:
            assert octets(node.address) not in packet.frame.data, f"{node.name}: {packet}"


@test(rows=["H1", "C10"], lab=TIGHT)
def both_ends_are_told(lab):
    """CN and MN learn the MTU of the path by an error in the name of the other; every octet."""
    lab.start_dlma()
    # A host that does not listen when its MAG advertises the MTU.
    lab.namespaces["mn"].write_sysctls({"ipv6/conf/wlan0/accept_ra_mtu": 0})
    hoa = attach(lab, "mag-1a")
    for node, port, to, source in (("cn", "cn.net0", hoa, None),
                                   ("mn", "mn.wlan0", lab.address("cn"), hoa)):
        capture = lab.capture(interfaces=[port], both=True)
        with connected(lab, node, to, source) as udp:
            assert mtu_of(udp) == EDGE, mtu_of(udp)
            fill(udp, EDGE)
            lab.wait(lambda udp=udp: mtu_of(udp) == FITS, LEARN_S, f"{node} knows the path MTU")
        packets = pcap.packets(capture.stop())
        sent = [p for p in packets if not p.out and p.dport == PORT]
        told = errors(packets)
        assert len(sent) == len(told) == 1, (sent, told)
        check_error(told[0], sent[0], FITS)
        no_node_in(lab, packets)
        route = lab.run(node, f"ip -6 route get {to}").stdout
        assert f"mtu {FITS}" in route, route
    assert counter(lab, "v-lma-2", "too_big_told") == 1
    assert counter(lab, "mag-1a", "too_big_told") == 1
    for node in topology.NODES:
        counters_close(lab, node.name)


@test(rows=["H1", "C10"], lab=TIGHT | {"mobiles": 2})
def a_mn_is_told_through_its_tunnel(lab):
    """MN to MN: the LMAs have a narrower way on than the MAG had to them."""
    lab.start_dlma()
    attach(lab, "mag-1a")
    hoa, hoa2 = attach(lab, "mag-1a"), attach(lab, "mag-2", "mn-2")
    lab.run(topology.ROUTER, "ip link set dev net2 mtu 1440")
    with connected(lab, "mn", hoa2, hoa) as udp:
        capture = lab.capture(interfaces=["mn.wlan0"], both=True)
        learn(lab, udp, 1440 - TUNNEL)
        packets = pcap.packets(capture.stop())
    told = {p.inner.src: struct.unpack_from("!I", p.transport, 4)[0] for p in errors(packets)}
    assert told == {hoa2: 1440 - TUNNEL}, told
    assert all(p.checksum_ok() or p.frame.partial for p in errors(packets))
    no_node_in(lab, packets)


@test(rows=["H1", "H2"], lab=TIGHT)
def tcp_both_ways(lab):
    """Hosts as they are: MTU 1500, offloads on (with TC). Every octet arrives."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    captures = [lab.capture(interfaces=[port], both=True) for port in ("cn.net0", "mn.wlan0")]
    for src, dst, to, source in (("cn", "mn", hoa, "::"), ("mn", "cn", lab.address("cn"), hoa)):
        got = lab.transfer(src, dst, to, count=OCTETS, from_=source).wait(60)
        assert (got.end, got.received, got.mismatches) == ("done", OCTETS, 0), got
    for capture in captures:
        no_node_in(lab, pcap.packets(capture.stop()))
    for node in topology.NODES:
        counters_close(lab, node.name)


def narrow_paths(lab, node):
    """What routers have told the node, by the name of the peer."""
    names = {n.address: n.name for n in topology.NODES}
    return {names[p["peer"]]: p["mtu"]
            for p in lab.ctl_json(node, "status")["loader"]["narrow_paths"]}


@test(rows=["H1", "C10"], lab=TIGHT)
def a_narrow_link_in_the_middle(lab):
    """A router tells the node that tunnelled; the node tells the next sender; TCP finds its way."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    lab.run(topology.ROUTER, f"ip link set dev net1 mtu {NARROW}")
    capture = lab.capture(interfaces=["cn.net0"], both=True)
    with connected(lab, "cn", hoa) as udp:
        learn(lab, udp, NARROW - TUNNEL)
    no_node_in(lab, pcap.packets(capture.stop()))
    paths = narrow_paths(lab, "v-lma-2") | narrow_paths(lab, "h-lma")
    assert paths and set(paths.items()) <= {("v-lma-1", NARROW), ("mag-1a", NARROW)}, paths
    got = lab.transfer("cn", "mn", hoa, count=OCTETS).wait(60)
    assert (got.end, got.received, got.mismatches) == ("done", OCTETS, 0), got
    assert narrow_paths(lab, "v-lma-2") == {"v-lma-1": NARROW}


@test(rows=["H1", "H2", "C10"], lab=TIGHT)
def tcp_through_a_narrow_relay(lab):
    """Only the D-LMA knows how narrow its way to the MAG is: it tells the CN, out of the tunnel."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    lab.run("v-lma-1", f"ip -6 route add {lab.address('mag-1a')}/128 dev net0 mtu {NARROW}")
    captures = [lab.capture(interfaces=[port], both=True) for port in ("cn.net0", "mn.wlan0")]
    got = lab.transfer("cn", "mn", hoa, count=OCTETS).wait(60)
    assert (got.end, got.received, got.mismatches) == ("done", OCTETS, 0), got
    heard = [pcap.packets(capture.stop()) for capture in captures]
    for packets in heard:
        no_node_in(lab, packets)
    told = errors(heard[0])
    assert {(p.inner.src, p.transport[4:8]) for p in told} == \
        {(hoa, struct.pack("!I", NARROW - TUNNEL))}, told
    assert counter(lab, "v-lma-1", "too_big_told") >= 1
    counters_close(lab, "v-lma-1")


@test(rows=["H1", "C10"])
def an_access_link_that_is_narrow(lab):
    """All paths are wide but the last link: the MAG tells the CN, by way of the LMA of the MN."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    lab.run("mag-1a", f"ip link set dev acc0 mtu {NARROW}")
    captures = [lab.capture(interfaces=[port], both=True) for port in ("cn.net0", "mn.wlan0")]
    with connected(lab, "cn", hoa) as udp:
        learn(lab, udp, NARROW)
    got = lab.transfer("cn", "mn", hoa, count=OCTETS).wait(60)
    assert (got.end, got.received, got.mismatches) == ("done", OCTETS, 0), got
    for capture in captures:
        no_node_in(lab, pcap.packets(capture.stop()))
    for node in topology.NODES:
        counters_close(lab, node.name)


def too_big(mtu, outer_src, outer_dst, inner_src, inner_dst, **lies):
    """What a router says of a packet of 1500 octets in a tunnel. The kernel adds the checksum."""
    label, following = lies.get("label", 0x12345), lies.get("next", pcap.IPV6)
    size, inner_size = lies.get("size", EDGE - 40), lies.get("inner_size", EDGE - 80)
    return (struct.pack("!BBHI", TOO_BIG, 0, 0, mtu) +
            struct.pack("!IHBB", 6 << 28 | label, size, following, lies.get("hop_limit", 64)) +
            octets(outer_src) + octets(outer_dst) +
            struct.pack("!IHBB", 6 << 28, inner_size, pcap.UDP, 63) +
            octets(inner_src) + octets(inner_dst) + bytes(100))


def icmp_errors(lab, node):
    """What the loader has made of the errors that it heard."""
    return lab.ctl_json(node, "status")["loader"]["icmp_errors"]


@test(rows=["H1"], lab=TIGHT)
def forged_errors_change_nothing(lab):
    """Only what quotes a packet of one of our tunnels is believed, and nothing below 1280."""
    lab.start_dlma()
    lma, peer = lab.address("v-lma-2"), lab.address("v-lma-1")
    cn, hoa, stranger = lab.address("cn"), "2001:db8:100:1::1", "2001:db8:f::77"
    genuine = (lma, peer, cn, hoa)
    forged = [
        too_big(68, *genuine),
        too_big(LEAST - 1, *genuine),
        too_big(0, *genuine),
        too_big(EDGE, *genuine),
        too_big(9000, *genuine),
        too_big(NARROW, stranger, peer, cn, hoa),
        too_big(NARROW, peer, lma, cn, hoa),
        too_big(NARROW, lma, stranger, cn, hoa),
        too_big(NARROW, lma, lma, cn, hoa),
        too_big(NARROW, lma, peer, cn, stranger),
        too_big(NARROW, lma, peer, cn, "ff02::1"),
        too_big(NARROW, *genuine, label=0),
        too_big(NARROW, *genuine, next=pcap.UDP),
        too_big(NARROW, *genuine, hop_limit=65),
        too_big(NARROW, *genuine, hop_limit=0),
        too_big(NARROW, *genuine, size=EDGE),
        too_big(NARROW, *genuine, size=1000, inner_size=960),
        too_big(NARROW, *genuine)[:87],
        struct.pack("!BBHI", TOO_BIG, 0, 0, NARROW),
    ]
    with make_socket(lab, topology.ROUTER, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
        for message in forged:
            raw.sendto(message, (lma, 0))
        lab.wait(lambda: icmp_errors(lab, "v-lma-2")["ignored"] >= len(forged), STATUS_S,
                 "all errors counted", 0.2)
        assert not narrow_paths(lab, "v-lma-2")
        assert icmp_errors(lab, "v-lma-2")["learned"] == 0
        raw.sendto(too_big(NARROW, *genuine), (lma, 0))
        lab.wait(lambda: narrow_paths(lab, "v-lma-2") == {"v-lma-1": NARROW}, LEARN_S,
                 "the genuine one believed")
        raw.sendto(too_big(LEAST, *genuine), (lma, 0))
        lab.wait(lambda: narrow_paths(lab, "v-lma-2") == {"v-lma-1": LEAST + TUNNEL}, LEARN_S,
                 "room for 1280 octets kept")


@test(rows=["H1"], lab=TIGHT)
def without_the_right_to_hear(lab):
    """A loader without CAP_NET_RAW says so in one line, and does everything else."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    lab.loaders["v-lma-2"].stop()
    loader = lab.start("v-lma-2", ["setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw",
                                   lab.program("dlma-loader"), "--hook", lab.hook,
                                   lab.conf("v-lma-2")], env=lab.dlma_env(), name="deaf")
    lab.wait(lambda: "dlma0: attached" in loader.output(), LEARN_S, "loader running")
    warnings = [line for line in loader.output().splitlines() if line.startswith("warning")]
    assert len(warnings) == 1 and "CAP_NET_RAW" in warnings[0], loader.output()
    assert icmp_errors(lab, "v-lma-2")["heard"] is False
    with connected(lab, "cn", hoa) as udp:
        learn(lab, udp, FITS)


@test(rows=["H1", "C10"], lab=TIGHT)
def nobody_can_be_reached(lab):
    """What a router says of an LMA behind it, the CN hears of the MN (RFC 2473 8.2)."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    for node in ("h-lma", "v-lma-1"):
        lab.run(topology.ROUTER, f"ip -6 route add unreachable {lab.address(node)}/128 metric 1")
    capture = lab.capture(interfaces=["cn.net0"], both=True)
    with connected(lab, "cn", hoa) as udp:
        udp.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)

        def refused():
            try:
                udp.send(b"anybody there?")
            except OSError as error:
                return error.errno == errno.EHOSTUNREACH
            return False

        lab.wait(refused, LEARN_S, "the CN hears that the MN cannot be reached", 0.1)
    packets = pcap.packets(capture.stop())
    told = errors(packets, UNREACHABLE)
    sent = [p for p in packets if not p.out and p.dport == PORT]
    assert told and {(p.inner.src, p.code) for p in told} == {(hoa, 3)}, told
    assert all(p.checksum_ok() or p.frame.partial for p in told)
    # as far as the router has quoted: it is the packet, its hop limit lowered by the tunnel's entry
    quoted, original = told[0].transport[8:], sent[0].frame.data[14:]
    assert quoted[:7] == original[:7] and quoted[8:46] == original[8:46], told[0]
    no_node_in(lab, packets)


def extended(src, dst, mark):
    """IPv6 packets with all kinds of extension headers, marked to be found again."""
    options = bytes((1, 4, 0, 0, 0, 0))
    headers = {"hop-by-hop": (0, options), "destination": (60, options),
               "routing": (43, bytes((4, 0, 0, 0, 0, 0))), "fragment": (44, None)}
    udp = struct.pack("!HHHH", 5000, PORT, 8 + len(mark), 0xBEEF) + mark
    for name, (number, rest) in headers.items():
        extension = bytes((pcap.UDP, 0)) + rest if rest else \
            struct.pack("!BBHI", pcap.UDP, 0, 1, 0x2A)
        yield name, struct.pack("!IHBB", 6 << 28 | 0xABCDE, len(extension + udp), number, 64) + \
            octets(src) + octets(dst) + extension + udp


@test(rows=["H1", "H2"], lab=TIGHT)
def what_is_inside_is_not_touched(lab):
    """Extension headers and fragments arrive octet by octet but for the hop limit."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    for node, to, source, port in (("cn", hoa, lab.address("cn"), "mn.wlan0"),
                                   ("mn", lab.address("cn"), hoa, "cn.net0")):
        with make_socket(lab, node, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            for name, packet in extended(source, to, b"do not touch " * 5):
                capture = lab.capture(interfaces=[port], both=True)
                raw.sendto(packet, (to, 0))
                lab.wait(lambda c=capture, p=packet: any(
                    f.out and f.data[14:21] + f.data[22:] == p[:7] + p[8:]
                    for f in c.frames()), LEARN_S, f"{name} of {node} arrives as it was")
                capture.stop()


@test(rows=["H1", "H2"], lab=TIGHT)
def fragments_of_the_sender_arrive(lab):
    """A datagram that its sender cuts, after it has learnt how small, is put together again."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    with make_socket(lab, "mn") as receiver, make_socket(lab, "cn") as sender:
        receiver.bind(("::", PORT))
        receiver.setblocking(False)
        datagram = bytes(i * 7 & 0xFF for i in range(6000))

        def arrived():
            sender.sendto(datagram, (hoa, PORT))
            try:
                return receiver.recv(65536) == datagram
            except BlockingIOError:
                return False

        lab.wait(arrived, LEARN_S, "the datagram arrives", 0.1)
