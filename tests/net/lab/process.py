# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that run in a node while a test goes on."""

import json
import os
import subprocess
import time
from pathlib import Path

from .timing import scaled

STOP_S = 5
READY_S = 10


def started(pid):
    """When a process began, in ticks since boot, or None. With its id this names it for ever."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(text.rpartition(")")[2].split()[19])


class ProcessError(RuntimeError):
    """A program did not do what it was started for; the message has the end of its log."""


class Process:
    """A running program. Its output is in `log`.

    It has a session of its own: Ctrl-C is for the laboratory, which then ends it in good order, and
    a terminal that goes away takes nothing with it that is meant to stay.
    """

    def __init__(self, namespace, name, argv, env, log):
        self.name = name
        self.log = Path(log)
        with open(self.log, "ab") as output, namespace.entered():
            self._popen = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                                           stdout=output, stderr=subprocess.STDOUT,
                                           start_new_session=True,
                                           env={**os.environ, **(env or {})})

    @property
    def pid(self):
        """Process id; of no use to anybody after the program has ended."""
        return self._popen.pid

    @property
    def start(self):
        """When it began, see started()."""
        return started(self.pid)

    def cpu_s(self):
        """How long its first thread has worked so far."""
        text = Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii")
        return int(text.split()[0]) / 1e9

    @property
    def alive(self):
        """Whether it still runs."""
        return self._popen.poll() is None

    @property
    def exit_status(self):
        """None while it runs, negative for a signal."""
        return self._popen.poll()

    def terminate(self):
        """Asks it to end, without waiting."""
        self._popen.terminate()

    def wait(self, timeout_s):
        """Waits for its end; returns the exit status."""
        try:
            return self._popen.wait(scaled(timeout_s))
        except subprocess.TimeoutExpired:
            raise self.error(f"still runs after {timeout_s} s") from None

    def stop(self, timeout_s=STOP_S):
        """Asks it to end, makes it end after a while; returns the exit status."""
        self.terminate()
        return self.finish(scaled(timeout_s))

    def finish(self, timeout_s):
        """Waits for its end, and makes it end after a while; returns the exit status."""
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill9()

    def kill9(self):
        """Ends it without a chance to do anything about it."""
        self._popen.kill()
        return self._popen.wait()

    def output(self):
        """All that it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def error(self, what):
        """An exception about this program, to be raised by the caller."""
        return ProcessError(f"{self.name}: {what}; {self.log} ends:\n{self.output()[-2000:]}")

    def wait_ready(self):
        """Waits for the line "ready" with which our tools say that they work from now on."""
        deadline = time.monotonic() + scaled(READY_S)
        while "ready\n" not in self.output():
            if not self.alive:
                raise self.error(f"ended with status {self.exit_status}")
            if time.monotonic() > deadline:
                raise self.error(f"not ready after {READY_S} s")
            time.sleep(0.001)
        return self

    def report(self):
        """What one of our tools prints at its end: one line of JSON."""
        lines = self.output().splitlines()
        if self.alive or self.exit_status != 0 or not lines or not lines[-1].startswith("{"):
            raise self.error(f"no report (exit status {self.exit_status})")
        return json.loads(lines[-1])
