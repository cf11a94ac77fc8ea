"""Where the face is in the frame: how large, how near the edge, and what a crop would take off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread, over
from sosie.doctor.view import View, around
from sosie.models.faces import Face, find_faces

DISTANT = 0.15
"""Height of a face, in shorter sides of the picture, below which it is looked at again by zoom."""
ZOOM = 1.5
"""How much is taken around a distant face, in its size."""
LEAST_FACE = 1 / 8
"""Height of a face, in sides of the training square: at 512 pixels it is 64, which the usual bases
see as 8 by 8 cells, too few for eyes."""
CUT = 0.02
"""Room between a face and the edge, in faces, below which the frame cuts it."""
ABOVE = 0.12
"""Room above a face for forehead and hair, in faces: .24 and more in 765 drawn portraits."""
BELOW = 0.05
"""Room below a chin, in faces."""
CHIN = 0.55
"""Way from the mouth to the chin, of that from the eyes to the mouth, on the shortest of chins."""
WIDEST = 16 / 9
"""Proportions of the widest and, upright, of the tallest crop that training uses."""
LOST = 0.35
"""Share of a picture outside its crop from which it is worth choosing the crop by hand, as
SceneWorks has it; the face is never cut, since the crop follows it."""


class Reading(Record):
    """The face and the picture, in pixels as stored."""

    width: int
    height: int
    face: Box
    outside: bool
    """Whether an eye, the nose, the mouth or the chin lies beyond the edge."""


def _measure(view: View) -> Record:
    face = view.face
    if face is None:
        return Unread(reason=NO_FACE)
    height, width = view.rgb.shape[:2]
    box = face.box
    if box.height < DISTANT * min(width, height):
        nearer = _zoomed(view, face)
        if nearer is None:
            return Unread(reason="a distant face could not be made out, even enlarged")
        box = nearer
    return Reading(width=width, height=height, face=box, outside=_outside(face, width, height))


def _outside(face: Face, width: int, height: int) -> bool:
    # A detector draws its box around what is left of a cut face, so the chin is put where the
    # eyes and the mouth say that it must be.
    eyes, mouth = face.landmarks[:2].mean(0), face.landmarks[3:].mean(0)
    points = np.vstack([face.landmarks, mouth + CHIN * (mouth - eyes)])
    return bool(points.min() < 0 or (points > [width, height]).any())


def _zoomed(view: View, face: Face) -> Box | None:
    """A distant face as it is found in its surroundings alone, which are searched enlarged."""
    place = around(face, ZOOM, view.rgb.shape)
    found = find_faces(view.cut(place))
    if not found:
        return None
    box = found[0].box
    return Box(
        left=box.left + place.left,
        top=box.top + place.top,
        right=box.right + place.left,
        bottom=box.bottom + place.top,
    )


FAMILY = Family("framing", 1, Reading, _measure)


def _small_face(case: Case) -> Iterator[Finding]:
    side = case.config.side
    measured = (
        (number, round(r.face.height * min(1.0, side / (r.width * r.height) ** 0.5)), r.face)
        for number, r in case.read(FAMILY, Reading)
    )
    return over(case, "pixels.small_face", "warning", measured, side * LEAST_FACE, below=True)


def _room(reading: Reading) -> tuple[float, float, float]:
    """Room above, below and at the nearer side, in heights (widths) of the face."""
    face = reading.face
    return (
        face.top / face.height,
        (reading.height - face.bottom) / face.height,
        min(face.left, reading.width - face.right) / face.width,
    )


def _cut_room(reading: Reading) -> float:
    return 0.0 if reading.outside else min(_room(reading))


def _cut(case: Case) -> Iterator[Finding]:
    measured = ((n, _cut_room(r), r.face) for n, r in case.read(FAMILY, Reading))
    return over(case, "pixels.cut", "warning", measured, CUT, below=True)


def _tight(case: Case) -> Iterator[Finding]:
    def room(reading: Reading) -> float:
        above, below, _ = _room(reading)
        return min(above, below / BELOW * ABOVE)

    measured = (
        (number, room(reading), reading.face)
        for number, reading in case.read(FAMILY, Reading)
        if _cut_room(reading) >= CUT
    )
    return over(case, "pixels.tight", "advice", measured, ABOVE, below=True)


def _crop(case: Case) -> Iterator[Finding]:
    measured = ((n, _lost(r), r.face) for n, r in case.read(FAMILY, Reading))
    return over(case, "pixels.crop", "advice", measured, LOST)


def _lost(reading: Reading) -> float:
    """Share of the picture outside the crop that training takes."""
    short, long = sorted((reading.width, reading.height))
    return max(0.0, 1 - WIDEST * short / long)


RULES = (
    Rule(
        name="pixels.small_face",
        judge=_small_face,
        needs=(FAMILY,),
        unit="pixels in training",
        fix="crop-shoulders",
    ),
    Rule(name="pixels.cut", judge=_cut, needs=(FAMILY,), unit="sides of the face"),
    Rule(name="pixels.tight", judge=_tight, needs=(FAMILY,), unit="sides of the face"),
    Rule(name="pixels.crop", judge=_crop, needs=(FAMILY,), unit="share of the picture"),
)
