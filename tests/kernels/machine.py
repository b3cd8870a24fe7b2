# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A virtual machine that sees this machine's files, runs one command, and is gone."""

import os
import shlex
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

# Emulated string instructions work octet by octet, and address space identifiers cost more than
# they save: without them programs start up to four times faster.
TCG_CPU = "max,la57=off,-pcid,-erms,-fsrm"
# Whatever makes a kernel safer and slower, and has nothing to do with what is tested. An oops ends
# the guest, which is then without a status.
APPEND = ("console=ttyS0 quiet panic=-1 oops=panic nokaslr norandmaps mitigations=off audit=0 "
          "apparmor=0 init_on_alloc=0 randomize_kstack_offset=off tsc=reliable no_timer_check")
MEMORY_MIB = 2560
NICENESS = 10
CONSOLE_LINES = 40


class NoEnd(RuntimeError):
    """The guest never said how its command ended; has the end of its console."""


def write_job(job, image, argv, env):
    """What the guest reads: root's `modules` and `command`."""
    (job / "modules").write_text(f"modules={shlex.quote(str(image.modules))}\n", encoding="utf-8")
    lines = [f"export {name}={shlex.quote(value)}" for name, value in env.items()]
    lines += [f"cd {shlex.quote(os.getcwd())}", f"exec {shlex.join(argv)}"]
    (job / "command").write_text("\n".join(lines) + "\n", encoding="utf-8")


def share(tag, path, *options):
    """A directory for the guest."""
    backend = ("local", f"id={tag}", f"path={path}", "security_model=none", "multidevs=remap")
    return ["-fsdev", ",".join((*backend, *options)),
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]


def command_line(image, job):
    """QEMU: the kernel's console into a file, what the command prints on standard output."""
    return ["nice", "-n", str(NICENESS), "qemu-system-x86_64", "-M", "pc", "-accel",
            "tcg,thread=multi", "-cpu", TCG_CPU,
            "-smp", os.environ.get("KERNELS_CPUS", "2"), "-m", str(MEMORY_MIB),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", APPEND,
            "-serial", f"file:{job}/console", "-serial", "stdio", "-device", "virtio-rng-pci",
            *share("host", "/", "readonly=on"), *share("job", job)]


def follow(qemu, on_line, limit_s):
    """Passes on what the guest prints until its end, which comes after `limit_s` at the latest."""
    timer = threading.Timer(limit_s, qemu.kill)
    timer.start()
    try:
        for line in qemu.stdout:
            on_line(line.rstrip("\r\n"))
        qemu.wait()
    finally:
        timer.cancel()
        if qemu.poll() is None:
            qemu.send_signal(signal.SIGKILL)
            qemu.wait()


def boot(image, argv, env, limit_s, on_line, keep=None):
    """Runs a command as root in the guest, in this directory; returns its exit status.

    The guest's changes to files are lost, except in the directory $JOB, whose files `keep` (a
    directory) gets.
    """
    with tempfile.TemporaryDirectory(prefix="dlma-kernel-") as name:
        job = Path(name)
        write_job(job, image, argv, env | {"JOB": "/run/kernels"})
        with subprocess.Popen(command_line(image, job), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace") as qemu:
            follow(qemu, on_line, limit_s)
        if keep:
            subprocess.run(["cp", "-a", f"{job}/.", str(keep)], check=True)
        if (job / "status").exists():
            return int((job / "status").read_text(encoding="ascii"))
        console = (job / "console").read_text(encoding="utf-8", errors="replace").splitlines()
        raise NoEnd(f"no end within {limit_s} s, or a crash; its console ends:\n"
                    + "\n".join(console[-CONSOLE_LINES:]))
