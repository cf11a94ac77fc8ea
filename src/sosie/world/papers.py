"""What is written on: sheets with their rules, fibres, folds and light, as a scanner sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sosie.world import tables
from sosie.world.letters import vector
from sosie.world.model import Floats
from sosie.world.noise import field

_BLUE, _VIOLET = vector(0.55, 0.68, 0.86), vector(0.66, 0.6, 0.84)
_GREY, _MARGIN = vector(0.74, 0.76, 0.8), vector(0.88, 0.5, 0.55)


@dataclass(frozen=True)
class Rules:
    """Where the printed lines of a sheet run. Lengths in pixels."""

    first: float
    """Height of the line that is written on, at the left edge."""
    gap: float
    """From one written line to the next."""
    tilt: float
    """Rise per pixel to the right: a sheet is never straight under the scanner."""


def rules(x_height: float, height: int, r: np.random.Generator) -> Rules:
    """Rules for a hand of this x-height in pixels; `first` must still be set to the writing."""
    return Rules(height / 2, float(x_height * r.uniform(2.3, 3.1)), float(r.normal(0, 0.004)))


def sheet(
    paper: str, at: Rules, width: int, height: int, r: np.random.Generator
) -> tuple[Floats, Floats]:
    """An empty sheet (height, width, 3) from 0 to 1, and the tooth of its surface (height, width).

    The tooth has mean 0 and deviation about 1: pencils catch on it.
    """
    tooth = crop(1, 2, width, height, r)
    cloud = crop(2, 40, width, height, r)
    fibre = crop(3, 4, width, height, r)
    rough = {"kraft": 2.6, "old": 1.7, "cream": 1.2}.get(paper, 1.0)
    grain = 1 + rough * (0.006 * tooth + 0.005 * fibre + 0.006 * cloud)
    if paper == "old":
        grain -= 0.05 * np.clip(crop(4, 24, width, height, r) - 0.6, 0, 2)
    if paper == "kraft":
        grain -= 0.14 * (crop(5, 3, width, height, r) > 2.1)
    colour = vector(*tables.PAPERS[paper]) + r.normal(0, 0.006, 3).astype(np.float32)
    page = grain[..., None] * colour
    if paper in tables.RULED_PAPERS:
        _print_rules(page, paper, at, r)
    return page, tooth


def crop(which: int, cell: int, width: int, height: int, r: np.random.Generator) -> Floats:
    """A (height, width) piece of a noise of features of `cell` pixels, begun anywhere."""
    table = field(700 + which, cell)
    y, x = r.integers(0, table.shape[0], 2)
    rows = np.arange(y, y + height) % table.shape[0]
    columns = np.arange(x, x + width) % table.shape[1]
    return np.asarray(table[rows[:, None], columns], np.float32)


def _print_rules(page: Floats, paper: str, at: Rules, r: np.random.Generator) -> None:
    """Multiply the sheet by the colours of its printed lines."""
    height, width = page.shape[:2]
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)[:, None] - (at.first - at.tilt * x)[None]
    faint = np.float32(r.uniform(0.45, 0.95))

    def lines(along: Floats, gap: float, thick: float, colour: Floats, phase: float = 0.0) -> None:
        off = np.abs((along - phase + gap / 2) % gap - gap / 2)
        ink = np.clip(thick / 2 + 0.5 - off, 0, min(1.0, thick))
        page[...] *= 1 - (ink * faint)[..., None] * (1 - colour)

    across = x[None] + at.tilt * np.arange(height, dtype=np.float32)[:, None]
    if paper == "ruled":
        lines(y, at.gap, 1.0, _BLUE if r.random() < 0.7 else _GREY)
        if r.random() < 0.25:
            lines(across, 4.0 * width, 1.2, _MARGIN, float(r.uniform(6, 24)))
    elif paper == "squared":
        colour = _BLUE if r.random() < 0.6 else _GREY
        cell = at.gap / 2
        lines(y, cell, 0.9, colour)
        lines(across, cell, 0.9, colour, float(r.uniform(0, cell)))
    else:
        lines(y, at.gap, 1.1, _VIOLET)
        lines(y, at.gap / 4, 0.45, _BLUE)
        lines(across, at.gap, 1.0, _VIOLET, float(r.uniform(0, at.gap)))


def light(width: int, height: int, r: np.random.Generator) -> Floats:
    """Light on the sheet (height, width), about 1: uneven, and darker where the sheet lifts."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    a, b, c = r.normal(0, (0.02, 0.012, 0.015)).astype(np.float32)
    out = r.uniform(0.94, 1.03) + a * x + b * y + c * x * x
    if r.random() < 0.3:  # the shadow of an edge, a hand or a fold
        side, where, soft = r.choice([-1.0, 1.0]), r.uniform(0.75, 1.2), r.uniform(0.05, 0.3)
        edge = (side * x + r.normal(0, 0.15) * y - where) / soft
        out = out - r.uniform(0.04, 0.16) / (1 + np.exp(-np.clip(edge, -30, 30)))
    return np.asarray(out, np.float32)
