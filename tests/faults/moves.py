# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A handover during which one call of one daemon fails: in the end all tables are right, and the
MN is reachable."""

import time

import figure5
from control import CLASSES
from domain import NODES
from outcome import Outcome

SETTLED_S = 20  # retransmissions begin after a second, and double
ENOUGH_S = 0.2  # for the last messages of a handover that went well
PROBED_S = 3  # and for a MAG that has to find out by itself


class Moves:
    """Handovers of one MN, there and back between two MAGs, with faults in one agent.

    told: the old MAG hears that the MN has left; otherwise it has to find out.
    """

    ways = 2  # there and back a call is another one
    origins = ()  # all are tried

    def __init__(self, domain, node, hoa, mags, told=True):
        self._domain, self._node, self._hoa = domain, node, hoa
        self._mags = mags  # where the MN goes next, and where it is
        self._told = told
        self.kinds = CLASSES if told else CLASSES[1:]  # allocations are much the same
        self.what = f"move {node} dlma-agent" + ("" if told else " untold")

    def _move(self):
        target, old = self._mags
        self._mags.reverse()
        self._domain.lab.move("mn", None)
        if self._told:
            self._domain.ask(old, f"detach {figure5.mn_id('mn')}")
        self._domain.lab.move("mn", target)
        return target

    def calls(self):
        """How many calls of each class a handover has at most, in either direction."""
        most = {}
        for _ in self._mags * 2:
            self._domain.control(self._node, "dlma-agent").reset()
            target = self._move()
            self._wait(target)
            calls = self._domain.control(self._node, "dlma-agent").calls()
            most = {kind: max(most.get(kind, 0), calls[kind]) for kind in calls}
            wrong = self._settle(target)
            assert not wrong, f"{self.what}, without any fault: {wrong}"
        return most

    def fail(self, kind, number):
        """One handover with that call failing."""
        control = self._domain.control(self._node, "dlma-agent")
        outcome = Outcome(f"{self.what} to {self._mags[0]}", kind, number)
        control.arm(kind, number)
        target = self._move()
        self._wait(target, control)
        control.disarm()
        outcome.how = "moved" if control.failed else "not reached"
        outcome.problems = self._settle(target)
        outcome.crash = next(filter(None, (self._domain.crash(node, program) for node in NODES
                                           for program in ("dlma-loader", "dlma-agent"))), None)
        self._revive(outcome)
        return outcome

    def _wait(self, target, control=None):
        """Until the call has failed, or the handover is over without it. The daemon itself is asked
        nothing: that would be calls as well."""
        others = [node for node in NODES if node != self._node]
        enough = ENOUGH_S if self._told or self._node != self._mags[0] else PROBED_S
        begin = time.monotonic()
        while time.monotonic() - begin < SETTLED_S and not (control and control.failed):
            if self._domain.registered(self._hoa, target, others) and \
                    time.monotonic() - begin > enough:
                return
            time.sleep(0.01)

    def _settle(self, target):
        def problems():
            found = self._domain.inconsistencies(self._hoa, target)
            if not found and not self._domain.reachable(self._hoa):
                found = [f"{self._hoa} at {target} is not reachable"]
            return found

        return self._domain.until(problems, SETTLED_S, ("mn",))

    def _revive(self, outcome):
        """After a crash the sweep goes on with a new daemon."""
        for program in ("dlma-loader", "dlma-agent"):
            for node in NODES:
                if not self._domain.process(node, program).alive:
                    outcome.crash = outcome.crash or f"{program} of {node} has ended"
                    self._domain.restart(node, program)
                    self._domain.lab.wait_ready(node)
