# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Namespaces with veth pairs straight from one to the next, for the sections in Python."""

import contextlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/net"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from lab import Lab, LabError, netns, topology  # noqa: E402
from lab.links import Links  # noqa: E402

NEARLY_ALL = 0.999


def arguments():
    """BUILD and whether it has to be quick, from the command line; the laboratory builds on it."""
    build, mode = Path(sys.argv[1]).resolve(), sys.argv[2]
    os.environ["DLMA_BUILD"] = str(build)
    return build, mode == "quick"


class Wires(Lab):
    """A laboratory with other nodes and wires than those of Figure 5."""

    def __init__(self, roles):
        super().__init__()
        self._roles = roles

    def _build(self):
        self._cleanup.callback(self._remove_namespaces)
        made = netns.create([self.namespace(role) for role in self._roles])
        self.namespaces = dict(zip(self._roles, made))
        self._cleanup.callback(self._stop_processes)
        for role, namespace in self.namespaces.items():
            namespace.write_sysctls(topology.node_sysctls())
            self.run(role, "ip link set lo up")

    def wire(self, one, other, mtu):
        """Lays a wire; each end is (node, interface, MAC, index or None)."""
        ends = [f"name {name} address {mac}" + (f" index {index}" if index else "")
                for _, name, mac, index in (one, other)]
        self.ip(one[0], f"link add {ends[0]} mtu {mtu} type veth peer {ends[1]} mtu {mtu} "
                        f"netns {self.namespace(other[0])}", f"link set {one[1]} up")
        self.ip(other[0], f"link set {other[1]} up")

    def ip(self, node, *lines):
        """Gives `ip` these commands."""
        self.namespaces[node].ip_batch(lines)

    def set_gro(self, node, *interfaces):
        """Lets veth interfaces work by NAPI as the kernel itself has it, without a program."""
        with contextlib.closing(Links(self.namespaces[node])) as links:
            for interface in interfaces:
                links.set_gro(interface, True)

    def load(self):
        """Loads the programs of wire.bpf.c; returns the directory where they are pinned."""
        netns.mount_bpffs()
        self.pin_dir.mkdir(exist_ok=True)
        self.run(self._roles[0], ["bpftool", "prog", "loadall", self.build / "bench/wire.bpf.o",
                                  self.pin_dir])
        return self.pin_dir

    def start_node(self, name, hook):
        """Starts loader and agent by the configuration in conf_dir, which has keys."""
        if not self.loaders:
            self._cleanup.callback(self._detach)
            self.loaders, self.agents = {}, {}
        self.hook_of_loader = hook
        self.start_loader(name)
        self.start_agent(name)

    def received(self, node, interface):
        """Packets that an interface has received."""
        line = json.loads(self.run(node, f"ip -s -j link show dev {interface}").stdout)[0]
        return line["stats64"]["rx"]["packets"]

    def came(self, sink, before, sent):
        """Whether (almost) all that was sent to a sink, (node, interface), has come."""
        with contextlib.suppress(LabError):
            self.wait(lambda: self.received(*sink) - before >= sent, 1, "all came")
        return self.received(*sink) - before >= NEARLY_ALL * sent

    @staticmethod
    def report_of(done):
        """The last line of what a tool has printed."""
        return json.loads(done.stdout.splitlines()[-1])

    def generate(self, node, interface, to_mac, packets, octets, *options):
        """Sends packets to random HoAs (generate.c); returns its report."""
        tool = self.build / "tests/bench/generate"
        done = self.run(node, [tool, *options, self.build, interface, to_mac, packets, octets],
                        timeout_s=120)
        return self.report_of(done)
