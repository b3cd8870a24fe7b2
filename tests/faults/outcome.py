# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What became of one fault, and what all of them add up to."""

from collections import Counter
from dataclasses import dataclass, field

import figures
from control import CLASSES


@dataclass
class Outcome:
    """One fault: the n-th call of a class in a daemon."""

    what: str  # "start h-lma dlma-agent"
    kind: str
    number: int
    how: str = ""  # "up", "refused", "moved", "not reached"
    crash: str | None = None
    problems: list = field(default_factory=list)

    @property
    def tried(self):
        """Whether the call came, and failed."""
        return self.how != "not reached"

    @property
    def good(self):
        """Whether nothing was wrong."""
        return not self.crash and not self.problems

    def __str__(self):
        wrong = "; ".join(filter(None, [self.crash, *self.problems]))
        text = f"{self.what}: {self.kind} call {self.number}: {self.how}"
        return f"{text}: {wrong}" if wrong else text


def report(outcomes, part, whole=True):
    """Writes the figures, and prints them; returns whether all is well. A sweep that is not whole
    leaves no figures."""
    tried = Counter((o.what.split()[0], o.kind) for o in outcomes if o.tried)
    crashes = sum(bool(o.crash) for o in outcomes)
    wrong = sum(bool(o.problems) for o in outcomes)
    rows = {f"faults-{phase}-{kind}": (">= 1", str(tried[phase, kind]), tried[phase, kind] > 0)
            for phase in ("start", "move") for kind in CLASSES}
    rows["faults-crashes"] = ("0", f"{crashes} of {sum(tried.values())}", not crashes)
    rows["faults-corruptions"] = ("0", f"{wrong} of {sum(tried.values())}", not wrong)
    if whole:
        figures.write(part, rows)
        return all(ok for _, _, ok in rows.values())
    print(f"{sum(tried.values())} faults, {crashes} crashes, {wrong} corruptions")
    return bool(tried) and not crashes and not wrong
