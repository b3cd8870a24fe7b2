#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the way from a CN to a MN costs, all of it: chain.py BUILD full|quick

CN - O-LMA - D-LMA - MAG - MN with veth between them, and the H-LMA beside the O-LMA, once for each
way of carrying the packets: production loaders and agents with either hook, and the kernel's own
means. All work is done on one processor. Writes BUILD/bench/chain.json.
"""

import re

from rows import Rows
from wires import Wires, arguments, topology

UNDERLAY_MTU, EDGE_MTU = 1600, 1500
SIZES = (64, 1400)
SITES = ("cn", "o", "d", "mag", "mn", "h")
ACCESS_MAC, CN_GATEWAY_MAC, MN_MAC = "00:00:5e:00:52:13", "02:00:00:00:0c:01", "02:00:00:00:01:%02x"
BLOCK = "2001:db8:8%d00::/40"
ATTACH_S = 20

# By its number, from 1: how packets are carried, what that is.
WAYS = {"tc": "dlma under TC", "xdp": "dlma under XDP", "forward": "plain kernel forwarding",
        "seg6": "kernel seg6 (encap.red)", "vxlan": "kernel VXLAN over IPv6"}
DLMA = ("tc", "xdp")
TCP = ("tc", "forward", "seg6", "vxlan")

DOMAIN = """domain = { name = "chain";
nodes = ( %s ); prefixes = ( %s ); mobile_nodes = ( %s ); };
"""
NODE = """@include "domain.conf"
node = { name = "%s"; keys = "%s.keys"; interfaces = ( %s ); };
"""


def number(way):
    """Which part of the addresses tells the ways apart."""
    return 1 + list(WAYS).index(way)


def address(way, link, host):
    """An address on one of the links 1 (CN) to 4 (MN), 5 (H-LMA)."""
    return f"fd00:{number(way)}:{link}::{host}"


def at(way, site):
    """Name of a namespace."""
    return f"{way}-{site}"


def node_address(way, site):
    """Where a node ends its tunnels."""
    return address(way, *{"o": (2, 1), "d": (2, 2), "mag": (3, 2), "h": (5, 2)}[site])


class Chain(Wires):
    """One chain for each way."""

    def __init__(self):
        super().__init__([at(way, site) for way in WAYS for site in SITES
                          if site != "h" or way in DLMA])
        self.mn_address = {}

    def set_up(self):
        """Wires and routes; agents too. Afterwards every MN can be reached."""
        programs = self.load()
        for way in WAYS:
            self._lay(way)
            self._sink(way, programs)
        self._write_conf()
        for way in DLMA:
            for site in ("h", "o", "d", "mag"):
                self.start_node(at(way, site), way)
        for way in DLMA:
            for site in ("h", "o", "d", "mag"):
                self.wait_ready(at(way, site))
            self._attach(way)
        for way in WAYS:
            self.wait(lambda w=way: self.ping(w, 3)[0], ATTACH_S, f"{way}: the MN answers")

    def _lay(self, way):
        mn_mac = MN_MAC % number(way)
        for one, other, mtu in (
                (("cn", "net0", "02:00:00:00:0c:02"), ("o", "cn0", CN_GATEWAY_MAC), EDGE_MTU),
                (("o", "net0", "02:00:00:00:02:01"), ("d", "up0", "02:00:00:00:02:02"),
                 UNDERLAY_MTU),
                (("d", "down0", "02:00:00:00:03:01"), ("mag", "net0", "02:00:00:00:03:02"),
                 UNDERLAY_MTU),
                (("mag", "acc0", ACCESS_MAC), ("mn", "wlan0", mn_mac), EDGE_MTU)):
            self.wire((at(way, one[0]), *one[1:], None), (at(way, other[0]), *other[1:], None), mtu)
        a = {link: [address(way, link, host) for host in (1, 2)] for link in range(1, 6)}
        self._address(way, "o", "cn0", a[1][0], "net0", a[2][0])
        self._address(way, "d", "up0", a[2][1], "down0", a[3][0])
        self._address(way, "mag", "net0", a[3][1])
        self._address(way, "cn", "net0", a[1][1])
        self._route(way, "cn", "default", a[1][0])
        self._route(way, "d", a[1][0] + "/64", a[2][0])
        self._route(way, "o", a[3][0] + "/64", a[2][1])
        self._route(way, "mag", a[2][0] + "/64", a[3][0])
        if way in DLMA:
            self._lay_home(way, a)
        else:
            self.mn_address[way] = a[4][1]
            self._address(way, "mag", "acc0", a[4][0])
            self._address(way, "mn", "wlan0", a[4][1])
            self._route(way, "mn", "default", a[4][0])
            getattr(self, f"_carry_by_{way}")(way, a)

    def _lay_home(self, way, a):
        self.wire((at(way, "h"), "net0", "02:00:00:00:05:02", None),
                  (at(way, "o"), "home0", "02:00:00:00:05:01", None), UNDERLAY_MTU)
        self._address(way, "o", "home0", a[5][0])
        self._address(way, "h", "net0", a[5][1])
        self._route(way, "h", "default", a[5][0])
        self._route(way, "d", a[5][0] + "/64", a[2][0])
        self._route(way, "mag", a[5][0] + "/64", a[3][0])
        self.namespaces[at(way, "mn")].write_sysctls(topology.mobile_sysctls())
        self.namespaces[at(way, "mn")].write_sysctls(
            {"ipv6/conf/wlan0/accept_ra": 1, "ipv6/conf/all/forwarding": 0,
             "ipv6/conf/wlan0/forwarding": 0})

    def _address(self, way, site, *pairs):
        for interface, a in zip(pairs[::2], pairs[1::2]):
            self.ip(at(way, site), f"address add {a}/64 dev {interface} nodad")

    def _route(self, way, site, to, rest):
        self.ip(at(way, site), f"route add {to} " + (rest if " " in rest else f"via {rest}"))

    def _carry_by_forward(self, way, a):
        self._route(way, "o", a[4][0] + "/64", a[2][1])
        self._route(way, "d", a[4][0] + "/64", a[3][1])
        self._route(way, "mag", a[1][0] + "/64", a[3][0])

    def _carry_by_seg6(self, way, a):
        """O to D and D to MAG, MAG to D; D to the CN as it is, like an LMA."""
        sid = {site: f"fd00:{number(way)}:e::{host}" for site, host in (("d", "d"), ("mag", "a"))}
        for site, interface in (("d", "up0"), ("mag", "net0")):
            self._route(way, site, sid[site],
                        f"encap seg6local action End.DT6 table main dev {interface}")
        self._route(way, "o", sid["d"], a[2][1])
        self._route(way, "d", sid["mag"], a[3][1])
        self._route(way, "mag", sid["d"], a[3][0])
        encap = "encap seg6 mode encap.red segs %s dev %s"
        self._route(way, "o", a[4][0] + "/64", encap % (sid["d"], "net0"))
        self._route(way, "d", a[4][0] + "/64", encap % (sid["mag"], "down0"))
        self._route(way, "mag", a[1][0] + "/64", encap % (sid["d"], "net0"))

    def _carry_by_vxlan(self, way, a):
        for one, other, link, id_ in (("o", "d", 2, 5), ("d", "mag", 3, 6)):
            for site, host in ((one, 1), (other, 2)):
                self.ip(at(way, site),
                        f"link add vx{id_} type vxlan id {id_} local {address(way, link, host)} "
                        f"remote {address(way, link, 3 - host)} dstport 4789 udp6zerocsumtx "
                        "udp6zerocsumrx", f"link set vx{id_} up",
                        f"address add {address(way, id_ + 1, host)}/64 dev vx{id_} nodad")
        self._route(way, "o", a[4][0] + "/64", address(way, 6, 2))
        self._route(way, "d", a[4][0] + "/64", address(way, 7, 2))
        self._route(way, "mag", a[1][0] + "/64", address(way, 7, 1))

    def _sink(self, way, programs):
        """Both ends swallow what the generator sends, and take what XDP redirects."""
        for site, interface in (("cn", "net0"), ("mn", "wlan0")):
            if way == "xdp":
                self.run(at(way, site), f"ip link set dev {interface} xdpdrv pinned "
                                        f"{programs}/swallow")
                self.set_tx_offloads(at(way, site), interface, False)
            else:
                self.run(at(way, site), f"tc qdisc add dev {interface} clsact")
                self.run(at(way, site), f"tc filter add dev {interface} ingress bpf da pinned "
                                        f"{programs}/swallow_tc")
        if way != "xdp":
            self.set_gro(at(way, "o"), "cn0")
            self.set_gro(at(way, "mag"), "acc0")

    def _write_conf(self):
        nodes, prefixes, mobiles = [], [], []
        self.conf_dir = self.directory / "bench"
        self.conf_dir.mkdir()
        for way in DLMA:
            for site in ("h", "o", "d", "mag"):
                role = f'roles = [ "mag" ]; lma = "{at(way, "d")}";' if site == "mag" else \
                    'roles = [ "lma" ];'
                nodes.append(f'{{ name = "{at(way, site)}"; {role} '
                             f'address = "{node_address(way, site)}"; }}')
                links = '{ match = "*0"; }'
                if site == "mag":
                    links = '{ match = "acc0"; access = true; }, { match = "net0"; }'
                (self.conf_dir / f"{at(way, site)}.conf").write_text(
                    NODE % (at(way, site), at(way, site), links), encoding="utf-8")
            prefixes.append(f'{{ prefix = "{BLOCK % number(way)}"; owner = "{at(way, "h")}"; }}')
            mobiles.append(f'{{ id = "{way}@example.net"; link_layer = "{MN_MAC % number(way)}"; '
                           f'home = "{at(way, "h")}"; }}')
        (self.conf_dir / "domain.conf").write_text(
            DOMAIN % tuple(",\n".join(part) for part in (nodes, prefixes, mobiles)),
            encoding="utf-8")
        self.keygen()

    def _attach(self, way):
        """The MN loses its carrier and gets it back, and asks for a router."""
        mn = at(way, "mn")
        self.ip(mn, "link set wlan0 down", "link set wlan0 up")
        self.wait(lambda: self._hoa(mn), ATTACH_S, f"{mn} has its HoA")
        self.mn_address[way] = self._hoa(mn)

    def _hoa(self, mn):
        shown = self.run(mn, "ip -6 address show dev wlan0 scope global").stdout
        found = re.search(r"inet6 (2001:db8:\S+)/64 scope global (?!tentative)", shown)
        return found.group(1) if found else None

    # Measuring

    def ping(self, way, count):
        """Round trips as the CN sees them, one after the other without a pause: how many came
        back, their mean in microseconds."""
        done = self.run(at(way, "cn"), f"ping -n -q -f -c {count} {self.mn_address[way]}",
                        check=False)
        came = re.search(r"(\d+) received", done.stdout)
        times = re.search(r"= [0-9.]+/([0-9.]+)/", done.stdout)
        return (int(came.group(1)), 1000 * float(times.group(1))) if came and times else (0, 0)

    def probe(self, way, down, packets, octets):
        """Nanoseconds of work for each packet, one way; nothing may be lost."""
        ends = (("cn", "net0", CN_GATEWAY_MAC, address(way, 1, 2)),
                ("mn", "wlan0", ACCESS_MAC, self.mn_address[way]))
        src, dst = ends if down else ends[::-1]
        sink = at(way, dst[0]), dst[1]
        before = self.received(*sink)
        report = self.generate(at(way, src[0]), src[1], src[2], packets, octets,
                               "--from", src[3], "--to", dst[3])
        if not self.came(sink, before, report["sent"]):
            raise SystemExit(f"chain: {way}: {self.received(*sink) - before} of {report['sent']} "
                             f"packets from {src[0]} to {dst[0]} came through")
        return (report["thread_ns"] + report["softirqd_ns"]) / report["sent"]

    def tcp(self, way, ms):
        """Octets for each nanosecond of work."""
        done = self.run(at(way, "cn"), [
            self.build / "tests/bench/bulk", self.namespace(at(way, "cn")),
            self.namespace(at(way, "mn")), self.mn_address[way], ms])
        report = self.report_of(done)
        return report["received"] / (report["thread_ns"] + report["softirqd_ns"])


def measure(chain, rounds, packets, tcp_ms, pings):
    """All figures of all rounds: {(figure, way): values}."""
    took = {}
    for _ in range(rounds):
        for way in WAYS:
            for size in SIZES:
                for down in (True, False):
                    took.setdefault((f"{'down' if down else 'up'}-{size}", way), []).append(
                        1e3 / chain.probe(way, down, packets, size))
            took.setdefault(("rtt", way), []).append(chain.ping(way, pings)[1])
        for way in TCP:
            took.setdefault(("tcp", way), []).append(8 * chain.tcp(way, tcp_ms))
    return took


def report(rows, took):
    """A row for each figure of each way; most is best, but for the round trips."""
    for way, what in WAYS.items():
        for size in SIZES:
            for direction, words in (("down", "CN to MN"), ("up", "MN to CN")):
                values = took[f"{direction}-{size}", way]
                rows.add(f"{direction}-{size}/{way}", f"{words}, {size} octets: {what}", "Mpps",
                         values, least=max(values),
                         plot=(f"packets/s and core through the whole chain, {words}", what, size))
        rows.add(f"rtt/{way}", f"round trip CN to MN: {what}", "us", took["rtt", way])
    for way in TCP:
        values = took["tcp", way]
        rows.add(f"tcp/{way}", f"TCP with GSO, CN to MN, one core: {WAYS[way]}", "Gbit/s", values,
                 least=max(values))
        rows.add(f"cpu/{way}", f"CPU time for one Gbit of TCP: {WAYS[way]}", "ms",
                 [1e3 / v for v in values])
    ours, plain = took["tcp", "tc"], took["tcp", "forward"]
    share = 100 * max(ours) / max(plain)
    rows.add("tcp-share", "TCP with GSO, of plain kernel forwarding", "%",
             [100 * a / b for a, b in zip(ours, plain)], ">= 90 %", share >= 90, least=share)


def main():
    """See the top of the file."""
    build, quick = arguments()
    rows = Rows(build, "chain")
    with Chain() as chain:
        chain.set_up()
        took = measure(chain, *((2, 20_000, 100, 200) if quick else (9, 100_000, 500, 1000)))
    report(rows, took)
    rows.write()


if __name__ == "__main__":
    main()
