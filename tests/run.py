#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs every test there is, and ends with the line "N passed, N failed, N skipped".

    tests/run.py [SUITE...]      default: all of SUITES below, in their order

A suite is a list of programs, each counted by what it says of itself: Criterion programs by their
JSON report, the network runner by its results, everything else as one test by its exit status.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / os.environ.get("BUILD", "build")
# Network tests that make daemons and tools work hardest.
SANITIZED = ("t_handover.mag_changes_under", "t_handover.lma_changes", "t_registration.attach_in",
             "t_bypass.figure_11", "t_operation.the_loader", "t_trust.an_untrusted",
             "t_drain.what_cannot")
ASAN_ENV = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


def say(status, name, seconds, detail=""):
    """One line for each test."""
    print(f"{status:8}{name:56}{seconds:7.2f} s" + (f"  {detail}" if detail else ""), flush=True)


def run(command, **options):
    """A command's exit status and everything that it printed."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **options)
    return done.returncode, done.stdout


def make(*arguments):
    """make with our build directory."""
    return run(["make", f"BUILD={BUILD}", f"-j{os.cpu_count()}", *arguments])


def one(name, status, output, seconds):
    """A test that is one command."""
    say("passed" if not status else "failed", name, seconds)
    if status:
        print(output)
    return Counter(failed=1) if status else Counter(passed=1)


def command(name, argv):
    """Runs a command as one test."""
    begin = time.monotonic()
    status, output = run(argv, env={**os.environ, "DLMA_BUILD": str(BUILD)})
    return one(name, status, output, time.monotonic() - begin)


def target(name, *arguments):
    """Makes something as one test."""
    begin = time.monotonic()
    status, output = make(*arguments)
    return one(name, status, output, time.monotonic() - begin)


def criterion_tests(program, env=None):
    """Runs a Criterion program; returns [(test, how it ended, why)] and all that it printed.

    An end of the program that no test accounts for is one more failure.
    """
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        status, output = run([program, f"--json={report.name}"],
                             env={**os.environ, **(env or {})})
        try:
            suites = json.load(report)["test_suites"]
        except (json.JSONDecodeError, KeyError):
            return [("no report", "failed", f"exit status {status}")], output
    words = {"PASSED": "passed", "SKIPPED": "skipped"}
    found = [(t["name"], words.get(t["status"], "failed"), " ".join(t.get("messages", [])))
             for s in suites for t in s["tests"]]
    if status and "failed" not in (word for _, word, _ in found):
        found.append(("end", "failed", f"exit status {status}"))
    return found, output


def criterion(program, label, env=None):
    """Runs a Criterion program; each of its tests counts."""
    begin = time.monotonic()
    tests, output = criterion_tests(program, env)
    found = Counter(word for _, word, _ in tests)
    say("failed" if found["failed"] else "passed", label, time.monotonic() - begin,
        f"{found['passed']} tests" + (f", {found['skipped']} skipped" if found["skipped"] else ""))
    if found["failed"]:
        print(output)
    return found


def static():
    """What can be said without running anything."""
    found = target("build with gcc", "all", "test-programs")
    found += target("build with clang", "CC=clang", f"BUILD={BUILD}/clang", "CFLAGS=-O0", "all")
    for check in ("check-format", "check-includes", "check-vmlinux", "check-configs",
                  "check-docs"):
        found += target(check, check)
    return found


def unit():
    """The pure code and the configuration, under the sanitizers."""
    found = target("build with the sanitizers", "SANITIZE=1", f"BUILD={BUILD}/asan",
                   "unit-programs")
    for program in sorted((BUILD / "asan/tests/unit").glob("test_*")):
        found += criterion(program, f"unit {program.name}", ASAN_ENV)
    return found


def fuzz():
    """Ten million executions of the fuzz targets under the sanitizers, and what they reach."""
    found = target("build the fuzz targets", "fuzz-programs")
    begin = time.monotonic()
    status, output = run(["/usr/bin/python3", "tests/fuzz/run.py", "smoke"],
                         env={**os.environ, "FUZZ_DIR": str(BUILD / "fuzz")})
    if not status:
        print(output, end="")
    return found + one("fuzz smoke", status, output, time.monotonic() - begin)


def sim():
    """A million handovers of whole domains in virtual time, and that the bad variants fail."""
    return target("simulator: 1,000,000 handovers", "sim-figures") + \
        target("simulator: known-bad variants are caught", "mutants")


def model():
    """The ordering rule in Promela: small configurations are right, and bad variants are not."""
    return command("model quick", ["/usr/bin/python3", "tests/model/model.py", BUILD, "quick"])


def bpf():
    """The production objects, frame by frame."""
    found = Counter()
    for program in sorted((BUILD / "tests/bpf").glob("test_*")):
        found += criterion(program, f"bpf {program.name}")
    return found + command("bench: every packet takes its path",
                           [BUILD / "tests/bench/packet", BUILD, "check"])


def store():
    """The store on a disk that fails, and that loses its power."""
    found = Counter()
    for program in sorted((BUILD / "tests/store").glob("test_*")):
        found += criterion(program, f"store {program.name}", {"DLMA_BUILD": str(BUILD)})
    return found


def faults():
    """Running daemons of which one call fails, of each class some; `make faults` has them all."""
    found = target("build the shim", "fault-shim")
    begin = time.monotonic()
    status, output = run(["/usr/bin/python3", "tests/faults/sweep.py", "--quick"],
                         env={**os.environ, "DLMA_BUILD": str(BUILD)})
    if not status:
        print(output, end="")
    return found + one("faults quick", status, output, time.monotonic() - begin)


def net_runner(build, *options):
    """Runs tests on network namespaces with the programs of a build."""
    results = build / "tests/net/results.json"
    results.unlink(missing_ok=True)
    subprocess.run(["/usr/bin/python3", "tests/net/runner.py", "-j3", *options], cwd=ROOT,
                   check=False, env={**os.environ, "DLMA_BUILD": str(build)})
    try:
        rows = json.loads(results.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return Counter(failed=1)
    return Counter(result["status"] for result in rows)


def sanitized():
    """The daemons and tools under the sanitizers, in those tests that make them work hardest."""
    build = BUILD / "asan"
    return target("build all with the sanitizers", "SANITIZE=1", f"BUILD={build}", "all",
                  "lab-tools") + \
        net_runner(build, "--hook", "tc", *sum((["-k", name] for name in SANITIZED), []))


def net():
    """Real packets between network namespaces, through the production programs."""
    found = target("build with another layout of the maps", "next-layout")
    found += net_runner(BUILD, "--thrifty", "--without", "t_lab")
    return found + command("conformance", ["tests/conformance/report.py",
                                           BUILD / "tests/net/results.json",
                                           BUILD / "conformance.json"])


def demo():
    """The demonstration, as its user sees it."""
    found = Counter()
    for what, hook in (("story", "xdp"), ("standing", "tc")):
        found += command(f"demo {what} [{hook}]", [
            "/usr/bin/python3", "tests/demo/check.py", what, hook,
            str(BUILD / f"tests/demo-{what}-{hook}")])
    return found


SUITES = {"static": static, "unit": unit, "model": model, "sim": sim, "fuzz": fuzz, "bpf": bpf,
          "store": store, "faults": faults, "net": net, "sanitized": sanitized, "demo": demo}


def main():
    """Runs the suites; the exit status is 1 if anything failed."""
    total = Counter()
    for name in sys.argv[1:] or SUITES:
        total += SUITES[name]()
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
