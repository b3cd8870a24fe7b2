# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A MAG with very many mobile nodes, as far as its LMA can tell: it speaks the protocol, no more."""

import hashlib
import hmac
import re
import socket
import struct
import time

from figure5 import options_of

MH = 135
HEARTBEAT, PBU, PBA = 13, 5, 6
VENDOR_ID, FRESH = 32473, 1
MN_ID, AUTH, VENDOR, HNP, HANDOFF, ATT, LL_ID, TIMESTAMP = 8, 9, 19, 22, 23, 24, 25, 27
LABEL = b"dlma message key 1\0"
WINDOW = 100  # requests without an answer
AGAIN_S = 1.0
RCVBUFFORCE = 33  # SO_RCVBUFFORCE, which Python does not name


def link_layer(number):
    """The link-layer address of mobile node number `number`."""
    return bytes([2, 1]) + struct.pack("!I", number)


def profile(number, home="h-lma"):
    """Its line in domain.mobile_nodes."""
    mac = ":".join(f"{octet:02x}" for octet in link_layer(number))
    return f'    {{ id = "m{number}@example.net"; link_layer = "{mac}"; home = "{home}"; }}'


def option(kind, data):
    """A mobility option."""
    return bytes([kind, len(data)]) + data


def padded(options, tail):
    """Options so long that with the tail the message ends at a multiple of 8 octets."""
    missing = -(12 + len(options) + tail) % 8
    if missing == 1:
        return options + b"\0"
    return options + (option(1, bytes(missing - 2)) if missing else b"")


def checksum(src, dst, message):
    """RFC 6275 6.1.1, over a message whose checksum is zero."""
    pseudo = src + dst + struct.pack("!II", len(message), MH) + message
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~total & 0xffff)


class ManyMag:
    """The MAG of a node of the laboratory on which no daemon runs."""

    def __init__(self, lab, node, lma):
        self._src = socket.inet_pton(socket.AF_INET6, lab.address(node))
        self._dst = socket.inet_pton(socket.AF_INET6, lab.address(lma))
        self._lma = lab.address(lma)
        self._spi, self._key = self._find_key(lab.conf_dir / f"{node}.keys", lma)
        self._run = int(time.time())
        self._peer_run = self._counter = self._sequence = self._stamp = 0
        with lab.namespaces[node].entered():
            self._socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, MH)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_CHECKSUM, -1)
            self._socket.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 8 << 20)
            self._socket.bind((lab.address(node), 0))
        self._socket.settimeout(0.2)

    def close(self):
        """Ends it, without a word to anybody."""
        self._socket.close()

    def _find_key(self, file, lma):
        text = file.read_text(encoding="utf-8")
        spi, secret = re.search(rf'peer = "{lma}";\s*spi = (\w+);\s*secret = "(\w+)"', text).groups()
        key = hmac.digest(bytes.fromhex(secret), LABEL + self._src + self._dst, hashlib.sha256)
        return int(spi, 0), key

    def _send(self, kind, fixed, options=b""):
        self._counter += 1
        options += option(VENDOR, struct.pack("!IBIIQ2x", VENDOR_ID, FRESH, self._run,
                                              self._peer_run, self._counter))
        options = padded(options, 23)
        covered = fixed + options + struct.pack("!BBBI", AUTH, 21, 1, self._spi)
        head = struct.pack("!BBBBH", 59, (6 + len(covered) + 16) // 8 - 1, kind, 0, 0)
        mac = hmac.digest(self._key, self._src + self._dst + head + covered, hashlib.sha256)[:16]
        message = head + covered + mac
        message = message[:4] + checksum(self._src, self._dst, message) + message[6:]
        self._socket.sendto(message, (self._lma, 0))

    def _receive(self):
        """The next message of the LMA, or None if there is none for a while."""
        try:
            message, source = self._socket.recvfrom(2048)
        except TimeoutError:
            return None
        return message if source[0] == self._lma else b""

    def greet(self):
        """Learns the present run of the LMA, without which it takes nothing from us."""
        self._send(HEARTBEAT, struct.pack("!HI", 0, 1))
        message = self._receive()
        while message is not None:
            vendor = options_of(message).get(VENDOR) if message[2:3] == bytes([HEARTBEAT]) else None
            if vendor and message[7] & 1:
                self._peer_run = struct.unpack("!I", vendor[5:9])[0]
                return True
            message = self._receive()
        return False

    def _register(self, number):
        self._sequence = (self._sequence + 1) & 0xffff
        self._stamp = max(self._stamp + 1, int(time.time() * 65536))
        options = option(MN_ID, b"\1" + f"m{number}@example.net".encode())
        options += option(HNP, bytes(18)) + option(HANDOFF, b"\0\4") + option(ATT, b"\0\3")
        options += option(LL_ID, b"\0\0" + link_layer(number))
        options += option(TIMESTAMP, struct.pack("!Q", self._stamp))
        self._send(PBU, struct.pack("!HHH", self._sequence, 0x8200, 65535), options)
        return self._sequence

    def register(self, numbers):
        """Registers mobile nodes with the LMA; returns {number: HNP} once all are accepted."""
        waiting, hnps, numbers = {}, {}, list(reversed(numbers))
        heard = time.monotonic()
        while numbers or waiting:
            while numbers and len(waiting) < WINDOW:
                number = numbers.pop()
                waiting[self._register(number)] = number
            message = self._receive()
            if message and message[2] == PBA:
                heard = time.monotonic()
                number = waiting.pop(struct.unpack("!H", message[8:10])[0], None)
                assert message[6] == 0, f"m{number} refused with status {message[6]}"
                if number is not None:
                    hnps[number] = options_of(message)[HNP][2:18]
            elif time.monotonic() - heard > AGAIN_S:
                numbers += waiting.values()
                waiting, heard = {}, time.monotonic()
        return hnps
