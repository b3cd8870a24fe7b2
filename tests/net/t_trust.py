# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Trust (draft 9): who is not a peer changes nothing and hears nothing."""

import random
import re
import socket
import struct

import pcap
from figure5 import (BE, PBU, attach, counter, delivered_by, learnt, location, ping, signal_counter,
                     signalling)
from lab import test, topology
from t_strays import tunnelled

MH = 135
STRANGER = "2001:db8:b1::bad"


def raw_socket(lab, node, source):
    """A socket for Mobility Headers in a node; the checksum is ours to make."""
    with lab.namespaces[node].entered():
        raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, MH)
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_CHECKSUM, -1)
        raw.bind((source, 0))
    return raw


def checksum(src, dst, message):
    """A message with the right checksum in it (RFC 6275 6.1.1)."""
    zeroed = message[:4] + b"\0\0" + message[6:]
    pseudo = (socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) +
              struct.pack("!II", len(zeroed), MH) + zeroed + bytes(len(zeroed) % 2))
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return zeroed[:4] + struct.pack("!H", ~total & 0xffff) + zeroed[6:]


def tables(lab, nodes=None):
    """Every table of every node (or these), without what only passes with time."""
    found = {}
    for name in nodes or [n.name for n in topology.NODES]:
        if not lab.agents[name].alive:
            continue
        for verb, member in (("bindings", "bindings"), ("locations", "locations"),
                             ("cache", "cache")):
            rows = lab.ctl_json(name, verb)[member]
            found[name, verb] = sorted(
                tuple(sorted((k, str(v)) for k, v in row.items()
                             if k not in ("lifetime_left_s", "idle_s", "heard_ago_s")))
                for row in rows)
    return found


def changes(before, after):
    """Which rows of tables() went (-) and came (+)."""
    return [f"{sign} {where} {dict(row)}" for where in sorted(set(before) | set(after))
            for sign, here, there in (("-", before, after), ("+", after, before))
            for row in here.get(where, []) if row not in there.get(where, [])]


def expect(lab, node, reason, send, count=1):
    """Runs send(); the messages must be counted under the reason, and nothing must change."""
    before, state = signal_counter(lab, node, reason), tables(lab)
    send()
    lab.wait(lambda: signal_counter(lab, node, reason) >= before + count, 5,
             f"{reason} counted at {node}")
    assert not (changed := changes(state, tables(lab))), (reason, changed)


def recorded(lab, kind, src, dst):
    """A genuine message, as it was on the wire a moment ago: MN 1 is moved once for it."""
    capture = lab.capture()
    attach(lab, "mag-1b")
    lab.wait(lambda: not delivered_by(lab, "mag-1a"), 10, "the old MAG gave up")
    found = signalling(pcap.packets(capture.stop()), kind, lab.address(src), lab.address(dst))
    assert found, f"no message of type {kind} from {src} to {dst}"
    return found[0].transport


@test(rows=["F1"])
def forged_cut_and_replayed_messages(lab):
    """Each is counted under its reason; no table of any node changes; no stranger is answered."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    v1, home = lab.address("v-lma-1"), lab.address("h-lma")
    genuine = recorded(lab, PBU, "v-lma-1", "h-lma")
    lab.agents["v-lma-1"].stop()  # from here on, we are V-LMA-1
    raw = raw_socket(lab, "v-lma-1", v1)

    def send(message, fix=True):
        raw.sendto(checksum(v1, home, message) if fix else message, (home, 0))

    def changed(at, value):
        assert genuine[at] != value
        return genuine[:at] + bytes([value]) + genuine[at + 1:]

    with raw:
        expect(lab, "h-lma", "replayed", lambda: send(genuine))
        expect(lab, "h-lma", "mh_checksum", lambda: send(changed(4, genuine[4] ^ 1), False))
        expect(lab, "h-lma", "mh_payload_proto", lambda: send(changed(0, 41)))
        expect(lab, "h-lma", "mh_type_unknown", lambda: send(changed(2, 77)))
        expect(lab, "h-lma", "mh_length", lambda: send(genuine[:-8]))
        expect(lab, "h-lma", "mh_length", lambda: send(genuine + bytes(8)))
        expect(lab, "h-lma", "mh_length", lambda: send(genuine + bytes(3)))
        expect(lab, "h-lma", "mh_short", lambda: send(genuine[:6]))
        expect(lab, "h-lma", "option_overrun", lambda: send(changed(13, 250)))
        expect(lab, "h-lma", "auth_failed", lambda: send(changed(10, genuine[10] ^ 1)))
        expect(lab, "h-lma", "auth_failed", lambda: send(changed(len(genuine) - 1, genuine[-1] ^ 1)))
        expect(lab, "h-lma", "auth_spi", lambda: send(changed(len(genuine) - 17, genuine[-17] ^ 0x77)))
        expect(lab, "h-lma", "auth_missing",
               lambda: send(bytes([59, 1, 5, 0, 0, 0, 0, 9, 0x82, 0, 0, 75, 1, 2, 0, 0])))
        state = tables(lab)
        before = signal_counter(lab, "h-lma", "auth_failed")
        maker = random.Random(1)
        for _ in range(2000):
            forged = bytearray(genuine)
            for _ in range(maker.randint(1, 4)):
                forged[maker.randrange(6, len(forged))] ^= 1 << maker.randrange(8)
            send(bytes(forged))
        lab.wait(lambda: signal_counter(lab, "h-lma", "auth_failed") > before + 1000, 10,
                 "forgeries counted")
        assert not (changed := changes(state, tables(lab))), changed
    lab.start_agent("v-lma-1")
    lab.wait_ready("v-lma-1")
    lab.wait(lambda: ping(lab, "cn", hoa, 1, 1), 15, "and everything works")


@test(rows=["F1"])
def strangers_hear_nothing(lab):
    """Every MH type from an address that is no peer's: counted, not answered, nothing changed."""
    lab.start_dlma()
    attach(lab, "mag-1a")
    v1 = lab.address("v-lma-1")
    lab.run("mag-2", f"ip address add {STRANGER}/128 dev net0")
    lab.run("r", f"ip route add {STRANGER}/128 via {lab.address('mag-2')}")
    lab.run("v-lma-1", f"ip route add {STRANGER}/128 via 2001:db8:b1::ff")
    capture = lab.capture()
    with raw_socket(lab, "mag-2", STRANGER) as raw:
        def flood():
            for kind in range(256):
                message = bytes([59, 4, kind, 0, 0, 0]) + bytes(34)
                raw.sendto(checksum(STRANGER, v1, message), (v1, 0))
        expect(lab, "v-lma-1", "stranger", flood, 256)
    answers = [p for p in pcap.packets(capture.stop())
               if p.inner and p.inner.dst == STRANGER and p.proto in (MH, pcap.ICMPV6) and
               p.kind not in (135, 136)]
    assert answers == [], answers


@test(rows=["F1"])
def a_message_for_another_node_is_of_no_use(lab):
    """A genuine PBU, sent to another LMA, or back to its sender: refused by both."""
    lab.start_dlma()
    attach(lab, "mag-1a")
    genuine = recorded(lab, PBU, "v-lma-1", "h-lma")
    v1, v2 = lab.address("v-lma-1"), lab.address("v-lma-2")
    with raw_socket(lab, "v-lma-1", v1) as raw:
        expect(lab, "v-lma-2", "auth_failed",
               lambda: raw.sendto(checksum(v1, v2, genuine), (v2, 0)))
    home = lab.address("h-lma")
    with raw_socket(lab, "h-lma", home) as raw:
        expect(lab, "v-lma-1", "auth_failed",
               lambda: raw.sendto(checksum(home, v1, genuine), (v1, 0)))


@test(rows=["F1"])
def a_peer_with_another_key_is_no_peer(lab):
    """V-LMA-2 has made new keys for itself: nobody believes it, and it learns nothing."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    lab.agents["v-lma-2"].stop()
    keys = lab.conf_dir / "v-lma-2.keys"
    text = keys.read_text(encoding="utf-8")
    keys.write_text(re.sub(r'secret = "(.)', lambda m: f'secret = "{"10"[m[1] == "1"]}', text),
                    encoding="utf-8")
    lab.start_agent("v-lma-2")
    lab.wait_ready("v-lma-2")
    assert ping(lab, "cn", hoa, 3), "packets need no signalling: by way of the owner"
    assert learnt(lab, "v-lma-2", hoa) is None
    lab.wait(lambda: signal_counter(lab, "h-lma", "auth_failed") >= 1, 5, "counted")
    assert lab.ctl_json("v-lma-2", "status")["peers_up"] == 0
    assert location(lab, hoa)["d_lma"] == "v-lma-1"


@test(rows=["F2"])
def an_untrusted_node_cannot_tunnel(lab):
    """Tunnelled packets from addresses that are no peers: dropped and counted at LMA and MAG."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    capture = lab.capture()
    for target in ("v-lma-1", "h-lma", "mag-1a"):
        before = counter(lab, target, "untrusted_peer")
        for _ in range(10):
            tunnelled(lab, "cn", lab.address(target), lab.address("cn"), hoa)
        lab.wait(lambda t=target, c=before: counter(lab, t, "untrusted_peer") == c + 10, 5,
                 f"dropped at {target}")
    # A MAG takes tunnels from LMAs only, an LMA's from MAGs only for their own MNs.
    before = counter(lab, "mag-1a", "untrusted_peer")
    tunnelled(lab, "mag-1b", lab.address("mag-1a"), lab.address("cn"), hoa)
    lab.wait(lambda: counter(lab, "mag-1a", "untrusted_peer") == before + 1, 5, "MAG to MAG")
    heard = [p for p in pcap.packets(capture.stop())
             if p.payload == b"stray" and p.interface == "mag-1a.acc0"]
    assert heard == [], heard
    assert not [p for p in signalling(pcap.packets(pcap.read(capture.path)), BE)]
