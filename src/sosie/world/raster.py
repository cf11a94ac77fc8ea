"""Triangles to pixels, in numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
_SPANS = (3, 5, 8, 13, 24, 48)
"""Triangles are handled together by the side of the square of pixels that holds them."""
_AT_ONCE = 400_000
"""Candidate pixels per batch: about what the processor's cache holds."""


def rasterise(
    xy: Floats, depth: Floats, faces: NDArray[np.int32], size: int, *, both_sides: bool = False
) -> tuple[NDArray[np.int32], Floats]:
    """Which triangle is seen in each pixel, and where in it.

    `xy` (V, 2) in pixels, `depth` (V,) growing away from the camera, `faces` (T, 3). Gives the
    triangle's index or -1, (size, size), and barycentric weights, (size, size, 3). Triangles that
    face away are left out unless `both_sides`.
    """
    p = xy[faces]
    e1, e2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    area = e1[:, 0] * e2[:, 1] - e2[:, 0] * e1[:, 1]
    low = np.floor(p.min(1) + 0.5).astype(np.int32)
    high = np.floor(p.max(1) - 0.5).astype(np.int32)
    visible = (np.abs(area) > 1e-6) if both_sides else (area < -1e-6)
    visible &= (high >= low).all(1) & (high >= 0).all(1) & (low < size).all(1)
    kept = np.nonzero(visible)[0]
    low, high = np.maximum(low[kept], 0), np.minimum(high[kept], size - 1)
    span = (high - low + 1).max(1)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]] = []
    smaller = 0
    for side in (*_SPANS, size):
        chosen = np.nonzero((span <= side) & (span > smaller))[0]
        smaller = side
        step = max(1, _AT_ONCE // (side * side))
        for first in range(0, len(chosen), step):
            some = chosen[first : first + step]
            t = kept[some]
            found.append(_inside(p[t, 0], e1[t], e2[t], area[t], low[some], side, size, t))
    tri = np.full(size * size, -1, np.int32)
    bary = np.zeros((size * size, 3), np.float32)
    if found:
        pixel, index, w1, w2 = (np.concatenate(parts) for parts in zip(*found, strict=True))
        d = depth[faces]
        z = d[index, 0] + w1 * (d[index, 1] - d[index, 0]) + w2 * (d[index, 2] - d[index, 0])
        far_first = np.argsort(-z, kind="stable")
        pixel, index = pixel[far_first], index[far_first]
        tri[pixel] = index
        bary[pixel, 1], bary[pixel, 2] = w1[far_first], w2[far_first]
        bary[:, 0] = 1 - bary[:, 1] - bary[:, 2]
    return tri.reshape(size, size), bary.reshape(size, size, 3)


def _inside(
    p0: Floats,
    e1: Floats,
    e2: Floats,
    area: Floats,
    low: NDArray[np.int32],
    side: int,
    size: int,
    t: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """Pixels whose centre lies in a triangle: pixel, triangle and the two barycentric weights."""
    grid = np.arange(side, dtype=np.float32)
    dx = (low[:, 0] + np.float32(0.5) - p0[:, 0])[:, None, None] + grid[None, None, :]
    dy = (low[:, 1] + np.float32(0.5) - p0[:, 1])[:, None, None] + grid[None, :, None]
    k = (1 / area)[:, None, None]
    w1 = dx * (e2[:, 1, None, None] * k) - dy * (e2[:, 0, None, None] * k)
    w2 = dy * (e1[:, 0, None, None] * k) - dx * (e1[:, 1, None, None] * k)
    inside = (w1 >= -1e-5) & (w2 >= -1e-5) & (w1 + w2 <= 1 + 1e-5)
    n, row, column = np.nonzero(inside)
    x, y = low[n, 0] + column, low[n, 1] + row
    on = (x < size) & (y < size)
    if not on.all():
        n, row, column, x, y = n[on], row[on], column[on], x[on], y[on]
    return y * np.int64(size) + x, t[n], w1[n, row, column], w2[n, row, column]
