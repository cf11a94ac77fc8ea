"""How the face is lit, after OFIQ's list: exposure, clipping, evenness, range of tones.

Nothing here judges the colour of a skin. Whether a face is too dark is told by its brightest parts
(the white of an eye, the light on a forehead), which are bright in good light on any skin, or by
the same person's other pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread, naming, over
from sosie.doctor.view import View, around

DARK = 0.3
"""Luma that the brightest twentieth of a face reaches in any useful light: .38 in the darkest of
765 drawn pictures of all skins, .51 and more in seven photographs."""
DARKER = 0.6
"""Share of the median of the person's other pictures below which a face is dark for this person:
that is two stops less light."""
BLOWN = 0.98
"""Luma from which a highlight holds no detail."""
BRIGHT = 0.08
"""Share of a face without detail in the highlights from which it is too bright; clean pictures have
at most .01."""
CRUSHED = 0.02
"""Luma up to which a shadow holds no detail."""
SHADOWS = 0.04
"""Share of a face without detail in the shadows from which it is lost; clean pictures: .01."""
UNEVEN = 1.5
"""Stops between the halves of a face; side light in drawn portraits goes up to 1.3."""
FRONTAL = 0.3
"""Largest `turn` (see `pose`) at which two halves of a face can be compared."""
FLAT = 0.3
"""Range of tones of a whole picture, in luma, below which it may be veiled."""
VEIL = 0.28
"""Luma of the darkest parts of a veiled picture: a plain dark scene has a small range as well, but
it begins near black."""


class Reading(Record):
    """Luma in [0, 1] on the face, and over the picture."""

    face: float
    """Median of the face."""
    bright: float
    """The face's 95th percentile."""
    blown: float
    """Share of the face at `BLOWN` and above."""
    crushed: float
    """Share of the face at `CRUSHED` and below."""
    uneven: float | None
    """Stops of light between the halves of the face; None if it is turned away."""
    low: float
    """1st percentile of the picture."""
    high: float
    """99th percentile of the picture."""
    box: Box
    """The face, in pixels of the stored picture."""


def _measure(view: View) -> Record:
    box, face = view.near_face(0), view.face
    if box is None or face is None:
        return Unread(reason=NO_FACE)
    grey = view.grey[box.top : box.bottom, box.left : box.right]
    down, across = np.mgrid[: grey.shape[0], : grey.shape[1]] + 0.5
    oval = (
        ((across / grey.shape[1] - 0.5) / 0.42) ** 2 + ((down / grey.shape[0] - 0.5) / 0.46) ** 2
    ) < 1
    tones = grey[oval]
    if not len(tones):
        return Unread(reason=NO_FACE)
    points = face.landmarks * view.scale - [box.left, box.top]
    brow, mouth = points[:2].mean(0), points[3:].mean(0)
    eyes = points[1] - points[0]
    turn = abs(float((points[2] - brow) @ eyes)) / max(float(eyes @ eyes), 1e-6)
    side = (across - brow[0]) * (mouth[1] - brow[1]) - (down - brow[1]) * (mouth[0] - brow[0])
    halves = [grey[oval & which] for which in (side > 0, side <= 0)]
    uneven = None
    if turn < FRONTAL and all(len(half) for half in halves):
        one, other = (float(np.mean(half**2.2)) + 1e-4 for half in halves)
        uneven = round(abs(float(np.log2(one / other))), 3)
    low, high = np.percentile(view.grey[::2, ::2], [1, 99])
    return Reading(
        face=round(float(np.median(tones)), 3),
        bright=round(float(np.percentile(tones, 95)), 3),
        blown=round(float((tones >= BLOWN).mean()), 3),
        crushed=round(float((tones <= CRUSHED).mean()), 3),
        uneven=uneven,
        low=round(float(low), 3),
        high=round(float(high), 3),
        box=around(face, 0, view.rgb.shape),
    )


FAMILY = Family("light", 1, Reading, _measure)


def _dark(case: Case) -> Iterator[Finding]:
    read = list(case.read(FAMILY, Reading))
    usual = median(reading.face for _, reading in read) if read else 0.0
    dark = [(number, reading.bright, reading.box) for number, reading in read]
    darker = [
        (number, reading.face / usual, reading.box)
        for number, reading in read
        if usual and reading.bright >= DARK
    ]
    yield from naming("dark", over(case, "light.dark", "warning", dark, DARK, below=True))
    yield from naming("darker", over(case, "light.dark", "warning", darker, DARKER, below=True))


def _bright(case: Case) -> Iterator[Finding]:
    measured = ((n, reading.blown, reading.box) for n, reading in case.read(FAMILY, Reading))
    return over(case, "light.bright", "warning", measured, BRIGHT)


def _shadows(case: Case) -> Iterator[Finding]:
    measured = ((n, reading.crushed, reading.box) for n, reading in case.read(FAMILY, Reading))
    return over(case, "light.shadows", "warning", measured, SHADOWS)


def _uneven(case: Case) -> Iterator[Finding]:
    measured = (
        (number, reading.uneven, reading.box)
        for number, reading in case.read(FAMILY, Reading)
        if reading.uneven is not None
    )
    return over(case, "light.uneven", "advice", measured, UNEVEN)


def _flat(case: Case) -> Iterator[Finding]:
    measured = (
        (number, reading.high - reading.low, None)
        for number, reading in case.read(FAMILY, Reading)
        if reading.low > VEIL
    )
    return over(case, "light.flat", "warning", measured, FLAT, below=True)


RULES = (
    Rule(
        name="light.dark",
        judge=_dark,
        needs=(FAMILY,),
        unit="luma",
        units={"darker": "of the usual"},
    ),
    Rule(name="light.bright", judge=_bright, needs=(FAMILY,), unit="share of the face"),
    Rule(name="light.shadows", judge=_shadows, needs=(FAMILY,), unit="share of the face"),
    Rule(name="light.uneven", judge=_uneven, needs=(FAMILY,), unit="stops"),
    Rule(name="light.flat", judge=_flat, needs=(FAMILY,), unit="luma"),
)
