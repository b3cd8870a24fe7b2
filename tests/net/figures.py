# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Figures of reliability, as the tests that measured them leave them: BUILD/reliability/PART.json."""

import json
import os
from pathlib import Path

BUILD = Path(os.environ.get("DLMA_BUILD", Path(__file__).resolve().parents[2] / "build"))


def write(part, rows):
    """rows: {name: (goal, value, ok)}."""
    directory = BUILD / "reliability"
    directory.mkdir(parents=True, exist_ok=True)
    told = {name: {"goal": goal, "value": value, "ok": bool(ok)}
            for name, (goal, value, ok) in rows.items()}
    (directory / f"{part}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for name, row in told.items():
        print(f"{name}: {row['value']} (goal {row['goal']})")


def percentile(values, share):
    """The value that `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
