# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report as one HTML file that needs no other: the ways, every packet, the figures."""

from html import escape
from pathlib import Path

import timeline
from moves import KINDS
from picture import picture
from words import chain, hooks_of, milliseconds, shown

STYLE = Path(__file__).with_name("page.css")
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Distributed LMA: the domain of Figure 5</title>
<style>
{style}</style></head><body>
<h1>Distributed Local Mobility Anchors: the domain of Figure 5, measured</h1>
{body}
</body></html>
"""
O_LMA = {"v-lma-2": "O-LMA"}


def page(report):
    """The whole file."""
    body = (_head(report), _ways(report), _packets(report), _moves(report), _signalling(report),
            _claims(report))
    return PAGE.format(style=STYLE.read_text(encoding="utf-8"), body="\n".join(body))


def table(head, rows, numbers=()):
    """An HTML table; `numbers` are the columns to be aligned to the right."""
    def line(tag, cells):
        return "<tr>" + "".join(
            f'<{tag}{" class=n" if i in numbers else ""}>{escape(str(c))}</{tag}>'
            for i, c in enumerate(cells)) + "</tr>"

    return ('<div class="wide"><table>' + line("th", head) +
            "".join(line("td", row) for row in rows) + "</table></div>")


def figure(svg, title, *lines):
    """A picture with what it shows."""
    small = "".join(f"<small>{line}</small>" for line in lines)
    return f"<figure>{svg}<figcaption><b>{escape(title)}</b>{small}</figcaption></figure>"


def _head(report):
    false = sum(not c["holds"] for c in report["claims"])
    good = f'<span class="good">All {len(report["claims"])} claims are true.</span>'
    bad = f'<span class="bad">{false} of {len(report["claims"])} claims are false.</span>'
    first, stream, tcp = report["first_packets"], report["stream"], report["tcp"]
    after = sum(m["lost_after_acceptance"] for m in report["moves"])
    return (
        f'<p>{bad if false else good} A mobile node moved three times during a stream of '
        f'{stream["sent"]} packets ({stream["rate"]}/s): {stream["lost"]} lost in all, {after} of '
        f'them after the new anchor had accepted the move. TCP: {tcp["received"]:,} octets over '
        f'one connection, {tcp["mismatches"]} wrong. Round trip: '
        f'{milliseconds(first["first_rtt_ms"])} for the first packet, '
        f'{milliseconds(first["later_rtt_ms"])} for the later ones.</p>'
        f'<p class="faint">Hook {escape(report["hook"])} (attached: {escape(hooks_of(report))}), '
        f'Linux {escape(report["kernel"])}; one-way delay to the router: '
        + ", ".join(f"{s} {d:g} ms ({escape(report['delay_element'][s])})"
                    for s, d in report["delays_ms"].items()) +
        '. Everything below was captured on the wires between the network namespaces.</p>')


def _steps(hops):
    return [(h["node"], h["outer_source"], h["tunnel_to"]) for h in hops]


def _ways(report):
    first, uplink = report["first_packets"], report["uplink"]
    pictures = [
        _way("First packet (Figure 7)", _steps(first["first_path"]), "mn", "mag-1a", "triangle",
             O_LMA | {"v-lma-1": "D-LMA"}, f"round trip {milliseconds(first['first_rtt_ms'])}"),
        _way("Later packets (Figure 8)", _steps(first["later_path"]), "mn", "mag-1a", "direct",
             O_LMA | {"v-lma-1": "D-LMA"}, f"round trip {milliseconds(first['later_rtt_ms'])}"),
        _way("From the MN (Figure 10)", _steps(uplink["path"]), "cn", "mag-1a", "uplink",
             {"v-lma-1": "LMA of the MN"}, f"one way {milliseconds(uplink['delay_ms'])}"),
    ]
    for move in report["moves"]:
        pictures += _ways_of_move(move)
    pictures += _bypasses(report["bypass"])
    return ("<h2>The ways of the packets</h2><p>Thick: in a tunnel. Thin: the packet as it is. "
            "The delay of the router's links is in the times, the router is not in the "
            f'pictures.</p><div class="grid-3">{"".join(pictures)}</div>')


def _bypasses(act):
    """The second act: who may know the MAG tunnels straight to it."""
    roles = {"v-lma-2": "O-LMA"}
    nine, eleven, move = act["figure_9"], act["figure_11"], act["move"]
    found = [
        _way("D-LMA bypassed (Figure 9)", _steps(nine["path"]), "mn", "mag-1a", "bypass", roles,
             f"round trip {milliseconds(nine['later_rtt_ms'])}"),
        _way("From MN to MN (Figure 11)", _steps(eleven["path"]), "mn", "mag-1a", "bypass", {},
             f"round trip {milliseconds(eleven['later_rtt_ms'])}")]
    if move["path_forwarded"]:
        found.append(_way(
            "Meanwhile: MAG-1a to MAG-1b, bypassed", move["path_forwarded"], "mn", "mag-1b",
            "forwarded", roles, f"{move['forwarded']} packets, forwarded by the previous MAG"))
    return found


def _way(title, steps, end, mag, kind, roles, *lines):
    way = f'<span class="way">{escape(chain(steps, end))}</span>'
    return figure(picture(steps, end, mag, kind, roles), title, way, *lines)


def _ways_of_move(move):
    """While it settles, if packets went by way of the previous D-LMA, and afterwards."""
    new, anchor = move["to"], _anchor(move["path_after"])
    roles = {"v-lma-2": "O-LMA", anchor: "D-LMA"}
    if anchor == "v-lma-2":
        roles[anchor] = "O-LMA = D-LMA"
    found = []
    if move["path_forwarded"]:
        before = roles | {_anchor(move["path_before"]): "previous D-LMA"}
        found.append(_way(
            f"Meanwhile: {shown(move['from'])} to {shown(new)}", move["path_forwarded"], "mn", new,
            "forwarded", before,
            f"{move['ways']['forwarded']} packets, forwarded by the previous D-LMA to the new one"))
    kind = "local" if anchor == "v-lma-2" else "direct"
    found.append(_way(f"After {shown(move['from'])} to {shown(new)}", move["path_after"], "mn", new,
                      kind, roles, f"round trip {milliseconds(move['rtt_ms'])}; {move['what']}"))
    return found


def _anchor(steps):
    """The D-LMA of a path: the node that the packet leaves for the MAG, or for the MN."""
    last_lma = [node for node, _, _ in steps if "lma" in node]
    return last_lma[-1]


def _packets(report):
    legend = "".join(f'<span><i style="background: var(--{kind})"></i>{text} '
                     f'({report["stream"]["ways"].get(kind, 0)})</span>'
                     for kind, text in KINDS.items())
    zooms = [figure(timeline.first_packets(report), "The first packets",
                    "the cache of the O-LMA was empty")]
    for move, name in zip(report["moves"], timeline.names(report)):
        zooms.append(figure(timeline.around(report, move), name, (
            f"{move['lost']} lost, {move['lost_after_acceptance']} of them sent after the move was "
            f"accepted; {move['sent_while_away_and_delivered']} sent while the MN was away and "
            f"delivered; longest gap {milliseconds(move['longest_gap_ms'])}")))
    return ("<h2>Every packet of the UDP stream</h2><p>Across: when the CN sent it. Up: how long "
            "it took to the MN. Green line: the new anchor has accepted the move. A slope is a "
            "queue that waited for the MN: it was sent while nobody knew where the MN is, and was "
            f'delivered when it was known.</p><p class="legend">{legend}</p>'
            f"<figure>{timeline.overview(report)}</figure>"
            f'<div class="grid-2" style="margin-top: 1em">{"".join(zooms)}</div>')


def _moves(report):
    rows = [(name, m["sent"], m["lost"], m["lost_after_acceptance"],
             milliseconds(m["longest_gap_ms"]), milliseconds(m["joined_ms"]),
             milliseconds(m["accepted_ms"]), milliseconds(m["rtt_ms"]),
             chain(m["path_after"], "mn"))
            for m, name in zip(report["moves"], timeline.names(report))]
    head = ("move", "sent", "lost", "lost after acceptance", "longest gap", "joined", "accepted",
            "round trip", "path afterwards")
    gone = [(what, f"{seconds:.1f} s") for what, seconds in report["leave"]["gone_after_s"].items()]
    silence = report["silence"]
    gone.insert(0, (f"cache entry of the O-LMA gone, after silence "
                    f"(cache_idle_s = {silence['cache_idle_s']:g})",
                    f"{silence['gone_after_s']:.1f} s"))
    return ("<h2>The moves</h2>" + table(head, rows, range(1, 8)) +
            "<h2>What times out</h2><p>The lines below the first: after the MN has left the "
            "domain.</p>" + table(("", "after"), gone, (1,)))


def _signalling(report):
    parts = [("Attach at MAG-1a", report["attach"]["signalling"], "its link came up"),
             ("First packet", report["first_packets"]["signalling"], "the CN sent it")]
    act = report["bypass"]
    parts += [(name, m["signalling"], "the MN left its link")
              for m, name in zip(report["moves"], timeline.names(report))]
    parts += [("D-LMA bypassed", act["figure_9"]["signalling"], "the CN sent the first packet"),
              ("MN to MN", act["figure_11"]["signalling"], "MN2 sent the first packet"),
              ("MAG-1a to MAG-1b, bypassed", act["move"]["signalling"], "the MN left its link")]
    blocks = []
    for name, messages, zero in parts:
        rows = [(f"{m['ms']:.1f}", f"{shown(m['from'])} \u2192 {shown(m['to'])}", m["message"],
                 m["says"]) for m in messages]
        blocks.append(f"<div><h3>{escape(name)}</h3>" + table(
            ("ms", "from, to", "", ""), rows, (0,)) + f'<p class="faint">0 ms: {zero}</p></div>')
    return f'<h2>Who told whom</h2><div class="grid-2 messages">{"".join(blocks)}</div>'


def _claims(report):
    rows = []
    for c in report["claims"]:
        mark = '<td class="good">true</td>' if c["holds"] else '<td class="bad">FALSE</td>'
        found = "" if c["holds"] else f"; found: {c['found']}"
        rows.append(f"<tr>{mark}<td>{escape(c['claim'] + found)}</td></tr>")
    return f"<h2>What was claimed and checked</h2><table>{''.join(rows)}</table>"
