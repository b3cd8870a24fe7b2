# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""SIGKILL and restart of the daemons under traffic: no packet is lost, and they are back at once.

DLMA_RESTARTS=100 and DLMA_RATE=10000 make the full version (make restarts).
"""

import ipaddress
import itertools
import json
import os
import signal
import socket
import subprocess
import time

import figures
from figure5 import attach, counters_close, learnt, ping
from lab import test

RESTARTS = int(os.environ.get("DLMA_RESTARTS", "6"))
RATE = int(os.environ.get("DLMA_RATE", "10000"))  # packets a second, of all flows together
NODES = ("v-lma-2", "v-lma-1", "h-lma", "mag-1a")
PEERS = 5
READY_GOAL_S = 1.0
DEADLINE_S = 20
LAB = {"mobiles": 2, "correspondents": ("cn", "cn-1", "cn-h")}


def start_flows(lab, hoa, other):
    """Flows through each kind of entry, and one that nobody has a location for."""
    share = max(1, RATE // 10)
    flows = {
        "cached": lab.stream("cn", "mn", hoa, rate=4 * share, size=200),
        "anchored": lab.stream("cn-1", "mn", hoa, rate=2 * share, size=200),
        "by the owner": lab.stream("cn-h", "mn", hoa, rate=share, size=200),
        "from the MN": lab.stream("mn", "cn", lab.address("cn"), rate=share, size=200, from_=hoa),
        "new": lab.stream("cn", "mn-2", other, rate=2 * share, size=200),
    }
    for name, flow in flows.items():
        lab.wait(lambda f=flow: f.received() > 50, 10, f"{name} flows")
    return flows


def forget(lab, node, hoa):
    """Takes the location of a HoA from the data path of a node: the next packet is a first one."""
    key = ipaddress.ip_network(f"{hoa}/64", strict=False).network_address.packed
    subprocess.run(["bpftool", "map", "delete", "pinned", lab.pin_dir / node / "maps/locations",
                    "key", "hex", *(f"{octet:02x}" for octet in key)], check=False,
                   capture_output=True)


def ask(lab, node, request):
    """What an agent answers, or None while there is none. Cheaper than to start dlmactl."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        try:
            s.connect(str(lab.run_dir / node / "agent.sock"))
            s.sendall(request.encode() + b"\n")
            text = b"".join(iter(lambda: s.recv(65536), b""))
            return json.loads(text)
        except (OSError, json.JSONDecodeError):
            return None


def status(lab, node):
    """The status of an agent, or None."""
    return ask(lab, node, "status")


def signalling_ready(lab, node):
    """Whether an agent works and has heard of all its peers."""
    found = status(lab, node)
    return bool(found) and found["ready"] and found["peers_up"] == PEERS


def finish(lab, flows, part, what, times):
    """Everything has arrived, once; writes down what was measured."""
    results = {name: flow.stop() for name, flow in flows.items()}
    sent = sum(r.sent for r in results.values())
    lost = sum(r.lost for r in results.values())
    p99 = figures.percentile(times, 0.99)
    figures.write(part, {
        f"{what}-restarts": (f">= {RESTARTS}", str(len(times)), len(times) >= RESTARTS),
        f"{what}-restarts-packets-lost": ("0", f"{lost} of {sent}", not lost),
        f"{what}-ready-p99": ("<= 1 s", f"{p99:.3f} s", p99 <= READY_GOAL_S),
    })
    bad = {name: (r.lost, r.duplicates) for name, r in results.items() if r.lost or r.duplicates}
    assert not bad, f"lost, duplicates: {bad} of {sent} packets"


@test(rows=["H9"], lab=LAB, limit_s=60 + 4 * RESTARTS, slow=True)
def agents_restart_under_traffic(lab):
    """Each agent in turn: cached, anchored and new flows lose nothing; signalling is back."""
    lab.start_dlma()
    hoa, other = attach(lab, "mag-1a"), attach(lab, "mag-1a", "mn-2")
    assert ping(lab, "cn", hoa, 3)
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 5, "cached")
    flows = start_flows(lab, hoa, other)
    times = []
    for node in itertools.islice(itertools.cycle(NODES), RESTARTS):
        lab.agents[node].kill9()
        forget(lab, "v-lma-2", other)
        counts = {name: flow.received() for name, flow in flows.items()}
        lab.wait(lambda c=counts: all(f.received() > c[n] + 20 for n, f in flows.items()), 10,
                 f"everything flows without the agent of {node}")
        begin = time.monotonic()
        lab.start_agent(node)
        lab.wait(lambda n=node: signalling_ready(lab, n), DEADLINE_S, f"{node} is back")
        times.append(time.monotonic() - begin)
    finish(lab, flows, f"agents-{lab.hook}", f"agent-{lab.hook}", times)
    attach(lab, "mag-2")
    assert ping(lab, "cn", hoa, 3), "and the new agents know what to do"
    for node in NODES:
        counters_close(lab, node)


@test(rows=["H9"], lab=LAB, limit_s=60 + 4 * RESTARTS, slow=True)
def loaders_restart_under_traffic(lab):
    """Each loader in turn: the programs are replaced in one step, the next hops stay."""
    lab.start_dlma()
    hoa, other = attach(lab, "mag-1a"), attach(lab, "mag-1a", "mn-2")
    assert ping(lab, "cn", hoa, 3)
    flows = start_flows(lab, hoa, other)
    times = []
    for node in itertools.islice(itertools.cycle(NODES), RESTARTS):
        lab.loaders[node].kill9()
        begin = time.monotonic()
        loader = lab.start_loader(node)
        lab.wait(lambda p=loader: "the data path is ready" in p.output(), DEADLINE_S,
                 f"the loader of {node} is back")
        times.append(time.monotonic() - begin)
        counts = {name: flow.received() for name, flow in flows.items()}
        lab.wait(lambda c=counts: all(f.received() > c[n] + 20 for n, f in flows.items()), 10,
                 f"everything flows through the new programs of {node}")
    finish(lab, flows, f"loaders-{lab.hook}", f"loader-{lab.hook}", times)
    assert all(lab.agents[node].alive for node in NODES)


@test(lab=LAB, hooks=("tc",))
def agents_hang_under_traffic(lab):
    """Each agent stands still for two seconds, as one does whose disk does: packets go on, and then
    everything else."""
    lab.start_dlma()
    hoa, other = attach(lab, "mag-1a"), attach(lab, "mag-1a", "mn-2")
    assert ping(lab, "cn", hoa, 3)
    flows = start_flows(lab, hoa, other)
    for node in NODES:
        os.kill(lab.agents[node].pid, signal.SIGSTOP)
        forget(lab, "v-lma-2", other)
        time.sleep(2)
        os.kill(lab.agents[node].pid, signal.SIGCONT)
        lab.wait(lambda n=node: signalling_ready(lab, n), DEADLINE_S, f"{node} goes on")
    for name, flow in flows.items():
        result = flow.stop()
        assert (result.lost, result.duplicates) == (0, 0), (name, result.lost, result.sent)
    attach(lab, "mag-2")
    assert ping(lab, "cn", hoa, 3)
