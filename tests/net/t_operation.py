# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What an operator does: start, stop, adopt, detach, ask, watch, and get things wrong."""

import json
import re
import subprocess
import sys
import time

from figure5 import CONFIGS, attach, binding, counter, ping
from lab import test, topology
from lab.netns import BPFFS

VERBS = ("status", "bindings", "cache", "locations", "peers", "counters", "drops")


@test()
def every_verb_answers(lab):
    """Human tables and JSON on every node; what is shown is what is there."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    assert ping(lab, "cn", hoa, 2)
    status = lab.ctl_json("v-lma-2", "status")
    assert status["ready"] and status["peers_up"] == 5 and status["cached"] == 1
    for node in topology.NODES:
        for verb in VERBS:
            human = lab.ctl(node.name, verb).stdout
            assert human.strip() and "null" not in human, f"{node.name} {verb}: {human}"
            assert isinstance(lab.ctl_json(node.name, verb), dict)
    assert "mag-1a" in lab.ctl("v-lma-1", "bindings").stdout
    assert re.search(r"mn1@example.net\s+02:00:00:00:01:01\s+v-lma-1",
                     lab.ctl("h-lma", "locations").stdout)
    hooks = {i["hook"] for i in status["loader"]["interfaces"] if i["name"] != "dlma0"}
    assert all(h.startswith(lab.hook) for h in hooks), hooks
    bare = lab.ctl("v-lma-2").stdout
    assert bare.startswith("node       v-lma-2 of domain figure5"), bare


@test()
def explain_tells_the_path(lab):
    """What would happen to a packet, at every node it could meet, agrees with what happens."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")

    def reason(node, address):
        return lab.ctl_json(node, "explain", address)["reason"]

    assert reason("v-lma-2", hoa) == "tunnel_owner"
    assert reason("h-lma", hoa) == "tunnel_location"
    assert reason("v-lma-1", hoa) == "tunnel_binding"
    assert reason("mag-1a", hoa) == "delivered"
    assert reason("mag-1b", hoa) == "not_attached"
    assert reason("h-lma", "2001:db8:1aa::1") == "unbound"
    assert reason("v-lma-2", "2001:db8:c2::2") == "not_ours"
    assert ping(lab, "cn", hoa, 2)
    assert reason("v-lma-2", hoa) == "tunnel_cached"
    told = lab.ctl_json("v-lma-2", "explain", hoa)
    assert told["target"] == "v-lma-1" and any("net0" in s for s in told["steps"])
    attach(lab, "mag-2")
    lab.wait(lambda: reason("v-lma-1", hoa) == "tunnel_forwarding", 5, "forwarding explained")
    refused = lab.ctl("v-lma-1", "explain", "not-an-address", check=False)
    assert refused.returncode == 1 and "give an IPv6 address" in refused.stderr


@test()
def attach_and_detach_by_command(lab):
    """The access network says so: a MN whose stack is silent is registered and de-registered."""
    lab.start_dlma()
    lab.run("mn", "ip link set wlan0 addrgenmode none")
    lab.move("mn", "mag-1b", flap=False)
    assert not lab.ctl_json("mag-1b", "bindings")["bindings"]
    lab.ctl("mag-1b", "attach", "mn1@example.net")
    lab.wait(lambda: lab.ctl_json("v-lma-1", "bindings")["bindings"], 5, "registered")

    def gone():  # the MN may answer the router advertisement after all, and is seen again
        lab.ctl("mag-1b", "detach", "02:00:00:00:01:01", "acc0")
        time.sleep(0.5)
        return all(b["state"] == "deleting" for b in
                   lab.ctl_json("v-lma-1", "bindings")["bindings"])

    lab.wait(gone, 10, "de-registered")
    for arguments, why in ((("attach", "nobody@example.net"), "no such MN"),
                           (("attach", "mn1@example.net", "eth9"), "name the access interface")):
        refused = lab.ctl("mag-1b", *arguments, check=False)
        assert refused.returncode == 1 and why in refused.stderr, refused
    refused = lab.ctl("v-lma-1", "attach", "mn1@example.net", check=False)
    assert refused.returncode == 1 and "not a MAG" in refused.stderr


@test()
def monitor_tells_who_told_whom(lab):
    """A watcher sees the registration as it happens, in words and in JSON."""
    lab.start_dlma()
    socket = lab.run_dir / "h-lma/agent.sock"
    human = lab.start("h-lma", [lab.program("dlmactl"), "--socket", socket, "monitor"])
    machine = lab.start("h-lma", [lab.program("dlmactl"), "--socket", socket, "--json", "monitor"])
    lab.wait(lambda: lab.run("h-lma", "cat /proc/net/unix").stdout.count(str(socket)) == 3, 5,
             "the agent has taken both calls")
    attach(lab, "mag-1a")
    attach(lab, "mag-2")
    line = "H-LMA: D-LMA of mn1@example.net (2001:db8:100:1::/64) is now v-lma-2"
    lab.wait(lambda: line in human.output() and '"v-lma-2"' in machine.output(), 5,
             "the move is told to both")
    events = [json.loads(text) for text in machine.output().splitlines()]
    moves = [e["peer"] for e in events if e["event"] == "anchor_moved"]
    assert moves == ["v-lma-1", "v-lma-2"], events
    assert all(e["node"] == "h-lma" and e["hnp"] == "2001:db8:100:1::/64" for e in events
               if e["event"] == "anchor_moved")


@test()
def exit_statuses(lab):
    """0 done, 1 refused, 2 wrong usage, 3 no agent: as the usage text says."""
    lab.start_dlma(nodes=["h-lma"])
    assert lab.ctl("h-lma", "status").returncode == 0
    assert lab.ctl("h-lma", "attach", "nobody", check=False).returncode == 1
    assert lab.ctl("h-lma", "nonsense", check=False).returncode == 2
    assert lab.ctl("h-lma", "explain", check=False).returncode == 2
    lab.agents["h-lma"].kill9()
    gone = lab.ctl("h-lma", "status", check=False)
    assert gone.returncode == 3 and "start dlma-agent" in gone.stderr
    assert len(gone.stderr.splitlines()) == 1


@test()
def the_loader_adopts_and_refuses(lab):
    """What is pinned is adopted with its content; another layout is refused, and never misread."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    assert ping(lab, "cn", hoa, 2)
    lab.loaders["v-lma-1"].stop()
    assert ping(lab, "cn", hoa, 2), "the data path does without a loader"
    received = counter(lab, "v-lma-1", "received")
    loader = lab.start_loader("v-lma-1")
    lab.wait(lambda: "adopting" in loader.output(), 5, "adopted")
    assert counter(lab, "v-lma-1", "received") >= received, "counters kept"
    assert binding(lab, "v-lma-1", hoa) and ping(lab, "cn", hoa, 2)
    second = lab.start_loader("v-lma-1")
    assert second.wait(5) == 1 and "another loader runs" in second.output()
    loader.stop()
    pin = lab.pin_dir / "v-lma-1/maps/node"
    size = json.loads(subprocess.run(["bpftool", "-j", "map", "show", "pinned", pin], check=True,
                                     capture_output=True, text=True).stdout)["bytes_value"]
    old = bytearray(dump_value(pin))
    assert len(old) == size and int.from_bytes(old[:4], sys.byteorder) == layout_version()
    write_value(pin, bytes([99]) + bytes(old[1:]))
    refused = lab.start_loader("v-lma-1")
    assert refused.wait(5) == 1
    said = [line for line in refused.output().splitlines() if line.startswith("error")]
    assert len(said) == 1 and "layout 99" in said[0] and "--detach" in said[0], said


def layout_version():
    """DLMA_ABI_VERSION of this tree."""
    text = (CONFIGS.parents[1] / "include/dlma/abi.h").read_text(encoding="utf-8")
    return int(re.search(r"#define DLMA_ABI_VERSION (\d+)", text).group(1))


def dump_value(pin):
    """The one value of a pinned array map."""
    done = subprocess.run(["bpftool", "-j", "map", "lookup", "pinned", pin, "key", "0", "0", "0",
                           "0"], check=True, capture_output=True, text=True)
    return bytes(int(octet, 16) for octet in json.loads(done.stdout)["value"])


def write_value(pin, value):
    """Replaces it."""
    subprocess.run(["bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value",
                    *(str(octet) for octet in value)], check=True, capture_output=True)


@test()
def detach_leaves_nothing(lab):
    """--detach takes programs, maps and the waiting room away; nothing is attached afterwards."""
    lab.start_dlma(nodes=["v-lma-1"])
    attached = lab.ctl_json("v-lma-1", "status")["loader"]["interfaces"]
    assert "net0" in [i["name"] for i in attached], attached
    lab.agents["v-lma-1"].stop()
    lab.loaders["v-lma-1"].stop()
    lab.run("v-lma-1", [lab.program("dlma-loader"), "--detach", lab.conf("v-lma-1")],
            env=lab.dlma_env())
    assert "net0" not in lab.run("v-lma-1", "bpftool net").stdout
    assert not (lab.pin_dir / "v-lma-1").exists()
    assert lab.run("v-lma-1", "ip link show dlma0", check=False).returncode == 1


@test()
def interfaces_come_and_go(lab):
    """An interface that appears later is attached; one that vanishes is forgotten, and may return."""
    lab.start_dlma(nodes=["v-lma-1"])
    loader = lab.loaders["v-lma-1"]
    for round_ in (1, 2):
        lab.run("v-lma-1", "ip link add net7 type veth peer name other7")
        lab.wait(lambda r=round_: loader.output().count("net7: attached") == r, 5, "attached")
        lab.run("v-lma-1", "ip link del net7")
        lab.wait(lambda r=round_: loader.output().count("net7 is gone") == r, 5, "forgotten")
    lab.wait(lambda: "net7" not in lab.ctl("v-lma-1", "status").stdout, 5, "status forgets it")


@test(hooks=(None,))
def auto_takes_tc_on_veth(lab):
    """hook = "auto" on a virtual interface: TC, which sees partial checksums and GSO whole."""
    lab.start_dlma(hook="auto")
    hoa = attach(lab, "mag-1a")
    interfaces = lab.ctl_json("v-lma-1", "status")["loader"]["interfaces"]
    assert interfaces and all(i["hook"].startswith("tc") for i in interfaces), interfaces
    assert ping(lab, "cn", hoa, 3)


@test(hooks=(None,))
def generic_xdp_works_too(lab):
    """hook = "xdp-generic": slow, but there on every interface."""
    lab.start_dlma(hook="xdp-generic")
    hoa = attach(lab, "mag-1a")
    interfaces = lab.ctl_json("v-lma-1", "status")["loader"]["interfaces"]
    hooks = {i["name"]: i["hook"] for i in interfaces}
    assert hooks["net0"] == "xdp-generic", hooks
    assert ping(lab, "cn", hoa, 3)


@test(hooks=(None,))
def mistakes_are_told_in_one_line(lab):
    """Missing capability, address, interface, file: one line that says what and what to do."""
    lab.start_dlma(hook="auto", nodes=["v-lma-1"])
    lab.agents["v-lma-1"].stop()
    lab.loaders["v-lma-1"].stop()

    def fails(program, *arguments, status=1, prefix=()):
        done = lab.run("v-lma-1", [*prefix, lab.program(program), *arguments], check=False,
                       env=lab.dlma_env())
        assert done.returncode == status, (done.returncode, done.stderr)
        assert "libbpf" not in done.stderr, done.stderr
        return [line for line in done.stderr.splitlines() if not line.startswith(("info", "warn"))]

    weak = ["setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-all",
            "--ambient-caps=-all"]
    said = fails("dlma-loader", lab.conf("v-lma-1"), prefix=weak)
    assert len(said) == 1 and "cap_bpf is needed" in said[0], said
    weak[1] = "--bounding-set=-net_raw"
    said = fails("dlma-agent", lab.conf("v-lma-1"), prefix=weak)
    assert len(said) == 1 and "cap_net_raw is needed" in said[0], said
    lab.run("v-lma-1", f"ip address del {lab.address('v-lma-1')}/64 dev net0")
    said = fails("dlma-agent", lab.conf("v-lma-1"))
    assert len(said) == 1 and "ip -6 address add 2001:db8:b1::1/64" in said[0], said
    said = fails("dlma-agent", lab.directory / "nothing.conf", status=2)
    assert len(said) == 1 and "nothing.conf" in said[0], said
    said = fails("dlma-loader", "--hook", "sideways", lab.conf("v-lma-1"), status=2)
    assert said[0].startswith("usage"), said


@test(hooks=(None,))
def the_agent_keeps_one_capability(lab):
    """Once started the agent has CAP_NET_RAW and nothing else; it cannot gain any again."""
    lab.start_dlma(hook="auto", nodes=["mag-1a"])
    status = lab.run("mag-1a", f"cat /proc/{lab.agents['mag-1a'].pid}/status").stdout
    found = dict(re.findall(r"^(Cap\w+|NoNewPrivs):\s+(\w+)", status, re.M))
    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == 1 << 13, found
    assert found["NoNewPrivs"] == "1"


@test(hooks=(None,))
def pins_are_the_nodes_own(lab):
    """Everything below the pin directory is readable by its owner and group only."""
    lab.start_dlma(hook="auto", nodes=["mag-1a"])
    assert lab.pin_dir.is_relative_to(BPFFS)
    for path in (lab.pin_dir / "mag-1a").rglob("*"):
        assert path.stat().st_mode & 0o007 == 0, f"{path} is open to everybody"


@test(hooks=(None,))
def what_is_permanent_stays_so(lab):
    """A neighbour that the operator has entered by hand is used, and left alone."""
    link = json.loads(lab.run("mag-1a", "ip -j link show dev net0").stdout)[0]
    address = lab.address("mag-1a")
    lab.run("v-lma-1", f"ip neigh replace {address} lladdr {link['address']} dev net0 nud permanent")
    lab.start_dlma(hook="auto", nodes=["v-lma-1"])
    shown = lab.run("v-lma-1", f"ip -6 neigh show {address} dev net0").stdout
    assert "PERMANENT" in shown and link["address"] in shown, shown
