"""Clothes: the torso pushed outwards, with a neckline, and painted."""

from __future__ import annotations

import numpy as np

from sosie.world.hair import Surface
from sosie.world.model import SKIN, Floats, head_model
from sosie.world.noise import bump, field, look, ramp
from sosie.world.skin import azimuth

_NECKLINE = {
    "t-shirt": (-0.142, -0.1),
    "dress": (-0.178, -0.1),
    "sweater": (-0.146, -0.105),
    "turtleneck": (-0.098, -0.06),
    "hoodie": (-0.15, -0.085),
    "shirt": (-0.135, -0.085),
    "coat": (-0.13, -0.078),
    "jacket": (-0.135, -0.082),
    "suit": (-0.128, -0.083),
}
"""Height of the neck's opening in metres, in front and behind."""
_THICK = {
    "coat": 0.014,
    "jacket": 0.011,
    "hoodie": 0.012,
    "sweater": 0.009,
    "turtleneck": 0.008,
    "suit": 0.009,
}


def dress(garment: str, v: Floats, n: Floats) -> Surface:
    """The garment's layer on the person's own body."""
    m = head_model()
    p = m.base
    front, back = _NECKLINE[garment]
    a = np.abs(azimuth(p - np.array([0, 0.02, 0], np.float32)))
    line = front + (back - front) * (
        ramp(0.5, 1.15, a) if garment == "dress" else ramp(0.3, 2.4, a)
    )
    cover = ramp(0.002, -0.002, p[:, 2] - line) * (m.part == SKIN)
    wide = 0.015 if garment in ("hoodie", "coat") else 0.008
    collar = bump(p[:, 2] - line, -0.75 * wide, wide)
    extra = {
        "coat": 0.016,
        "hoodie": 0.03,
        "shirt": 0.006,
        "jacket": 0.008,
        "suit": 0.008,
        "turtleneck": 0.004,
    }.get(garment, 0.002)
    folds = look(field(31, 22), p[:, 0] * 3, p[:, 2] * 5 + p[:, 1] * 3) * 0.0022
    lift = _THICK.get(garment, 0.005) + extra * collar + folds
    grown = v + n * lift[:, None].astype(np.float32)
    keep = (cover[m.faces] > 0.01).all(1)
    return Surface(garment, grown, m.faces[keep], p, cover.astype(np.float32), m.turn)


def paint_cloth(garment: str, colour: Floats, second: Floats, pattern: str, p: Floats) -> Floats:
    """Linear albedo (N, 3) of a garment at mean-body positions."""
    x, y, z = p.T
    weave = 1 + 0.06 * look(field(33, 2), x * 12, z * 12) + 0.05 * look(field(34, 18), x * 3, z * 3)
    albedo = np.repeat(colour[None], len(p), 0)
    if pattern == "striped":
        albedo = np.where((np.sin(z * 2 * np.pi / 0.03) > 0.1)[:, None], albedo, second)
    elif pattern == "checked":
        k = (np.sin(x * 2 * np.pi / 0.05) > 0).astype(np.float32) + (
            np.sin(z * 2 * np.pi / 0.05) > 0
        )
        albedo = albedo * (1 - 0.45 * k[:, None] / 2 * 1.0) + second * 0.45 * k[:, None] / 2
    elif pattern == "dotted":
        dots = np.hypot((x % 0.032) - 0.016, (z % 0.032) - 0.016) < 0.0072
        albedo = np.where(dots[:, None], second, albedo)
    front = y < 0.0
    if garment in ("coat", "jacket", "suit"):
        half = 0.014 + 0.33 * np.clip(z + 0.245, 0, 0.2)
        open_ = (
            ramp(half + 0.002, half - 0.002, np.abs(x))
            * front
            * (0.0 if garment == "coat" else 1.0)
        )
        inner = np.array([0.75, 0.75, 0.73] if garment == "suit" else second, np.float32)
        albedo = albedo * (1 - open_[:, None]) + inner * open_[:, None]
        lapel = bump(np.abs(x), half + 0.012, 0.009) * front
        albedo = albedo * (1 - 0.28 * lapel[:, None])
        if garment == "suit":
            tie = ramp(0.0095, 0.0075, np.abs(x) - 0.03 * np.clip(-z - 0.15, 0, 0.2)) * front
            albedo = albedo * (1 - tie[:, None]) + second * tie[:, None]
        if garment == "coat":
            seam = bump(x, 0.012, 0.0014) * front
            albedo = albedo * (1 - 0.55 * seam[:, None])
    if garment == "shirt":
        # two points of a collar, told from the cloth below by the line of their edge
        edge = -0.128 - 0.62 * np.clip(0.034 - np.abs(np.abs(x) - 0.03), 0, 0.034)
        albedo = albedo * (1 - 0.5 * (bump(z, edge, 0.0022) * front * (np.abs(x) < 0.065))[:, None])
        albedo = albedo * (1 - 0.4 * (bump(x, 0.011, 0.0012) * front)[:, None])
        buttons = (np.hypot(x, (z % 0.042) - 0.02) < 0.0042) & front
        albedo = np.where(buttons[:, None], 0.5 + 0.3 * second, albedo)
    if garment == "hoodie":
        cord = bump(np.abs(x), 0.03, 0.0025) * ramp(-0.24, -0.235, z) * front
        albedo = albedo * (1 - cord[:, None]) + 0.8 * cord[:, None]
    if garment in ("sweater", "turtleneck"):
        albedo = albedo * (1 - 0.13 * (np.sin(x * 2 * np.pi / 0.009) > 0))[:, None]
    return albedo * weave[:, None]
