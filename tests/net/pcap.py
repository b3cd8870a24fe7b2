# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads the captures of tests/tools/capture and takes packets apart.

    for packet in packets(read(path)):
        if packet.tunnelled and packet.interface == "v-lma-2.net0":
            print(packet.outer.src, packet.outer.dst, packet.inner.dst, packet.proto)

A test of thousands of packets reads every one of them here, so this is written to be fast: fixed
structures, addresses turned into text once each.
"""

import socket
import struct
from functools import lru_cache
from pathlib import Path

ETH_IPV6 = 0x86DD
TCP, UDP, IPV6, ICMPV6, DSTOPTS, MH, NO_NEXT = 6, 17, 41, 58, 60, 135, 59
_EXTENSIONS = {0, 43, 60}  # hop-by-hop, routing, destination options
_FRAGMENT = 44

_BLOCK = struct.Struct("<II")
_PACKET = struct.Struct("<IIII")
_OPTION = struct.Struct("<HH")
_U32 = struct.Struct("<I")
_SECTION, _INTERFACE, _ENHANCED = 0x0A0D0D0A, 1, 6
_COMMENT, _NAME_OR_FLAGS = 1, 2
_OUTBOUND = 2

_IP6 = struct.Struct("!IHBB16s16s")
_PORTS = struct.Struct("!HH")
_TCP = struct.Struct("!HHIIBBH")
STREAM_MAGIC = b"dlma"
_STREAM = struct.Struct("=4s4xQQ")


class Frame:
    """What crossed one interface once. `time` is CLOCK_MONOTONIC in ns.

    `interface` is NODE.IFACE in a capture of the wires; `out` is False for what the node put on
    its wire and True for what it received. `partial`: the sender left the checksum to a network
    card, so the one in `data` is not to be looked at.
    """

    __slots__ = ("time", "interface", "out", "partial", "data")

    def __init__(self, time, interface, out, partial, data):
        self.time = time
        self.interface = interface
        self.out = out
        self.partial = partial
        self.data = data


def _options(data, at, end):
    """All options of a block: (code, value)."""
    while at + 4 <= end:
        code, length = _OPTION.unpack_from(data, at)
        if not code:
            return
        yield code, data[at + 4:at + 4 + length]
        at += 4 + (length + 3 & ~3)


def _section_offset(data, at, length):
    for code, value in _options(data, at + 24, at + length - 4):
        if code == _COMMENT and value.startswith(b"monotonic-offset-ns "):
            return int(value.split()[1])
    return 0


def _frame(data, at, length, names, offset):
    number, high, low, captured = _PACKET.unpack_from(data, at + 8)
    start = at + 28
    tail = start + (captured + 3 & ~3)
    out = partial = False
    for code, value in _options(data, tail, at + length - 4):
        if code == _NAME_OR_FLAGS:
            out = _U32.unpack(value)[0] & 3 == _OUTBOUND
        elif code == _COMMENT:
            partial = value == b"partial checksum"
    return Frame((high << 32 | low) + offset, names[number], out, partial,
                 data[start:start + captured])


def read(path):
    """All frames of a capture in order of time. A block that is still being written is left out."""
    data = Path(path).read_bytes()
    names, frames, offset, at, end = [], [], 0, 0, len(data)
    while at + 12 <= end:
        kind, length = _BLOCK.unpack_from(data, at)
        if at + length > end:
            break
        if kind == _ENHANCED:
            frames.append(_frame(data, at, length, names, offset))
        elif kind == _INTERFACE:
            options = dict(_options(data, at + 16, at + length - 4))
            names.append(options[_NAME_OR_FLAGS].decode())
        elif kind == _SECTION:
            offset = _section_offset(data, at, length)
        at += length
    frames.sort(key=lambda frame: frame.time)
    return frames


@lru_cache(maxsize=65536)
def address_text(octets):
    """16 octets as an IPv6 address."""
    return socket.inet_ntop(socket.AF_INET6, octets)


@lru_cache(maxsize=4096)
def mac_text(octets):
    """6 octets as a link-layer address."""
    return octets.hex(":")


class Header:
    """One IPv6 header. `next_header` is what follows its extension headers."""

    __slots__ = ("src", "dst", "hop_limit", "traffic_class", "flow_label", "length",
                 "next_header", "extensions", "fragment")

    def __init__(self, data, at):
        word, self.length, self.next_header, self.hop_limit, src, dst = _IP6.unpack_from(data, at)
        self.src = address_text(src)
        self.dst = address_text(dst)
        self.traffic_class = word >> 20 & 0xFF
        self.flow_label = word & 0xFFFFF
        self.extensions = ()  # of (type, octets)
        self.fragment = None  # offset in octets

    def skip_extensions(self, data, at):
        """Walks over the extension headers that begin at `at`; returns where they end."""
        while self.next_header in _EXTENSIONS or self.next_header == _FRAGMENT:
            kind, length = self.next_header, (data[at + 1] + 1) * 8
            if kind == _FRAGMENT:
                length = 8
                self.fragment = struct.unpack_from("!H", data, at + 2)[0] & 0xFFF8
            self.extensions += ((kind, data[at:at + length]),)
            self.next_header = data[at]
            at += length
            if self.fragment:
                break
        return at

    def __repr__(self):
        return f"{self.src} > {self.dst} hl {self.hop_limit}"


class Packet:
    """A frame taken apart; raises for nothing: what cannot be read is just not there.

    `headers` has all IPv6 headers, the outermost first; `proto` is what the innermost carries,
    and `payload` what that carries (for TCP, UDP: the data; else all behind the header chain).
    sport, dport: TCP, UDP. kind: ICMPv6 or MH type; code: ICMPv6. seq, ack, flags: TCP.
    """

    __slots__ = ("frame", "headers", "proto", "transport", "payload", "sport", "dport", "kind",
                 "code", "seq", "ack", "flags")

    def __init__(self, frame):
        self.frame = frame
        self.headers = []
        self.proto = self.sport = self.dport = self.kind = self.code = None
        self.seq = self.ack = self.flags = None
        self.transport = self.payload = b""
        try:
            self._parse(frame.data)
        except (struct.error, IndexError):
            pass

    def _parse(self, data):
        if data[12:14] != b"\x86\xdd":
            return
        at, following = 14, IPV6
        while following == IPV6:
            header = Header(data, at)
            self.headers.append(header)
            end = at + 40 + header.length
            at = header.skip_extensions(data, at + 40)
            following = header.next_header
            if header.fragment:
                break
        self.proto = following
        # A super-packet above 64 KiB says length 0; padding of short frames is cut off.
        self.transport = self.payload = data[at:end] if header.length else data[at:]
        parse = None if header.fragment else _TRANSPORTS.get(following)
        if parse:
            parse(self, self.transport)

    def _parse_udp(self, data):
        self.sport, self.dport = _PORTS.unpack_from(data)
        self.payload = data[8:]

    def _parse_tcp(self, data):
        self.sport, self.dport, self.seq, self.ack, offset, self.flags, _ = _TCP.unpack_from(data)
        self.payload = data[(offset >> 4) * 4:]

    def _parse_icmp(self, data):
        self.kind, self.code = data[0], data[1]

    def _parse_mh(self, data):
        self.kind = data[2]

    time = property(lambda self: self.frame.time)
    interface = property(lambda self: self.frame.interface)
    out = property(lambda self: self.frame.out)
    eth_dst = property(lambda self: mac_text(self.frame.data[:6]))
    eth_src = property(lambda self: mac_text(self.frame.data[6:12]))

    @property
    def tunnelled(self):
        """Whether it is an IPv6 packet in another one."""
        return len(self.headers) > 1

    @property
    def outer(self):
        """The tunnel's header, None for a native packet."""
        return self.headers[0] if len(self.headers) > 1 else None

    @property
    def inner(self):
        """The header of the packet itself, tunnelled or not; None if it is not IPv6."""
        return self.headers[-1] if self.headers else None

    @property
    def sequence(self):
        """Number of a packet of tests/tools/stream, else None."""
        if self.proto != UDP or self.payload[:4] != STREAM_MAGIC or len(self.payload) < 24:
            return None
        return _STREAM.unpack_from(self.payload)[1]

    def checksum_ok(self):
        """Whether the checksum of TCP, UDP, ICMPv6 or MH is right. Meaningless if partial."""
        data = self.transport
        pseudo = (socket.inet_pton(socket.AF_INET6, self.inner.src) +
                  socket.inet_pton(socket.AF_INET6, self.inner.dst) +
                  struct.pack("!II", len(data), self.proto))
        total = int.from_bytes(pseudo + data + bytes(len(data) % 2), "big")
        return total % 0xFFFF == 0

    def __repr__(self):
        way = "to" if self.out else "from"
        tunnel = f"[{self.outer}] " if self.tunnelled else ""
        what = f" kind {self.kind}" if self.kind is not None else ""
        return (f"{self.time / 1e9:.6f} {way} {self.interface}: {tunnel}{self.inner} "
                f"proto {self.proto}{what} {len(self.payload)} octets")


_TRANSPORTS = {
    TCP: Packet._parse_tcp,
    UDP: Packet._parse_udp,
    ICMPV6: Packet._parse_icmp,
    MH: Packet._parse_mh,
}


def packets(frames):
    """The frames, taken apart."""
    return [Packet(frame) for frame in frames]


def journey(all_packets, sequence):
    """Everywhere that one packet of a stream was put on a wire, in order of time."""
    return [p for p in all_packets if not p.out and p.sequence == sequence]


def journeys(all_packets):
    """The same for every packet of the stream at once: {sequence: [Packet...]}."""
    found = {}
    for p in all_packets:
        if not p.out and (sequence := p.sequence) is not None:
            found.setdefault(sequence, []).append(p)
    return found
