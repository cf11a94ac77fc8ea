"""Where a picture is taken: simple, out of focus, drawn in a few strokes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from sosie.world.model import Floats
from sosie.world.noise import field, look, ramp
from sosie.world.tables import COLOURS


def place(kind: str, colour: str, size: int, rng: np.random.Generator) -> Floats:
    """A (size, size, 3) background in linear light, of a kind of `tables.PLACES`.

    `colour`, of `tables.COLOURS`, is that of a plain wall.
    """
    canvas = _Canvas(size, rng)
    if kind == "plain wall":
        return _wall(canvas, colour)
    if kind in _BUILT:
        return _BUILT[kind](canvas)
    return _OUTDOORS[kind](canvas, 0.42 + 0.12 * rng.random())


class _Canvas:
    """What the strokes need: pixel positions from 0 to 1, noise shifted by the seed, the seed."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size, self.rng = size, rng
        self.yy, self.xx = np.mgrid[0:size, 0:size].astype(np.float32) / size
        self.du, self.dv = rng.random(2)

    def grain(self, cell: int, seed: int, sx: float = 1.0, sy: float = 1.0) -> Floats:
        u, v = (self.xx * sx + self.du).ravel(), (self.yy * sy + self.dv).ravel()
        return look(field(seed, cell), u, v).reshape(self.size, self.size)


def _mix(a: ArrayLike, b: ArrayLike, t: Floats) -> Floats:
    first, second = np.array(a, np.float32), np.array(b, np.float32)
    return np.asarray(first + (second - first) * t[..., None], np.float32)


def _wall(c: _Canvas, colour: str) -> Floats:
    wall = np.array(COLOURS[colour], np.float32) * 0.8 + 0.04
    side = c.rng.choice([-1, 1])
    shade = 1 + 0.18 * (c.xx - 0.5) * side - 0.2 * (c.yy - 0.4) + 0.025 * c.grain(30, 41)
    return np.asarray(wall * shade[..., None])


def _beach(c: _Canvas, h: float) -> Floats:
    im = _mix((0.28, 0.5, 0.85), (0.7, 0.82, 0.92), ramp(0, h, c.yy))
    sea = _mix((0.05, 0.26, 0.42), (0.12, 0.45, 0.5), ramp(h, h + 0.2, c.yy))
    im = np.where((c.yy > h)[..., None], sea * (1 + 0.12 * c.grain(6, 42, 1, 5))[..., None], im)
    shore = h + 0.22 + 0.02 * c.grain(40, 43)
    sand = np.array([0.68, 0.53, 0.34]) * (1 + 0.06 * c.grain(4, 44))[..., None]
    return np.where((c.yy > shore)[..., None], sand, im).astype(np.float32)


def _sunset(c: _Canvas, h: float) -> Floats:
    im = _mix((0.16, 0.1, 0.3), (0.95, 0.35, 0.1), ramp(0, h, c.yy))
    sun = np.exp(-(((c.xx - c.rng.uniform(0.1, 0.9)) ** 2 + (c.yy - h + 0.05) ** 2) / 0.008))
    im = im + sun[..., None] * np.array([1.0, 0.7, 0.3])
    hills = (c.yy > h + 0.015 * c.grain(40, 45))[..., None]
    return np.where(hills, np.array([0.05, 0.03, 0.05]), im).astype(np.float32)


def _forest(c: _Canvas, h: float) -> Floats:
    g = c.grain(14, 46) + 0.7 * c.grain(6, 47)
    im = _mix((0.012, 0.05, 0.015), (0.13, 0.3, 0.06), ramp(-1.6, 1.8, g))
    for _ in range(6):
        x, w = c.rng.random(), c.rng.uniform(0.012, 0.035)
        bark = np.array([0.06, 0.04, 0.025]) * c.rng.uniform(0.6, 1.5)
        im = np.where((np.abs(c.xx - x) < w)[..., None], bark, im)
    return im.astype(np.float32)


def _garden(c: _Canvas, h: float) -> Floats:
    g = c.grain(14, 46) + 0.7 * c.grain(6, 47)
    im = _mix((0.05, 0.17, 0.03), (0.35, 0.55, 0.14), ramp(-1.6, 1.8, g))
    for colour in ((0.8, 0.1, 0.15), (0.9, 0.6, 0.1), (0.75, 0.3, 0.65)):
        spots = c.grain(7, int(c.rng.integers(50, 60))) > 1.75
        im = np.where((spots & (c.yy > 0.25))[..., None], np.array(colour), im)
    sky = (c.yy < 0.18 + 0.03 * c.grain(20, 48))[..., None]
    return np.where(sky, np.array([0.55, 0.7, 0.9]), im).astype(np.float32)


def _mountains(c: _Canvas, h: float) -> Floats:
    im = _mix((0.22, 0.42, 0.8), (0.75, 0.84, 0.95), ramp(0, 0.6, c.yy))
    for k, colour in enumerate(((0.3, 0.36, 0.48), (0.14, 0.2, 0.28), (0.07, 0.15, 0.09))):
        x = c.xx[0]
        peaks = look(field(61 + k, 40), x + c.du, x * 0 + c.dv + k * 0.2)
        ridge = (0.22 + 0.17 * k + 0.07 * peaks)[None]
        im = np.where((c.yy > ridge)[..., None], np.array(colour), im)
        if k == 0:
            snow = ((c.yy > ridge) & (c.yy < ridge + 0.05))[..., None]
            im = np.where(snow, np.array([0.85, 0.88, 0.93]), im)
    return im.astype(np.float32)


_OUTDOORS: dict[str, Callable[[_Canvas, float], Floats]] = {
    "beach": _beach, "sunset": _sunset, "forest": _forest, "garden": _garden,
    "mountains": _mountains,
}  # fmt: skip


def _box(im: Floats, x0: float, y0: float, x1: float, y1: float, colour: ArrayLike) -> None:
    size = im.shape[0]
    rows = slice(int(max(0, y0) * size), int(min(1, y1) * size))
    columns = slice(int(max(0, x0) * size), int(min(1, x1) * size))
    im[rows, columns] = np.asarray(colour)


def _library(c: _Canvas) -> Floats:
    im = np.zeros((c.size, c.size, 3), np.float32)
    im[:] = (0.1, 0.055, 0.03)
    for row in range(5):
        y, x = row * 0.21 + 0.02, 0.0
        while x < 1:
            w, tall = c.rng.uniform(0.018, 0.045), c.rng.uniform(0.12, 0.175)
            back = np.array(c.rng.choice(list(COLOURS.values()))) * 0.55 + 0.02
            _box(im, x, y + 0.18 - tall, x + w * 0.92, y + 0.18, back)
            x += w
    return im


def _kitchen(c: _Canvas) -> Floats:
    im = np.zeros((c.size, c.size, 3), np.float32)
    im[:] = (0.68, 0.64, 0.56)
    _box(im, 0, 0.0, 1, 0.3, (0.5, 0.36, 0.22))
    for x in np.arange(0, 1, 0.25):
        _box(im, x, 0, x + 0.008, 0.3, (0.24, 0.16, 0.09))
    _box(im, 0, 0.72, 1, 0.78, (0.2, 0.19, 0.18))
    _box(im, 0, 0.78, 1, 1, (0.55, 0.42, 0.28))
    x = c.rng.uniform(0.05, 0.7)
    _box(im, x, 0.5, x + 0.12, 0.72, (0.55, 0.08, 0.05))
    return im


_STONE = [[0.42, 0.36, 0.3], [0.5, 0.24, 0.16], [0.38, 0.4, 0.43], [0.62, 0.55, 0.42]]
_LAMPLIGHT = np.array([1.0, 0.72, 0.3])


def _city(c: _Canvas, night: bool) -> Floats:
    im = np.zeros((c.size, c.size, 3), np.float32)
    im[:] = (0.008, 0.01, 0.028) if night else (0.62, 0.74, 0.88)
    x = -0.05
    while x < 1:
        w, top = c.rng.uniform(0.12, 0.26), c.rng.uniform(0.02, 0.4)
        house = np.array([0.025, 0.025, 0.04]) if night else np.array(c.rng.choice(_STONE))
        _box(im, x, top, x + w, 1, house)
        for wy in np.arange(top + 0.04, 0.95, 0.075):
            for wx in np.arange(x + 0.02, x + w - 0.03, 0.055):
                if not night or c.rng.random() < 0.5:
                    pane = _LAMPLIGHT * c.rng.uniform(0.4, 1.1) if night else house * 0.35
                    _box(im, wx, wy, wx + 0.026, wy + 0.04, pane)
        x += w
    return im


_BUILT: dict[str, Callable[[_Canvas], Floats]] = {
    "library": _library,
    "kitchen": _kitchen,
    "city street": lambda c: _city(c, night=False),
    "city at night": lambda c: _city(c, night=True),
}


def out_of_focus(im: Floats, pixels: float) -> Floats:
    """Blur by a lens: `pixels` is the deviation."""
    import cv2

    blurred = cv2.GaussianBlur(im, (0, 0), max(pixels, 0.3), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)
