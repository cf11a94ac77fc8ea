"""The camera and the lamps: where points fall on the picture, and how much light they send."""

from __future__ import annotations

import numpy as np

from sosie.world.model import SKIN, Floats, head_model


class Camera:
    """A camera before the face: where it stands is drawn, so that pictures are framed by hand."""

    def __init__(self, v: Floats, size: int, r: np.random.Generator) -> None:
        m = head_model()
        head = v[(m.part == SKIN) & (m.base[:, 2] > -0.075) & (m.turn > 0.95)]
        self.size = size
        low, high = float(head[:, 2].min()), float(head[:, 2].max())
        self.tall = high - low
        self.focal = size * r.uniform(0.59, 0.66) / self.tall
        self.z = (low + high) / 2
        self.x0, self.y0 = size * (0.5 + r.normal(0, 0.015)), size * (0.445 + r.normal(0, 0.015))
        self.far = 1.25

    def see(self, v: Floats) -> tuple[Floats, Floats]:
        """Pixels (V, 2) and distances in metres (V,) of points (V, 3)."""
        d = v[:, 1] + self.far
        k = self.focal * self.far / d
        xy = np.stack([self.x0 + k * v[:, 0], self.y0 - k * (v[:, 2] - self.z)], 1)
        return xy.astype(np.float32), d


class Lamp:
    """A key light, the sky around, and a rim from behind."""

    def __init__(self, kind: str, r: np.random.Generator) -> None:
        side = r.choice([-1.0, 1.0])
        key, sky, tint, place, wrap = {
            "soft light": (0.75, 0.62, (1, 1, 1), 1.0, 0.5),
            "daylight": (1.05, 0.5, (1.0, 0.99, 0.96), 1.1, 0.3),
            "side light": (1.3, 0.24, (1, 1, 0.98), 0.8, 0.15),
            "warm light": (0.95, 0.42, (1.15, 0.95, 0.72), 0.85, 0.35),
            "evening light": (1.05, 0.3, (1.2, 0.86, 0.62), 0.7, 0.25),
            "studio light": (1.15, 0.4, (1, 1, 1.02), 0.9, 0.3),
        }[kind]
        across = (
            {"side light": 0.95, "soft light": 0.25, "evening light": 0.75}.get(kind, 0.5)
            * r.uniform(0.8, 1.15)
            * side
        )
        d = np.array([across, -0.8, r.uniform(0.3, 0.65)])
        self.dir = (d / np.linalg.norm(d)).astype(np.float32)
        self.tint = np.array(tint, np.float32)
        self.key, self.sky, self.wrap, self.place = key, sky, wrap, np.float32(place)
        self.rim = 0.35 if kind in ("studio light", "evening light") else 0.12
        h = self.dir + np.array([0, -1, 0], np.float32)
        self.half = h / np.linalg.norm(h)

    def shade(self, albedo: Floats, n: Floats, gloss: Floats, bleed: float = 0.0) -> Floats:
        """Light reaching the camera from points with these normals."""
        ndl = n @ self.dir
        lit = np.clip((ndl + self.wrap) / (1 + self.wrap), 0, None)[:, None]
        if bleed:
            soft = np.clip((ndl + 0.55) / 1.55, 0, None)[:, None]
            lit = np.concatenate([lit * (1 - bleed) + soft * bleed, lit, lit], 1)
        amb = (0.62 + 0.38 * n[:, 2] * 0.9)[:, None] * np.array([0.96, 0.98, 1.04], np.float32)
        spec = (
            np.clip(n @ self.half, 0, None) ** 28 * gloss * 0.16
            + np.clip(n @ self.half, 0, None) ** 200 * (gloss > 1) * 0.9
        )
        rim = np.clip(1 + n[:, 1], 0, 1) ** 3 * np.clip(n[:, 2] + 0.4, 0, 1) * self.rim
        return np.asarray(
            albedo * (lit * self.key * self.tint + amb * self.sky + rim[:, None])
            + (spec * self.key)[:, None] * self.tint,
            np.float32,
        )
