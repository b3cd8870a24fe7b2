# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The domain that the sweep runs in, its daemons under the shim, and what must be true of it."""

import json
import re
import socket
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from shutil import copy
from typing import NamedTuple

import figure5
from control import Control
from lab import Lab, topology
from lab.timing import scaled
from maps import Map

NODES = ("h-lma", "v-lma-1", "mag-1a", "v-lma-2", "mag-2")
LMAS = ("h-lma", "v-lma-1", "v-lma-2")
LMA_OF = {"h-lma": "h-lma", "mag-1a": "v-lma-1", "mag-2": "v-lma-2"}
MAGS = tuple(LMA_OF)
SIGN_OF_LIFE_S = 0.7
HOPS_MAX = 3  # tunnels between any LMA and the MAG of a MN
NO_DELAY = {site.name: 0 for site in topology.SITES}
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")
NO_COMPLAINT = re.compile(r"info: |fault: |\S+\(.*\[0x")  # and what the shim traces
LOCATION_SIZE, LOCATION_KIND_AT = 8, 2  # struct dlma_location
KINDS = {"tunnel_binding": 1, "tunnel_forwarding": 2, "tunnel_location": 3, "tunnel_cached": 4}


class Domain:
    """Figure 5 without MAG-1b and without delays; every daemon runs under its own control."""

    def __init__(self, trace=False, hook="tc"):
        self._trace = trace
        self.controls = {}
        self.lab = Lab(hook=hook, mobiles=2, correspondents=("cn", "cn-h"), delays_ms=NO_DELAY)
        self.shim = self.lab.build / "tests/faults/shim.so"

    def __enter__(self):
        self.lab.__enter__()
        try:
            self.lab.start_dlma(nodes=NODES)
        except BaseException:
            self.lab.close()
            raise
        return self

    def __exit__(self, *_):
        self.lab.close()

    def control(self, node, program):
        """What decides about the faults of a daemon."""
        key = f"{node}-{program}"
        if key not in self.controls:
            self.controls[key] = Control(self.lab.directory / f"{key}.faults")
        return self.controls[key]

    def _processes(self, program):
        return self.lab.loaders if program == "dlma-loader" else self.lab.agents

    def process(self, node, program):
        """The daemon as it runs, or as it ended."""
        return self._processes(program)[node]

    def start(self, node, program):
        """Starts a daemon under its control, which may already be armed."""
        options = ["--hook", self.lab.hook] if program == "dlma-loader" else []
        preload = self.control(node, program).env(self.shim, self._trace)
        process = self.lab.start(node, [self.lab.program(program), *options, self.lab.conf(node)],
                                 env={**self.lab.dlma_env(), **preload})
        self._processes(program)[node] = process
        return process

    def stop(self, node, program):
        """Ends a daemon; returns what was wrong with how it ended."""
        process = self.process(node, program)
        if not process.alive:
            return []
        status = process.stop()
        return [] if status == 0 else [f"ended with status {status} when it was told to"]

    def restart(self, node, program):
        """Stops a daemon and starts it anew, without faults."""
        self.control(node, program).reset()
        self.stop(node, program)
        self.start(node, program)

    def detach(self, node):
        """Takes programs and maps of a node away."""
        self.lab.run(node, [self.lab.program("dlma-loader"), "--detach", self.lab.conf(node)],
                     env=self.lab.dlma_env())

    def ask(self, node, request):
        """What an agent answers; None while there is none, or if it has no memory for it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(2)
            try:
                s.connect(str(self.lab.run_dir / node / "agent.sock"))
                s.sendall(request.encode() + b"\n")
                answer = json.loads(b"".join(iter(lambda: s.recv(65536), b"")))
            except (OSError, json.JSONDecodeError):
                return None
        return None if "error" in answer else answer

    def reachable(self, hoa, source="cn", wait_s=0.3):
        """Whether an echo request from a CN to a HoA is answered."""
        return bool(figure5.ping(self.lab, source, hoa, 1, wait_s))

    def complaints(self, node, program):
        """What the present run of a daemon said is wrong."""
        return [line for line in self.process(node, program).output().splitlines()
                if line.strip() and not NO_COMPLAINT.match(line)]

    def crash(self, node, program):
        """In one line how a daemon died, if it did so in a way that it must not."""
        process = self.process(node, program)
        output = process.output()
        told = next((words for words in SANITIZER_WORDS if words in output), None)
        if told:
            return f"{told} in {process.log}"
        if process.exit_status is not None and process.exit_status < 0:
            return f"ended by signal {-process.exit_status}: {output[-3000:]!r}"
        return None

    # Tables

    def registrations(self, hnp, nodes=NODES):
        """Where an HNP is bound: {(node, role, MAG or None)}, of all that is in force."""
        found = set()
        for node in nodes:
            answer = self.ask(node, "bindings") or {"bindings": [None]}
            for b in answer["bindings"]:
                if b is None:
                    found.add((node, "silent", None))
                elif b["hnp"] == hnp and b["state"] in ("active", "registered"):
                    found.add((node, b["role"], b.get("mag")))
        return found

    def registered(self, hoa, mag, nodes):
        """Whether these nodes have a MN at that MAG and nowhere else, as far as that is theirs."""
        wanted = {(LMA_OF[mag], "lma", mag), (mag, "mag", None)}
        return self.registrations(figure5.hnp_of(hoa), nodes) == \
            {entry for entry in wanted if entry[0] in nodes}

    def located(self, hnp):
        """The D-LMA of an HNP by the location table, or None."""
        for entry in (self.ask("h-lma", "locations") or {"locations": []})["locations"]:
            if entry["hnp"] == hnp:
                return entry["d_lma"]
        return None

    def way(self, start, hoa):
        """The nodes that a packet for a HoA meets from an LMA on, by what the data path has."""
        nodes, node = [start], start
        while len(nodes) <= HOPS_MAX + 1:
            told = self.ask(node, f"explain {hoa}")
            if not told or not told.get("target") or told["reason"] == "delivered":
                return nodes + [told["reason"] if told else "silent"]
            node = told["target"]
            nodes.append(node)
        return nodes + ["too long"]

    def inconsistencies(self, hoa, mag):
        """What is not as it must be everywhere when a MN has settled at a MAG."""
        hnp, lma = figure5.hnp_of(hoa), LMA_OF[mag]
        found = []
        if self.located(hnp) != lma:
            found.append(f"the H-LMA has {self.located(hnp)} instead of {lma} as D-LMA")
        if not self.registered(hoa, mag, NODES):
            found.append(f"registrations {sorted(map(str, self.registrations(hnp)))}")
        for node in LMAS:
            way = self.way(node, hoa)
            if way[-2:] != [mag, "delivered"]:
                found.append(f"a packet goes {' > '.join(way)}")
            found += self.differences(node, hoa)
        return found

    def differences(self, node, hoa):
        """Whether the table of look-ups and the map behind it agree on a HoA."""
        told = self.ask(node, f"explain {hoa}")
        path = self.lab.pin_dir / node / "maps/locations"
        with Map(path, LOCATION_SIZE) as locations:
            value = locations.look_up(socket.inet_pton(socket.AF_INET6, figure5.hnp_of(hoa)[:-3]))
        kind = value[LOCATION_KIND_AT] if value else 0
        expected = KINDS.get(told["reason"], kind) if told else kind
        return [] if kind == expected else [f"{node}: map has kind {kind}, front says {told}"]

    def until(self, problems, deadline_s, mobiles=()):
        """Polls until there are no problems any more; returns those at the deadline. Mobile nodes
        do not keep silent for ever meanwhile."""
        begin = time.monotonic()
        while (found := problems()) and time.monotonic() - begin < scaled(deadline_s):
            if time.monotonic() - begin > SIGN_OF_LIFE_S:
                for mobile in mobiles:
                    self.reachable(self.lab.address("cn"), mobile)
            time.sleep(0.02)
        return found


class Store(NamedTuple):
    """What is in the store of an agent that does not run."""

    run: tuple  # epoch and restart counter
    stamps: dict  # of the records, by HNP

    def is_older_than(self, other):
        """Whether something of the other one is missing here, or newer there."""
        return self.run < other.run or any(self.stamps.get(hnp, -1) < stamp
                                           for hnp, stamp in other.stamps.items())


def read_store(directory):
    """Reads a copy of a store, and so leaves it as it was; None if it is damaged."""
    with tempfile.TemporaryDirectory() as scratch:
        for file in Path(directory).glob("agent.db*"):
            copy(file, scratch)
        with closing(sqlite3.connect(Path(scratch) / "agent.db")) as db:
            if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                return None
            return Store(db.execute("SELECT epoch, restart_counter FROM run").fetchone(),
                         dict(db.execute("SELECT hnp, stamp FROM record")))
