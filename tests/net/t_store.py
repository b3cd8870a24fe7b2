# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The store of a running H-LMA fails: full, read-only, damaged, too new. What is served goes on."""

import contextlib
import os
import shutil
import sqlite3

from figure5 import attach, binding, delivered_by, edited_conf, location, ping
from lab import test

STORE_SIZE = "256k"
TWO = {"mobiles": 2}


@contextlib.contextmanager
def small_disk(lab, node):
    """A tiny tmpfs as state_dir of a node, in a mount namespace of its own; yields a Disk."""
    directory = lab.directory / "state" / node
    directory.mkdir(parents=True, exist_ok=True)
    holder = lab.start(node, ["unshare", "--mount", "sh", "-c",
                              f"mount -t tmpfs -o size={STORE_SIZE} tmpfs {directory} && "
                              "echo ready && exec sleep 3600"]).wait_ready()
    yield Disk(lab, node, holder, directory)
    holder.stop()


class Disk:
    """The disk behind the state_dir of one node."""

    def __init__(self, lab, node, holder, directory):
        self._lab, self._node, self._holder = lab, node, holder
        self._directory = directory

    @property
    def path(self):
        """Where it is seen from here."""
        return f"/proc/{self._holder.pid}/root{self._directory}"

    def start_agent(self):
        """Starts the agent of the node on this disk."""
        lab, node = self._lab, self._node
        argv = ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--", lab.program("dlma-agent"),
                lab.conf(node)]
        lab.agents[node] = lab.start(node, argv, env=lab.dlma_env())
        return lab.agents[node]

    def fill(self):
        """Takes all the room that is left."""
        with contextlib.suppress(OSError), open(f"{self.path}/ballast", "wb", 0) as ballast:
            while ballast.write(bytes(4096)):
                pass

    def free(self):
        """Gives it back."""
        os.unlink(f"{self.path}/ballast")

    def remount(self, how):
        """Read-only ("ro") or not ("rw")."""
        self._lab.run(self._node, ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--",
                                   "mount", "-o", f"remount,{how}", self._directory])


def start(lab, disk, policy="refuse"):
    """Figure 5 with the H-LMA on that disk."""
    def edit(text):
        return text

    conf = edited_conf(lab, edit)
    file = conf / "h-lma.conf"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("node = {", f'node = {{ store_failure = "{policy}";', 1),
                    encoding="utf-8")
    lab.start_dlma(conf_dir=conf)
    lab.agents["h-lma"].stop()
    disk.start_agent()
    lab.wait_ready("h-lma")


def store(lab):
    """What dlmactl status says of the store of the H-LMA."""
    return lab.ctl_json("h-lma", "status")["store"]


def restart_and_find(lab, disk, hoa, lma):
    """After a crash the H-LMA knows where the MN is, before anybody tells it."""
    lab.agents["v-lma-1"].stop()
    lab.agents["v-lma-2"].stop()
    lab.agents["h-lma"].kill9()
    disk.start_agent()
    lab.wait_ready("h-lma")
    assert location(lab, hoa)["d_lma"] == lma


@test(rows=["H9"], lab=TWO, hooks=("tc",))
def a_full_store_refuses_and_recovers(lab):
    """Nobody's move is acknowledged, everybody's packets and refreshes go on; then all is well."""
    with small_disk(lab, "h-lma") as disk:
        start(lab, disk)
        hoa = attach(lab, "mag-1a")
        other = attach(lab, "mag-1a", "mn-2")
        assert store(lab)["works"] and store(lab)["pending"] == 0
        disk.fill()
        lab.move("mn", "mag-2")
        lab.wait(lambda: not store(lab)["works"], 10, "the failure is told")
        told = store(lab)["trouble"]
        assert "full" in told and "free some space" in told and "agent.db" in told, told
        assert "free some space" in lab.ctl("h-lma", "status").stdout
        said = [line for line in lab.agents["h-lma"].output().splitlines()
                if line.startswith("error")]
        assert len(said) == 1 and "no change of a location is acknowledged" in said[0], said
        assert not delivered_by(lab, "mag-2"), "what is not durable is not acknowledged"
        assert len(ping(lab, "cn", other, 5)) == 5, "established traffic goes on"
        assert lab.ctl_json("h-lma", "status")["peers_up"] == 5, "heartbeats go on"
        assert store(lab)["pending"] >= 1
        lab.wait(lambda: store(lab)["held_back"] >= 2, 10, "asked again")
        disk.free()
        lab.wait(lambda: delivered_by(lab, "mag-2"), 30, "registered once there is room")
        assert store(lab)["works"] and store(lab)["pending"] == 0
        assert "works again" in lab.agents["h-lma"].output()
        assert len(ping(lab, "cn", hoa, 3)) == 3
        restart_and_find(lab, disk, hoa, "v-lma-2")


@test(rows=["H9"], lab=TWO, hooks=("tc",))
def a_full_store_may_go_on(lab):
    """store_failure = "continue": moves are acknowledged, and written as soon as there is room."""
    with small_disk(lab, "h-lma") as disk:
        start(lab, disk, "continue")
        hoa = attach(lab, "mag-1a")
        disk.fill()
        attach(lab, "mag-2")
        assert not store(lab)["works"] and store(lab)["pending"] >= 1
        assert "a crash would lose" in lab.agents["h-lma"].output()
        assert location(lab, hoa)["d_lma"] == "v-lma-2"
        # It can even start like that: the number of the run comes from the clock.
        before = lab.ctl_json("v-lma-1", "peers")["peers"]
        lab.agents["h-lma"].kill9()
        disk.start_agent()
        lab.wait_ready("h-lma")
        lab.wait(lambda: restarts(lab) > next(p["restart_counter"] for p in before
                                              if p["name"] == "h-lma"), 5, "a new run")
        lab.wait(lambda: location(lab, hoa)["d_lma"] == "v-lma-2", 10, "told by the V-LMA again")
        disk.free()
        lab.wait(lambda: store(lab)["works"] and store(lab)["pending"] == 0, 5, "written")
        counter = restarts(lab)
        restart_and_find(lab, disk, hoa, "v-lma-2")
        lab.start_agent("v-lma-1")
        lab.wait_ready("v-lma-1")
        lab.wait(lambda: restarts(lab) == counter + 1, 5, "the number of the run went on")


def restarts(lab):
    """The restart counter of the H-LMA, as V-LMA-1 has heard it."""
    return next(p["restart_counter"] or 0 for p in lab.ctl_json("v-lma-1", "peers")["peers"]
                if p["name"] == "h-lma")


@test(rows=["H9"], lab=TWO, hooks=("tc",))
def a_read_only_store_is_waited_for(lab):
    """The agent does not start a run that it could not tell from the last; the data path goes on."""
    with small_disk(lab, "h-lma") as disk:
        start(lab, disk)
        hoa = attach(lab, "mag-1a")
        assert ping(lab, "cn", hoa, 2)
        lab.agents["h-lma"].kill9()
        disk.remount("ro")
        agent = disk.start_agent()
        lab.wait(lambda: "mount it writable" in agent.output(), 10, "told")
        assert agent.alive and "the agent waits for that" in agent.output()
        assert agent.output().count("error") == 1, agent.output()
        assert len(ping(lab, "cn", hoa, 5)) == 5, "the data path goes on"
        disk.remount("rw")
        lab.wait_ready("h-lma")
        assert location(lab, hoa)["d_lma"] == "v-lma-1"


@test(rows=["H9"], lab=TWO, hooks=("tc",))
def a_read_only_store_may_go_on(lab):
    """store_failure = "continue": the agent starts with what it can read, and writes when it can."""
    with small_disk(lab, "h-lma") as disk:
        start(lab, disk, "continue")
        hoa = attach(lab, "mag-1a")
        lab.agents["h-lma"].kill9()
        disk.remount("ro")
        disk.start_agent()
        lab.wait_ready("h-lma")
        assert location(lab, hoa)["d_lma"] == "v-lma-1"
        assert "mount it writable" in store(lab)["trouble"]
        attach(lab, "mag-2")
        assert store(lab)["pending"] >= 1
        disk.remount("rw")
        lab.wait(lambda: store(lab)["works"] and store(lab)["pending"] == 0, 5, "written")
        restart_and_find(lab, disk, hoa, "v-lma-2")


@test(rows=["H9"], hooks=("tc",))
def a_damaged_store_is_refused(lab):
    """Octets overwritten, a newer layout, no database at all: one line, and packets go on."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    assert ping(lab, "cn", hoa, 2)
    lab.agents["h-lma"].stop()
    file = lab.directory / "state/h-lma/agent.db"
    good = lab.directory / "copy.db"
    shutil.copy(file, good)

    def expect(words):
        agent = lab.start_agent("h-lma")
        assert agent.wait(10) == 1
        said = [line for line in agent.output().splitlines() if line.startswith("error")]
        assert len(said) == 1 and all(w in said[0] for w in (*words, str(file))), said
        assert len(ping(lab, "cn", hoa, 3)) == 3, "the data path goes on"

    whole = good.read_bytes()
    at = whole.rindex(b"mn1@example.net")
    file.write_bytes(whole[:at] + b"mn2" + whole[at + 3:])
    expect(("does not match its sum", "put a copy of agent.db in its place"))
    file.write_bytes(b"not a database" * 1000)
    expect(("not a database", "put a copy of agent.db in its place"))
    shutil.copy(good, file)
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    expect(("layout 99", "install the agent that wrote it"))
    shutil.copy(good, file)
    lab.start_agent("h-lma")
    lab.wait_ready("h-lma")
    assert location(lab, hoa)["d_lma"] == "v-lma-1"
    assert binding(lab, "v-lma-1", hoa)
