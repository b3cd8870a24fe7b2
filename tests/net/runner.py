#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the tests on network namespaces: tests/net/t_*.py, each on each of its hooks.

Every run of a test is a process of its own with a laboratory of its own, so several go at the
same time, one that hangs or crashes harms no other, and what it leaves behind is found by its
name, removed, and counted as a failure.
"""

import argparse
import importlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True  # nothing of a run is left in the source tree

import privacy  # pylint: disable=wrong-import-position
from lab import Lab, Skip, all_cases, sweep, thrifty  # pylint: disable=wrong-import-position
from lab.timing import scaled  # pylint: disable=wrong-import-position

GRACE_S = 20  # for a test that was told to stop, to clean up
POLL_S = 0.02
PREFIX = os.environ.get("DLMA_LAB_PREFIX", "t")  # what all labs of this runner are called
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")
BUILD = Path(os.environ.get("DLMA_BUILD", HERE.parents[1] / "build")).resolve()


def discover(directory):
    """Imports all test modules of a directory; returns every case."""
    sys.path.insert(0, str(directory))
    for path in sorted(directory.glob("t_*.py")):
        importlib.import_module(path.stem)
    return all_cases()


def choose(options):
    """[(case, hook)] by the options of the command line."""
    cases = discover(options.tests)
    runs = thrifty(cases) if options.thrifty else [(c, hook) for c in cases for hook in c.hooks]
    return [(case, hook) for case, hook in runs
            if options.hook in (None, hook) and (case.rows or not options.rows)
            and (not options.k or any(text in label(case, hook) for text in options.k))
            and not any(text in label(case, hook) for text in options.without)]


def label(case, hook):
    """What a run is called on the screen, in -k, and as a directory."""
    return f"{case.name}[{hook}]" if hook else case.name


# In the process of one test


def check_privacy(lab):
    """Row C10 holds in every test: nothing that it captured tells an end where another one is."""
    found = privacy.leaks(lab) if getattr(lab, "agents", None) else []
    assert not found, f"{len(found)} frames: {found[0]}"


def run_in_lab(case, hook, directory):
    """Runs a test; if it fails, writes down what the laboratory looks like at that moment."""
    if case.lab is None:
        case.run()
        return
    with Lab(hook=hook, directory=directory, **case.lab) as lab:
        try:
            case.run(lab)
            check_privacy(lab)
        except Skip:
            raise
        except BaseException:
            lab.dump()
            raise


def one_line(error):
    """An exception for a list of results; for an assertion without words, where it stands."""
    words = str(error) or traceback.extract_tb(error.__traceback__)[-1].line
    return f"{type(error).__name__}: {' '.join(words.split())[:300]}"


def outcome(case, hook, directory):
    """Runs a test and says how that went: status, one line for people, all details."""
    try:
        run_in_lab(case, hook, directory)
    except Skip as skip:
        return "skipped", str(skip), ""
    except SystemExit:
        return "failed", "stopped", traceback.format_exc()
    except Exception as error:  # pylint: disable=broad-exception-caught
        return "failed", one_line(error), traceback.format_exc()
    return "passed", "", ""


def child(name, hook, tests, directory):
    """Process of one run of one test; leaves result.json."""
    sys.path.insert(0, str(tests))
    importlib.import_module(name.split(".")[0])
    case = next(c for c in all_cases() if c.name == name)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    status, detail, trace = outcome(case, hook, directory)
    print(trace, flush=True)
    result = {"status": status, "detail": detail, "trace": trace}
    (directory / "result.json").write_text(json.dumps(result), encoding="utf-8")


# In the runner


@dataclass
class Result:
    """One line of results.json."""

    name: str
    hook: str | None
    rows: tuple
    status: str
    seconds: float
    detail: str


@dataclass
class Run:
    """One test under way."""

    case: object
    hook: str | None
    tests: Path
    directory: Path
    prefix: str = field(default_factory=lambda: PREFIX + secrets.token_hex(2))
    start: float = 0.0
    told: float | None = None  # when it was told to stop
    popen: subprocess.Popen | None = None

    def begin(self):
        """Starts the process; in a session of its own, so that Ctrl-C is for the runner only."""
        self.start = time.monotonic()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        argv = [sys.executable, __file__, "--child", self.case.name, self.hook or "",
                str(self.tests), str(self.directory)]
        with open(self.directory / "output.log", "wb") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True,
                                          env={**os.environ, "DLMA_LAB_PREFIX": self.prefix})

    def ended(self):
        """Whether the process is gone; makes it go when its time is over."""
        if self.popen.poll() is not None:
            return True
        now = time.monotonic()
        if self.told is None and now - self.start > scaled(self.case.limit_s):
            self.stop()
        elif self.told is not None and now - self.told > scaled(GRACE_S):
            self.popen.kill()
        return False

    def stop(self):
        """Tells the test to clean up and end."""
        self.told = time.monotonic()
        self.popen.terminate()

    def result(self):
        """After the end: what happened, and nothing of it left on the machine."""
        path = self.directory / "result.json"
        status, detail = "failed", f"died with status {self.popen.returncode}"
        if path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            status, detail = told["status"], told["detail"]
        if self.told is not None:
            status, detail = "failed", f"stopped after {self.told - self.start:.0f} s; {detail}"
        told_by = sanitizer_reports(self.directory)
        if told_by:
            status, detail = "failed", "; ".join(filter(None, [detail, f"see {told_by}"]))
        left = sweep(self.prefix)
        if left:
            status, detail = "failed", "; ".join(filter(None, [detail, f"left behind: {left}"]))
        seconds = round(time.monotonic() - self.start, 2)
        return Result(self.case.name, self.hook, self.case.rows, status, seconds, detail)


def sanitizer_reports(directory):
    """Logs in which a sanitizer complains of the program that wrote it; ours, or any."""
    return [str(log) for log in sorted(directory.glob("log/*.log"))
            if any(words in log.read_text(encoding="utf-8", errors="replace")
                   for words in SANITIZER_WORDS)]


def report(run, result, keep):
    """Prints the line of one test; of a failure also where to look."""
    print(f"{result.status:8}{label(run.case, run.hook):56}{result.seconds:7.2f} s"
          f"{'  ' + result.detail if result.detail else ''}", flush=True)
    if result.status == "failed":
        print(f"        see {run.directory}", flush=True)
    elif not keep:
        shutil.rmtree(run.directory)


def finish(running):
    """Ends what still runs, after Ctrl-C or SIGTERM, and cleans up behind it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    running = [run for run in running if run.popen]
    for run in running:
        run.stop()
    while not all([run.ended() for run in running]):
        time.sleep(POLL_S)
    for run in running:
        sweep(run.prefix)


def run_all(chosen, options):
    """Runs the tests, -j at a time; returns their results."""
    waiting = [Run(case, hook, options.tests, options.output / label(case, hook))
               for case, hook in chosen]
    running, results = [], []
    try:
        while waiting or running:
            while waiting and len(running) < options.j:
                running.append(waiting.pop(0))
                running[-1].begin()
            for run in [r for r in running if r.ended()]:
                results.append(run.result())
                running.remove(run)
                report(run, results[-1], options.keep)
            time.sleep(POLL_S)
    except BaseException:
        finish(running)
        raise
    return results


def arguments():
    """Command line of the runner."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, metavar="N", help="tests at a time (2)")
    parser.add_argument("-k", action="append", default=[], metavar="TEXT",
                        help="only tests with TEXT in their name; several: any of them")
    parser.add_argument("--without", action="append", default=[], metavar="TEXT",
                        help="not those with TEXT in their name")
    parser.add_argument("--rows", action="store_true", help="only tests that prove a requirement")
    parser.add_argument("--thrifty", action="store_true",
                        help="every test on one hook, every requirement on both")
    parser.add_argument("--hook", choices=("xdp", "tc"), help="only this hook")
    parser.add_argument("--list", action="store_true", help="print names and rows, run nothing")
    parser.add_argument("--keep", action="store_true", help="keep the logs of passed tests too")
    parser.add_argument("--output", type=Path, default=BUILD / "tests/net", metavar="DIR",
                        help="for results.json and the logs of failures")
    parser.add_argument("--tests", type=Path, default=HERE, metavar="DIR", help="where t_*.py are")
    return parser.parse_args()


def main():
    """Exit status 1 if any test failed or none was chosen."""
    options = arguments()
    options.output = options.output.resolve()
    os.environ["DLMA_BUILD"] = str(BUILD)  # for children that run elsewhere
    chosen = choose(options)
    if options.list:
        for case, hook in chosen:
            print(f"{label(case, hook):56}{' '.join(case.rows)}")
        return 0
    if not chosen:
        print("no test has such a name")
        return 1
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    results = run_all(chosen, options)
    text = json.dumps([asdict(r) for r in results], indent=1)
    (options.output / "results.json").write_text(text + "\n", encoding="utf-8")
    count = {s: sum(r.status == s for r in results) for s in ("passed", "failed", "skipped")}
    print(", ".join(f"{number} {status}" for status, number in count.items()))
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3] or None, *map(Path, sys.argv[4:6]))
    else:
        try:
            sys.exit(main())
        except KeyboardInterrupt:
            sys.exit(130)
