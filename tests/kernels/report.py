# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""docs/kernels.md: what was run on which kernel, and how it went."""

import subprocess
from collections import Counter
from dataclasses import dataclass

import image

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause -->
# Kernels

Written by `make test-kernels`, which boots the newest kernel of each series in Debian with QEMU,
unchanged, and runs the production programs there, on both hooks. QEMU emulates the processor: this
says nothing about speed. With {libxdp}.
"""
SUITES = """
- *data path*: `build/tests/bpf/test_*`, both objects through the kernel's verifier and frame by
  frame; what concerns no hook, or both, is counted under "both";
- *attachment*: `tests/kernels/t_attach.py`, how the loader attaches, seen from outside;
- *Figure 5*: those tests of `tests/net` that tell the story of the draft's Figure 5 (the list is in
  `tests/kernels/guest.py`).
"""


@dataclass
class Kernel:
    """The results of one kernel; `image` is None if there was none to boot."""

    series: str
    image: image.Image | None
    rows: list
    attached: dict

    @property
    def name(self):
        """What `uname -r` says, or what was looked for."""
        return self.image.release if self.image else self.series


def table(head, rows):
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines) + "\n"


def counts(kernels):
    """A row for each kernel, suite and hook."""
    for kernel in kernels:
        version = kernel.image.version if kernel.image else "not available"
        for suite, hook in dict.fromkeys((r["suite"], r["hook"]) for r in kernel.rows):
            count = Counter(r["status"] for r in kernel.rows
                            if (r["suite"], r["hook"]) == (suite, hook))
            yield [kernel.name, version, suite, hook, count["passed"], count["failed"],
                   count["skipped"]]


def attachments(kernels):
    """A row for each way in which a kernel and hook was attached."""
    for kernel in kernels:
        for hook, found in sorted(kernel.attached.items(), reverse=True):
            for how, note in dict.fromkeys((a["hook"], a["note"]) for a in found):
                yield [kernel.name, hook, how, note or "-"]


def others(kernels):
    """A row for each test that did not pass."""
    for kernel in kernels:
        for row in kernel.rows:
            if row["status"] != "passed":
                yield [kernel.name, f"{row['name']} ({row['hook']})", row["status"],
                       row["detail"].replace("|", "/") or "-"]


def libxdp():
    """Name and version of the package that knows the dispatcher."""
    return subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}", "libxdp1"],
                          capture_output=True, text=True, check=True).stdout


def text(kernels):
    """The whole page."""
    page = HEAD.format(libxdp=libxdp())
    page += "\n## Results\n\n"
    page += table(["kernel", "Debian version", "suite", "hook", "passed", "failed", "skipped"],
                  counts(kernels))
    page += SUITES.lstrip("\n")
    page += "\n## How the loader attached\n\n"
    page += "What `dlmactl status` reports for the interfaces of a MAG, told to use this hook.\n\n"
    page += table(["kernel", "hook", "attached as", "why nothing better"], attachments(kernels))
    left = list(others(kernels))
    if left:
        page += "## Not passed\n\n" + table(["kernel", "test", "status", "reason"], left)
    return page.rstrip("\n") + "\n"
