"""How the head is turned: a LoRA knows a person only from the sides it was shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sosie.core.records import Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread
from sosie.doctor.view import View

FRONT = 0.15
PROFILE = 0.6
"""Bounds of `turn` between front, three-quarter and profile."""


class Reading(Record):
    """How the head is turned."""

    turn: float
    """The nose's way from the middle of the eyes, in eye distances: 0 is front, positive is to the
    picture's right."""


def _measure(view: View) -> Record:
    face = view.face
    if face is None:
        return Unread(reason=NO_FACE)
    left, right, nose = face.landmarks[:3]
    across = right - left
    length = float(across @ across)
    if length == 0:
        return Unread(reason=NO_FACE)
    return Reading(turn=round(float((nose - (left + right) / 2) @ across) / length, 4))


FAMILY = Family("pose", 1, Reading, _measure)


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


RULES = (Rule(name="pose.missing", judge=_no_view, needs=(FAMILY,), unit="pictures", missing=True),)
