"""A photograph: a person in a setting, seen by a camera, with everything about it known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sosie.world import clothes, hair, places, skin, tables
from sosie.world.hair import Surface
from sosie.world.model import EYE_LEFT, EYE_RIGHT, SKIN, TONGUE, Floats, head_model, normals, shape
from sosie.world.noise import field, look, ramp
from sosie.world.people import Person
from sosie.world.raster import rasterise

OVER = 1.5
"""Samples along each side of a pixel."""


@dataclass(frozen=True)
class Truth:
    """All that is known about a picture."""

    person: int
    age: int
    view: str
    yaw: float
    pitch: float
    expression: str
    hair_style: str
    hair_colour: str
    glasses: str
    hat: str
    beard: str
    garment: str
    garment_colour: str
    second_colour: str
    pattern: str
    place: str
    wall_colour: str
    light: str
    woman: bool


@dataclass(frozen=True, eq=False)
class Photo:
    """(size, size, 3) bytes, and the truth about them."""

    picture: NDArray[np.uint8]
    truth: Truth


def choose(who: Person, seed: int, **fixed: object) -> Truth:
    """Draw a setting from the seed; what is given in `fixed` stays as given."""
    r = np.random.default_rng([who.seed, seed, 5])
    age = fixed.get("age")
    age = int(r.integers(18, 75) if r.random() < 0.8 else r.integers(5, 90)) if age is None else int(age)  # type: ignore[call-overload]
    view = str(r.choice(list(tables.VIEWS), p=[0.5, 0.19, 0.19, 0.06, 0.06]))
    view = str(fixed.get("view") or view)
    grey = age + r.normal(0, 2) > who.greying
    colour = who.hair_colour if not grey else ("white" if age > who.greying + 14 else "grey")
    style = who.hair_style if r.random() < 0.75 else str(r.choice([s for s in tables.HAIR_STYLES if s != "bald"]))
    garments = [g for g in tables.GARMENTS if who.woman or g != "dress"]
    colours = list(tables.COLOURS)
    first, second = r.choice(colours, 2, replace=False)
    wall = str(r.choice([c for c in colours if c != first]))
    hat = str(r.choice(tables.HATS, p=[0.86, 0.05, 0.05, 0.04]))
    values: dict[str, object] = {
        "person": who.seed,
        "age": age,
        "view": view,
        "yaw": float(tables.VIEWS[view] + r.normal(0, 6)),
        "pitch": float(r.normal(0, 4)),
        "expression": str(r.choice(tables.EXPRESSIONS, p=[0.34, 0.32, 0.12, 0.14, 0.08])),
        "hair_style": style,
        "hair_colour": colour,
        "glasses": who.glasses if r.random() < 0.9 else str(r.choice(tables.GLASSES)),
        "hat": hat,
        "beard": who.beard if age > 17 else "none",
        "garment": str(r.choice(garments)),
        "garment_colour": str(first),
        "second_colour": str(second),
        "pattern": str(r.choice(tables.PATTERNS, p=[0.64, 0.14, 0.12, 0.1])),
        "place": str(r.choice(tables.PLACES, p=[0.37] + [0.07] * 9)),
        "wall_colour": wall,
        "light": str(r.choice(tables.LIGHTS)),
        "woman": who.woman,
    }
    unknown = set(fixed) - {f.name for f in fields(Truth)}
    if unknown:
        raise TypeError(f"a photo has no {', '.join(sorted(unknown))}")
    values.update({k: v for k, v in fixed.items() if v is not None})
    return Truth(**values)  # type: ignore[arg-type]


def photo(who: Person, *, seed: int, size: int = 128, **fixed: object) -> Photo:
    """Take a picture of a person. Equal arguments give equal bytes."""
    truth = choose(who, seed, **fixed)
    r = np.random.default_rng([who.seed, seed, 6])
    return Photo(_expose(_scene(who, truth, round(size * OVER), r), truth, size, r), truth)


_EXPRESSION = {
    "neutral": {}, "serious": {"browdown": 0.55, "frown": 0.25}, "smiling": {"smile": 0.75},
    "laughing": {"smile": 0.95, "open": 0.28, "upperup": 0.35}, "surprised": {"browup": 0.9, "open": 0.3, "wide": 0.7},
}


@lru_cache(maxsize=64)
def _body(who: Person, age: int) -> Floats:
    return shape(who.gender, age, 0.12 + 0.76 * who.weight, who.races, who.identity)


def _posed(who: Person, truth: Truth, r: np.random.Generator) -> Floats:
    m = head_model()
    v = _body(who, truth.age).copy()
    for name, amount in _EXPRESSION[truth.expression].items():
        v += m.expr[name] * np.float32(amount * r.uniform(0.8, 1.1))
    return v


def _turn(v: Floats, share: Floats, yaw: float, pitch: float, body: float) -> Floats:
    """Rotate each vertex by its share of the head's turn about the neck, the rest with the body."""
    out = v.copy()
    for axis, angle in ((0, np.deg2rad(pitch) * share), (2, np.deg2rad(body + (yaw - body) * share))):
        c, s = np.cos(angle), np.sin(angle)
        i, j = (1, 2) if axis == 0 else (0, 1)
        offset = np.zeros(3, np.float32) if axis == 0 else np.array([0, 0.01, 0], np.float32)
        p = out - offset
        a, b = p[:, i] * c - p[:, j] * s, p[:, i] * s + p[:, j] * c
        out[:, i], out[:, j] = a + offset[i], b + offset[j]
    return out


def _scene(who: Person, truth: Truth, size: int, r: np.random.Generator) -> Floats:
    m = head_model()
    v = _posed(who, truth, r)
    n = normals(v, m.faces)
    style = truth.hair_style
    layers: list[Surface] = [clothes.dress(truth.garment, v, n)]
    layers += [s for s in hair.grow(who, style, truth.age, v, n)]
    layers += hair.hat(truth.hat, v, n)
    body_yaw = truth.yaw * 0.45
    camera = _Camera(v, size, r)
    lamp = _Lamp(truth.light, r)
    turned = _turn(v, m.turn, truth.yaw, truth.pitch, body_yaw)
    back = places.place(truth.place, truth.wall_colour, size, r)
    image = places.out_of_focus(back, size * (0.006 if truth.place == "plain wall" else r.uniform(0.006, 0.014)))
    image = image * lamp.place
    image, depth = _draw_body(who, truth, turned, camera, lamp, image, r)
    for layer in layers:
        image, depth = _draw_layer(who, truth, layer, _turn(layer.vertices, layer.turn, truth.yaw, truth.pitch, body_yaw), camera, lamp, image, depth)
    if truth.glasses != "none":
        image = _draw_glasses(truth, v, camera, image, depth, lambda p: _turn(p, np.ones(len(p), np.float32), truth.yaw, truth.pitch, body_yaw))
    return image


class _Camera:
    def __init__(self, v: Floats, size: int, r: np.random.Generator) -> None:
        m = head_model()
        head = v[(m.part == SKIN) & (m.base[:, 2] > -0.075) & (m.turn > 0.95)]
        self.size = size
        low, high = float(head[:, 2].min()), float(head[:, 2].max())
        self.tall = high - low
        self.focal = size * r.uniform(0.56, 0.66) / self.tall
        self.z = (low + high) / 2
        self.x0, self.y0 = size * (0.5 + r.normal(0, 0.015)), size * (0.47 + r.normal(0, 0.015))
        self.far = 1.25

    def see(self, v: Floats) -> tuple[Floats, Floats]:
        d = v[:, 1] + self.far
        k = self.focal * self.far / d
        return np.stack([self.x0 + k * v[:, 0], self.y0 - k * (v[:, 2] - self.z)], 1).astype(np.float32), d


class _Lamp:
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
        across = {"side light": 0.95, "soft light": 0.25, "evening light": 0.75}.get(kind, 0.5) * r.uniform(0.8, 1.15) * side
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
        spec = np.clip(n @ self.half, 0, None) ** 28 * gloss * 0.16 + np.clip(n @ self.half, 0, None) ** 200 * (gloss > 1) * 0.9
        rim = np.clip(1 + n[:, 1], 0, 1) ** 3 * np.clip(n[:, 2] + 0.4, 0, 1) * self.rim
        return np.asarray(albedo * (lit * self.key * self.tint + amb * self.sky + rim[:, None]) + (spec * self.key)[:, None] * self.tint, np.float32)


def _at(values: Floats, tri: NDArray[np.int32], bary: Floats, faces: NDArray[np.int32]) -> Floats:
    f = faces[tri]
    if values.ndim == 1:
        return np.asarray((values[f] * bary).sum(1))
    return np.asarray(values[f[:, 0]] * bary[:, :1] + values[f[:, 1]] * bary[:, 1:2] + values[f[:, 2]] * bary[:, 2:])


def _unit(n: Floats) -> Floats:
    return np.asarray(n / (np.linalg.norm(n, axis=1, keepdims=True) + 1e-9), np.float32)


def _draw_body(who: Person, truth: Truth, v: Floats, camera: _Camera, lamp: _Lamp, image: Floats, r: np.random.Generator) -> tuple[Floats, Floats]:
    m = head_model()
    xy, d = camera.see(v)
    tri, bary = rasterise(xy, d, m.faces, camera.size)
    seen = tri >= 0
    t, b = tri[seen], bary[seen]
    n = _unit(_at(normals(v, m.faces), t, b, m.faces))
    p = _at(m.base, t, b, m.faces)
    part = m.part[m.faces[t, 0]]
    colour = np.zeros((len(t), 3), np.float32)
    gloss = np.zeros(len(t), np.float32)
    s = part == SKIN
    hair_colour = np.array(tables.HAIR_COLOURS[truth.hair_colour], np.float32)
    colour[s], gloss[s] = skin.paint_skin(who, truth.age, p[s], _at(m.lips, t[s], b[s], m.faces), hair_colour, truth.beard)
    if truth.hair_style == "crop" or truth.hat != "none":
        c = hair.scalp(p[s], 0.0, 0.0)[:, None] * 0.55
        colour[s] = colour[s] * (1 - c) + hair_colour * c
    colour[part == TONGUE] = (0.2, 0.05, 0.05)
    gaze = _unit(np.array([[np.clip(r.normal(0, 0.08), -0.15, 0.15), -1.0, 0.0]], np.float32))[0]
    for eye in (EYE_LEFT, EYE_RIGHT):
        e = part == eye
        centre = m.base[m.part == eye].mean(0)
        colour[e], gloss[e] = skin.paint_eye(who, _unit(p[e] - centre), gaze, 0.2)
    shaded = lamp.shade(colour, n, gloss, bleed=0.5)
    out = image.copy()
    out[seen] = shaded
    depth = np.full(seen.shape, 9.0, np.float32)
    depth[seen] = _at(d, t, b, m.faces)
    return out, depth


def _draw_layer(who: Person, truth: Truth, layer: Surface, v: Floats, camera: _Camera, lamp: _Lamp, image: Floats, depth: Floats) -> tuple[Floats, Floats]:
    xy, d = camera.see(v)
    tri, bary = rasterise(xy, d, layer.faces, camera.size, both_sides=True)
    seen = tri >= 0
    t, b = tri[seen], bary[seen]
    dd = _at(d, t, b, layer.faces)
    n = _unit(_at(normals(v, layer.faces), t, b, layer.faces))
    n = np.where((n[:, 1:2] > 0), -n, n)
    p, cover = _at(layer.mean, t, b, layer.faces), _at(layer.cover, t, b, layer.faces)
    gloss = np.full(len(t), 0.15, np.float32)
    if layer.kind == "hair":
        base = np.array(tables.HAIR_COLOURS[truth.hair_colour], np.float32)
        albedo, alpha, sheen = hair.paint_hair(base, p, cover, truth.hair_style)
        gloss = 0.9 * sheen * (0.5 + base.mean())
    elif layer.kind in tables.HATS:
        first = {"straw hat": np.array([0.62, 0.46, 0.22], np.float32)}.get(layer.kind, np.array(tables.COLOURS[truth.second_colour], np.float32))
        knit = np.sin(skin.azimuth(p) * 60) if layer.kind == "beanie" else look(field(71, 3), p[:, 0] * 9, p[:, 2] * 9 + p[:, 1] * 9)
        albedo, alpha = first[None] * (1 + 0.14 * knit)[:, None], ramp(0.3, 0.6, cover)
    else:
        albedo = clothes.paint_cloth(layer.kind, np.array(tables.COLOURS[truth.garment_colour], np.float32), np.array(tables.COLOURS[truth.second_colour], np.float32), truth.pattern, p, truth.person)
        alpha = ramp(0.3, 0.6, cover)
        under = ramp(-0.2, -0.12, p[:, 2]) * ramp(-0.1, -0.04, p[:, 1])
        albedo = albedo * (1 - 0.25 * under[:, None])
    shaded = lamp.shade(albedo, n, gloss)
    old = depth[seen]
    alpha = alpha * (dd < old + 0.0005)
    out = image.copy()
    out[seen] = image[seen] * (1 - alpha[:, None]) + shaded * alpha[:, None]
    new = depth.copy()
    new[seen] = np.where(alpha > 0.5, dd, old)
    return out, new


def _draw_glasses(truth: Truth, v: Floats, camera: _Camera, image: Floats, depth: Floats, turn: object) -> Floats:
    m = head_model()
    eyes = [v[m.part == e].mean(0) for e in (EYE_LEFT, EYE_RIGHT)]
    front = float(v[(m.part == SKIN) & (np.abs(m.base[:, 0]) < 0.006) & (np.abs(m.base[:, 2] - 0.03) < 0.008)][:, 1].min()) - 0.003
    k = np.linspace(0, 2 * np.pi, 29)
    power = 1.0 if truth.glasses == "round glasses" else 0.55
    rx, rz = (0.0235, 0.0215) if power == 1 else (0.026, 0.0185)
    scale = camera.tall / 0.23
    dark = truth.glasses == "sunglasses"
    out = image.copy()
    width = max(1, round(camera.size / 110))
    for eye, side in zip(eyes, (1, -1), strict=True):
        c, s = np.cos(k), np.sin(k)
        ring = np.stack([eye[0] + side * 0.001 + scale * rx * np.sign(c) * np.abs(c) ** power, np.full(len(k), front) + 0.006 * np.abs(c), eye[2] - 0.003 + scale * rz * np.sign(s) * np.abs(s) ** power], 1)
        arm = np.array([[eye[0] + side * scale * rx, front + 0.004, eye[2]], [side * 0.077 * scale, -0.01, eye[2] + 0.002]])
        bridge = np.array([[eye[0] - side * scale * rx, front + 0.004, eye[2] + 0.003], [0.0, front, eye[2] + 0.005]])
        for line, is_ring in ((ring, True), (arm, False), (bridge, False)):
            steps = np.linspace(0, len(line) - 1, 40)
            fine = np.stack([np.interp(steps, range(len(line)), line[:, i]) for i in range(3)], 1).astype(np.float32)
            xy, d = camera.see(turn(fine))  # type: ignore[operator]
            pts = np.round(xy * 8).astype(np.int32)
            if is_ring and dark:
                mask = np.zeros(image.shape[:2], np.uint8)
                cv2.fillPoly(mask, [pts], 255, cv2.LINE_AA, 3)
                a = (mask / 255.0)[..., None] * 0.92
                out = out * (1 - a) + np.float32(0.015) * a
            px = np.clip(np.round(xy).astype(int), 0, camera.size - 1)
            free = d < depth[px[:, 1], px[:, 0]] + (0.02 if is_ring else 0.004)
            mask = np.zeros(image.shape[:2], np.uint8)
            for i in range(len(pts) - 1):
                if free[i] and free[i + 1]:
                    cv2.line(mask, pts[i].tolist(), pts[i + 1].tolist(), 255, width, cv2.LINE_AA, 3)
            a = (mask / 255.0)[..., None]
            out = out * (1 - a) + np.array([0.03, 0.025, 0.025], np.float32) * a
    return np.asarray(out, np.float32)


def _expose(image: Floats, truth: Truth, size: int, r: np.random.Generator) -> NDArray[np.uint8]:
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    image = np.clip(image * np.float32(1.12 * np.exp(r.normal(0, 0.08))), 0, None)
    image = image * (1 + 0.12 * image) / (1 + 0.42 * image)
    srgb = np.where(image < 0.0031308, image * 12.92, 1.055 * np.clip(image, 1e-6, None) ** (1 / 2.4) - 0.055)
    srgb = srgb + r.normal(0, abs(r.normal(0, 0.006)), srgb.shape)
    return np.asarray(np.clip(srgb * 255 + 0.5, 0, 255), np.uint8)


def as_dict(truth: Truth) -> dict[str, object]:
    """The truth as plain values."""
    return asdict(truth)
