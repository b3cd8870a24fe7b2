# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Draining (dlmactl drain): a node is emptied before maintenance, and nobody notices."""

import re

import pcap
from figure5 import (attach, binding, counters_close, delivered_by, edited_conf, learnt, location,
                     mn_id, signalling)
from lab import test

UPN, UPA = 19, 20
WAIT_S = 90
BACKUPS = (("2001:db8:b1::1", "v-lma-2"), ("2001:db8:f::1", "v-lma-2"))


def start(lab, **options):
    """Starts the domain of Figure 5; V-LMA-2 is the backup of the other LMAs."""
    def edit(text):
        for address, backup in BACKUPS:
            text = text.replace(f'"{address}";', f'"{address}"; backup = "{backup}";', 1)
        # A node is empty when nothing is forwarded any more.
        return re.sub(r"(cache_lifetime_s|forwarding_lifetime_s) = \d+", r"\1 = 8", text)
    lab.start_dlma(conf_dir=edited_conf(lab, edit), **options)


def drain(lab, node, *to):
    """dlmactl drain, which ends when the node is empty; exit status and text."""
    socket = lab.run_dir / node / "agent.sock"
    done = lab.run(node, [lab.program("dlmactl"), "--socket", socket, "drain", *to],
                   check=False, timeout_s=WAIT_S, env=lab.dlma_env())
    return done.returncode, done.stdout + done.stderr


def take_down(lab, node):
    """What a reboot does: no daemon, no program, no map."""
    lab.agents[node].stop()
    lab.loaders[node].stop()
    lab.run(node, [lab.program("dlma-loader"), "--detach", lab.conf(node)], env=lab.dlma_env())


@test(rows=["A8"], lab={"mobiles": 2}, limit_s=180, slow=True)
def an_lma_is_emptied(lab):
    """500 packets a second each way while V-LMA-1 hands its MNs over and goes: none is lost."""
    start(lab)
    hoa, other = attach(lab, "mag-1a"), attach(lab, "mag-1b", "mn-2")
    capture = lab.capture()
    down = lab.stream("cn", "mn", hoa, rate=500)
    up = lab.stream("mn", "cn", lab.address("cn"), rate=500, from_=hoa)
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 10, "the O-LMA has learnt where the MN is")
    lab.ctl("v-lma-1", "--no-wait", "drain")
    lab.wait(lambda: binding(lab, "v-lma-2", hoa) and binding(lab, "v-lma-2", other), 10,
             "V-LMA-2 has both MNs")
    status, words = drain(lab, "v-lma-1")
    assert status == 0 and "empty: nothing is bound here" in words, words
    assert "withdraw the routes" in words, words
    counters_close(lab, "v-lma-1")
    take_down(lab, "v-lma-1")
    counts = down.received(), up.received()
    lab.wait(lambda: down.received() > counts[0] + 500 and up.received() > counts[1] + 500, 20,
             "both streams go on without V-LMA-1")
    for flow in (down, up):
        result = flow.stop()
        assert result.missing() == [] and result.duplicates == 0, result.missing()[:20]
    packets = pcap.packets(capture.stop())
    assert location(lab, hoa)["d_lma"] == "v-lma-2"
    lma, mag = lab.address("v-lma-1"), lab.address("mag-1a")
    asked = signalling(packets, UPN, lma, mag)
    assert len(asked) == 1 and mn_id("mn").encode() in asked[0].transport
    assert [p.transport[8] for p in signalling(packets, UPA, mag, lma)] == [0]
    ends = [p.outer.src for p in packets
            if p.sequence is not None and p.tunnelled and p.outer.dst == mag]
    assert ends[0] == lma and ends[-1] == lab.address("v-lma-2"), ends[-1]


@test(lab={"mobiles": 2}, limit_s=120)
def a_drained_node_takes_nobody(lab):
    """New MNs are sent elsewhere, those on own access links are in the way, and undrain ends it."""
    start(lab)
    at_home = attach(lab, "h-lma")
    lab.ctl("v-lma-1", "--no-wait", "drain")
    other = attach(lab, "mag-1a", "mn-2")
    assert binding(lab, "v-lma-2", other)["mag"] == "mag-1a"
    assert binding(lab, "v-lma-1", other) is None
    status, words = drain(lab, "h-lma")
    assert status == 1 and "1 MNs are on access links of this node" in words, words
    assert "still the H-LMA of 2 MNs" in words, words
    assert binding(lab, "h-lma", at_home)["mag"] == "h-lma"
    assert "draining" in lab.ctl("v-lma-1", "status").stdout
    lab.ctl("v-lma-1", "undrain")
    lab.move("mn-2", None)
    lab.ctl("mag-1a", "detach", mn_id("mn-2"))
    lab.wait(lambda: not delivered_by(lab, "mag-1a", "mn-2"), 10, "gone")
    attach(lab, "mag-1a", "mn-2")
    assert binding(lab, "v-lma-1", other)["mag"] == "mag-1a", "the usual LMA again"


@test(hooks=("tc",))
def what_cannot_be_drained_is_refused(lab):
    """Whom to hand the MNs to must be named, and be an LMA that answers."""
    start(lab, nodes=["v-lma-1", "v-lma-2", "mag-1a"])
    for node, to, why in (("v-lma-2", (), "name the LMA"), ("v-lma-1", ("v-lma-1",), "cannot take"),
                          ("v-lma-1", ("mag-1a",), "cannot take"),
                          ("v-lma-1", ("nobody",), "no such node"),
                          ("v-lma-1", ("h-lma",), "may not register there")):
        status, words = drain(lab, node, *to)
        assert status == 1 and why in words, (to, words)
    lab.agents["v-lma-2"].stop()
    lab.agents["v-lma-1"].stop()
    lab.start_agent("v-lma-1")
    lab.wait_ready("v-lma-1")
    status, words = drain(lab, "v-lma-1")
    assert status == 1 and "does not answer" in words, words
    status, words = drain(lab, "mag-1a", "v-lma-1")
    assert status == 1 and "a MAG hands no MNs over" in words, words
    assert "not being drained" in lab.ctl("v-lma-1", "undrain", check=False).stderr
