"""Lines with their intervals, as an SVG file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 700, 20, 300
COLOURS = ("#b4532a", "#2f6f8f", "#8a8577")
GAP = 16
"""Pixels between panels."""
TICKS = 5
"""At the most, about."""


@dataclass(frozen=True)
class Point:
    """A value with the ends of its interval."""

    x: float
    y: float
    low: float
    high: float


def chart(lines: Mapping[str, Sequence[Point]], *, x: str, y: str, doubling: bool = False) -> str:
    """An SVG of the lines by name; both axes begin at 0 where no value lies below. With `doubling`
    the one across begins at 1, and each doubling is as wide as the next."""
    points = [point for line in lines.values() for point in line]
    levels = round_levels(min(0.0, *(p.low for p in points)), max(p.high for p in points))
    floor, ceiling = levels[0], levels[-1]
    furthest = max(p.x for p in points)

    def across(value: float) -> float:
        share = math.log(value) / math.log(furthest) if doubling else value / furthest
        return LEFT + (RIGHT - LEFT) * share

    def up(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - floor) / (ceiling - floor)

    def text(words: str, at_x: float, at_y: float, anchor: str = "middle") -> str:
        return f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="13" fill="#1d2430">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fffdf8"/>',
    ]
    for value in levels:
        level = up(value)
        parts.append(f'<path d="M{LEFT} {level:.1f}H{RIGHT}" stroke="#e4dfd4"/>')
        parts.append(text(f"{value:g}", LEFT - 8, level + 4, "end"))
    marks = sorted({p.x for p in points})
    parts += [text(f"{value:g}", across(value), BOTTOM + 18) for value in marks]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        upper = [f"{across(p.x):.1f},{up(p.high):.1f}" for p in line]
        lower = [f"{across(p.x):.1f},{up(p.low):.1f}" for p in reversed(line)]
        middle = " ".join(f"{across(p.x):.1f},{up(p.y):.1f}" for p in line)
        parts.append(
            f'<polygon points="{" ".join(upper + lower)}" fill="{colour}" opacity="0.15"/>'
        )
        parts.append(
            f'<polyline points="{middle}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts += [
            f'<circle cx="{across(p.x):.1f}" cy="{up(p.y):.1f}" r="3" fill="{colour}"/>'
            for p in line
        ]
        place = LEFT + 210 * number
        parts.append(f'<rect x="{place}" y="{HEIGHT - 13}" width="16" height="4" fill="{colour}"/>')
        parts.append(text(name, place + 22, HEIGHT - 7, "start"))
    parts.append(text(x, RIGHT, BOTTOM + 34, "end"))
    parts.append(text(y, LEFT, TOP - 7, "start"))
    return "\n".join([*parts, "</svg>\n"])


def panels(charts: Sequence[str], columns: int) -> str:
    """Charts in rows of `columns`, in one SVG."""
    rows = -(-len(charts) // columns)
    placed = (
        svg.replace(
            "<svg ",
            f'<svg x="{number % columns * WIDTH}" y="{number // columns * (HEIGHT + GAP)}"'
            f' width="{WIDTH}" height="{HEIGHT}" ',
            1,
        )
        for number, svg in enumerate(charts)
    )
    size = f"0 0 {columns * WIDTH} {rows * (HEIGHT + GAP)}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}">\n{"".join(placed)}</svg>\n'


def round_levels(low: float, high: float) -> list[float]:
    """Round numbers, evenly apart, from at most `low` to at least `high`, and above `low`."""
    # What is 0 everywhere is drawn on an axis up to 1.
    high = high if high > low else low + 1
    power = 10 ** math.floor(math.log10((high - low) / TICKS))
    step = power * next(n for n in (1, 2, 2.5, 5, 10) if n * power * TICKS >= high - low)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(n * step, 9) for n in range(first, last + 1)]
