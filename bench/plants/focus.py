"""Faults of focus: out of it, or moved."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot, spoiled

BLUR = (0.0055, 0.0085, 0.0125)
"""Deviation of the blur in sides of the picture: 1.4, 2.2 and 3.2 pixels of 256."""
WAY = (0.03, 0.045, 0.065)
"""Length of the movement in sides of the picture."""


def soft(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures out of focus."""
    return spoiled(shots, r, lambda rgb: cv2.GaussianBlur(rgb, (0, 0), BLUR[strength] * len(rgb)))


def shaken(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures taken with an unsteady hand, each in a direction of its own."""

    def shake(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return along(rgb, WAY[strength] * len(rgb), r.uniform(0, np.pi))

    return spoiled(shots, r, shake)


def along(rgb: NDArray[np.uint8], length: float, angle: float) -> NDArray[np.uint8]:
    """A picture smeared over `length` pixels in a direction, in radians."""
    steps = np.linspace(-0.5, 0.5, 2 * round(length) + 1) * length
    total = np.zeros(rgb.shape, np.float32)
    for step in steps:
        move = np.array([[1, 0, step * np.cos(angle)], [0, 1, step * np.sin(angle)]], np.float32)
        size = (rgb.shape[1], rgb.shape[0])
        total += cv2.warpAffine(rgb, move, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(total / len(steps) + 0.5, np.uint8)


PLANTS: dict[str, Plant] = {"focus.soft": soft, "focus.shaken": shaken}
