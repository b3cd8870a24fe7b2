# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Laboratories that stay when their builder ends, and are taken over: nothing else is touched."""

import contextlib
import os
import signal
import subprocess

from figure5 import attach, ping
from lab import Lab, netns, sweep, test
from lab.process import started


@contextlib.contextmanager
def left(**arguments):
    """A laboratory with running nodes, left by its builder; yields its state."""
    with Lab(**arguments) as lab:
        lab.start_dlma()
        state = lab.leave()
    try:
        yield state
    finally:
        sweep(state["name"])


def nothing_of(lab):
    """Whether a laboratory is gone, as far as that can be seen from outside."""
    return not netns.named(lab.name) and not lab.pin_dir.exists() and not lab.run_dir.exists()


@test(hooks=("tc",), lab=None)
def it_stays_and_is_taken_over():
    """After leave() everything works on; after adopt() it can be used, and close() removes it."""
    with left(hook="tc") as state:
        lab = Lab.adopt(state)
        hoa = attach(lab, "mag-1a")
        again = Lab.adopt(lab.leave())
        assert len(ping(again, "cn", hoa, 3)) == 3
        pids = [p.pid for p in again.programs()]
        assert len(pids) >= 12 and all(p.alive for p in again.programs())
        again.close()
        assert nothing_of(again)
        assert not any(p.alive for p in again.programs())


@test(hooks=("tc",), lab=None)
def what_is_left_of_it_goes_away():
    """A namespace, a process and the programs' build are gone; close() removes the rest."""
    with left(hook="tc") as state:
        os.kill(state["processes"][-1]["pid"], signal.SIGKILL)
        netns.remove([f"{state['name']}-mag-1b"])
        lab = Lab.adopt(state | {"build": "/nonexistent"})
        assert "mag-1b" not in lab.namespaces
        lab.close()
        assert nothing_of(lab)
        again = Lab.adopt(state)
        again.close()


@test(hooks=("tc",), lab=None)
def only_its_own_processes_end():
    """A recorded process id that means another process by now, and a guest in a namespace."""
    with left(hook="tc") as state, contextlib.ExitStack() as stack:
        stranger = subprocess.Popen(["sleep", "60"])
        stack.callback(stranger.wait)
        stack.callback(stranger.kill)
        cell = f"{state['name']}-mn"
        guest = subprocess.Popen(["ip", "netns", "exec", cell, "sleep", "60"])
        stack.callback(guest.wait)
        stack.callback(guest.kill)
        Lab.wait(lambda: guest.pid in netns.pids_in([cell]), 5, "the guest is in")
        ours = state["processes"][0]
        state["processes"].append({"name": "x", "pid": stranger.pid,
                                   "start": started(stranger.pid) - 1})
        Lab.adopt(state).close()
        assert started(ours["pid"]) != ours["start"] or is_zombie(ours["pid"])
        assert stranger.poll() is None and guest.poll() is None


def is_zombie(pid):
    """Whether a process has ended, though nobody has asked how."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"
