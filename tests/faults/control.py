# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a daemon under the shim (shim.c) shares with the sweep: which calls fail, how many there were."""

import mmap
import struct

CLASSES = ("alloc", "write", "send", "bpf")  # in the order of enum call_class, from 1
_WORDS = 4 + 1 + len(CLASSES)
_SIZE = 4096


class Control:
    """The file of memory of one daemon; it outlives the daemon, and serves its next run as well."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(_SIZE))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)

    def env(self, shim, trace=False):
        """The environment of a daemon that is to be under this control."""
        return {"LD_PRELOAD": str(shim), "DLMA_FAULTS": str(self.path),
                **({"DLMA_FAULTS_TRACE": "1"} if trace else {})}

    def arm(self, kind, number, count=1):
        """From now on the calls of a class count anew, and those from this number on fail."""
        self.disarm()
        self._write(1, number, count, 0, *[0] * (1 + len(CLASSES)))
        self._write(0, 1 + CLASSES.index(kind))

    def disarm(self):
        """No call fails any more; what was counted stays to be read."""
        self._write(0, 0)

    def reset(self):
        """No call fails, and all count anew."""
        self._write(0, *[0] * _WORDS)

    def _write(self, at, *words):
        struct.pack_into(f"={len(words)}I", self._memory, 4 * at, *words)

    def _words(self):
        return struct.unpack_from(f"={_WORDS}I", self._memory)

    @property
    def failed(self):
        """How many calls have failed."""
        return self._words()[3]

    def calls(self):
        """How many calls there were, by class."""
        return dict(zip(CLASSES, self._words()[5:]))
