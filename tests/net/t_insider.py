# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a node with valid keys cannot do (draft 9, row F4; docs/security.md has the rules)."""

import figure5
import forge
from figure5 import (attach, binding, edited_conf, hnp_of, learnt, location, patient, ping,
                     signal_counter)
from lab import test
from t_trust import tables

PROHIBITED, NOT_LMA, MAG_NOT_AUTHORISED, HNP_NOT_AUTHORISED = 129, 153, 154, 155
TIMESTAMP_MISMATCH = 156


def peer_of(lab, node, name):
    """What a node knows of a peer."""
    return next(p for p in lab.ctl_json(node, "peers")["peers"] if p["name"] == name)


def ignored(lab, node, reason, send):
    """What has to be counted under a reason; the tables are looked at by the test, at its end."""
    before = signal_counter(lab, node, reason)
    send()
    lab.wait(lambda: signal_counter(lab, node, reason) == before + 1, 5, f"{reason} at {node}")


def refused(lab, node, status, reason, update):
    """An update that has to be refused: with its status, and counted."""
    found = []
    ignored(lab, node, reason, lambda: found.append(update()))
    assert found == [status], f"status {found}, not {status}"


@test(rows=["F4"])
def a_rogue_lma_cannot_move_a_mn(lab):
    """It says that the MN is there, to the H-LMA and to the D-LMA: found out and put right."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    hnp = hnp_of(hoa)
    lab.agents["v-lma-2"].stop()
    with forge.Rogue(lab, "v-lma-2") as rogue:
        rogue.meet("h-lma")
        rogue.meet("v-lma-1")
        for number, tell in enumerate((
                lambda: rogue.update("h-lma", forge.mn_options("mn", hnp), home=True),
                lambda: rogue.update("v-lma-1", forge.mn_options("mn", hnp) +
                                     forge.location_options(rogue.address, rogue.address))), 1):
            assert tell() == 0, "the protocol lets it say so"
            lab.wait(lambda n=number: peer_of(lab, "v-lma-1", "v-lma-2")["disputed"] == n, 1,
                     "the alarm, within a second")
            lab.wait(lambda: location(lab, hoa)["d_lma"] == "v-lma-1" and
                     (binding(lab, "v-lma-1", hoa) or {}).get("state") == "active", 2, "put right")
            assert ping(lab, "cn", hoa, 3), "packets go to the MN"
        assert "v-lma-2 says that it has MN" in lab.agents["v-lma-1"].output()


@test(rows=["F4"], lab={"mobiles": 2})
def a_rogue_touches_nothing_that_is_not_its_own(lab):
    """Cached entries of others, other prefixes, other MNs' HNPs, other roles: refused, no effect."""
    lab.start_dlma(conf_dir=edited_conf(lab, patient))
    hoa = attach(lab, "mag-1a")
    attach(lab, "mag-2", "mn-2")
    hnp = hnp_of(hoa)
    assert ping(lab, "cn", hoa, 2) and learnt(lab, "v-lma-2", hoa)
    before = tables(lab)
    lab.agents["mag-1b"].stop()
    with forge.Rogue(lab, "mag-1b") as mag:
        mag.meet("v-lma-1")
        mag.meet("v-lma-2")
        mag.meet("h-lma")
        # A MAG is no LMA, and not everybody's MAG.
        refused(lab, "h-lma", MAG_NOT_AUTHORISED, "not_authorised",
                lambda: mag.update("h-lma", forge.mn_options("mn", hnp), home=True))
        refused(lab, "v-lma-2", MAG_NOT_AUTHORISED, "not_authorised",
                lambda: mag.update("v-lma-2", forge.mn_options("mn", "")))
        refused(lab, "v-lma-2", PROHIBITED, "not_authorised",
                lambda: mag.update("v-lma-2", forge.mn_options("mn", hnp) +
                                   forge.location_options(mag.address, mag.address)))
        refused(lab, "v-lma-2", PROHIBITED, "not_authorised",
                lambda: mag.update("v-lma-2", forge.mn_options("mn", hnp) +
                                   forge.location_options(lab.address("h-lma"),
                                                          lab.address("h-lma")), lifetime=0))
        refused(lab, "v-lma-1", HNP_NOT_AUTHORISED, "refused",
                lambda: mag.update("v-lma-1", forge.mn_options("mn-2", hnp)))
        ignored(lab, "h-lma", "not_authorised", lambda: mag.send(
            "h-lma", figure5.BRR, bytes(2), forge.hnp_option(hnp)))
        ignored(lab, "v-lma-2", "not_authorised", lambda: mag.send(
            "v-lma-2", figure5.BE, bytes([1, 0]) + forge.packed(hoa)))
        ignored(lab, "v-lma-1", "not_authorised", lambda: mag.send(
            "v-lma-1", figure5.BRI, bytes([1, 1, 0, 9, 0x80, 0]), forge.hnp_option(hnp)))
    lab.agents["v-lma-2"].stop()
    with forge.Rogue(lab, "v-lma-2") as lma:
        lma.meet("h-lma")
        lma.meet("v-lma-1")
        lma.meet("mag-1a")
        refused(lab, "h-lma", HNP_NOT_AUTHORISED, "not_authorised",
                lambda: lma.update("h-lma", forge.mn_options("mn-2", hnp), home=True))
        refused(lab, "h-lma", PROHIBITED, "not_authorised",
                lambda: lma.update("h-lma", forge.mn_options("mn", hnp), lifetime=0, home=True))
        refused(lab, "h-lma", PROHIBITED, "not_authorised",
                lambda: lma.update("h-lma", forge.mn_options("mn", hnp) +
                                   forge.location_options(lma.address, lma.address)))
        refused(lab, "v-lma-1", NOT_LMA, "refused",
                lambda: lma.update("v-lma-1", forge.mn_options("mn", hnp), home=True))
        refused(lab, "v-lma-1", TIMESTAMP_MISMATCH, "refused",
                lambda: lma.update("v-lma-1", forge.mn_options("mn", hnp, ahead_s=3600) +
                                   forge.location_options(lma.address, lma.address)))
        for trigger in range(8):
            ignored(lab, "v-lma-1", "not_authorised", lambda t=trigger: lma.send(
                "v-lma-1", figure5.BRI, bytes([1, t, 0, 9, 0x80, 0]), forge.hnp_option(hnp)))
            ignored(lab, "mag-1a", "not_authorised", lambda t=trigger: lma.send(
                "mag-1a", figure5.BRI, bytes([1, t, 0, 9, 0x80, 0]), forge.hnp_option(hnp)))
    nodes = ("h-lma", "v-lma-1", "mag-1a", "mag-2")
    assert tables(lab, nodes) == {k: v for k, v in before.items() if k[0] in nodes}
    assert ping(lab, "cn", hoa, 2)


@test(rows=["F4"])
def an_lma_without_title_anchors_nothing(lab):
    """The prefix names the LMAs that may anchor its MNs: what another says is refused by all."""
    lab.start_dlma(conf_dir=edited_conf(lab, lambda text: text.replace(
        "hnp_length = 64;", 'hnp_length = 64; anchors = [ "v-lma-1" ];')))
    hoa = attach(lab, "mag-1a")
    hnp = hnp_of(hoa)
    lab.agents["v-lma-2"].stop()
    before = tables(lab)
    with forge.Rogue(lab, "v-lma-2") as rogue:
        rogue.meet("h-lma")
        rogue.meet("v-lma-1")
        refused(lab, "h-lma", MAG_NOT_AUTHORISED, "not_authorised",
                lambda: rogue.update("h-lma", forge.mn_options("mn", hnp), home=True))
        refused(lab, "v-lma-1", PROHIBITED, "not_authorised",
                lambda: rogue.update("v-lma-1", forge.mn_options("mn", hnp) +
                                     forge.location_options(rogue.address, rogue.address)))
    assert tables(lab) == before and location(lab, hoa)["d_lma"] == "v-lma-1"
    assert ping(lab, "cn", hoa, 3)
