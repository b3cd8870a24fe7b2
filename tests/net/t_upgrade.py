# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Upgrade to another layout of the maps (docs/upgrade.md): refused or taken over, never misread."""

import json
import subprocess

from figure5 import attach, binding, counters_close, delivered_by, learnt, location, ping
from lab import Skip, test
from t_restart import start_flows

LAB = {"mobiles": 2, "correspondents": ("cn", "cn-1", "cn-h")}
READY_S = 20


def program(lab, name, later):
    """A program of this version, or of the later one with another layout."""
    path = lab.build / ("next" if later else ".") / name
    if not path.exists():
        raise Skip(f"{path} is missing: make next-layout")
    return path


def start_agent(lab, node, later):
    """Starts the agent of a node, of either version."""
    lab.agents[node] = lab.start(node, [program(lab, "dlma-agent", later), lab.conf(node)],
                                 env=lab.dlma_env())
    return lab.agents[node]


def start_loader(lab, node, later, *arguments):
    """Starts the loader of a node, of either version."""
    lab.loaders[node] = lab.start(node, [program(lab, "dlma-loader", later), "--hook", lab.hook,
                                         *arguments, lab.conf(node)], env=lab.dlma_env())
    return lab.loaders[node]


def refused(process, *words):
    """A program that ends with one line, in which all of this stands."""
    assert process.wait(READY_S) == 1, process.output()
    said = [line for line in process.output().splitlines() if line.startswith("error")]
    assert len(said) == 1 and all(word in said[0] for word in words), said


def take_over(lab, node, old, new):
    """The procedure of docs/upgrade.md for one node."""
    file = lab.directory / f"{node}.export"
    lab.agents[node].stop()
    lab.loaders[node].stop()
    done = lab.run(node, [program(lab, "dlma-loader", old), "--export", file, lab.conf(node)],
                   env=lab.dlma_env())
    assert "entries written" in done.stderr, done.stderr
    loader = start_loader(lab, node, new, "--replace", file)
    lab.wait(lambda: "the data path is ready" in loader.output(), READY_S, f"{node} replaced")
    start_agent(lab, node, new)
    lab.wait_ready(node)


def locations(lab, node):
    """What the data path of a node has: HNP and the kind of entry. Of this version only."""
    found = subprocess.run(["bpftool", "-j", "map", "dump", "pinned",
                            lab.pin_dir / node / "maps/locations"], check=True,
                           capture_output=True, text=True)
    return {"".join(row["key"]) for row in json.loads(found.stdout)}


@test(rows=["H9"], lab=LAB)
def another_layout_is_refused(lab):
    """Loader and agent of a later version, and then of an earlier one: one line, nothing changes."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    assert ping(lab, "cn", hoa, 2)
    lab.agents["v-lma-1"].stop()
    lab.loaders["v-lma-1"].stop()
    before = locations(lab, "v-lma-1")
    refused(start_loader(lab, "v-lma-1", True), "layout", "docs/upgrade.md", "--export",
            "--replace", "--detach")
    refused(start_agent(lab, "v-lma-1", True), "layout", "docs/upgrade.md")
    assert locations(lab, "v-lma-1") == before and before, "nothing was touched"
    assert len(ping(lab, "cn", hoa, 3)) == 3, "the data path goes on"
    bad = lab.directory / "bad.export"
    for text, why in (("something else\n", "was not written by dlma-loader --export"),
                      ("dlma 1 h-lma\nend 0\n", "is of node h-lma"),
                      ("dlma 1 v-lma-1\nlabel 1\n", "cut off"),
                      ("dlma 1 v-lma-1\nlocation here\nend 1\n", "bad.export:2")):
        bad.write_text(text, encoding="utf-8")
        refused(start_loader(lab, "v-lma-1", True, "--replace", bad), why)
        assert len(ping(lab, "cn", hoa, 2)) == 2, "the data path goes on"
    start_loader(lab, "v-lma-1", False)
    start_agent(lab, "v-lma-1", False)
    lab.wait_ready("v-lma-1")
    lab.wait(lambda: binding(lab, "v-lma-1", hoa), 20, "registered again")
    refused(start_loader(lab, "v-lma-1", False, "--export", bad), "another loader runs")


@test(rows=["H9"], lab=LAB, limit_s=240)
def an_upgrade_loses_nothing(lab):
    """Every node to the later version, one of them back again, under traffic: no packet is lost,
    and everybody is where they were."""
    lab.start_dlma()
    hoa, other = attach(lab, "mag-1a"), attach(lab, "mag-1a", "mn-2")
    assert ping(lab, "cn", hoa, 3)
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 5, "cached")
    flows = start_flows(lab, hoa, other)
    for node in ("v-lma-1", "v-lma-2", "mag-1a", "h-lma"):
        entries = locations(lab, node)
        take_over(lab, node, False, True)
        assert locations(lab, node) >= entries, f"{node}: entries are missing"
        version = lab.ctl_json(node, "status")["loader"]["layout_version"]
        assert version > 1000, "it is the later version"
    lab.loaders["v-lma-2"].stop()
    refused(start_loader(lab, "v-lma-2", False), "layout")
    take_over(lab, "v-lma-2", True, False)
    counts = {name: flow.received() for name, flow in flows.items()}
    lab.wait(lambda: all(f.received() > counts[n] + 50 for n, f in flows.items()), 10,
             "everything flows")
    for name, flow in flows.items():
        result = flow.stop()
        assert (result.lost, result.duplicates) == (0, 0), (name, result.lost, result.sent)
    assert location(lab, hoa)["d_lma"] == "v-lma-1"
    lab.wait(lambda: delivered_by(lab, "mag-1a"), 20, "still registered")
    attach(lab, "mag-2")
    assert len(ping(lab, "cn", hoa, 3)) == 3, "and the new programs know what to do"
    for node in ("v-lma-1", "v-lma-2", "h-lma"):
        counters_close(lab, node)


@test(hooks=("tc",))
def sizes_can_be_changed(lab):
    """The same procedure with the same programs: maps of another size, with what is in them."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    assert ping(lab, "cn", hoa, 2)
    conf = lab.conf("v-lma-1")
    text = conf.read_text(encoding="utf-8")
    resized = text.replace("node = {", "node = { limits = { locations = 1000; };", 1)
    flow = lab.stream("cn", "mn", hoa, rate=1000, size=200)
    lab.wait(lambda: flow.received() > 100, 10, "flows")
    before = locations(lab, "v-lma-1")
    file = lab.directory / "v-lma-1.export"
    lab.agents["v-lma-1"].stop()
    lab.loaders["v-lma-1"].stop()
    lab.run("v-lma-1", [program(lab, "dlma-loader", False), "--export", file, conf],
            env=lab.dlma_env())
    conf.write_text(resized, encoding="utf-8")
    refused(start_loader(lab, "v-lma-1", False), "other sizes", "docs/upgrade.md")
    loader = start_loader(lab, "v-lma-1", False, "--replace", file)
    lab.wait(lambda: "the data path is ready" in loader.output(), READY_S, "replaced")
    assert locations(lab, "v-lma-1") == before
    start_agent(lab, "v-lma-1", False)
    lab.wait_ready("v-lma-1")
    assert lab.ctl_json("v-lma-1", "status")["map_max"] == 1000
    result = flow.stop()
    assert (result.lost, result.duplicates) == (0, 0), result
