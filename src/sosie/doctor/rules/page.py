"""How a page was scanned or photographed: level, evenly lit, whole, and large enough to read.

Geometry and light of the paper; what is written on it is judged in `ink` and `transcript`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding, Severity
from sosie.doctor.rule import Case, Family, Rule, over
from sosie.doctor.view import View
from sosie.doctor.writing import Writing

TILTED = 3.0
"""Degrees. A hand's own lines wander by one or two; scanners' deskewing tools begin at half."""
UNEVEN = 0.25
"""Share of the paper's light that is missing in its darkest part; good scans stay below 0.1."""
SHINING = 0.045
"""Faint strokes for each stroke of full ink: clean paper stays below 0.04."""
RULED = 0.5
"""Share of a row that pale strokes fill where they are a printed rule; writing fills a quarter."""
BROAD = 0.4
"""Share of the square around it that a spot of aged paper fills, and a letter does not."""
SMALL = 10.0
"""Pixels of x-height: below it a pen's stroke is a pixel wide and its texture is lost."""
DENSE = 8.0
"""Pixels of x-height after resizing for training: latents have a cell for each 8 pixels, so a
smaller letter has less than one."""
LOST = 0.03
"""Share of the ink that the training crop cuts away."""
WIDEST = 8.0
"""The longest shape that training crops of handwriting have, width by height."""
TALLEST = 16 / 9
"""The same for sheets that stand, height by width."""
SHADOWED = 0.01
"""Share of the picture covered by something dark that reaches in from an edge."""
CUT = 2
"""Letters at an edge: one may be a flourish, two are lines that go on outside."""
FOREIGN = 0.4
"""Share of a picture that may be neither paper nor, in the least, lit like it; a sheet on a table
stays below a third."""
LOOSE = 0.15
"""The same where no rows of writing show either."""


class Reading(Record):
    """How a page lies and is lit. Shares are in [0, 1]; lengths in pixels of the stored picture."""

    width: int
    height: int
    blank: bool
    foreign: float
    """Share of the picture that has neither the colour nor the light of the paper."""
    skew: float | None
    """Degrees by which lines rise to the right; None where too little is written."""
    uneven: float
    """Share of the lightest paper's light that is missing from the darkest paper."""
    faint: float
    """Area of faint strokes apart from the writing, over the area of the writing."""
    x_height: float | None
    """Height of the small letters; None where no line of writing was found."""
    lost: float
    """Share of the ink outside the widest crop that training takes."""
    shadow: float
    """Share of the picture under something dark and broad at its edges."""
    cut: int
    """Letters at the edge that cuts most."""
    ink_box: Box | None
    """Where ink is."""


def _measure(view: View) -> Record:
    writing, (height, width) = view.writing, view.rgb.shape[:2]
    paper = writing.paper[~writing.margin] if not writing.margin.all() else writing.paper
    low, high = np.percentile(paper, [2, 98])
    flat = writing.blank
    edge = 0 if flat else max(_touching(writing))
    return Reading(
        width=width,
        height=height,
        blank=flat,
        foreign=round(max(writing.foreign, float(writing.ink.mean())), 4),
        skew=None if flat else writing.skew,
        uneven=round(1 - float(low) / max(float(high), 1e-3), 3),
        faint=0 if flat else round(_faint(writing), 4),
        x_height=None if flat else _stored(writing, writing.x_height),
        lost=0 if flat else round(_lost(writing.ink), 4),
        shadow=round(float(writing.margin.mean()), 4),
        cut=edge,
        ink_box=None if flat else _box(writing, width, height),
    )


FAMILY = Family("page", 3, Reading, _measure)


def _stored(writing: Writing, length: float | None) -> float | None:
    return None if length is None else round(length / writing.scale, 1)


def _box(writing: Writing, width: int, height: int) -> Box | None:
    rows, columns = np.nonzero(writing.ink)
    if not rows.size:
        return None
    return Box(
        left=int(columns.min() / writing.scale),
        top=int(rows.min() / writing.scale),
        right=min(width, int(columns.max() / writing.scale) + 1),
        bottom=min(height, int(rows.max() / writing.scale) + 1),
    )


def _faint(writing: Writing) -> float:
    """Faint strokes that hang on no full stroke, over full strokes; ruling does not count."""
    import cv2

    x_height = writing.x_height
    if x_height is None:
        return 0.0
    soft = cv2.GaussianBlur(writing.depth, (0, 0), max(1.0, x_height / 20))
    middle = float(np.median(soft[::3, ::3]))
    grain = 1.4826 * float(np.median(np.abs(soft[::3, ::3] - middle)))
    reach = 2 * max(2, round(x_height / 8)) + 1
    near = cv2.dilate(writing.ink.astype(np.uint8), np.ones((reach, reach), np.uint8))
    free = near == 0
    faint = ((soft > max(0.03, middle + 5 * grain)) & free).astype(np.uint8)
    # Rules are sought where they are paler still: so they do not break up.
    pale, strip = (soft > max(0.015, middle + 2.5 * grain)) & free, max(40, round(5 * x_height))
    faint[_ruling(pale, free, strip) | _ruling(pale.T, free.T, strip).T] = 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(faint, connectivity=8)
    parts = stats[1:]
    sides = np.maximum(parts[:, cv2.CC_STAT_WIDTH], parts[:, cv2.CC_STAT_HEIGHT])
    # A spot is no stroke, a piece of ruling is thin, and a stain is broad.
    across = np.minimum(parts[:, cv2.CC_STAT_WIDTH], parts[:, cv2.CC_STAT_HEIGHT])
    filled = parts[:, cv2.CC_STAT_AREA] / np.square(np.maximum(sides, 1))
    strokes = (sides > 0.5 * x_height) & (across > 0.25 * x_height) & (filled < BROAD)
    return float(parts[strokes, cv2.CC_STAT_AREA].sum()) / max(1.0, float(writing.ink.sum()))


def _ruling(pale: NDArray[Any], free: NDArray[Any], strip: int) -> NDArray[np.bool_]:
    """Where rows are faint nearly throughout a strip: a printed rule, though a little askew.

    Where ink covers a row, nothing is known of it.
    """
    import cv2

    found = np.zeros(pale.shape, np.uint8)
    for left in range(0, pale.shape[1], strip):
        part, known = pale[:, left : left + strip], free[:, left : left + strip].sum(axis=1)
        share = part.sum(axis=1) / np.maximum(known, 1)
        found[(share > RULED) & (known > 0.2 * part.shape[1]), left : left + strip] = 1
    return np.asarray(cv2.dilate(found, np.ones((5, 1), np.uint8)) > 0)


def _lost(ink: NDArray[np.bool_]) -> float:
    """Share of the ink outside the middle crop of the widest, or the tallest, shape."""
    height, width = ink.shape
    keep = round(height * WIDEST), round(width * TALLEST)
    if width > keep[0]:
        start = (width - keep[0]) // 2
        kept = ink[:, start : start + keep[0]]
    elif height > keep[1]:
        start = (height - keep[1]) // 2
        kept = ink[start : start + keep[1]]
    else:
        return 0.0
    return 1 - float(kept.sum()) / max(1.0, float(ink.sum()))


def _touching(writing: Writing) -> list[int]:
    """For each side, how many letters stand at it where at least one touches it."""
    import cv2

    if writing.x_height is None:
        return [0]
    ink = writing.ink.astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    sides = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    thick = np.minimum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    # Ruling runs through the whole page and is thin.
    ruling = (sides > 0.5 * min(ink.shape)) & (thick < 0.3 * writing.x_height)
    letter = (sides >= 0.5 * writing.x_height) & ~ruling
    letter[0] = False
    within = max(3, round(0.35 * writing.x_height))
    cut = []
    for rim, near, other in (
        (labels[:, :2], labels[:, :within], labels[:, -within:]),
        (labels[:, -2:], labels[:, -within:], labels[:, :within]),
    ):
        touching = _letters(rim, letter)
        beside = _letters(near, letter) if touching else 0
        # A crop drawn tightly around a line touches it on both sides; one that cuts it, on one.
        if touching and beside < CUT and not other.any():
            beside = CUT
        cut.append(beside)
    # Above and below, tall letters touch a tight crop; only a line cut along touches with many.
    cut += [_letters(rim, letter) // 3 for rim in (labels[:2], labels[-2:])]
    return cut


def _letters(labels: NDArray[Any], letter: NDArray[np.bool_]) -> int:
    return int(letter[np.unique(labels)].sum())


def _blank(case: Case) -> Iterator[Finding]:
    read = case.read(FAMILY, Reading)
    bad = [number for number, reading in read if reading.blank and not _is_strange(reading)]
    if bad:
        yield case.finding("page.blank", "blocker", bad)


def _is_strange(reading: Reading) -> bool:
    return reading.foreign > (LOOSE if reading.skew is None else FOREIGN)


def _strange(case: Case) -> Iterator[Finding]:
    read = list(case.read(FAMILY, Reading))
    bad = [entry for entry in read if _is_strange(entry[1])]
    if bad:
        bad.sort(key=lambda entry: -entry[1].foreign)
        value = bad[0][1].foreign
        numbers = [number for number, _ in bad]
        yield case.finding("page.strange", "blocker", numbers, value=value, threshold=LOOSE)


def _written(case: Case) -> Iterator[tuple[int, Reading]]:
    """Readings of pictures on which something is written."""
    for number, reading in case.read(FAMILY, Reading):
        if not reading.blank and not _is_strange(reading):
            yield number, reading


def _rule(
    name: str,
    severity: Severity,
    value: Callable[[Reading], float | None],
    threshold: float,
    *,
    unit: str,
    fix: str | None = None,
    below: bool = False,
    advisory: bool = False,
) -> Rule:
    """A rule that names every written page whose value is beyond a threshold."""

    def judge(case: Case) -> Iterator[Finding]:
        measured = (
            (number, found, reading.ink_box)
            for number, reading in _written(case)
            if (found := value(reading)) is not None
        )
        return over(case, name, severity, measured, threshold, below=below)

    return Rule(
        name=name,
        judge=judge,
        needs=(FAMILY,),
        kinds=("handwriting",),
        unit=unit,
        fix=fix,
        advisory=advisory,
    )


def _dense(case: Case) -> Iterator[Finding]:
    """Letters that training would see too small, though the scan holds them well."""
    measured = (
        (number, round(reading.x_height * min(1.0, shrink), 1), reading.ink_box)
        for number, reading in _written(case)
        if reading.x_height is not None and reading.x_height >= SMALL
        for shrink in [case.config.side / (reading.width * reading.height) ** 0.5]
    )
    return over(case, "page.dense", "warning", measured, DENSE, below=True)


RULES = (
    Rule(name="page.blank", judge=_blank, needs=(FAMILY,), kinds=("handwriting",)),
    Rule(
        name="page.strange",
        judge=_strange,
        needs=(FAMILY,),
        kinds=("handwriting",),
        unit="share of the picture",
    ),
    _rule(
        "page.skew",
        "warning",
        lambda reading: None if reading.skew is None else abs(reading.skew),
        TILTED,
        unit="degrees",
        fix="deskew",
    ),
    _rule(
        "page.light",
        "warning",
        lambda reading: reading.uneven,
        UNEVEN,
        unit="share of the light",
        fix="even-light",
    ),
    _rule(
        "page.bleed",
        "warning",
        lambda reading: reading.faint,
        SHINING,
        unit="share of the ink",
        advisory=True,
    ),
    _rule(
        "page.small",
        "warning",
        lambda reading: reading.x_height,
        SMALL,
        unit="pixels of x-height",
        below=True,
    ),
    Rule(
        name="page.dense",
        judge=_dense,
        needs=(FAMILY,),
        kinds=("handwriting",),
        unit="pixels of x-height in training",
    ),
    _rule("page.crop", "warning", lambda reading: reading.lost, LOST, unit="share of the ink"),
    _rule(
        "page.border",
        "warning",
        lambda reading: reading.shadow,
        SHADOWED,
        unit="share of the picture",
    ),
    _rule(
        "page.edge",
        "warning",
        lambda reading: reading.cut,
        CUT - 1,
        unit="letters",
    ),
)
