# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Floods of hostile messages and tunnels against running agents (draft 9; rows F1, F2).

So many of each kind; `make flood` sends 100,000 of each. None is believed, none of a stranger is
answered, each is counted under its own reason, no table changes, and no memory is lost.
"""

import json
import os
import re
from collections import Counter
from pathlib import Path

import figures
import forge
import pcap
from figure5 import counter, edited_conf, patient, ping
from lab import test
from t_trust import changes, tables

COUNT = int(os.environ.get("DLMA_FLOOD", "5000"))
GROWTH_KIB = 1024
NOBODY = "2001:db8:bad::/48"
TARGET = "v-lma-1"
LIMIT_S = 1200


def resident_kib(lab, node):
    """Memory of an agent."""
    text = Path(f"/proc/{lab.agents[node].pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1))


def reasons(lab, node):
    """What became of all messages so far, those that were believed aside."""
    return Counter({row["reason"]: row["messages"]
                    for row in lab.ctl_json(node, "counters")["signalling"]
                    if row["reason"] not in ("accepted", "greeted", "option_unknown",
                                             "retransmitted", "rate_limited", "unanswered")})


def flood(lab, *arguments, watch=TARGET):
    """Runs tests/tools/flood beside V-LMA-1; returns its report."""
    command = [lab.tool("flood"), "--count", str(COUNT)]
    if watch:
        command += ["--watch", str(lab.agents[watch].pid)]
    done = lab.run("mag-1b", [*command, *arguments], timeout_s=300)
    return json.loads(done.stdout)


class Siege:
    """Sends one kind after the other, and holds the figures of each against what has to be."""

    def __init__(self, lab):
        self.lab = lab
        self.accepted = 0

    def send(self, name, *arguments, node=TARGET, every=None):
        """`every`: the reason of all; without, the tool says what it has to be for each."""
        lab = self.lab
        state, before = tables(lab, [node]), reasons(lab, node)
        report = flood(lab, *arguments, watch=node)
        assert report["sent"] == COUNT and report["dropped"] == 0, report
        wanted = Counter(report["reasons"]) if every is None else Counter({every: COUNT})
        lab.wait(lambda: sum((reasons(lab, node) - before).values()) >= COUNT, 10,
                 f"{name}: all counted")
        found = reasons(lab, node) - before
        self.accepted += COUNT - sum(found.values())
        assert found == wanted, f"{name}: {found}, not {wanted}"
        assert not (changed := changes(state, tables(lab, [node]))), (name, changed)


def write_letters(lab, name, packets):
    """A file for the tool."""
    path = lab.directory / f"{name}.letters"
    path.write_bytes(forge.letters(packets))
    assert packets, f"no messages for {name}"
    return path


def sealed_with(lab, packets, node, peer):
    """The messages of others to `peer`, sealed anew with the key of a node that they are not from."""
    spi, secret = forge.secret_of(lab, node, peer)
    for p in packets:
        if p.inner.src == lab.address(node):
            continue
        body = bytes(p.transport)[:-forge.AUTH_LEN]
        message = forge.seal(spi, secret, p.inner.src, p.inner.dst, body)
        yield forge.packed(p.inner.src) + forge.packed(p.inner.dst) + \
            len(message).to_bytes(2, "big") + message


def no_answers(lab, capture):
    """Nothing has gone to an address where nobody lives."""
    return [p for p in pcap.packets(capture.stop())
            if p.inner and p.inner.dst.startswith("2001:db8:bad:") and p.kind not in (135, 136)]


@test(rows=["F1", "F2"], limit_s=LIMIT_S, slow=True)
def nothing_hostile_has_any_effect(lab):
    """Forged, cut, replayed, reflected, misdirected, of strangers; before and after a restart."""
    lab.start_dlma(conf_dir=edited_conf(lab, patient))
    hoa, session = forge.recorded_session(lab)
    own, other = lab.address(TARGET), lab.address("v-lma-2")
    received = [p for p in session if p.inner.dst == own]
    sent = [p for p in session if p.inner.src == own and p.inner.dst != lab.address("h-lma")]
    messages = write_letters(lab, "received", received)
    reflected = lab.directory / "reflected.letters"
    reflected.write_bytes(b"".join(
        forge.packed(p.inner.dst) + forge.packed(own) + len(p.transport).to_bytes(2, "big") +
        bytes(p.transport) for p in sent))
    wrong_key = lab.directory / "wrong-key.letters"
    wrong_key.write_bytes(b"".join(sealed_with(lab, received, "mag-1b", TARGET)))
    lab.run(TARGET, f"ip route add {NOBODY} via {lab.address('mag-1b')}")
    settle(lab)
    siege, size, state = Siege(lab), resident_kib(lab, TARGET), tables(lab)
    siege.send("forged", "turned", messages)
    siege.send("cut", "cut", messages)
    siege.send("replayed at once", "as-is", messages, every="replayed")
    siege.send("reflected", "as-is", reflected, every="auth_failed")
    siege.send("wrong key", "as-is", wrong_key, every="auth_failed")
    siege.send("to another LMA", "--to", other, "as-is", write_letters(
        lab, "elsewhere", [p for p in received if p.inner.src != other]), node="v-lma-2",
               every="auth_failed")
    capture = lab.capture("mag-1b")
    siege.send("strangers", "stranger", own)
    assert no_answers(lab, capture) == []
    forged_tunnels(lab, hoa)
    assert not (changed := changes(state, tables(lab))), changed
    growth = resident_kib(lab, TARGET) - size
    assert growth <= GROWTH_KIB, f"{growth} KiB more"
    after_restarts(lab, siege, messages)
    assert lab.wait(lambda: ping(lab, "cn", hoa, 1, 1), 20, "and everything works")
    kinds = 9
    figures.write("flood-" + lab.hook, {
        f"hostile-messages-believed-{lab.hook}": (
            "0", f"{siege.accepted} of {kinds} x {COUNT}", siege.accepted == 0),
        f"hostile-messages-memory-{lab.hook}": (
            f"at most {GROWTH_KIB} KiB", f"{growth} KiB", growth <= GROWTH_KIB),
        f"forged-tunnels-let-in-{lab.hook}": ("0", f"0 of {COUNT}", True)})


def forged_tunnels(lab, hoa):
    """F2: from random sources; dropped and counted, each of them."""
    before = counter(lab, TARGET, "untrusted_peer")
    capture = lab.capture("mag-1a")
    report = flood(lab, "--rate", "10000", "tunnel", lab.address(TARGET), lab.address("cn"), hoa,
                   watch=None)
    lab.wait(lambda: counter(lab, TARGET, "untrusted_peer") == before + report["sent"], 10,
             "each is counted")
    heard = [p for p in pcap.packets(capture.stop()) if p.inner and p.inner.dst == hoa and
             p.proto == pcap.UDP]
    assert heard == [], f"{len(heard)} came through"


def after_restarts(lab, siege, messages):
    """What was recorded before the receiver, or the sender, began anew."""
    lab.agents[TARGET].stop()
    lab.start_agent(TARGET)
    lab.wait_ready(TARGET)
    settle(lab)
    siege.send("replayed after a restart", "as-is", messages, every="stale_epoch")
    _, session = forge.recorded_session(lab)
    way = lab.address("mag-1a"), lab.address(TARGET)
    again = write_letters(lab, "again", [p for p in session
                                         if (p.inner.src, p.inner.dst) == way])
    lab.agents["mag-1a"].stop()
    lab.start_agent("mag-1a")
    lab.wait_ready("mag-1a")
    settle(lab)
    siege.send("replayed after the sender's restart", "as-is", again, every="stale_epoch")


def settle(lab):
    """Waits until no table has changed for a while."""
    seen = [None]

    def calm():
        now = tables(lab)
        same, seen[0] = now == seen[0], now
        return same and lab.ctl_json(TARGET, "status")["peers_up"] == 5
    lab.wait(lambda: lab.ctl_json(TARGET, "bindings")["bindings"], 20, "MN 1 is bound again")
    lab.wait(calm, 30, "calm after a restart", interval_s=1)
