# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How the loader attaches on the kernel that runs, seen from outside: by ip, tc and bpffs."""

import json
import os
import shutil
from pathlib import Path

from figure5 import attach, counter, ping
from lab import Skip, test
from lab.netns import BPFFS

NODE = "mag-1a"  # has network and access links
DISPATCHER, LINK, TCX, CLSACT = "xdp, libxdp dispatcher", "xdp", "tc, tcx", "tc, clsact"
# What is best on Debian 12's kernels with its libxdp 1.3.1. Later kernels let no program that
# moves packet data behind a dispatcher that does not (libxdp 1.5.5 has one that does).
EXPECTED = {"6.1": {"xdp": DISPATCHER, "tc": CLSACT}, "6.12": {"xdp": LINK, "tc": TCX}}
DISPATCHER_PINS = BPFFS / "xdp"


def series():
    """"6.1" of "6.1.0-56-amd64"."""
    return ".".join(os.uname().release.split(".")[:2])


def expected(hook):
    """The method that this kernel is known to offer."""
    if series() not in EXPECTED:
        raise Skip(f"nothing is known of Linux {series()}")
    return EXPECTED[series()][hook]


def attachments(lab, node=NODE):
    """What the loader reports, by interface, without the waiting room's tap."""
    found = lab.ctl_json(node, "status")["loader"]["interfaces"]
    return {i["name"]: i for i in found if i["name"] != "dlma0"}


def methods(lab):
    """How each interface is attached."""
    return {name: i["hook"] for name, i in attachments(lab).items()}


def xdp_program(lab, interface, node=NODE):
    """Name of the XDP program that the kernel runs on an interface, or None."""
    shown = json.loads(lab.run(node, f"ip -j -d link show {interface}").stdout)[0]
    return shown["xdp"]["prog"]["name"] if "xdp" in shown else None


def behind_dispatcher(lab, interface, node=NODE):
    """The programs behind libxdp's dispatcher, in their order: {name: id}."""
    lines = lab.run(node, ["xdp-loader", "status", interface]).stdout.splitlines()
    rows = [line.split() for line in lines if line.lstrip().startswith("=>")]
    return {row[2]: row[3] for row in rows}


def clsact_programs(lab, interface, node=NODE):
    """Names of the programs on an interface's clsact ingress, as "dlma_network:[52]"."""
    filters = json.loads(lab.run(node, f"tc -j filter show dev {interface} ingress").stdout or "[]")
    return [f["options"]["bpf_name"] for f in filters if "bpf_name" in f.get("options", {})]


def check_kernel(lab, interface, program, method):
    """Asks the kernel itself whether the loader's report is true."""
    link = lab.pin_dir / NODE / "links"
    if method == DISPATCHER:
        assert xdp_program(lab, interface) == "xdp_dispatcher"
        assert list(behind_dispatcher(lab, interface)) == [program]
    elif method == LINK:
        assert xdp_program(lab, interface) == program
        assert (link / f"{interface}:xdp").exists()
    elif method == TCX:
        assert (link / f"{interface}:tcx").exists() and not clsact_programs(lab, interface)
    else:
        assert any(name.startswith(program) for name in clsact_programs(lab, interface))
    if not method.startswith("xdp"):
        assert xdp_program(lab, interface) in (None, "lab_pass")


def record(hook, found):
    """Keeps the loader's report for docs/kernels.md, if somebody wants it."""
    if "JOB" not in os.environ:
        return
    path = Path(os.environ["JOB"]) / "attached.json"
    seen = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    seen[hook] = [{"hook": i["hook"], "note": i["note"]} for i in found.values()]
    path.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")


@test()
def as_this_kernel_can(lab):
    """The best method that there is, on every interface; the kernel agrees; packets are seen."""
    lab.start_dlma()
    found = attachments(lab)
    record(lab.hook, found)
    method = expected(lab.hook)
    assert found.keys() == {"net0", "acc0"}, found
    assert {i["hook"] for i in found.values()} == {method}, found
    if method == LINK:
        assert all("changes packet data" in i["note"] for i in found.values()), found
    for interface, program in (("net0", "dlma_network"), ("acc0", "dlma_access")):
        check_kernel(lab, interface, program, method)
    assert ping(lab, "cn", attach(lab, NODE), 2)
    assert counter(lab, NODE, "delivered") >= 2


@test()
def every_loader_leaves_one_program(lab):
    """A loader killed and started again, three times: one program, by the same method."""
    lab.start_dlma()
    before = methods(lab)
    for _ in range(3):
        lab.loaders[NODE].kill9()
        loader = lab.start_loader(NODE)
        lab.wait(lambda l=loader: "acc0: attached" in l.output(), 10, "attached again")
    assert methods(lab) == before
    for interface, program in (("net0", "dlma_network"), ("acc0", "dlma_access")):
        check_kernel(lab, interface, program, before[interface])
    assert ping(lab, "cn", attach(lab, NODE), 2)


def dispatcher_pins():
    """What libxdp has pinned: one directory for each dispatcher of this machine."""
    return {p.name for p in DISPATCHER_PINS.glob("dispatch-*")}


@test(hooks=("xdp",))
def nothing_stays_of_a_vanished_interface(lab):
    """Pins keep programs and maps alive: they go with their interface, and with --detach."""
    before = dispatcher_pins()
    lab.start_dlma(nodes=["v-lma-1"])
    loader = lab.loaders["v-lma-1"]
    steady = dispatcher_pins()
    lab.run("v-lma-1", "ip link add cn7 type veth peer name other7")
    lab.wait(lambda: "cn7: attached" in loader.output(), 5, "attached")
    lab.run("v-lma-1", "ip link del cn7")
    lab.wait(lambda: "cn7 is gone" in loader.output(), 5, "forgotten")
    lab.wait(lambda: dispatcher_pins() == steady, 5, "its dispatcher's pins are gone")
    lab.agents["v-lma-1"].stop()
    loader.stop()
    lab.run("v-lma-1", [lab.program("dlma-loader"), "--detach", lab.conf("v-lma-1")],
            env=lab.dlma_env())
    assert dispatcher_pins() == before


@test(hooks=("xdp",))
def another_xdp_program_stands_beside_ours(lab):
    """xdp-loader puts a program of its own on our interface and takes it off again: both work,
    and a new loader replaces ours alone."""
    if expected(lab.hook) != DISPATCHER:
        raise Skip(f"no dispatcher for our programs on Linux {series()} with this libxdp")
    if not shutil.which("xdp-loader"):
        raise Skip("this needs xdp-loader (package xdp-tools)")
    lab.start_dlma()
    hoa = attach(lab, NODE)
    lab.run(NODE, ["xdp-loader", "load", "-m", "native", "-P", 10, "net0",
                   lab.tool("beside.bpf.o")])
    both = behind_dispatcher(lab, "net0")
    assert list(both) == ["beside", "dlma_network"]
    assert ping(lab, "cn", hoa, 2)
    lab.loaders[NODE].kill9()
    loader = lab.start_loader(NODE)
    lab.wait(lambda: "acc0: attached" in loader.output(), 10, "attached again")
    anew = behind_dispatcher(lab, "net0")
    assert list(anew) == ["beside", "dlma_network"]
    assert anew["beside"] == both["beside"] and anew["dlma_network"] != both["dlma_network"]
    seen = counter(lab, NODE, "delivered"), beside_count(lab)
    assert ping(lab, "cn", hoa, 2)
    assert counter(lab, NODE, "delivered") >= seen[0] + 2
    assert beside_count(lab) >= seen[1] + 2
    lab.run(NODE, ["xdp-loader", "unload", "net0", "--id", anew["beside"]])
    assert list(behind_dispatcher(lab, "net0")) == ["dlma_network"]
    assert ping(lab, "cn", hoa, 2)


def beside_count(lab):
    """Packets that the other program has seen."""
    dump = json.loads(lab.run(NODE, "bpftool -j map dump name beside_count").stdout)
    return dump[0]["formatted"]["value"]
