# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a daemon under the shim (shim.c) shares with the sweep: which calls fail, and how many there
were."""

import mmap
import struct

CLASSES = ("alloc", "write", "send", "bpf")  # in the order of enum call_class, from 1
# The shim stands before the sanitizer. A daemon that ends half-way may leave memory behind.
_ASAN = "verify_asan_link_order=0:detect_leaks=0"
_RECORDING, _CALLS, _ORIGINS = 4, 5, 6 + len(CLASSES)  # where they begin, in words
_ORIGINS_MAX = 1 << 14
_SIZE = 4 * (_ORIGINS + _ORIGINS_MAX)


class Control:
    """The file of memory of one daemon; it outlives the daemon, and serves its next run as well."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(_SIZE))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)

    def env(self, shim, trace=False):
        """The environment of a daemon that is to be under this control."""
        return {"LD_PRELOAD": str(shim), "DLMA_FAULTS": str(self.path), "ASAN_OPTIONS": _ASAN,
                **({"DLMA_FAULTS_TRACE": "1"} if trace else {})}

    def arm(self, kind, number, count=1):
        """From now on the calls of a class count anew, and those from this number on fail."""
        self.reset()
        self._write(1, number, count)
        self._write(0, 1 + CLASSES.index(kind))

    def disarm(self):
        """No call fails any more; what was counted stays to be read."""
        self._write(0, 0)

    def reset(self, recording=False):
        """No call fails, and all count anew. `recording`: where allocations come from as well."""
        self._write(0, *[0] * _ORIGINS)
        self._write(_RECORDING, int(recording))

    def _write(self, at, *words):
        struct.pack_into(f"={len(words)}I", self._memory, 4 * at, *words)

    def _words(self, begin, count):
        return struct.unpack_from(f"={count}I", self._memory, 4 * begin)

    @property
    def failed(self):
        """How many calls have failed."""
        return self._words(3, 1)[0]

    def calls(self):
        """How many calls there were, by class."""
        return dict(zip(CLASSES, self._words(_CALLS + 1, len(CLASSES))))

    def origins(self):
        """By which way each allocation came about, as far as that was recorded: a number for each
        way, that means the same in each run."""
        count = min(self.calls()["alloc"], _ORIGINS_MAX)
        return self._words(_ORIGINS, count) if self._words(_RECORDING, 1)[0] else ()
