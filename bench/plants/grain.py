"""Faults of the sensor, and of what was done against them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot, spoiled
from bench.plants.pose import some

Bytes = NDArray[np.uint8]
NOISE = (10.0, 16.0, 25.0)
"""Deviation of the noise in each channel, in levels of 255."""
FILTERED = ((6.0, 12.0), (9.0, 18.0), (12.0, 24.0))
"""Noise, and strength of the filter that takes it away."""
ISO = (1600, 3200, 6400)


def grainy(rgb: Bytes, deviation: float, r: np.random.Generator) -> Bytes:
    """A picture with the noise of a sensor: more of it in the light, less of it in the dark."""
    strength = deviation * np.sqrt(0.35 + 1.3 * rgb / np.float32(255))
    return np.asarray(np.clip(rgb + strength * r.normal(size=rgb.shape), 0, 255), np.uint8)


def noisy(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures taken in little light."""
    return spoiled(shots, r, lambda rgb: grainy(rgb, NOISE[strength], r))


def smoothed(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three such pictures after a noise filter (non-local means)."""
    deviation, power = FILTERED[strength]

    def smooth(rgb: Bytes) -> Bytes:
        noise = grainy(rgb, deviation, r)
        return np.asarray(cv2.fastNlMeansDenoisingColored(noise, None, power, power, 5, 13))

    return spoiled(shots, r, smooth)


def fine(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """No fault: three good pictures whose camera tells of a high ISO."""
    which = set(some(shots, 3, r))
    return [
        replace(shot, iso=ISO[strength]) if number in which else shot
        for number, shot in enumerate(shots)
    ]


PLANTS: dict[str, Plant] = {
    "grain.noisy": noisy,
    "grain.smoothed": smoothed,
    "grain.fine": fine,
}
