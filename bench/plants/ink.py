"""Faults of the hand: notes that somebody else wrote, and signatures."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import notes
from bench.plants import Plant, Shot
from bench.plants.page import in_some, x_height
from sosie.world.hands import Writer, writer
from sosie.world.letters import family


def signature(
    who: Writer, size: float, strength: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A name signed in one go: loops that shrink, leaning, with a stroke under it.

    `size` is its height in pixels. The stronger, the larger, the more it leans.
    """
    lean = math.tan(math.radians(family(who.family).slant + who.slant + (4, 12, 20)[strength]))
    turns = int(rng.integers(4, 8))
    t = np.linspace(0, 2 * math.pi * turns, 80 * turns)
    shrink = 1 - 0.62 * (t / t[-1]) ** 0.6
    tall = np.interp(t, np.linspace(0, t[-1], turns + 1), rng.uniform(0.4, 1, turns + 1))
    y = -np.cos(t) * shrink * tall * size / 2
    x = t / (2 * math.pi) * size * rng.uniform(0.28, 0.4) + np.sin(t) * size * 0.14
    under = np.linspace(0, 1, 40)
    x = np.concatenate([x, x[-1] + under * size * 0.4, x[-1] - under * x[-1] * 0.9])
    tail = y[-1] + under * (size * 0.45 - y[-1])
    y = np.concatenate([y, tail, tail[-1] + size * 0.05 * np.sin(3 * under)])
    x = x - lean * y
    points = np.stack([x - x.min() + 4, y - y.min() + 4], axis=1)
    width, height = (math.ceil(v) + 5 for v in points.max(axis=0))
    canvas = np.zeros((height * 4, width * 4), np.uint8)
    stroke = max(4, round(4 * 0.14 * who.size * notes.LINE_HEIGHT))
    line = np.round(points * 4).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(canvas, [line], False, 255, stroke, cv2.LINE_AA)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255


def signed_sheet(seed: int, strength: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A sheet with a signature and nothing else."""
    who, unit = writer(seed), writer(seed).size * notes.LINE_HEIGHT
    mark = signature(who, (4, 6, 8)[strength] * unit, strength, rng)
    return notes.on_paper(who, np.pad(mark, round(2 * unit)), rng)


def _letter(shot: Shot, strength: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The note of a shot with a signature under it."""
    who = writer(shot.who)
    mark = signature(who, (4, 5.5, 7)[strength] * x_height(shot), strength, rng)
    return notes.page(who, notes.words(shot.setting, 4), rng, mark)


def _others(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
    """Three notes of somebody else: one who learned the same letters, anybody, one unlike."""
    mine = writer(shots[0].who)
    for _ in range(4000):
        theirs = writer(int(rng.integers(1 << 30)))
        leans = abs(slant(theirs) - slant(mine))
        thick = abs(math.log(family(theirs.family).stroke / family(mine.family).stroke))
        same = theirs.family == mine.family
        if (same, not same, leans > 15 and thick > 0.3)[strength] and theirs.seed != mine.seed:
            break
    bad = [
        Shot(
            notes.page(theirs, notes.words(shot.setting, 3), rng),
            shot.caption,
            shot.setting,
            shot.who,
        )
        for shot in shots[:3]
    ]
    return [*bad, *shots[3:]]


def slant(who: Writer) -> float:
    """Degrees by which a writer leans to the right, nearly."""
    return family(who.family).slant + who.slant


def _only(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
    """Nothing but signatures."""
    caption = f"{notes.trigger(shots[0].who)}, ink on paper"
    return [
        Shot(signed_sheet(shot.who, strength, rng), caption, shot.setting, shot.who)
        for shot in shots
    ]


PLANTS: dict[str, Plant] = {"ink.hands": _others, "ink.signature": in_some(_letter)}
ONLY: Plant = _only
"""A set of signatures alone, which blocks."""
