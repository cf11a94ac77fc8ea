"""What is written with: how a pen's stroke varies in width and darkness, and how its ink lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sosie.world.model import Floats
from sosie.world.papers import crop

OVER = 3
"""Samples along each side of a pixel when outlines are filled."""
_SWELL = {"ballpoint pen": 0.1, "fountain pen": 0.2, "pencil": 0.14, "felt pen": 0.1}
"""How far pressure widens or narrows a stroke, as a share of it."""
_SOFT = {"ballpoint pen": 0.34, "fountain pen": 0.42, "pencil": 0.45, "felt pen": 0.5}
"""How far ink spreads, in pixels."""


def stroke(
    filled: NDArray[np.uint8],
    dots: NDArray[np.uint8],
    nib: float,
    drawn: tuple[float, float],
    swell: float,
    r: np.random.Generator,
) -> Floats:
    """The share of each pixel that a pen of width `nib` (pixels) covers, (H, W) from 0 to 1.

    `filled` (H x OVER, W x OVER) are the letters' own strokes, 255 inside, and `dots` what of them
    must not become thinner; `drawn` is the width of the common and of the thin strokes, in pixels;
    `swell` is the deviation of the width in pixels.
    """
    import cv2

    height, width = filled.shape[0] // OVER, filled.shape[1] // OVER
    inside = cv2.distanceTransform(filled, cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(255 - filled, cv2.DIST_L2, 3)
    # A thin stroke may lose its edges but never its middle, and loops must stay open.
    grow = float(np.clip((nib - drawn[0]) / 2, -max(0.0, drawn[1] / 2 - 0.4), 0.45 * nib))
    depth = inside - outside
    wide: Floats | np.float32 = np.float32(grow * OVER)
    if swell > 0:
        small = crop(11, 14, width // 4 + 1, height // 4 + 1, r)
        noise = cv2.resize(small, (width * OVER, height * OVER), interpolation=cv2.INTER_LINEAR)
        wide = wide + np.clip(noise, -2, 2) * np.float32(swell * OVER / 2)
        wide = np.maximum(wide, np.float32(-max(0.0, drawn[1] / 2 - 0.4) * OVER))
    cover = np.clip(depth + wide + np.float32(0.5), dots.astype(np.float32) / 255, 1)
    return np.asarray(cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def swell(pen: str, nib: float, pressure: float) -> float:
    """How far this writer's pressure varies the width of a stroke, in pixels."""
    return _SWELL[pen] * nib * pressure


def lay(cover: Floats, pen: str, pressure: float, tooth: Floats, r: np.random.Generator) -> Floats:
    """How much of the paper's light the ink takes in each pixel, (H, W) from 0 to 1.

    `cover` (H, W) is the share under the stroke, `tooth` (H, W) the surface of the paper.
    """
    import cv2

    height, width = cover.shape
    soft = float(_SOFT[pen] * r.uniform(0.85, 1.25))
    wet = cv2.GaussianBlur(cover, (0, 0), soft)
    slow = crop(12, 14, width, height, r)
    quick = crop(13, 2, width, height, r)
    if pen == "pencil":
        dark = r.uniform(0.72, 0.95) + 0.1 * pressure * slow
        caught = np.clip(0.78 + 0.26 * (0.7 * tooth + 0.5 * quick), 0.12, 1.1)
        return np.asarray(np.clip(wet * dark * caught, 0, 0.95), np.float32)
    if pen == "ballpoint pen":
        dark = r.uniform(0.84, 0.98) + 0.07 * pressure * slow
        # Now and then the ball slips on the paper, or leaves a drop.
        dark = dark * (1 - 0.3 * np.clip(quick - 1.1, 0, 1) - 0.05 * np.clip(tooth, 0, 2))
        return np.asarray(np.clip(wet * dark + _drops(cover, r), 0, 1), np.float32)
    edge = wet - cv2.GaussianBlur(wet, (0, 0), 1.6)
    if pen == "fountain pen":  # ink gathers where the pen slows down, and at the edges
        dark = r.uniform(0.82, 0.95) + 0.12 * pressure * slow + 0.1 * edge
    else:
        dark = r.uniform(0.88, 0.98) + 0.03 * pressure * slow + 0.08 * edge + 0.02 * quick
    return np.asarray(np.clip(wet * dark, 0, 1), np.float32)


def _drops(cover: Floats, r: np.random.Generator) -> Floats:
    """A few small drops of ink on the strokes, (H, W)."""
    out = np.zeros_like(cover)
    rows, columns = np.nonzero(cover > 0.7)
    for _ in range(int(r.poisson(1.2)) if len(rows) else 0):
        n = int(r.integers(len(rows)))
        y, x = int(rows[n]), int(columns[n])
        size = r.uniform(0.5, 1.0)
        y0, x0 = max(0, y - 3), max(0, x - 3)
        part = out[y0 : y + 4, x0 : x + 4]
        v, u = np.mgrid[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]]
        part += 0.5 * np.exp(-0.5 * ((v - y) ** 2 + (u - x) ** 2) / size**2).astype(np.float32)
    return out
