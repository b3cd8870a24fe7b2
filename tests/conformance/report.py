#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which requirements are proven, from the results of the tests on network namespaces.

    tests/conformance/report.py RESULTS.json CONFORMANCE.json [CONFORMANCE.md]

A row passes if at least one test that names it passed on each of the two hooks, and none failed or
was skipped. Without any test it is "none".
"""

import json
import sys
from pathlib import Path

HOOKS = ("xdp", "tc")
ROWS = Path(__file__).with_name("rows.txt")

HEAD = """# What is proven

Made by `sudo make conformance` from the results of the tests in `tests/net`: real packets between
network namespaces, the production programs, agents and loaders. Never edited by hand.

*pass*: every test that names the row passed, under XDP and under TC. *none*: nothing proves it yet.
A row without "RFC" or a word as its source is of the draft, by section.

| row | source | requirement | status | proven by |
|---|---|---|---|---|
"""


def requirements():
    """Every row: (number, source, text)."""
    lines = ROWS.read_text(encoding="utf-8").splitlines()
    return [tuple(part.strip() for part in line.split("|"))
            for line in lines if line and not line.startswith("#")]


def status_of(results):
    """What the runs of the tests that name a row say about it."""
    if not results:
        return "none"
    passed = {r["hook"] for r in results if r["status"] == "passed"}
    whole = passed >= set(HOOKS) and all(r["status"] == "passed" for r in results)
    return "pass" if whole else "fail"


def judge(results):
    """{row: {"status": ..., "tests": [...]}} for every requirement."""
    verdicts = {}
    for number, _, _ in requirements():
        mine = [r for r in results if number in r["rows"]]
        verdicts[number] = {"status": status_of(mine),
                            "tests": sorted(f"{r['name']}[{r['hook']}]" for r in mine)}
    return verdicts


def table(verdicts):
    """The report for people; a test stands once, whatever its hooks."""
    lines = []
    for number, source, text in requirements():
        names = sorted({test.split("[")[0] for test in verdicts[number]["tests"]})
        proof = ", ".join(f"`{name}`" for name in names)
        lines.append(f"| {number} | {source} | {text} | {verdicts[number]['status']} | {proof} |")
    return HEAD + "\n".join(lines) + "\n"


def main():
    """Exit status 1 if a row failed, or a test names a row that there is not."""
    results_path, json_path, *markdown_path = map(Path, sys.argv[1:])
    results = json.loads(results_path.read_text(encoding="utf-8"))
    verdicts = judge(results)
    unknown = {row for r in results for row in r["rows"]} - set(verdicts)
    json_path.write_text(json.dumps(verdicts, indent=1) + "\n", encoding="utf-8")
    for path in markdown_path:
        path.write_text(table(verdicts), encoding="utf-8")
    found = [verdict["status"] for verdict in verdicts.values()]
    print(f"{found.count('pass')} rows pass, {found.count('fail')} fail, "
          f"{found.count('none')} are not proven yet: {json_path}")
    if unknown:
        print(f"no such row: {' '.join(sorted(unknown))}: see {ROWS}")
    return 1 if unknown or "fail" in found else 0


if __name__ == "__main__":
    sys.exit(main())
