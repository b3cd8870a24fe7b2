#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The demonstration: the domain of Figure 5 of the draft on this machine, and what happens in it.

    demo.py run  [--hook xdp|tc|auto] [--output DIR]   a story of a minute, and a report of it
    demo.py up   [--hook xdp|tc|auto]                  the domain, to play with
    demo.py move MAG                                   moves the MN: mag-1a mag-1b mag-2 h-lma none
    demo.py down                                       takes it down
"""

import argparse
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net")]
sys.dont_write_bytecode = True  # nothing of a run is left in the source tree

# pylint: disable=wrong-import-position
import run
import standing

HOOKS = ("xdp", "tc", "auto")


def arguments():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "up", "move", "down"))
    parser.add_argument("mag", nargs="?", help="where the MN moves to")
    parser.add_argument("--hook", choices=HOOKS, default="auto",
                        help="how the nodes look at packets (auto: as the loader would choose)")
    parser.add_argument("--output", type=Path, metavar="DIR",
                        default=Path(os.environ.get("DLMA_BUILD", "build")) / "demo")
    return parser.parse_args()


def main():
    """Exit status 0: done and all claims true; 1 otherwise, with a line that says why."""
    options = arguments()
    if os.geteuid():
        sys.exit("demo: network namespaces and BPF programs need root: sudo make demo")
    try:
        if options.what == "run":
            return run.run(options.hook, options.output)
        if options.what == "up":
            return standing.up(options.hook)
        return standing.down() if options.what == "down" else standing.move(options.mag)
    except Exception as error:  # pylint: disable=broad-exception-caught
        print(f"demo: {type(error).__name__}: {error}".rstrip(), file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("demo: stopped; everything is cleaned up", file=sys.stderr)
        sys.exit(130)
