"""Pictures of one moment, several times."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.plants import Plant, Shot
from sosie.models.faces import find_faces

Bytes = NDArray[np.uint8]
CROP = (0.01, 0.02, 0.035)
"""What is cut off each side of a near copy."""
KEPT = (0.8, 0.65, 0.5)
"""Share of the side that a close-up keeps."""
MANY = (5, 7, 10)
"""Pictures in a burst."""


def equal(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One picture one to three times more."""
    return [*shots, *[shots[int(r.integers(len(shots)))]] * (strength + 1)]


def near(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """A copy cropped, toned and saved again; mirrored once in three times."""
    shot = shots[int(r.integers(len(shots)))]
    rgb = shot.rgb[:, ::-1] if r.random() < 1 / 3 else shot.rgb
    return [*shots, replace(shot, rgb=_copied(rgb, CROP[strength], r))]


def burst(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One picture many times, each framed a little differently."""
    shot = shots[int(r.integers(len(shots)))]
    more = [replace(shot, rgb=_copied(shot.rgb, 0.02, r)) for _ in range(MANY[strength] - 1)]
    return [*shots, *more]


def leak(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """A close-up cut out of one of the pictures, enlarged to its size."""
    shot = shots[int(r.integers(len(shots)))]
    height, width = shot.rgb.shape[:2]
    down, across = (round(side * KEPT[strength]) for side in (height, width))
    faces = find_faces(shot.rgb)
    middle = faces[0].landmarks.mean(0) if faces else np.array([width / 2, height / 2])
    left, top = middle - [across / 2, down / 2] + r.normal(0, 0.02 * width, 2)
    left, top = (
        int(np.clip(at, 0, most)) for at, most in ((left, width - across), (top, height - down))
    )
    part = np.ascontiguousarray(shot.rgb[top : top + down, left : left + across])
    close = cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
    return [*shots, replace(shot, rgb=np.asarray(close, np.uint8))]


def _copied(rgb: Bytes, crop: float, r: np.random.Generator) -> Bytes:
    height, width = rgb.shape[:2]
    left, top, right, bottom = r.uniform(0, 2 * crop, 4) * [width, height, width, height]
    part = rgb[round(top) : height - round(bottom), round(left) : width - round(right)]
    toned = np.clip(part * r.uniform(0.9, 1.1) + r.uniform(-10, 10), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(toned).save(file, "JPEG", quality=int(r.integers(60, 95)))
    return np.asarray(Image.open(file).convert("RGB"))


PLANTS: dict[str, Plant] = {
    "twins.equal": equal,
    "twins.near": near,
    "twins.burst": burst,
    "twins.leak": leak,
}
