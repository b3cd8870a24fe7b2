# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rows that a section of the bench writes (README.md), from Python."""

import json
import statistics


class Rows:
    """Rows of one section, for BUILD/bench/SECTION.json."""

    def __init__(self, build, section):
        self._path = build / "bench" / f"{section}.json"
        self._section = section
        self._rows = []

    def add(self, name, what, unit, values, goal=None, ok=None, *, plot=None, least=None):
        """`values` of all rounds; `goal` in words, and whether it was reached; `plot`: (group,
        line, x); `least`: what was best, where it is not the least of the values."""
        values = sorted(values)
        low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else 3 * values
        group, line, x = plot or (None, what, 0)
        self._rows.append({
            "name": f"{self._section}/{name}", "what": what, "unit": unit, "goal": goal,
            "ok": None if goal is None else bool(ok), "value": statistics.median(values),
            "minimum": values[0] if least is None else least, "spread": high - low,
            "group": group, "line": line, "x": x})

    def write(self):
        """Writes all of them, for report.py."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._rows, indent=1) + "\n", encoding="utf-8")
