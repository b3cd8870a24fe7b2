# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Network namespaces: entering them, asking them, and leaving none of them behind."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

RUN_DIR = Path("/run/netns")
BPFFS = Path("/sys/fs/bpf")
BPFFS_MAGIC = 0xCAFE4A11
SOCKETS = Path("/run/dlma-lab")  # not beside the logs: a socket's path has 107 characters
CLONE_NEWNET = 0x40000000
KILL_WAIT_S = 5

_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


class Namespace:
    """A named network namespace. What runs in it keeps the host's mounts, so bpffs is visible."""

    def __init__(self, name):
        self.name = name
        self._fd = os.open(RUN_DIR / name, os.O_RDONLY | os.O_CLOEXEC)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread, and every process and socket that it makes, is in the namespace."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(self._fd)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(home)

    def ip_batch(self, lines):
        """Gives `ip` all these commands at once."""
        with self.entered():
            done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n",
                                  capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name}: ip: {done.stderr.strip()}")

    def write_sysctls(self, values):
        """values: {"ipv6/conf/all/forwarding": 1}, paths below /proc/sys/net."""
        with self.entered():
            for path, value in values.items():
                Path("/proc/sys/net", path).write_text(f"{value}\n", encoding="ascii")

    def read(self, path):
        """A file of /proc as a process in the namespace sees it."""
        with self.entered():
            return Path(path).read_text(encoding="ascii")

    def close(self):
        """Lets go of the namespace, which lives on under its name."""
        os.close(self._fd)


def create(names):
    """Makes the namespaces and opens them."""
    batch = "".join(f"netns add {name}\n" for name in names)
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)
    return [Namespace(name) for name in names]


def named(prefix):
    """Names of all namespaces that begin so."""
    if not RUN_DIR.is_dir():
        return []
    return sorted(p.name for p in RUN_DIR.iterdir() if p.name.startswith(prefix))


def pids_in(names):
    """Processes whose network namespace is one of these, as {pid: command line}."""
    inodes = set()
    for name in names:
        status = os.stat(RUN_DIR / name)
        inodes.add((status.st_dev, status.st_ino))
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            status = os.stat(entry / "ns/net")
            if (status.st_dev, status.st_ino) in inodes:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                found[int(entry.name)] = b" ".join(words).decode(errors="replace").strip()
    return found


def _kill_all_in(names):
    """Ends all processes of these namespaces; returns their command lines."""
    found = pids_in(names)
    deadline = time.monotonic() + KILL_WAIT_S
    left = found
    while left and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
        left = pids_in(names)
    return list(found.values())


def remove(names):
    """Deletes the namespaces and whatever still runs in them; returns those command lines."""
    killed = _kill_all_in(names)
    delete(names)
    return killed


def delete(names):
    """Deletes the names. What still runs there keeps its namespace for itself, without wires."""
    batch = "".join(f"netns del {name}\n" for name in names)
    if batch:
        subprocess.run(["ip", "-force", "-batch", "-"], input=batch, text=True, check=True)


def mount_bpffs():
    """Mounts bpffs at its usual place if the host has none, once for all laboratories."""
    kind = subprocess.run(["stat", "-f", "-c", "%t", str(BPFFS)], capture_output=True, text=True,
                          check=True).stdout.strip()
    if int(kind, 16) != BPFFS_MAGIC:
        subprocess.run(["mount", "-t", "bpf", "bpf", str(BPFFS)], check=True)


def sweep(prefix):
    """Removes all that laboratories with this prefix left behind; returns what that was."""
    names = named(prefix)
    found = [f"process {line}" for line in remove(names)] if names else []
    found += [f"namespace {name}" for name in names]
    for directory in (*BPFFS.glob(f"{prefix}*"), *SOCKETS.glob(f"{prefix}*")):
        shutil.rmtree(directory)
        found.append(f"directory {directory}")
    return found
