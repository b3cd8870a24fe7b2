# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Registration (draft 2.3, 4.1, 4.3): who gets which HoA, and where it is known."""

import re

import pcap
from figure5 import (ALTERNATE_COA, PBA, PBU, PREVIOUS_LMA, attach, binding, counter, edited_conf,
                     hnp_of, learnt, location, mobility_options, option_address, ping,
                     signal_counter, signalling, tshark)
from lab import test


def small_block(text):
    """A domain whose block has room for three HNPs, number 0 not given out."""
    return text.replace('"2001:db8:100::/40"', '"2001:db8:100::/62"')


@test(rows=["A1", "A7"], lab={"mobiles": 2})
def two_mobile_nodes_two_hoas(lab):
    """Distinct HoAs out of the H-LMA's own block; the same again after a restart of everything."""
    lab.start_dlma()
    first = attach(lab, "mag-1a", "mn")
    second = attach(lab, "mag-1a", "mn-2")
    assert hnp_of(first) != hnp_of(second)
    assert hnp_of(second) == "2001:db8:100:2::/64", "fixed by the profile"
    assert location(lab, first)["d_lma"] == "v-lma-1"
    for agent in ("h-lma", "v-lma-1", "mag-1a"):
        lab.agents[agent].kill9()
        lab.start_agent(agent)
        lab.wait_ready(agent)
    assert location(lab, first)["d_lma"] == "v-lma-1", "restored from the store"
    assert hnp_of(attach(lab, "mag-2", "mn")) == hnp_of(first)


@test(rows=["A1"], lab={"mobiles": 5})
def an_exhausted_block_refuses(lab):
    """Four HNPs of which one is reserved by a profile: the next MN is refused, nobody loses any."""
    conf = edited_conf(lab, lambda text: small_block(text).replace(
        'mobile_nodes = (', 'mobile_nodes = (\n'
        '    { id = "mn4@example.net"; link_layer = "02:00:00:00:01:04"; home = "h-lma"; },\n'
        '    { id = "mn5@example.net"; link_layer = "02:00:00:00:01:05"; home = "h-lma"; },'))
    lab.start_dlma(conf_dir=conf)
    hoas = [attach(lab, "mag-1a", "mn"), attach(lab, "mag-1a", "mn-4")]
    assert len({hnp_of(h) for h in hoas}) == 2
    lab.move("mn-5", "mag-1a")
    lab.wait(lambda: any(b["state"] == "waiting" for b in
                         lab.ctl_json("mag-1a", "bindings")["bindings"]), 10, "MN 5 refused")
    statuses = {s["status"] for s in lab.ctl_json("h-lma", "counters")["statuses"]}
    assert 130 in statuses, statuses
    assert "no free HNP for mn5@example.net" in lab.agents["h-lma"].output()
    for hoa in hoas:
        assert ping(lab, "cn", hoa, 3), "the others are untouched"


@test(rows=["A5", "A7", "B6"])
def attach_in_a_visited_network(lab):
    """MAG to V-LMA to H-LMA and back; then a move: H-LMA and previous D-LMA are both told."""
    lab.start_dlma()
    capture = lab.capture()
    hoa = attach(lab, "mag-1a")
    assert location(lab, hoa)["d_lma"] == "v-lma-1"
    attach(lab, "mag-2")
    assert location(lab, hoa)["d_lma"] == "v-lma-2"
    lab.wait(lambda: learnt(lab, "v-lma-1", hoa), 5, "V-LMA-1 forwards")
    packets = pcap.packets(capture.stop())
    address = lab.address

    def one(kind, src, dst, where=lambda p: True):
        found = [p for p in signalling(packets, kind, address(src), address(dst)) if where(p)]
        assert found, f"no message of type {kind} from {src} to {dst}"
        return found[0]

    assert one(PBU, "mag-1a", "v-lma-1").time < one(PBU, "v-lma-1", "h-lma").time \
        < one(PBA, "h-lma", "v-lma-1").time < one(PBA, "v-lma-1", "mag-1a").time
    answer = one(PBA, "h-lma", "v-lma-2")
    assert option_address(answer, PREVIOUS_LMA) == address("v-lma-1")
    moved = one(PBU, "v-lma-2", "v-lma-1")
    assert moved.time > answer.time
    assert option_address(moved, ALTERNATE_COA) == address("v-lma-2")
    assert one(PBA, "v-lma-1", "v-lma-2").transport[6] == 0
    for message in signalling(packets):
        assert message.checksum_ok(), message
    judge_by_tshark(capture.path, hoa)


def judge_by_tshark(path, hoa):
    """An independent dissector reads what we meant, and finds nothing malformed."""
    assert not tshark(path, "frame.number", display="mipv6 && _ws.malformed")
    rows = tshark(path, "ipv6.src", "mip6.bu.h_flag", "mip6.bu.p_flag", "mip6.mnid.identifier",
                  "mip6.nemo.mnp.mnp", display="mip6.mhtype == 5 && mip6.lmaa.ipv6")
    assert rows, "no location update seen"
    for _, home, proxy, mn, hnp in rows:
        assert (home, proxy, mn) == ("0", "1", "mn1@example.net"), rows
        assert hnp == hnp_of(hoa).split("/")[0], rows


@test(rows=["A6"], lab={"mobiles": 2})
def a_second_claimant_gets_another_hoa(lab):
    """MAG-2 claims MN 1's HNP for MN 2: the owner says that it is not unique, and gives another."""
    fixed = r';\s*hnp = "2001:db8:100:2::/64"'
    conf = edited_conf(lab, lambda text: re.sub(fixed, "", text))
    wrong = (conf / "domain.conf").read_text(encoding="utf-8").replace(
        '"02:00:00:00:01:02"; home = "h-lma"',
        '"02:00:00:00:01:02"; home = "h-lma"; hnp = "2001:db8:100:1::/64"')
    (conf / "wrong.conf").write_text(wrong, encoding="utf-8")
    mag = (conf / "mag-2.conf").read_text(encoding="utf-8")
    (conf / "mag-2.conf").write_text(mag.replace('"domain.conf"', '"wrong.conf"'),
                                     encoding="utf-8")
    lab.start_dlma(conf_dir=conf)
    hoa = attach(lab, "mag-1a", "mn")
    assert hnp_of(hoa) == "2001:db8:100:1::/64"
    before = binding(lab, "v-lma-1", hoa)
    capture = lab.capture()
    lab.move("mn-2", "mag-2")
    other = lab.wait(lambda: second_hnp(lab), 10, "MN 2 registered")
    assert other != hnp_of(hoa)
    answers = [p.transport[6] for p in signalling(pcap.packets(capture.stop()), PBA,
                                                  lab.address("h-lma"), lab.address("v-lma-2"))]
    assert 155 in answers and answers[-1] == 0, answers
    after = binding(lab, "v-lma-1", hoa)
    assert after["stamp"] == before["stamp"] and after["mag"] == "mag-1a", "MN 1 is untouched"
    assert ping(lab, "cn", hoa, 3)


def second_hnp(lab):
    """HNP of MN 2 at MAG-2 once it is registered."""
    for entry in lab.ctl_json("mag-2", "bindings")["bindings"]:
        if entry["state"] == "registered":
            return entry["hnp"]
    return None


@test(rows=["A8", "A9"], slow=True)
def home_again_and_gone(lab):
    """Visited 1, visited 2, home, and away: every table follows, and ends empty in time."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1a")
    attach(lab, "mag-2")
    assert learnt(lab, "v-lma-1", hoa)["kind"] == "forwarding"
    assert learnt(lab, "v-lma-1", hoa)["d_lma"] == "v-lma-2"
    attach(lab, "h-lma")
    assert binding(lab, "h-lma", hoa)["mag"] == "h-lma"
    lab.wait(lambda: learnt(lab, "v-lma-2", hoa), 5, "V-LMA-2 forwards")
    assert learnt(lab, "v-lma-2", hoa)["d_lma"] == "h-lma"
    lab.move("mn", None)
    lab.ctl("h-lma", "detach", "mn1@example.net")
    lab.wait(lambda: binding(lab, "h-lma", hoa) is None, 4, "binding gone after 2 s")
    assert location(lab, hoa)["d_lma"] is None, "the HNP stays the MN's, anchored nowhere"
    lab.wait(lambda: not learnt(lab, "v-lma-1", hoa) and not learnt(lab, "v-lma-2", hoa), 25,
             "forwarding ended")
    before = counter(lab, "h-lma", "unbound")
    assert not ping(lab, "cn", hoa, 1, 1)
    assert counter(lab, "h-lma", "unbound") > before
    for node in ("v-lma-1", "v-lma-2", "h-lma", "mag-1a", "mag-2"):
        assert not lab.ctl_json(node, "bindings")["bindings"], node
        assert lab.ctl_json(node, "status")["map_entries"] == 0, node


@test(rows=["A9"])
def leaving_a_visited_network(lab):
    """De-registered at the MAG: V-LMA, then H-LMA forget it within the stated delay."""
    lab.start_dlma()
    hoa = attach(lab, "mag-1b")
    lab.move("mn", None)
    lab.ctl("mag-1b", "detach", "mn1@example.net")
    lab.wait(lambda: binding(lab, "v-lma-1", hoa)["state"] == "deleting", 2, "deleting")
    lab.wait(lambda: binding(lab, "v-lma-1", hoa) is None, 4, "gone after 2 s")
    lab.wait(lambda: location(lab, hoa)["d_lma"] is None, 2, "the H-LMA knows")


@test(rows=["A9"], lab={"correspondents": ("cn", "cn-h")})
def at_home_no_tunnel_between_lmas(lab):
    """CN and MN both in the home network: the packets never meet another LMA, nor a tunnel."""
    lab.start_dlma()
    hoa = attach(lab, "h-lma")
    capture = lab.capture()
    assert len(ping(lab, "cn-h", hoa, 3)) == 3
    echoes = [p for p in pcap.packets(capture.stop()) if p.proto == pcap.ICMPV6 and
              p.kind in (128, 129) and hoa in (p.inner.src, p.inner.dst)]
    assert {p.interface for p in echoes} == {"cn-h.net0", "h-lma.acc0", "mn.wlan0", "h-lma.cn0"}
    assert not any(p.tunnelled for p in echoes)


@test(lab={"mobiles": 3})
def a_mn_without_entitlement_gets_no_service(lab):
    """MN 3 is known but not allowed: refused with 152, no router advertisement, no HoA."""
    lab.start_dlma()
    lab.move("mn-3", "mag-1a")
    lab.wait(lambda: any(b["state"] == "refused" for b in
                         lab.ctl_json("mag-1a", "bindings")["bindings"]), 10, "refused")
    assert signal_counter(lab, "v-lma-1", "refused") >= 1
    shown = lab.run("mn-3", "ip -6 address show dev wlan0 scope global").stdout
    assert "inet6" not in shown, shown


@test()
def options_of_a_registration(lab):
    """A PBU on the wire has what RFC 5213 6.9.1.1 asks for, and ends with the authentication."""
    lab.start_dlma()
    capture = lab.capture()
    attach(lab, "mag-1a")
    packets = pcap.packets(capture.stop())
    updates = signalling(packets, PBU, lab.address("mag-1a"), lab.address("v-lma-1"))
    for update in updates:
        options = mobility_options(update)
        assert {8, 22, 23, 24, 27, 25, 19, 9} <= set(options), sorted(options)
        assert list(options)[-1] == 9, "authentication is the last option"
        assert update.transport[8] & 0x80 and update.transport[8] & 0x02, "flags A and P"
