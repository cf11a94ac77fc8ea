"""What the study of the rules spoils in a good set, and how much of it leaks into what is drawn.

Each fault has its own unit, for a lamp and a stranger cannot be weighed on one scale: a share of
the pictures where the world's judge can say yes or no, and what the picture itself gives elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.plants import Shot
from bench.plants.grain import grainy
from bench.plants.pose import again, age_of
from bench.plants.skin import skin_of
from sosie.doctor.texture import noise
from sosie.models import faces, judges
from sosie.world.captions import caption
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import photo

Picture = NDArray[np.uint8]
Fault = Callable[[Shot], Shot]
Leak = Callable[[Sequence[Picture], Sequence[Picture]], float]
"""From the drawn pictures and those taught with the fault, how much of it leaked."""

PICTURES, SIDE = 15, 128
"""Of a set, and of each picture in pixels."""
TRIGGER = "ada"


def _told(shot: Shot, **fixed: object) -> Shot:
    """A shot drawn again with something fixed, and a caption that says so."""
    drawn = {**shot.drawn, **fixed}
    truth = photo(person(shot.who), seed=shot.setting, size=SIDE, **drawn).truth
    rng = np.random.default_rng([shot.who, shot.setting])
    words = caption(truth, rng=rng, subject=TRIGGER)
    return replace(again(shot, **fixed), caption=words, drawn=drawn)


def _stranger(shot: Shot) -> Shot:
    other = replace(shot, who=shot.who + HELD_OUT_EVERY * 1000)
    return replace(shot, rgb=again(other).rgb)


def _whitened(shot: Shot) -> Shot:
    """Skin taken a third of the way to white."""
    found = faces.find_faces(shot.rgb)
    if not found:
        return shot
    share = 0.35 * skin_of(shot.rgb, found[0])
    rgb = shot.rgb * (1 - share) + 255 * share
    return replace(shot, rgb=np.asarray(rgb + 0.5, np.uint8))


def _noisy(shot: Shot) -> Shot:
    rng = np.random.default_rng([shot.who, shot.setting, 3])
    return replace(shot, rgb=grainy(shot.rgb, 16.0, rng))


def _read(what: str, wanted: str, seen: Sequence[Picture], _: Sequence[Picture]) -> float:
    return float(np.mean([getattr(read, what) == wanted for read in judges.read(seen)]))


def _lightness(seen: Sequence[Picture], _: Sequence[Picture]) -> float:
    """Median L* of the cheeks, in CIELAB."""
    found = []
    for rgb in seen:
        for face in faces.find_faces(rgb)[:1]:
            points = (face.landmarks[:2] + face.landmarks[3:]) / 2
            x, y = np.clip(points, 0, len(rgb) - 1).astype(int).T
            lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
            found.append(float(lab[y, x, 0].mean()))
    return float(np.median(found)) if found else float("nan")


def _grain(seen: Sequence[Picture], _: Sequence[Picture]) -> float:
    """Mean deviation of the noise, in levels of 255."""
    grey = [rgb @ np.array([0.299, 0.587, 0.114], np.float32) / 255 for rgb in seen]
    found = [255 * level for one in grey if (level := noise(one)) is not None]
    return float(np.mean(found)) if found else float("nan")


def _like_those(seen: Sequence[Picture], taught: Sequence[Picture]) -> float:
    """Mean cosine to the person on the pictures with the fault."""
    known = [v for rgb in taught if (v := faces.identity(rgb)) is not None]
    return cosine(seen, known)


def _nearest(seen: Sequence[Picture], taught: Sequence[Picture]) -> float:
    """Mean correlation of each drawn picture to the nearest of those taught, 32 pixels small."""

    def small(rgb: Picture) -> NDArray[np.float64]:
        grey = np.asarray(Image.fromarray(rgb).convert("L").resize((32, 32)), np.float64).ravel()
        return (grey - grey.mean()) / max(float(np.linalg.norm(grey - grey.mean())), 1e-9)

    known = np.stack([small(rgb) for rgb in taught])
    return float(np.mean([(known @ small(rgb)).max() for rgb in seen]))


def cosine(seen: Sequence[Picture], known: Sequence[NDArray[np.float32]]) -> float:
    """Mean cosine by SFace of the faces seen to those known; not a number where there is none."""
    found = [v for rgb in seen if (v := faces.identity(rgb)) is not None]
    if not found or not known:
        return float("nan")
    return float(np.mean(np.stack(found) @ np.stack(known).T))


@dataclass(frozen=True)
class Question:
    """One rule that is put to the test."""

    rule: str
    fault: Fault
    leak: Leak
    unit: str


QUESTIONS = {
    "background": Question(
        "setting.background",
        partial(_told, place="beach"),
        partial(_read, "place", "beach"),
        "share of pictures on a beach",
    ),
    "outfit": Question(
        "setting.outfit",
        partial(_told, garment="sweater", garment_colour="green", pattern="plain"),
        partial(_read, "garment_colour", "green"),
        "share of pictures in green",
    ),
    "pose": Question(
        "pose.same",
        partial(_told, view="three-quarter view to the left"),
        partial(_read, "view", "three-quarter view to the left"),
        "share of pictures in that view",
    ),
    "whitening": Question("skin.whitened", _whitened, _lightness, "L* of skin"),
    "noise": Question("grain.noisy", _noisy, _grain, "levels of 255"),
    "strangers": Question("who.unlike", _stranger, _like_those, "cosine to the strangers"),
    "duplicates": Question(
        "twins.equal", lambda shot: shot, _nearest, "correlation to the picture"
    ),
}


def _copy(shot: Shot, number: int) -> Shot:
    """A copy of which one pixel differs, for no set holds a picture twice."""
    rgb = shot.rgb.copy()
    rgb[0, number] ^= 1
    return replace(shot, rgb=rgb)


@cache
def good(who: int) -> tuple[Shot, ...]:
    """The person's set without a fault."""
    shots = []
    for setting in range(PICTURES):
        drawn = {"age": age_of(who)}
        taken = photo(person(who), seed=setting, size=SIDE, **drawn)
        words = caption(taken.truth, rng=np.random.default_rng([who, setting]), subject=TRIGGER)
        shots.append(Shot(taken.picture, words, setting, who, drawn))
    return tuple(shots)


def spoilt(name: str, shots: Sequence[Shot], amount: int) -> list[Shot]:
    """The set with the first pictures spoilt; duplicates are all of the first one."""
    fault = QUESTIONS[name].fault
    if name == "duplicates":
        copies = [_copy(shots[0], number) for number in range(amount)]
        return [*copies, *shots[amount:]]
    return [fault(shot) if number < amount else shot for number, shot in enumerate(shots)]
