"""Who is on a picture, in numbers: what a judge of people is taught to tell, in training only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sosie.world import tables
from sosie.world.model import Floats, head_model
from sosie.world.people import Person, person

_MOLES = 3
"""Most moles on one face."""
SIDED = 1 + _MOLES
"""The first numbers of a code are of one side of the face: where the hair parts, and each mole."""


def _chosen(value: str, table: Mapping[str, Any] | tuple[str, ...]) -> list[float]:
    return [float(value == name) for name in table]


def _moles(who: Person) -> list[float]:
    given = [value for _, h, r in who.moles for value in (10 * h, 300 * r)]
    return given + [0.0] * (2 * _MOLES - len(given))


def code(truth: Mapping[str, Any]) -> Floats:
    """(SIZE,), float32, each number of the order of 1: the person of `truth` at its age.

    Clothes, place, view, light and whatever else differs between two pictures is not in it.
    """
    who = person(truth["person"])
    sided = [who.parting, *(azimuth for azimuth, _, _ in who.moles)]
    numbers = [
        *sided,
        *[0.0] * (SIDED - len(sided)),
        *(who.identity / head_model().spread),
        *(3 * who.races - 1),
        2 * who.gender - 1,
        2 * who.weight - 1,
        *(np.log(who.skin) + 1.5),
        who.redness - 0.7,
        who.freckles,
        600 * who.brow_thickness - 1.5,
        300 * who.brow_arch - 1,
        10 * who.brow_tilt,
        5 * who.brow_length - 5,
        *(4 * who.lip_colour[1:] - 2.6),
        who.balding,
        who.fringe,
        *_moles(who),
        *_chosen(who.eye_colour, tables.EYE_COLOURS),
        *_chosen(who.hair_style, tables.HAIR_STYLES),
        *_chosen(who.beard, tables.BEARDS),
        *_chosen(who.glasses, tables.GLASSES),
        *_chosen(truth["hair_colour"], tables.HAIR_COLOURS),
        truth["age"] / 25 - 1.5,
    ]
    return np.array(numbers, np.float32)


SIZE = len(code({"person": 0, "age": 30, "hair_colour": "brown"}))


def mirrored(codes: Floats) -> Floats:
    """The codes (N, SIZE) of the same people seen in a mirror."""
    sides = np.ones(SIZE, np.float32)
    sides[:SIDED] = -1
    return codes * sides
