"""Lines of writing on a level page, and how their letters lean.

The slant is the shear at which columns of ink gather best (Vinciarelli and Luettin 2001, "A new
normalization technique for cursive handwritten words", without their weighting by gaps).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SLANTS = np.arange(-40.0, 56.0, 4.0)
POINTS = 6000
"""Points of ink that the search for angles looks at."""


@dataclass(frozen=True)
class Line:
    """One line of writing, in rows and columns of the upright, level picture at working size."""

    top: int
    bottom: int
    """Ink of the line lies between these rows."""
    core_top: int
    core_bottom: int
    """Rows of the small letters; their distance is the x-height."""
    left: int
    right: int

    @property
    def x_height(self) -> int:
        return self.core_bottom - self.core_top


def slant_of(ink: Mask, lines: tuple[Line, ...]) -> float | None:
    """Degrees by which strokes of these level lines lean to the right."""
    points = []
    for line in lines[:8]:
        rows, columns = np.nonzero(ink[line.top : line.bottom, line.left : line.right])
        if rows.size:
            step = max(1, rows.size // (POINTS // 4))
            rise = (line.core_bottom - line.top) - rows[::step]
            points.append(np.stack([columns[::step], rise], axis=1).astype(np.float64))
    if not points:
        return None

    def gathered(angle: float) -> float:
        lean = math.tan(math.radians(angle))
        # Sums of squares over a line's own columns: lines must not mix.
        return sum(squares(line[:, 0] - lean * line[:, 1], 1.0) for line in points)

    scores = [gathered(angle) for angle in SLANTS]
    best = SLANTS[int(np.argmax(scores))]
    fine = best + np.arange(-3, 3.5, 1)
    return float(fine[int(np.argmax([gathered(angle) for angle in fine]))])


def squares(values: NDArray[np.float64], width: float) -> float:
    """The sum of squares of a histogram with bins of this width: high where values gather."""
    places = np.floor((values - values.min()) / width).astype(np.int64)
    return float(np.square(np.bincount(places).astype(np.float64)).sum())


def without_specks(ink: Mask) -> Mask:
    """Ink without what is much smaller than most of it: grain, crossings of ruling, i-dots."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    sides = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    kept = sides >= max(4.0, 0.35 * _usual_height(stats))
    kept[0] = False
    return np.asarray(kept[labels])


def _usual_height(stats: NDArray[Any]) -> float:
    """Height that half of the ink does not exceed: specks are many but hold little of it."""
    import cv2

    heights, areas = stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_AREA]
    if not len(heights):
        return 0.0
    order = np.argsort(heights)
    half = np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)
    return float(heights[order][min(int(half), len(order) - 1)])


def find_lines(ink: Mask) -> tuple[Line, ...]:
    """Lines from above; humps of the row profile that stand out."""
    import cv2

    stats = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)[2]
    if len(stats) < 2:
        return ()
    # Half a letter with a stem is about a small letter; joined words are taller.
    usual = min(float(np.median(stats[1:, cv2.CC_STAT_HEIGHT])), 0.7 * _usual_height(stats))
    rows = ink.sum(axis=1).astype(np.float32).reshape(-1, 1)
    smooth = cv2.GaussianBlur(rows, (1, 0), sigmaX=1, sigmaY=max(1.0, 0.35 * usual)).ravel()
    found = []
    for top, middle, bottom in _bands(smooth):
        near = cv2.GaussianBlur(rows[top:bottom], (1, 0), sigmaX=1, sigmaY=max(0.6, 0.05 * usual))
        line = _line(ink, near.ravel(), top, middle, bottom)
        if line is not None:
            found.append(line)
    return tuple(found)


def _bands(smooth: Floats) -> list[tuple[int, int, int]]:
    """Top, peak and bottom of each hump of a row profile that stands out."""
    from scipy.signal import find_peaks

    padded = np.concatenate([[0], smooth, [0]])
    least = 0.15 * float(smooth.max())
    peaks, _ = find_peaks(padded, height=least, prominence=least)
    peaks = peaks - 1
    ends = [0]
    for above, below in pairwise(peaks):
        ends.append(int(above + np.argmin(smooth[above : below + 1])))
    ends.append(len(smooth))
    return [(ends[i], int(peak), ends[i + 1]) for i, peak in enumerate(peaks)]


def _line(ink: Mask, rows: Floats, top: int, middle: int, bottom: int) -> Line | None:
    """The line within a band, its core being the rows that hold much of its ink."""
    peak = middle - top
    # Not the maximum itself: crossbars and ruling make single rows heavy.
    strong = 0.5 * float(np.percentile(rows[rows > 0.3 * rows.max()], 75))
    above, below = peak, peak
    while above > 0 and rows[above - 1] >= strong:
        above -= 1
    while below < len(rows) - 1 and rows[below + 1] >= strong:
        below += 1
    used_rows = np.flatnonzero(rows >= 0.5)
    columns = np.flatnonzero(ink[top + above : top + below + 1].any(axis=0))
    if below - above < 3 or not len(columns) or not len(used_rows):
        return None
    return Line(
        top=top + int(used_rows[0]),
        bottom=top + int(used_rows[-1]) + 1,
        core_top=top + above,
        core_bottom=top + below + 1,
        left=int(columns[0]),
        right=int(columns[-1]) + 1,
    )
