# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An H-LMA restarts that has very many bindings: everybody registers again, paced, and nothing else
suffers.

DLMA_MANY=100000 makes the full version (make many).
"""

import contextlib
import json
import os
import subprocess
import threading
import time

import figures
from figure5 import attach, delivered_by, edited_conf, ping
from lab import test
from many import ManyMag, profile
from t_restart import ask, status

MANY = int(os.environ.get("DLMA_MANY", "2000"))
PACE = 1000  # messages a second
NODES = ("h-lma", "v-lma-1", "v-lma-2", "mag-1b", "mag-2")
RATE_OVER = 20  # samples
SURE_S = 0.1


def big_domain(lab):
    """Figure 5 with very many mobile nodes, and heartbeats each second."""
    def edit(text):
        more = ",\n".join(profile(number) for number in range(MANY))
        text = text.replace("mobile_nodes = (", f"mobile_nodes = (\n{more},", 1)
        return text.replace("timers = {", "timers = { heartbeat_interval_s = 1; "
                            "timestamp_validity_window_s = 20;", 1)

    conf = edited_conf(lab, edit)
    for node in NODES:
        file = conf / f"{node}.conf"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("node = {", "node = { limits = { locations = "
                                     f"{8 * MANY + 1000}; cache = {2 * MANY + 100}; }};", 1),
                        encoding="utf-8")
    return conf


def dump(lab, node, name):
    """Writes down what locations the data path of a node has, to be looked at later."""
    file = lab.directory / f"{name}.json"
    with open(file, "wb") as output:
        subprocess.run(["bpftool", "-j", "map", "dump", "pinned",
                        lab.pin_dir / node / "maps/locations"], check=True, stdout=output)
    return file


def entries(file):
    """The locations of a dump, each without when it was used."""
    rows = []
    for row in json.loads(file.read_bytes()):
        value = row["formatted"]["value"]
        value.pop("used")
        rows.append(json.dumps([row["key"], value]))
    return sorted(rows)


def unanswered(lab):
    """How often an agent has lost sight of a peer that is there."""
    return sum("does not answer" in line and "mag-1a" not in line
               for node in ("h-lma", "v-lma-1", "v-lma-2")
               for line in lab.agents[node].output().splitlines())


class Sampler(threading.Thread):
    """Notes all the time how many PBUs a node has sent."""

    def __init__(self, lab, node):
        super().__init__(daemon=True)
        self._lab, self._node = lab, node
        self._ended = threading.Event()
        self.samples = [(time.monotonic(), self.take())]

    def take(self):
        """One sample; returns the number."""
        begin = time.monotonic()
        answer = ask(self._lab, self._node, "counters")
        number = next((m["sent"] for m in answer["messages"] if m["name"] == "PBU"), 0)
        if self.is_alive() and time.monotonic() - begin < SURE_S:
            self.samples.append((begin, number))  # else nobody knows when that was true
        return number

    def run(self):
        while not self._ended.wait(0.05):
            self.take()

    def stop(self):
        """Ends it. Returns (messages, seconds between the first and the last, most per second)."""
        self._ended.set()
        self.join()
        first = max(s for s in self.samples if s[1] == self.samples[0][1])
        last = min(s for s in self.samples if s[1] == self.samples[-1][1])
        most = max(((b[1] - a[1]) / (b[0] - a[0])
                    for a, b in zip(self.samples, self.samples[RATE_OVER:])), default=0)
        return last[1] - first[1], last[0] - first[0], most


@test(rows=["H9"], hooks=("tc",), limit_s=180 + MANY // 100,
      lab={"mobiles": 2, "correspondents": ("cn", "cn-h")})
def the_h_lma_restarts_with_many_bindings(lab):
    """It knows all locations from its store at once; its peers notice, and register again."""
    lab.start_dlma(conf_dir=big_domain(lab), nodes=NODES)
    with contextlib.closing(ManyMag(lab, "mag-1a", "v-lma-1")) as mag:
        assert lab.wait(mag.greet, 10, "V-LMA-1 answers")
        hnps = mag.register(range(MANY))
    assert len(set(hnps.values())) == MANY
    hoa = attach(lab, "mag-1b")
    assert ping(lab, "cn-h", hoa, 3)
    flows = [lab.stream("cn-h", "mn", hoa, rate=1000, size=200),
             lab.stream("cn", "mn", hoa, rate=1000, size=200)]
    lab.wait(lambda: all(f.received() > 100 for f in flows), 10, "flows")
    before = dump(lab, "h-lma", "before")
    sampler = Sampler(lab, "v-lma-1")
    count = sampler.take()
    sampler.start()

    lab.agents["h-lma"].kill9()
    begin = time.monotonic()
    lab.start_agent("h-lma")
    lab.wait(lambda: (status(lab, "h-lma") or {}).get("ready"), 60, "the H-LMA is back")
    ready_s = time.monotonic() - begin
    silent = unanswered(lab)
    after = dump(lab, "h-lma", "after")
    commits = status(lab, "h-lma")["store"]["commits"]

    start = time.monotonic()
    lab.move("mn-2", "mag-1b")
    lab.wait(lambda: delivered_by(lab, "mag-1b", "mn-2"), 10, "a new MN is registered")
    took = time.monotonic() - start
    assert MANY < 10000 or sampler.take() < count + MANY, "that was in the middle of it"
    lab.wait(lambda: sampler.take() >= count + MANY, 30 + 3 * MANY / PACE, "all confirmed", 0.2)
    messages, seconds, most = sampler.stop()
    silent = unanswered(lab) - silent
    written = status(lab, "h-lma")["store"]["commits"] - commits
    results = [flow.stop() for flow in flows]
    lost = sum(r.lost for r in results)
    figures.write("many", {
        "h-lma-restart-bindings": ("100000 in the full version", str(MANY), True),
        "h-lma-restart-ready": ("<= 1 s for 10000", f"{ready_s:.2f} s",
                                ready_s <= max(1.0, MANY / 10000)),
        "h-lma-restart-registered-again": (f"{MANY}, <= {PACE}/s",
                                           f"{messages} in {seconds:.1f} s, <= {most:.0f}/s",
                                           most <= 1.1 * PACE),
        "h-lma-restart-new-mn-meanwhile": ("<= 3 s", f"{took:.2f} s", took <= 3),
        "h-lma-restart-packets-lost": ("0", f"{lost} of {sum(r.sent for r in results)}", not lost),
        "h-lma-restart-commits-for-unchanged-records": ("<= 10", str(written), written <= 10),
    })
    assert not silent, f"{silent} times a peer did not answer a heartbeat any more"
    assert lost == 0
    known = entries(before)
    assert len(known) == MANY + 1 and set(known) <= set(entries(after)), "locations have changed"
    assert messages <= MANY + MANY // 50 + 20, "each once, but for what was lost"
    assert lab.ctl_json("h-lma", "status")["anchors"] == MANY + 2
    assert lab.ctl_json("v-lma-1", "status")["bindings"] == MANY + 2
