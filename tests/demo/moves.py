# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Part 5 of the story: the MN moves three times during a UDP stream and a TCP transfer."""

import time
from statistics import median

import measure
from figure5 import delivered_by, ping
from handover import hand_over
from words import chain, milliseconds, shown, tunnel_chain

RATE = 1000  # packets/s
SIZE = 200  # octets of UDP payload
TCP_RATE = 500_000  # octets/s
GAP_MS = 20  # between the old link and the new one
BEFORE_NS = 250_000_000  # where the window of a move begins: so long before it
ECHOES = 5  # after each move
REST_S = 0.7  # of each stay in a cell
TOUR = (("mag-1a", "mag-1b", "another MAG, the same D-LMA"),
        ("mag-1b", "mag-2", "another D-LMA: V-LMA-1 to V-LMA-2, which is the O-LMA of the CN"),
        ("mag-2", "h-lma", "home: the H-LMA becomes the D-LMA"))
EXPECTED = {"mag-1b": ["v-lma-2>v-lma-1", "v-lma-1>mag-1b"], "mag-2": ["v-lma-2>mag-2"],
            "h-lma": ["v-lma-2>h-lma"]}
KINDS = {"triangle": "by way of the H-LMA", "direct": "O-LMA to D-LMA", "local": "O-LMA is D-LMA",
         "forwarded": "by way of the previous D-LMA", "lost": "lost"}


def tell(story):
    """Moves, measures, tells. Returns what goes into the report."""
    lab, hoa, say = story.lab, story.hoa, story.teller.say
    story.teller.title("5. The MN moves, in the middle of a stream and a TCP transfer (draft 5.1)")
    say(f"CN to MN: UDP, {RATE} packets/s, and TCP. At each move the old MAG is told of the "
        f"departure as an\naccess point would do it (by `dlmactl detach`), and the MN is on no "
        f"link for {GAP_MS} ms.")
    capture = lab.capture()
    stream = lab.stream("cn", "mn", hoa, rate=RATE, size=SIZE)
    lab.wait(lambda: stream.received() > RATE // 2, 10, "the stream flows")
    transfer = lab.transfer("cn", "mn", hoa, rate=TCP_RATE)
    try:
        made, rtts = _tour(lab, stream, hoa)
    except BaseException:  # Ctrl-C too
        transfer.abort()
        raise
    result = stream.stop()
    tcp = transfer.stop()
    flow = measure.Flow(lab, story.stop(capture, "5-moves"), result)
    first = _first_second(story, flow, made[0].left_ns - BEFORE_NS)
    handovers = [_move(story, flow, made, number) | {"rtt_ms": rtts[number]}
                 for number in range(len(TOUR))]
    story.claims.claim("after each move every ping is answered", None not in rtts, rtts)
    for handover in handovers:
        _tell_move(story, handover)
    stream_totals = _totals(story, flow, handovers)
    return {"first_second": first, "moves": handovers, "stream": stream_totals,
            "tcp": _tcp(story, tcp), "timeline": timeline(flow)}


def _tour(lab, stream, hoa):
    """Makes the moves, each with some time to settle, and the round trip afterwards."""
    made, rtts = [], []
    time.sleep(REST_S)
    for old, new, _ in TOUR:
        made.append(hand_over(lab, old, new, GAP_MS))
        lab.wait(lambda new=new: delivered_by(lab, new), 10, f"registered at {shown(new)}")
        count = stream.received()
        lab.wait(lambda count=count: stream.received() > count + 100, 10, "the stream goes on")
        answers = ping(lab, "cn", hoa, ECHOES)
        rtts.append(median(answers) if len(answers) == ECHOES else None)
        time.sleep(REST_S)
    return made, rtts


def _first_second(story, flow, end_ns):
    """The stream began with an empty cache at the O-LMA: how long the triangle lasted."""
    sequences = flow.between(0, end_ns)
    kinds = [flow.kind(s) for s in sequences]
    count = kinds.count("triangle")
    turn = kinds.index("direct") if "direct" in kinds else len(kinds)
    delays = {kind: flow.median_delay_ms([s for s, k in zip(sequences, kinds) if k == kind])
              for kind in set(kinds) - {"lost"}}
    story.teller.say(f"Before the first move {len(sequences)} packets, {kinds.count('lost')} lost. "
                     f"{count} took the triangle, those of the first "
                     f"{_ms(flow, sequences[turn - 1], sequences[0])}:\n"
                     f"delay {milliseconds(delays.get('triangle'))}; then "
                     f"{milliseconds(delays.get('direct'))}.")
    story.claims.claim("only the first packets of a stream take the triangle",
                       1 <= count == turn <= 100 and set(kinds[turn:]) == {"direct"},
                       f"{count}, turn at {turn}")
    story.claims.claim("nothing is lost while the MN stays", "lost" not in kinds)
    told = measure.told(flow.packets, flow.sent[sequences[0]], end_ns)
    knows = [m["ms"] for m in told if (m["from"], m["message"]) == ("v-lma-2", "PBA")]
    return {"signalling": told, "o_lma_knows_ms": knows[0] if knows else None,
            "packets": len(sequences), "triangle": count, "lost": kinds.count("lost"),
            "triangle_delay_ms": delays.get("triangle"), "direct_delay_ms": delays.get("direct")}


def _ms(flow, later, earlier):
    return milliseconds((flow.sent[later] - flow.sent[earlier]) / 1e6)


def _move(story, flow, made, number):
    """The figures of one move, and what must be true of them."""
    old, new, what = TOUR[number]
    end = made[number + 1].left_ns - BEFORE_NS if number + 1 < len(made) else 1 << 63
    window = flow.between(made[number].left_ns - BEFORE_NS, end)
    found = measure.handover(flow, made[number], old, new, window) | {"what": what}
    name, claim = f"{shown(old)} to {shown(new)}", story.claims.claim
    claim(f"{name}: no packet lost that was sent after the new anchor had accepted",
          found["lost_after_acceptance"] == 0, found["lost_after_acceptance"])
    claim(f"{name}: packets were lost nowhere but on the link that the MN had left",
          found["lost_elsewhere"] == 0, found["lost_elsewhere"])
    claim(f"{name}: afterwards every packet goes {tunnel_chain(EXPECTED[new])}",
          found["tunnels_after"] == EXPECTED[new], found["tunnels_after"])
    return found


def _tell_move(story, found):
    """One move in a dozen lines."""
    say = story.teller.say
    say()
    say(f"{shown(found['from'])} to {shown(found['to'])}: {found['what']}")
    say(f"joined after {milliseconds(found['joined_ms'])}, accepted after "
        f"{milliseconds(found['accepted_ms'])}, counted from leaving the old link", 5)
    story.teller.signalling(found["signalling"])
    say(f"packets sent {found['sent']}, lost {found['lost']}, of these sent after acceptance: "
        f"{found['lost_after_acceptance']}; longest gap {milliseconds(found['longest_gap_ms'])}", 5)
    say(f"sent while the MN was away and delivered all the same: "
        f"{found['sent_while_away_and_delivered']}; "
        f"by way of the previous D-LMA: {found['ways'].get('forwarded', 0)}", 5)
    say(f"before  {chain(found['path_before'], 'mn')}   "
        f"{milliseconds(found['delay_ms_before'])}", 5)
    say(f"after   {chain(found['path_after'], 'mn')}   {milliseconds(found['delay_ms_after'])}; "
        f"round trip {milliseconds(found['rtt_ms'])}", 5)


def _totals(story, flow, handovers):
    """The whole stream: what the windows say must add up to it."""
    result, kinds = flow.result, flow.kinds(sorted(flow.sent))
    elsewhere = sum(h["lost_elsewhere"] for h in handovers)
    story.teller.say()
    story.teller.say(
        f"The whole stream: {result.sent} sent, {result.lost} lost. " +
        ("All of these were last seen at the MAG that the MN\nhad left, or in the tunnel to it."
         if not elsewhere else f"{elsewhere} of these not on the link that the MN had left."))
    story.claims.claim("nothing is delivered twice", result.duplicates == 0, result.duplicates)
    story.claims.claim("every lost packet belongs to a move",
                       sum(h["lost"] for h in handovers) == result.lost, result.lost)
    story.claims.claim("the capture has every packet of the stream",
                       len(flow.sent) == result.sent, (len(flow.sent), result.sent))
    return {"rate": RATE, "sent": result.sent, "lost": result.lost, "reordered": result.reordered,
            "duplicates": result.duplicates, "ways": kinds}


def _tcp(story, tcp):
    """The transfer: the same connection all the time."""
    story.teller.say(f"TCP, one connection all the time: {tcp.received:,} octets, {tcp.mismatches} "
                     f"wrong, longest stall {milliseconds(tcp.longest_stall_ms)}")
    story.claims.claim("TCP: one connection, every octet arrived and is right",
                       tcp.end == "done" and tcp.mismatches == 0 and tcp.received == tcp.sent > 0,
                       tcp)
    return {"sent": tcp.sent, "received": tcp.received, "mismatches": tcp.mismatches,
            "longest_stall_ms": tcp.longest_stall_ms, "seconds": tcp.seconds, "end": tcp.end}


def timeline(flow):
    """Every packet: when it was sent (ms since the first), its delay (ms, None: lost), its way."""
    begin = min(flow.sent.values())
    rows = []
    for s, sent in sorted(flow.sent.items()):
        delay = flow.delay_ms(s)
        rows.append([round((sent - begin) / 1e6, 2), None if delay is None else round(delay, 2),
                     flow.kind(s)])
    return {"begin_ns": begin, "packets": rows}
