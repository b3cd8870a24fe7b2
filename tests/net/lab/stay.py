# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A laboratory that outlives the process that built it, and is taken over by another one."""

import os
import select
import signal
from pathlib import Path

from . import netns, topology
from .links import Links
from .process import STOP_S, started


class Adopted:
    """A program that another process started; like Process, as far as that goes for no child.

    A process id may mean somebody else by now, so its time of start must be the recorded one. From
    then on a pidfd stands for the program, which cannot come to mean another one.
    """

    def __init__(self, name, pid, start, log):
        self.name, self.pid, self.start, self.log = name, pid, start, log
        self._fd = None
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        if started(pid) == start:
            self._fd = fd
        else:
            os.close(fd)

    @property
    def alive(self):
        """Whether it still runs."""
        return self._fd is not None and not self._ended_within(0)

    def _ended_within(self, timeout_s):
        return bool(select.select([self._fd], [], [], timeout_s)[0])

    def _signal(self, number):
        if self.alive:
            signal.pidfd_send_signal(self._fd, number)

    def terminate(self):
        """Asks it to end, without waiting."""
        self._signal(signal.SIGTERM)

    def finish(self, timeout_s):
        """Waits for its end, and makes it end after a while."""
        if self._fd is not None and not self._ended_within(timeout_s):
            self._signal(signal.SIGKILL)
            self._ended_within(STOP_S)


class StayMixin:
    """The part of Lab that lets it stay. What runs in it beside its own programs is not touched."""

    adopted = False

    def leave(self):
        """Leaves everything as it is and running; returns what adopt() has to know, fit for JSON.

        From then on this object neither cleans up nor is of any other use.
        """
        self._cleanup.pop_all()
        return {
            "name": self.name, "hook": self.hook, "mobiles": self._mobiles,
            "correspondents": self._correspondents, "delays_ms": self.delays_ms,
            "with_cable": sorted(self.plan.with_cable), "with_netem": sorted(self.plan.with_netem),
            "build": str(self.build), "directory": str(self.directory), "counters": self._counters,
            "hook_of_loader": self.hook_of_loader, "conf_dir": str(self.conf_dir),
            "loaders": {node: p.name for node, p in self.loaders.items()},
            "agents": {node: p.name for node, p in self.agents.items()},
            "processes": [{"name": p.name, "pid": p.pid, "start": p.start}
                          for p in self._processes if p.alive],
        }

    def programs(self):
        """All programs that were started here, and may still run."""
        return tuple(self._processes)

    @classmethod
    def adopt(cls, state):
        """The laboratory that leave() was called on, or what is left of it: to be used, and then
        left again or closed. Not for `with`, which builds a new one."""
        lab = cls(state["hook"], state["delays_ms"], None, state["mobiles"],
                  state["correspondents"], state["directory"])
        lab.adopted = True
        lab.name, lab.build = state["name"], Path(state["build"])
        lab.hook_of_loader, lab.conf_dir = state["hook_of_loader"], Path(state["conf_dir"])
        lab._counters = dict(state["counters"])
        lab._take_over(state)
        return lab

    def _take_over(self, state):
        """The same promises of cleaning up, in the same order, as where the lab is built."""
        self._make_directory()
        self._cleanup.callback(self._remove_namespaces)
        left = set(netns.named(self.name))
        self.namespaces = {
            role: netns.Namespace(self.namespace(role))
            for role in topology.roles(self._mobiles, self._correspondents)
            if self.namespace(role) in left}
        self.plan = topology.Plan(self._mobiles, self._correspondents, set(state["with_cable"]),
                                  set(state["with_netem"]), self._underlay_mtu, self.namespace)
        if topology.WIRES in self.namespaces:
            self.links = Links(self.namespaces[topology.WIRES])
            self._cleanup.callback(self.links.close)
        self._processes = [Adopted(p["name"], p["pid"], p["start"],
                                   self.directory / "log" / f"{p['name']}.log")
                           for p in state["processes"]]
        by_name = {p.name: p for p in self._processes}
        self.loaders = {n: by_name[p] for n, p in state["loaders"].items() if p in by_name}
        self.agents = {n: by_name[p] for n, p in state["agents"].items() if p in by_name}
        self._cleanup.callback(self._detach)
