# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets that are not where they should be (draft 4.4, 9): dropped under a name, sender told."""

import socket
import struct

import pcap
from figure5 import BE, attach, counter, counters_close, hnp_of, ping, signalling
from lab import test

PROTO_IPV6 = 41


def tunnelled(lab, node, outer_dst, src, dst, payload=b"stray"):
    """Sends one packet in a tunnel as a node's kernel would, from its own address."""
    udp = struct.pack("!HHHH", 4000, 4000, 8 + len(payload), 0) + payload
    pseudo = (socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) +
              struct.pack("!II", len(udp), 17) + udp + bytes(len(udp) % 2))
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    udp = udp[:6] + struct.pack("!H", ~total & 0xffff or 0xffff) + udp[8:]
    inner = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + udp
    with lab.namespaces[node].entered():
        raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, PROTO_IPV6)
    with raw:
        raw.sendto(inner, (outer_dst, 0))


@test(rows=["B9"])
def not_anchored_here(lab):
    """A LMA that gets a tunnelled packet for a HoA of others drops it, and says so once."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    for _ in range(5):
        tunnelled(lab, "v-lma-1", lab.address("v-lma-2"), "2001:db8:c1::9", hoa)
    lab.wait(lambda: counter(lab, "v-lma-2", "wrong_anchor") == 5, 5, "dropped")
    packets = pcap.packets(capture.stop())
    assert not [p for p in packets if p.payload == b"stray" and p.interface == "mag-1a.acc0"]
    answers = signalling(packets, BE, lab.address("v-lma-2"), lab.address("v-lma-1"))
    assert len(answers) == 1, "one Binding Error for the five"
    assert answers[0].transport[6] == 1 and pcap.address_text(answers[0].transport[8:24]) == hoa
    counters_close(lab, "v-lma-2")
    assert ping(lab, "cn", hoa, 3), "nothing else changed"


@test(rows=["B9"])
def owned_but_anchored_nowhere(lab):
    """The owner drops packets for HoAs that nobody has, tunnelled or not, under their own reason."""
    lab.start_dlma()
    tunnelled(lab, "v-lma-1", lab.address("h-lma"), "2001:db8:c1::9", "2001:db8:1aa::1")
    lab.wait(lambda: counter(lab, "h-lma", "unbound") == 1, 5, "dropped")
    assert not ping(lab, "cn", "2001:db8:1aa::1", 1, 1)
    assert counter(lab, "h-lma", "unbound") >= 2


@test(rows=["H7"])
def a_mn_may_only_use_its_own_addresses(lab):
    """Spoofed by the MN: another HoA, a foreign address. Spoofed by a MAG: somebody else's HoA."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    other = hnp_of(hoa)[:-4] + ":77"
    capture = lab.capture()
    lab.run("mn", "ip address add 2001:db8:1bb::7/128 dev wlan0 nodad")
    lab.run("mn", f"ping -c 2 -i 0.1 -W 1 -I 2001:db8:1bb::7 {lab.address('cn')}", check=False)
    assert counter(lab, "mag-1a", "unbound_source") >= 1
    # MAG-1b has no binding: whatever source it brings is refused by the LMA.
    for source in (hoa, other, "2001:db8:1bb::7", "2001:db8:c9::1"):
        before = counter(lab, "v-lma-1", "inner_source")
        tunnelled(lab, "mag-1b", lab.address("v-lma-1"), source, lab.address("cn"))
        lab.wait(lambda count=before: counter(lab, "v-lma-1", "inner_source") == count + 1, 5,
                 f"{source} refused")
    # MAG-1a may bring its MN's packets, and no others.
    tunnelled(lab, "mag-1a", lab.address("v-lma-1"), hoa, lab.address("cn"))
    lab.wait(lambda: counter(lab, "v-lma-1", "from_mn") >= 1, 5, "the right one passes")
    before = counter(lab, "v-lma-1", "inner_source")
    tunnelled(lab, "mag-1a", lab.address("v-lma-1"), "2001:db8:1bb::7", lab.address("cn"))
    lab.wait(lambda: counter(lab, "v-lma-1", "inner_source") == before + 1, 5, "refused")
    heard = [p for p in pcap.packets(capture.stop()) if p.payload == b"stray" and
             p.interface == "v-lma-2.cn0"]
    assert [p.inner.src for p in heard] == [hoa], heard
    for node in ("mag-1a", "v-lma-1"):
        counters_close(lab, node)


@test(rows=["H7"], lab={"mobiles": 2})
def another_mn_cannot_borrow_an_address(lab):
    """MN 2 on the same link sends with the HoA of MN 1, from its own link-layer address."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a", "mn")
    attach(lab, "mag-1a", "mn-2")
    lab.run("mn-2", f"ip address add {hoa}/128 dev wlan0 nodad")
    before = counter(lab, "mag-1a", "inner_source")
    lab.run("mn-2", f"ping -c 3 -i 0.1 -W 1 -I {hoa} {lab.address('cn')}", check=False)
    assert counter(lab, "mag-1a", "inner_source") >= before + 3
    lab.run("mn-2", f"ip address del {hoa}/128 dev wlan0")
    assert ping(lab, "cn", hoa, 3), "MN 1 is untouched"
