"""Faults of the hand: notes that somebody else wrote, and signatures."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot, notes
from bench.plants.page import in_some


def signature(
    who: notes.Hand, size: float, strength: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A name signed in one go: loops that shrink, leaning, with a stroke under it.

    `size` is its height in pixels. The stronger, the larger, the more it leans.
    """
    lean = math.tan(math.radians(who.slant + (4, 12, 20)[strength]))
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
    stroke = max(4, round(4 * (0.12 + who.stroke) * who.x_height))
    line = np.round(points * 4).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(canvas, [line], False, 255, stroke, cv2.LINE_AA)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255


def signed_sheet(seed: int, strength: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A sheet with a signature and nothing else."""
    who = notes.hand(seed)
    mark = signature(who, (4, 6, 8)[strength] * who.x_height, strength, rng)
    room = round(2 * who.x_height)
    return notes.on_paper(who, np.pad(mark, room), rng, [])


def letter(shot: Shot, strength: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The note of a shot with a signature under it."""
    who = notes.hand(shot.who)
    said = notes.words(shot.setting, 4)
    written = [notes.line(who, text, rng) for text in said]
    mark = signature(who, (4, 5.5, 7)[strength] * who.x_height, strength, rng)
    step, side = round(who.line_gap * who.x_height), round(2.2 * who.x_height)
    width = max(*(mask.shape[1] for mask, _ in written), mark.shape[1] + side) + 2 * side
    top = side + len(said) * step + round(2.2 * who.x_height)
    covered = np.zeros((top + mark.shape[0] + side, width), np.float32)
    for number, (mask, _) in enumerate(written):
        part = covered[side + number * step :][: mask.shape[0], side : side + mask.shape[1]]
        np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)
    left = width - side - mark.shape[1]
    covered[top : top + mark.shape[0], left : left + mark.shape[1]] = mark
    return notes.on_paper(who, covered, rng, [])


def _others(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
    """Three notes of somebody else: one much like the writer, anybody, one unlike."""
    mine = notes.hand(shots[0].who)
    theirs = notes.hand(shots[0].who + 1000 + int(rng.integers(500)))
    if strength == 0:
        theirs = replace(
            mine,
            slant=(mine.slant + theirs.slant) / 2,
            wide=(mine.wide + theirs.wide) / 2,
            stroke=(mine.stroke + theirs.stroke) / 2,
            letter_gap=(mine.letter_gap + theirs.letter_gap) / 2,
            word_gap=(mine.word_gap + theirs.word_gap) / 2,
        )
    elif strength == 2:
        theirs = replace(
            theirs,
            slant=mine.slant + (25 if mine.slant < 11 else -25),
            stroke=0.09 if mine.stroke < 0.045 else 0.0,
            word_gap=1.5 if mine.word_gap < 1.1 else 0.7,
        )
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


def _only(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
    """Nothing but signatures."""
    caption = f"{notes.hand_word(shots[0].who)}, ink on paper"
    return [
        Shot(signed_sheet(shot.who, strength, rng), caption, shot.setting, shot.who)
        for shot in shots
    ]


PLANTS: dict[str, Plant] = {"ink.hands": _others, "ink.signature": in_some(letter)}
ONLY: Plant = _only
"""A set of signatures alone, which blocks."""
