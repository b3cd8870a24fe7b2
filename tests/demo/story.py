# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The story: what a mobile node and its correspondent live through, told as it is measured."""

import ipaddress
import shutil
import time
from statistics import median

import measure
import moves
import pcap
from figure5 import (ALTERNATE_COA, PBU, address_of, binding, counter, delivered_by, learnt,
                     location, mn_id, option_address, ping, signalling)
from lab import topology
from words import heard, milliseconds, shown

SUPERSET = ipaddress.ip_network(topology.HOA_PREFIX)
ROUTER_ADVERTISEMENT = 134
ECHOES, ECHO_EVERY_S = 6, 0.2
UPLINK_PACKETS = 300
CACHE_IDLE_S = 4  # of configs/figure5
EARLY_S, LATE_S = 0.15, 1  # the data path counts idle time in ticks of 100 ms
GONE_S = {"binding": 5, "location": 5, "forwarding": 26}
FIGURE_7 = ["v-lma-2>h-lma", "h-lma>v-lma-1", "v-lma-1>mag-1a"]
FIGURE_8 = ["v-lma-2>v-lma-1", "v-lma-1>mag-1a"]
FIGURE_10 = ["mag-1a>v-lma-1"]


class Story:
    """Tells the story in a laboratory whose nodes run; `report` is all that it measured."""

    def __init__(self, lab, teller, claims, output):
        self.lab, self.teller, self.claims, self.output = lab, teller, claims, output
        self.hoa = self._last_to_mn_ns = None
        self.report = {}

    def tell(self):
        """All of it, in this order."""
        self._attach()
        self._first_packets()
        self._uplink()
        self._silence()
        self.report |= moves.tell(self)
        self._leave()

    def stop(self, capture, name):
        """Ends a capture, keeps it for Wireshark, returns its packets."""
        frames = capture.stop()
        shutil.copyfile(capture.path, self.output / f"{name}.pcapng")
        return pcap.packets(frames)

    def _attach(self):
        """1: PBU and PBA from MAG to H-LMA and back, and a HoA by an ordinary kernel."""
        lab, say = self.lab, self.teller.say
        self.teller.title("1. The MN attaches to MAG-1a, in visited network 1 (draft 4.1, 4.3)")
        capture = lab.capture()
        joined_ns = lab.move("mn", "mag-1a").joined_ns
        lab.wait(lambda: delivered_by(lab, "mag-1a"), 10, "the MN registered at MAG-1a")
        self.hoa = lab.wait(lambda: address_of(lab), 10, "the MN has its HoA")
        usable_ms = (time.monotonic_ns() - joined_ns) / 1e6
        packets = self.stop(capture, "1-attach")
        first = next(p for p in packets if p.interface == "mn.wlan0" and p.time > joined_ns)
        advertised = next(p for p in packets if p.interface == "mag-1a.acc0" and
                          p.kind == ROUTER_ADVERTISEMENT)
        told = measure.told(packets, joined_ns)
        say(f"{milliseconds((first.time - joined_ns) / 1e6)} after its link came up, MAG-1a hears "
            f"the MN ({heard(first)}), and tells its LMA:")
        self.teller.signalling(told)
        say(f"Router advertisement to the MN after {milliseconds(_ms(advertised, joined_ns))}; "
            f"its unmodified kernel makes the HoA of it\n(SLAAC, duplicate address detection): "
            f"{self.hoa}, usable after {milliseconds(usable_ms)}.")
        ways = [(m["from"], m["to"], m["message"]) for m in told[:4]]
        self.claims.claim("registration goes MAG, V-LMA, H-LMA and back", ways == [
            ("mag-1a", "v-lma-1", "PBU"), ("v-lma-1", "h-lma", "PBU"),
            ("h-lma", "v-lma-1", "PBA"), ("v-lma-1", "mag-1a", "PBA")], ways)
        self.claims.claim("the HoA is out of the block of the H-LMA",
                          ipaddress.ip_address(self.hoa) in SUPERSET, self.hoa)
        self.claims.claim("the H-LMA knows the D-LMA",
                          location(lab, self.hoa)["d_lma"] == "v-lma-1")
        self.report["attach"] = {
            "hoa": self.hoa, "heard_by": heard(first), "heard_ms": _ms(first, joined_ns),
            "advertised_ms": _ms(advertised, joined_ns), "usable_ms": usable_ms,
            "signalling": told}

    def _first_packets(self):
        """2: the first packet by way of the H-LMA, which tells the O-LMA; the others direct."""
        lab, hoa = self.lab, self.hoa
        self.teller.title("2. The fixed CN, whose nearest LMA is V-LMA-2, pings the HoA "
                          "(draft 4.4, Figures 7 and 8)")
        capture = lab.capture()
        rtts = ping(lab, "cn", hoa, ECHOES, interval_s=ECHO_EVERY_S)
        packets = self.stop(capture, "2-first-packets")
        requests = measure.echoes(packets, measure.ECHO_REQUEST)
        begin_ns = requests[1][0].time
        self._last_to_mn_ns = requests[max(requests)][0].time
        ways = {s: measure.hops(lab, way) for s, way in requests.items()}
        tunnels = {s: measure.tunnels_of_hops(way) for s, way in ways.items()}
        triangle = [s for s, t in tunnels.items() if t == FIGURE_7]
        self.tell_hops("The first packet, as in Figure 7; it waits for nobody", ways[1])
        told = measure.told(packets, begin_ns)
        twice = [m["message"] for m in told].count("PBU") == 2
        self.teller.say("Meanwhile the O-LMA asks, and the H-LMA tells it" +
                        (", once for the packet and once for the question:" if twice else ":"))
        self.teller.signalling(told)
        self.tell_hops("Later packets, as in Figure 8", ways[ECHOES])
        self.teller.say(f"{len(triangle)} of {ECHOES} packets took the triangle. Round trip: first "
                        f"{milliseconds(rtts[0])}, later {milliseconds(median(rtts[1:]))} (median)."
                        if len(rtts) == ECHOES else f"only {len(rtts)} of {ECHOES} were answered")
        self._claim_first_packets(rtts, tunnels, packets)
        self.report["first_packets"] = {
            "rtt_ms": rtts, "first_rtt_ms": rtts[0], "later_rtt_ms": median(rtts[1:]),
            "triangle": len(triangle), "packets": ECHOES, "first_path": ways[1],
            "later_path": ways[ECHOES], "signalling": told}

    def _claim_first_packets(self, rtts, tunnels, packets):
        lab, claim = self.lab, self.claims.claim
        claim("every ping is answered, the first one too", len(rtts) == ECHOES, rtts)
        claim("the first packet goes as in Figure 7", tunnels[1] == FIGURE_7, tunnels[1])
        claim("later packets go as in Figure 8",
              all(tunnels[s] == FIGURE_8 for s in range(2, ECHOES + 1)), tunnels)
        updates = signalling(packets, PBU, lab.address("h-lma"), lab.address("v-lma-2"))
        claim("the H-LMA tells the O-LMA the D-LMA", any(
            option_address(p, ALTERNATE_COA) == lab.address("v-lma-1") for p in updates))
        claim("later round trips are shorter than the first", median(rtts[1:]) < rtts[0], rtts)

    def tell_hops(self, title, hops):
        """One packet on each wire that it crossed, with its outer header."""
        self.teller.say(f"{title}:")
        self.teller.rows(
            [(f"+{hop['ms']:.1f} ms", shown(hop["node"]), *_outer(hop)) for hop in hops], -9, 7, 36)

    def _uplink(self):
        """3: the MAG tunnels to its LMA, which sends on as it is."""
        lab = self.lab
        self.teller.title("3. The MN sends to the CN (draft 5.2, Figure 10)")
        capture = lab.capture()
        flow = lab.stream("mn", "cn", lab.address("cn"), rate=1000, size=200,
                          count=UPLINK_PACKETS, from_=self.hoa)
        flow.wait_sent(10)
        result = flow.stop()
        found = measure.Flow(lab, self.stop(capture, "3-uplink"), result, "mn")
        hops = measure.hops(lab, found.journeys[UPLINK_PACKETS - 1])
        self.tell_hops(f"{UPLINK_PACKETS} packets, all of them this way", hops)
        delay = found.median_delay_ms(range(UPLINK_PACKETS))
        self.teller.say(f"Lost: {result.lost}. One-way delay: {milliseconds(delay)} (median).")
        self.claims.claim("MN to CN goes as in Figure 10: one tunnel, from the MAG to its LMA",
                          set(found.ways.values()) == {tuple(FIGURE_10)}, set(found.ways.values()))
        self.claims.claim("MN to CN: nothing lost", result.lost == 0, result.lost)
        self.report["uplink"] = {"sent": result.sent, "lost": result.lost, "delay_ms": delay,
                                 "path": hops}

    def _silence(self):
        """4: an O-LMA forgets a MN that nobody sends to."""
        lab = self.lab
        self.teller.title("4. Nobody sends to the MN any more: the O-LMA forgets it (draft 4.4)")
        self.claims.claim("the O-LMA still has the location when the silence begins",
                          learnt(lab, "v-lma-2", self.hoa) is not None)
        lab.wait(lambda: learnt(lab, "v-lma-2", self.hoa) is None, CACHE_IDLE_S + 5,
                 "the cache entry of the O-LMA timed out")
        idle_s = (time.monotonic_ns() - self._last_to_mn_ns) / 1e9
        self.teller.say(f"Entry gone {idle_s:.1f} s after the last packet from the CN "
                        f"(cache_idle_s = {CACHE_IDLE_S}).")
        self.claims.claim("the O-LMA's entry ends after cache_idle_s of silence",
                          -EARLY_S <= idle_s - CACHE_IDLE_S <= LATE_S, f"{idle_s:.2f} s")
        self.report["silence"] = {"cache_idle_s": CACHE_IDLE_S, "gone_after_s": idle_s}

    def _leave(self):
        """6: the MN goes away; nothing of it remains but the HNP, which stays its own."""
        lab, hoa = self.lab, self.hoa
        self.teller.title("6. The MN leaves the domain (draft 4.4: every cache times out)")
        left = time.monotonic()
        lab.move("mn", None)
        lab.ctl("h-lma", "detach", mn_id("mn"))
        gone = {}
        for what, limit_s, is_gone in self._to_go():
            lab.wait(is_gone, limit_s, f"{what} gone", 0.05)
            gone[what] = round(time.monotonic() - left, 2)
            self.teller.rows([(f"+{gone[what]:.1f} s", what)], -9)
        entries = {n.name: (len(lab.ctl_json(n.name, "bindings")["bindings"]),
                            lab.ctl_json(n.name, "status")["map_entries"])
                   for n in topology.NODES}
        self.claims.claim("no node has anything left of the MN",
                          set(entries.values()) == {(0, 0)}, entries)
        unbound = counter(lab, "h-lma", "unbound")
        answered = ping(lab, "cn", hoa, 1, 1)
        dropped = counter(lab, "h-lma", "unbound") - unbound
        self.teller.say("All six nodes have 0 bindings and 0 map entries." if
                        set(entries.values()) == {(0, 0)} else f"left: {entries}")
        self.teller.say(f"A packet to the HoA now: dropped at the H-LMA, counted as `unbound` "
                        f"({dropped}).")
        self.claims.claim("a packet for a MN that has left is dropped by the H-LMA and counted",
                          not answered and dropped >= 1, (answered, dropped))
        self.report["leave"] = {"gone_after_s": gone}

    def _to_go(self):
        lab, hoa = self.lab, self.hoa
        return (
            ("binding at the H-LMA gone", GONE_S["binding"],
             lambda: binding(lab, "h-lma", hoa) is None),
            ("location at the H-LMA: anchored nowhere", GONE_S["location"],
             lambda: location(lab, hoa)["d_lma"] is None),
            ("previous D-LMA V-LMA-1 forwards no more", GONE_S["forwarding"],
             lambda: not learnt(lab, "v-lma-1", hoa)),
            ("previous D-LMA V-LMA-2 forwards no more", GONE_S["forwarding"],
             lambda: not learnt(lab, "v-lma-2", hoa)),
        )


def _ms(packet, since_ns):
    return (packet.time - since_ns) / 1e6


def _outer(hop):
    if not hop["tunnel_to"]:
        return "as it is", ""
    return (f"in a tunnel to {shown(hop['tunnel_to'])}",
            f"[{hop['outer_source']} > {hop['outer_destination']}]")
