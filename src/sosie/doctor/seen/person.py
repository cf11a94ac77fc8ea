"""What is read off a portrait for its caption: face, clothes, background, framing.

Words come later, over the whole set: some figures mean something only beside the person's other
pictures. Cut-offs were chosen on 172 drawn pictures; `bench/captions.py` judges them on others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Record
from sosie.doctor.regions import Portrait
from sosie.doctor.rule import NO_FACE, Family, Unread
from sosie.doctor.rules.skin import COLOURLESS
from sosie.doctor.seen import colour
from sosie.doctor.view import Floats, View, around
from sosie.models import scene

SIDEWAYS = 45.0
"""Degrees of yaw beyond which half of the mouth is hidden."""
ASIDE = "the face is seen too much from the side"
HIDDEN = "too little of it shows"
NO_COLOURS = "the picture is black and white"
LEAST_SEEN = 0.02
"""Share of a picture that a part of it must cover to be described."""

EYE_OUTER, TEMPLE, BRIDGE = (33, 263), (10, 168), (9, 5)
"""Points of the mesh: outer corners of the eyes; forehead and root of the nose; where the bridge of
glasses lies between."""
LIP_CORNERS, LIPS_INSIDE = (61, 291), (13, 14)
BELOW_EYES = (
    ((145, 117), (144, 118), (153, 119)),
    ((374, 346), (373, 347), (380, 348)),
)
"""For either eye, from the lower lid to the cheek: what a rim crosses, and a dark lens covers."""
ACROSS_BRIDGE = (-0.25, -0.12, 0.0, 0.12, 0.25)
"""Where the bridge is crossed, in distances between the inner corners of the eyes."""
EYES_APART = 75.0
"""Pixels between the outer corners of the eyes at which rims are looked for."""
SAMPLES, WINDOW = 48, 17
"""Points along a crossing, and of the mean that a line is darker than."""


class Features(Record):
    """The mouth, and what is worn before the eyes."""

    smile: float
    """Width of the mouth and rise of its corners, in distances between the eyes' outer corners: a
    mouth at rest has .54, a smiling one .64."""
    gap: float
    """Between the lips, in the same unit."""
    rims: float
    """How much darker than their surroundings lines below the eyes and over the nose are, L*."""
    lenses: float
    """How much darker than the skin it is below the eyes, L*."""


def _features(view: View) -> Record:
    import cv2

    mesh, face = view.mesh, view.face
    if mesh is None or face is None:
        return Unread(reason=NO_FACE)
    if mesh.presence < 0.5 or abs(mesh.pose.yaw) > SIDEWAYS:
        return Unread(reason=ASIDE)
    points = mesh.landmarks.astype(np.float64)
    unit = max(float(np.linalg.norm(points[EYE_OUTER[1]] - points[EYE_OUTER[0]])), 1e-6)
    # Drawn at one size, so that a rim is some three samples wide on any face.
    box = around(face, 0.3, view.rgb.shape)
    zoom = EYES_APART / unit
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    part = cv2.resize(view.cut(box), None, fx=zoom, fy=zoom, interpolation=how)
    lab = cv2.cvtColor(np.asarray(part / np.float32(255)), cv2.COLOR_RGB2LAB)
    light = np.ascontiguousarray(lab[..., 0], np.float32)
    flat = ((points[:, :2] - [box.left, box.top]) * zoom).astype(np.float32)
    sides = [
        float(np.median([_line(light, *_below(flat, pair)) for pair in side]))
        for side in BELOW_EYES
    ]
    wide = flat[362] - flat[133]
    top, low = (flat[index] for index in BRIDGE)
    bridge = float(
        np.median([_line(light, top + wide * at, low + wide * at) for at in ACROSS_BRIDGE])
    )
    skin = float(Portrait.of(view).skin[0])
    lenses = [float(np.median([_lens(light, flat, pair) for pair in side])) for side in BELOW_EYES]
    return Features(
        smile=round(_smile(points) / unit, 3),
        gap=round(float(np.linalg.norm(points[LIPS_INSIDE[0]] - points[LIPS_INSIDE[1]])) / unit, 3),
        rims=round(float(np.median([*sides, bridge])), 1),
        lenses=round(skin - max(lenses), 1),
    )


def _smile(points: NDArray[np.float64]) -> float:
    """Width of the mouth, and how far its corners lie above the middle of the lips, in pixels."""
    across = points[EYE_OUTER[1]] - points[EYE_OUTER[0]]
    across /= max(float(np.linalg.norm(across)), 1e-6)
    down = points[TEMPLE[1]] - points[TEMPLE[0]]
    down -= down @ across * across
    down /= max(float(np.linalg.norm(down)), 1e-6)
    left, right = (points[index] for index in LIP_CORNERS)
    middle = sum(points[index] for index in LIPS_INSIDE) / 2
    rise = float((middle - (left + right) / 2) @ down)
    return float(np.linalg.norm(left - right)) + 0.8 * rise


def _below(points: Floats, pair: tuple[int, int]) -> tuple[Floats, Floats]:
    lid, cheek = points[pair[0]], points[pair[1]]
    return lid + 0.15 * (cheek - lid), lid + 1.6 * (cheek - lid)


def _line(light: Floats, start: Floats, end: Floats) -> float:
    """By how much the darkest place between two points is darker than what is around it."""
    import cv2

    way = start + (end - start) * np.linspace(0, 1, SAMPLES)[:, None]
    way = way.astype(np.float32)
    along = cv2.remap(light, way[:, :1], way[:, 1:], cv2.INTER_LINEAR)[:, 0]
    around = np.convolve(np.pad(along, WINDOW // 2, mode="edge"), np.ones(WINDOW) / WINDOW, "valid")
    return float((around - along).max())


def _lens(light: Floats, points: Floats, pair: tuple[int, int]) -> float:
    """L* a little below the lid, where a lens is before the skin."""
    across, down = 0.6 * points[pair[0]] + 0.4 * points[pair[1]]
    row = int(np.clip(down, 0, light.shape[0] - 1))
    return float(light[row, int(np.clip(across, 0, light.shape[1] - 1))])


class Tint(Record):
    """Whether a picture has colours."""

    colourless: bool


def _tint(view: View) -> Record:
    if view.face is None:
        return Unread(reason=NO_FACE)
    return Tint(colourless=_colourless(Portrait.of(view)))


def _colourless(portrait: Portrait) -> bool:
    """Whether not even the skin has a colour: a white room with little of her in it may have none
    else, and where there is no face it cannot be told.
    """
    if portrait.face is None:
        return False
    chroma = np.hypot(portrait.lab[..., 1], portrait.lab[..., 2])
    return max(float(chroma.mean()), float(np.hypot(*portrait.skin[1:]))) < COLOURLESS


class Worn(Record):
    """What is worn, and the tone that the light gives the skin."""

    colours: tuple[str, ...]
    """Of most of the clothes, at most two."""
    skin: tuple[float, float, float]
    """Median CIELAB between eyes and mouth."""


def _worn(view: View) -> Record:
    if view.face is None:
        return Unread(reason=NO_FACE)
    portrait = Portrait.of(view)
    if _colourless(portrait):
        # Its skin has no cast: to take one out would give the clothes a colour.
        return Unread(reason=NO_COLOURS)
    where = portrait.torso
    shown = where.mean() >= LEAST_SEEN
    light, red, yellow = (round(float(value), 1) for value in portrait.skin)
    return Worn(
        colours=colour.names(portrait.adapted()[where]) if shown else (), skin=(light, red, yellow)
    )


PLACES = {
    "on a beach": (977, 978),
    "by a lake": (975,),
    "in the mountains": (970, 972, 979),
    "in a library": (453, 624),
    "in a street": (468, 654, 829, 919, 920),
    "in a kitchen": (534, 651, 760, 827),
    "in a restaurant": (532, 762),
    "in a shop": (415, 582),
    "in a church": (497, 698),
    "on a stage": (819,),
}
"""Places that ImageNet has classes for, by their numbers in its usual order."""
SURE_OF_PLACE = 0.06
"""Probability, among a thousand classes, from which a place is named: drawn beaches have .07 to
.15, libraries .4 and more, and of 130 other drawn places none reaches it by a wrong name."""
EVEN = (7.0, 4.0)
"""Spread of L*, and of a* and b*, up to which a background is plain: drawn walls stay below 3, and
no other drawn place below it."""


class Behind(Record):
    """What is behind the person."""

    plain: bool
    colours: tuple[str, ...]
    place: str | None
    """With its preposition, where one of `PLACES` is recognised."""


def _behind(view: View) -> Record:
    portrait = Portrait.of(view)
    where = portrait.background
    if where.mean() < LEAST_SEEN:
        return Unread(reason=HIDDEN)
    pixels = portrait.lab[where]
    low, high = np.percentile(pixels, [25, 75], axis=0)
    spread = (high - low) / 1.35  # as the deviation of a normal distribution
    plain = bool(spread[0] < EVEN[0] and spread[1:].max() < EVEN[1])
    found = scene.classes(scene.look(view.rgb), where.astype(np.float32))
    chances = {place: float(found[list(ids)].sum()) for place, ids in PLACES.items()}
    best = max(chances, key=lambda place: chances[place])
    place = best if chances[best] >= SURE_OF_PLACE and not plain else None
    colourless = _colourless(portrait)
    if colourless and place is None:
        return Unread(reason=NO_COLOURS)
    return Behind(plain=plain, colours=() if colourless else colour.names(pixels), place=place)


class Framing(Record):
    """How much of the person is in the picture."""

    faces: float
    """From the top of the face to where the person ends below, in heights of the face."""


def _framing(view: View) -> Record:
    if view.face is None:
        return Unread(reason=NO_FACE)
    rows = np.flatnonzero((view.mask > 0.5).any(1))
    box = view.face.box
    if not len(rows):
        return Unread(reason=HIDDEN)
    end = (rows[-1] + 1) / view.tiny.shape[0] * view.rgb.shape[0]
    return Framing(faces=round((end - box.top) / max(box.height, 1), 2))


FEATURES = Family("features", 1, Features, _features)
TINT = Family("tint", 1, Tint, _tint)
WORN = Family("worn", 2, Worn, _worn)
BEHIND = Family("behind", 2, Behind, _behind)
FRAMING = Family("framed", 1, Framing, _framing)
