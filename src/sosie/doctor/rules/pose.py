"""How the head is turned and the mouth set: a LoRA knows a person only from what it was shown.

Poses of the body are not read: no detector of bodies works offline under terms that Sosie takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from sosie.core.records import Record
from sosie.doctor.closeup import turn_of
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread
from sosie.doctor.view import View

FRONT = 0.15
PROFILE = 0.6
"""Bounds of `turn` between front, three-quarter and profile."""

LEAST = 6
"""Pictures below which a share says little."""
WINDOW = 0.12
"""Half of the width, in `turn`, of what counts as one view: about 10 degrees to either side."""
SAME_VIEW = 0.8
"""Share of one view from which a set is lopsided. Sets with half of their pictures from the front,
which is good practice, stay below it in 99 of 100 draws of fifteen."""
TILTED, SAME_TILT = 9.0, 0.6
"""Degrees from which a head is tilted, and the share of one tilt from which it is a habit that
will be learned."""


MOUTH = (0.06, 0.03, 0.03)
"""Differences of `Expression`'s mouth, in its order, within which it is the same."""
SAME_MOUTH = 0.9
"""Share of one expression from which no other is learned: drawn people, who are serious or smile
by turns, reach 0.87."""


class Reading(Record):
    """How the head is turned."""

    turn: float
    """The nose's way from the middle of the eyes, in eye distances: 0 is front, positive is to the
    picture's right."""
    tilt: float
    """Degrees by which the line of the eyes leaves the level, positive clockwise."""


def _measure(view: View) -> Record:
    face = view.face
    if face is None:
        return Unread(reason=NO_FACE)
    left, right = face.landmarks[:2]
    across = right - left
    return Reading(
        turn=round(turn_of(face), 4),
        tilt=round(float(np.degrees(np.arctan2(across[1], across[0]))), 1),
    )


FAMILY = Family("pose", 3, Reading, _measure)


def view_of(turn: float) -> str:
    """ "front", "three-quarter" or "profile"."""
    if abs(turn) < FRONT:
        return "front"
    return "three-quarter" if abs(turn) < PROFILE else "profile"


def views(case: Case) -> dict[int, str]:
    """Item number -> view, where one could be read."""
    return {number: view_of(reading.turn) for number, reading in case.read(FAMILY, Reading)}


def _no_view(case: Case) -> Iterator[Finding]:
    seen = Counter(views(case).values())
    for which in ("front", "three-quarter"):
        if seen and not seen[which]:
            yield case.finding("pose.missing", "warning", value=0, threshold=1, which=which)


def _same(case: Case) -> Iterator[Finding]:
    read = list(case.read(FAMILY, Reading))
    if len(read) < LEAST:
        return
    turns = np.array([reading.turn for _, reading in read])
    alike = max((np.abs(turns - turn) <= WINDOW for turn in turns), key=np.sum)
    tilts = np.array([reading.tilt for _, reading in read])
    tilted = max(tilts > TILTED, tilts < -TILTED, key=np.sum)
    which = view_of(float(np.median(turns[alike])))
    for rows, limit, what in ((alike, SAME_VIEW, which), (tilted, SAME_TILT, "tilted")):
        if rows.mean() >= limit:
            numbers = [read[row][0] for row in np.flatnonzero(rows)]
            share = round(float(rows.mean()), 2)
            yield case.finding(
                "pose.same", "warning", numbers, value=share, threshold=limit, which=what
            )


class Expression(Record):
    """How the mouth is set, in distances between the outer corners of the eyes."""

    width: float
    gap: float
    """Between the lips."""
    corners: float
    """How far the corners hang below the upper lip: less when smiling."""


def _express(view: View) -> Record:
    mesh = view.mesh
    if mesh is None:
        return Unread(reason=NO_FACE)
    if mesh.presence < 0.5 or abs(mesh.pose.yaw) > 45:
        return Unread(reason="the face is seen too much from the side")
    left, right, top, bottom = (mesh.landmarks[index] for index in (61, 291, 13, 14))
    unit = max(float(np.linalg.norm(mesh.landmarks[33] - mesh.landmarks[263])), 1e-6)
    return Expression(
        width=round(float(np.linalg.norm(left - right)) / unit, 3),
        gap=round(float(np.linalg.norm(top - bottom)) / unit, 3),
        corners=round(float((left[1] + right[1]) / 2 - top[1]) / unit, 3),
    )


EXPRESSION = Family("expression", 1, Expression, _express)


def _mouth(case: Case) -> Iterator[Finding]:
    """Advisory: mouths alone are compared, and a person may have one expression for good."""
    read = list(case.read(EXPRESSION, Expression))
    if len(read) < LEAST:
        return
    mouths = np.array([(reading.width, reading.gap, reading.corners) for _, reading in read])
    alike = max(((np.abs(mouths - mouth) <= MOUTH).all(1) for mouth in mouths), key=np.sum)
    if alike.mean() >= SAME_MOUTH:
        numbers = [read[row][0] for row in np.flatnonzero(alike)]
        share = round(float(alike.mean()), 2)
        yield case.finding("pose.expression", "advice", numbers, value=share, threshold=SAME_MOUTH)


RULES = (
    Rule(name="pose.missing", judge=_no_view, needs=(FAMILY,), unit="pictures", missing=True),
    Rule(
        name="pose.same",
        judge=_same,
        needs=(FAMILY,),
        least=LEAST,
        unit="of the pictures",
        against=False,
    ),
    Rule(
        name="pose.expression",
        judge=_mouth,
        needs=(EXPRESSION,),
        least=LEAST,
        unit="of the pictures",
        advisory=True,
        against=False,
    ),
)
