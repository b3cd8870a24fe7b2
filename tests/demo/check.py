#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks the demonstration as its user sees it: the text, the report, and that it leaves nothing.

    check.py story HOOK DIR     runs the story, its report into DIR
    check.py standing HOOK DIR  up, move, down; DIR instead of /run/dlma-demo
"""

import html.parser
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

DEMO = Path(__file__).with_name("demo.py")
COLUMNS = 100
LIMIT_S = 120
CLAIMS_AT_LEAST = 25
PICTURES = 6 + 3 + 5  # ways, those of the second act, and charts; more if packets were forwarded
SIZE_MAX = 2 << 20
PLACES = [Path(p) for p in ("/run/netns", "/run/dlma-lab", "/sys/fs/bpf")]


def demo(*arguments, **environment):
    """Runs the demonstration; returns what subprocess.run() does."""
    return subprocess.run([sys.executable, DEMO, *arguments], capture_output=True, text=True,
                          timeout=LIMIT_S, check=False, env={**os.environ, **environment})


class Page(html.parser.HTMLParser):
    """Every element that is opened is closed, and none refers to anything outside."""

    VOID = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.outside = [], []

    def handle_starttag(self, tag, attrs):
        self.outside += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.outside += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def check_page(path):
    """It stands alone, is well-formed, and has all its pictures."""
    text = path.read_text(encoding="utf-8")
    assert len(text) < SIZE_MAX, f"{len(text)} octets"
    reader = Page()
    reader.feed(text)
    assert not reader.open and not reader.outside, (reader.open, reader.outside)
    assert "url(" not in text and "@import" not in text
    pictures = re.findall(r"<svg.*?</svg>", text, re.S)
    assert len(pictures) >= PICTURES, len(pictures)
    for picture in pictures:
        xml.etree.ElementTree.fromstring(picture)


def check_report(path, hook):
    """The figures are there, and true."""
    report = json.loads(path.read_text(encoding="utf-8"))
    assert len(report["claims"]) >= CLAIMS_AT_LEAST
    assert all(c["holds"] for c in report["claims"]), report["claims"]
    hooks = {h for node in report["attached"].values() for i, h in node.items() if i != "dlma0"}
    assert all(h.startswith(hook) for h in hooks), hooks
    assert [m["to"] for m in report["moves"]] == ["mag-1b", "mag-2", "h-lma"]
    for move in report["moves"]:
        assert move["lost_after_acceptance"] == 0 and move["signalling"], move
    packets = report["timeline"]["packets"]
    assert len(packets) == report["stream"]["sent"]
    assert sum(p[1] is None for p in packets) == report["stream"]["lost"]


def story(hook, directory):
    """One run of the story."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("report.json", "report.html"):
        (directory / name).unlink(missing_ok=True)
    done = demo("run", "--hook", hook, "--output", str(directory))
    print(done.stdout, done.stderr)
    assert done.returncode == 0, f"exit status {done.returncode}"
    assert not done.stderr
    wide = [line for line in done.stdout.splitlines() if len(line) > COLUMNS
            and str(directory) not in line]
    assert not wide, wide
    check_report(directory / "report.json", hook)
    check_page(directory / "report.html")


def standing(hook, place):
    """The domain outlives its builder, can be used, and goes away; twice nothing is no error."""
    env = {"DLMA_DEMO_DIR": str(place)}
    try:
        built = demo("up", "--hook", hook, **env)
        assert built.returncode == 0, built.stderr
        name, hoa = re.search(r"ip netns exec (\S+)-cn ping (\S+)", built.stdout).groups()
        again = demo("up", **env)
        assert again.returncode == 1 and len(again.stderr.splitlines()) == 1, again
        assert "is up already" in again.stderr
        for mag in ("mag-2", "h-lma", "none", "mag-1b"):
            moved = demo("move", mag, **env)
            assert moved.returncode == 0, moved.stderr
        ping = ["ip", "netns", "exec", f"{name}-cn", "ping", "-n", "-c", "3", "-i", "0.1", hoa]
        answers = subprocess.run(ping, capture_output=True, text=True, timeout=30, check=False)
        assert answers.stdout.count("bytes from") == 3, answers.stdout
    finally:
        ended = demo("down", **env)
    assert ended.returncode == 0 and ended.stdout == "the domain is gone\n", ended
    assert demo("down", **env).stdout == "nothing is up\n"
    left = [p for d in PLACES for p in d.glob(f"{name}*")]
    assert not left and not place.exists(), left


if __name__ == "__main__":
    {"story": story, "standing": standing}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
