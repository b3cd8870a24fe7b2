# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The laboratory proves itself: nothing here needs the production programs."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pcap
from lab import Lab, netns, sweep, test, topology

RUNNER = Path(__file__).parent / "runner.py"
HOA = "2001:db8:100::1"
ACCESS_ADDRESS = "fe80::200:5eff:fe00:5213"
MLD_REPORT, NEIGHBOR_SOLICITATION = 143, 135
QUICK = {"delays_ms": {"home": 0, "visited-1": 0, "visited-2": 0}}
COARSE_MS = 3  # what a busy machine of two processors may add to a delay


def give_hoa(lab, mobile="mn", hoa=HOA, mag="mag-1b"):
    """Does by hand what dlma is for: the HoA at the mobile node, and kernel routes to it."""
    lab.move(mobile, mag)
    lab.run(mobile, f"ip address add {hoa}/128 dev wlan0 nodad")
    lab.wait(lambda: "tentative" not in lab.run(mobile, "ip -6 address show dev wlan0").stdout,
             5, "DAD of the mobile node")
    lab.run(mobile, f"ip route add default via {ACCESS_ADDRESS} dev wlan0")
    lab.run(mag, f"ip route add {hoa}/128 dev acc0")
    lab.run("v-lma-1", f"ip route add {hoa}/128 via {lab.address(mag)}")
    lab.run("v-lma-2", f"ip route add {hoa}/128 via 2001:db8:b2::ff")
    lab.run("r", f"ip route add {hoa}/128 via {lab.address('v-lma-1')}")


def ping(lab, node, address, count=1):
    """Round-trip times in ms; sequence numbers that were not answered are just missing."""
    done = lab.run(node, f"ping -n -i 0.05 -W 1 -c {count} {address}", check=False)
    return [float(word[5:]) for word in done.stdout.split() if word.startswith("time=")]


def forwarded_by_kernel(lab, node):
    """Packets that the node's kernel has forwarded so far."""
    for line in lab.namespaces[node].read("/proc/thread-self/net/snmp6").splitlines():
        if line.startswith("Ip6OutForwDatagrams"):
            return int(line.split()[1])
    raise AssertionError("no counter Ip6OutForwDatagrams")


@test(hooks=(None,))
def delays(lab):
    """Each way costs what the sites' delays add up to."""
    for node, address, expected in (("h-lma", lab.address("v-lma-1"), 40),
                                    ("v-lma-1", lab.address("v-lma-2"), 4),
                                    ("v-lma-1", lab.address("mag-1a"), 0)):
        ping(lab, node, address)  # resolves neighbours
        fastest = min(ping(lab, node, address, 10))
        assert expected <= fastest < expected + COARSE_MS, f"{node}: {fastest} ms"


@test(hooks=(None,), lab=QUICK | {"correspondents": ("cn", "cn-1", "cn-h")})
def everybody_reaches_everybody(lab):
    """The underlay is whole without any element of delay, and has no route to a HoA."""
    fixed = [n.name for n in topology.NODES] + ["cn", "cn-1", "cn-h"]
    for source in fixed:
        for destination in fixed:
            assert ping(lab, source, lab.address(destination)), f"{source} to {destination}"
    for node in topology.NODES:
        route = lab.run(node.name, f"ip -6 route get {HOA}", check=False)
        assert route.returncode, f"{node.name} has a route to a HoA: {route.stdout}"
    assert "2001:db8:c2::1" in lab.run("cn", f"ip -6 route get {HOA}").stdout


@test(hooks=(None,))
def capture_has_every_frame_once(lab):
    """20 000 packets/s over three wires: each is recorded once at every port where it came in."""
    count, rate = 40000, 20000
    ping(lab, "v-lma-1", lab.address("v-lma-2"))  # resolves neighbours
    capture = lab.capture()
    both = lab.capture("v-lma-2", both=True)
    flow = lab.stream("v-lma-1", "v-lma-2", lab.address("v-lma-2"), rate=rate, size=200,
                      count=count)
    flow.wait_sent(60)
    result = flow.stop()
    assert (result.lost, result.duplicates) == (0, 0), result
    seen = {}
    for packet in pcap.packets(capture.stop()):
        if packet.sequence is not None:
            assert not packet.out
            seen.setdefault(packet.interface, []).append(packet.sequence)
    assert set(seen) == {"v-lma-1.net0", "r.net2"}
    frames = [p for p in pcap.packets(both.stop()) if p.sequence is not None]
    assert {(p.interface, p.out) for p in frames} == {("net0", False)}
    for sequences in (*seen.values(), [p.sequence for p in frames]):
        assert sorted(sequences) == list(range(count))


@test(hooks=(None,))
def capture_of_both_directions(lab):
    """With `both`, what a node receives is recorded too, and marked so."""
    capture = lab.capture(both=True)
    flow = lab.stream("mag-1a", "mag-1b", lab.address("mag-1b"), rate=1000, size=100, count=50)
    flow.wait_sent(10)
    flow.stop()
    ways = [(p.interface, p.out) for p in pcap.packets(capture.stop()) if p.sequence == 49]
    assert sorted(ways) == [("mag-1a.net0", False), ("mag-1b.net0", True)], ways


@test(hooks=(None,))
def capture_clock_is_the_stream_clock(lab):
    """Times in a capture, of the streams and of Python can be compared with each other."""
    capture = lab.capture()
    before = time.monotonic_ns()
    flow = lab.stream("v-lma-1", "v-lma-2", lab.address("v-lma-2"), rate=1000, size=100, count=100)
    flow.wait_sent(10)
    records = {r.sequence: r for r in flow.stop().records}
    after = time.monotonic_ns()
    assert len(records) == 100
    for packet in pcap.packets(capture.stop()):
        if packet.sequence is not None:
            record = records[packet.sequence]
            assert before < record.sent_ns <= packet.time <= record.received_ns < after, record


def one_queue(lab):
    """Nothing that could change the order of packets between v-lma-1 and v-lma-2.

    That is the backlog of each processor, which the loader's programs will replace by one queue,
    and packets that wait for a neighbour.
    """
    for node in ("v-lma-1", "v-lma-2"):
        lab.use_napi(node, "net0")
    assert ping(lab, "v-lma-1", lab.address("v-lma-2"))


@test(hooks=("xdp",))
def cable_keeps_order_at_full_speed(lab):
    """50 000 frames/s through two cables at once: none lost, all in order."""
    count = 150000
    one_queue(lab)
    flow = lab.stream("v-lma-1", "v-lma-2", lab.address("v-lma-2"), rate=50000, size=100,
                      count=count)
    flow.wait_sent(90)
    result = flow.stop()
    cables = []
    for cable in lab.cables.values():
        cable.stop()
        cables += cable.report().values()
    assert (result.lost, result.duplicates, result.reordered) == (0, 0, 0), (result.lost, cables)
    assert 2 <= result.delay_ms["min"] < 2 + COARSE_MS, result.delay_ms
    for way in cables:
        failures = {k: way[k] for k in ("overflow", "too_long", "refused", "missed", "lost")}
        assert not any(failures.values()), failures


def fate(seed):
    """What a bad cable does to 4000 packets, and what it says that it did."""
    faults = {"visited-2": {"loss": 0.05, "dup": 0.03, "reorder": 0.02, "hold_us": 5000,
                            "seed": seed}}
    with Lab(hook="xdp", faults=faults) as lab:
        one_queue(lab)
        flow = lab.stream("v-lma-1", "v-lma-2", lab.address("v-lma-2"), rate=4000, size=100,
                          count=4000)
        flow.wait_sent(30)
        result = flow.stop()
        lab.cables["visited-2"].stop()
        into_site = lab.cables["visited-2"].report()["r.net2>cable2"]
    assert result.lost == into_site["lost"]
    assert result.duplicates == into_site["doubled"]
    assert result.lost == len(result.missing())
    assert 0 < result.reordered <= into_site["reordered"]
    return result.missing(), result.duplicates


@test(hooks=(None,), lab=None, limit_s=60)
def bad_cable_repeats_itself():
    """The same seed loses and doubles the same packets, another seed other ones."""
    first, second, other = fate(7), fate(7), fate(8)
    assert first == second
    assert first != other
    lost = len(first[0])
    assert 150 < lost < 250, lost  # 5 % of 4000, more than three standard deviations
    assert 80 < first[1] < 160, first[1]


@test(hooks=(None,))
def stream_counts(lab):
    """Sender and receiver agree; pace, hop limit and interruption are measured right."""
    flow = lab.stream("mag-1a", "mag-1b", lab.address("mag-1b"), rate=1000, size=300)
    lab.wait(lambda: flow.received() >= 1000, 10, "1000 packets")
    lab.links.set_up(lab.links.index("mag-1b.net0"), False)
    silent = flow.received()
    time.sleep(0.25)
    lab.links.set_up(lab.links.index("mag-1b.net0"), True)
    lab.wait(lambda: flow.received() >= silent + 500, 20, "packets after the interruption")
    result = flow.stop()
    assert result.sent == result.received + result.lost, result
    assert len(result.records) == result.received
    assert 200 < result.lost < 600, result.lost
    assert result.lost - 10 <= result.longest_gap_ms <= result.lost + 10, result.longest_gap_ms
    assert {(r.hop_limit, r.size) for r in result.records} == {(64, 300)}
    first, last = result.records[0], result.records[999]
    pace = 999 * 1e9 / (last.sent_ns - first.sent_ns)
    assert 980 < pace < 1020, pace


@test(hooks=(None,))
def transfer_counts(lab):
    """TCP: a fixed amount arrives whole; a limited one has its rate; an interruption is seen."""
    whole = lab.transfer("v-lma-1", "v-lma-2", lab.address("v-lma-2"), count=3000000).wait(30)
    assert (whole.sent, whole.received) == (3014656, 3014656), whole  # whole pieces of 16 KiB
    assert (whole.mismatches, whole.end) == (0, "done")
    transfer = lab.transfer("mag-1a", "mag-1b", lab.address("mag-1b"), rate=2000000)
    port = lab.links.index("mag-1b.net0")
    time.sleep(0.5)
    lab.links.set_up(port, False)
    time.sleep(0.5)
    lab.links.set_up(port, True)
    time.sleep(1)
    limited = transfer.stop()
    assert limited.sent == limited.received and not limited.mismatches, limited
    assert limited.longest_stall_ms > 450, limited
    assert limited.received / limited.seconds < 2.2e6, limited


@test(hooks=(None, "xdp", "tc"), lab=QUICK | {"mobiles": 2})
def move_between_cells(lab):
    """A mobile node is in one cell at a time, alone with its MAG, and notices the move."""
    capture = lab.capture()
    for mobile in ("mn", "mn-2"):
        lab.move(mobile, "mag-1a")
        lab.wait(lambda m=mobile: ping(lab, m, f"{ACCESS_ADDRESS}%wlan0"), 10, "MAG reached")
    neighbour = "fe80::ff:fe00:102"
    assert ping(lab, "mag-1a", f"{neighbour}%acc0"), "mn-2 is in the cell"
    assert not ping(lab, "mn", f"{neighbour}%wlan0"), "the cell is not a LAN"
    move = lab.move("mn", "mag-1b", gap_ms=50)
    assert 50 <= (move.joined_ns - move.left_ns) / 1e6
    assert not ping(lab, "mag-1a", "fe80::ff:fe00:101%acc0"), "still in the old cell"
    assert ping(lab, "mag-1b", "fe80::ff:fe00:101%acc0"), "not in the new cell"

    def after_move():
        return [p for p in pcap.packets(capture.frames())
                if p.interface == "mn.wlan0" and p.time > move.joined_ns]
    lab.wait(lambda: [p for p in after_move() if p.kind == MLD_REPORT], 5, "MLD report")
    probes = [p for p in after_move() if p.kind == NEIGHBOR_SOLICITATION and
              p.inner.src == "::"]
    assert not probes, "a kernel does not repeat DAD after a link event"
    lab.move("mn", None)
    assert not ping(lab, "mag-1b", "fe80::ff:fe00:101%acc0"), "not gone"


@test(hooks=(None,), lab=QUICK)
def access_link_is_the_same_everywhere(lab):
    """RFC 6543: every MAG has the same addresses on its access link."""
    for node in topology.NODES:
        if node.cell:
            shown = lab.run(node.name, "ip -6 -o address show dev acc0").stdout
            assert f"{ACCESS_ADDRESS}/64 scope link" in shown and "tentative" not in shown, shown


def load_programs(lab, name, kind):
    """Loads and pins all programs of one of the laboratory's objects; returns where they are."""
    netns.mount_bpffs()
    lab.pin_dir.mkdir(exist_ok=True)
    lab.run("wires", ["bpftool", "prog", "loadall", lab.tool(name), lab.pin_dir, "type", kind])
    return lab.pin_dir


def attach_forwarders(lab):
    """The test program of the laboratory as XDP router in every node between CN and MN."""
    program = load_programs(lab, "forward.bpf.o", "xdp") / "forward"
    for node, interfaces in (("v-lma-2", ("cn0", "net0")), ("v-lma-1", ("net0",)),
                             ("mag-1b", ("net0", "acc0"))):
        for interface in interfaces:
            lab.run(node, f"ip link set dev {interface} xdpdrv pinned {program}")


@test(hooks=("xdp",), limit_s=60)
def xdp_chain(lab):
    """UDP and TCP through XDP_REDIRECT and XDP_TX in three nodes, every checksum right."""
    give_hoa(lab)
    attach_forwarders(lab)
    lab.wait(lambda: len(ping(lab, "cn", HOA, 3)) == 3, 10, "neighbours resolved")
    nodes = ("v-lma-2", "v-lma-1", "mag-1b")
    before = [forwarded_by_kernel(lab, node) for node in nodes]
    capture = lab.capture()
    flow = lab.stream("cn", "mn", HOA, rate=5000, size=1400, count=5000)
    down = lab.transfer("cn", "mn", HOA, count=5000000).wait(30)
    up = lab.transfer("mn", "cn", lab.address("cn"), count=1000000, from_=HOA).wait(30)
    flow.wait_sent(20)
    result = flow.stop()
    assert (result.lost, result.duplicates, result.reordered) == (0, 0, 0), result
    assert {r.hop_limit for r in result.records} == {64 - 4}  # three in XDP, and the router
    for transfer in (down, up):
        assert transfer.end == "done" and not transfer.mismatches, transfer
        assert transfer.sent == transfer.received, transfer
    by_kernel = [forwarded_by_kernel(lab, n) - b for n, b in zip(nodes, before)]
    assert max(by_kernel) < 100, f"forwarded by the kernels: {by_kernel}"
    probes = [p for p in pcap.packets(capture.stop()) if p.proto in (pcap.TCP, pcap.UDP)]
    assert len(probes) > 20000
    for p in probes:
        assert not p.frame.partial and p.checksum_ok() and len(p.frame.data) <= 1514, p


@test(hooks=("xdp",), lab=QUICK)
def xdp_needs_the_wires(lab):
    """Without the program at the end of the wire, redirected frames vanish: it has to be there."""
    give_hoa(lab)
    attach_forwarders(lab)
    lab.wait(lambda: len(ping(lab, "cn", HOA, 3)) == 3, 10, "neighbours resolved")
    lab.use_napi("wires", "v-lma-2.net0", on=False)
    assert not ping(lab, "cn", HOA, 5)
    lab.use_napi("wires", "v-lma-2.net0")
    assert len(ping(lab, "cn", HOA, 5)) == 5


@test(hooks=("tc",), limit_s=60)
def tc_tunnel_of_super_packets(lab):
    """With the offloads on, a tunnel in TC gets super-packets; a cable sees only real frames."""
    give_hoa(lab)
    programs = load_programs(lab, "tunnel.bpf.o", "classifier")
    for node, interface, program in (("v-lma-2", "cn0", "tunnel_push"),
                                     ("mag-1b", "net0", "tunnel_pop")):
        lab.run(node, f"tc qdisc add dev {interface} clsact")
        lab.run(node, f"tc filter add dev {interface} ingress bpf da pinned {programs / program}")
    lab.wait(lambda: ping(lab, "cn", HOA), 10, "neighbours resolved")
    capture = lab.capture()
    flow = lab.stream("cn", "mn", HOA, rate=2000, size=1400, count=2000)
    down = lab.transfer("cn", "mn", HOA, count=5000000).wait(30)
    flow.wait_sent(20)
    result = flow.stop()
    assert (result.lost, result.duplicates) == (0, 0), result
    assert down.end == "done" and not down.mismatches and down.sent == down.received, down
    packets = [p for p in pcap.packets(capture.stop()) if p.proto in (pcap.TCP, pcap.UDP)]
    large = [p for p in packets if p.interface == "cn.net0" and len(p.frame.data) > 1514]
    assert large and all(p.frame.partial for p in large), "no super-packet from the CN"
    routed = [p for p in packets if p.interface == "r.net1" and p.proto == pcap.TCP]
    assert routed
    for p in routed:
        assert p.tunnelled and p.outer.src == lab.address("v-lma-2"), p
        assert len(p.frame.data) <= 1554 and not p.frame.partial and p.checksum_ok(), p


@test(hooks=("tc", "xdp"), lab=QUICK)
def offloads_follow_the_hook(lab):
    """Frames of MN and CN have their checksums on an XDP wire, and not on a TC wire."""
    give_hoa(lab)
    capture = lab.capture()
    transfer = lab.transfer("cn", "mn", HOA, count=200000).wait(30)
    assert transfer.end == "done" and not transfer.mismatches, transfer
    sent = {}
    for p in pcap.packets(capture.stop()):
        if p.proto == pcap.TCP:
            sent.setdefault(p.interface, []).append(p.frame.partial)
    for interface in ("cn.net0", "mn.wlan0"):
        assert sent[interface] and set(sent[interface]) == {lab.hook == "tc"}, interface
    assert set(sent["r.net1"]) == {False}


@test(hooks=(None,), lab=None)
def two_labs_side_by_side():
    """Labs share nothing: the same addresses in both, and one goes without the other noticing."""
    with Lab(**QUICK) as first:
        with Lab(**QUICK) as second:
            assert first.name != second.name
            second.run("v-lma-1", "ip link set net0 down")
            assert not ping(second, "mag-1a", second.address("v-lma-1"))
            assert ping(first, "mag-1a", first.address("v-lma-1"))
        assert not netns.named(second.name)
        assert ping(first, "mag-1a", first.address("v-lma-1"))


@test(hooks=(None,), lab=None)
def failure_leaves_nothing():
    """An exception in the middle of a test, with programs running, leaves nothing behind."""
    try:
        with Lab() as lab:
            name, directory = lab.name, lab.directory
            sleeper = lab.start("mn", ["sleep", "1000"])
            lab.start("cn", ["sh", "-c", "sleep 1000 & exec sleep 1000"])  # has a child of its own
            lab.capture()
            names = netns.named(name)
            assert sleeper.pid in netns.pids_in(names)
            raise KeyError("as it happens")
    except KeyError:
        pass
    assert not netns.named(name) and not directory.exists()
    assert not sleeper.alive and not Path(f"/proc/{sleeper.pid}").exists()
    left = [line for line in map(_command_line, _pids()) if name in line]
    assert not left, left


def _pids():
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command_line(entry):
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def hear_ctrl_c():
    """In a child: a shell makes what it starts in the background deaf to SIGINT, and all below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begin_other_lab():
    """A process that has a lab and waits; returns it and the names of its namespaces."""
    prefix = f"{os.environ.get('DLMA_LAB_PREFIX', 'dlma')}-other"
    code = ("from lab import Lab\nimport time\nwith Lab() as lab:\n"
            "    lab.start('mn', ['sleep', '1000'])\n    print('ready', flush=True)\n"
            "    time.sleep(1000)\n")
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                             cwd=Path(__file__).parent, preexec_fn=hear_ctrl_c,
                             env={**os.environ, "DLMA_LAB_PREFIX": prefix})
    assert other.stdout.readline() == b"ready\n"
    assert netns.named(prefix)
    return other, prefix


@test(hooks=(None,), lab=None)
def signals_leave_nothing():
    """SIGTERM and Ctrl-C take a lab down in order; what SIGKILL leaves, sweep() removes."""
    for number in (signal.SIGTERM, signal.SIGINT):
        other, prefix = begin_other_lab()
        other.send_signal(number)
        other.wait(20)
        assert not netns.named(prefix), number
    other, prefix = begin_other_lab()
    other.kill()
    other.wait()
    assert any("sleep 1000" in line for line in sweep(prefix))
    assert not netns.named(prefix) and not sweep(prefix)


RUNNER_PROBE = '''
import os, time
from lab import Lab, Skip, netns, test
@test(rows=("A1",), hooks=(None,))
def good(lab):
    assert lab.run("mn", "true").returncode == 0
@test(hooks=(None,))
def bad(lab):
    assert False, "on purpose"
@test(hooks=(None,))
def absent(lab):
    raise Skip("kernel has no warp drive")
@test(hooks=(None,), limit_s=1)
def endless(lab):
    lab.start("cn", ["sleep", "1000"])
    time.sleep(1000)
@test(hooks=(None,))
def crash(lab):
    lab.start("cn", ["sleep", "1000"])
    os.kill(os.getpid(), 9)
'''


@test(hooks=(None,), lab=None)
def runner_tells_the_truth():
    """The runner counts, names and cleans up behind tests of every kind of ending."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "t_probe.py").write_text(RUNNER_PROBE, encoding="utf-8")
        done = subprocess.run([sys.executable, RUNNER, "-j3", "--tests", name, "--output", name],
                              capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 1, done
        assert done.stdout.endswith("1 passed, 3 failed, 1 skipped\n"), done.stdout
        results = {r["name"].split(".")[1]: r
                   for r in json.loads((directory / "results.json").read_text())}
        assert results["good"]["status"] == "passed" and results["good"]["rows"] == ["A1"]
        assert "on purpose" in results["bad"]["detail"]
        assert (directory / "t_probe.bad/dump/mn.txt").exists()
        assert not (directory / "t_probe.good").exists()
        assert results["absent"]["detail"] == "kernel has no warp drive"
        assert "stopped after 1 s" in results["endless"]["detail"]
        assert "status -9" in results["crash"]["detail"]
        assert "process sleep 1000" in results["crash"]["detail"]
    assert not netns.named(os.environ["DLMA_LAB_PREFIX"])


@test(hooks=(None,), lab=None)
def runner_stopped_half_way():
    """Ctrl-C and SIGTERM to the runner end its tests and leave nothing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "t_probe.py").write_text(
                RUNNER_PROBE.replace("limit_s=1)", "limit_s=100)"), encoding="utf-8")
            runner = subprocess.Popen([sys.executable, RUNNER, "-k", "endless", "--tests", name,
                                       "--output", name], stdout=subprocess.DEVNULL,
                                      preexec_fn=hear_ctrl_c)
            prefix = os.environ["DLMA_LAB_PREFIX"]
            Lab.wait(lambda: "sleep 1000" in netns.pids_in(netns.named(prefix)).values(), 20,
                     "the test runs")
            runner.send_signal(number)
            assert runner.wait(30) in (130, 143)
            assert not netns.named(prefix)
