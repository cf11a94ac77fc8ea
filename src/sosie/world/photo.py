"""A photograph: a person in a setting, seen by a camera, with everything about it known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sosie.core.errors import BadInput
from sosie.world import clothes, hair, places, skin, tables
from sosie.world.camera import Camera, Lamp
from sosie.world.glasses import draw_glasses
from sosie.world.hair import Surface
from sosie.world.model import (
    EYE_LEFT,
    EYE_RIGHT,
    SKIN,
    TONGUE,
    Floats,
    concavity,
    head_model,
    normals,
    shape,
)
from sosie.world.noise import field, look, ramp
from sosie.world.people import Person
from sosie.world.raster import rasterise

OVER = 1.5
"""Samples along each side of a pixel."""


@dataclass(frozen=True)
class Truth:
    """All that is known about a picture."""

    person: int
    """The seed of `people.person`."""
    age: int
    """Years."""
    view: str
    yaw: float
    """Degrees; positive turns the nose to the picture's right."""
    pitch: float
    """Degrees; positive looks down."""
    expression: str
    hair_style: str
    hair_colour: str
    glasses: str
    hat: str
    beard: str
    garment: str
    garment_colour: str
    second_colour: str
    """Of patterns, linings, ties and knitted hats."""
    pattern: str
    place: str
    wall_colour: str
    """Of a plain wall."""
    light: str
    woman: bool


@dataclass(frozen=True, eq=False)
class Photo:
    """(size, size, 3) bytes, and the truth about them."""

    picture: NDArray[np.uint8]
    truth: Truth


_WORDS: dict[str, Collection[str]] = {
    "view": tables.VIEWS,
    "expression": tables.EXPRESSIONS,
    "hair_style": tables.HAIR_STYLES,
    "hair_colour": tables.HAIR_COLOURS,
    "glasses": tables.GLASSES,
    "hat": tables.HATS,
    "beard": tables.BEARDS,
    "garment": tables.GARMENTS,
    "garment_colour": tables.COLOURS,
    "second_colour": tables.COLOURS,
    "pattern": tables.PATTERNS,
    "place": tables.PLACES,
    "wall_colour": tables.COLOURS,
    "light": tables.LIGHTS,
}
"""The table of each field of `Truth` that is a word."""
OLDEST = 120
"""Years; beyond 90, and below 5, a body is drawn as at the end."""


def _age(fixed: object, r: np.random.Generator) -> int:
    if fixed is not None:
        if not isinstance(fixed, (int, np.integer)) or not 0 <= fixed <= OLDEST:
            raise BadInput(f"An age is a whole number of years up to {OLDEST}, not {fixed!r}.")
        return int(fixed)
    return int(r.integers(18, 75) if r.random() < 0.8 else r.integers(5, 90))


def choose(who: Person, seed: int, **fixed: object) -> Truth:
    """Draw a setting from the seed; what is given in `fixed` stays as given.

    `fixed` names fields of `Truth`; None leaves one to the seed. Raises TypeError for other names,
    BadInput for words that `tables` does not have, no age, and what is another person's.
    """
    unknown = set(fixed) - {f.name for f in fields(Truth)}
    if unknown:
        raise TypeError(f"a photo has no {', '.join(sorted(unknown))}")
    for name, table in _WORDS.items():
        if fixed.get(name) is not None:
            tables.check(name, fixed[name], table)
    if fixed.get("person") not in (None, who.seed) or fixed.get("woman") not in (None, who.woman):
        raise BadInput(f"Person {who.seed} cannot be drawn as somebody else.")
    r = np.random.default_rng([who.seed, seed, 5])
    age = _age(fixed.get("age"), r)
    view = str(r.choice(list(tables.VIEWS), p=[0.5, 0.19, 0.19, 0.06, 0.06]))
    view = str(fixed.get("view") or view)
    grey = age + r.normal(0, 2) > who.greying
    colour = who.hair_colour if not grey else ("white" if age > who.greying + 14 else "grey")
    style = (
        who.hair_style
        if r.random() < 0.75
        else str(r.choice([s for s in tables.HAIR_STYLES if s != "bald"]))
    )
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
    values.update({k: v for k, v in fixed.items() if v is not None})
    return Truth(**values)  # type: ignore[arg-type]


def photo(
    who: Person, *, seed: int, size: int = 128, place_seed: int | None = None, **fixed: object
) -> Photo:
    """Take a picture of a person, `size` pixels wide and high. Equal arguments give equal bytes.

    `fixed` names fields of `Truth` that are to be as given (`age=40, garment="coat"`); the words
    are those of `sosie.world.tables`. `place_seed` puts the person before the very background of
    the picture of that seed, where place and wall colour are its own too. Raises TypeError for a
    name that is no field.
    """
    truth = choose(who, seed, **fixed)
    r = np.random.default_rng([who.seed, seed, 6])
    behind = np.random.default_rng([who.seed, seed if place_seed is None else place_seed, 7])
    back = _background(truth, round(size * OVER), behind)
    return Photo(_expose(_scene(who, truth, back, r), size, r), truth)


_EXPRESSION: dict[str, dict[str, float]] = {
    "neutral": {},
    "serious": {"browdown": 0.55, "frown": 0.25},
    "smiling": {"smile": 0.75},
    "laughing": {"smile": 0.95, "open": 0.28, "upperup": 0.35},
    "surprised": {"browup": 0.9, "open": 0.3, "wide": 0.7},
}


@lru_cache(maxsize=64)
def _body(who: Person, age: int) -> Floats:
    return shape(who.gender, age, 0.12 + 0.76 * who.weight, who.races, who.identity)


@lru_cache(maxsize=64)
def folds(who: Person, age: int) -> Floats:
    """How much light each vertex of a body receives from around it: 1 on the flat."""
    return 1 - 90 * concavity(_body(who, age))


def _posed(who: Person, truth: Truth, r: np.random.Generator) -> Floats:
    m = head_model()
    v = _body(who, truth.age).copy()
    for name, amount in _EXPRESSION[truth.expression].items():
        v += m.expr[name] * np.float32(amount * r.uniform(0.8, 1.1))
    return v


def _turn(v: Floats, share: Floats, yaw: float, pitch: float, body: float) -> Floats:
    """Rotate each vertex by its share of the head's turn about the neck, the rest with the body."""
    out = v.copy()
    for axis, angle in (
        (0, np.deg2rad(pitch) * share),
        (2, np.deg2rad(body + (yaw - body) * share)),
    ):
        c, s = np.cos(angle), np.sin(angle)
        i, j = (1, 2) if axis == 0 else (0, 1)
        offset = np.zeros(3, np.float32) if axis == 0 else np.array([0, 0.01, 0], np.float32)
        p = out - offset
        a, b = p[:, i] * c - p[:, j] * s, p[:, i] * s + p[:, j] * c
        out[:, i], out[:, j] = a + offset[i], b + offset[j]
    return out


def _background(truth: Truth, size: int, r: np.random.Generator) -> Floats:
    """The place, from a generator of its own: another place leaves the person as they are."""
    back = places.place(truth.place, truth.wall_colour, size, r)
    blur = 0.006 if truth.place == "plain wall" else r.uniform(0.006, 0.014)
    return places.out_of_focus(back, size * blur)


def _scene(who: Person, truth: Truth, back: Floats, r: np.random.Generator) -> Floats:
    m, size = head_model(), len(back)
    v = _posed(who, truth, r)
    n = normals(v, m.faces)
    layers: list[Surface] = [clothes.dress(truth.garment, v, n)]
    layers += hair.grow(who, truth.hair_style, truth.age, v, n)
    layers += hair.hat(truth.hat, v, n)
    body_yaw = truth.yaw * 0.45
    camera = Camera(v, size, r)
    lamp = Lamp(truth.light, r)
    turned = _turn(v, m.turn, truth.yaw, truth.pitch, body_yaw)
    image = back * lamp.place
    image, depth = _draw_body(who, truth, turned, camera, lamp, image, r)
    for layer in layers:
        image, depth = _draw_layer(
            truth,
            layer,
            _turn(layer.vertices, layer.turn, truth.yaw, truth.pitch, body_yaw),
            camera,
            lamp,
            image,
            depth,
        )
    if truth.glasses != "none":
        image = draw_glasses(
            truth.glasses,
            v,
            camera,
            image,
            depth,
            lambda p: _turn(p, np.ones(len(p), np.float32), truth.yaw, truth.pitch, body_yaw),
        )
    return image


def _at(values: Floats, tri: NDArray[np.int32], bary: Floats, faces: NDArray[np.int32]) -> Floats:
    f = faces[tri]
    if values.ndim == 1:
        return np.asarray((values[f] * bary).sum(1))
    return np.asarray(
        values[f[:, 0]] * bary[:, :1]
        + values[f[:, 1]] * bary[:, 1:2]
        + values[f[:, 2]] * bary[:, 2:]
    )


def _unit(n: Floats) -> Floats:
    return np.asarray(n / (np.linalg.norm(n, axis=1, keepdims=True) + 1e-9), np.float32)


def _draw_body(
    who: Person,
    truth: Truth,
    v: Floats,
    camera: Camera,
    lamp: Lamp,
    image: Floats,
    r: np.random.Generator,
) -> tuple[Floats, Floats]:
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
    colour[s], gloss[s] = skin.paint_skin(
        who, truth.age, p[s], _at(m.lips, t[s], b[s], m.faces), hair_colour, truth.beard
    )
    if truth.hair_style == "crop" or truth.hat != "none":
        c = hair.scalp(p[s], 0.0, 0.0)[:, None] * 0.55
        colour[s] = colour[s] * (1 - c) + hair_colour * c
    colour *= np.clip(_at(folds(who, truth.age), t, b, m.faces), 0.5, 1.12)[:, None]
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


def _draw_layer(
    truth: Truth,
    layer: Surface,
    v: Floats,
    camera: Camera,
    lamp: Lamp,
    image: Floats,
    depth: Floats,
) -> tuple[Floats, Floats]:
    xy, d = camera.see(v)
    tri, bary = rasterise(xy, d, layer.faces, camera.size, both_sides=True)
    seen = tri >= 0
    t, b = tri[seen], bary[seen]
    dd = _at(d, t, b, layer.faces)
    n = _unit(_at(normals(v, layer.faces), t, b, layer.faces))
    n = np.where((n[:, 1:2] > 0), -n, n)
    v_mean = layer.crown
    p, cover = _at(layer.mean, t, b, layer.faces), _at(layer.cover, t, b, layer.faces)
    gloss = np.full(len(t), 0.15, np.float32)
    if layer.kind == "hair":
        base = np.array(tables.HAIR_COLOURS[truth.hair_colour], np.float32)
        albedo, alpha, sheen = hair.paint_hair(base, p, cover, truth.hair_style)
        alpha = alpha * hair.outside_hat(truth.hat, p, v_mean)
        gloss = 0.9 * sheen * (0.5 + base.mean())
    elif layer.kind in tables.HATS:
        first = {"straw hat": np.array([0.62, 0.46, 0.22], np.float32)}.get(
            layer.kind, np.array(tables.COLOURS[truth.second_colour], np.float32)
        )
        knit = (
            np.sin(skin.azimuth(p) * 60)
            if layer.kind == "beanie"
            else look(field(71, 3), p[:, 0] * 9, p[:, 2] * 9 + p[:, 1] * 9)
        )
        albedo, alpha = first[None] * (1 + 0.14 * knit)[:, None], ramp(0.3, 0.6, cover)
    else:
        albedo = clothes.paint_cloth(
            layer.kind,
            np.array(tables.COLOURS[truth.garment_colour], np.float32),
            np.array(tables.COLOURS[truth.second_colour], np.float32),
            truth.pattern,
            p,
        )
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


def _expose(image: Floats, size: int, r: np.random.Generator) -> NDArray[np.uint8]:
    import cv2

    image = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))
    image = np.clip(image * np.float32(1.12 * np.exp(r.normal(0, 0.08))), 0, None)
    image = image * (1 + 0.12 * image) / (1 + 0.42 * image)
    srgb = np.where(
        image < 0.0031308, image * 12.92, 1.055 * np.clip(image, 1e-6, None) ** (1 / 2.4) - 0.055
    )
    srgb = srgb + r.normal(0, abs(r.normal(0, 0.006)), srgb.shape)
    return np.asarray(np.clip(srgb * 255 + 0.5, 0, 255), np.uint8)


def as_dict(truth: Truth) -> dict[str, object]:
    """The truth as plain values."""
    return asdict(truth)
