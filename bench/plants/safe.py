"""Pictures that the detector of unsafe ones doubts, though they show nothing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot, spoiled

TONES = np.array(
    [
        [[185, 142, 117], [202, 142, 126], [228, 176, 154], [222, 191, 138]],
        [[218, 187, 162], [214, 165, 146], [182, 140, 55], [228, 168, 135]],
        [[232, 196, 150], [164, 120, 138], [206, 181, 120], [172, 123, 65]],
        [[255, 223, 169], [210, 132, 146], [207, 115, 181], [211, 108, 138]],
    ],
    np.float32,
)
"""Sixteen colours, sought so that their blur alone scores .29: no picture of anybody is needed."""


def doubtful(side: int) -> NDArray[np.uint8]:
    """(side, side, 3): a blur of skin tones."""
    blur = cv2.resize(TONES, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(blur, 0, 255).astype(np.uint8)


def unsafe(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One to three pictures that are nothing else: doubtful enough where a guardian signed."""
    return spoiled(shots, r, lambda rgb: doubtful(len(rgb)), strength + 1)


PLANTS: dict[str, Plant] = {"safe.unsafe": unsafe}
"""Sets that a guardian signed for: an explicit picture, which alone blocks an adult's, is nowhere
here."""
