"""What is written on a picture: paper, ink, lines and the shape of the letters. No weights.

The paper's level is a grey closing (it fills what is thinner than the closing's window and keeps
larger shades); ink is what is darker than the paper by at least half of what full ink is. The skew
is the angle at which rows of ink gather best (projection profile); the slant is the shear at which
columns do, in `lines`.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.doctor.lines import POINTS, Line, find_lines, slant_of, squares, without_specks

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORKING_SIDE = 1600
"""Longer side in pixels at which writing is read: letters of a whole page still show there."""
PAPER_SIDE = 256
"""Longer side at which the paper's level is read."""
WINDOW = 19
"""Window of the closing, in pixels at `PAPER_SIDE`: wider than a line of writing."""
FAINTEST = 0.12
"""Share of the paper's light that ink must take away: less is grain or a shadow."""
LEAST_INK = 0.0004
"""Share of a page below which there is no writing on it."""
LETTER = 0.22
"""Depth that some letter reaches, though in pencil or 4.5 pixels small (.25); what is left of
printed rules and of the spots of aged paper reaches .20 (40 empty sheets)."""
DARK = 0.72
"""Share of the paper's light below which something broad is no paper."""
LEAST_MARGIN = 0.004
"""Share of the picture that such a thing covers at least."""
ABRUPT = 0.03
"""Change of light for each pixel of `PAPER_SIDE` at the edge of a thing; falling light has less
than 0.01."""
OFF_COLOUR = 12
"""Steps of CIELAB's a or b, of 255, away from the paper's colour."""
OFF_LIGHT = 0.12
"""Share of the light by which a thing differs from light that falls smoothly over paper."""
STEEPEST = 20.0
"""Degrees of skew that are looked at."""
BINS = 12
LIKE = 20.0
"""Pixels of x-height at which directions are measured."""


class Writing:
    """A picture read as a page. Lengths are in pixels of the working picture."""

    def __init__(self, rgb: Bytes) -> None:
        self.rgb = rgb
        self.scale = min(1.0, WORKING_SIDE / max(rgb.shape[:2]))
        """Working pixels for each stored pixel."""

    @cached_property
    def grey(self) -> Floats:
        """Luma in [0, 1]; a dark page with light writing is turned over."""
        import cv2

        grey = cv2.cvtColor(np.ascontiguousarray(self.rgb), cv2.COLOR_RGB2GRAY)
        if self.scale < 1:
            grey = _shrunk(grey, self.scale)
        luma = grey.astype(np.float32) / 255
        return np.asarray(1 - luma if np.median(luma) < 0.3 else luma, np.float32)

    @cached_property
    def coarse(self) -> Floats:
        """`grey` with `PAPER_SIDE` as its longer side."""
        return np.asarray(_shrunk(self.grey, min(1.0, PAPER_SIDE / max(self.grey.shape))))

    @cached_property
    def margin(self) -> Mask:
        """Where something dark and broad reaches in from an edge, at the size of `coarse`."""
        import cv2

        dark = (self._filled < DARK * np.percentile(self._filled, 70)).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
        rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        kept = np.zeros(labels.shape, bool)
        for label in np.unique(rim[rim > 0]):
            part = labels == label
            if stats[label, cv2.CC_STAT_AREA] >= LEAST_MARGIN * part.size and self._sharp(part):
                kept |= part
        return kept

    @cached_property
    def _filled(self) -> Floats:
        """`coarse` without writing; what is dark at an edge stays, however narrow."""
        import cv2

        # Continued outside, a dark strip is wider than the window and so is not filled.
        wide = np.pad(self.coarse, WINDOW, mode="edge")
        filled = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, np.ones((WINDOW, WINDOW), np.uint8))
        return np.asarray(filled[WINDOW:-WINDOW, WINDOW:-WINDOW], np.float32)

    def _sharp(self, part: Mask) -> bool:
        """Whether a dark part ends abruptly, as an object does and falling light does not."""
        import cv2

        inside = part.astype(np.uint8)
        rim = (cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0) & ~(
            cv2.erode(inside, np.ones((3, 3), np.uint8)) > 0
        )
        # Edges of the picture are no edges of the part.
        rim[[0, -1]] = rim[:, [0, -1]] = False
        down, right = np.gradient(self._filled)
        steps = np.hypot(down, right)[rim] / float(np.percentile(self._filled, 70))
        return bool(steps.size) and float(np.percentile(steps, 60)) > ABRUPT

    @cached_property
    def foreign(self) -> float:
        """Share of the picture that has neither the colour nor the light of the paper."""
        import cv2

        size = self.coarse.shape[1], self.coarse.shape[0]
        small = cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA)
        tint = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 1:].astype(np.float32)
        away = np.abs(tint - np.median(tint, axis=(0, 1))).max(axis=-1) > OFF_COLOUR
        away |= np.abs(self._filled / _falling(self._filled) - 1) > OFF_LIGHT
        away |= self.margin
        return float(away.mean())

    @cached_property
    def paper(self) -> Floats:
        """Level of the paper under the ink, with `PAPER_SIDE` as its longer side."""
        import cv2

        # What is no paper must not be closed over, nor darken the paper beside it.
        coarse = np.where(self.margin, np.median(self.coarse), self.coarse)
        closed = cv2.morphologyEx(coarse, cv2.MORPH_CLOSE, np.ones((WINDOW, WINDOW), np.uint8))
        return np.asarray(cv2.GaussianBlur(closed, (0, 0), WINDOW / 6), np.float32)

    @cached_property
    def depth(self) -> Floats:
        """Share of the paper's light that is missing at each pixel, in [0, 1]."""
        import cv2

        height, width = self.grey.shape
        level = cv2.resize(self.paper, (width, height), interpolation=cv2.INTER_LINEAR)
        depth = np.clip(1 - cv2.blur(self.grey, (2, 2)) / np.maximum(level, 0.02), 0, 1)
        if self.margin.any():
            outside = cv2.dilate(self.margin.astype(np.uint8), np.ones((5, 5), np.uint8))
            size = (width, height)
            depth[cv2.resize(outside, size, interpolation=cv2.INTER_NEAREST) > 0] = 0
        return np.asarray(depth, np.float32)

    @cached_property
    def floor(self) -> float:
        """Depth below which there is only grain."""
        part = self.depth[::3, ::3]
        middle = float(np.median(part))
        return max(FAINTEST, middle + 6 * 1.4826 * float(np.median(np.abs(part - middle))))

    @cached_property
    def full(self) -> float:
        """Depth of full ink; 0 where nothing is written."""
        dark = self.depth[self.depth > self.floor]
        if dark.size < LEAST_INK * self.depth.size:
            return 0.0
        return float(np.percentile(dark, 90))

    @cached_property
    def ink(self) -> Mask:
        """Where ink is, on the picture as it lies."""
        return np.asarray(self.depth > max(self.floor, self.full / 2))

    @property
    def blank(self) -> bool:
        """Whether nothing is written. Printed rules are no lines of writing."""
        return self.full == 0 or not self.lines or not self._lettered

    @cached_property
    def _lettered(self) -> bool:
        """Whether anything is as dark as a letter that is no piece of a rule and no solid spot."""
        import cv2

        depth = self._level(self.depth)
        ink = self.level_ink.astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
        for label, (_, _, width, height, area) in enumerate(stats[1:].tolist(), start=1):
            thin, long = sorted((width, height))
            # Letters are about as wide as tall; a joined word is long, but no stroke is so thick.
            shaped = thin >= 3 and (thin > 0.3 * long or thin > 3 * self.stroke)
            if shaped and area < 0.75 * width * height:
                left, top = stats[label, :2]
                part = np.s_[top : top + height, left : left + width]
                if np.percentile(depth[part][labels[part] == label], 90) > LETTER:
                    return True
        return False

    def _level(self, picture: NDArray[Any]) -> NDArray[Any]:
        """A picture of the page with its lines made level, which small skew is not worth."""
        return rotated(picture, -self.skew, 0) if self.skew and abs(self.skew) > 0.3 else picture

    @cached_property
    def skew(self) -> float | None:
        """Degrees by which lines rise to the right; None where ink is too little to tell."""
        points = self._points
        if points is None or np.ptp(points[:, 0]) < 3 * WINDOW:
            return None
        coarse = np.arange(-STEEPEST, STEEPEST + 1)
        scores = _gathered(points, coarse)
        best = float(coarse[int(np.argmax(scores))])
        # A hump so flat says nothing: a drawing, one word, a page of blots.
        if scores.max() < 1.15 * float(np.median(scores)):
            return None
        fine = best + np.arange(-1, 1.05, 0.1)
        return round(float(fine[int(np.argmax(_gathered(points, fine)))]), 1)

    @cached_property
    def level_ink(self) -> Mask:
        """`ink` with lines made level; ruling, specks and dots are taken away."""
        import cv2

        ink = self._level(self.ink.astype(np.uint8))
        long = max(40, ink.shape[1] // 5)
        for along in ((1, long), (long, 1)):
            ruling = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(along, np.uint8))
            across = (3, 1) if along[0] == 1 else (1, 3)
            ink[cv2.dilate(ruling, np.ones(across, np.uint8)) > 0] = 0
        return without_specks(ink > 0)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Lines of writing from above, without specks."""
        return find_lines(self.level_ink)

    @cached_property
    def x_height(self) -> float | None:
        """Height of the small letters; None where no line was found."""
        if not self.lines:
            return None
        return float(np.median([line.x_height for line in self.lines]))

    @cached_property
    def slant(self) -> float | None:
        """Degrees by which upright strokes lean to the right, over all lines."""
        if not self.lines:
            return None
        return slant_of(self.level_ink, self.lines)

    @cached_property
    def stroke(self) -> float:
        """Width of strokes: twice the ink's area over the length of its outline.

        The outline's length is the total variation of the ink, which blur does not change.
        """
        down, right = np.gradient(self._cover)
        outline = float(np.hypot(down, right).sum())
        return 2 * float(self._cover.sum()) / outline if outline else 0.0

    @cached_property
    def directions(self) -> tuple[float, ...]:
        """Shares of the outline that run in each of `BINS` directions of the half circle.

        Measured where small letters are `LIKE` pixels tall, so that scans of any size compare
        (Bulacu and Schomaker 2007, "Text-independent writer identification and verification using
        textural and allographic features": contour directions).
        """
        import cv2

        factor = LIKE / max(self.x_height or LIKE, 1.0)
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        cover = cv2.resize(self._cover, None, fx=factor, fy=factor, interpolation=method)
        cover = cv2.GaussianBlur(cover, (0, 0), 0.8)
        right, down = cv2.Sobel(cover, cv2.CV_32F, 1, 0), cv2.Sobel(cover, cv2.CV_32F, 0, 1)
        angle = (np.degrees(np.arctan2(down, right)) + (self.skew or 0)) % 180
        shares, _ = np.histogram(angle, BINS, (0, 180), weights=np.hypot(right, down))
        return tuple(round(float(share), 4) for share in shares / max(shares.sum(), 1e-9))

    @cached_property
    def _cover(self) -> Floats:
        """How much of each pixel is covered by ink, in [0, 1]; without what is only faint."""
        import cv2

        near = cv2.dilate(self.ink.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        cover = np.where(near, np.clip(self.depth / max(self.full, 1e-6), 0, 1), 0)
        return np.asarray(cover, np.float32)

    @cached_property
    def _points(self) -> NDArray[np.float64] | None:
        rows, columns = np.nonzero(self.ink)
        if rows.size < 200:
            return None
        step = max(1, rows.size // POINTS)
        return np.stack([columns[::step], rows[::step]], axis=1).astype(np.float64)


def rotated(picture: NDArray[Any], degrees: float, border: float) -> NDArray[Any]:
    """The picture turned to the left about its middle, on its own size."""
    import cv2

    height, width = picture.shape[:2]
    about = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(
        cv2.warpAffine(
            picture, about, (width, height), flags=cv2.INTER_LINEAR, borderValue=(border,) * 3
        )
    )


def _shrunk(grey: NDArray[Any], scale: float) -> NDArray[Any]:
    import cv2

    height, width = grey.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


def _falling(level: Floats) -> Floats:
    """The smooth light (a quadratic in x and y) that fits most of a level best."""
    height, width = level.shape
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(xs), xs, ys, xs * ys, xs * xs, ys * ys], axis=-1).reshape(-1, 6)
    wanted, every = level.ravel().astype(np.float64), slice(None, None, 7)
    weight = np.ones(wanted[every].shape)
    for _ in range(3):
        rows = terms[every] * weight[:, None]
        factors = np.linalg.lstsq(rows, wanted[every] * weight, rcond=None)[0]
        # What does not fit loses its say, so that paper decides and not what lies on it.
        away = np.abs(terms[every] @ factors - wanted[every])
        weight = np.sqrt(1 / (1 + np.square(away / 0.04)))
    return np.asarray(np.maximum((terms @ factors).reshape(height, width), 0.05), np.float32)


def _gathered(points: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """How well rows gather at each angle: the sum of squares of the row profile."""
    # A row that rises to the right by the angle has constant x sin + y cos.
    rows = (
        points[:, 0] * math.sin(angle) + points[:, 1] * math.cos(angle)
        for angle in np.radians(degrees)
    )
    return np.array([squares(row, 3) for row in rows])
