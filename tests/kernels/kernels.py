#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs guest.py on Debian's stock kernels, each in a virtual machine, and reports.

    tests/kernels/kernels.py [SERIES...]      default: 6.1 6.12

The last line is "N passed, N failed, N skipped". docs/kernels.md is written if all kernels of
the default were there; build/kernels/SERIES has results, console and the logs of failures.
KERNELS_CPUS (2) is the number of processors of a guest; DLMA_TIME_SCALE (4) how much more time than
usual its tests get.
"""

import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True  # nothing of a run is left in the source tree

import image  # pylint: disable=wrong-import-position
import machine  # pylint: disable=wrong-import-position
import report  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
SERIES = ("6.1", "6.12")
LIMIT_S = 3600
TIME_SCALE = "4"
RANDOM_PACKETS = "50000"  # enough for every reason to be reached, see tests/bpf/test_random.c


def guest_environment():
    """What guest.py and all that it starts find in their environment."""
    return {"BUILD": str(BUILD), "DLMA_BUILD": str(BUILD),
            "DLMA_TIME_SCALE": os.environ.get("DLMA_TIME_SCALE", TIME_SCALE),
            "DLMA_RANDOM_PACKETS": os.environ.get("DLMA_RANDOM_PACKETS", RANDOM_PACKETS)}


def read(path, otherwise):
    """A JSON file, if the guest got so far as to write it."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else otherwise


def one_row(suite, status, detail):
    """In place of the results of a kernel that did not run to the end."""
    return [{"suite": suite, "hook": "both", "name": suite, "status": status, "detail": detail}]


def run_kernel(series):
    """Everything about one kernel, as report.py takes it."""
    directory = BUILD / "kernels" / series
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        kernel = image.prepare(series)
    except (image.Missing, image.Broken) as error:
        status = "skipped" if isinstance(error, image.Missing) else "failed"
        print(f"{status:8}Linux {series}: {error}", flush=True)
        return report.Kernel(series, None, one_row("boot", status, str(error)), {})
    print(f"Linux {kernel.release} ({kernel.package} {kernel.version})", flush=True)
    try:
        status = machine.boot(kernel, ["/usr/bin/python3", str(ROOT / "tests/kernels/guest.py")],
                              guest_environment(), LIMIT_S,
                              lambda line: print(f"  {line}", flush=True), directory)
        ended = one_row("boot", "failed", f"guest.py: exit status {status}") if status else []
    except machine.NoEnd as error:
        print(f"failed  {error}", flush=True)
        ended = one_row("boot", "failed", str(error).splitlines()[0])
    rows = read(directory / "results.json", [])
    return report.Kernel(series, kernel, rows + ended, read(directory / "attached.json", {}))


def main():
    """The exit status is 1 if anything failed or nothing passed."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # with its guest
    if os.geteuid():
        sys.exit("kernels.py: run this as root: the guests read all of this machine's files")
    os.chdir(ROOT)
    wanted = sys.argv[1:] or SERIES
    kernels = [run_kernel(series) for series in wanted]
    if set(SERIES) <= {kernel.series for kernel in kernels if kernel.image}:
        (ROOT / "docs/kernels.md").write_text(report.text(kernels), encoding="utf-8")
    total = Counter(row["status"] for kernel in kernels for row in kernel.rows)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
