#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Brings the sections of the bench together: BUILD/bench/*.json into BUILD/bench.json and .html.

    tests/bench/report.py BUILD [DOCUMENT]

DOCUMENT is a Markdown file whose part between the two lines "<!-- figures -->" is replaced by them.
Prints every figure beside its goal. README.md describes the rows. A goal that was missed is no
failure of the bench: the exit status tells only whether there was anything to report.
"""

import html
import json
import math
import os
import platform
import sys
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 720, 400, 60
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f",
           "#bcbd22", "#e377c2", "#393b79", "#637939", "#8c6d31", "#843c39")
# Sections in the order of the report; a section that is not listed comes last.
TITLES = {"packet": "Per packet, without the network stack", "push": "One node, through real stacks",
          "chain": "From CN to MN and back, through real stacks", "moves": "First packets and moves",
          "pbu": "Signalling", "table": "The agent's side of the location cache",
          "attack": "Under attack"}
STYLE = """body { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 75em; color: #222 }
table { border-collapse: collapse } td, th { padding: .15em .8em; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums } tr:nth-child(even) { background: #f4f4f4 }
.ok { color: #060 } .missed { color: #a00; font-weight: bold } svg text { font: 12px sans-serif }"""


def cpu_name():
    """The model name of the first processor."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def mitigations():
    """What the kernel does against speculation that makes calls dear."""
    found = {}
    for name in ("spectre_v2", "spec_rstack_overflow", "retbleed"):
        path = Path("/sys/devices/system/cpu/vulnerabilities") / name
        if path.exists():
            found[name] = path.read_text(encoding="ascii").strip()
    return found


def machine():
    """On what all of it was measured."""
    return {"cpu": cpu_name(), "cpus": os.cpu_count(), "kernel": platform.release(),
            "mitigations": mitigations(), "load": [round(x, 1) for x in os.getloadavg()]}


def number(value):
    """A figure with the digits that mean something."""
    if value == 0 or not math.isfinite(value):
        return "0"
    digits = max(0, 2 - int(math.floor(math.log10(abs(value)))))
    return f"{value:,.{min(digits, 3)}f}"


def verdict(row):
    """Whether the goal was reached, as a word."""
    return {True: "reached", False: "missed"}.get(row["ok"], "")


def section(row):
    """Which section a row is of."""
    return row["name"].split("/")[0]


def sections(rows):
    """[(title, its rows)...] in the order of TITLES."""
    names = [*TITLES, *dict.fromkeys(section(r) for r in rows if section(r) not in TITLES)]
    parts = [(TITLES.get(name, name), [r for r in rows if section(r) == name]) for name in names]
    return [(title, part) for title, part in parts if part]


def print_table(rows):
    """Every row, the goal beside the value."""
    for title, part in sections(rows):
        print(f"\n{title:66}{'best':>10}{'median':>10}{'spread':>9}  {'':7} goal")
        for r in part:
            print(f"{r['what']:66}{number(r['minimum']):>10}{number(r['value']):>10}"
                  f"{number(r['spread']):>9}  {r['unit']:7} {r['goal'] or '':40} "
                  f"{verdict(r)}".rstrip())


def ticks(low, high):
    """Marks of a logarithmic axis."""
    marks = [m * 10 ** e for e in range(int(math.floor(math.log10(low))),
                                        int(math.ceil(math.log10(high))) + 1) for m in (1, 2, 5)]
    return [m for m in marks if low <= m <= high]


def plot(group, rows):
    """The lines of one group over x, both axes logarithmic, as SVG."""
    lines = {}
    for r in rows:
        if r["x"] > 0 and r["minimum"] > 0:
            lines.setdefault(r["line"], []).append((r["x"], r["minimum"]))
    points = [p for line in lines.values() for p in line]
    if not points:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    x0, x1, y0, y1 = min(xs), max(xs) * 1.01, min(ys) / 1.2, max(ys) * 1.2

    def at(x, y):
        across = (math.log(x / x0) / math.log(x1 / x0)) if x1 > x0 else 0.5
        up = math.log(y / y0) / math.log(y1 / y0)
        return (MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN))

    out = [f'<h2>{html.escape(group)}</h2><svg width="{WIDTH + 320}" height="{HEIGHT}">']
    for y in ticks(y0, y1):
        left, height = at(x0, y)
        out.append(f'<line x1="{left:.0f}" x2="{WIDTH - MARGIN}" y1="{height:.1f}" y2="{height:.1f}" '
                   f'stroke="#ddd"/><text x="{left - 8:.0f}" y="{height + 4:.1f}" '
                   f'text-anchor="end">{number(y)}</text>')
    for x in sorted(set(xs)):
        across, _ = at(x, y0)
        out.append(f'<text x="{across:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">'
                   f'{x:,.0f}</text>')
    for i, (name, line) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(*p) for p in sorted(line)))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>'
                for a, b in (at(*p) for p in line)]
        out.append(f'<text x="{WIDTH - MARGIN + 20}" y="{MARGIN + 17 * i}" fill="{colour}">'
                   f'{html.escape(name)}</text>')
    unit = rows[0]["unit"]
    out.append(f'<text x="{MARGIN}" y="{MARGIN - 20}">{html.escape(unit)}, best of all rounds'
               '</text></svg>')
    return "\n".join(out)


def write_html(path, box, rows):
    """All plots and the table in one file that needs no other."""
    groups = {}
    for r in rows:
        if r["group"]:
            groups.setdefault(r["group"], []).append(r)
    cells = []
    for r in (r for _, part in sections(rows) for r in part):
        mark = {True: "ok", False: "missed"}.get(r["ok"], "")
        cells.append(f'<tr><td>{html.escape(r["what"])}</td><td class="n">{number(r["minimum"])}</td>'
                     f'<td class="n">{number(r["value"])}</td><td class="n">{number(r["spread"])}</td>'
                     f'<td>{html.escape(r["unit"])}</td><td>{html.escape(r["goal"] or "")}</td>'
                     f'<td class="{mark}">{verdict(r)}</td></tr>')
    about = ", ".join([box["cpu"], f'{box["cpus"]} processors', f'Linux {box["kernel"]}'])
    path.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><title>dlma bench</title><style>{STYLE}</style>'
        f'<h1>What it costs</h1><p>{html.escape(about)}</p>'
        + "".join(plot(g, r) for g, r in groups.items())
        + "<h2>All figures</h2><table><tr><th><th>best<th>median<th>spread<th><th>goal<th></tr>"
        + "".join(cells) + "</table>\n", encoding="utf-8")


def markdown(box, rows):
    """The figures as a table in Markdown."""
    out = [f"{box['cpu']}, {box['cpus']} processors, Linux {box['kernel']}, load "
           + ", ".join(str(x) for x in box["load"]) + ".", ""]
    for name, what in box["mitigations"].items():
        out.append(f"    {name:22}{what}")
    for title, part in sections(rows):
        out += ["", f"### {title}", "", "| what | best | median | spread | | goal | |",
                "|---|--:|--:|--:|---|---|---|"]
        out += [f"| {r['what']} | {number(r['minimum'])} | {number(r['value'])} "
                f"| {number(r['spread'])} | {r['unit']} | {r['goal'] or ''} | {verdict(r)} |"
                for r in part]
    return "\n".join(out)


def write_document(path, box, rows):
    """Puts the figures between the marks of a document."""
    mark = "<!-- figures -->"
    before, _, after = path.read_text(encoding="utf-8").split(mark)
    path.write_text(f"{before}{mark}\n\n{markdown(box, rows)}\n\n{mark}{after}", encoding="utf-8")


def main():
    """See the top of the file."""
    build = Path(sys.argv[1])
    rows = []
    for part in sorted((build / "bench").glob("*.json")):
        rows += json.loads(part.read_text(encoding="utf-8"))
    if not rows:
        sys.exit(f"nothing in {build}/bench")
    box = machine()
    print_table(rows)
    judged = [r for r in rows if r["ok"] is not None]
    print(f"\n{sum(r['ok'] for r in judged)} of {len(judged)} goals reached; "
          f"{box['cpu']}, Linux {box['kernel']}; {build}/bench.json, {build}/bench.html")
    (build / "bench.json").write_text(json.dumps({"machine": box, "rows": rows}, indent=1) + "\n",
                                      encoding="utf-8")
    write_html(build / "bench.html", box, rows)
    if len(sys.argv) > 2:
        write_document(Path(sys.argv[2]), box, rows)


if __name__ == "__main__":
    main()
