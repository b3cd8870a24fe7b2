# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a test measures with: captures, numbered UDP flows, TCP transfers."""

import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pcap

_RECORD = struct.Struct("=QQQII")


class Capture:
    """A recording under way. Reads what has come so far, or stops and reads all."""

    def __init__(self, process, path):
        self._process = process
        self.path = Path(path)

    def frames(self):
        """Frames recorded so far (the last 5 ms may be missing), in order of time."""
        return pcap.read(self.path)

    def stop(self):
        """Ends the recording and returns all its frames; raises if the kernel dropped any."""
        self._process.stop()
        report = self._process.report()
        if report["dropped"]:
            raise self._process.error(f"{report['dropped']} frames not recorded")
        return self.frames()


class Record(NamedTuple):
    """One packet as its receiver saw it; times are CLOCK_MONOTONIC."""

    sequence: int
    sent_ns: int
    received_ns: int
    hop_limit: int
    size: int


@dataclass
class StreamResult:
    """The whole flow. A packet that never came is lost, whether before or after the last one."""

    sent: int
    errors: int  # of sent: refused by the sender's own kernel
    received: int
    lost: int
    duplicates: int
    reordered: int
    longest_gap_ms: float
    delay_ms: dict  # min, median, max
    records: list = field(repr=False)

    def missing(self):
        """Sequence numbers of the lost packets."""
        came = {r.sequence for r in self.records}
        return [s for s in range(self.sent) if s not in came]


class Stream:
    """A numbered UDP flow between two nodes."""

    def __init__(self, sender, receiver, log):
        self._sender = sender
        self._receiver = receiver
        self._log = Path(log)

    def records(self):
        """Packets that have arrived so far, in order of arrival."""
        data = self._log.read_bytes()
        whole = len(data) - len(data) % _RECORD.size
        return [Record(*fields) for fields in _RECORD.iter_unpack(data[:whole])]

    def received(self):
        """How many packets have arrived so far."""
        return self._log.stat().st_size // _RECORD.size

    def wait_sent(self, timeout_s):
        """Waits until the sender has sent its COUNT packets."""
        self._sender.wait(timeout_s)

    def stop(self, silence_s=0.3):
        """Stops the sender, and the receiver once all has come, or nothing for `silence_s`."""
        self._sender.stop()
        sent = self._sender.report()
        self._drain(sent["sent"], silence_s)
        self._receiver.stop()
        got = self._receiver.report()
        return StreamResult(
            sent=sent["sent"], errors=sent["errors"], received=got["received"],
            lost=sent["sent"] - (got["received"] - got["duplicates"]),
            duplicates=got["duplicates"], reordered=got["reordered"],
            longest_gap_ms=got["longest_gap_ms"], delay_ms=got.get("delay_ms", {}),
            records=self.records())

    def _drain(self, sent, silence_s):
        """A packet that is late and one that is lost differ by nothing but waiting."""
        before = -1
        while before != self.received() < sent:
            before = self.received()
            time.sleep(silence_s)


@dataclass
class TransferResult:
    """A TCP transfer as its receiver saw it."""

    sent: int  # octets that the sender's kernel took
    received: int
    mismatches: int  # octets that were not those of the pattern
    longest_stall_ms: float
    seconds: float
    end: str  # "done", or what ended the connection


class Transfer:
    """A TCP transfer between two nodes."""

    def __init__(self, sender, receiver):
        self._sender = sender
        self._receiver = receiver

    def abort(self):
        """Ends it without a result, and without waiting for the other end."""
        self._sender.kill9()
        self._receiver.kill9()

    def wait(self, timeout_s):
        """Waits for the end of a transfer of a fixed size and returns its result."""
        self._sender.wait(timeout_s)
        return self.stop()

    def stop(self, timeout_s=30):
        """Lets the sender end the connection after what it has sent, and returns the result."""
        self._sender.terminate()
        self._sender.wait(timeout_s)
        self._receiver.wait(timeout_s)
        sent, got = self._sender.report(), self._receiver.report()
        return TransferResult(sent["bytes"], got["bytes"], got["mismatches"],
                              got["longest_stall_ms"], got["seconds"], got["end"])
