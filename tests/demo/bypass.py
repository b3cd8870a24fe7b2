# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The second act: the same domain, but others may know where the MNs are (draft 5.1.1, 5.4)."""

from statistics import median

import measure
from figure5 import attach, delivered_by, edited_conf, learnt, ping, tunnels_of
from handover import hand_over
from lab import Lab
from words import chain, milliseconds, shown

DISCLOSE = 'disclose_proxy_coa = "mag";'
ECHOES, ECHO_EVERY_S = 10, 0.1
RATE, SIZE, GAP_MS = 1000, 200, 20
OLD, NEW = "mag-1a", "mag-1b"
FIGURE_9 = [f"v-lma-2>{OLD}"]
FIGURE_11 = [f"mag-2>{OLD}"]
FORWARDED = (f"v-lma-2>{OLD}", f"{OLD}>{NEW}")


def play(hook, run):
    """Builds the domain anew with one more line of configuration. `run` has teller and claims."""
    with Lab(hook=None if hook == "auto" else hook, mobiles=2) as lab:
        lab.start_dlma(hook=hook, conf_dir=edited_conf(lab, lambda text: text.replace(
            'name = "figure5";', f'name = "figure5";\n  {DISCLOSE}')))
        act = Act(lab, run)
        report = {"disclose": DISCLOSE, "figure_9": act.past_the_d_lma(),
                  "figure_11": act.past_both(), "move": act.move()}
    return lab, report


class Act:
    """What happens in it; `run` tells, and keeps the captures."""

    def __init__(self, lab, run):
        self.lab, self.teller, self.claims, self.run = lab, run.teller, run.claims, run
        self.hoa = None

    def past_the_d_lma(self):
        """7: the D-LMA tells the O-LMA the proxy-CoA."""
        self.teller.title("7. Second act: whoever tunnels to a MN may know its MAG "
                          "(draft 5.1.1, Figure 9)")
        self.teller.say(f"The domain anew, with one line more in domain.conf: {DISCLOSE}")
        self.hoa = attach(self.lab, OLD)
        return self._echoes("cn", "7-past-the-d-lma", FIGURE_9, "Later packets of the CN, as in "
                            "Figure 9: straight from the O-LMA to the MAG",
                            "CN to MN ends up as in Figure 9")

    def past_both(self):
        """8: the O-LMA tells the MAG of the sender."""
        self.teller.title("8. From one MN to another, past all LMAs (draft 5.4, Figure 11)")
        attach(self.lab, "mag-2", "mn-2")
        found = self._echoes("mn-2", "8-past-both", FIGURE_11, "Later packets of MN2, as in Figure "
                             "11: from MAG to MAG", "MN to MN ends up as in Figure 11")
        self.claims.claim("the MAG of MN2 has learnt the other MAG",
                          (learnt(self.lab, "mag-2", self.hoa) or {}).get("target") == OLD)
        return found

    def _echoes(self, source, name, expected, title, claim):
        capture = self.lab.capture()
        rtts = ping(self.lab, source, self.hoa, ECHOES, interval_s=ECHO_EVERY_S)
        packets = self.run.stop(capture, name)
        requests = measure.echoes(packets, measure.ECHO_REQUEST)
        begin_ns = min(way[0].time for way in requests.values())
        last = measure.hops(self.lab, requests[max(requests)])
        told = measure.told(packets, begin_ns)
        self.teller.signalling(told)
        self.run.tell_hops(title, last)
        later = median(rtts[ECHOES // 2:])
        self.teller.say(f"Round trip: first {milliseconds(rtts[0])}, later {milliseconds(later)}.")
        self.claims.claim(claim, measure.tunnels_of_hops(last) == expected, last)
        self.claims.claim(f"{claim.split(' ends')[0]}: every ping is answered",
                          len(rtts) == ECHOES, rtts)
        return {"first_rtt_ms": rtts[0], "later_rtt_ms": later, "path": last, "signalling": told}

    def move(self):
        """9: the O-LMA does not know yet, so the previous MAG forwards."""
        lab, say = self.lab, self.teller.say
        self.teller.title("9. The MN moves while the D-LMA is bypassed (draft 5.1.2)")
        capture = lab.capture()
        stream = lab.stream("cn", "mn", self.hoa, rate=RATE, size=SIZE)
        lab.wait(lambda: stream.received() > RATE, 10, "the stream flows")
        made = hand_over(lab, OLD, NEW, GAP_MS)
        lab.wait(lambda: delivered_by(lab, NEW), 10, f"registered at {shown(NEW)}")
        count = stream.received()
        lab.wait(lambda: stream.received() > count + RATE, 10, "the stream goes on")
        result = stream.stop()
        flow = measure.Flow(lab, self.run.stop(capture, "9-move"), result)
        begin = [s for s, t in sorted(flow.sent.items()) if t > made.left_ns - 250_000_000]
        found = measure.handover(flow, made, OLD, NEW, begin)
        forwarded = [s for s in begin if flow.ways[s] == FORWARDED]
        self.teller.signalling(found["signalling"])
        say(f"packets sent {found['sent']}, lost {found['lost']}, of these sent after "
            f"acceptance: {found['lost_after_acceptance']}; "
            f"longest gap {milliseconds(found['longest_gap_ms'])}")
        say(f"forwarded by the previous MAG: {len(forwarded)}")
        say(f"before  {chain(found['path_before'], 'mn')}")
        say(f"after   {chain(found['path_after'], 'mn')}")
        self._claim_move(found, forwarded)
        return found | {"forwarded": len(forwarded),
                        "path_forwarded": flow.steps[forwarded[-1]] if forwarded else None}

    def _claim_move(self, found, forwarded):
        claim = self.claims.claim
        claim("bypassed: the previous MAG forwards to the new one", bool(forwarded))
        claim("bypassed: the O-LMA ends up tunnelling to the new MAG",
              tunnels_of(found["path_after"]) == [f"v-lma-2>{NEW}"], found["path_after"])
        claim("bypassed: nothing sent after acceptance is lost",
              found["lost_after_acceptance"] == 0, found["lost_after_acceptance"])
        claim("bypassed: what was lost was lost on the link that the MN had left",
              found["lost_elsewhere"] == 0, found["lost_elsewhere"])
