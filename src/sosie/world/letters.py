"""The shapes of letters: families of hands, read from `hands.npz`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.world.model import Floats

_MISSING = -32768


def vector(*values: float) -> Floats:
    """Single-precision numbers, so that points and colours stay in single precision."""
    return np.array(values, np.float32)


@dataclass(frozen=True, eq=False)
class Glyph:
    """The closed outlines of one character, in x-heights, y upwards from the line."""

    points: Floats
    """(N, 2): all outlines one after the other."""
    starts: tuple[int, ...]
    """Where each outline begins in `points`; N closes the list."""
    advance: float
    """How far the pen moves on."""


@dataclass(frozen=True, eq=False)
class Family:
    """One way to shape all letters. Lengths are in x-heights; shapes are read when asked for."""

    name: str
    held_out: bool
    slant: float
    """Degrees to the right of upright."""
    stroke: float
    """Width of the common stroke."""
    hairline: float
    """Width of a thin stroke."""
    joined: bool
    """Whether the letters of a word touch each other."""

    @cached_property
    def glyphs(self) -> dict[str, Glyph]:
        t = _table()
        f = t.names.index(self.name)
        return dict(_glyphs(t, f, float(t.data["x_height"][f])))

    @cached_property
    def kern(self) -> dict[tuple[str, str], float]:
        """What some pairs add to the advance of their first letter."""
        t = _table()
        f = t.names.index(self.name)
        here = t.data["kern_family"] == f
        pairs = (t.data[key][here] for key in ("kern_left", "kern_right", "kern"))
        unit = float(t.data["x_height"][f])
        return {
            (t.chars[left], t.chars[right]): float(by) / unit
            for left, right, by in zip(*pairs, strict=True)
        }


class _Table:
    """The arrays of the file, and where each family begins in them."""

    def __init__(self) -> None:
        with np.load(Path(__file__).with_name("hands.npz")) as file:
            self.data: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
        self.names = tuple(self.data["names"].tolist())
        self.chars = str(self.data["chars"])
        ends = np.cumsum(self.data["contours"].astype(np.int64).ravel())
        self.first_outline = np.concatenate([[0], ends])
        steps = self.data["lengths"].astype(np.int64) - 1
        self.first_step = np.concatenate([[0], np.cumsum(steps)])


@cache
def _table() -> _Table:
    return _Table()


@cache
def clans(held_out: bool) -> tuple[tuple[str, ...], ...]:
    """The families that writers held out from training use, or those that the others use.

    Siblings, such as the forty hands that one foundry drew of the world's school copybooks, stand
    together, so that no clan has more writers than a family that stands alone.
    """
    t = _table()
    found: dict[int, list[str]] = {}
    for name, clan, out in zip(t.names, t.data["clan"], t.data["held_out"], strict=True):
        if bool(out) == held_out:
            found.setdefault(int(clan), []).append(name)
    return tuple(tuple(names) for names in found.values())


@cache
def family_names(held_out: bool) -> tuple[str, ...]:
    """All names in `clans`."""
    return tuple(name for names in clans(held_out) for name in names)


@cache
def family(name: str) -> Family:
    """The family of a name in `family_names`. Raises ValueError for any other."""
    t = _table()
    f = t.names.index(name)
    unit = float(t.data["x_height"][f])
    return Family(
        name=name,
        held_out=bool(t.data["held_out"][f]),
        slant=float(t.data["slant"][f]),
        stroke=float(t.data["stroke"][f]) / unit,
        hairline=float(t.data["hairline"][f]) / unit,
        joined=bool(t.data["joined"][f]),
    )


def _glyphs(t: _Table, f: int, unit: float) -> Iterator[tuple[str, Glyph]]:
    for c, character in enumerate(t.chars):
        advance = int(t.data["advance"][f, c])
        if advance == _MISSING:
            continue
        n = f * len(t.chars) + c
        outlines = range(int(t.first_outline[n]), int(t.first_outline[n + 1]))
        parts, starts = [np.zeros((0, 2), np.float32)], [0]
        for o in outlines:
            steps = t.data["steps"][t.first_step[o] : t.first_step[o + 1]]
            path = np.concatenate([t.data["starts"][o : o + 1], steps]).cumsum(0, np.int32)
            parts.append(path.astype(np.float32))
            starts.append(starts[-1] + len(path))
        yield (
            character,
            Glyph(np.concatenate(parts) / np.float32(unit), tuple(starts), advance / unit),
        )
