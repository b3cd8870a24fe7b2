#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the fuzz targets; `make fuzz-smoke` and its like call it.

    run.py smoke                  10,000,000 executions in all, and the coverage of the parsers
    run.py deep SECONDS TARGET... as long as one likes; what is found joins build/fuzz/corpus
    run.py msan SECONDS TARGET... the same under MSan
    run.py coverage               lines that the corpus of the tree reaches
    run.py minimise TARGET...     build/fuzz/corpus into the corpus of the tree, as few as will do

An input that breaks something is kept, and the command that replays it is printed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUZZ_DIR = ROOT / os.environ.get("FUZZ_DIR", "build/fuzz")
CORPUS = ROOT / "tests/fuzz/corpus"
CRASHES = FUZZ_DIR / "crashes"
PARALLEL = 2
LONGEST = {"mh": 400, "wire": 400, "conf": 4096, "control": 600, "core": 800}
# Most go to the parsers, which are fast; each line is a process of its own, the slowest first.
SMOKE = (("core", 17_000), ("core", 17_000), ("control", 20_000), ("conf", 8_000),
         ("mh", 2_250_000), ("mh", 2_250_000), ("wire", 2_720_000), ("wire", 2_720_000))
EXECUTIONS_GOAL = 10_000_000
COVERAGE_GOAL = 95.0  # % of the lines of agent/wire
PARSERS = ("mh", "wire")


def environment(target):
    """For the sanitizers. The parsers free what little they allocate under our eyes."""
    depth, leaks = (1, 0) if target in PARSERS else (8, 1)
    return {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1",
            "ASAN_OPTIONS": f"malloc_context_size={depth}:quarantine_size_mb=4:"
                            f"detect_leaks={leaks}"}


@dataclass
class Outcome:
    """What became of one process."""

    target: str
    executions: int
    seconds: float  # of a processor
    crashed: bool


def seeds(target):
    """Directories with inputs to start from."""
    found = [CORPUS / target]
    if target == "conf":
        made = FUZZ_DIR / "seeds/conf"
        subprocess.run([ROOT / "tests/fuzz/seeds.py", made], check=True)
        found.append(made)
    return [path for path in found if path.is_dir()]


def tell(target, program, output, begun):
    """A crash: what libFuzzer said of it, and how to see it again."""
    print(output[-6000:])
    for path in sorted(CRASHES.glob(f"{target}-*"), key=lambda p: p.stat().st_mtime):
        if path.stat().st_mtime >= begun:
            trace = "DLMA_FUZZ_TRACE=1 " if target == "core" else ""
            print(f"to replay it: {trace}{program.relative_to(ROOT)} {path.relative_to(ROOT)}")


def run(argv, environ):
    """Exit status, output, and seconds of a processor; those of the clock depend on neighbours."""
    with tempfile.TemporaryFile() as output, \
            subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=output,
                             stderr=subprocess.STDOUT) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return (process.returncode, output.read().decode(errors="replace"),
                usage.ru_utime + usage.ru_stime)


def fuzz(kind, target, options, directories):
    """One process of a target until it ends."""
    program = FUZZ_DIR / kind / target
    CRASHES.mkdir(parents=True, exist_ok=True)
    begun = time.time()
    status, output, seconds = run(
        [program, *options, f"-max_len={LONGEST[target]}", "-timeout=25", "-print_final_stats=1",
         f"-detect_leaks={int(target not in PARSERS)}", f"-artifact_prefix={CRASHES}/{target}-",
         *directories], environment(target))
    count = re.search(r"number_of_executed_units: (\d+)", output)
    if status:
        tell(target, program, output, begun)
    return Outcome(target, int(count.group(1)) if count else 0, seconds, status != 0)


def table(outcomes, seconds):
    """Prints who did how much; returns executions and crashes in all."""
    print(f"{'target':10}{'executions':>12}{'CPU s':>8}{'per CPU s':>12}{'crashes':>9}")
    for target in dict.fromkeys(o.target for o in outcomes):
        mine = [o for o in outcomes if o.target == target]
        runs, spent = sum(o.executions for o in mine), sum(o.seconds for o in mine)
        print(f"{target:10}{runs:12,}{spent:8.1f}{runs / spent:12,.0f}"
              f"{sum(o.crashed for o in mine):9}")
    runs, crashes = sum(o.executions for o in outcomes), sum(o.crashed for o in outcomes)
    spent = sum(o.seconds for o in outcomes)
    print(f"{'all':10}{runs:12,}{spent:8.1f}{runs / spent:12,.0f}{crashes:9}"
          f"    in {seconds:.1f} s")
    return runs, crashes


def parallel(jobs):
    """Runs functions, a few at a time; returns what they return."""
    begin = time.monotonic()
    with ThreadPoolExecutor(PARALLEL) as pool:
        outcomes = [future.result() for future in [pool.submit(job) for job in jobs]]
    return outcomes, time.monotonic() - begin


def lines_of(targets, part):
    """Line coverage of the files of a part of agent/ by the corpus: {file: (covered, lines)}."""
    profiles, programs = [], []
    work = FUZZ_DIR / "cov/profiles"
    work.mkdir(parents=True, exist_ok=True)
    for target in targets:
        program, profile = FUZZ_DIR / "cov" / target, work / f"{target}.profraw"
        subprocess.run([program, "-runs=0", *seeds(target)], cwd=ROOT, check=True,
                       env={**os.environ, "LLVM_PROFILE_FILE": str(profile)},
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        profiles.append(profile)
        programs += ["-object", program]
    merged = work / f"{part}.profdata"
    subprocess.run(["llvm-profdata", "merge", "-o", merged, *profiles], check=True)
    exported = subprocess.run(
        ["llvm-cov", "export", "-summary-only", f"-instr-profile={merged}", *programs[1:],
         ROOT / "agent" / part],
        check=True, capture_output=True, text=True)
    return {Path(f["filename"]).relative_to(ROOT): (f["summary"]["lines"]["covered"],
                                                    f["summary"]["lines"]["count"])
            for f in json.loads(exported.stdout)["data"][0]["files"]}


def show_lines(targets, part, each):
    """Prints the coverage of a part; returns it in %."""
    files = lines_of(targets, part)
    covered, count = (sum(f[i] for f in files.values()) for i in (0, 1))
    for name, (hit, lines) in sorted(files.items()):
        if each and lines:
            print(f"{str(name):32}{hit:6} of{lines:5} lines  {100 * hit / lines:6.1f} %")
    percent = 100 * covered / count
    print(f"{'agent/' + part:32}{covered:6} of{count:5} lines  {percent:6.1f} %")
    return percent


def write_rows(rows):
    """Leaves figures for build/reliability.json."""
    directory = FUZZ_DIR.parent / "reliability"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "fuzz.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def smoke():
    """The short run of `make test`."""
    seed = int(os.environ.get("DLMA_SEED", time.time_ns() % 1_000_000))
    print(f"DLMA_SEED={seed}")
    work = FUZZ_DIR / "work"
    shutil.rmtree(work, ignore_errors=True)

    def job(number, target, runs):
        found = work / str(number)  # libFuzzer puts what is new into the first directory
        found.mkdir(parents=True)
        return lambda: fuzz("smoke", target, [f"-runs={runs}", f"-seed={seed + number}",
                                              "-entropic=0"], [found, *seeds(target)])

    outcomes, seconds = parallel([job(n, *what) for n, what in enumerate(SMOKE, 1)])
    runs, crashes = table(outcomes, seconds)
    percent = show_lines(PARSERS, "wire", True)
    show_lines(("core",), "core", False)
    enough = runs >= EXECUTIONS_GOAL
    write_rows({
        "fuzz-executions": {"goal": f"{EXECUTIONS_GOAL:,} over {len(LONGEST)} targets",
                            "value": f"{runs:,} in {seconds:.0f} s", "ok": enough},
        "fuzz-crashes": {"goal": "0", "value": str(crashes), "ok": not crashes},
        "parser-line-coverage": {"goal": f">= {COVERAGE_GOAL:g} %", "value": f"{percent:.1f} %",
                                 "ok": percent >= COVERAGE_GOAL},
    })
    return enough and not crashes and percent >= COVERAGE_GOAL


def long(kind, seconds, targets):
    """Fuzzes each target for a while."""
    def job(target):
        found = FUZZ_DIR / "corpus" / target
        found.mkdir(parents=True, exist_ok=True)
        return lambda: fuzz(kind, target, [f"-max_total_time={seconds}"], [found, *seeds(target)])

    outcomes, spent = parallel([job(target) for target in targets])
    return not table(outcomes, spent)[1]


def minimise(targets):
    """Replaces the corpus of the tree by the smallest inputs that reach as much."""
    for target in targets:
        made = FUZZ_DIR / "minimised" / target
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        subprocess.run([FUZZ_DIR / "smoke" / target, "-set_cover_merge=1", "-use_counters=0",
                        f"-max_len={LONGEST[target]}", made, FUZZ_DIR / "corpus" / target,
                        *seeds(target)], check=True, capture_output=True)
        shutil.rmtree(CORPUS / target, ignore_errors=True)
        shutil.copytree(made, CORPUS / target)
        print(f"{target}: {len(list(made.iterdir()))} inputs")
    return True


def main():
    """Does what the first argument says; the exit status is 1 if anything broke."""
    what, *arguments = sys.argv[1:]
    if what == "smoke":
        good = smoke()
    elif what == "coverage":
        good = show_lines(PARSERS, "wire", True) >= COVERAGE_GOAL
        show_lines(("core",), "core", True)
    elif what == "minimise":
        good = minimise(arguments)
    else:
        good = long(what, int(arguments[0]), arguments[1:])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
