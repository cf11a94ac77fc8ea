"""Faults of light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot, spoiled
from sosie.models.faces import Face, find_faces

Bytes = NDArray[np.uint8]
LESS = (-2.0, -3.0, -4.0)
MORE = (2.0, 2.8, 3.6)
"""Stops of light."""
BLACK = (0.43, 0.5, 0.56)
"""Luma below which everything becomes black."""
SIDES = (3.0, 4.0, 5.0)
"""Stops between the two halves of a face."""
VEIL = (0.4, 0.28, 0.18)
"""Share of the contrast that is left."""


def _exposed(stops: float | NDArray[np.float32]) -> Callable[[Bytes], Bytes]:
    def expose(rgb: Bytes) -> Bytes:
        linear = (rgb / np.float32(255)) ** 2.2 * np.float32(2) ** stops
        return np.asarray(np.clip(linear, 0, 1) ** (1 / 2.2) * 255 + 0.5, np.uint8)

    return expose


def dark(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures under-exposed."""
    return spoiled(shots, r, _exposed(LESS[strength]))


def bright(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures over-exposed."""
    return spoiled(shots, r, _exposed(MORE[strength]))


def shadows(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures whose shadows were pulled to black."""
    black = BLACK[strength]

    def pull(rgb: Bytes) -> Bytes:
        tones = (rgb / np.float32(255) - black) / (1 - black)
        return np.asarray(np.clip(tones, 0, 1) * 255 + 0.5, np.uint8)

    return spoiled(shots, r, pull)


def uneven(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three frontal pictures lit from one side alone: the shadow's edge is the nose."""
    found = [(number, find_faces(shot.rgb)) for number, shot in enumerate(shots)]
    frontal = [number for number, faces in found if faces and _turn(faces[0]) < 0.25]
    which = set(r.choice(frontal, min(3, len(frontal)), replace=False).tolist())
    planted = []
    for number, faces in found:
        shot = shots[number]
        if number in which:
            width = shot.rgb.shape[1]
            across = (np.arange(width) - faces[0].landmarks[2, 0]) / (0.08 * faces[0].box.width)
            falls = np.clip(across * r.choice([-1, 1]), -30, 30)
            stops = np.asarray(-SIDES[strength] / (1 + np.exp(-falls)), np.float32)
            shot = replace(shot, rgb=_exposed(stops[None, :, None])(shot.rgb))
        planted.append(shot)
    return planted


def _turn(face: Face) -> float:
    left, right, nose = face.landmarks[:3]
    eyes = right - left
    return abs(float((nose - (left + right) / 2) @ eyes)) / float(eyes @ eyes)


def flat(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures behind a veil, as of a dirty lens."""

    def veil(rgb: Bytes) -> Bytes:
        return np.asarray(rgb * VEIL[strength] + 0.58 * 255 * (1 - VEIL[strength]), np.uint8)

    return spoiled(shots, r, veil)


PLANTS: dict[str, Plant] = {
    "light.dark": dark,
    "light.bright": bright,
    "light.shadows": shadows,
    "light.uneven": uneven,
    "light.flat": flat,
}
