# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Links of one namespace: bridge membership, up and down by rtnetlink, offloads by ethtool's ioctl.

Starting `ip` takes milliseconds and a handoff is to take as long as the test says, so the moves
of a mobile node talk to the kernel directly.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct

RTM_NEWLINK = 16
RTM_SETLINK = 19
NLMSG_ERROR = 2
NLM_F_REQUEST_ACK = 0x1 | 0x4
AF_BRIDGE = 7
IFF_UP = 1
IFLA_MASTER = 10
IFLA_PROTINFO = 12 | 1 << 15
IFLA_BRPORT_ISOLATED = 33
IFLA_XDP = 43 | 1 << 15
IFLA_XDP_FD = 1
IFLA_XDP_FLAGS = 3
XDP_FLAGS_DRV_MODE = 1 << 2

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17
ETHTOOL_STSO = 0x1F
ETHTOOL_SGSO = 0x24
ETHTOOL_SGRO = 0x2C

_MESSAGE = struct.Struct("=IHHII")
_IFINFO = struct.Struct("=BxHiII")


def _attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


class Links:
    """Changes links of one namespace."""

    def __init__(self, namespace):
        with namespace.entered():
            self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            self._device = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sequence = 0
        self._namespace = namespace

    def index(self, name):
        """ifindex of an interface."""
        with self._namespace.entered():
            return socket.if_nametoindex(name)

    def _request(self, kind, body):
        self._sequence += 1
        header = _MESSAGE.pack(_MESSAGE.size + len(body), kind, NLM_F_REQUEST_ACK,
                               self._sequence, 0)
        self._netlink.send(header + body)
        answer = self._netlink.recv(65536)
        kind, = struct.unpack_from("=H", answer, 4)
        error, = struct.unpack_from("=i", answer, _MESSAGE.size)
        if kind != NLMSG_ERROR or error:
            raise OSError(-error, f"rtnetlink: {os.strerror(-error)}")

    def set_up(self, index, up):
        """Sets an interface up or down."""
        self._request(RTM_NEWLINK, _IFINFO.pack(0, 0, index, IFF_UP if up else 0, IFF_UP))

    def set_master(self, index, bridge_index):
        """Makes an interface a port of a bridge; 0: of none."""
        self._request(RTM_NEWLINK, _IFINFO.pack(0, 0, index, 0, 0) +
                      _attribute(IFLA_MASTER, struct.pack("=I", bridge_index)))

    def isolate(self, index):
        """Keeps a port from all other isolated ports of its bridge."""
        self._request(RTM_SETLINK, _IFINFO.pack(AF_BRIDGE, 0, index, 0, 0) +
                      _attribute(IFLA_PROTINFO, _attribute(IFLA_BRPORT_ISOLATED, b"\1")))

    def set_xdp(self, index, program):
        """Attaches a native XDP program, given as a file descriptor; -1: none."""
        self._request(RTM_SETLINK, _IFINFO.pack(0, 0, index, 0, 0) + _attribute(
            IFLA_XDP, _attribute(IFLA_XDP_FD, struct.pack("=i", program)) +
            _attribute(IFLA_XDP_FLAGS, struct.pack("=I", XDP_FLAGS_DRV_MODE))))

    def _ethtool(self, name, command, value):
        request = ctypes.create_string_buffer(struct.pack("=II", command, value), 8)
        ifreq = struct.pack("16sP16x", name.encode(), ctypes.addressof(request))
        try:
            fcntl.ioctl(self._device, SIOCETHTOOL, ifreq)
        except OSError as error:
            if value or error.errno != errno.EOPNOTSUPP:
                raise  # what an interface cannot do is off already

    def set_tx_offloads(self, name, on):
        """Checksums filled in, and large packets cut, by the (imagined) card or by the kernel."""
        order = (ETHTOOL_STXCSUM, ETHTOOL_SGSO, ETHTOOL_STSO)
        for command in order if on else reversed(order):
            self._ethtool(name, command, int(on))

    def set_gro(self, name, on):
        """Generic receive offload; on a veth this also makes it work by NAPI."""
        self._ethtool(name, ETHTOOL_SGRO, int(on))

    def close(self):
        """Closes the sockets, which would keep the namespace alive."""
        self._netlink.close()
        self._device.close()
