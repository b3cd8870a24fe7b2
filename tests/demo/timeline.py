# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every packet of a stream as one dot in an SVG: when it was sent, how long it took, which way."""

from html import escape

from moves import KINDS
from words import shown

LEFT, RIGHT, TOP, BOTTOM = 44, 12, 40, 40  # margins
LOST_STRIP = 22  # below the axis: where lost packets are
Y_STEPS_MS = (5, 10, 20, 50, 100, 200, 500)
ROOM = 1.08  # above the highest dot


class Chart:
    """Axes from begin to end (ms), and what is drawn on them."""

    def __init__(self, packets, begin, end, width, height, dot):
        self.packets = [p for p in packets if begin <= p[0] < end]
        self.begin, self.end, self.width, self.height, self.dot = begin, end, width, height, dot
        self.top_ms = max([p[1] for p in self.packets if p[1] is not None] + [5]) * ROOM
        self.floor = height - BOTTOM - LOST_STRIP
        self.parts = [f'<svg viewBox="0 0 {width} {height}" role="img">']

    def x(self, ms):
        """Place of a time."""
        return LEFT + (ms - self.begin) / (self.end - self.begin) * (self.width - LEFT - RIGHT)

    def y(self, ms):
        """Place of a delay."""
        return self.floor - ms / self.top_ms * (self.floor - TOP)

    def text(self, x, y, text, style="tick"):
        """Words at a place."""
        self.parts.append(f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')

    def axes(self, x_step, x_unit, x_zero):
        """Grid and numbers; times in x_unit (1: ms, 1000: s), counted from x_zero."""
        step = next((s for s in Y_STEPS_MS if self.top_ms / s <= 6), Y_STEPS_MS[-1])
        for ms in range(0, int(self.top_ms) + 1, step):
            self.parts.append(f'<line class="grid" x1="{LEFT}" x2="{self.width - RIGHT}" '
                              f'y1="{self.y(ms):.1f}" y2="{self.y(ms):.1f}"/>')
            self.text(LEFT - 6, self.y(ms) + 4, str(ms), "tick end")
        self.text(LEFT - 6, TOP - 12, "ms", "tick end")
        self.text(LEFT - 6, self.floor + 17, "lost", "tick end red")
        first = int((self.begin - x_zero) // x_step + 1)
        for number in range(first, int((self.end - x_zero) // x_step) + 1):
            ms = x_zero + number * x_step
            self.text(self.x(ms), self.height - 22, f"{(ms - x_zero) / x_unit:g}", "tick middle")
        self.text(self.width / 2, self.height - 6,
                  "sent at, s" if x_unit == 1000 else "sent at, ms after the MN left its link"
                  if x_zero else "sent at, ms after the first packet", "tick middle")

    def dots(self):
        """All packets: a path of dots for each kind of way; the lost ones are bars below."""
        for kind in KINDS:
            of_kind = [p for p in self.packets if p[2] == kind]
            if kind == "lost":
                shape = "".join(f"M{self.x(t):.1f} {self.floor + 5:.0f}v14" for t, _, _ in of_kind)
            else:
                shape = "".join(f"M{self.x(t):.1f} {self.y(d):.1f}h0" for t, d, _ in of_kind)
            if shape:
                width = max(1.2, self.dot * 0.6) if kind == "lost" else self.dot
                self.parts.append(f'<path class="s-{kind} dots" stroke-width="{width}" '
                                  f'd="{shape}"/>')

    def moment(self, ms, label, row, style=""):
        """A vertical line with its name on top; rows keep names apart."""
        x = self.x(ms)
        self.parts.append(f'<line class="moment {style}" x1="{x:.1f}" x2="{x:.1f}" '
                          f'y1="{TOP - 22 + 12 * row}" y2="{self.height - BOTTOM}"/>')
        self.text(x + 4, TOP - 14 + 12 * row, label, f"label {style}")

    def svg(self):
        """The whole of it."""
        return "".join(self.parts) + "</svg>"


def overview(report):
    """The whole stream, and where the moves are."""
    packets, begin_ns = report["timeline"]["packets"], report["timeline"]["begin_ns"]
    chart = Chart(packets, 0, packets[-1][0] + 1, 1100, 300, 2)
    chart.axes(500, 1000, 0)
    for move, name in zip(report["moves"], names(report)):
        left = (move["left_ns"] - begin_ns) / 1e6
        chart.moment(left, "", 0)
        chart.moment((move["accepted_ns"] - begin_ns) / 1e6, name, 0, "accepted")
    chart.dots()
    return chart.svg()


def names(report):
    """What the moves are called."""
    return [f"{shown(m['from'])} to {shown(m['to'])}" for m in report["moves"]]


def first_packets(report):
    """The first 150 ms: how the triangle ends."""
    chart = Chart(report["timeline"]["packets"], 0, 150, 540, 300, 4)
    chart.axes(25, 1, 0)
    knows = report["first_second"]["o_lma_knows_ms"]
    if knows is not None:
        chart.moment(knows, "the O-LMA knows the D-LMA", 0, "accepted")
    chart.dots()
    return chart.svg()


def around(report, move):
    """One move, packet by packet."""
    zero = (move["left_ns"] - report["timeline"]["begin_ns"]) / 1e6
    chart = Chart(report["timeline"]["packets"], zero - 40,
                  zero + move["accepted_ms"] + 110, 540, 300, 4)
    chart.axes(25, 1, zero)
    chart.moment(zero, "left", 0)
    chart.moment(zero + move["joined_ms"], "joined", 0)
    chart.moment(zero + move["accepted_ms"], "accepted", 1, "accepted")
    chart.dots()
    return chart.svg()
