"""Likeness against copying, as points in pixels: what each LoRA that was tried is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sosie.audit.copying.report import Tried, frontier

EDGE = 24
"""Pixels that are kept free above, and on either side of the points."""


@dataclass(frozen=True)
class Size:
    """Of the drawing and its margins, in pixels."""

    wide: int
    high: int
    left: int
    below: int

    @property
    def floor(self) -> int:
        """Where no picture copies."""
        return self.high - self.below


@dataclass(frozen=True)
class Dot:
    """One LoRA at one strength."""

    number: int
    """Its row in the table."""
    x: float
    y: float
    low: float
    high: float
    """Ends of the interval of the share that copies."""
    best: bool
    """Whether no other is more like and copies less."""
    changed: bool
    """Whether it was trained anew, or its weights filtered, against copying."""
    now: bool
    """Whether this page is about it."""


@dataclass(frozen=True)
class Plot:
    """All of it."""

    dots: list[Dot]
    path: str
    """Through the best, as points of a polyline."""
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]


def plotted(tried: Sequence[Tried], size: Size) -> Plot | None:
    """Likeness across, the share of pictures that copy up; None where no two have a likeness."""
    rows = [
        (number, one, best)
        for number, (one, best) in enumerate(zip(tried, frontier(tried), strict=True), 1)
        if one.likeness is not None
    ]
    if len(rows) < 2:
        return None
    like = [one.likeness or 0.0 for _, one, _ in rows]
    left, right = min(0.0, *like), max(1.0, *like)
    top = max(0.1, *(one.reproduced.high or one.reproduced.value for _, one, _ in rows))

    def x(value: float) -> float:
        room = size.wide - size.left - 2 * EDGE
        return round(size.left + EDGE + (value - left) / (right - left) * room, 1)

    def y(value: float) -> float:
        return round(size.floor - value / top * (size.floor - EDGE), 1)

    dots = []
    for number, one, best in rows:
        share = one.reproduced
        ends = (share.value if end is None else end for end in (share.low, share.high))
        low, high = map(y, ends)
        now = number == len(tried)
        place = x(one.likeness or 0.0), y(share.value)
        dots.append(Dot(number, *place, low, high, best, bool(one.remedies), now))
    line = sorted((dot.x, dot.y) for dot in dots if dot.best)
    return Plot(
        dots=dots,
        path=" ".join(f"{across},{up}" for across, up in line),
        across=[(x(mark / 4), f"{mark / 4:.0%}") for mark in range(9) if left <= mark / 4 <= right],
        up=[(y(top * part / 4), f"{top * part / 4:.0%}") for part in range(5)],
    )
