# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The laboratory itself: builds the domain, runs things in it, takes it down again."""

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from . import bpf, netns, topology, wiring
from .dlma import DlmaMixin
from .links import Links
from .probe import Capture, Stream, Transfer
from .process import Process
from .stay import StayMixin
from .timing import scaled

ROOT = Path(__file__).resolve().parents[3]
FIRST_PORT = 20000
STOP_S = 5


_DUMPS = (
    ("ip", "-s", "-d", "link"),
    ("ip", "-6", "address"),
    ("ip", "-6", "route"),
    ("ip", "-6", "neighbor"),
    ("cat", "/proc/net/snmp6"),
)


class LabError(RuntimeError):
    """The laboratory cannot be built here, or is used wrongly; says why."""


class Move(NamedTuple):
    """When a mobile node had left its old cell and was in the new one, CLOCK_MONOTONIC."""

    left_ns: int
    joined_ns: int


class Lab(StayMixin, DlmaMixin):
    """Figure 5 in network namespaces. Use it with `with`.

    hook        how the dlma nodes will work on their interfaces: "xdp" (native), "tc", or None.
                With "xdp" everything that faces a node sends real wire frames, and the wires take
                redirected frames; with "tc" the offloads of MN and CN stay on, as users have them.
    delays_ms   one-way delay between a site and the router: {"home": 19, ...}; 0: no delay
    faults      options of a bad cable: {"visited-1": {"loss": 0.1, "seed": 7}}; also dup, reorder,
                hold_us
    mobiles     number of mobile nodes: mn, mn-2, mn-3...; they begin in no cell
    correspondents  any of "cn" (behind v-lma-2), "cn-1" (v-lma-1), "cn-h" (h-lma)
    underlay_mtu  of every link between nodes and the router; the default has room for a tunnel
    directory   for logs, captures and configurations; by default one that goes away with the lab
    """

    def __init__(self, hook=None, delays_ms=None, faults=None, mobiles=1, correspondents=("cn",),
                 underlay_mtu=topology.UNDERLAY_MTU, directory=None):
        if hook not in (None, "xdp", "tc"):
            raise LabError(f"hook {hook!r} is not one of xdp, tc")
        self.hook = hook
        self.name = f"{os.environ.get('DLMA_LAB_PREFIX', 'dlma')}-{secrets.token_hex(3)}"
        self.delays_ms = {site.name: site.delay_ms for site in topology.SITES} | (delays_ms or {})
        self.faults = faults or {}
        self.build = Path(os.environ.get("DLMA_BUILD", ROOT / "build")).resolve()
        self._mobiles = mobiles
        self._correspondents = tuple(correspondents)
        self._underlay_mtu = underlay_mtu
        self._directory = directory
        self._processes = []
        self._counters = {}
        self._cleanup = contextlib.ExitStack()
        self.namespaces = {}
        self.directory = self.plan = self.links = None
        self.cables = {}

    # Building and taking down

    def __enter__(self):
        try:
            self._catch_sigterm()
            self._make_directory()
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Removes everything the lab made. Not to be interrupted half-way by a second Ctrl-C."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            self._cleanup.close()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _catch_sigterm(self):
        """Python dies of SIGTERM without cleaning up, unless somebody makes it an exception."""
        def leave(number, _):
            raise SystemExit(128 + number)

        if threading.current_thread() is threading.main_thread() and \
                signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, leave)
            self._cleanup.callback(signal.signal, signal.SIGTERM, signal.SIG_DFL)

    def _make_directory(self):
        if self._directory:
            self.directory = Path(self._directory)
        else:
            self.directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
            self._cleanup.callback(shutil.rmtree, self.directory, ignore_errors=True)
        (self.directory / "log").mkdir(parents=True, exist_ok=True)
        for directory in (self.pin_dir, self.run_dir):
            self._cleanup.callback(shutil.rmtree, directory, ignore_errors=True)

    def _build(self):
        self._cleanup.callback(self._remove_namespaces)
        self._make_namespaces()
        self._make_plan()
        self.links = Links(self.namespaces[topology.WIRES])
        self._cleanup.callback(self.links.close)
        self._cleanup.callback(self._stop_processes)
        self._write_sysctls()
        self.namespaces[topology.WIRES].ip_batch(self.plan.wires)
        for role, lines in self.plan.hosts.items():
            self.namespaces[role].ip_batch(lines)
        self.cables = wiring.prepare(self)

    def _make_namespaces(self):
        roles = topology.roles(self._mobiles, self._correspondents)
        made = netns.create([self.namespace(role) for role in roles])
        self.namespaces = dict(zip(roles, made))

    def _make_plan(self):
        """A site with a delay needs an element for it; faults only our own one can do."""
        element = {site.name for site in topology.SITES
                   if self.delays_ms[site.name] or site.name in self.faults}
        netem = element - set(self.faults) if wiring.kernel_has_netem(self) else set()
        self.plan = topology.Plan(self._mobiles, self._correspondents, element - netem, netem,
                                  self._underlay_mtu, self.namespace)

    def namespace(self, role):
        """Name of a node's namespace, for `ip -n` and `nsenter`."""
        return f"{self.name}-{role}"

    def _write_sysctls(self):
        roles = {role: topology.node_sysctls() for role in self.namespaces}
        roles |= {c.name: topology.correspondent_sysctls() for c in self.plan.correspondents}
        roles |= {name: topology.mobile_sysctls() for name in self.plan.mobiles}
        roles[topology.WIRES] = topology.wires_sysctls()
        for role, values in roles.items():
            self.namespaces[role].write_sysctls(values)

    def _stop_processes(self):
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + scaled(STOP_S)
        for process in self._processes:
            process.finish(max(0.0, deadline - time.monotonic()))

    def _remove_namespaces(self):
        for namespace in self.namespaces.values():
            namespace.close()
        names = netns.named(self.name)
        if self.adopted:
            netns.delete(names)
        else:
            netns.remove(names)

    # Using it

    def dump(self):
        """Writes what a person wants to know after a failure into directory/dump."""
        directory = self.directory / "dump"
        directory.mkdir(exist_ok=True)
        for role in self.namespaces:
            text = [f"$ {' '.join(command)}\n{self.run(role, command, check=False).stdout}"
                    for command in _DUMPS]
            (directory / f"{role}.txt").write_text("\n".join(text), encoding="utf-8")
        self.dump_dlma(directory)

    def tool(self, name):
        """Path of one of the laboratory's own programs."""
        path = self.build / "tests/tools" / name
        if not path.exists():
            raise LabError(f"{path} is missing: make lab-tools")
        return path

    def run(self, node, command, check=True, timeout_s=30, env=None):
        """Runs a short command (a list, or a line for the shell's rules of quoting) in a node."""
        argv = shlex.split(command) if isinstance(command, str) else [str(a) for a in command]
        with self.namespaces[node].entered():
            done = subprocess.run(argv, capture_output=True, text=True, timeout=scaled(timeout_s),
                                  stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                                  check=False)
        if check and done.returncode:
            raise LabError(f"{node}: {shlex.join(argv)}: status {done.returncode}\n"
                           f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def start(self, node, argv, env=None, name=None):
        """Starts a program in a node, output in directory/log/NODE-NAME.log."""
        name = self._unique(f"{node}-{name or Path(str(argv[0])).name}")
        process = Process(self.namespaces[node], name, argv, env,
                          self.directory / "log" / f"{name}.log")
        self._processes.append(process)
        return process

    def _unique(self, name):
        count = self._counters[name] = self._counters.get(name, 0) + 1
        return name if count == 1 else f"{name}-{count}"

    @staticmethod
    def wait(predicate, deadline_s, what, interval_s=0.01):
        """Polls until predicate() is true and returns its value; `what` says what was missed."""
        deadline = time.monotonic() + scaled(deadline_s)
        while not (value := predicate()):
            if time.monotonic() > deadline:
                raise LabError(f"not within {scaled(deadline_s):g} s: {what}")
            time.sleep(interval_s)
        return value

    def _links(self, node):
        return contextlib.closing(Links(self.namespaces[node]))

    def set_tx_offloads(self, node, interface, on):
        """TX checksum offload and segmentation offloads of an interface."""
        with self._links(node) as links:
            links.set_tx_offloads(interface, on)

    def use_napi(self, node, *interfaces, on=True):
        """Puts a program that passes everything on interfaces, or takes it off. See wiring.py."""
        program = bpf.load_pass() if on else -1
        with self._links(node) as links:
            for interface in interfaces:
                links.set_xdp(links.index(interface), program)
        if on:
            os.close(program)

    def move(self, mobile, node, gap_ms=0, flap=True):
        """Takes a mobile node out of its cell and, after the gap, into that of `node` (None: none).

        Its interface loses its carrier and gets it back, which an ordinary kernel notices. With
        flap=False it notices nothing, like a virtual machine behind a switch.
        """
        wlan = self.links.index(topology.port(mobile, "wlan0"))
        bridge = self.links.index(self._cell(node)) if node else 0
        if flap:
            self.links.set_up(wlan, False)
        self.links.set_master(wlan, 0)
        left_ns = time.monotonic_ns()
        if not bridge:
            return Move(left_ns, left_ns)
        time.sleep(gap_ms / 1000)
        self.links.set_master(wlan, bridge)
        self.links.isolate(wlan)
        self.links.set_up(wlan, True)
        return Move(left_ns, time.monotonic_ns())

    @staticmethod
    def _cell(name):
        for node in topology.NODES:
            if node.name == name and node.cell:
                return node.cell
        raise LabError(f"{name} has no cell; these have: " +
                       ", ".join(n.name for n in topology.NODES if n.cell))

    def address(self, name):
        """Global address of a dlma node or a correspondent."""
        for host in (*topology.NODES, *topology.CORRESPONDENTS):
            if host.name == name:
                return host.address
        raise LabError(f"{name} has no address of its own")

    # Measuring

    def capture(self, node=topology.WIRES, interfaces=None, both=False):
        """Records frames: of the wires (each port of a node), or in a node (all interfaces).

        Each frame once per port, when the node sends it; with `both` also when it receives it.
        """
        if node == topology.WIRES and interfaces is None:
            interfaces = self.plan.ports
        path = self.directory / f"{self._unique(f'{node}-capture')}.pcapng"
        options = ["--both"] if both else []
        process = self.start(node, [self.tool("capture"), *options, path, *(interfaces or ())])
        return Capture(process.wait_ready(), path)

    def stream(self, src, dst, to, rate=1000, size=100, count=0, from_="::", tclass=0):
        """Starts a numbered UDP flow from node to node, to the address `to`. See probe.Stream."""
        port = self._next_port()
        log = self.directory / f"stream-{port}.records"
        receiver = self.start(dst, [self.tool("stream"), "recv", port, log]).wait_ready()
        sender = self.start(src, [self.tool("stream"), "--tclass", tclass, "send", from_, to, port,
                                  rate, size, count])
        return Stream(sender.wait_ready(), receiver, log)

    def transfer(self, src, dst, to, count=0, rate=0, from_="::"):
        """Starts a TCP transfer from node to node: `count` octets (0: until stopped)."""
        port = self._next_port()
        receiver = self.start(dst, [self.tool("stream"), "tcp-recv", port]).wait_ready()
        sender = self.start(src, [self.tool("stream"), "--rate", rate, "--bytes", count,
                                  "tcp-send", from_, to, port])
        return Transfer(sender.wait_ready(), receiver)

    def _next_port(self):
        count = self._counters["port"] = self._counters.get("port", 0) + 1
        return FIRST_PORT + count
