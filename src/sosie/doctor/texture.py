"""What the texture of a picture tells: how noisy it is, and how wide its edges are.

Both figures come out of a whole picture in some milliseconds, and know nothing of faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TILE = 8
"""Side in pixels of the tiles in which noise is measured."""
FLATTEST = 10
"""Percentile of tiles taken for flat: every portrait has as much plain skin or background."""
FLAT_BIAS = 0.885
"""What the 10th percentile of the deviation of 61 normal values is of the true one."""
CLIPPED = (0.01, 0.99)
"""Luma at and beyond which noise is cut off, so that a tile says nothing of it."""

SMOOTHING = 1.0
"""Pixels by which a picture is smoothed before its edges are measured, taken off the result."""
REBLUR = 1.5
"""Pixels of the second blur, against which the gradient is compared."""
STEEP = 0.015
"""Least gradient of an edge, in luma a pixel."""
FAINT = 0.005
"""The same for a picture in which hardly an edge is as steep."""
ABOVE_NOISE = 2.0
"""Least gradient of an edge, in deviations of the noise."""
SHARPEST = 20
"""Percentile of edges taken for the sharpest; soft shadows have wide edges on any picture."""
ENOUGH = 20
"""Edges that a width needs."""
DIRECTIONS = 4


@dataclass(frozen=True)
class Edges:
    """How wide the sharpest edges are, as the deviation of a Gauss-shaped blur in pixels."""

    width: float
    along: tuple[float, ...]
    """The same for edges that face each of the directions that have enough of them."""


def noise(grey: Floats) -> float | None:
    """The deviation of the noise of (H, W) luma in [0, 1]; None if nothing in it is flat.

    It is what a plane leaves of the flattest tiles, so that a slope of light is not counted.
    """
    height, width = (side // TILE for side in grey.shape)
    blocks = grey[: height * TILE, : width * TILE].reshape(height, TILE, width, TILE)
    tiles = blocks.transpose(0, 2, 1, 3).reshape(-1, TILE * TILE)
    middle = np.arange(TILE) - (TILE - 1) / 2
    across, down = np.meshgrid(middle, middle)
    plane = np.stack([np.ones(TILE * TILE), across.ravel(), down.ravel()], 1)
    plane = np.asarray(np.linalg.qr(plane)[0], np.float32)
    inside = (tiles.min(1) > CLIPPED[0]) & (tiles.max(1) < CLIPPED[1])
    tiles = tiles[inside]
    if not len(tiles):
        return None
    rest = tiles - (tiles @ plane) @ plane.T
    deviations = np.sqrt((rest**2).sum(1) / (TILE * TILE - plane.shape[1]))
    return float(np.percentile(deviations, FLATTEST)) / FLAT_BIAS


def edges(grey: Floats, noisy: float) -> Edges | None:
    """The edges of (H, W) luma in [0, 1] with noise of that deviation; None if there are too few.

    A blurred step loses steepness under a second blur by a factor that gives away the first
    (Zhuo and Sim, "Defocus map estimation from a single image", 2011); contrast cancels out.
    """
    import cv2

    across, down = _slopes(grey, SMOOTHING)
    steepness = cv2.magnitude(across, down)
    again = cv2.magnitude(*_slopes(grey, float(np.hypot(SMOOTHING, REBLUR))))
    crest = steepness >= 0.98 * cv2.dilate(steepness, np.ones((3, 3), np.uint8))
    for least in (STEEP, FAINT):
        found = crest & (steepness > max(least, ABOVE_NOISE * noisy))
        if np.count_nonzero(found) >= ENOUGH:
            break
    else:
        return None
    loss = steepness[found] / np.maximum(again[found], 1e-6)
    widths = np.sqrt(np.maximum(REBLUR**2 / np.maximum(loss**2 - 1, 1e-3) - SMOOTHING**2, 0.0))
    angle = np.arctan2(down[found], across[found]) / np.pi * DIRECTIONS
    direction = np.round(angle).astype(int) % DIRECTIONS
    along = [widths[direction == which] for which in range(DIRECTIONS)]
    return Edges(
        width=float(np.percentile(widths, SHARPEST)),
        along=tuple(float(np.percentile(row, SHARPEST)) for row in along if len(row) >= ENOUGH),
    )


def _slopes(grey: Floats, blur: float) -> tuple[Floats, Floats]:
    import cv2

    smooth = cv2.GaussianBlur(grey, (0, 0), blur)
    return (
        np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)),
        np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)),
    )
