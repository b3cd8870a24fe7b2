# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The domain to play with: up leaves it running, move moves the MN in it, down removes it."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

from figure5 import attach, delivered_by, mn_id
from handover import hand_over
from lab import Lab, netns, sweep, topology
from run import environment
from words import hooks_of, milliseconds, shown

PLACE = Path(os.environ.get("DLMA_DEMO_DIR", "/run/dlma-demo"))  # there is one: it is ours
STATE = PLACE / "state.json"
CELLS = [n.name for n in topology.NODES if n.cell]
MOVE_S = 10
COMMANDS = """\
The domain of Figure 5 is up (hook {hook}). The MN is at MAG-1a; its HoA is
{hoa}. As root:

  # ping the MN from the CN
  ip netns exec {name}-cn ping {hoa}
  # what the O-LMA has cached (other nodes: {nodes};
  #   other questions: status, bindings, locations, peers, counters, explain HOA)
  {ctl}/v-lma-2/agent.sock cache
  # what happens at the H-LMA, line by line
  {ctl}/h-lma/agent.sock monitor
  # signalling and tunnels on the wire of V-LMA-2
  ip netns exec {name}-wires {sniff}
  # move the MN (or: {cells}, none)
  make demo-move TO=mag-2
  # remove all of it
  make demo-down
"""


def up(hook):
    """Builds the domain, attaches the MN, and leaves."""
    try:
        PLACE.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        return _refuse(f"the domain {_described()}; make demo-down removes it")
    try:
        lab = Lab(hook=None if hook == "auto" else hook, directory=PLACE / "lab")
        _write({"name": lab.name})
        with lab:
            lab.start_dlma(hook=hook)
            hoa = attach(lab, "mag-1a")
            attached = hooks_of(environment(lab, hook))
            _write(lab.leave() | {"hoa": hoa, "attached": attached, "since": time.time()})
    except BaseException:
        shutil.rmtree(PLACE, ignore_errors=True)
        raise
    print(_commands(lab, hoa, attached), end="")
    return 0


def move(mag):
    """Moves the MN as in the story: the old MAG is told of the departure."""
    if mag not in (*CELLS, "none"):
        return _refuse(f"TO is one of {', '.join(CELLS)}, none")
    state = _read()
    if "processes" not in state:
        return _refuse("no domain is up; make demo-up builds one")
    lab = Lab.adopt(state)
    if set(lab.namespaces) != set(topology.roles(1, state["correspondents"])):
        return _refuse("parts of the domain are gone; make demo-down, then make demo-up")
    old = next((cell for cell in CELLS if delivered_by(lab, cell)), None)
    if mag == old:
        return _refuse(f"the MN is at {shown(mag)} already")
    if mag == "none":
        return _detach(lab, old)
    begin = time.monotonic()
    if old:
        hand_over(lab, old, mag)
    else:
        lab.move("mn", mag)
    lab.wait(lambda: delivered_by(lab, mag), MOVE_S, f"the MN registered at {shown(mag)}")
    print(f"the MN has moved from {shown(old) if old else 'nowhere'} to {shown(mag)}; registered "
          f"after {milliseconds((time.monotonic() - begin) * 1000)}")
    return 0


def _detach(lab, old):
    lab.move("mn", None)
    if old:
        lab.ctl(old, "detach", mn_id("mn"))
    print(f"the MN has left {shown(old) if old else 'nothing'}")
    return 0


def down():
    """Removes what up has left, or what is still there of it."""
    if not PLACE.exists():
        print("nothing is up")
        return 0
    state = _read()
    if "processes" in state:
        lab = Lab.adopt(state)
        others = _others(lab)
        lab.close()
    else:  # up was ended before it was done: all that there is, is its own
        others = {}
        if "name" in state:
            sweep(state["name"])
    shutil.rmtree(PLACE)
    print("the domain is gone")
    for pid, line in others.items():
        print(f"left alone, for it is not ours: process {pid}, {line}")
    return 0


def _others(lab):
    """What others run in our namespaces."""
    ours = {p.pid for p in lab.programs()}
    return {pid: line for pid, line in netns.pids_in(netns.named(lab.name)).items()
            if pid not in ours}


def _write(state):
    """At once or not at all: down must be able to read it at any time."""
    new = STATE.with_suffix(".new")
    new.write_text(json.dumps(state), encoding="utf-8")
    new.rename(STATE)


def _read():
    try:
        return json.loads(STATE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def _described():
    """Of a domain that is there already."""
    state = _read()
    if "since" not in state:
        return "is being built, or its building was cut off"
    return f"is up already, since {time.strftime('%H:%M', time.localtime(state['since']))}"


def _refuse(why):
    print(f"demo: {why}", file=sys.stderr)
    return 1


def _commands(lab, hoa, attached):
    sniffer = "tcpdump" if shutil.which("tcpdump") else "tshark"
    option = "" if sniffer == "tcpdump" else "-f "
    return COMMANDS.format(
        hook=attached, hoa=hoa, name=lab.name,
        ctl=f"{lab.program('dlmactl')} --socket {lab.run_dir}",
        sniff=f"{sniffer} -n -i v-lma-2.net0 {option}'ip6 proto 41 or ip6 proto 135'",
        nodes=", ".join(n.name for n in topology.NODES), cells=", ".join(CELLS))
