"""The skin: its colour from picture to picture, whitening, retouching, lines.

Read on the cheeks that face the camera, in CIELAB, in a close-up of one size. Of two cheeks the one
in the light counts, so that light from the side is not taken for darker skin. Colours are compared
with the person's own median alone; there is no right colour of skin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Record
from sosie.doctor.closeup import TOO_SMALL, UNIT, Closeup, Point, closeup
from sosie.doctor.records import Finding, NotExamined
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread, naming, over
from sosie.doctor.view import View

Floats = NDArray[np.float32]

LEAST = 5
"""Pictures below which a person has no usual skin to compare with."""
CHEEK = 0.13
"""Radius of the patch on a cheek, in units of the close-up."""
PROFILE = 0.6
"""`turn` beyond which hair and beard come to lie where cheeks are sought."""
COLOURLESS = 3.0
"""CIELAB chroma below which a picture is black and white, and its skin has no colour to drift."""

WHITENED = 12.0
"""How much lighter and greyer skin must be than the person's median, in CIELAB units: lightness,
less what light explains. Evening and lamps move skin along one line of a* and b* by up to 13, and
shade moves L*; whitening moves it across that line. Found by discriminating 660 drawn pictures
from the same ones taken a third of the way to white: 94 of 100 lie above, and one clean set of 45
has a picture that does."""
ALONG, ACROSS = (0.45, 0.9), (0.9, -0.45)
"""Directions in a*, b*: from cool to warm light, and from green to magenta."""
LIGHT_ALONG, LIGHT_ACROSS = 14.0, 5.0
"""Distances from the person's median that light explains, likewise: 99 of 100 clean pictures lie
within 12 along and 3 across."""
RETOUCHED = 0.62
"""Share of the person's usual texture below which skin was smoothed: clean pictures of people with
pores have 0.7 and more, those smoothed by three quarters up to 0.6."""
TEXTURED = 1.5
"""Grey levels of texture that a person's pictures must usually show before its lack means anything:
drawn people have 0.4 to 2, photographs of 500 px and more 1.8 to 10."""
LINED, DEEPER = 0.04, 0.5
"""How much darker lines must be than the usual ones to be worth a question: at least the first, and
so much of the usual; deep folds differ more with the light than faint ones."""
FOLDED, FOLDED_A_YEAR = 0.02, 0.0015
"""Folds that are usual at 20, and how much more each year brings. Advisory: set on four portraits,
between the smooth ones and those with deep folds."""
EDITORS = (
    "facetune", "beautyplus", "beautycam", "meitu", "snow", "b612", "faceapp", "youcam", "airbrush",
    "snapchat", "ulike", "soda", "foodie", "camera360", "perfect365", "facelab", "peachy", "remini",
)  # fmt: skip
"""Programs that smooth faces by default, as they name themselves in a picture's "Software"."""


class Reading(Record):
    """The skin of the largest face."""

    lightness: float
    """CIELAB L* of the lit cheek, 0 to 100."""
    green_red: float
    """CIELAB a*."""
    blue_yellow: float
    """CIELAB b*."""
    texture: float
    """Fine detail of the cheeks beyond the noise of the picture, in grey levels of 255."""
    sharpness: float
    """Fine detail of the eyes and the mouth, in grey levels of 255."""
    folds: float
    """Darkness of lines from the nose past the mouth, in shares of the skin's grey."""
    editor: str | None
    """The beauty program that the file names, if it names one."""
    box: Box
    """The lit cheek."""


def _measure(view: View) -> Record:
    face = view.once(closeup)
    if face is None:
        return Unread(reason=TOO_SMALL if view.face else NO_FACE)
    if abs(face.turn) > PROFILE:
        return Unread(reason="the face is seen too much from the side")
    patches = [(centre, face.disc(centre, CHEEK)) for centre in face.cheeks()]
    patches = [(centre, mask) for centre, mask in patches if mask.sum() > UNIT]
    if not patches:
        return Unread(reason="no cheek is in the picture")
    lab = _lab(face.rgb)
    colours = [np.median(lab[mask], axis=0) for _, mask in patches]
    lit = int(np.argmax([colour[0] for colour in colours]))
    if np.hypot(lab[..., 1], lab[..., 2]).mean() < COLOURLESS:
        return Unread(reason="the picture has no colours")
    grey = np.asarray(face.rgb @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)
    fine = _fine(grey)
    texture = float(np.mean([_spread(fine[mask]) for _, mask in patches]))
    texture = max(0.0, texture**2 - _noise(fine) ** 2) ** 0.5
    lines = lines_of(grey)
    return Reading(
        lightness=round(float(colours[lit][0]), 2),
        green_red=round(float(colours[lit][1]), 2),
        blue_yellow=round(float(colours[lit][2]), 2),
        texture=round(texture, 3),
        sharpness=round(_sharpness(face, fine), 3),
        folds=round(_folds(face, lines), 4),
        editor=_editor(view),
        box=face.box(patches[lit][0], CHEEK),
    )


def _lab(rgb: NDArray[np.uint8]) -> Floats:
    import cv2

    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _fine(grey: Floats) -> Floats:
    """What is finer than about three millimetres of the face."""
    import cv2

    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), 1.5), np.float32)


def _spread(values: Floats) -> float:
    """Standard deviation, without the few that stand out: a mole or a hair is no texture."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _noise(fine: Floats, side: int = 12) -> float:
    """Standard deviation of noise: what even the calmest squares of the close-up show."""
    rows, columns = fine.shape[0] // side, fine.shape[1] // side
    squares = fine[: rows * side, : columns * side].reshape(rows, side, columns, side)
    spreads = squares.std(axis=(1, 3)).ravel()
    return float(np.percentile(spreads, 3)) if len(spreads) else 0.0


def _sharpness(face: Closeup, fine: Floats) -> float:
    """Fine detail of eyes and mouth, which no smoothing of skin touches."""
    eyes = [face.disc(face.points[eye], 0.2) for eye in (0, 1)]
    mouth = face.disc(face.points[3:].mean(0), 0.25)
    values = [float(np.percentile(np.abs(fine[mask]), 90)) for mask in (*eyes, mouth) if mask.any()]
    return float(np.median(values)) if values else 0.0


def lines_of(grey: Floats, width: float = 2.0) -> Floats:
    """How much of a dark line about `width` pixels wide each pixel is, in shares of its grey.

    The greater curvature across, less the one along: a spot is no line. (Second derivatives of
    Gaussians, as ridges are found since Lindeberg 1998.)
    """
    import cv2

    calm = cv2.GaussianBlur(np.log(grey + 8), (0, 0), width)
    xx, yy, xy = (
        cv2.Sobel(calm, cv2.CV_32F, *order, ksize=3) * width**2 / 4
        for order in ((2, 0), (0, 2), (1, 1))
    )
    root = np.hypot((xx - yy) / 2, xy)
    across, along = (xx + yy) / 2 + root, (xx + yy) / 2 - root
    return np.asarray(np.clip(across - np.abs(along), 0, None), np.float32)


def _inside(face: Closeup, corners: list[Point]) -> NDArray[np.bool_]:
    import cv2

    mask = np.zeros(face.rgb.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(np.stack(corners)).astype(np.int32)], 1)
    return mask.astype(bool)


def _folds(face: Closeup, lines: Floats) -> float:
    """Lines between nose and cheek, on the side that shows fewer: a shadow falls on one alone."""
    found = []
    for corner, side in ((3, -1.0), (4, 1.0)):
        if side * face.turn >= 0.25:
            continue
        mouth, nose = face.points[corner], face.points[2]
        band = [
            face.at(nose, side * 0.22),
            face.at(nose, side * 0.5),
            face.at(mouth, side * 0.4),
            face.at(mouth, side * 0.06),
        ]
        mask = _inside(face, band)
        if mask.any():
            found.append(float(np.percentile(lines[mask], 90)))
    return min(found, default=0.0)


def _editor(view: View) -> str | None:
    said = str(view.exif.get("Software", "")).lower()
    return next((name for name in EDITORS if name in said), None)


FAMILY = Family("skin", 2, Reading, _measure, original=True)


def usual_of(read: list[tuple[int, Reading]]) -> Reading | None:
    """The medians of the person; None where there are too few pictures."""
    if len(read) < LEAST:
        return None
    names = ("lightness", "green_red", "blue_yellow", "texture", "sharpness", "folds")
    middle = {n: float(np.median([getattr(reading, n) for _, reading in read])) for n in names}
    return Reading(**middle, editor=None, box=read[0][1].box)


def _moved(reading: Reading, usual: Reading) -> tuple[float, float, float]:
    """How far the skin is from the usual: lighter, along the line of lights, and across it."""
    a, b = reading.green_red - usual.green_red, reading.blue_yellow - usual.blue_yellow
    return (
        reading.lightness - usual.lightness,
        ALONG[0] * a + ALONG[1] * b,
        ACROSS[0] * a + ACROSS[1] * b,
    )


def _whiteness(reading: Reading, usual: Reading) -> float:
    lighter, along, across = _moved(reading, usual)
    return lighter - 0.5 * along - 2.5 * across


def _whitened(case: Case) -> Iterator[Finding]:
    read = list(case.read(FAMILY, Reading))
    if usual := usual_of(read):
        measured = ((n, _whiteness(r, usual), r.box) for n, r in read if _lighter(r, usual))
        yield from over(case, "skin.whitened", "warning", measured, WHITENED)


def _lighter(reading: Reading, usual: Reading) -> bool:
    """Whether skin is lighter and less coloured: a blue lamp or a bright one is not enough."""
    lighter, _, across = _moved(reading, usual)
    return lighter > 2 and across < -0.3


def _drift(case: Case) -> Iterator[Finding]:
    read = list(case.read(FAMILY, Reading))
    if usual := usual_of(read):
        measured = []
        for number, reading in read:
            if _lighter(reading, usual) and _whiteness(reading, usual) > WHITENED:
                continue
            _, along, across = _moved(reading, usual)
            far = max(abs(along) / LIGHT_ALONG, abs(across) / LIGHT_ACROSS)
            measured.append((number, far, reading.box))
        yield from over(case, "skin.drift", "warning", measured, 1.0)


def _textured(reading: Reading, usual: Reading) -> float:
    """Texture in shares of the person's usual, where a picture that is soft all over may have less.

    Dark glasses hide the eyes' detail and say nothing of focus: at most half is allowed for.
    """
    soft = float(np.clip(reading.sharpness / max(usual.sharpness, 1.0), 0.5, 1.0))
    return reading.texture / usual.texture / soft


def _retouched(case: Case) -> Iterator[Finding | NotExamined]:
    """Smoothed beside the person's own other pictures; what the file says of itself is a hint."""
    read = list(case.read(FAMILY, Reading))
    edited = [(number, reading) for number, reading in read if reading.editor]
    for name in sorted({str(reading.editor) for _, reading in edited}):
        numbers = [number for number, reading in edited if reading.editor == name]
        yield case.finding("skin.retouched", "advice", numbers, which=name)
    usual = usual_of(read)
    if usual is None:
        return
    if usual.texture < TEXTURED:
        yield case.unexamined("skin.retouched", "the skin usually shows too little texture")
        return
    measured = ((number, _textured(reading, usual), reading.box) for number, reading in read)
    found = over(case, "skin.retouched", "warning", measured, RETOUCHED, below=True)
    yield from naming("smoother", found)


def _lined(case: Case) -> Iterator[Finding]:
    """Advisory: lines are read against the stated age, or against the person's own pictures."""
    read = list(case.read(FAMILY, Reading))
    usual, age = usual_of(read), case.config.age
    if usual is None:
        return
    folds = usual.folds
    if age is not None:
        folds = max(folds, FOLDED + FOLDED_A_YEAR * max(0, age - 20))
    measured = ((n, r.folds - folds, r.box) for n, r in read if r.editor is None)
    yield from over(case, "skin.lines", "advice", measured, max(LINED, round(DEEPER * folds, 3)))


RULES = (
    Rule(
        name="skin.whitened",
        judge=_whitened,
        needs=(FAMILY,),
        least=LEAST,
        unit="CIELAB",
        fix="match-skin",
    ),
    Rule(
        name="skin.drift",
        judge=_drift,
        needs=(FAMILY,),
        least=LEAST,
        unit="of what light explains",
        fix="white-balance",
    ),
    Rule(
        name="skin.retouched", judge=_retouched, needs=(FAMILY,), least=LEAST, unit="of the usual"
    ),
    Rule(
        name="skin.lines",
        judge=_lined,
        needs=(FAMILY,),
        least=LEAST,
        unit="darkness",
        fix="soften-lines",
        advisory=True,
        against=False,
    ),
)
