"""Eyes closed, a face covered, features too faint to be learned from afar. Geometry and light only.

Nothing here asks how a face should look: each picture is held against the person's own others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Record
from sosie.doctor.closeup import TOO_SMALL, Closeup, Point, closeup
from sosie.doctor.records import Finding, NotExamined
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread, naming, over
from sosie.doctor.view import View
from sosie.models.mesh import LEFT_EYE, RIGHT_EYE, Mesh

LEAST = 5
"""Pictures below which a person has no usual look to compare with."""
ASIDE, PROFILE = 15.0, 50.0
"""Degrees of yaw: from the first only the near eye is read, from the second neither."""
CLOSED = 0.7
"""Opening of the eyes, in shares of the person's usual, below which they are closed: of 660 clean
drawn pictures one lies below, and half-closed eyes lie about it."""
DARK = 0.45
"""Brightness around the eyes, in shares of the cheeks', below which dark glasses hide them: behind
drawn sunglasses it is 0.27 to 0.46, elsewhere at least 0.58; on portraits lit from the side 0.5."""
FACED = 30.0
"""Degrees of yaw beyond which nose and chin come to lie before the background."""
COVERED = 26.0
"""CIELAB distance from the person's usual look of a part, beside its other parts in the same light,
from which something lies over it."""
NARROW = 0.22
"""Usual opening of the eyes, height over width, below which little of them can be learned."""
FAINT = 0.46
"""Usual contrast of eyes against cheeks, as a natural logarithm, below which it is the same."""

PARTS: dict[str, tuple[int, ...]] = {
    "right eye": RIGHT_EYE,
    "left eye": LEFT_EYE,
    "nose": (4, 5, 195),
    "mouth": (13, 14),
    "right cheek": (50, 205),
    "left cheek": (280, 425),
    "chin": (199, 200),
}
"""Parts of a face, and the points of the mesh whose middle they are; sides are the person's own.
The forehead is left to hair and hats."""
REACH = 0.14
"""Radius of what is read around a part, in units of the close-up."""


class Part(Record):
    """How one part of the face looks."""

    name: str
    lightness: float
    """CIELAB L*, 0 to 100: the median around its middle."""
    green_red: float
    blue_yellow: float
    box: Box


class Reading(Record):
    """The eyes and the parts of the largest face."""

    opening: float
    """Height of the eyes' opening over their width: both, or the near one."""
    shade: float
    """Brightness around the eyes in shares of the cheeks'."""
    contrast: float
    """How much darker the dark of the eyes is than the cheeks, as a natural logarithm."""
    parts: tuple[Part, ...]
    """Those that are turned to the camera; none where the head is turned by `FACED` or more."""
    box: Box
    """Both eyes."""


def _measure(view: View) -> Record:
    face, mesh = view.once(closeup), view.mesh
    if face is None or mesh is None:
        return Unread(reason=TOO_SMALL if view.face else NO_FACE)
    if mesh.presence < 0.5 or abs(mesh.pose.yaw) > PROFILE:
        return Unread(reason="the face is seen too much from the side")
    near = _near(mesh)
    middles = {name: _middle(face, mesh, points) for name, points in PARTS.items()}
    grey = np.asarray(face.rgb @ np.array([0.299, 0.587, 0.114], np.float32) + 1, np.float32)
    sides = [side for side in ("right", "left") if side in near]
    cheeks = [_median(grey, face, middles[f"{side} cheek"]) for side in sides]
    eyes = [_median(grey, face, middles[f"{side} eye"], 0.2) for side in sides]
    dark = [_dark(grey, face, middles[f"{side} eye"]) for side in sides]
    cheek = max(cheeks)
    if not cheek:
        return Unread(reason="the face is cut by the picture's edge")
    by_side = zip(("right", "left"), mesh.eyes, strict=True)
    openings = [opening for side, opening in by_side if side in near]
    return Reading(
        opening=round(float(np.mean(openings)), 3),
        shade=round(float(max(eyes) / cheek), 3),
        contrast=round(float(np.log(cheek / max(min(dark), 1.0))), 3),
        parts=tuple(_parts(face, middles, near)) if abs(mesh.pose.yaw) < FACED else (),
        box=face.box(np.asarray((middles["right eye"] + middles["left eye"]) / 2), 0.7),
    )


def _near(mesh: Mesh) -> tuple[str, ...]:
    """The person's own sides that are turned to the camera."""
    if mesh.pose.yaw > ASIDE:
        return ("right",)
    return ("left",) if mesh.pose.yaw < -ASIDE else ("right", "left")


def _middle(face: Closeup, mesh: Mesh, points: tuple[int, ...]) -> Point:
    middle = mesh.landmarks[list(points), :2].mean(0)
    return np.asarray((middle - np.array(face.corner)) * face.zoom, np.float32)


def _median(grey: NDArray[np.float32], face: Closeup, middle: Point, reach: float = REACH) -> float:
    mask = face.disc(middle, reach)
    return float(np.median(grey[mask])) if mask.any() else 0.0


def _dark(grey: NDArray[np.float32], face: Closeup, middle: Point) -> float:
    mask = face.disc(middle, 0.2)
    return float(np.percentile(grey[mask], 10)) if mask.any() else 0.0


def _parts(face: Closeup, middles: dict[str, Point], near: tuple[str, ...]) -> Iterator[Part]:
    import cv2

    lab = cv2.cvtColor(face.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    for name, middle in middles.items():
        side = name.split()[0]
        if side in ("right", "left") and side not in near:
            continue
        mask = face.disc(middle, REACH)
        if mask.any():
            colour = np.median(lab[mask], axis=0)
            yield Part(
                name=name,
                lightness=round(float(colour[0]), 1),
                green_red=round(float(colour[1]), 1),
                blue_yellow=round(float(colour[2]), 1),
                box=face.box(middle, 2 * REACH),
            )


FAMILY = Family("eyes", 1, Reading, _measure)


def _closed(case: Case) -> Iterator[Finding | NotExamined]:
    read = list(case.read(FAMILY, Reading))
    # Behind dark glasses the mesh guesses the lids.
    seen = [(number, reading) for number, reading in read if reading.shade >= DARK]
    if len(seen) < LEAST:
        yield case.too_few("eyes.closed", LEAST)
        return
    usual = float(np.median([reading.opening for _, reading in seen]))
    measured = ((n, r.opening / max(usual, 1e-3), r.box) for n, r in seen)
    yield from over(case, "eyes.closed", "warning", measured, CLOSED, below=True)


def _hidden(case: Case) -> Iterator[Finding]:
    """Dark glasses in any picture; other things where the person's own pictures show the part.

    A hand before the mouth has the colour of the face and can pass.
    """
    read = list(case.read(FAMILY, Reading))
    glasses = ((number, reading.shade, reading.box) for number, reading in read)
    yield from naming("eyes", over(case, "eyes.hidden", "warning", glasses, DARK, below=True))
    by_part: dict[str, list[tuple[int, float, Box | None]]] = {}
    for number, name, far, box in _covered(read):
        by_part.setdefault(name, []).append((number, far, box))
    for name, measured in sorted(by_part.items()):
        yield from naming(name, over(case, "eyes.hidden", "warning", measured, COVERED))


def _covered(read: list[tuple[int, Reading]]) -> Iterator[tuple[int, str, float, Box]]:
    """For each picture the part that is least like the person's usual, and by how much."""
    looks = {
        number: {part.name: _look(part) for part in reading.parts}
        for number, reading in read
        if reading.shade >= DARK
    }
    usual = {}
    for name in PARTS:
        rows = [look[name] for look in looks.values() if name in look]
        if len(rows) >= LEAST:
            usual[name] = np.median(rows, axis=0)
    for number, reading in read:
        moved = {n: look - usual[n] for n, look in looks.get(number, {}).items() if n in usual}
        if len(moved) < 4:
            continue
        # What all parts share is the light.
        light = np.median(list(moved.values()), axis=0)
        far = {name: float(np.linalg.norm(way - light)) for name, way in moved.items()}
        name = max(far, key=lambda part: far[part])
        yield number, name, far[name], next(p.box for p in reading.parts if p.name == name)


def _look(part: Part) -> NDArray[np.float64]:
    """A part's colour; shade falls on parts unequally, so that lightness counts for less."""
    return np.array([0.7 * part.lightness, part.green_red, part.blue_yellow])


def _faint(case: Case) -> Iterator[Finding | NotExamined]:
    """Only advice: how faint features must be before a base overrides them was never measured."""
    read = [r for _, r in case.read(FAMILY, Reading) if r.shade >= DARK]
    if len(read) < LEAST:
        yield case.too_few("eyes.faint", LEAST)
        return
    opening = float(np.median([reading.opening for reading in read]))
    contrast = float(np.median([reading.contrast for reading in read]))
    for which, value, limit in (("narrow", opening, NARROW), ("faint", contrast, FAINT)):
        if value < limit:
            value = round(value, 2)
            yield case.finding("eyes.faint", "advice", value=value, threshold=limit, which=which)
            return


RULES = (
    Rule(name="eyes.closed", judge=_closed, needs=(FAMILY,), least=LEAST, unit="of the usual"),
    Rule(
        name="eyes.hidden",
        judge=_hidden,
        needs=(FAMILY,),
        least=LEAST,
        unit="CIELAB",
        units={"eyes": "of the cheeks' brightness"},
    ),
    Rule(
        name="eyes.faint",
        judge=_faint,
        needs=(FAMILY,),
        least=LEAST,
        unit="contrast",
        units={"narrow": "height over width"},
        missing=True,
    ),
)
