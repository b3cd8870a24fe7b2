#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How signalling grows (draft 6.3): tests/sim/scale/report.py BUILD REPORT.md PLOT.svg

Runs BUILD/scale for domains of many sizes, under the draft's scheme and under one that tells each
new location to all LMAs, and writes what both take.
"""

import math
import subprocess
import sys
from pathlib import Path

# LMAs and MNs. Telling everybody takes MNs x LMAs messages, so large domains have few MNs there:
# that the cost of each MN does not depend on how many others there are is measured with these.
DRAFT = ((3, 1000), (10, 1000), (10, 100_000), (10, 1_000_000), (100, 1000), (100, 100_000),
         (1000, 1000), (1000, 100_000), (1000, 1_000_000))
PUSH = ((3, 1000), (10, 1000), (10, 100_000), (100, 1000), (100, 10_000), (1000, 300))
MOVES = {"draft": 500, "push": 100}
NAMES = {"draft": "the draft's scheme", "push": "a scheme that tells all LMAs"}
WIDTH, HEIGHT, EDGE = 640, 400, 60

HEAD = """# How signalling grows

Made by `make scale-report`: production cores and messages in one process, no loss. Every message between
MAGs and LMAs counts, answers included; heartbeats, which do not depend on moves, do not. Each MN is
registered at an LMA that is not its H-LMA and moves to the MAG of another such LMA; a *watched* move
is one while a CN next to a third LMA sends to the MN; a *new flow* is the first packet from a CN next
to a third LMA that knows nothing of the MN.

*push* is the same program with one change: the H-LMA tells each new location to all LMAs, in the same
messages, acknowledged, and they keep it.

| scheme | LMAs m | MNs n | messages per registration | per move | per watched move | per new flow |
|---|--:|--:|--:|--:|--:|--:|
"""

TAIL = """
![messages for a move of every MN](scale.svg)

## What the figures say

*n against n x m.* A move takes {move:.0f} messages under the draft's scheme, {watched:.0f} with one busy O-LMA, whatever
the number of LMAs is: the MAG and its LMA, the H-LMA, the previous D-LMA and MAG, and those O-LMAs to
whose packets it matters. Under push it takes 2 x m + {extra:.0f}. So {n:,} MNs that move once take {all_draft:,.0f} messages in
a domain of {m:,} LMAs, against {all_push:,.0f}.

*State.* Under push every LMA keeps all n locations, n x m in all. Under the draft's scheme the H-LMAs keep n
together, and each O-LMA what its CNs use.

*Where the draft costs more.* A new flow takes {flow:.0f} messages, and its first packets the detour by the H-LMA;
under push neither. So push takes fewer messages when a MN gets more than (2 x m - {less:.0f}) / {flow:.0f} new flows from
LMAs that do not know it between two moves: with 3 LMAs that is {three:.1f}, with 10 it is {ten:.1f}, with 1,000 it is {thousand:.0f}.

*Not in here*: lost messages (each is sent again), refreshes (two messages per MN, LMA and half lifetime under
both), and what a domain of several H-LMAs shares out among them.
"""


def run(build, scheme, lmas, mns):
    """[per registration, per move, per watched move, per new flow]"""
    out = subprocess.run([build / "scale", scheme, str(lmas), str(mns), str(MOVES[scheme])],
                         check=True, capture_output=True, text=True).stdout
    return [float(word) for word in out.split()[2:]]


def scale(value, low, high, length):
    """Where a value is on a logarithmic axis."""
    return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low)) * length


def plot(series, m_max, top):
    """Messages per move over the number of LMAs, both axes logarithmic."""
    def point(m, messages):
        return (EDGE + scale(m, 1, m_max, WIDTH - 2 * EDGE),
                HEIGHT - EDGE - scale(messages, 1, top, HEIGHT - 2 * EDGE))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for decade in range(int(math.log10(top)) + 1):
        x0, y = point(1, 10 ** decade)
        parts.append(f'<line x1="{x0}" y1="{y:.0f}" x2="{WIDTH - EDGE}" y2="{y:.0f}" stroke="#ddd"/>'
                     f'<text x="{x0 - 6}" y="{y + 4:.0f}" text-anchor="end">{10 ** decade:,}</text>')
    for decade in range(int(math.log10(m_max)) + 1):
        x, y0 = point(10 ** decade, 1)
        parts.append(f'<text x="{x:.0f}" y="{y0 + 18:.0f}" text-anchor="middle">{10 ** decade:,}</text>')
    for (name, points), colour in zip(series.items(), ("#0a6", "#c40")):
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in (point(*p) for p in points))
        x, y = point(*points[-1])
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{x:.0f}" y="{y - 8:.0f}" text-anchor="end" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 16}" text-anchor="middle">LMAs</text>'
                 f'<text x="{EDGE}" y="30">messages for each move of a MN</text></svg>')
    return "\n".join(parts) + "\n"


def main():
    """See above."""
    build, report, picture = map(Path, sys.argv[1:])
    text, found = HEAD, {}
    for scheme, sizes in (("draft", DRAFT), ("push", PUSH)):
        for lmas, mns in sizes:
            row = found[scheme, lmas, mns] = run(build, scheme, lmas, mns)
            text += f"| {scheme} | {lmas:,} | {mns:,} | " + " | ".join(f"{v:.2f}" for v in row) + " |\n"
            print(f"{scheme} {lmas} {mns}: {row}", flush=True)
    m, n = DRAFT[-1]
    _, move, watched, flow = found["draft", m, n]
    extra = found["push", *PUSH[-1]][1] - 2 * PUSH[-1][0]
    less = move - extra
    even = {k: (2 * k - less) / flow for k in (3, 10, 1000)}
    text += TAIL.format(move=move, watched=watched, flow=flow, extra=extra, less=less, n=n, m=m,
                        all_draft=n * move, all_push=n * (2 * m + extra), three=even[3],
                        ten=even[10], thousand=even[1000])
    report.write_text(text, encoding="utf-8")
    series = {NAMES[s]: sorted({(k[1], row[1]) for k, row in found.items() if k[0] == s})
              for s in NAMES}
    picture.write_text(plot(series, 1000, 10_000), encoding="utf-8")


if __name__ == "__main__":
    main()
