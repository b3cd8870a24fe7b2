# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Location privacy (draft 5.4, row C10): no end ever hears where another one is.

The runner looks at what every test has captured, whatever the test is about.
"""

import socket

import pcap
from lab import topology

ECHO_REPLY = 129
TO_ENDS = (".acc0", ".cn0")  # the links of nodes on which MNs and CNs are

_ADDRESSES = {node.name: socket.inet_pton(socket.AF_INET6, node.address)
              for node in topology.NODES}


def _is_own_answer(frame):
    """A node that an end has pinged by its own address answers from it."""
    found = pcap.packets([frame])
    return bool(found) and found[0].proto == pcap.ICMPV6 and found[0].kind == ECHO_REPLY and \
        found[0].inner.src in {node.address for node in topology.NODES}


def leaks_in(frames):
    """Frames with the address of an LMA or a MAG in them: [(node, frame)]."""
    return [(name, frame) for frame in frames for name, octets in _ADDRESSES.items()
            if octets in frame.data and not _is_own_answer(frame)]


def leaks(lab):
    """What the nodes of a laboratory sent to MNs and CNs and should not have, by its captures."""
    found = []
    for path in sorted(lab.directory.glob(f"{topology.WIRES}-capture*.pcapng")):
        frames = [f for f in pcap.read(path) if not f.out and f.interface.endswith(TO_ENDS)]
        found += [f"{frame.interface}: the address of {name} in {frame.data.hex()}"
                  for name, frame in leaks_in(frames)]
    return found
