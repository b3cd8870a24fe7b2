#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makes the seeds of the fuzz target "conf" from the configurations of the tree.

    seeds.py DIRECTORY

An input holds up to four files with an octet 0x1e between them (fuzz_conf.c), under names of its
own; so what a configuration includes or names is renamed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEPARATOR = b"\x1e"
INCLUDES = (b"domain.conf", b"more.inc")
KEYS = b"n.keys"
SECRET = "00112233445566778899aabbccddeeff"


def stripped(text):
    """Without comments, so that what is mutated matters."""
    return b"\n".join(line for line in text.splitlines() if not line.startswith(b"#")) + b"\n"


def keys_of(domain, node):
    """A file of keys for a node of a domain, for all its peers."""
    peers = [name for name in re.findall(r'\{ name = "([a-z0-9-]+)"', domain) if name != node]
    return "keys = (\n" + ",\n".join(
        f'  {{ peer = "{peer}"; spi = 4096; secret = "{SECRET}"; }}' for peer in peers) + "\n);\n"


def seed(path):
    """One configuration and what it needs, as an input."""
    files = {0: stripped(path.read_bytes())}
    included = re.findall(rb'@include "([^"/]+)"', files[0])
    for name, new in zip(included, INCLUDES):
        files[0] = files[0].replace(b'"' + name + b'"', b'"' + new + b'"')
        if (path.parent / name.decode()).is_file():
            text = stripped((path.parent / name.decode()).read_bytes())
            files[1 if new == INCLUDES[0] else 3] = text.replace(name, new)
    named = re.search(rb'keys = "([^"/]+)"', files[0])
    if named:
        files[0] = files[0].replace(named.group(1), KEYS)
        keys = path.parent / named.group(1).decode()
        files[2] = stripped(keys.read_bytes()) if keys.is_file() else \
            keys_of(files.get(1, b"").decode(), path.stem).encode()
    return SEPARATOR.join(files.get(i, b"") for i in range(4)).rstrip(SEPARATOR)


def main():
    """Writes all of them."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for directory in ("configs/minimal", "configs/figure5", "tests/conf/bad"):
        for path in sorted((ROOT / directory).glob("*.conf")):
            if path.name != "domain.conf":
                (target / f"{path.parent.name}-{path.stem}").write_bytes(seed(path))


if __name__ == "__main__":
    main()
