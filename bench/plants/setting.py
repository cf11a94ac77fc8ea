"""The same place, clothes or hair in too many pictures."""

from __future__ import annotations

import numpy as np

from bench.plants import Plant, Shot
from bench.plants.pose import again, some
from sosie.world import tables

MANY = (5, 7, 10)
"""Pictures of 15 that share it."""


def _shared(
    shots: list[Shot], strength: int, r: np.random.Generator, **fixed: object
) -> list[Shot]:
    which = set(some(shots, MANY[strength], r))
    return [again(shot, **fixed) if n in which else shot for n, shot in enumerate(shots)]


def background(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One place."""
    place = str(r.choice([place for place in tables.PLACES if place != "plain wall"]))
    return _shared(shots, strength, r, place=place)


def outfit(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One sweater."""
    colour = str(r.choice(list(tables.COLOURS)))
    return _shared(shots, strength, r, garment="sweater", garment_colour=colour, pattern="plain")


def hair(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One hairstyle, in the light of one sitting."""
    style = str(r.choice([style for style in tables.HAIR_STYLES if style != "bald"]))
    light = str(r.choice(list(tables.LIGHTS)))
    return _shared(shots, strength, r, hair_style=style, hat="none", light=light)


def clothes(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Striped, checked or dotted shirts in one to five pictures."""
    which = set(some(shots, (1, 3, 5)[strength], r))
    loud = [pattern for pattern in tables.PATTERNS if pattern != "plain"]
    return [
        again(shot, garment="shirt", pattern=str(r.choice(loud))) if n in which else shot
        for n, shot in enumerate(shots)
    ]


PLANTS: dict[str, Plant] = {
    "setting.background": background,
    "setting.share": background,
    "setting.outfit": outfit,
    "setting.hair": hair,
    "setting.clothes": clothes,
}
