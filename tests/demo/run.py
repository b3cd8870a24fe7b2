# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One run of the demonstration: builds, tells, takes down, and says what was found."""

import json
import os
import shutil
import sys
import time
import traceback

import bypass
import page
from claims import Claims
from lab import Lab, topology
from lab.netns import named, pids_in
from story import Story
from words import Teller, hooks_of, milliseconds, shown

MAP = """\
  home network           visited network 1             visited network 2
  H-LMA (also a MAG)     V-LMA-1   MAG-1a   MAG-1b     V-LMA-2   MAG-2   a fixed CN
        |                    |                             |
        | {home:<15}    | {visited_1:<15}             | {visited_2}
        +----------------- router -------------------------+"""

FAILED = "failed"  # directory in the output, after a failure


def run(hook, output):
    """The whole demonstration. Returns the exit status."""
    begin = time.monotonic()
    clear(output)
    teller, claims = Teller(), Claims()
    with Lab(hook=None if hook == "auto" else hook) as lab:
        try:
            lab.start_dlma(hook=hook)
            report = environment(lab, hook)
            introduce(teller, report, time.monotonic() - begin)
            story = Story(lab, teller, claims, output)
            story.tell()
        except Exception:
            keep_logs(lab, output / FAILED)
            raise
    second, report["bypass"] = bypass.play(hook, story)
    left = left_behind(lab) + left_behind(second)
    claims.claim("nothing is left on the machine", not left, left)
    report |= story.report | {"claims": claims.made, "seconds": time.monotonic() - begin}
    conclude(teller, report)
    (output / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (output / "report.html").write_text(page.page(report), encoding="utf-8")
    teller.say(f"report    {output / 'report.html'}  (figures: report.json; captures: *.pcapng)", 0)
    return verdict(teller, claims)


def clear(output):
    """No report of an earlier run is to be taken for one of this run."""
    output.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(output / FAILED, ignore_errors=True)
    for old in (*output.glob("report.*"), *output.glob("*.pcapng")):
        old.unlink()


def keep_logs(lab, directory):
    """After a failure: the logs of all programs, what was in their tables, what went wrong."""
    lab.dump()
    shutil.copytree(lab.directory / "log", directory / "log")
    shutil.copytree(lab.directory / "dump", directory / "dump")
    (directory / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
    print(f"demo: cannot go on; logs and tables are in {directory}", file=sys.stderr)


def environment(lab, hook):
    """Where and how: what was asked for, and what is attached."""
    attached = {n.name: {i["name"]: i["hook"] for i in
                         lab.ctl_json(n.name, "status")["loader"]["interfaces"]}
                for n in topology.NODES}
    element = {s.name: "netem" if s.name in lab.plan.with_netem else
               "the lab's own cable" if s.name in lab.plan.with_cable else "none"
               for s in topology.SITES}
    return {"hook": hook, "attached": attached, "kernel": os.uname().release,
            "delays_ms": lab.delays_ms, "delay_element": element}


def introduce(teller, report, seconds):
    """What is there before the story begins."""
    delays = {name.replace("-", "_"): f"{value:g} ms"
              for name, value in report["delays_ms"].items()}
    elements = " and ".join(sorted(set(report["delay_element"].values())))
    teller.title("Distributed Local Mobility Anchors: the domain of Figure 5 on this machine")
    teller.say()
    teller.say(MAP.format(**delays), 1)
    teller.say()
    teller.say(f"Six nodes, each a network namespace with its dlma-loader and dlma-agent, up after "
               f"{seconds:.1f} s;\nconfiguration: configs/figure5, as it is. "
               f"Hook: {report['hook']}; attached: {hooks_of(report)}.\n"
               f"One-way delays to the router: {elements}. Paths and signalling below are what "
               "was\ncaptured on the wires: -> is a packet as it is, => a packet in a tunnel.")


def left_behind(lab):
    """What a laboratory that is closed has not removed."""
    names = named(lab.name)
    found = [f"namespace {name}" for name in names] + list(pids_in(names).values())
    return found + [str(d) for d in (lab.pin_dir, lab.run_dir, lab.directory) if d.exists()]


def conclude(teller, report):
    """What was measured, in one table."""
    teller.title("What was measured")
    first, silence = report["first_packets"], report["silence"]
    teller.rows([
        ("", "sent", "lost", "after", "longest", "accepted", "round trip"),
        ("move", "", "", "acceptance", "gap", "after", "afterwards"),
        *((f"{shown(m['from'])} to {shown(m['to'])}", m["sent"], m["lost"],
           m["lost_after_acceptance"], milliseconds(m["longest_gap_ms"]),
           milliseconds(m["accepted_ms"]), milliseconds(m["rtt_ms"])) for m in report["moves"]),
    ], 18, -6, -6, -12, -10, -10, -12)
    teller.say()
    second = report["first_second"]
    teller.rows([
        ("triangle", f"{first['triangle']} of {first['packets']} pings, {second['triangle']} of "
         f"{second['packets']} packets at {report['stream']['rate']}/s"),
        ("round trip", f"{milliseconds(first['first_rtt_ms'])} by way of the H-LMA, "
         f"{milliseconds(first['later_rtt_ms'])} direct"),
        ("TCP", f"{report['tcp']['received']:,} octets, {report['tcp']['mismatches']} wrong, "
         f"longest stall {milliseconds(report['tcp']['longest_stall_ms'])}"),
        ("bypassed", f"{report['bypass']['move']['forwarded']} packets forwarded by the previous "
         f"MAG, {report['bypass']['move']['lost_after_acceptance']} lost after acceptance"),
        ("cache entry", f"gone after {silence['gone_after_s']:.1f} s of silence"),
        ("all of it", f"{report['seconds']:.0f} s, hook {hooks_of(report)}"),
    ], 18)
    teller.say()


def verdict(teller, claims):
    """The last line, and the exit status that goes with it."""
    for false in claims.false:
        teller.say(f"FALSE     {false['claim']}; found: {false['found']}", 0)
    count = len(claims.made)
    teller.say(f"verdict   all {count} claims are true, nothing left on this machine"
               if not claims.false else
               f"verdict   {len(claims.false)} of {count} claims are false", 0)
    return 1 if claims.false else 0
