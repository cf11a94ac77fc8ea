"""Whether the face is sharp: what is soft in every picture is learned as soft.

A portrait is judged where its face is, so that a soft background never counts; a picture without a
face by its sharpest part. The floor is absolute, in pixels of the crop that training sees: a large
picture that is a little soft becomes sharp when it is made smaller.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import Case, Family, Rule, Unread, over
from sosie.doctor.texture import edges
from sosie.doctor.view import View, around

SOFT = 1.0
"""Pixels of blur from which a picture is soft. The sharpest edges of 765 drawn pictures and of
seven photographs of faces stay below .6; blurred by 2 pixels they measure 1.15 and more."""
SHAKEN = 1.7
"""Pixels of blur in one direction from which a picture is shaken; portraits reach 1.48 where hair
or a wall has edges in one direction alone, and a movement over 7.7 pixels has 2.2."""
ONE_WAY = 0.5
"""A shaken picture is, across its movement, at most this much as blurred as along it."""
ROUND_FACE = 0.25
"""How much is taken around the face, in its size: hair and outline have the best edges."""
TILES = 6
"""Tiles along each side of a picture without a face."""


class Reading(Record):
    """How blurred the face is, or the sharpest part of a picture without one."""

    width: float
    """Blur of the sharpest edges, in working pixels (a Gauss-shaped blur's deviation)."""
    least: float
    """The same in the direction in which they are sharpest."""
    most: float
    """The same in the direction in which they are softest."""
    side: int
    """Shorter side of the working picture, in pixels."""
    box: Box
    """Where it was measured, in pixels of the stored picture."""


def _measure(view: View) -> Record:
    noisy = view.noise or 0.0
    whole = Box(left=0, top=0, right=view.small.shape[1], bottom=view.small.shape[0])
    place = view.near_face(ROUND_FACE)
    found = []
    for box in [place] if place is not None else _tiles(whole):
        measured = edges(np.ascontiguousarray(_part(view, box)), noisy)
        if measured is not None:
            found.append((measured.width, measured, box))
    if not found:
        return Unread(reason="there are too few edges to judge the focus by")
    width, best, box = min(found, key=lambda entry: entry[0])
    along = best.along or (width,)
    if view.face is not None:
        box = around(view.face, 0, view.rgb.shape)
    else:
        box = Box(**{name: round(at / view.scale) for name, at in box.model_dump().items()})
    return Reading(
        width=round(width, 3),
        least=round(min(along), 3),
        most=round(max(along), 3),
        side=min(whole.width, whole.height),
        box=box,
    )


def _part(view: View, box: Box) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return view.grey[box.top : box.bottom, box.left : box.right]


def _tiles(whole: Box) -> Iterator[Box]:
    for row in range(TILES):
        for column in range(TILES):
            yield Box(
                left=whole.width * column // TILES,
                top=whole.height * row // TILES,
                right=whole.width * (column + 1) // TILES,
                bottom=whole.height * (row + 1) // TILES,
            )


FAMILY = Family("focus", 1, Reading, _measure)


def _seen(case: Case) -> Iterator[tuple[int, Reading, float]]:
    """Item number, reading, and how much smaller training sees the picture."""
    for number, reading in case.read(FAMILY, Reading):
        yield number, reading, min(1.0, case.config.side / reading.side)


def blur(case: Case) -> dict[int, float]:
    """Item number -> pixels of blur in training, where it could be read: to a tenth, for finer
    differences are the measure's own."""
    return {number: round(reading.width * scale, 1) for number, reading, scale in _seen(case)}


def shaken(reading: Reading, scale: float) -> bool:
    """Whether the blur goes one way, as when the camera or the person moved."""
    return reading.most * scale > SHAKEN and reading.least <= ONE_WAY * reading.most


def blurred(case: Case) -> dict[int, float]:
    """Item number -> pixels of blur across its sharpest edges, of the pictures named here."""
    return {
        number: reading.most if shaken(reading, scale) else reading.width
        for number, reading, scale in _seen(case)
        if reading.width * scale > SOFT or shaken(reading, scale)
    }


def _soft(case: Case) -> Iterator[Finding]:
    measured = (
        (number, reading.width * scale, reading.box)
        for number, reading, scale in _seen(case)
        if not shaken(reading, scale)
    )
    return over(case, "focus.soft", "warning", measured, SOFT)


def _shaken(case: Case) -> Iterator[Finding]:
    measured = (
        (number, reading.most * scale, reading.box)
        for number, reading, scale in _seen(case)
        if shaken(reading, scale)
    )
    return over(case, "focus.shaken", "warning", measured, SHAKEN)


RULES = (
    Rule(name="focus.soft", judge=_soft, needs=(FAMILY,), unit="pixels of blur", fix="deblur"),
    Rule(name="focus.shaken", judge=_shaken, needs=(FAMILY,), unit="pixels of blur"),
)
