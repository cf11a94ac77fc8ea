"""Smooth noise, made once and looked up: the grain of skin, hair, cloth and places."""

from __future__ import annotations

from functools import cache

import numpy as np

from sosie.world.model import Floats


@cache
def field(seed: int, cell: int, size: int = 256) -> Floats:
    """(size, size) tileable noise, mean 0 and deviation 1, with features of about `cell` pixels."""
    r = np.random.default_rng([seed, cell])
    f = np.fft.rfft2(r.normal(size=(size, size)))
    ky = np.fft.fftfreq(size)[:, None] * size
    kx = np.fft.rfftfreq(size)[None] * size
    k = np.hypot(kx, ky) * cell / size
    n = np.fft.irfft2(f * np.exp(-2 * k**2), (size, size))
    return np.asarray((n - n.mean()) / n.std(), np.float32)


def look(table: Floats, u: Floats, v: Floats) -> Floats:
    """Values of a tileable field at (u, v), in turns of the table."""
    h, w = table.shape[:2]
    x, y = u * w, v * h
    xi, yi = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - xi).astype(np.float32), (y - yi).astype(np.float32)
    x0, x1, y0, y1 = xi % w, (xi + 1) % w, yi % h, (yi + 1) % h
    top = table[y0, x0] * (1 - fx) + table[y0, x1] * fx
    low = table[y1, x0] * (1 - fx) + table[y1, x1] * fx
    return np.asarray(top * (1 - fy) + low * fy, np.float32)


def ramp(low: float | Floats, high: float | Floats, x: Floats) -> Floats:
    """Smooth step from 0 at `low` to 1 at `high` (which may be the smaller)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def bump(x: Floats, centre: float | Floats, width: float | Floats) -> Floats:
    """Gaussian of height 1."""
    return np.asarray(np.exp(-0.5 * ((x - centre) / width) ** 2), np.float32)
