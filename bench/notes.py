"""Sets of handwriting to plant faults in: pages and lines by the world's writers."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.plants import Shot
from sosie.world import papers, tables
from sosie.world.hands import Writer, writer
from sosie.world.inks import lay
from sosie.world.letters import vector
from sosie.world.writing import Truth, choose
from sosie.world.writing import line as written

Floats = NDArray[np.float32]

SENTENCES = (
    "The quick brown fox jumps over a lazy dog, then sits.",
    "Pack my box with five dozen liquor jugs: 12, 34, 56?",
    "Dear Anna, we arrived on the 7th and it is warm here.",
    'He said "come in!" and she went; nothing else was said.',
    "Sphinx of black quartz, judge my vow (or at least try).",
    "Thank you for the letter; I read it on the train at 9:08.",
    "How vexingly quick daft zebras jump! We were there in May.",
    "It's raining again - the garden needs it, and so do I.",
    "Meet me near the station at 10:45, under the old clock.",
    "Other things are at hand: bread, tea, and 23 oranges to eat.",
    "Is anyone at home? The door was open, the heater on.",
    "We then entered the inner tent, as her note had said.",
)
"""Together they hold every letter, digit, usual mark and common pair."""
LINE_HEIGHT = 90
"""Pixels in which a line is written: small letters are then 15 to 27 pixels tall."""


def line(who: Writer, text: str, rng: np.random.Generator) -> tuple[Floats, Truth]:
    """The cover of one line's ink, in [0, 1], cut close at left and right; and its truth."""
    done = written(
        who,
        text,
        seed=int(rng.integers(1 << 30)),
        width=120 + 34 * len(text),
        height=LINE_HEIGHT,
        paper="plain",
    )
    used = np.flatnonzero(done.ink.max(axis=0) > 80)
    return done.ink[:, used[0] : used[-1] + 1].astype(np.float32) / 255, done.truth


def page(
    who: Writer, lines: list[str], rng: np.random.Generator, under: Floats | None = None
) -> NDArray[np.uint8]:
    """A sheet with these lines, and under them, at the right, what else is drawn there.

    A line that comes again is the same ink again.
    """
    once = {text: line(who, text, rng) for text in dict.fromkeys(lines)}
    masks, truths = zip(*(once[text] for text in lines), strict=True)
    x_height = float(np.median([truth.x_height for truth in truths]))
    # Lines keep clear of each other however long this hand's stems and tails are.
    tall = max(float(np.ptp(np.flatnonzero(mask.max(axis=1) > 0.3))) for mask in masks)
    side, step = round(2.5 * x_height), round(max(x_height * rng.uniform(2.7, 3.4), 0.85 * tall))
    width = max(mask.shape[1] for mask in masks) + 3 * side
    height = step * (len(lines) - 1) + LINE_HEIGHT + 2 * side
    if under is not None:
        width = max(width, under.shape[1] + 3 * side)
        height += under.shape[0] + side
    # A sheet of the usual proportions, so that nothing of it is lost to a training crop.
    width, height = max(width, height * 3 // 4), max(height, width * 9 // 16 + 1)
    cover = np.zeros((height, width), np.float32)
    first = side + float(truths[0].baseline)
    for number, (mask, truth) in enumerate(zip(masks, truths, strict=True)):
        top = max(0, round(first + number * step - truth.baseline))
        left = side + int(rng.integers(0, side))
        part = cover[top : top + mask.shape[0], left : left + mask.shape[1]]
        np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)
    if under is not None:
        top, left = height - side - under.shape[0], width - side - under.shape[1]
        cover[top : top + under.shape[0], left : left + under.shape[1]] = under
    return on_paper(who, cover, rng, first, step)


def on_paper(
    who: Writer,
    cover: Floats,
    rng: np.random.Generator,
    first: float = 0.0,
    step: float = 60.0,
) -> NDArray[np.uint8]:
    """Ink on a sheet of the world's, with its rules, light, blur and grain."""
    height, width = cover.shape
    chosen = choose(who, "x", int(rng.integers(1 << 30)))
    rules = papers.Rules(first, step, float(rng.normal(0, 0.004)))
    sheet, tooth = papers.sheet(chosen.paper, rules, width, height, rng)
    taken = lay(cover, chosen.pen, who.pressure * min(chosen.jitter, 1.5), tooth, rng)
    sheet *= 1 - taken[..., None] * (1 - vector(*tables.INKS[chosen.ink]))
    sheet *= papers.light(width, height, rng)[..., None]
    sheet = np.asarray(cv2.GaussianBlur(sheet, (0, 0), 0.5), np.float32)
    sheet += rng.standard_normal((height, width, 1)).astype(np.float32) * 0.007
    return np.asarray(np.clip(sheet * 255 + 0.5, 0, 255), np.uint8)


def shots(seed: int, count: int = 15, lines: int = 4) -> list[Shot]:
    """A good set of one writer, with all that a dictated passage should hold."""
    return [shot(seed, number, lines) for number in range(count)]


def shot(seed: int, number: int, lines: int = 4) -> Shot:
    """One page of a writer."""
    rng = np.random.default_rng([12, seed, number])
    said = words(number, lines)
    caption = f'a note by {trigger(seed)} that reads "{" ".join(said)}"'
    return Shot(page(writer(seed), said, rng), caption, number, seed)


def strip(seed: int, number: int) -> Shot:
    """One line of a writer in a picture of the shape that the base knows."""
    text = " ".join(words(number, 1)[0].split()[:5])
    caption = f'a note by {trigger(seed)} that reads "{text}"'
    return Shot(written(writer(seed), text, seed=number).picture, caption, number, seed)


def trigger(seed: int) -> str:
    """The word that stands for a writer."""
    return f"hand{seed}"


def words(number: int, lines: int) -> list[str]:
    """What the note of a number says: all sentences come in turn."""
    text = " ".join(SENTENCES[(2 * number + i) % len(SENTENCES)] for i in range(2)).split()
    share = math.ceil(len(text) / lines)
    return [" ".join(text[i : i + share]) for i in range(0, len(text), share)]
