"""Mends of the frame: what is cut away, and how many pixels stay. No pixel is ever made up."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from sosie.core.errors import BadInput
from sosie.core.records import Box, Record
from sosie.doctor.mends.mend import Known, Plain, shared
from sosie.doctor.rule import NO_FACE
from sosie.doctor.rules import pixels
from sosie.doctor.rules.who import SURE
from sosie.doctor.view import Bytes, View

WHOLE = 0.9
"""Share of a picture from which a crop of it is no closer than the picture is."""


class Head(Record):
    """How much is kept around the face, in its height (its width, at the sides)."""

    above: float = Field(default=0.55, ge=0.25, le=2)
    """For forehead and hair."""
    below: float = Field(default=0.3, ge=0.1, le=4)
    """For the chin and what is below it."""
    beside: float = Field(default=0.6, ge=0.2, le=4)
    """For hair, and the shoulders."""


class Shoulders(Head):
    """How much is kept around the face, in its height (its width, at the sides)."""

    below: float = Field(default=1.1, ge=0.1, le=4)
    beside: float = Field(default=1.2, ge=0.2, le=4)


class Size(Record):
    """How large the picture becomes."""

    side: int | None = Field(default=None, ge=64)
    """Pixels of the longer side; by default as many as the picture truly holds."""


def cropped(view: View, room: Head, known: Known) -> tuple[Bytes, str]:
    """The part around the person's face: head, or head and shoulders, by the options."""
    face, others = _person(view, known)
    height, width = view.rgb.shape[:2]
    box = Box(
        left=max(0, round(face.left - room.beside * face.width)),
        top=max(0, round(face.top - room.above * face.height)),
        right=min(width, round(face.right + room.beside * face.width)),
        bottom=min(height, round(face.bottom + room.below * face.height)),
    )
    if box.width * box.height > WHOLE * width * height:
        raise BadInput("The picture is as close as that already.")
    if any(shared(box, other) for other in others):
        raise BadInput(
            "Another face would be in the crop.", advice="Keep less room, or leave the picture out."
        )
    enlarged = known.side / (box.width * box.height) ** 0.5
    if enlarged > pixels.ENLARGED:
        raise BadInput(
            f"The crop would be {box.width}×{box.height} pixels, and training would enlarge it "
            f"{enlarged:.1f} times: that invents detail.",
            advice="Use a larger file.",
        )
    return view.cut(box).copy(), f"cut to {box.width}×{box.height} of {width}×{height} pixels"


def _person(view: View, known: Known) -> tuple[Box, list[Box]]:
    """The person's face, and the others that were surely found."""
    if not view.faces:
        raise BadInput(f"Nothing to crop to: {NO_FACE}.")
    others = [face for face in view.faces[1:] if face.score >= SURE]
    if not others:
        return view.faces[0].box, []
    if known.person is None:
        raise BadInput(
            "Several faces, and the set is too small to tell whose pictures these are.",
            advice="Crop it by hand.",
        )
    person = known.person
    mine = max(view.faces, key=lambda face: shared(face.box, person))
    return mine.box, [face.box for face in [view.faces[0], *others] if face is not mine]


def without_bars(view: View, options: Plain, known: Known) -> tuple[Bytes, str]:
    """The picture without the plain strips at its edges."""
    reading = pixels.FAMILY.measure(view)
    assert isinstance(reading, pixels.Reading)
    left, top, right, bottom = reading.bars
    if not any(reading.bars):
        raise BadInput("There are no bars at the edges.")
    # A pixel more where a bar is: saving has mixed its border with the picture.
    left, top, right, bottom = (bar + 1 if bar else 0 for bar in (left, top, right, bottom))
    kept = Box(left=left, top=top, right=reading.width - right, bottom=reading.height - bottom)
    sides = f"{left + right} pixels at the sides" if left else ""
    ends = f"{top + bottom} above and below" if top else ""
    return view.cut(kept).copy(), f"cut {' and '.join(filter(None, (sides, ends)))}"


def resized(view: View, size: Size, known: Known) -> tuple[Bytes, str]:
    """The picture made smaller, by the area under each pixel; enlarging is refused."""
    import cv2

    height, width = view.rgb.shape[:2]
    longer = max(height, width)
    reading = pixels.FAMILY.measure(view)
    assert isinstance(reading, pixels.Reading)
    side = size.side or round(reading.detail * longer)
    if side > longer:
        raise BadInput(
            f"The picture has {longer} pixels; enlarging it to {side} would invent detail.",
            advice="Use a larger file.",
        )
    if side == longer:
        raise BadInput("Every pixel of the picture counts: nothing to make smaller.")
    new = max(1, round(width * side / longer)), max(1, round(height * side / longer))
    shrunk = cv2.resize(view.rgb, new, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.uint8), f"{width}×{height} to {new[0]}×{new[1]} pixels"
