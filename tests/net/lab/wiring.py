# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What makes pairs of veth interfaces behave like wires.

Three things that a wire does and a veth pair does not do by itself:

- Frames on it are real frames. A veth pair hands on what the sender's kernel has: TCP packets of
  64 KiB, checksums still to be filled in. They become frames where a sending interface has its
  offloads off: always before a cable, and everywhere if the nodes use XDP, which sees such packets
  as they are and redirects them broken.
- It takes what an XDP program redirects into it. The receiving end of a veth pair does only if it
  works by NAPI, that is if it has an XDP program (or GRO, which would merge frames again).
- It keeps the order. Without NAPI frames wait in a backlog of each processor, so one may overtake
  another when the sender changes the processor; with NAPI there is one queue.

So ends of wires get an XDP program that passes everything. Not all of them with TC: a program at
one end takes the segmentation offloads away from the other.
"""

from . import topology
from .topology import ROUTER, SITES, WIRES

NETEM_LIMIT = 100000  # packets on their way


def kernel_has_netem(lab):
    """Found out by trying."""
    command = ["tc", "qdisc", "replace", "dev", "lo", "root", "netem", "delay", "1ms"]
    if lab.run(WIRES, command, check=False).returncode:
        return False
    lab.run(WIRES, ["tc", "qdisc", "del", "dev", "lo", "root"])
    return True


def _prepare_router(lab):
    own = [f"net{site.number}" for site in SITES]
    ports = [topology.port(ROUTER, name) for name in own]
    for name in own:
        lab.set_tx_offloads(ROUTER, name, False)
    for name in ports:
        lab.set_tx_offloads(WIRES, name, False)
    lab.use_napi(ROUTER, *own)
    lab.use_napi(WIRES, *ports)


def _hosts(lab):
    """MNs and CNs with their interfaces."""
    return [(name, "wlan0") for name in lab.plan.mobiles] + \
        [(c.name, "net0") for c in lab.plan.correspondents]


def _prepare_xdp(lab):
    ports = lab.plan.edge_ports + [topology.port(*host) for host in _hosts(lab)]
    for host, interface in _hosts(lab):
        lab.set_tx_offloads(host, interface, False)
    for name in ports:
        lab.set_tx_offloads(WIRES, name, False)
    lab.use_napi(WIRES, *ports)


def _lay_cable(lab, site):
    far, near = topology.cable_ends(site)
    for name in (far, near):
        lab.set_tx_offloads(WIRES, name, False)
    lab.use_napi(WIRES, far, near)
    options = {"delay-us": round(lab.delays_ms[site.name] * 1000)}
    options |= {k.replace("_", "-"): v for k, v in lab.faults.get(site.name, {}).items()}
    arguments = [text for k, v in options.items() for text in (f"--{k}", v)]
    router = topology.port(ROUTER, f"net{site.number}")
    return lab.start(WIRES, [lab.tool("cable"), *arguments, far, router], name=f"cable-{site.lan}")


def _lay_netem(lab, site):
    device = f"net{site.number}"
    for node, name in ((ROUTER, device), (WIRES, topology.port(ROUTER, device))):
        lab.run(node, ["tc", "qdisc", "add", "dev", name, "root", "netem", "delay",
                       f"{lab.delays_ms[site.name]}ms", "limit", NETEM_LIMIT])


def prepare(lab):
    """After the interfaces are there: makes wires of them. Returns the cables by site."""
    _prepare_router(lab)
    for host, interface in _hosts(lab):
        lab.use_napi(host, interface)
    if lab.hook == "xdp":
        _prepare_xdp(lab)
    for site in SITES:
        if site.name in lab.plan.with_netem:
            _lay_netem(lab, site)
    cables = {site.name: _lay_cable(lab, site)
              for site in SITES if site.name in lab.plan.with_cable}
    for cable in cables.values():
        cable.wait_ready()
    return cables
