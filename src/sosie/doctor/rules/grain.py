"""Noise, and what is left where noise was taken away.

High-ISO grain is learned as grain, and a picture that was smoothed against it as plastic; a fine
picture at a high ISO is worth keeping. The figures come from the picture itself; what the camera
wrote about its ISO only tells that there was something to smooth.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread, over
from sosie.doctor.rules import focus
from sosie.doctor.view import View, around

Floats = NDArray[np.float32]

NOISY = 6.0
"""Noise in levels of 255 at the working size from which grain shows: 3.3 at most in 765 drawn
pictures, 3.9 in a scanned print of 1984, .9 to 1.6 in six other photographs of faces."""
QUIET = 1.2
"""Noise in levels of 255 above which nobody smoothed a picture."""
SMOOTH = 0.74
"""Fine detail against coarse, where there is little of either, below which a picture may have been
smoothed: .98 and more in photographs of faces, .55 to .8 after a strong noise filter."""
POORER = 0.55
"""And, of the median of the person's pictures, at most this share of fine detail: some skin and
hair is smooth of itself. A set that was smoothed as a whole is not found."""
SHARP = 1.0
"""Blur in working pixels up to which missing detail cannot be put down to focus."""
HIGH_ISO = 1600
"""What cameras need noise reduction for."""
AROUND_FACE = 0.35
"""How much is taken around the face, in its size: hair and lashes show it first."""
FINE = 0.8
COARSE = 1.6
"""Blurs in working pixels that split detail into finer than the first and between the two."""
WEAK = (0.004, 0.01)
"""Coarse detail in luma that a noise filter takes for noise; edges it leaves alone."""
ENOUGH = 50
"""Pixels of weak detail without which nothing is said of it."""


class Reading(Record):
    """Noise and detail."""

    noise: float
    """Deviation in flat parts, in levels of 255 at the working size."""
    fine: float
    """Median strength of the finest detail around the face, in levels of 255."""
    detail: float | None
    """Fine detail against coarse around the face; None if there is hardly any of either."""
    iso: int | None
    """What the camera says."""
    box: Box
    """The face and what is around it, in pixels of the stored picture."""


def _measure(view: View) -> Record:
    place, face = view.near_face(AROUND_FACE), view.face
    if place is None or face is None:
        return Unread(reason=NO_FACE)
    if view.noise is None:
        return Unread(reason="the picture has no flat part to measure noise in")
    fine, detail = _detail(np.ascontiguousarray(view.grey[_inside(place)]))
    return Reading(
        noise=round(view.noise * 255, 3),
        fine=round(fine * 255, 3),
        detail=None if detail is None else round(detail, 3),
        iso=_iso(view),
        box=around(face, AROUND_FACE, view.rgb.shape),
    )


def _inside(box: Box) -> tuple[slice, slice]:
    return slice(box.top, box.bottom), slice(box.left, box.right)


def _detail(grey: Floats) -> tuple[float, float | None]:
    """Strength of the finest detail, and how it stands to coarser where both are weak."""
    import cv2

    def strength(band: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum(cv2.GaussianBlur(band * band, (0, 0), 3), 0)))

    first = np.asarray(cv2.GaussianBlur(grey, (0, 0), FINE), np.float32)
    coarse = strength(np.asarray(first - cv2.GaussianBlur(grey, (0, 0), COARSE)))
    fine = strength(grey - first)
    weak = (coarse > WEAK[0]) & (coarse < WEAK[1])
    if np.count_nonzero(weak) < ENOUGH:
        return float(np.median(fine)), None
    return float(np.median(fine)), float(np.median(fine[weak] / coarse[weak]))


def _iso(view: View) -> int | None:
    value = view.exif.get("ISOSpeedRatings", view.exif.get("PhotographicSensitivity"))
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int) and first > 0 else None


FAMILY = Family("grain", 2, Reading, _measure, original=True)


def _noisy(case: Case) -> Iterator[Finding]:
    measured = ((n, reading.noise, None) for n, reading in case.read(FAMILY, Reading))
    return over(case, "grain.noisy", "warning", measured, NOISY)


def _smooth(case: Case) -> Iterator[tuple[int, Reading]]:
    """Pictures that are sharp and clean but lack fine detail."""
    blur = {number: seen.width for number, seen in case.read(focus.FAMILY, focus.Reading)}
    read = list(case.read(FAMILY, Reading))
    usual = median(reading.fine for _, reading in read) if read else 0.0
    for number, reading in read:
        quiet = reading.noise < QUIET and blur.get(number, SHARP) < SHARP
        poor = reading.fine < POORER * usual and (reading.detail or 1) < SMOOTH
        if quiet and poor:
            yield number, reading


def _smoothed(case: Case) -> Iterator[Finding]:
    """Only advice: hair and skin may be smooth of themselves, so it can only be a hint."""
    measured = ((n, r.detail, r.box) for n, r in _smooth(case) if r.detail is not None)
    return over(case, "grain.smoothed", "advice", measured, SMOOTH, below=True)


def _fine(case: Case) -> Iterator[Finding]:
    """Only advice: it speaks only to keep a good picture from being thrown away for its ISO."""
    smooth = {number for number, _ in _smooth(case)}
    measured = (
        (number, float(reading.iso), None)
        for number, reading in case.read(FAMILY, Reading)
        if reading.iso is not None
        and reading.noise <= NOISY
        and reading.detail is not None
        and number not in smooth
    )
    return over(case, "grain.fine", "advice", measured, HIGH_ISO - 1)


RULES = (
    Rule(name="grain.noisy", judge=_noisy, needs=(FAMILY,), unit="levels of 255"),
    Rule(
        name="grain.smoothed",
        judge=_smoothed,
        needs=(FAMILY, focus.FAMILY),
        unit="fine detail against coarse",
    ),
    Rule(name="grain.fine", judge=_fine, needs=(FAMILY, focus.FAMILY), unit="ISO", against=False),
)
