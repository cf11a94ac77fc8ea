"""Faults of what captions say is written."""

from __future__ import annotations

import re

import numpy as np

from bench.plants import Plant, Shot
from sosie.core.quoted import quoted


def _missing(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
    """Captions that say nothing of the text: in one note, in three, in half."""
    count = (1, 3, len(shots) // 2)[strength]
    bare = [
        Shot(shot.rgb, re.sub(r' that reads ".+"', "", shot.caption), shot.setting, shot.who)
        for shot in shots[:count]
    ]
    return [*bare, *shots[count:]]


def _coverage(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
    """A text without one rare letter, without several, without digits as well."""
    gone = ("q", "qzjx", "qzjxvkw0123456789?!")[strength]
    table = str.maketrans(dict.fromkeys(gone + gone.upper(), "n"))
    return [Shot(shot.rgb, shot.caption.translate(table), shot.setting, shot.who) for shot in shots]


def _mismatch(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
    """The transcript of another note, for half of the text, for all of it, in three notes."""
    changed = []
    for number, shot in enumerate(shots[:3]):
        other = quoted(shots[number + 3].caption).split()
        mine = quoted(shot.caption).split()
        half = len(mine) // 2
        text = (mine[:half] + other[half:], other, other[::-1])[strength]
        caption = shot.caption.replace(quoted(shot.caption), " ".join(text))
        changed.append(Shot(shot.rgb, caption, shot.setting, shot.who))
    return [*changed, *shots[3:]]


PLANTS: dict[str, Plant] = {
    "transcript.missing": _missing,
    "transcript.mismatch": _mismatch,
    "transcript.coverage": _coverage,
}
