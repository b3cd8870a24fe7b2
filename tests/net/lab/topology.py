# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The draft's Figure 5 as data, and as commands for `ip`.

Every wire ends in the namespace `wires`, which is nothing but layer 2. The end there of interface
IFACE of NODE is called NODE.IFACE, and is a port of the bridge of its site, cell or CN link.
"""

from dataclasses import dataclass
from pathlib import Path

UNDERLAY_MTU = 1600
EDGE_MTU = 1500
ACCESS_MAC = "00:00:5e:00:52:13"  # the same at every MAG (RFC 6543)
HOA_PREFIX = "2001:db8:100::/40"
WIRES = "wires"
ROUTER = "r"
FIRST_PORT_INDEX = 1000  # ifindexes in `wires`, see wire()


@dataclass(frozen=True)
class Site:
    """A LAN with one cable to the router `r`."""

    name: str
    lan: str
    prefix: str
    delay_ms: float  # one way, between LAN and router

    @property
    def number(self):
        """Place in SITES: the router's interface is net0, net1, net2."""
        return SITES.index(self)


SITES = (
    Site("home", "lan0", "2001:db8:f::", 19),
    Site("visited-1", "lan1", "2001:db8:b1::", 1),
    Site("visited-2", "lan2", "2001:db8:b2::", 1),
)


@dataclass(frozen=True)
class Node:
    """A node that runs dlma; with a cell, mobile nodes can attach to it."""

    name: str
    site: Site
    host: str
    cell: str | None = None

    @property
    def address(self):
        """Its tunnel and signalling address."""
        return self.site.prefix + self.host


NODES = (
    Node("h-lma", SITES[0], "1", "cell-h"),
    Node("v-lma-1", SITES[1], "1"),
    Node("mag-1a", SITES[1], "a", "cell-1a"),
    Node("mag-1b", SITES[1], "b", "cell-1b"),
    Node("v-lma-2", SITES[2], "1"),
    Node("mag-2", SITES[2], "a", "cell-2"),
)


@dataclass(frozen=True)
class Correspondent:
    """A fixed host whose first router is an LMA."""

    name: str
    gateway: Node
    prefix: str

    @property
    def address(self):
        """Its only address."""
        return self.prefix + "2"


CORRESPONDENTS = (
    Correspondent("cn", NODES[4], "2001:db8:c2::"),
    Correspondent("cn-1", NODES[1], "2001:db8:c1::"),
    Correspondent("cn-h", NODES[0], "2001:db8:c0::"),
)


def mobile_names(count):
    """mn, mn-2, mn-3..."""
    return ["mn" if i == 1 else f"mn-{i}" for i in range(1, count + 1)]


def mobile_mac(number):
    """The link-layer address that a mobile node's policy profile names; number from 1."""
    return f"02:00:00:00:01:{number:02x}"


def roles(mobiles, correspondents):
    """All namespaces of a lab."""
    return [WIRES, ROUTER, *(n.name for n in NODES), *correspondents, *mobile_names(mobiles)]


def port(node, interface):
    """Name in `wires` of the other end of a node's interface."""
    return f"{node}.{interface}"


class Plan:
    """What to build for one Lab, as commands for `ip` in each namespace."""

    def __init__(self, mobiles, correspondents, with_cable, with_netem, underlay_mtu,
                 namespace_of):
        self.mobiles = mobile_names(mobiles)
        self.correspondents = [c for c in CORRESPONDENTS if c.name in correspondents]
        self.with_cable = with_cable  # names of the sites that are delayed by a process of ours
        self.with_netem = with_netem  # ...and by the kernel
        self.ports = []  # ends in `wires` of all wires
        self.edge_ports = []  # of these, the ones that face a dlma node
        self._underlay_mtu = underlay_mtu
        self._namespace_of = namespace_of
        self._index = FIRST_PORT_INDEX
        self.wires = []
        self.hosts = {}
        self._add_sites()
        self._add_nodes()
        self._add_correspondents()
        self._add_mobiles()

    def _add_wire(self, node, interface, mac, mtu, bridge):
        """A wire from a node to a bridge, or to no bridge yet.

        The two ends never have the same ifindex: where they do by chance, the kernel takes the
        device for one without a lower device, and tells of its carrier up to a second late.
        """
        name = port(node, interface)
        self._index += 1
        self.wires.append(f"link add name {name} index {self._index} mtu {mtu} type veth "
                          f"peer name {interface} mtu {mtu} address {mac} "
                          f"netns {self._namespace_of(node)}")
        if bridge:
            self.wires.append(f"link set {name} master {bridge} up")
        self.ports.append(name)
        self.hosts.setdefault(node, ["link set lo up"])
        return name

    def _add_bridge(self, name, mtu):
        self.wires.append(f"link add name {name} mtu {mtu} type bridge forward_delay 0 "
                          "mcast_snooping 0")
        self.wires.append(f"link set {name} up")

    def _add_address(self, node, interface, address):
        self.hosts[node].append(f"address add {address}/64 dev {interface} nodad")
        self.hosts[node].append(f"link set {interface} up")

    def _add_route(self, node, prefix, gateway):
        self.hosts[node].append(f"route add {prefix}/64 via {gateway}")

    def _add_sites(self):
        for site in SITES:
            self._add_bridge(site.lan, self._underlay_mtu)
            interface, cabled = f"net{site.number}", site.name in self.with_cable
            name = self._add_wire(ROUTER, interface, f"02:00:00:00:00:{site.number + 1:02x}",
                                  self._underlay_mtu, None if cabled else site.lan)
            self._add_address(ROUTER, interface, site.prefix + "ff")
            if cabled:
                far, near = cable_ends(site)
                self.wires.append(f"link add name {far} mtu {self._underlay_mtu} type veth "
                                  f"peer name {near} mtu {self._underlay_mtu}")
                self.wires.append(f"link set {far} up")
                self.wires.append(f"link set {near} master {site.lan} up")
                self.wires.append(f"link set {name} up")

    def _add_nodes(self):
        for number, node in enumerate(NODES, 1):
            name = self._add_wire(node.name, "net0", f"02:00:00:00:10:{number:02x}",
                                  self._underlay_mtu, node.site.lan)
            self.edge_ports.append(name)
            self._add_address(node.name, "net0", node.address)
            for site in SITES:
                if site is not node.site:
                    self._add_route(node.name, site.prefix, node.site.prefix + "ff")
            if node.cell:
                self._add_bridge(node.cell, EDGE_MTU)
                self.edge_ports.append(self._add_wire(node.name, "acc0", ACCESS_MAC, EDGE_MTU,
                                                      node.cell))
                self.hosts[node.name].append("link set acc0 up")

    def _add_correspondents(self):
        """A CN behind each of its LMAs, known to the router and to all nodes by native routes."""
        for number, cn in enumerate(self.correspondents, 1):
            gateway, bridge = cn.gateway, f"{cn.name}-lan"
            self._add_bridge(bridge, EDGE_MTU)
            self.edge_ports.append(self._add_wire(gateway.name, "cn0",
                                                  f"02:00:00:00:20:{number:02x}", EDGE_MTU, bridge))
            self._add_wire(cn.name, "net0", f"02:00:00:00:02:{number:02x}", EDGE_MTU, bridge)
            self._add_address(gateway.name, "cn0", cn.prefix + "1")
            self._add_address(cn.name, "net0", cn.address)
            self.hosts[cn.name].append(f"route add default via {cn.prefix}1")
            self._add_route(ROUTER, cn.prefix, gateway.address)
            for node in NODES:
                if node is not gateway:
                    near = gateway.address if node.site is gateway.site else node.site.prefix + "ff"
                    self._add_route(node.name, cn.prefix, near)

    def _add_mobiles(self):
        """Mobile nodes begin in no cell: the interface is up, its carrier is not there."""
        for number, name in enumerate(self.mobiles, 1):
            self._add_wire(name, "wlan0", mobile_mac(number), EDGE_MTU, None)
            self.hosts[name].append("link set wlan0 up")


def cable_ends(site):
    """The pair between a LAN and its cable: the end that the cable holds, the port of the LAN."""
    return f"cable{site.number}", f"{site.lan}.r"


def node_sysctls():
    """A dlma node or the router: forwards, believes no router advertisement, needs no DAD."""
    return {
        "ipv6/conf/default/accept_dad": 0,
        "ipv6/conf/default/dad_transmits": 0,
        "ipv6/conf/default/accept_ra": 0,
        "ipv6/conf/all/accept_ra": 0,
        "ipv6/conf/all/forwarding": 1,
    }


def correspondent_sysctls():
    """A host with fixed addresses that is usable at once."""
    return {
        "ipv6/conf/default/accept_dad": 0,
        "ipv6/conf/default/dad_transmits": 0,
        "ipv6/conf/default/accept_ra": 0,
    }


def mobile_sysctls():
    """An ordinary host: what a kernel does by default, whatever this host's defaults are."""
    return {
        "ipv6/conf/default/forwarding": 0,
        "ipv6/conf/default/accept_ra": 1,
        "ipv6/conf/default/autoconf": 1,
        "ipv6/conf/default/accept_dad": 1,
        "ipv6/conf/default/dad_transmits": 1,
        "ipv6/conf/default/addr_gen_mode": 0,
        "ipv6/conf/default/use_tempaddr": 0,
    }


def wires_sysctls():
    """Layer 2 only, without a firewall for bridged frames (there only with br_netfilter)."""
    values = {"ipv6/conf/all/disable_ipv6": 1, "ipv6/conf/default/disable_ipv6": 1}
    if Path("/proc/sys/net/bridge/bridge-nf-call-ip6tables").exists():
        values["bridge/bridge-nf-call-ip6tables"] = 0
    return values
