#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Resource faults: the n-th allocation, write, message or bpf() of a running daemon fails.

    tests/faults/sweep.py            every call of every class that is not like another one
    tests/faults/sweep.py --quick    some of each class, half a minute

Over the start-up of loader and agent, and over one handover; the daemons are those of DLMA_BUILD.
The figures go to DLMA_BUILD/reliability/faults.json.
"""

import argparse
import multiprocessing
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parent),
                str(Path(__file__).resolve().parents[1] / "net")]

import figure5  # pylint: disable=wrong-import-position
from outcome import report  # pylint: disable=wrong-import-position
from control import CLASSES  # pylint: disable=wrong-import-position
from domain import Domain  # pylint: disable=wrong-import-position
from moves import Moves  # pylint: disable=wrong-import-position
from starts import Starts  # pylint: disable=wrong-import-position

# Of a quick sweep: faults by class, spread over all calls.
QUICK = {
    "start h-lma dlma-agent": {"alloc": 10, "write": 3, "send": 2, "bpf": 6},
    "start h-lma dlma-loader": {"alloc": 6, "write": 1, "send": 3, "bpf": 6},
    "move h-lma dlma-agent": {"alloc": 4, "write": 2, "send": 2, "bpf": 1},
    "move v-lma-1 dlma-agent": {"alloc": 4, "send": 3, "bpf": 2},
    "move mag-1a dlma-agent": {"alloc": 4, "send": 2, "bpf": 2},
}


def spread(calls, most):
    """`most` of so many calls, from the first to the last."""
    return sorted({1 + i * (calls - 1) // max(1, most - 1) for i in range(min(most, calls))})


def first_and_last(origins):
    """Of all allocations that came about by the same way, the first and the last."""
    first, last = {}, {}
    for number, origin in enumerate(origins, 1):
        first.setdefault(origin, number)
        last[origin] = number
    return sorted({*first.values(), *last.values()})


def numbers(what, kind, calls, options, seen):
    """Which calls of a class are to fail. `seen`: the ways to allocations that failed before."""
    if options.number:
        return options.number
    if options.quick:
        return spread(calls, QUICK[what.what].get(kind, 0))
    every = range(1, calls + 1)
    if kind == "alloc" and what.origins and not options.all:
        every = [n for n in first_and_last(what.origins) if what.origins[n - 1] not in seen]
        seen.update(what.origins)
    return every[::options.every]


def sweep(what, options, seen):
    """All faults of one daemon; yields their outcomes."""
    calls = what.calls()
    print(f"{what.what}: " + ", ".join(f"{n} {kind}" for kind, n in calls.items()), flush=True)
    for kind in options.kinds:
        if kind not in what.kinds and not options.all:
            continue
        ways = 1 if options.quick and kind != "bpf" else what.ways
        for number in numbers(what, kind, calls[kind], options, seen):
            for _ in range(ways):
                begin = time.monotonic()
                done = what.fail(kind, number)
                if options.verbose or not done.good:
                    print(f"{done} ({time.monotonic() - begin:.1f} s)", flush=True)
                yield done


def agent_starts(domain):
    """Of the H-LMA, which has a MN of its own; of a MAG, and of a V-LMA."""
    places = {figure5.attach(domain.lab, "h-lma"): "h-lma",
              figure5.attach(domain.lab, "mag-1a", "mn-2"): "mag-1a"}
    for node in ("h-lma", "mag-1a", "v-lma-1"):
        yield Starts(domain, node, "dlma-agent", places)


def loader_starts_and_moves(domain):
    """A loader that adopts, one that begins anew, and handovers with faults in each role."""
    lab = domain.lab
    hoa = figure5.attach(lab, "h-lma")
    places = {hoa: "h-lma", figure5.attach(lab, "mag-1a", "mn-2"): "mag-1a"}
    yield Starts(domain, "h-lma", "dlma-loader", places)
    yield Starts(domain, "h-lma", "dlma-loader", places, fresh=True)
    figure5.attach(lab, "mag-2")
    mags = ["mag-1a", "mag-2"]
    for node in ("h-lma", "v-lma-1", "mag-1a", "v-lma-2"):
        domain.restart(node, "dlma-agent")
        lab.wait_ready(node)
        yield Moves(domain, node, hoa, mags)
        yield Moves(domain, node, hoa, mags, told=False)


def run(parts, options):
    """Those of some parts that are asked for, in a domain of their own; returns the outcomes."""
    done, seen = [], set()
    with Domain(trace=options.trace) as domain:
        for part in parts(domain):
            if chosen(part, options):
                done += sweep(part, options, seen)
    return done


def arguments():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, metavar="N", help="laboratories at a time (2)")
    parser.add_argument("--quick", action="store_true", help="some faults of each class only")
    parser.add_argument("-k", action="append", metavar="TEXT",
                        help="only sweeps with TEXT in their name; several: any of them")
    parser.add_argument("--class", dest="kinds", action="append", choices=CLASSES,
                        help="only this class of calls")
    parser.add_argument("--all", action="store_true", help="every allocation of a start, not only "
                        "the first and the last of those that came about in the same way")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th call only")
    parser.add_argument("--number", type=int, action="append", metavar="N",
                        help="only the N-th call, to see a fault again")
    parser.add_argument("--trace", action="store_true", help="show who made a call that failed")
    parser.add_argument("--verbose", action="store_true", help="a line for each fault")
    options = parser.parse_args()
    options.kinds = options.kinds or CLASSES
    return options


def chosen(part, options):
    """Whether a part is asked for."""
    return (not options.quick or part.what in QUICK) and \
        (not options.k or any(text in part.what for text in options.k))


def main():
    """Exit status 1 if anything was wrong."""
    options = arguments()
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    groups = [(agent_starts, options), (loader_starts_and_moves, options)]
    with multiprocessing.Pool(options.j) as pool:
        done = [outcome for found in pool.starmap(run, groups, 1) for outcome in found]
    part = options.k or options.number or len(options.kinds) < len(CLASSES)
    well = report(done, "faults", whole=not part)
    print(f"{len(done)} faults in {time.monotonic() - begin:.0f} s")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
