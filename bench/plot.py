#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what bench/run --growth measured: plot.py results.tsv growth.svg. Standard library only.

There are three pictures side by side: cards per second and WAL per card over the size of the table
(lines: chunks of the load; dots: medians of the windows at the marks), and the retirement as bars.
"""

import statistics
import sys
from xml.sax.saxutils import escape

COLOURS = {"new": "#1b6ca8", "old": "#c0562b"}
WIDTH, HEIGHT, PANEL_WIDTH = 1180, 400, 330
LEFT, TOP, GAP, PLOT_HEIGHT = 70, 60, 60, 270


def read(path):
    """{(what, side): {cards: median}}"""
    values = {}
    with open(path, encoding="utf-8") as file:
        next(file)
        for line in file:
            what, side, cards, value = line.rstrip("\n").split("\t")
            values.setdefault((what, side), {}).setdefault(int(cards), []).append(float(value))
    return {
        key: {cards: statistics.median(v) for cards, v in sorted(by_cards.items())}
        for key, by_cards in values.items()
    }


def nice(top):
    """A round step such that four to eight of them reach `top`."""
    step = 10 ** max(0, len(str(int(top))) - 1)
    for divisor in (10, 5, 4, 2, 1):
        if top / (step / divisor) <= 8:
            return step / divisor
    return step


def short(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


class Panel:
    """One picture: its frame and scales; adds its elements to `out`."""

    def __init__(self, out, index, title, x_max, y_max):
        self.out, self.x0, self.y0 = out, LEFT + index * (PANEL_WIDTH + GAP), TOP + PLOT_HEIGHT
        self.x_max, self.y_max = x_max or 1, (y_max or 1) * 1.05
        self.text(self.x0 + PANEL_WIDTH / 2 - 15, TOP - 14, title, "middle", 14)
        step, y = nice(self.y_max), 0
        while y <= self.y_max:
            self.line(self.x0, self.y(y), self.x0 + PANEL_WIDTH - 30, self.y(y), "#dddddd")
            self.text(self.x0 - 6, self.y(y) + 4, short(y), "end")
            y += step

    def x(self, value):
        return self.x0 + value / self.x_max * (PANEL_WIDTH - 30)

    def y(self, value):
        return self.y0 - value / self.y_max * PLOT_HEIGHT

    def text(self, x, y, text, anchor="middle", size=11):
        self.out.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
            f"{escape(text)}</text>"
        )

    def line(self, x1, y1, x2, y2, colour):
        self.out.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'
        )

    def cards_axis(self):
        step, x = nice(self.x_max), 0
        while x <= self.x_max:
            self.text(self.x(x), self.y0 + 18, short(x))
            x += step
        self.text(self.x0 + PANEL_WIDTH / 2 - 15, self.y0 + 38, "cards in the table")

    def curve(self, points, colour):
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points.items())
        self.out.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )

    def dots(self, points, colour):
        for x, y in points.items():
            self.out.append(
                f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="5" fill="{colour}"/>'
            )

    def bar(self, slot, value, colour, label):
        x, width = self.x0 + 20 + slot * 65, 50
        self.out.append(
            f'<rect x="{x}" y="{self.y(value):.1f}" width="{width}" '
            f'height="{self.y0 - self.y(value):.1f}" '
            f'fill="{colour}"/>'
        )
        self.text(x + width / 2, self.y(value) - 4, label)


def over_size(out, index, title, values, load, mark):
    curves = [
        (side, values.get((load, side), {}), values.get((mark, side), {})) for side in COLOURS
    ]
    points = [point for _, *both in curves for part in both for point in part.items()]
    panel = Panel(
        out,
        index,
        title,
        max((x for x, _ in points), default=1),
        max((y for _, y in points), default=1),
    )
    panel.cards_axis()
    for side, loaded, at_marks in curves:
        panel.curve(loaded, COLOURS[side])
        panel.dots(at_marks, COLOURS[side])


def retirement(out, index, values):
    """Rate and WAL have scales of their own: each pair is drawn as parts of its larger one."""
    panel = Panel(out, index, "retirement, per cent of the larger", 1, 100)
    for pair, (what, text) in enumerate(
        (("drain_rate", "cards per second"), ("drain_wal", "WAL bytes per card"))
    ):
        figures = {
            side: max(values[what, side].values()) for side in COLOURS if (what, side) in values
        }
        for place, (side, value) in enumerate(figures.items()):
            panel.bar(
                pair * 2.3 + place,
                100 * value / (max(figures.values()) or 1),
                COLOURS[side],
                short(value),
            )
        panel.text(panel.x0 + 20 + pair * 2.3 * 65 + 58, panel.y0 + 18, text)


def main(source, target):
    values = read(source)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    over_size(
        out, 0, "batch tokenize of new cards, cards per second", values, "load_rate", "batch_rate"
    )
    over_size(out, 1, "bytes of WAL a new card", values, "load_wal", "batch_wal")
    retirement(out, 2, values)
    for place, side in enumerate(side for side in COLOURS if ("load_rate", side) in values):
        x = LEFT + place * 90
        out.append(f'<rect x="{x}" y="14" width="14" height="14" fill="{COLOURS[side]}"/>')
        out.append(f'<text x="{x + 20}" y="26" font-size="13">{side}</text>')
    out.append("</svg>")
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
