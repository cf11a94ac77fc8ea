"""Where a picture is taken: simple, out of focus, drawn in a few strokes."""

from __future__ import annotations

import cv2
import numpy as np

from sosie.world.model import Floats
from sosie.world.noise import field, look, ramp
from sosie.world.tables import COLOURS


def place(kind: str, colour: str, size: int, rng: np.random.Generator) -> Floats:
    """A (size, size, 3) background in linear light."""
    yy, xx = np.mgrid[0:size, 0:size].astype(np.float32) / size
    du, dv = rng.random(2)

    def grain(cell: int, seed: int, sx: float = 1.0, sy: float = 1.0) -> Floats:
        return look(field(seed, cell), (xx * sx + du).ravel(), (yy * sy + dv).ravel()).reshape(size, size)

    def mix(a: object, b: object, t: Floats) -> Floats:
        a, b = np.array(a, np.float32), np.array(b, np.float32)
        return np.asarray(a + (b - a) * t[..., None], np.float32)

    if kind == "plain wall":
        wall = np.array(COLOURS[colour], np.float32) * 0.8 + 0.04
        shade = 1 + 0.18 * (xx - 0.5) * rng.choice([-1, 1]) - 0.2 * (yy - 0.4) + 0.025 * grain(30, 41)
        return wall * shade[..., None]
    h = 0.42 + 0.12 * rng.random()
    if kind == "beach":
        im = mix((0.28, 0.5, 0.85), (0.7, 0.82, 0.92), ramp(0, h, yy))
        im = np.where((yy > h)[..., None], mix((0.05, 0.26, 0.42), (0.12, 0.45, 0.5), ramp(h, h + 0.2, yy)) * (1 + 0.12 * grain(6, 42, 1, 5))[..., None], im)
        s = h + 0.22 + 0.02 * grain(40, 43)
        return np.where((yy > s)[..., None], np.array([0.68, 0.53, 0.34]) * (1 + 0.06 * grain(4, 44))[..., None], im).astype(np.float32)
    if kind == "sunset":
        im = mix((0.16, 0.1, 0.3), (0.95, 0.35, 0.1), ramp(0, h, yy))
        sun = np.exp(-(((xx - rng.uniform(0.1, 0.9)) ** 2 + (yy - h + 0.05) ** 2) / 0.008))
        im = im + sun[..., None] * np.array([1.0, 0.7, 0.3])
        return np.where((yy > h + 0.015 * grain(40, 45))[..., None], np.array([0.05, 0.03, 0.05]), im).astype(np.float32)
    if kind in ("forest", "garden"):
        g = grain(14, 46) + 0.7 * grain(6, 47)
        dark, light = ((0.012, 0.05, 0.015), (0.13, 0.3, 0.06)) if kind == "forest" else ((0.05, 0.17, 0.03), (0.35, 0.55, 0.14))
        im = mix(dark, light, ramp(-1.6, 1.8, g))
        if kind == "forest":
            for _ in range(6):
                c, w = rng.random(), rng.uniform(0.012, 0.035)
                im = np.where((np.abs(xx - c) < w)[..., None], np.array([0.06, 0.04, 0.025]) * rng.uniform(0.6, 1.5), im)
        else:
            for colour_ in ((0.8, 0.1, 0.15), (0.9, 0.6, 0.1), (0.75, 0.3, 0.65)):
                spots = look(field(int(rng.integers(50, 60)), 7), (xx + du).ravel(), (yy + dv).ravel()).reshape(size, size) > 1.75
                im = np.where((spots & (yy > 0.25))[..., None], np.array(colour_), im)
            im = np.where((yy < 0.18 + 0.03 * grain(20, 48))[..., None], np.array([0.55, 0.7, 0.9]), im)
        return im.astype(np.float32)
    if kind == "mountains":
        im = mix((0.22, 0.42, 0.8), (0.75, 0.84, 0.95), ramp(0, 0.6, yy))
        for k, c in enumerate(((0.3, 0.36, 0.48), (0.14, 0.2, 0.28), (0.07, 0.15, 0.09))):
            ridge = 0.22 + 0.17 * k + 0.07 * look(field(61 + k, 40), xx[0] + du, xx[0] * 0 + dv + k * 0.2)
            im = np.where((yy > ridge[None])[..., None], np.array(c), im)
            if k == 0:
                im = np.where(((yy > ridge[None]) & (yy < ridge[None] + 0.05))[..., None], np.array([0.85, 0.88, 0.93]), im)
        return im.astype(np.float32)
    return _built(kind, xx, yy, rng, mix, grain)


def _built(kind: str, xx: Floats, yy: Floats, rng: np.random.Generator, mix: object, grain: object) -> Floats:
    size = xx.shape[0]
    im = np.zeros((size, size, 3), np.float32)

    def box(x0: float, y0: float, x1: float, y1: float, c: object) -> None:
        im[int(max(0, y0) * size) : int(min(1, y1) * size), int(max(0, x0) * size) : int(min(1, x1) * size)] = c

    if kind == "library":
        im[:] = (0.1, 0.055, 0.03)
        for row in range(5):
            y, x = row * 0.21 + 0.02, 0.0
            while x < 1:
                w, tall = rng.uniform(0.018, 0.045), rng.uniform(0.12, 0.175)
                box(x, y + 0.18 - tall, x + w * 0.92, y + 0.18, np.array(rng.choice(list(COLOURS.values()))) * 0.55 + 0.02)
                x += w
        return im
    if kind == "kitchen":
        im[:] = (0.68, 0.64, 0.56)
        box(0, 0.0, 1, 0.3, (0.5, 0.36, 0.22))
        for x in np.arange(0, 1, 0.25):
            box(x, 0, x + 0.008, 0.3, (0.24, 0.16, 0.09))
        box(0, 0.72, 1, 0.78, (0.2, 0.19, 0.18))
        box(0, 0.78, 1, 1, (0.55, 0.42, 0.28))
        x = rng.uniform(0.05, 0.7)
        box(x, 0.5, x + 0.12, 0.72, (0.55, 0.08, 0.05))
        return im
    night = kind == "city at night"
    im[:] = (0.008, 0.01, 0.028) if night else (0.62, 0.74, 0.88)
    x = -0.05
    while x < 1:
        w, top = rng.uniform(0.12, 0.26), rng.uniform(0.02, 0.4)
        c = np.array([0.025, 0.025, 0.04]) if night else np.array(rng.choice([[0.42, 0.36, 0.3], [0.5, 0.24, 0.16], [0.38, 0.4, 0.43], [0.62, 0.55, 0.42]]))
        box(x, top, x + w, 1, c)
        for wy in np.arange(top + 0.04, 0.95, 0.075):
            for wx in np.arange(x + 0.02, x + w - 0.03, 0.055):
                if not night or rng.random() < 0.5:
                    box(wx, wy, wx + 0.026, wy + 0.04, np.array([1.0, 0.72, 0.3]) * rng.uniform(0.4, 1.1) if night else c * 0.35)
        x += w
    return im


def out_of_focus(im: Floats, pixels: float) -> Floats:
    """Blur by a lens: `pixels` is the deviation."""
    return np.asarray(cv2.GaussianBlur(im, (0, 0), max(pixels, 0.3), borderType=cv2.BORDER_REFLECT), np.float32)
