"""A written line: a text in a writer's hand, scanned, with everything about it known."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sosie.core.errors import BadInput
from sosie.world import tables
from sosie.world.hands import CannotWrite, Writer, glyph, hold_ends, wave
from sosie.world.inks import OVER, lay, stroke, swell
from sosie.world.letters import Family, Glyph, family, vector
from sosie.world.model import Floats
from sosie.world.papers import Rules, light, rules, sheet

__all__ = ["CannotWrite", "DoesNotFit", "Truth", "Written", "choose", "line"]

WORD, LINE = (256, 64), (512, 64)
"""Widths and heights in pixels of the pictures that the base model knows."""
CUT = (8.0, 40.0)
"""Where the ink begins in a line cut from a scan, and how far down the line stands, in pixels."""
MIN_X_HEIGHT = 5.0
"""Pixels; letters any smaller could not be read."""
NIB = 1.45
"""Usual stroke width of a ballpoint pen in pixels where letters are 13 pixels tall."""
_GAP, _WORD_GAP = 0.07, 0.55
"""X-heights left at least between letters that do not join, and between words."""
_FIXED = ("ink", "paper", "pen", "jitter")


class DoesNotFit(BadInput):
    """The text cannot be written legibly in a picture of this size."""


@dataclass(frozen=True)
class Truth:
    """All that is known about a written line. Lengths in pixels, y downwards."""

    writer: int
    """The seed of `hands.writer`."""
    text: str
    ink: str
    paper: str
    pen: str
    jitter: float
    """How unlike each other letters of a kind are; 0 is a typeface, 1 is usual."""
    slant: float
    """Mean lean of the letters in degrees; positive leans to the right."""
    x_height: float
    """Mean height of small letters such as x."""
    baseline: float
    """Height of the line that is written on, under the first character."""
    climb: float
    """Mean rise of that line in degrees; positive goes up."""
    boxes: tuple[tuple[int, int, int, int], ...]
    """Left, top, right, bottom of each character's ink, one for each of `text`, the last two one
    past the end; those of spaces have no height."""


@dataclass(frozen=True, eq=False)
class Written:
    """A scan of a line, and the truth about it."""

    picture: NDArray[np.uint8]
    """(height, width, 3)"""
    ink: NDArray[np.uint8]
    """(height, width): how much of each pixel the stroke covers, before the pen's own texture."""
    truth: Truth


@dataclass(frozen=True)
class _Placed:
    """A character where it stands: points in x-heights or pixels."""

    points: Floats
    starts: tuple[int, ...]


def choose(who: Writer, text: str, seed: int, **fixed: object) -> Truth:
    """Draw pen, ink and paper from the seed; what is given in `fixed` stays as given.

    `fixed` may name `ink`, `paper`, `pen` and `jitter`; None leaves one to the seed. What depends
    on the drawing itself is still 0. Raises TypeError for other names, BadInput for words that the
    tables of `tables.py` do not have.
    """
    unknown = set(fixed) - set(_FIXED)
    if unknown:
        raise TypeError(f"nothing to fix by the name of {', '.join(sorted(unknown))}")
    r = np.random.default_rng([who.seed, seed, 83])
    usual = r.random() < 0.7
    pen = str(fixed.get("pen") or (who.pen if usual else r.choice(list(tables.PENS))))
    drawn = who.ink if usual else str(r.choice(list(tables.INKS), p=tables.INK_SHARES))
    if pen == "pencil":
        drawn = "grey"
    elif drawn == "grey":
        drawn = "black"
    papers = list(tables.PAPERS)
    paper = str(r.choice(papers, p=[0.34, 0.22, 0.12, 0.08, 0.08, 0.06, 0.05, 0.05]))
    jitter = fixed.get("jitter")
    truth = Truth(
        writer=who.seed,
        text=text,
        ink=str(fixed.get("ink") or drawn),
        paper=str(fixed.get("paper") or paper),
        pen=pen,
        jitter=who.jitter if jitter is None else float(str(jitter)),
        slant=0.0,
        x_height=0.0,
        baseline=0.0,
        climb=0.0,
        boxes=(),
    )
    for name, table in (("ink", tables.INKS), ("paper", tables.PAPERS), ("pen", tables.PENS)):
        tables.check(name, getattr(truth, name), table)
    if truth.jitter < 0:
        raise BadInput(f"Jitter is not negative: {truth.jitter}.")
    return truth


def line(
    who: Writer,
    text: str,
    *,
    seed: int,
    width: int = LINE[0],
    height: int = LINE[1],
    begin: tuple[float, float] | None = None,
    **fixed: object,
) -> Written:
    """A line of text in a writer's hand: equal arguments, equal bytes.

    The text, with its accents composed (NFC), is made as large as the writer likes, or as small as
    the picture of `width` times `height` pixels asks; it is never cut. It stands anywhere on its
    paper; or as in a line cut from a scan, with its first ink and the line below at `begin`, (x, y)
    in pixels, in the size that the writer always likes. `fixed` is that of `choose`. Raises
    CannotWrite for a character that the hand lacks, DoesNotFit where letters would be under
    MIN_X_HEIGHT pixels or there is nothing to see, TypeError for an unknown name in `fixed`.
    """
    text = unicodedata.normalize("NFC", text)
    if not text.strip() or text != text.strip() or "\n" in text:
        raise DoesNotFit(
            f"{text!r} is not one line of text.", advice="Give words without spaces around them."
        )
    truth = choose(who, text, seed, **fixed)
    r = np.random.default_rng([who.seed, seed, 89, len(text), *text.encode()])
    shape = family(who.family)
    even = truth.paper in tables.RULED_PAPERS
    climb = who.climb * truth.jitter * (0.12 if even else 1.0)
    placed = _lay_out(who, text, truth.jitter, 0.35 if even else 1.0, r)
    x_height = (
        _size(who, placed, climb, width, height, r)
        if begin is None
        else min(who.size * height, _room_from(begin, placed, climb, width, height))
    )
    if x_height < MIN_X_HEIGHT:
        raise DoesNotFit(
            f"{len(text)} characters in {width} by {height} pixels would have letters of "
            f"{x_height:.1f} pixels, under {MIN_X_HEIGHT:g}.",
            advice="Write a shorter text or a wider picture.",
        )
    at = rules(x_height, height, r)
    tilt = at.tilt if even else 0.0
    rise = 0.0 if truth.jitter == 0 else float(np.tan(np.radians(climb))) + tilt
    if begin is None:
        x_height = min(x_height, _room_for(placed, rise, height))
    placed, x0, y0 = _on_sheet(placed, x_height, rise, width, height, begin, truth.jitter == 0, r)
    at = replace(at, first=y0 + at.tilt * x0)
    nib = _nib(who, truth.pen, x_height)
    drawn = (shape.stroke * x_height, shape.hairline * x_height)
    varied = swell(truth.pen, nib, who.pressure * min(truth.jitter, 1.5))
    letters, dots = _fill(placed, nib, 0.45 * x_height, width, height)
    cover = stroke(letters, dots, nib, drawn, varied, r)
    picture = _scan(cover, truth, who, at, r)
    return Written(
        picture,
        np.asarray(np.round(cover * 255), np.uint8),
        replace(
            truth,
            slant=_slant(shape, who),
            x_height=x_height,
            baseline=y0,
            climb=float(np.degrees(np.arctan(rise))),
            boxes=_boxes(placed, width, height),
        ),
    )


def _nib(who: Writer, pen: str, x_height: float) -> float:
    """Stroke width in pixels: a pen's own, little wider for large letters than for small ones."""
    size = float(np.clip(x_height / 13, 0.55, 1.5))
    return float(NIB * tables.PENS[pen] * who.nib * size**0.6)


def _slant(shape: Family, who: Writer) -> float:
    """Degrees to the right of upright: the family's lean, stretched, and the writer's own."""
    tangent = np.tan(np.radians(shape.slant)) * who.width + np.tan(np.radians(who.slant))
    return float(np.degrees(np.arctan(tangent)))


def _lay_out(
    who: Writer, text: str, jitter: float, wander: float, r: np.random.Generator
) -> list[_Placed]:
    """Characters along a line, in x-heights, y upwards from the line."""
    shape = family(who.family)
    phase = r.uniform(0, 2 * np.pi, 4)
    turns = r.uniform(0.25, 0.9, 2)
    placed, x = [], 0.0
    last: Floats | None = None
    for i, character in enumerate(text):
        g = glyph(who, character)
        p = _varied(g, shape, jitter, r) if len(g.points) else np.zeros((1, 2), np.float32)
        if last is not None and character != " ":
            least = _WORD_GAP + who.letter_spacing if text[i - 1] == " " else _GAP
            if text[i - 1] == " " or not shape.joined:
                x += max(0.0, least - _gap(last, p + vector(x, 0)))
        p = p + vector(x, 0)
        if jitter > 0:
            # The line, and the letters' lean, wander slowly: joined letters stay joined.
            wave_y = np.sin(turns[0] * p[:, 0] + phase[0]) + np.sin(turns[1] * p[:, 0] + phase[1])
            lean = 0.035 * np.sin(0.5 * turns[0] * p[:, 0] + phase[2])
            p[:, 0] += (jitter * lean * p[:, 1]).astype(np.float32)
            p[:, 1] += (jitter * wander * who.drift * wave_y).astype(np.float32)
        placed.append(_Placed(p.astype(np.float32), g.starts))
        last = last if character == " " else placed[-1].points
        pair = shape.kern.get((character, text[i + 1]), 0.0) if i + 1 < len(text) else 0.0
        x += g.advance + pair * who.width
        if not shape.joined or character == " ":
            x += float(jitter * r.normal(0, 0.12 if character == " " else 0.035))
    return placed


def _gap(left: Floats, right: Floats) -> float:
    """X-heights between two letters, where small letters stand."""
    a, b = (p[(p[:, 1] > -0.05) & (p[:, 1] < 1.05), 0] for p in (left, right))
    return float(b.min() - a.max()) if len(a) > 2 and len(b) > 2 else np.inf


def _varied(g: Glyph, shape: Family, jitter: float, r: np.random.Generator) -> Floats:
    """The points of a letter as it comes out this time."""
    dx, dy, wide, tall, turn, shear = r.normal(0, (0.02, 0.035, 0.035, 0.045, 0.022, 0.03))
    waved = wave(g.points, r, 0.028 * jitter)
    if jitter == 0:
        return g.points
    if shape.joined:
        p = g.points
        moved = waved - p + p * vector(0, 1.3 * tall * jitter)
        moved[:, 0] += p[:, 1] * np.float32(shear * jitter)
        return np.asarray(p + hold_ends(p, g.advance)[:, None] * moved, np.float32)
    middle = vector(g.advance / 2, 0.5)
    p = (waved - middle) * vector(1 + wide * jitter, 1 + tall * jitter)
    x = p[:, 0] + p[:, 1] * np.float32((shear - turn) * jitter)
    y = p[:, 1] + p[:, 0] * np.float32(turn * jitter)
    return np.asarray(np.stack([x, y], 1) + middle + vector(dx * jitter, dy * jitter), np.float32)


def _margin(height: int) -> float:
    """Pixels left free all around: a stroke may grow over its outline, and blur."""
    return 2.0 + height / 32


def _size(
    who: Writer,
    placed: list[_Placed],
    climb: float,
    width: int,
    height: int,
    r: np.random.Generator,
) -> float:
    """The x-height in pixels: what the writer likes today, or what fits."""
    x, y = _reach(placed, climb)
    free = np.array([width, height]) - 2 * _margin(height)
    room = free / np.maximum([np.ptp(x), np.ptp(y)], 1e-3)
    return float(min(who.size * height * np.exp(r.normal(0, 0.05)), *room))


def _room_for(placed: list[_Placed], rise: float, height: int) -> float:
    """The largest x-height in pixels with which a line that rises so is no higher than its sheet:
    one that rises less than `_reach` allows for may have low letters farther down."""
    p = np.concatenate([q.points for q in placed])
    return float((height - 2 * _margin(height)) / max(np.ptp(p[:, 1] + rise * p[:, 0]), 1e-3))


def _reach(placed: list[_Placed], climb: float) -> tuple[Floats, Floats]:
    """All points, in x-heights, y upwards from where the line begins, as far as it may rise."""
    p = np.concatenate([q.points for q in placed])
    return p[:, 0], p[:, 1] + p[:, 0] * np.tan(np.radians(abs(climb) + 0.5)) * np.sign(climb or 1)


def _room_from(
    begin: tuple[float, float], placed: list[_Placed], climb: float, width: int, height: int
) -> float:
    """The largest x-height in pixels with which a line begun there stays on its picture."""
    x, y = _reach(placed, climb)
    margin = _margin(height)
    free = np.array([width - begin[0], begin[1], height - begin[1]]) - margin
    return float(np.min(free / np.maximum([np.ptp(x), y.max(), -y.min()], 1e-3)))


def _on_sheet(
    placed: list[_Placed],
    x_height: float,
    rise: float,
    width: int,
    height: int,
    begin: tuple[float, float] | None,
    snap: bool,
    r: np.random.Generator,
) -> tuple[list[_Placed], float, float]:
    """Characters in pixels, y downwards; and where the line begins, its first ink at `begin`.

    With `snap` every character begins at a whole pixel, so that equal ones fill equal pixels.
    """
    pixels = []
    for q in placed:
        p = q.points * np.float32(x_height)
        pixels.append(np.stack([p[:, 0], -p[:, 1] - rise * p[:, 0]], 1))
    everything = np.concatenate(pixels)
    low, high = everything.min(0), everything.max(0)
    margin = _margin(height)
    free = np.maximum(np.array([width, height]) - 2 * margin - (high - low), 0)
    # Notes begin at the left, more or less; a line stands near the middle of its strip.
    where = np.array([r.beta(0.9, 2.2), r.beta(3, 3)]) * free + margin - low
    if begin is not None:
        where = np.array([begin[0] - low[0], begin[1]])
    out = []
    for q, p in zip(placed, pixels, strict=True):
        moved = p + where
        if snap:
            shape = np.round((p - p[0]) * 4096) / 4096  # the same wherever the letter stands
            moved = np.round(moved[0]) + shape
        out.append(_Placed(moved.astype(np.float32), q.starts))
    return out, float(where[0]), float(where[1])


def _fill(
    placed: list[_Placed], nib: float, small: float, width: int, height: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """255 inside the letters, and inside their dots alone, (height x OVER, width x OVER) each.

    A dot is an outline of less than `small` pixels; none is smaller than the pen's `nib`.
    """
    import cv2

    letters = np.zeros((height * OVER, width * OVER), np.uint8)
    dots = np.zeros_like(letters)
    for q in placed:
        outlines = [q.points[a:b] for a, b in pairwise(q.starts)]
        low = [o.min(0) for o in outlines]
        size = [o.max(0) - a for o, a in zip(outlines, low, strict=True)]
        for i, o in enumerate(outlines):
            if size[i].max() < small and not _hole(i, low, size):
                grown = np.maximum(1.1 * nib / np.maximum(size[i], 0.1), 1)
                outlines[i] = (o - low[i] - size[i] / 2) * grown + low[i] + size[i] / 2
                cv2.fillPoly(dots, [_fixed(outlines[i])], 255, cv2.LINE_8, 4)
        if outlines:
            cv2.fillPoly(letters, [_fixed(o) for o in outlines], 255, cv2.LINE_8, 4)
    return letters, dots


def _fixed(p: Floats) -> NDArray[np.int32]:
    """Pixels as OpenCV counts them: from the middle of a pixel, in sixteenths."""
    return np.round((p * OVER - 0.5) * 16).astype(np.int32)


def _hole(i: int, low: list[Floats], size: list[Floats]) -> bool:
    """Whether another outline lies around outline `i`, as around the hole of an e."""
    return any(
        j != i and (low[j] <= low[i]).all() and (low[j] + size[j] >= low[i] + size[i]).all()
        for j in range(len(low))
    )


def _boxes(placed: list[_Placed], width: int, height: int) -> tuple[tuple[int, int, int, int], ...]:
    boxes = []
    for q in placed:
        low, high = np.floor(q.points.min(0)).astype(int), np.ceil(q.points.max(0)).astype(int)
        if len(q.starts) < 2:
            high = low
        boxes.append((int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    return tuple(boxes)


def _scan(
    cover: Floats, truth: Truth, who: Writer, at: Rules, r: np.random.Generator
) -> NDArray[np.uint8]:
    """The sheet with its ink, as a scanner or a telephone sees it, (H, W, 3)."""
    import cv2

    height, width = cover.shape
    page, tooth = sheet(truth.paper, at, width, height, r)
    taken = lay(cover, truth.pen, who.pressure * min(truth.jitter, 1.5), tooth, r)
    colour = vector(*tables.INKS[truth.ink]) + r.normal(0, 0.02, 3).astype(np.float32)
    page *= 1 - taken[..., None] * (1 - np.clip(colour, 0.02, 1))
    page *= light(width, height, r)[..., None]
    soft = float(r.uniform(0.25, 0.45))
    page = np.asarray(cv2.GaussianBlur(page, (0, 0), soft), np.float32)
    noise = r.standard_normal((height, width), np.float32) * np.float32(r.uniform(0.003, 0.011))
    page += noise[..., None]
    page *= vector(1, 1, 1) + r.normal(0, 0.008, 3).astype(np.float32)
    return np.asarray(np.clip(page * 255 + 0.5, 0, 255), np.uint8)


def as_dict(truth: Truth) -> dict[str, object]:
    """The truth as plain values, ready for JSON."""
    return {f.name: getattr(truth, f.name) for f in fields(truth)}
