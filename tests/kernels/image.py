# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A Debian kernel that QEMU can boot, made from its package without installing it."""

import lzma
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUSYBOX = "/bin/busybox"
# What the initramfs has to load before it can see this machine's files.
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")


class Missing(Exception):
    """There is no such kernel to be had; says where it was looked for."""


class Broken(Exception):
    """It could not be fetched or unpacked; says why."""


@dataclass(frozen=True)
class Image:
    """What to boot. `modules` is the directory for /lib/modules/RELEASE."""

    release: str  # as uname -r has it
    package: str
    version: str  # of the package
    kernel: Path
    modules: Path
    initrd: Path


def cache():
    """Where packages and what is made from them stay between runs."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "dlma-kernels"
    return Path(os.environ.get("KERNELS_CACHE") or default).resolve()


def run(*argv, **options):
    """Output of a command that must succeed."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise Broken(f"{argv[0]}: {said[-1]}")
    return done.stdout


def package_of(series):
    """The package that the newest kernel of a series is in: "6.1" -> "linux-image-6.1.0-56-amd64".

    Debian has a metapackage for the kernel of the release, and one for each newer series.
    """
    wanted = re.compile(rf"Depends: (linux-image-{re.escape(series)}\.\S+)")
    names = f"linux-image-{series}-amd64", "linux-image-amd64"
    for name in names:
        done = subprocess.run(["apt-cache", "depends", "--important", name], capture_output=True,
                              text=True, check=False)
        found = wanted.search(done.stdout)
        if found:
            return found.group(1)
    raise Missing(f"no package source has Linux {series} (looked for {' and '.join(names)}; "
                  "bookworm-backports may have it, and apt-get update may help)")


def download(package, directory):
    """Path of the package's file, fetched unless it is there."""
    directory.mkdir(parents=True, exist_ok=True)
    run("apt-get", "-qq", "download", package, cwd=directory)
    return max(directory.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime)


def unpack(deb, target):
    """The package's files; with all modules known to modprobe."""
    shutil.rmtree(target, ignore_errors=True)
    run("dpkg-deb", "-x", str(deb), str(target))
    release = next((target / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
    if not (target / "lib").exists():
        (target / "lib").symlink_to("usr/lib")
    run("/sbin/depmod", "-b", str(target), release)
    return release


def load_order(modules, names):
    """Files of the modules with all that they need, in the order in which to load them."""
    needs, order = {}, []
    for line in (modules / "modules.dep").read_text(encoding="ascii").splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()
    by_name = {Path(p).name.split(".")[0].replace("-", "_"): p for p in needs}

    def add(path):
        if path not in order:
            for other in reversed(needs[path]):
                add(other)
            order.append(path)

    for name in names:  # one that is missing is built into the kernel
        if name in by_name:
            add(by_name[name])
    return [modules / path for path in order]


def module_bytes(path):
    """A module as insmod takes it."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def newc(files):
    """A cpio archive as the kernel reads it: {name: (mode, octets)}, directories with None."""
    archive = bytearray()
    entries = [*files.items(), ("TRAILER!!!", (0, b""))]
    for inode, (name, (mode, data)) in enumerate(entries, 1):
        data = data or b""
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        archive += b"070701" + "".join(f"{f:08x}" for f in fields).encode()
        for part in (name.encode() + b"\0", data):
            archive += part
            archive += bytes(-len(archive) % 4)
    return bytes(archive)


def initramfs(modules):
    """Busybox, the modules without which there is no root file system, and init."""
    files = {name: (0o040755, None) for name in ("bin", "dev", "proc", "load", "host", "over",
                                                  "new")}
    files["bin/busybox"] = 0o100755, Path(BUSYBOX).read_bytes()
    files["init"] = 0o100755, (HERE / "init").read_bytes()
    files["root"] = 0o100755, (HERE / "root").read_bytes()
    for number, path in enumerate(load_order(modules, BOOT_MODULES)):
        name = f"load/{number:02}-{path.name.removesuffix('.xz')}"
        files[name] = 0o100644, module_bytes(path)
    return newc(files)


def prepare(series):
    """Everything to boot the newest kernel of a series; raises Missing or Broken."""
    package = package_of(series)
    deb = download(package, cache() / "debs")
    target = cache() / deb.stem
    stamp = target / "release"
    if not stamp.exists():
        stamp.write_text(unpack(deb, target) + "\n", encoding="ascii")
    release = stamp.read_text(encoding="ascii").strip()
    modules = target / "lib/modules" / release
    initrd = target / "initrd.cpio"  # made anew: it is quick, and parts of it are our own files
    initrd.write_bytes(initramfs(modules))
    version = deb.name.split("_")[1]
    return Image(release, package, version, target / f"boot/vmlinuz-{release}", modules, initrd)
