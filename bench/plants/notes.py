"""Notes to plant faults in: pages of a made-up hand, with known text, slant and size.

The letters are those of the typeface that Pillow carries, made uneven: each one shifted, turned and
bent a little, so that no two are equal. A hand is a number; two hands differ in slant, width,
stroke, spacing and ink.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.plants import Shot

Mask = NDArray[np.float32]
"""How much of each pixel is covered by ink, in [0, 1]."""

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
    "Other things are on hand: bread, tea, and 23 oranges.",
    "Is anyone at home? The door was open, the heater on.",
    "We then entered the inner tent, as her note had said.",
)
INKS = ((38, 40, 48), (30, 46, 110), (62, 44, 34), (24, 24, 28))
PAPERS = ((250, 249, 246), (244, 238, 224), (238, 240, 242), (252, 250, 240))
_OVER = 2
"""Letters are drawn so many times larger, then shrunk."""


@dataclass(frozen=True)
class Hand:
    """How somebody writes. Lengths are in x-heights."""

    slant: float
    """Degrees from upright, to the right."""
    x_height: float
    """Pixels."""
    wide: float
    """Width of letters over the typeface's."""
    stroke: float
    """What is added around the typeface's thin stroke."""
    letter_gap: float
    word_gap: float
    line_gap: float
    uneven: float
    ink: tuple[int, int, int]
    paper: tuple[int, int, int]
    ruled: bool


@cache
def hand(seed: int) -> Hand:
    """The hand of a number."""
    rng = np.random.default_rng([11, seed])
    return Hand(
        slant=float(rng.uniform(-8, 30)),
        x_height=float(rng.uniform(15, 24)),
        wide=float(rng.uniform(0.8, 1.2)),
        stroke=float(rng.uniform(0, 0.09)),
        letter_gap=float(rng.uniform(0, 0.3)),
        word_gap=float(rng.uniform(0.7, 1.5)),
        line_gap=float(rng.uniform(2.6, 3.6)),
        uneven=float(rng.uniform(0.03, 0.07)),
        ink=INKS[int(rng.integers(len(INKS)))],
        paper=PAPERS[int(rng.integers(len(PAPERS)))],
        ruled=bool(rng.random() < 0.3),
    )


def line(who: Hand, text: str, rng: np.random.Generator) -> tuple[Mask, float]:
    """One line of writing and the row of its baseline in it."""
    unit = who.x_height * _OVER
    font: Any = ImageFont.load_default(unit / 0.52)
    stroke = round(who.stroke * unit)
    height, base = round(4.4 * unit), 2.6 * unit
    canvas = Image.new("L", (round(unit * (2 + 1.6 * len(text))), height))
    draw, x = ImageDraw.Draw(canvas), unit
    wander = 0.0
    for letter in text:
        if letter == " ":
            x += unit * (who.word_gap + rng.normal(0, 0.12))
            continue
        wander = 0.8 * wander + float(rng.normal(0, who.uneven * unit))
        draw.text((x, base + wander), letter, fill=255, font=font, anchor="ls", stroke_width=stroke)
        x += font.getlength(letter) + unit * (who.letter_gap + rng.normal(0, 0.05))
    mask = np.asarray(canvas, np.float32)[:, : math.ceil(x + unit)] / 255
    lean = math.tan(math.radians(who.slant + rng.normal(0, 0.8)))
    width = round(mask.shape[1] * who.wide + abs(lean) * height)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    bend = [who.uneven * unit * _smooth(rng, (height, width), unit) for _ in range(2)]
    shift = max(0.0, -lean) * base - max(0.0, lean) * (height - base)
    across = (columns + shift + lean * (rows - base)) / who.wide
    bent = cv2.remap(mask, across + bend[0], rows + bend[1], cv2.INTER_LINEAR)
    small = cv2.resize(bent, (width // _OVER, height // _OVER), interpolation=cv2.INTER_AREA)
    used = np.flatnonzero(small.max(axis=0) > 0.3)
    return small[:, used[0] : used[-1] + 1], base / _OVER


def page(
    who: Hand, lines: list[str], rng: np.random.Generator, *, tilt: float | None = None
) -> NDArray[np.uint8]:
    """A sheet with these lines, as a decent scanner or telephone sees it."""
    written = [line(who, text, rng) for text in lines]
    step, side = who.line_gap * who.x_height, round(2.2 * who.x_height)
    width = max(mask.shape[1] for mask, _ in written) + 2 * side
    height = round(step * (len(lines) - 1) + 5.2 * who.x_height) + 2 * side
    # A sheet of the usual proportions, so that nothing of it is lost to a training crop.
    width, height = max(width, height * 3 // 4), max(height, width * 9 // 16 + 1)
    covered = np.zeros((height, width), np.float32)
    baselines = []
    for number, (mask, base) in enumerate(written):
        top = round(side + 2.6 * who.x_height + number * step - base)
        baselines.append(top + base)
        left = side + int(rng.integers(0, max(1, round(0.6 * who.x_height))))
        rows = slice(max(0, top), min(height, top + mask.shape[0]))
        part = covered[rows, left : left + mask.shape[1]]
        np.maximum(part, mask[rows.start - top :][: part.shape[0], : part.shape[1]], out=part)
    covered = _turned(covered, float(rng.normal(0, 0.5)) if tilt is None else tilt)
    return on_paper(who, covered, rng, baselines)


def on_paper(
    who: Hand, covered: Mask, rng: np.random.Generator, baselines: list[float]
) -> NDArray[np.uint8]:
    """Ink on its sheet, with the sheet's grain, a little light and a little blur."""
    height, width = covered.shape
    sheet = np.ones((height, width, 3), np.float32) * np.array(who.paper, np.float32)
    if who.ruled:
        for row in baselines:
            sheet[max(0, round(row)) : round(row) + 1] *= (0.82, 0.88, 0.95)
    slope = rng.uniform(-0.05, 0.05, 2)
    ys, xs = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    grain = _smooth(rng, (height, width), 3)
    sheet *= (0.97 + slope[0] * ys + slope[1] * xs + 0.02 * grain)[..., None].astype(np.float32)
    depth = covered[..., None] * rng.uniform(0.88, 0.96)
    seen = sheet * (1 - depth) + np.array(who.ink, np.float32) * depth
    seen += rng.normal(0, 1.5, (height, width, 1))
    return np.clip(cv2.GaussianBlur(seen, (0, 0), 0.6), 0, 255).astype(np.uint8)


def shots(seed: int, count: int = 15, lines: int = 4) -> list[Shot]:
    """A good set of one hand, with all that a dictated passage should hold."""
    who = hand(seed)
    return [shot(who, seed, number, lines) for number in range(count)]


def shot(who: Hand, seed: int, number: int, lines: int = 4) -> Shot:
    """One note of a hand."""
    rng = np.random.default_rng([12, seed, number])
    said = words(number, lines)
    caption = f'{hand_word(seed)}, "{" ".join(said)}", ink on paper'
    return Shot(page(who, said, rng), caption, number, seed)


def hand_word(seed: int) -> str:
    """The trigger word of a hand."""
    return f"hand{seed}"


def words(number: int, lines: int) -> list[str]:
    """What the note of a number says: all sentences come in turn."""
    text = " ".join(SENTENCES[(2 * number + i) % len(SENTENCES)] for i in range(2)).split()
    share = math.ceil(len(text) / lines)
    return [" ".join(text[i : i + share]) for i in range(0, len(text), share)]


def _smooth(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Mask:
    """Noise of about unit strength that changes over `grain` pixels."""
    height, width = shape
    coarse = rng.standard_normal((math.ceil(height / grain) + 1, math.ceil(width / grain) + 1))
    fine = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float32)


def _turned(covered: Mask, degrees: float) -> Mask:
    height, width = covered.shape
    around = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(covered, around, (width, height)), np.float32)
