# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Keys change while everything goes on; everything else does not."""

import os
import signal
import subprocess
from collections import Counter

import figures
from figure5 import attach, learnt, ping
from lab import test, topology

ROTATIONS = int(os.environ.get("DLMA_ROTATIONS", "2"))
LIMIT_S = 3600
BAD = ("auth_failed", "auth_spi", "auth_missing", "stranger", "replayed", "stale_epoch")
OUTDATED = 157  # two messages about moves have overtaken each other: that has nothing to do with keys
NODES = [n.name for n in topology.NODES]
TOUR = ("mag-1a", "mag-2", "mag-1b", "h-lma")


def bad(lab):
    """Messages that anybody has not believed, and requests that were refused, by node."""
    found = Counter()
    for node in NODES:
        counters = lab.ctl_json(node, "counters")
        for row in counters["signalling"]:
            if row["reason"] in BAD:
                found[node, row["reason"]] = row["messages"]
        for row in counters["statuses"]:
            if row["status"] >= 128 and row["status"] != OUTDATED:
                found[node, row["text"]] = row["sent"]
    return +found


def keygen(lab, *arguments):
    """Changes the files of all nodes."""
    subprocess.run([lab.program("dlmactl"), "keygen", lab.conf_dir / "domain.conf", lab.conf_dir,
                    *arguments], check=True, capture_output=True, timeout=30)


def reload(lab, node, by_signal):
    """Has a node read its file again, one way or the other."""
    if not by_signal:
        lab.ctl(node, "reload")
        return
    log = lab.agents[node]
    count = log.output().count("the keys of all peers were replaced")
    os.kill(log.pid, signal.SIGHUP)
    lab.wait(lambda: log.output().count("the keys of all peers were replaced") > count, 5,
             f"{node} has read its keys")


def spis(lab, node):
    """The SPIs that a node has for each peer, the one to send with first."""
    return {tuple(p["spis"]) for p in lab.ctl_json(node, "peers")["peers"]}


@test(hooks=("tc",), lab={"mobiles": 2}, limit_s=LIMIT_S)
def rotations_under_load_refuse_nothing(lab):
    """A MN hands over again and again, packets flow, and all keys are replaced meanwhile."""
    lab.start_dlma()
    hoa = attach(lab, TOUR[0])
    still = attach(lab, "mag-1a", "mn-2")
    flow = lab.stream("cn", "mn-2", still, rate=500, size=100)
    lab.wait(lambda: flow.received() > 10, 10, "flows")
    before, moves = bad(lab), 0
    for number in range(ROTATIONS):
        for step in ("add", "switch", "drop"):
            keygen(lab, step)
            for node in NODES:
                reload(lab, node, by_signal=(number + len(node)) % 2)
                moves += 1
                if moves % len(NODES) in (2, 5):
                    attach(lab, TOUR[moves // 3 % len(TOUR)])
    first = 4096 + ROTATIONS
    assert all(spis(lab, node) == {(first,)} for node in NODES)
    assert ping(lab, "cn", hoa, 3)
    result = flow.stop()
    assert result.lost == 0, f"{result.lost} packets lost"
    assert bad(lab) == before, (bad(lab), before)
    figures.write("keys", {"key-rotations-under-load-refused": (
        "0", f"0 in {ROTATIONS} rotations of 6 nodes", True)})


@test(hooks=(None,))
def only_keys_are_reloaded(lab):
    """Anything else, and any error, changes nothing, and is told in a line."""
    lab.start_dlma(hook="auto")
    attach(lab, "mag-1a")
    domain, keys = lab.conf_dir / "domain.conf", lab.conf_dir / "v-lma-1.keys"
    was, secrets = domain.read_text(encoding="utf-8"), keys.read_text(encoding="utf-8")

    def fails(words):
        done = lab.ctl("v-lma-1", "reload", check=False)
        assert done.returncode == 1 and words in done.stderr, done.stderr
        assert spis(lab, "v-lma-1") == {(4096,)}

    keygen(lab, "add")
    domain.write_text(was.replace("cache_idle_s = 4", "cache_idle_s = 5"), encoding="utf-8")
    fails("domain.timers has changed, which takes a restart; nothing was reloaded")
    domain.write_text(was.replace("cache_idle_s = 4", "cache_idle = 4"), encoding="utf-8")
    fails('domain.conf:')
    domain.write_text(was, encoding="utf-8")
    keys.chmod(0o644)
    fails("the keys are open to others")
    keys.chmod(0o600)
    keys.write_text(secrets[:len(secrets) // 2], encoding="utf-8")
    fails("v-lma-1.keys:")
    assert secrets.split('secret = "')[1][:16] not in lab.agents["v-lma-1"].output()
    # Put right, it is taken; here all keys are new at once, so nothing goes until all have them.
    keygen(lab, "--force")
    lab.ctl("v-lma-1", "reload")
    for node in NODES:
        if node != "v-lma-1":
            lab.ctl(node, "reload")
    hoa = attach(lab, "mag-1b")
    assert ping(lab, "cn", hoa, 3) and learnt(lab, "v-lma-2", hoa)
