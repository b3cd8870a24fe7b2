# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Start-up of one daemon with one call failing: it comes up right, or says why not and leaves
nothing behind that the next start would stumble over."""

import json

from control import CLASSES
from domain import read_store
from outcome import Outcome

UP_S = 20
RIGHT_S = 30  # a greeting that is lost is repeated after a third of a minute (RFC 5847)
UP_LINES = {"dlma-loader": "the data path is ready", "dlma-agent": ": ready"}
REFUSALS = (1, 2)  # exit statuses of both daemons that mean something


class Starts:
    """Starts of a daemon, again and again, in a domain with a MN at home and one at MAG-1a.

    fresh: a loader finds nothing pinned. After each fault the daemon is the one that had it, if it
    came up, and a new one if not.
    """

    ways = 1
    kinds = CLASSES

    def __init__(self, domain, node, program, places, fresh=False):
        self._domain, self._node, self._program = domain, node, program
        self._places = places  # {HoA: MAG}
        self._fresh = fresh
        self.what = f"start {node} {program}" + (" fresh" if fresh else "")
        self._store = self._interfaces = None
        self.origins = ()

    def calls(self):
        """How many calls of each class a start has that nothing happens to."""
        self._end()
        control = self._domain.control(self._node, self._program)
        control.reset(recording=True)
        self._begin()
        assert self._is_up(), self._output()
        calls, self.origins = control.calls(), control.origins()
        wrong = self._serves()
        assert not wrong, f"{self.what}, without any fault: {wrong}"
        self._interfaces = self._attached()
        return calls

    def fail(self, kind, number):
        """One start with that call failing, and whatever it takes until all is well again."""
        outcome = Outcome(self.what, kind, number)
        outcome.problems += self._end()
        control = self._domain.control(self._node, self._program)
        control.arm(kind, number)
        self._begin()
        up = self._is_up()
        control.disarm()
        outcome.how = "not reached" if not control.failed else "up" if up else "refused"
        outcome.crash = self._domain.crash(self._node, self._program)
        if not up:
            outcome.problems += [] if outcome.crash else self._refusal()
            outcome.problems += self._store_problems()
            control.reset()
            self._domain.stop(self._node, self._program)
            self._begin()
            if not self._is_up():
                outcome.problems.append(f"the next start fails: {self._output()[-300:]!r}")
        outcome.problems += self._serves()
        return outcome

    def _end(self):
        """The daemon stops; before a fresh start so does the agent, and the pins go."""
        domain = self._domain
        if self._fresh:
            domain.stop(self._node, "dlma-agent")
        wrong = domain.stop(self._node, self._program)
        if self._fresh:
            domain.detach(self._node)
        return wrong + self._store_problems()

    def _begin(self):
        self._domain.start(self._node, self._program)

    def _output(self):
        return self._domain.process(self._node, self._program).output()

    def _is_up(self):
        """Waits until the daemon says that it is ready, or has ended."""
        process = self._domain.process(self._node, self._program)
        words = UP_LINES[self._program]
        return not self._domain.until(
            lambda: [] if words in process.output() or not process.alive else ["waiting"], UP_S) \
            and words in process.output()

    def _refusal(self):
        """What is wrong with how the daemon said no."""
        process = self._domain.process(self._node, self._program)
        if process.alive:
            return [f"neither ready nor ended after {UP_S} s: {self._output()[-300:]!r}"]
        found = []
        if process.exit_status not in REFUSALS:
            found.append(f"exit status {process.exit_status}")
        if not self._domain.complaints(self._node, self._program):
            found.append(f"ended without saying why: {self._output()!r}")
        return found

    def _serves(self):
        """What is wrong with the domain once the daemon is up."""
        domain = self._domain
        if self._fresh:
            domain.restart(self._node, "dlma-agent")
        return domain.until(self._problems, RIGHT_S, ("mn", "mn-2"))

    def _problems(self):
        domain, found = self._domain, []
        status = domain.ask(self._node, "status")
        if not status or not status["ready"] or not status["store"]["works"] or \
                status["store"]["pending"]:
            return ["the agent is not ready"]
        if self._interfaces and self._attached() != self._interfaces:
            return [f"attached is {self._attached()}, not {self._interfaces}"]
        for hoa, mag in self._places.items():
            found += domain.inconsistencies(hoa, mag)
        if found:
            return found
        return [f"{hoa} at {mag} is not reachable" for hoa, mag in self._places.items()
                if not domain.reachable(hoa)]

    def _attached(self):
        path = self._domain.lab.run_dir / self._node / "loader.json"
        status = json.loads(path.read_text(encoding="utf-8"))
        return sorted(i["name"] for i in status["interfaces"] if i["hook"] != "none")

    def _store_problems(self):
        """The store of the daemon that has just ended: sound, and no run or record lost."""
        if self._program != "dlma-agent":
            return []
        process = self._domain.process(self._node, self._program)
        if process.alive:
            return []
        found = read_store(self._domain.lab.directory / "state" / self._node)
        before, self._store = self._store, found or self._store
        if not found:
            return ["the store is damaged"]
        return [f"the store went back from {before} to {found}"] \
            if before and found.is_older_than(before) else []
