#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs inside a guest: what depends on the kernel, on both hooks. Leaves results in $JOB.

    results.json    [{"suite", "hook", "name", "status", "detail"}], a row for each test
    attached.json   what t_attach.py saw, see there
    failures/       logs of the failed tests
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import run  # pylint: disable=wrong-import-position

JOB = Path(os.environ["JOB"])
LOCAL = Path("/run/dlma-kernels")  # in the memory of the guest, faster than $JOB

# The story of Figure 5: registration, the ways of the packets, every kind of move, and what an
# operator does with the programs while packets flow. The lab's own tests and whatever is the same
# on every kernel (signalling, trust) stay outside: the guest is slow.
STORY = ("t_registration.two_mobile_nodes", "t_registration.attach_in_a_visited_network",
         "t_registration.home_again_and_gone", "t_registration.at_home_no_tunnel",
         "t_routing.figures_7_and_8", "t_routing.figure_10", "t_routing.mn_to_mn",
         "t_routing.at_home", "t_routing.o_lma_and_d_lma", "t_routing.every_packet",
         "t_cache.only_the_first_packets", "t_cache.a_full_cache_makes_room",
         "t_handover.mag_changes_under_one_lma", "t_handover.lma_changes",
         "t_handover.a_tour_loses_nothing", "t_handover.loaders_die_during_the_stream",
         "t_operation.every_verb_answers", "t_operation.the_loader_adopts",
         "t_operation.detach_leaves_nothing", "t_operation.interfaces_come_and_go")


def hook_of(test):
    """Which hook a BPF test is about, by its name."""
    return next((hook for hook in ("xdp", "tc") if test.split("_")[-1] == hook), "both")


def bpf():
    """The BPF programs, frame by frame: verifier, fixtures, sweeps, events, random, real links."""
    rows = []
    for program in sorted((run.BUILD / "tests/bpf").glob("test_*")):
        begin = time.monotonic()
        tests, output = run.criterion_tests(program)
        failed = sum(word == "failed" for _, word, _ in tests)
        run.say("failed" if failed else "passed", f"bpf {program.name}", time.monotonic() - begin,
                f"{len(tests)} tests")
        if failed:
            print(output, flush=True)
        rows += [{"suite": "data path", "hook": hook_of(name), "status": word, "detail": detail,
                  "name": f"{program.name}.{name}"} for name, word, detail in tests]
    return rows


def net(suite, *options):
    """Tests on network namespaces."""
    output = LOCAL / suite.replace(" ", "-")
    subprocess.run(["/usr/bin/python3", "tests/net/runner.py", "-j1", "--output", output, *options],
                   check=False)
    results = output / "results.json"
    if not results.exists():
        return [{"suite": suite, "hook": "both", "name": "runner.py", "status": "failed",
                 "detail": "it left no results"}]
    rows = json.loads(results.read_text(encoding="utf-8"))
    for directory in output.glob("t_*"):  # of failed tests, the others are gone
        shutil.copytree(directory, JOB / "failures" / directory.name)
    return [{"suite": suite, "hook": row["hook"] or "none", "name": row["name"],
             "status": row["status"], "detail": row["detail"]} for row in rows]


def main():
    """All suites; the exit status says nothing about how they went, only that there are results."""
    LOCAL.mkdir()
    rows = []
    for suite in (bpf, lambda: net("attachment", "--tests", HERE),
                  lambda: net("Figure 5", *(part for name in STORY for part in ("-k", name)))):
        rows += suite()
        (JOB / "results.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
