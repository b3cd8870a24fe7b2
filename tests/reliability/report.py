#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Puts together what the tests measured: goal beside value, and whether it was reached.

    tests/reliability/report.py PARTS_DIR RELIABILITY.json [RELIABILITY.md]

Each test that measures something writes PARTS_DIR/PART.json: {"name": {"goal": "...", "value":
"...", "ok": true}}. A figure without a test that wrote it does not appear. Exit status 1 if any goal
was missed, or nothing was measured.
"""

import json
import os
import sys
from pathlib import Path

HEAD = """# What was measured

Made by `sudo make reliability{parts}` from what its tests wrote; never edited by hand.
Machine: {machine}.
What each of them means, and what it leaves open, is said where its test is: `grep -r NAME tests`.

| what | goal | value | reached |
|---|---|---|---|
"""


def machine():
    """What the figures were measured on."""
    cpu = next((line.split(":")[1].strip() for line in
                Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
                if line.startswith("model name")), "unknown processor")
    kernel = Path("/proc/sys/kernel/osrelease").read_text(encoding="utf-8").strip()
    cores = sum(line.startswith("processor")
                for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines())
    return f"{cores} cores of {cpu}, Linux {kernel}"


def read(directory):
    """{part: rows}; a part that is not as it should be is an error."""
    parts = {}
    for path in sorted(directory.glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        for name, row in rows.items():
            missing = {"goal", "value", "ok"} - set(row)
            if missing:
                raise SystemExit(f"{path}: {name} has no {', '.join(sorted(missing))}")
        parts[path.stem] = rows
    return parts


def markdown(parts):
    """All in one table, in the order of the parts."""
    parts_run = os.environ.get("PARTS")
    text = HEAD.format(machine=machine(), parts=f' PARTS="{parts_run}"' if parts_run else "")
    for rows in parts.values():
        for name, row in rows.items():
            text += f"| {name} | {row['goal']} | {row['value']} | " \
                    f"{'yes' if row['ok'] else '**no**'} |\n"
    return text


def main():
    """See above."""
    directory, output, *pages = map(Path, sys.argv[1:])
    parts = read(directory)
    rows = {name: row for part in parts.values() for name, row in part.items()}
    if len(rows) != sum(map(len, parts.values())):
        raise SystemExit(f"{directory}: two parts have a figure of the same name")
    output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for page in pages:
        page.write_text(markdown(parts), encoding="utf-8")
    missed = [name for name, row in rows.items() if not row["ok"]]
    width = max(map(len, rows), default=0)
    for name, row in rows.items():
        print(f"{'reached' if row['ok'] else 'MISSED':8}{name:{width}}  {row['value']}  "
              f"(goal {row['goal']})")
    print(f"{len(rows) - len(missed)} of {len(rows)} goals reached: {output}")
    return 1 if missed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
