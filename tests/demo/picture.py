# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The domain of Figure 5 as an SVG, with the way of one packet drawn into it."""

from html import escape
from math import hypot

from words import shown

WIDTH, HEIGHT = 376, 236
PLACES = {"h-lma": (52, 46), "v-lma-1": (171, 92), "v-lma-2": (290, 92), "mag-1a": (140, 146),
          "mag-1b": (202, 146), "mag-2": (281, 146), "cn": (342, 146)}
SITES = (("home", 6, 8, 92, 122), ("visited 1", 104, 62, 134, 168),
         ("visited 2", 246, 62, 124, 168))  # name, x, y, width, height
LINKS = (("v-lma-1", "mag-1a"), ("v-lma-1", "mag-1b"), ("v-lma-2", "mag-2"), ("v-lma-2", "cn"),
         ("h-lma", "v-lma-1"), ("h-lma", "v-lma-2"), ("v-lma-1", "v-lma-2"))
BOX_HALF = {"mn": 16, "mn-2": 18, "cn": 16}
HALF_HEIGHT, LANE, ARROW = 11, 4, 8


def _half_width(node):
    return BOX_HALF.get(node, 29)


def _places(mag, nodes):
    """Where everything is when the MN is at this MAG; MN2, if it is there at all, is at MAG-2."""
    x, y = PLACES[mag]
    other = {"mn-2": (PLACES["mag-2"][0], y + 52)} if "mn-2" in nodes else {}
    return PLACES | {"mn": (x, y + 52)} | other


def _edge(place, other, node):
    """Where a line from a node to another one leaves its box."""
    dx, dy = other[0] - place[0], other[1] - place[1]
    scale = min(_half_width(node) / abs(dx) if dx else 9, HALF_HEIGHT / abs(dy) if dy else 9)
    return place[0] + dx * scale, place[1] + dy * scale


def _arrow(start, end, kind, tunnel):
    """One step of the way: thick if in a tunnel, beside the middle so that two may pass."""
    length = hypot(end[0] - start[0], end[1] - start[1])
    ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    (x1, y1), (x2, y2) = [(x - uy * LANE, y + ux * LANE) for x, y in (start, end)]
    bx, by = x2 - ux * ARROW, y2 - uy * ARROW
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in (
        (x2, y2), (bx - uy * 5, by + ux * 5), (bx + uy * 5, by - ux * 5)))
    width = 4.5 if tunnel else 1.8
    return (f'<line class="s-{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{bx:.1f}" y2="{by:.1f}" '
            f'stroke-width="{width}"/><polygon class="f-{kind}" points="{head}"/>')


def _box(node, place, role, on_path):
    x, y = place
    half = _half_width(node)
    text = (f'<rect class="box{" on" if on_path else ""}" x="{x - half}" y="{y - HALF_HEIGHT}" '
            f'width="{2 * half}" height="{2 * HALF_HEIGHT}" rx="4"/>'
            f'<text class="name" x="{x}" y="{y + 4}">{escape(shown(node))}</text>')
    if role:
        text += f'<text class="role" x="{x}" y="{y - HALF_HEIGHT - 4}">{escape(role)}</text>'
    return text


def picture(steps, end, mag, kind, roles):
    """steps: [(node, outer source, outer destination)...] of a packet that ends at `end`.

    roles: {node: "O-LMA"}; kind: class of colour; mag: where the MN is.
    """
    nodes = [step[0] for step in steps] + [end]
    places = _places(mag, nodes)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    for name, x, y, width, height in SITES:
        parts.append(f'<rect class="site" x="{x}" y="{y}" width="{width}" height="{height}" '
                     'rx="10"/>'
                     f'<text class="site-name" x="{x + 8}" y="{y + height - 5}">{name}</text>')
    for a, b in (*LINKS, (mag, "mn")):
        (x1, y1), (x2, y2) = places[a], places[b]
        parts.append(f'<line class="link" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')
    for node, place in places.items():
        parts.append(_box(node, place, roles.get(node), node in nodes))
    for (node, src, _), following in zip(steps, nodes[1:]):
        start = _edge(places[node], places[following], node)
        stop = _edge(places[following], places[node], following)
        parts.append(_arrow(start, stop, kind, bool(src)))
    return "".join(parts) + "</svg>"
