"""Hair and hats: a shell grown from the scalp, and a curtain that falls around the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sosie.world.model import SKIN, Floats, head_model
from sosie.world.noise import bump, field, look, ramp
from sosie.world.people import Person
from sosie.world.skin import azimuth

CENTRE = np.array([0.0, 0.0, 0.06], np.float32)
"""About the middle of the mean skull."""


@dataclass(frozen=True)
class Surface:
    """A layer over the body: its mesh, and for each vertex what its painter needs."""

    kind: str
    vertices: Floats
    faces: NDArray[np.int32]
    mean: Floats
    """(V, 3) positions on the mean head."""
    cover: Floats
    """(V,) opacity before the painter's own noise."""
    turn: Floats
    """(V,) share of the head's rotation that it follows."""
    crown: bool = True
    """Whether it grows on the skull, where a hat would hide it."""


def hairline(p: Floats, recede: float, parting: float, fringe: float = 0.0) -> Floats:
    """Height in metres of the lower edge of the hair at the azimuths of `p`."""
    signed = azimuth(p)
    a = np.abs(signed)
    line = np.interp(
        a,
        [0, 0.35, 0.75, 1.0, 1.2, 1.4, 1.6, 1.9, 2.3, 3.15],
        [0.106, 0.108, 0.1, 0.078, 0.045, 0.015, 0.02, 0.0, -0.03, -0.055],
    )
    line = line + 0.0022 * look(field(15, 5), signed / 6.283 * 3, 0 * signed)
    line = line - fringe * (
        0.026 * ramp(0.95, 0.6, a) - 0.01 * parting * np.sin(2.5 * signed) * (a < 0.95)
    )
    corners = bump(a, 0.55, 0.25) * 0.03 + ramp(1.0, 0.2, a) * 0.018
    return np.asarray(line + recede * corners, np.float32)


def scalp(
    p: Floats, recede: float, parting: float, soft: float = 0.009, fringe: float = 0.0
) -> Floats:
    """Share of hair at mean-head positions: 1 on the scalp, 0 on the face and the ears."""
    ear = ramp(0.071, 0.077, np.abs(p[:, 0])) * (p[:, 2] < 0.075)
    w = ramp(-soft, soft, p[:, 2] - hairline(p, recede, parting, fringe)) * (1 - ear)
    return np.asarray(w, np.float32)


def grow(
    who: Person, style: str, age: float, skin_vertices: Floats, skin_normals: Floats
) -> list[Surface]:
    """The layers of hair for a style, on the person's own (unturned) head."""
    if style == "bald":
        return []
    m = head_model()
    recede = who.balding * float(np.clip((age - 25) / 45, 0, 1))
    fringe = who.fringe * (style in ("short", "bob", "long", "ponytail")) * (1 - recede)
    cover = scalp(m.base, recede, who.parting, fringe=fringe) * (m.part == SKIN)
    top = (
        recede
        * bump(np.hypot(m.base[:, 0], m.base[:, 1] - 0.02), 0, 0.05)
        * ramp(0.1, 0.14, m.base[:, 2])
    )
    cover = cover * (1 - top)
    height = {
        "crop": 0.004,
        "short": 0.012,
        "bob": 0.012,
        "long": 0.011,
        "curly": 0.024,
        "afro": 0.02,
        "ponytail": 0.007,
        "bun": 0.007,
    }[style]
    u, v = azimuth(m.base) / 6.283, m.base[:, 2] * 4
    rough = {"curly": 0.35, "afro": 0.12, "short": 0.25}.get(style, 0.1)
    lift = (
        height
        * (1 + rough * look(field(11, 14), u * 2, v))
        * (0.55 + 0.45 * ramp(0.05, 0.14, m.base[:, 2]))
    )
    part = (
        bump(m.base[:, 0] - who.parting * 0.03, 0, 0.006) * ramp(-0.1, -0.02, -m.base[:, 1])
        if style in ("bob", "long")
        else 0.0
    )
    if style == "short":
        lift = lift * (1 + 0.5 * ramp(0.02, -0.07, m.base[:, 1]) * ramp(0.09, 0.13, m.base[:, 2]))
    lift = lift * (1 - 0.6 * part) * ramp(0.0, 0.6, cover) + 0.0012
    grown = skin_vertices + skin_normals * lift[:, None].astype(np.float32)
    keep = (cover[m.faces] > 0.01).all(1)
    layers = [Surface("hair", grown, m.faces[keep], m.base, cover.astype(np.float32), m.turn)]
    if style in ("long", "bob", "curly"):
        layers.append(curtain(who, style, skin_vertices))
    if style == "afro":
        layers.append(cloud(recede, who.parting, skin_vertices))
    if style in ("ponytail", "bun"):
        layers.append(knot(style, skin_vertices))
    return layers


def curtain(who: Person, style: str, v: Floats) -> Surface:
    """Hair that falls around the sides and the back of the head, forward of the ears below them."""
    m = head_model()
    head = v[(m.part == SKIN) & (m.base[:, 2] > 0.03)]
    rx = float(np.abs(head[:, 0]).max())
    back, top = float(head[:, 1].max()), float(head[:, 2].max())
    length = {"bob": -0.07, "long": -0.2, "curly": -0.1}[style]
    full = {"bob": 0.02, "long": 0.016, "curly": 0.036}[style]
    nphi, nt = 60, 30
    t = np.linspace(0, 1, nt, dtype=np.float32)[None] + np.zeros((nphi, 1), np.float32)
    z = (top - 0.03) * (1 - t) + length * t
    # above the ears the edge follows the hairline, below it comes forward beside the cheeks
    edge = 1.3 - 0.52 * ramp(0.055, -0.03, z)
    phi = edge + (2 * np.pi - 2 * edge) * np.linspace(0, 1, nphi, dtype=np.float32)[:, None]
    dome = np.sqrt(np.clip(1 - np.clip((z - 0.055) / (top - 0.05), 0, 1) ** 2, 0.02, 1))
    fall = ramp(0.03, -0.08, z)
    wave = look(field(13, 14), (phi / 6.283 * 2).ravel(), (t * 0.5).ravel()).reshape(phi.shape)
    rough = 0.007 if style == "curly" else 0.002
    r = full * (0.5 + 0.5 * ramp(0.12, 0.02, z)) + rough * wave
    tuck = 0.012 * ramp(0.4, 1.0, t) * (style == "bob")
    width = (rx + r - tuck) * dome
    depth_b = (back + 0.5 * r + 0.006) * dome * (1 - 0.25 * fall)
    forward = 0.04 + 0.03 * fall
    x = width * np.sin(phi)
    y = np.where(np.cos(phi) > 0, -forward * dome * np.cos(phi), -depth_b * np.cos(phi))
    p = np.stack([x, y, z], -1).reshape(-1, 3).astype(np.float32)
    ends = ramp(1.0, 0.93, t + 0.03 * wave) * ramp(0.0, 0.03, t)
    mean = np.stack([np.sin(phi) * 0.08, -np.cos(phi) * 0.08, z], -1).reshape(-1, 3)
    follow = np.clip(0.25 + 0.75 * ramp(-0.2, 0.0, z), 0, 1)
    return Surface(
        "hair", p, _net(nphi, nt), mean.astype(np.float32), ends.ravel().astype(np.float32),
        follow.ravel().astype(np.float32), crown=False,
    )  # fmt: skip


def _net(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles between the points of a grid."""
    i = np.arange(rows * columns).reshape(rows, columns)
    quad = np.stack([i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]], -1).reshape(-1, 4)
    return np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]]).astype(np.int32)


def outside_hat(kind: str, p: Floats, crown: bool) -> Floats:
    """Share of hair that a hat leaves to be seen at mean-head positions."""
    if kind == "none":
        return np.ones(len(p), np.float32)
    edge = hat_edge(kind, p)
    return ramp(edge + 0.004, edge - 0.004, p[:, 2])


def hat_edge(kind: str, p: Floats) -> Floats:
    """Height in metres of a hat's lower edge."""
    line = {"cap": 0.098, "beanie": 0.088, "straw hat": 0.1}[kind]
    return np.asarray(line - 0.035 * ramp(0.0, 0.09, p[:, 1]), np.float32)


def ball(
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    kind: str,
    rough: float = 0.0,
) -> Surface:
    """An ellipsoid that follows the head."""
    n, k = 22, 32
    th, ph = np.meshgrid(np.linspace(0, np.pi, n), np.linspace(0, 2 * np.pi, k), indexing="ij")
    d = np.stack([np.sin(th) * np.sin(ph), -np.sin(th) * np.cos(ph), np.cos(th)], -1).reshape(-1, 3)
    lumps = 1 + rough * look(field(17, 16), ph.ravel() / 6.283 * 3, th.ravel() / 3.1416 * 2)
    p = (np.array(centre) + d * np.array(radii) * lumps[:, None]).astype(np.float32)
    one = np.ones(len(p), np.float32)
    return Surface(kind, p, _net(n, k), p, one, one)


def cloud(recede: float, parting: float, v: Floats) -> Surface:
    """Hair that stands off the head all around, above the hairline."""
    m = head_model()
    head = v[(m.part == SKIN) & (m.base[:, 2] > 0.03)]
    low, high = head.min(0), head.max(0)
    middle = (0.0, float(low[1] + high[1]) / 2 + 0.012, 0.07)
    radii = (
        float(high[0]) + 0.028,
        float(high[1] - low[1]) / 2 + 0.03,
        float(high[2]) - 0.07 + 0.04,
    )
    surface = ball(middle, radii, "hair", rough=0.035)
    p = surface.vertices
    cover = ramp(-0.014, 0.014, p[:, 2] - hairline(p, recede, parting)) * ramp(
        -0.05, -0.02, p[:, 2]
    )
    return Surface("hair", p, surface.faces, p, cover, surface.turn)


def knot(style: str, v: Floats) -> Surface:
    """A bun on top, or a tail that falls behind."""
    m = head_model()
    top = float(v[m.part == SKIN][:, 2].max())
    back = float(v[(m.part == SKIN) & (m.base[:, 2] > 0.03)][:, 1].max())
    if style == "bun":
        return ball((0.0, back * 0.35, top + 0.018), (0.04, 0.04, 0.032), "hair")
    return ball((0.035, back + 0.012, -0.02), (0.034, 0.03, 0.1), "hair")


def paint_hair(
    colour: Floats, p: Floats, cover: Floats, style: str
) -> tuple[Floats, Floats, Floats]:
    """Albedo, opacity and sheen of hair at mean-head positions."""
    a = azimuth(p) / 6.283
    r = np.hypot(p[:, 0], p[:, 1])
    if style in ("curly", "afro"):
        strand = (
            look(field(21, 5), a * 5, p[:, 2] * 9) * 0.8
            + look(field(22, 3), a * 6, p[:, 2] * 11) * 0.5
        )
    else:
        strand = 0.55 * look(field(23, 3), a * 4, p[:, 2] * 0.4 + r) + 0.8 * look(
            field(24, 9), a * 3, p[:, 2] * 0.4
        )
    albedo = colour[None] * np.clip(1 + 0.24 * strand, 0.3, 2)[:, None]
    alpha = ramp(0.12, 0.85, cover + 0.1 * strand * (cover < 0.97))
    return albedo, np.asarray(alpha, np.float32), np.clip(0.5 + 0.5 * strand, 0, 1.5)


def hat(kind: str, v: Floats, n: Floats) -> list[Surface]:
    """A hat on the person's own head."""
    if kind == "none":
        return []
    m = head_model()
    cover = ramp(-0.003, 0.003, m.base[:, 2] - hat_edge(kind, m.base)) * (m.part == SKIN)
    thick = {"cap": 0.017, "beanie": 0.019, "straw hat": 0.02}[kind]
    puff = 1 + (0.9 if kind == "beanie" else 0.3) * ramp(0.13, 0.157, m.base[:, 2])
    grown = v + n * (thick * puff)[:, None].astype(np.float32)
    faces = m.faces[(cover[m.faces] > 0.01).all(1)]
    layers = [
        Surface(kind, grown, faces, m.base, cover.astype(np.float32), np.ones(len(v), np.float32))
    ]
    if kind != "beanie":
        layers.append(brim(kind, v))
    return layers


def brim(kind: str, v: Floats) -> Surface:
    """The peak of a cap or the brim of a straw hat."""
    m = head_model()
    skull = v[(m.part == SKIN) & (m.base[:, 2] > 0.085)]
    rx, fy, by = (
        float(np.abs(skull[:, 0]).max()),
        float(skull[:, 1].min()),
        float(skull[:, 1].max()),
    )
    out = 0.062 if kind == "cap" else 0.075
    a = np.linspace(-1.15, 1.15, 25) if kind == "cap" else np.linspace(-np.pi, np.pi, 49)
    s = np.linspace(0, 1, 7)
    around, out_share = np.meshgrid(a, s, indexing="ij")
    c = (fy + by) / 2
    ry = (by - fy) / 2 + 0.012
    shade = np.cos(around) ** 0.7 if kind == "cap" else 1.0
    k = 1 + out_share * out * shade / rx
    x, y = (
        np.sin(around) * (rx + 0.012) * (1 + (k - 1) * (0.45 if kind == "cap" else 1)),
        c - np.cos(around) * ry * k,
    )
    z = (
        0.1
        - out_share * (0.016 if kind == "cap" else 0.006)
        - (0.012 * np.sin(around) ** 2 if kind == "cap" else 0.02 * ramp(0.0, 0.1, y))
    )
    p = np.stack([x, y, z + 0 * x], -1).reshape(-1, 3).astype(np.float32)
    one = np.ones(len(p), np.float32)
    return Surface(kind, p, _net(*around.shape), p, one, one)
