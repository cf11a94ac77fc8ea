"""Skin, lips, brows, eyes and beards, painted in the coordinates of the mean head.

Positions are where a point lies on the mean head (metres; x to the person's left, y back, z up), so
that every feature follows the person's own shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

from sosie.world.model import Floats
from sosie.world.noise import bump, field, look, ramp
from sosie.world.people import Person
from sosie.world.tables import EYE_COLOURS

EYE_X, EYE_Z = 0.0313, 0.0412


def azimuth(p: Floats) -> Floats:
    """Angle about the head's axis: 0 at the face, positive to the person's left, in radians."""
    return np.asarray(np.arctan2(p[:, 0], -(p[:, 1] - 0.0)), np.float32)


def paint_skin(
    who: Person, age: float, p: Floats, lips: Floats, hair: Floats, beard: str
) -> tuple[Floats, Floats]:
    """Linear albedo (N, 3) and gloss (N,) of skin at mean-head positions `p` (N, 3)."""
    x, y, z = p.T
    ax = np.abs(x)
    front = ramp(0.0, -0.06, y)
    u, v = azimuth(p) / (2 * np.pi), z * 4
    grain = (
        look(field(1, 6), u * 4, v * 2) * 0.025
        + look(field(2, 20), u * 2 + who.seed * 0.13, v) * 0.035
    )
    albedo = who.skin[None] * (1 + grain[:, None])
    red = bump(ax, 0.042, 0.014) * bump(z, 0.004, 0.014) + 0.8 * bump(x, 0, 0.011) * bump(
        z, 0.0, 0.012
    )
    red = red * front * who.redness
    albedo = albedo * (1 + red[:, None] * np.array([0.1, -0.14, -0.12], np.float32))
    socket = bump(ax, EYE_X, 0.016) * bump(z, EYE_Z - 0.004, 0.011) * front
    albedo = albedo * (
        1 - socket[:, None] * np.array([0.16, 0.22, 0.2], np.float32) * (1 + age / 120)
    )
    if who.freckles:
        spots = ramp(1.1, 1.9, look(field(who.seed % 997 + 5, 2), u * 6, v * 3))
        area = bump(ax, 0.025, 0.025) * bump(z, 0.012, 0.022) * front
        albedo = albedo * (1 - 0.45 * (spots * area * min(1.0, who.freckles))[:, None])
    albedo = wrinkles(albedo, age, ax, z, front, look(field(3, 16), u * 3, v))
    for turn, height, radius in who.moles:
        d = np.hypot((azimuth(p) - turn) * 0.09, z - height)
        albedo = albedo * (1 - 0.8 * ramp(radius * 1.3, radius * 0.5, d) * (y < 0.01))[:, None]
    mouth = ramp(0.16, 0.42, lips)
    line = bump(z, -0.0315, 0.0011) * ramp(0.021, 0.016, ax) * (lips > 0.04)
    lip = who.skin * who.lip_colour * np.float32(0.78)
    albedo = albedo * (1 - mouth[:, None]) + lip * mouth[:, None]
    albedo = albedo * (1 - 0.55 * line[:, None])
    albedo = brows(who, albedo, hair, ax, z, front, u)
    albedo = lashes(albedo, ax, z, y, who.woman)
    albedo = whiskers(albedo, hair, beard, ax, y, z, lips, look(field(7, 2), u * 11, v * 3))
    under = ramp(-0.062, -0.1, z) * ramp(-0.11, -0.05, y)
    albedo = albedo * (1 - 0.3 * under[:, None])
    return albedo, 0.25 + 0.35 * mouth + 0.2 * bump(x, 0, 0.015) * front


def _sum(parts: Iterable[Floats]) -> Floats:
    return np.asarray(reduce(np.add, parts))


def wrinkles(
    albedo: Floats, age: float, ax: Floats, z: Floats, front: Floats, waver: Floats
) -> Floats:
    """Lines that come with age: forehead, beside the mouth, beside and under the eyes."""
    old = float(np.clip((age - 32) / 50, 0, 1))
    if not old:
        return albedo
    zz = z + waver * 0.0012
    lines = _sum(bump(zz, h, 0.0011) for h in (0.078, 0.088, 0.098)) * ramp(0.045, 0.03, ax)
    fold_x = 0.017 + np.clip(-z, 0, 0.05) * 0.42
    fold = bump(ax, fold_x, 0.0016) * ramp(-0.05, -0.035, z) * ramp(0.004, -0.006, z)
    bag = bump(zz - 0.0, EYE_Z - 0.0145 + 6.0 * (ax - EYE_X) ** 2, 0.0012) * bump(ax, EYE_X, 0.011)
    rays = _sum(bump(zz, EYE_Z + s * (ax - 0.045) * 0.5, 0.0009) for s in (-1, 0, 1))
    crow = rays * bump(ax, 0.053, 0.005)
    dark = (0.5 * lines + 0.75 * fold + 0.6 * bag + 0.5 * crow) * front * old
    tint = np.array([0.8, 1, 1], np.float32)
    return np.asarray(albedo * (1 - 0.5 * np.clip(dark, 0, 1)[:, None] * tint))


def brows(
    who: Person, albedo: Floats, hair: Floats, ax: Floats, z: Floats, front: Floats, u: Floats
) -> Floats:
    """Eyebrows: an arch of strokes in the colour of the hair."""
    t = np.clip((ax - 0.011) / (0.041 * who.brow_length), 0, 1)
    arch = (
        0.0605 + who.brow_arch * np.sin(np.pi * t**1.2) + who.brow_tilt * (ax - 0.03) - 0.004 * t**3
    )
    thick = who.brow_thickness * (1 - 0.65 * t**2)
    strokes = 0.8 + 0.2 * look(field(9, 2), u * 12, z * 40)
    inside = ramp(0.008, 0.013, ax) * ramp(0.054 * who.brow_length, 0.049 * who.brow_length, ax)
    cover = ramp(1.9, 0.7, np.abs(z - arch) / thick) * inside * strokes * front * 0.9
    return np.asarray(albedo * (1 - cover[:, None]) + np.minimum(hair, 0.2) * 0.6 * cover[:, None])


def lashes(albedo: Floats, ax: Floats, z: Floats, y: Floats, woman: bool) -> Floats:
    """The dark rim of the lids, stronger above."""
    e = np.hypot((ax - EYE_X) / 0.0155, (z - EYE_Z + 0.0005) / 0.0062)
    rim = bump(e, 1.0, 0.17) * (y < -0.06) * np.where(z > EYE_Z, 0.9 if woman else 0.7, 0.35)
    crease = bump(e, 1.75, 0.14) * (z > EYE_Z + 0.004) * (y < -0.06) * 0.25
    return np.asarray(albedo * (1 - np.clip(rim + crease, 0, 0.95)[:, None]))


def whiskers(
    albedo: Floats,
    hair: Floats,
    beard: str,
    ax: Floats,
    y: Floats,
    z: Floats,
    lips: Floats,
    strands: Floats,
) -> Floats:
    """Beard and moustache in the colour of the hair."""
    if beard == "none":
        return albedo
    lip_top = bump(z, -0.0175, 0.0045) * ramp(0.03, 0.02, ax) * (y < -0.08)
    chin = ramp(-0.04, -0.05, z) * ramp(-0.095, -0.075, z) * ramp(0.028, 0.02, ax)
    jaw = (
        ramp(-0.004, -0.03, z - ramp(0.03, 0.065, ax) * 0.03)
        * ramp(-0.1, -0.08, z)
        * ramp(0.02, -0.01, y)
        * ramp(0.015, 0.03, ax + 0.4 * np.clip(-z - 0.03, 0, 1))
    )
    region = {
        "stubble": np.maximum(np.maximum(lip_top, chin), jaw) * 0.42,
        "moustache": lip_top * 0.95,
        "goatee": np.maximum(lip_top, chin) * 0.95,
        "full beard": np.maximum(np.maximum(lip_top, chin), jaw) * 0.95,
    }[beard]
    cover = region * ramp(0.35, 0.1, lips) * np.clip(0.9 + 0.16 * strands, 0, 1)
    return np.asarray(albedo * (1 - cover[:, None]) + hair * 0.8 * cover[:, None])


def paint_eye(who: Person, d: Floats, gaze: Floats, pupil: float) -> tuple[Floats, Floats]:
    """Albedo and gloss of an eyeball at unit directions `d` (N, 3) from its centre."""
    angle = np.arccos(np.clip(d @ gaze, -1, 1))
    white = (
        np.array([0.66, 0.62, 0.59], np.float32)
        * (1 - 0.3 * ramp(0.0, 0.5, np.abs(d[:, 0])))[:, None]
    )
    iris = np.array(EYE_COLOURS[who.eye_colour], np.float32)
    ray = 1 + 0.25 * np.sin(19 * np.arctan2(d[:, 2] - gaze[2], d[:, 0] - gaze[0]))
    shade = (
        iris[None]
        * (ray * (0.75 + 0.7 * ramp(0.2, 0.42, angle)) * (1 - 0.6 * ramp(0.42, 0.5, angle)))[
            :, None
        ]
    )
    inside = ramp(0.53, 0.47, angle)[:, None]
    albedo = white * (1 - inside) + shade * inside
    hole = ramp(pupil + 0.04, pupil - 0.02, angle)[:, None]
    lid = 1 - 0.5 * ramp(0.1, 0.55, d[:, 2])
    painted = np.asarray((albedo * (1 - hole) + 0.008 * hole) * lid[:, None])
    return painted, np.full(len(d), 1.6, np.float32)
