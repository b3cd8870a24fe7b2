# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looking into a pinned map without the help of the daemon that writes it."""

import ctypes
import errno
import os
import platform
import struct

_SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}[platform.machine()]
_MAP_LOOKUP_ELEM, _OBJ_GET = 1, 7

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    return _libc.syscall(_SYS_BPF, command, buffer, len(attributes))


class Map:
    """A pinned map. Use it with `with`."""

    def __init__(self, path, value_size):
        name = ctypes.create_string_buffer(os.fsencode(path))
        self._value_size = value_size
        self._fd = _bpf(_OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0))
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), f"{path} is no pinned map")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def look_up(self, key):
        """The value of a key, or None."""
        key = ctypes.create_string_buffer(key, len(key))
        value = ctypes.create_string_buffer(self._value_size)
        if not _bpf(_MAP_LOOKUP_ELEM, struct.pack("=IIQQQ", self._fd, 0, ctypes.addressof(key),
                                                  ctypes.addressof(value), 0)):
            return value.raw
        if ctypes.get_errno() != errno.ENOENT:
            raise OSError(ctypes.get_errno(), "looking into a map")
        return None
