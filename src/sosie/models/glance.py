"""A first look for the middle of one small picture in another, at every place and several sizes.

Pictures are so small here that all places and sizes of one in thousands of others are a product of
matrices. What is found so deserves a closer search; what is not would not be found by one either,
which whoever calls must have measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Glance:
    """How small the look is, and at what sizes."""

    side: int
    """Pixels of the square in which a part is sought."""
    part: int
    """Side of the part, which is the middle of a picture."""
    sizes: Sequence[tuple[int, int]]
    """Widths and heights to which that picture is scaled before."""
    blur: float
    """Deviation, in these pixels, of the blur that is taken off first."""

    def places(self, picture: Floats) -> Floats:
        """Every place of a square picture, (places, part²): rows of unit length without mean."""
        from numpy.lib.stride_tricks import sliding_window_view

        ground = self._detail(picture, (self.side, self.side))
        return _unit(sliding_window_view(ground, (self.part, self.part)).reshape(-1, self.part**2))

    def parts(self, picture: Floats) -> Floats:
        """The middle at every size, (sizes, part²): rows of unit length without mean."""
        found = []
        for size in self.sizes:
            left, top = ((side - self.part) // 2 for side in size)
            scaled = self._detail(picture, size)
            found.append(scaled[top : top + self.part, left : left + self.part].ravel())
        return _unit(np.stack(found))

    def best(self, places: Floats, parts: Floats) -> Floats:
        """Greatest correlation of each of N pictures' parts, (N · sizes, part²), with any place:
        (N,)."""
        each = (places @ parts.T).max(axis=0)
        return np.asarray(each.reshape(-1, len(self.sizes)).max(axis=1), np.float32)

    def _detail(self, picture: Floats, size: tuple[int, int]) -> Floats:
        import cv2

        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return np.asarray(small - cv2.GaussianBlur(small, (0, 0), self.blur), np.float32)


def _unit(rows: Floats) -> Floats:
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-6), np.float32)
