#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks the model of the ordering rule with spin, exhaustively: docs/model.md has the results.

    tests/model/model.py BUILD [quick|full]       default: full
    tests/model/model.py BUILD show OPTION...     one run, and its counter-example as a story

Every configuration must have no error, every bad variant must have one. A search that ends before
it has seen all states (memory or time) proves nothing, and fails. Rows for the table of figures go
to BUILD/reliability/model.json.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/model"
MEMORY_MB = 6000
LIMIT_S = 900
PAN_FLAGS = ["-w", "-O2", "-DSAFETY", "-DNOREDUCE", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB}"]

HOME = "lmas=3 mags=3 first=0"  # three LMAs with a MAG each, one of them the H-LMA
AWAY = "lmas=3 mags=2 first=1"  # the H-LMA has no MAG, and the MN goes to and fro
WIDE = "lmas=4 mags=3 first=1"  # the H-LMA has no MAG, and three V-LMAs have one each

# (name, options, in the quick run too)
GOOD = [
    ("four moves", f"{HOME} moves=4 near=1", False),
    ("four moves, to and fro", f"{AWAY} moves=4 near=1", True),
    ("four moves, one duplicate", f"{AWAY} moves=4 repeats=1 near=1", False),
    ("four moves, one crash", f"{AWAY} moves=4 crashes=1 near=1", False),
    ("three moves, one duplicate", f"{HOME} moves=3 repeats=1 near=1", False),
    ("three moves, one crash", f"{HOME} moves=3 crashes=1 near=1", False),
    ("three moves, one duplicate, one crash", f"{AWAY} moves=3 repeats=1 crashes=1 near=1", False),
    ("three moves, slow access", f"{HOME} moves=3", False),
    ("two moves, one duplicate, slow access", f"{HOME} moves=2 repeats=1", False),
    ("two moves, one crash, slow access", f"{HOME} moves=2 crashes=1", False),
    ("two moves", f"{HOME} moves=2", True),
    ("three moves, clocks a move apart", f"{HOME} moves=3 skew=2 near=1", False),
    ("three moves, one refresh", f"{HOME} moves=3 refreshes=1 near=1", True),
    ("three moves, one notice, one expiry", f"{HOME} moves=3 notices=1 expiries=1 near=1", False),
    ("three moves, four LMAs", f"{WIDE} moves=3 near=1", False),
]

# name: (what is wrong, options that show it)
BAD = {
    "last_wins": ("the last message received wins", "moves=2"),
    "plain_stamps": ("timestamps, and nobody bids above them", "moves=2"),
    "unacknowledged": ("the word to a previous D-LMA is sent once", "moves=2"),
    "forgets": ("the H-LMA is not durable", "moves=2 crashes=1 near=1"),
    "no_mark": ("nothing says that a packet was forwarded before", "moves=2"),
    "no_delete": ("an attach does not delete the forwarding entry", "moves=3 near=1"),
    "mute": ("the H-LMA does not tell a previous D-LMA", "moves=3 crashes=1 near=1"),
    "deaf": ("a LMA that asks the H-LMA does not hear the next D-LMA", "moves=2"),
    "loses_time": ("a binding claimed back has no last timestamp", "moves=2"),
    "turns_away": ("a MAG turns a MN away whose refresh was refused", "moves=3 crashes=1 near=1"),
    "hasty": ("a refresh replaces the claim for a MN that has come", "moves=3 refreshes=1 near=1"),
}

TYPES = ["CLAIM", "ANSWER", "UPDATE", "?", "BRI", "BRA", "PBU"]


def room(options):
    """LMAs, and MAGs, that there must be room for."""
    return 4 if "lmas=4" in options else 3


def compile_pan(source, where, *defines):
    """Builds the verifier of one model; returns its path."""
    pan = where / "pan"
    newest = max(p.stat().st_mtime for p in MODEL.iterdir())
    if pan.exists() and pan.stat().st_mtime > newest:
        return pan
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["spin", *defines, "-a", MODEL / source], cwd=where, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["gcc", *PAN_FLAGS, "-o", "pan", "pan.c"], cwd=where, check=True)
    return pan


def order_pan(many):
    """The verifier of order.pml."""
    return compile_pan("order.pml", BUILD / f"model/order{many}", f"-DMANY={many}")


def search(pan, options="", table=24):
    """Runs a verifier; returns what it found as a dictionary."""
    begin = time.monotonic()
    for old in pan.parent.glob("*.trail"):
        old.unlink()
    try:
        output = subprocess.run([pan, "-E", "-m20000", f"-w{table}"], cwd=pan.parent, check=False,
                                capture_output=True, text=True, timeout=LIMIT_S,
                                env={**os.environ, "MODEL": options}).stdout
    except subprocess.TimeoutExpired:
        output = "time limit"
    found = {"seconds": time.monotonic() - begin}
    for key, pattern in (("states", r"(\S+) states, stored"), ("depth", r"depth reached (\d+)"),
                         ("errors", r"errors: (\d+)"), ("memory", r"(\S+)\ttotal actual")):
        match = re.search(pattern, output)
        found[key] = int(float(match[1])) if match else 0
    broken = re.search(r"assertion violated (.*) \(at depth", output)
    found["why"] = broken[1] if broken else ""
    found["complete"] = "states, stored" in output and not re.search(
        r"Search not completed|max search depth too small|out of memory|reached -DMEMLIM", output)
    return found


def line(verdict, name, found, what=""):
    """One row of the table on the screen."""
    print(f"{verdict:9}{name:50}{found['states']:11,} states{found['depth']:6} deep"
          f"{found['seconds']:8.1f} s{found['memory']:6} MB  {what}", flush=True)


def check_good(name, options, pan=None):
    """True if there is no error, and all states were seen."""
    table = 20 if QUICK else 26
    found = search(pan or order_pan(room(options)), options, table)
    fine = found["complete"] and not found["errors"]
    line("proved" if fine else "ERROR" if found["errors"] else "UNDONE", name, found,
         found["why"] or options)
    return fine, found["states"]


def check_bad(name, what, options):
    """True if the variant fails."""
    found = search(order_pan(3), f"{HOME} {options} {name}=1", 20)
    line("caught" if found["errors"] else "SURVIVED", name, found, what)
    return bool(found["errors"])


def check_packets():
    """The bound of the tunnels that one packet crosses."""
    good = [check_good("a packet, whatever tables say",
                       "", compile_pan("packet.pml", BUILD / "model/packet")),
            check_good("a packet, MAGs forward too", "",
                       compile_pan("packet.pml", BUILD / "model/packet-mags", "-DMAGS_FORWARD"))]
    found = search(compile_pan("packet.pml", BUILD / "model/packet-no-mark", "-DNO_MARK"), "", 20)
    line("caught" if found["errors"] else "SURVIVED", "packet without its mark", found)
    return [fine for fine, _ in good] + [bool(found["errors"])]


def story(trail):
    """A counter-example, one line for each event."""
    for text in trail.splitlines():
        word = text.split()
        if word and word[0] in ("receive", "repeat"):
            m = int(word[1])
            kind, argument = TYPES[m >> 12], m >> 6 & 15
            about = f"to {argument & 3}: D-LMA {argument >> 2}," if kind == "UPDATE" else \
                f"argument {argument},"
            print(word[0], kind, "of", m >> 10 & 3, about, "stamp", m >> 1 & 31,
                  "(nobody waits)" if m & 1 else "")
        elif word and word[0] in ("move", "slip", "miss", "pause", "due", "refresh", "expire",
                                  "tell1", "tell2", "tell3", "crash", "restart"):
            print(text.strip())
        elif text.startswith("state"):
            print("       ", text.strip())


def show(options):
    """Looks for an error, and tells how it comes about."""
    pan = order_pan(room(options))
    found = search(pan, options)
    line("ERROR" if found["errors"] else "proved" if found["complete"] else "UNDONE", "", found,
         found["why"])
    if found["errors"]:
        story(subprocess.run([pan, "-r", "order.pml.trail"], cwd=pan.parent, check=False,
                             capture_output=True, text=True,
                             env={**os.environ, "MODEL": options}).stdout)
    return found["errors"] or not found["complete"]


def write_rows(good, bad, states):
    """For the table of all figures of reliability."""
    out = BUILD / "reliability/model.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = {
        "model-configurations-proved": {
            "goal": f"{len(good)} of {len(good)}, exhaustively",
            "value": f"{sum(good)} of {len(good)}, {states:,} states" +
                     (", the small ones only" if QUICK else ""), "ok": all(good)},
        "model-bad-variants-caught": {
            "goal": f"{len(bad)} of {len(bad)}",
            "value": f"{sum(bad)} of {len(bad)}", "ok": all(bad)}}
    out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def main():
    """Exit status 1 if something was wrong."""
    if sys.argv[2:3] == ["show"]:
        return 1 if show(" ".join(sys.argv[3:])) else 0
    results = [check_good(name, options) for name, options, quick in GOOD if quick or not QUICK]
    bad = [check_bad(name, *BAD[name]) for name in BAD]
    good = [fine for fine, _ in results]
    packets = check_packets()
    good += packets[:2]
    bad += packets[2:]
    states = sum(number for _, number in results)
    print(f"{sum(good)} of {len(good)} configurations proved, {states:,} states; "
          f"{sum(bad)} of {len(bad)} bad variants caught")
    write_rows(good, bad, states)
    return 0 if all(good) and all(bad) else 1


BUILD = (ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build")).resolve()
QUICK = sys.argv[2:3] == ["quick"]

if __name__ == "__main__":
    sys.exit(main())
