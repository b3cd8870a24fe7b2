# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A node of the domain in hostile hands: it has its keys, and says with them what it likes."""

import hashlib
import hmac
import re
import select
import socket
import struct
import time

import figure5
import pcap
from t_trust import checksum, raw_socket

VENDOR_ID, SUBTYPE, MAC_LEN, AUTH_LEN = 32473, 1, 16, 23
LABEL = b"dlma message key 1\0"
BU_PROXY_ACK, BU_HOME = 0x8200, 0x4000
HANDOFF_UNKNOWN, ETHERNET = 4, 3
ANSWER_S = 5


def packed(address):
    """An IPv6 address as it stands on the wire."""
    return socket.inet_pton(socket.AF_INET6, address)


def option(kind, data):
    """A mobility option."""
    return struct.pack("!BB", kind, len(data)) + data


def hnp_option(hnp):
    """Home Network Prefix; "" asks for any."""
    address, _, length = (hnp or "::/0").partition("/")
    return option(22, struct.pack("!BB", 0, int(length)) + packed(address))


def mn_options(mobile, hnp, handoff=HANDOFF_UNKNOWN, ahead_s=0.0):
    """Who, which HNP, how, and when (RFC 5213 8)."""
    number = figure5.mn_id(mobile)[2:].partition("@")[0]
    stamp = int((time.time() + ahead_s) * 65536)
    return option(8, b"\1" + figure5.mn_id(mobile).encode()) + hnp_option(hnp) + \
        option(25, bytes([0, 0, 2, 0, 0, 0, 1, int(number)])) + option(23, bytes([0, handoff])) + \
        option(24, bytes([0, ETHERNET])) + option(27, struct.pack("!Q", stamp))


def secret_of(lab, node, peer):
    """(SPI, secret) that a node shares with a peer, out of its file."""
    text = (lab.conf_dir / f"{node}.keys").read_text(encoding="utf-8")
    found = re.search(rf'peer = "{peer}"; spi = (\d+); secret = "(\w+)"', text)
    return int(found.group(1)), bytes.fromhex(found.group(2))


def seal(spi, secret, src, dst, message):
    """A message with its authentication option in place of the last octets; padded before it."""
    key = hmac.digest(secret, LABEL + packed(src) + packed(dst), hashlib.sha256)
    padding = -(len(message) + AUTH_LEN) % 8
    message += (bytes([1, padding - 2]) + bytes(padding - 2) if padding > 1 else bytes(padding))
    message += struct.pack("!BBBI", 9, AUTH_LEN - 2, 1, spi)
    message = message[:1] + bytes([(len(message) + MAC_LEN) // 8 - 1]) + message[2:]
    covered = packed(src) + packed(dst) + message[:4] + b"\0\0" + message[6:]
    return message + hmac.digest(key, covered, hashlib.sha256)[:MAC_LEN]


class Rogue:
    """Speaks as a node whose agent has been stopped, to one peer at a time."""

    def __init__(self, lab, node):
        self.lab, self.node, self.address = lab, node, lab.address(node)
        self._raw = raw_socket(lab, node, self.address)
        self._run = int(time.time()) + 1000
        self._runs, self._counter, self._sequence = {}, 0, 0x4000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._raw.close()

    def send(self, peer, kind, body, options=b""):
        """Seals and sends a message: its fixed part after the checksum, and its options."""
        self._counter += 1
        fresh = struct.pack("!IBIIQxx", VENDOR_ID, SUBTYPE, self._run, self._runs.get(peer, 0),
                            self._counter)
        message = bytes([59, 0, kind, 0, 0, 0]) + body + options + option(19, fresh)
        spi, secret = secret_of(self.lab, self.node, peer)
        to = self.lab.address(peer)
        self._raw.sendto(checksum(self.address, to, seal(spi, secret, self.address, to, message)),
                         (to, 0))

    def receive(self, peer, wanted, wait_s=ANSWER_S):
        """The next message of a peer that wanted(message) is true for, or None."""
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if select.select([self._raw], [], [], 0.05)[0]:
                message, sender = self._raw.recvfrom(4096)
                if sender[0] == self.lab.address(peer) and wanted(message):
                    return message
        return None

    def meet(self, peer):
        """Learns the run of a peer: its answer to a greeting tells."""
        def is_answer(message):
            return message[2] == figure5.HEARTBEAT and message[7] & 1

        self.send(peer, figure5.HEARTBEAT, struct.pack("!HI", 0, 1))
        answer = self.receive(peer, is_answer)
        assert answer, f"{peer} does not answer"
        at = answer.index(struct.pack("!IB", VENDOR_ID, SUBTYPE))
        self._runs[peer] = struct.unpack("!I", answer[at + 5:at + 9])[0]

    def update(self, peer, options, lifetime=75, home=False):
        """Sends a PBU; returns the status of the answer, or None without one."""
        self._sequence += 1
        flags = BU_PROXY_ACK | (BU_HOME if home else 0)
        self.send(peer, figure5.PBU, struct.pack("!HHH", self._sequence, flags, lifetime), options)
        answer = self.receive(peer, lambda m: m[2] == figure5.PBA and
                              m[8:10] == struct.pack("!H", self._sequence), 1)
        return answer[6] if answer else None


def location_options(target, dlma):
    """What makes a PBU a location update."""
    return option(3, packed(target)) + option(41, bytes([1, 0]) + packed(dlma))


def recorded_session(lab):
    """A tour of MN 1 with some traffic: every Mobility Header that crossed the wires, once."""
    capture = lab.capture()
    for mag in ("mag-1a", "mag-1b", "mag-2", "mag-1a"):
        hoa = figure5.attach(lab, mag)
        figure5.ping(lab, "cn", hoa, 2)
    return hoa, figure5.signalling(pcap.packets(capture.stop()))


def letters(packets):
    """Messages in the format of tests/tools/flood."""
    return b"".join(packed(p.inner.src) + packed(p.inner.dst) +
                    struct.pack("!H", len(p.transport)) + bytes(p.transport) for p in packets)
