#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Known-bad variants of the protocol, each of which the simulator must catch.

    tests/sim/mutants.py BUILD [NAME...]      default: all

A mutant is a few lines of the production source, replaced; the source itself knows nothing of it.
The changed files are compiled beside the rest of the simulator, which then runs seeds until one
fails. A mutant that survives is a failure, and so is one whose lines are not in the source any
more: it has to follow the source.
"""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEDS_MAX = 3000
# Seeds that caught those that are hard to catch, tried first: after a change others may have to.
LIKELY = {"plain_timestamps": 249, "notice_not_acknowledged": 96,
          "told_before_durable": 852}

# name: (what is wrong, [(file, old lines, new lines)])
MUTANTS = {
    "last_received_wins": (
        "the last update received wins, as the draft has it",
        [("agent/core/anchor.c", "	return claim->stamp > a->stamp;\n", "	return true;\n"),
         ("agent/core/update.c", "	if (u->place.stamp <= b->stamp)\n", "	if (!u->place.stamp)\n")]),
    "plain_timestamps": (
        "stamps are the clock of the sender, and nobody bids again",
        [("agent/core/binding.c",
          "	return timestamp > seen ? timestamp : seen + 1;\n", "	(void)seen;\n	return timestamp;\n"),
         ("agent/core/claim.c", "enum { ASK_AGAIN_MS = 1000 };",
          "enum { ASK_AGAIN_MS = 1000 };\n#define OUTBIDS_MAX 0")]),
    "notice_not_acknowledged": (
        "the word to the previous D-LMA, and that of the H-LMA, is said once, and not again",
        [("agent/core/exchange.c", "{5, moved_build,", "{1, moved_build,"),
         ("agent/core/exchange.c", "{3, notice_build,", "{1, notice_build,")]),
    "h_lma_forgets": (
        "the H-LMA does not remember across a restart",
        [("agent/core/anchor.c",
          "	/* The run before may have had other prefixes. */\n	if (a ||",
          "	if (!a || a ||")]),
    "no_forwarded_mark": (
        "packets that a previous D-LMA forwards are not marked",
        [("bpf/resolve.h", "		plan.marks = DLMA_LABEL_FORWARDED;\n", "		plan.marks = 0;\n")]),
    "forwarding_stays": (
        "an attach does not delete the forwarding entry",
        [("agent/core/binding.c",
          "	l = learnt_by_hnp(c, &b->hnp);\n	if (l)\n",
          "	l = learnt_by_hnp(c, &b->hnp);\n	if (l && !l->stamp)\n")]),
    "told_before_durable": (
        "messages leave before the store has committed",
        [("tests/sim/node.c",
          "	if (x->dying && x->written_count) {\n		x->dying = false;\n",
          "	if (x->dying && x->written_count) {\n		x->dying = false;\n"
          "		x->written_count = 0;\n		node_committed(s, n);\n")]),
    "anybody_may_speak": (
        "every LMA may change every entry",
        [("agent/core/learnt.c",
          "	return l && (l->target == sender || l->dlma == sender) && l->kind != DLMA_LOCATION_HELD;\n",
          "	(void)sender;\n	return l;\n")]),
    "h_lma_tells_nobody": (
        "the H-LMA leaves it to the new D-LMA to tell the previous one",
        [("agent/core/anchor.c", "		moved_tell_also(c, a);\n", "		(void)moved_tell_also;\n")]),
    "no_question": (
        "a MAG that has been replaced is not asked whether the MN is still there",
        [("agent/core/revoke.c",
          "	struct revocation *r = renew(c, b->mn, &b->hnp, mag);\n\n	if (!r)\n",
          "	struct revocation *r = renew(c, b->mn, &b->hnp, mag);\n\n"
          "	if (may_return || !r)\n")]),
}


def compiler():
    """How the build compiles, as make says it: for tests/sim/path.c, which has one flag more."""
    target = "mutant-flags"
    alone = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    out = subprocess.run(["make", "-s", f"BUILD={BUILD}", target], cwd=ROOT, check=True,
                         capture_output=True, text=True, env=alone).stdout
    return out.split()


def mutate(name, where):
    """Writes the changed files below `where`; returns the C files that have to be compiled."""
    changed = {}
    for path, old, new in MUTANTS[name][1]:
        text = changed.get(path) or (ROOT / path).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise LookupError(f"{path} has these lines {text.count(old)} times, not once:\n{old}")
        changed[path] = text.replace(old, new)
    sources = set()
    for path, text in changed.items():
        file = where / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        if path.startswith("bpf/"):
            sources.add("tests/sim/path.c")
        elif path.endswith(".h"):
            sources |= {str(p.relative_to(ROOT)) for p in (ROOT / "agent/core").glob("*.c")}
        else:
            sources.add(path)
    return sorted(sources)


def build(name, flags):
    """Builds build/mutants/NAME/sim."""
    where = BUILD / "mutants" / name
    subprocess.run(["rm", "-rf", where], check=True)
    objects, commands = [], []
    for source in mutate(name, where):
        # Beside the changed headers, so that they are found first; the others where they are.
        copy = where / source
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text((ROOT / source).read_text(encoding="utf-8"), encoding="utf-8")
        if source == "tests/sim/path.c":
            for header in (ROOT / "bpf").glob("*.h"):
                if not (where / "bpf" / header.name).exists():
                    (where / "bpf" / header.name).write_text(header.read_text())
            for header in (ROOT / "tests/sim").glob("*.h"):
                (where / "tests/sim" / header.name).write_text(header.read_text())
        out = copy.with_suffix(".o")
        commands.append([*flags, "-Wno-error", "-O1", f"-I{where}/agent", f"-I{where}", "-Iinclude",
                         "-Iagent", "-Itests/sim", "-I.", "-c", "-o", out, copy])
        objects.append(out)
    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda argv: subprocess.run(argv, cwd=ROOT, check=True), commands))
    done = {str(Path(o).relative_to(where)) for o in objects}
    rest = [p for p in (BUILD / "obj/tests/sim").glob("*.o")
            if f"tests/sim/{p.name}" not in done]
    rest.append(BUILD / "obj/tests/unit/invariants.o")
    program = where / "sim"
    subprocess.run([flags[0], "-o", program, *objects, *rest, BUILD / "libpure.a",
                    BUILD / "libbase.a", "-lm"], cwd=ROOT, check=True)
    return program


def simulate(program, first, seeds):
    """(seed that failed, what the simulator said); (None, "") if none did."""
    done = subprocess.run([program, "--first", str(first), "--seeds", str(seeds), "--stop",
                           "--jobs", str(JOBS)], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    found = re.search(r"^seed (\d+): (.*)$", done.stdout, re.MULTILINE)
    return (int(found[1]), found[2]) if done.returncode and found else (None, "")


def caught(name, program):
    """The same; (None, "") if the mutant survived."""
    likely = simulate(program, LIKELY[name], 8) if name in LIKELY else (None, "")
    return likely if likely[0] else simulate(program, 1, SEEDS_MAX)


def record(names, survivors):
    """Leaves the figure for build/reliability.json."""
    directory = BUILD / "reliability"
    directory.mkdir(parents=True, exist_ok=True)
    row = {"goal": "all", "value": f"{len(names) - len(survivors)} of {len(names)}",
           "ok": not survivors}
    (directory / "mutants.json").write_text(json.dumps({"mutants-caught": row}) + "\n",
                                            encoding="utf-8")


def main():
    """Exit status 1 if a mutant survived."""
    names = sys.argv[2:] or list(MUTANTS)
    flags = compiler()
    survivors = []
    for name in names:
        begin = time.monotonic()
        seeds, why = caught(name, build(name, flags))
        print(f"{name:26} {f'caught by seed {seeds}' if seeds else 'SURVIVED':22}"
              f"{time.monotonic() - begin:6.1f} s  {MUTANTS[name][0]}", flush=True)
        if seeds:
            print(f"{'':26} {re.sub('^at [0-9.]*: ', '', why)}")
        else:
            survivors.append(name)
    print(f"{len(names) - len(survivors)} of {len(names)} mutants caught")
    if len(names) == len(MUTANTS):
        record(names, survivors)
    return 1 if survivors else 0


BUILD = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build")
JOBS = os.cpu_count() or 1

if __name__ == "__main__":
    sys.exit(main())
