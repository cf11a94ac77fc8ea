"""Faults of who is shown: nobody, others, strangers, two people, many ages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot
from bench.plants.pose import age_of, some
from sosie.world import places
from sosie.world.people import person
from sosie.world.photo import photo
from sosie.world.tables import PLACES


def _no_face(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One, two or four pictures of a place where nobody is."""
    out = list(shots)
    for number in some(shots, (1, 2, 4)[strength], r):
        side = len(shots[number].rgb)
        linear = places.place(str(r.choice(PLACES)), "beige", side, r)
        grey = np.clip(linear, 0, 1) ** (1 / 2.2) * 255
        out[number] = replace(shots[number], rgb=np.asarray(grey, np.uint8))
    return out


def _others(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Somebody else beside the person, 35, 55 or 80 hundredths as large, in three pictures."""
    import cv2

    out = list(shots)
    for number in some(shots, 3, r):
        rgb, side = shots[number].rgb, len(shots[number].rgb)
        other = _stranger(shots[0].who, r, int(r.integers(1000)), view="front view", size=side)
        wide = np.full((side, 2 * side, 3), 120, np.uint8)
        wide[:, :side] = rgb
        small = round((0.35, 0.55, 0.8)[strength] * side)
        shrunk = cv2.resize(other, (small, small), interpolation=cv2.INTER_AREA)
        wide[side - small :, side + 10 : side + 10 + small] = shrunk[:, : side - 10]
        out[number] = replace(shots[number], rgb=wide)
    return out


def _stranger(
    who: int, r: np.random.Generator, setting: int, *, unlike: float = 0.0, **fixed: object
) -> NDArray[np.uint8]:
    """A picture of another drawn person, whose skin differs by at least `unlike` (as logarithm)."""
    mine = person(who)
    while True:
        other = person(int(r.integers(10_000, 20_000)))
        if abs(float(np.log(other.skin / mine.skin).mean())) >= unlike:
            age = int(r.integers(20, 60))
            return photo(other, seed=setting, **{"age": age, **fixed}).picture  # type: ignore[arg-type]


def _unlike(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Two pictures of strangers: any, of another skin, or of quite another skin."""
    out = list(shots)
    for number in some(shots, 2, r):
        side, apart = len(shots[number].rgb), (0.0, 0.5, 0.9)[strength]
        rgb = _stranger(shots[0].who, r, number, unlike=apart, size=side, view="front view")
        out[number] = replace(shots[number], rgb=rgb)
    return out


def _two(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """A third, two fifths or half of the pictures show one other person."""
    mine = person(shots[0].who)
    while True:
        other = person(int(r.integers(10_000, 20_000)))
        if other.woman != mine.woman and abs(float(np.log(other.skin / mine.skin).mean())) > 0.5:
            break
    out = list(shots)
    for number in some(shots, round((0.34, 0.41, 0.5)[strength] * len(shots)), r):
        side = len(shots[number].rgb)
        rgb = photo(other, seed=number, age=age_of(shots[0].who), size=side).picture
        out[number] = replace(shots[number], rgb=rgb)
    return out


def _ages(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Captions that state ages 12, 25 or 45 years apart."""
    apart, first = (12, 25, 45)[strength], 22
    return [
        replace(shot, caption=f"{shot.caption}, {first + apart * (number % 2)} years old")
        for number, shot in enumerate(shots)
    ]


PLANTS: dict[str, Plant] = {
    "who.no_face": _no_face,
    "who.others": _others,
    "who.unlike": _unlike,
    "who.two_people": _two,
    "who.ages": _ages,
}
