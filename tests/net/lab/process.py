# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that run in a node while a test goes on."""

import json
import os
import subprocess
import time
from pathlib import Path

STOP_S = 5
READY_S = 10


class ProcessError(RuntimeError):
    """A program did not do what it was started for; the message has the end of its log."""


class Process:
    """A running program. Its output is in `log`."""

    def __init__(self, namespace, name, argv, env, log):
        self.name = name
        self.log = Path(log)
        with open(self.log, "ab") as output, namespace.entered():
            self._popen = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                                           stdout=output, stderr=subprocess.STDOUT,
                                           env={**os.environ, **(env or {})})

    @property
    def pid(self):
        """Process id; of no use to anybody after the program has ended."""
        return self._popen.pid

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
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise self.error(f"still runs after {timeout_s} s") from None

    def stop(self, timeout_s=STOP_S):
        """Asks it to end, makes it end after a while; returns the exit status."""
        self.terminate()
        return self.finish(timeout_s)

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
        deadline = time.monotonic() + READY_S
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
