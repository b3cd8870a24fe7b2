# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a test is: a function that says which requirements it proves, and on which hooks."""

from dataclasses import dataclass
from typing import Callable

HOOKS = ("xdp", "tc")
DEFAULT_LIMIT_S = 120


class Skip(Exception):
    """Raised by a test that cannot run here; names what is missing."""


@dataclass
class Case:
    """One test function. `lab` holds the arguments of the Lab that it gets, None: it gets none."""

    name: str
    run: Callable
    rows: tuple
    hooks: tuple
    lab: dict | None
    limit_s: int = DEFAULT_LIMIT_S
    slow: bool = False


_cases = []


def test(rows=(), hooks=HOOKS, lab=(), limit_s=DEFAULT_LIMIT_S, slow=False):
    """Makes a function a test, run once for each hook: function(lab).

    rows: the requirements that it proves; lab: arguments of its Lab (a dictionary), or None for
    a test that builds what it needs itself: function(). hooks=(None,) is for tests that have
    nothing to do with the product: their Lab is prepared for no hook. slow: for a requirement that
    is to be proved on both hooks in little time, others are better.
    """

    def register(function):
        name = f"{function.__module__}.{function.__name__}"
        arguments = None if lab is None else dict(lab)
        _cases.append(Case(name, function, tuple(rows), tuple(hooks), arguments, limit_s, slow))
        return function

    return register


def covering(cases):
    """Some of these tests that together prove every row that they prove all together."""
    chosen, left = [], {row for case in cases for row in case.rows}
    while left:
        best = max(cases, key=lambda c: len(left.intersection(c.rows)) / (4 if c.slow else 1))
        chosen.append(best)
        left.difference_update(best.rows)
    return chosen


def thrifty(cases):
    """[(case, hook)]: each test on one hook, in turns; on both, what each row needs."""
    both = covering([case for case in cases if set(case.hooks) == set(HOOKS)])
    chosen, turn = [], 0
    for case in cases:
        if case in both or len(case.hooks) == 1:
            chosen += [(case, hook) for hook in case.hooks]
        else:
            chosen.append((case, case.hooks[turn % len(case.hooks)]))
            turn += 1
    return chosen


def all_cases():
    """Every test of the modules imported so far."""
    return list(_cases)
