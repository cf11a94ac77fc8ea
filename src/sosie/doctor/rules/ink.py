"""The hand itself: whether one person wrote the set, and whether a signature stands in it.

Both are read from the shape of the ink alone. A hand is described by figures that do not depend on
the size of the scan: slant, and lengths in x-heights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sosie.core.quoted import quoted
from sosie.core.records import Box, Record
from sosie.doctor.lines import Line
from sosie.doctor.records import Finding, NotExamined
from sosie.doctor.rule import Case, Family, Rule, Unread
from sosie.doctor.view import View
from sosie.doctor.writing import Writing

NO_LINE = "no line of writing was found"
SPREAD = {"slant": 3.0, "stroke": 0.022, "pitch": 0.11, "rise": 0.18, "word_gap": 0.112}
"""By how much one hand's notes differ from its median, in each figure's unit: twice what 50 drawn
writers show, because living hands vary more. A set that varies less is judged by this, so that an
even hand is not punished."""
TURNS = 0.12
"""The same for `directions`: the sum of differences over all bins, three times what is usual."""
WEIGHT = 2.0
"""What the directions of strokes count beside each other figure: they tell writers apart best."""
OTHER = 1.5
"""Distance from the set's hand, in spreads, of a note that another hand may have written: of drawn
sets of one hand, 1 in 30 has a note so far away."""
FEWEST = 5
"""Notes from which on a set has a hand of its own."""
LARGE = 1.4
"""Height of a signature over that of the lines above it; a last line of one joined word reaches
1.36 (36 drawn notes)."""
TALLEST = 5
"""How many things on a page are taken for a signature by turns."""
ALONE = 0.6
"""Share of the ink beside it that a signature has: words beside it would be a line of writing."""
JOINED = 0.45
"""Share of its line's length that the longest joined stroke of a lone signature has."""
THIN = 0.06
"""Width of the pen over the height of a lone signature: in words of two lengths it is a twelfth."""
THINNER = 0.045
"""The same where a name was typed for it."""
SPOKEN = 3
"""Words from which on a note is more than a name."""


class Reading(Record):
    """How a note is written. Lengths are in x-heights of the note."""

    lines: int
    words: int
    """Words in all lines, by their gaps."""
    slant: float
    """Degrees by which upright strokes lean to the right."""
    stroke: float
    """Width of strokes."""
    pitch: float
    """Strokes met along one x-height of a line's middle."""
    rise: float
    """How far letters reach above the small ones."""
    word_gap: float | None
    """Usual gap between words; None where there is none."""
    directions: tuple[float, ...]
    """`Writing.directions`."""
    pen: float
    """Width of strokes over the height of the tallest line."""
    joined: float
    """Longest joined stroke of the tallest line, over the length of that line."""
    signed: Box | None
    """A line that looks like a signature under a letter, in pixels of the stored picture."""


def _measure(view: View) -> Record:
    writing = view.writing
    lines = () if writing.blank else writing.lines
    if not lines or writing.x_height is None or writing.slant is None:
        return Unread(reason=NO_LINE)
    unit, ink = writing.x_height, writing.level_ink
    gaps = [gap for line in lines for gap in _gaps(ink, line, writing.slant)]
    tallest = max(lines, key=lambda line: line.bottom - line.top)
    signed = _signed(writing)
    return Reading(
        lines=len(lines),
        words=len(gaps) + len(lines),
        slant=writing.slant,
        stroke=round(writing.stroke / unit, 4),
        pitch=round(_pitch(ink, lines), 3),
        rise=round(float(np.median([line.core_top - line.top for line in lines])) / unit, 3),
        word_gap=round(float(np.median(gaps)) / unit, 3) if gaps else None,
        directions=writing.directions,
        pen=round(writing.stroke / (tallest.bottom - tallest.top), 4),
        joined=round(_joined(ink, tallest), 3),
        signed=None if signed is None else _stored(writing, signed),
    )


FAMILY = Family("ink", 2, Reading, _measure)


def _gaps(ink: NDArray[np.bool_], line: Line, slant: float) -> list[int]:
    """Lengths in pixels of the gaps between words of a line, made upright."""
    rows, columns = np.nonzero(ink[line.top : line.bottom, line.left : line.right])
    rise = (line.core_bottom - line.top) - rows
    upright = np.floor(columns - math.tan(math.radians(slant)) * rise).astype(int)
    used = np.unique(upright)
    steps = np.diff(used) - 1
    return [int(step) for step in steps if step > 0.55 * line.x_height]


def _pitch(ink: NDArray[np.bool_], lines: Sequence[Line]) -> float:
    """Strokes for each x-height of line, where words stand."""
    strokes = length = 0.0
    for line in lines:
        fifth = max(1, line.x_height // 5)
        middle = ink[line.core_top + fifth : line.core_bottom - fifth, line.left : line.right]
        if not middle.size:
            continue
        begins = (middle[:, 1:] & ~middle[:, :-1]).sum(axis=1)
        strokes += float(begins.mean())
        used = np.flatnonzero(middle.any(axis=0))
        steps = np.diff(used)
        length += float(steps[steps < 0.55 * line.x_height].sum()) / line.x_height
    return strokes / length if length else 0.0


def _joined(ink: NDArray[np.bool_], line: Line) -> float:
    """The longest joined stroke of a line over the line's length."""
    import cv2

    part = ink[line.top : line.bottom, line.left : line.right].astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    longest = max((int(entry[cv2.CC_STAT_WIDTH]) for entry in stats[1:]), default=0)
    return longest / max(1, line.right - line.left)


def _signed(writing: Writing) -> Box | None:
    """Something joined under the lines of a letter, much taller than they are, with no word beside.

    In pixels of the level picture.
    """
    import cv2

    if len(writing.lines) < 3:
        return None
    ink = writing.level_ink
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    # The tallest first: letters of two lines that touch are tall too, but stand among others.
    tallest = np.argsort(-stats[1:, cv2.CC_STAT_HEIGHT])[:TALLEST] + 1
    for left, top, width, height, area in stats[tallest].tolist():
        above = [line for line in writing.lines if line.core_bottom <= top]
        below = [line for line in writing.lines if line.core_top >= top + height]
        beside = float(ink[top : top + height].sum())
        if len(above) < 2 or below or area < ALONE * beside:
            continue
        usual = float(np.median([line.bottom - line.top for line in above]))
        # Upright strokes that hang down, such as a drawn margin, are tall as well.
        if height >= LARGE * usual and width >= height / 2:
            return Box(left=left, top=top, right=left + width, bottom=top + height)
    return None


def _stored(writing: Writing, box: Box) -> Box:
    """Where a box of the level picture lies on the stored one, with its corners inside."""
    height, width = writing.ink.shape
    turn = math.radians(writing.skew or 0.0)
    corners = []
    for x in (box.left, box.right):
        for y in (box.top, box.bottom):
            across, down = x - width / 2, y - height / 2
            corners.append(
                (
                    across * math.cos(turn) + down * math.sin(turn) + width / 2,
                    -across * math.sin(turn) + down * math.cos(turn) + height / 2,
                )
            )
    xs, ys = zip(*corners, strict=True)
    stored_height, stored_width = writing.rgb.shape[:2]
    return Box(
        left=max(0, round(min(xs) / writing.scale)),
        top=max(0, round(min(ys) / writing.scale)),
        right=min(stored_width, round(max(xs) / writing.scale)),
        bottom=min(stored_height, round(max(ys) / writing.scale)),
    )


def distances(readings: Sequence[Reading]) -> list[float]:
    """How far each note is from the set's usual hand, in spreads (root of the mean square)."""
    total, weight = np.zeros(len(readings)), 0.0
    for name, least in SPREAD.items():
        values = np.array(
            [math.nan if (x := getattr(reading, name)) is None else x for reading in readings]
        )
        if np.isnan(values).all():
            continue
        off = np.abs(values - np.nanmedian(values))
        spread = max(least, 1.4826 * float(np.nanmedian(off)))
        total += np.square(np.nan_to_num(off / spread))
        weight += 1
    turns = np.array([reading.directions for reading in readings])
    off = np.abs(turns - np.median(turns, axis=0)).sum(axis=1)
    total += WEIGHT * np.square(off / max(TURNS, 1.4826 * float(np.median(off))))
    return [float(value) for value in np.sqrt(total / (weight + WEIGHT))]


def _hands(case: Case) -> Iterator[Finding | NotExamined]:
    """Notes that another hand may have written. Advisory: it compares shapes, not letters."""
    read = [
        (number, reading)
        for number, reading in case.read(FAMILY, Reading)
        # Two words have too few strokes for figures of a hand.
        if reading.words >= SPOKEN and not _is_signature(case, number, reading)
    ]
    if len(read) < FEWEST:
        yield case.too_few("ink.hands", FEWEST)
        return
    far = distances([reading for _, reading in read])
    others = sorted(
        ((value, number) for value, (number, _) in zip(far, read, strict=True) if value > OTHER),
        reverse=True,
    )
    if others:
        numbers = [number for _, number in others]
        value = round(others[0][0], 2)
        yield case.finding("ink.hands", "advice", numbers, value=value, threshold=OTHER)


def _is_signature(case: Case, number: int, reading: Reading) -> bool:
    """Whether a picture holds a signature and nothing else."""
    said = quoted(case.dataset.items[number].caption).split()
    if reading.lines > 2 or reading.words > SPOKEN or len(said) >= SPOKEN:
        return False
    return reading.joined > JOINED and reading.pen < (THINNER if said else THIN)


def _signature(case: Case) -> Iterator[Finding]:
    """Signatures alone stop training: a hand is learned from writing, not from a name signed."""
    read = list(case.read(FAMILY, Reading))
    alone = [number for number, reading in read if _is_signature(case, number, reading)]
    under = [(number, reading.signed) for number, reading in read if reading.signed is not None]
    if alone and len(alone) == len(read):
        yield case.finding("ink.signature", "blocker", alone, which="only")
    elif alone:
        yield case.finding("ink.signature", "warning", alone, which="alone")
    if under:
        numbers = [number for number, _ in under]
        yield case.finding("ink.signature", "warning", numbers, boxes=under, which="under")


RULES = (
    Rule(
        name="ink.hands",
        judge=_hands,
        needs=(FAMILY,),
        least=FEWEST,
        kinds=("handwriting",),
        unit="spreads",
        advisory=True,
    ),
    Rule(
        name="ink.signature",
        judge=_signature,
        needs=(FAMILY,),
        kinds=("handwriting",),
        fix="erase-slip",
    ),
)
