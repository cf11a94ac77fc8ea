"""Whether pictures belong in a set of a person at all: written pages, blank sheets, art.

That no face is in them is told by `who`; here it is told what is there instead. Faces of somebody
else are told by `who` as well, and photographs among pages by `page`. Texture does not tell a
painting from a photograph (grain, edges, colours: none finds one painting in ten without naming a
photograph in a hundred); what a network takes it for does, if it shows somebody from near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sosie.core.records import Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread, over
from sosie.doctor.view import View
from sosie.models import scene

STRAY = 0.15
"""Share of a picture that may be neither paper nor lit like it on a written page, or an empty one:
pages have .12 at most, and of 65 photographs without a face those that seem to hold a line of
writing .19 and more."""
PRINTED = {"book jacket": 921, "comic book": 917, "jigsaw puzzle": 611}
"""What art is printed on, among ImageNet's classes: none of them is art itself."""
ART = 0.05
"""Probability of these together from which a picture with a face may be a painting or a drawing. In
96 photographs, 40 of the Olivetti faces and 45 drawn portraits it is .02 at most; in the five of 21
paintings and prints that show a face from near .3 and more, in two of people in a scene less."""


class Sheet(Record):
    """What a picture without a face may be instead."""

    page: bool
    """Lines of writing on paper."""
    blank: bool
    """Paper, or a wall, and nothing on it."""


class Looks(Record):
    """How much a picture looks like art."""

    art: float
    """Probability in [0, 1] of the classes of `PRINTED`."""


def _sheet(view: View) -> Record:
    if view.faces or view.writing.foreign > STRAY:
        return Sheet(page=False, blank=False)
    empty = view.writing.blank
    return Sheet(page=not empty and view.writing.skew is not None, blank=empty)


def _looks(view: View) -> Record:
    if view.face is None:
        # Notes and book jackets look alike to this network.
        return Unread(reason=NO_FACE)
    likely = scene.classes(scene.look(view.tiny))
    return Looks(art=round(float(likely[list(PRINTED.values())].sum()), 4))


SHEET = Family("sheet", 1, Sheet, _sheet)
LOOKS = Family("looks", 1, Looks, _looks)


def _instead(name: str, holds: Callable[[Sheet], bool]) -> Rule:
    """A rule that names every picture that is something else than one of a person."""

    def judge(case: Case) -> Iterator[Finding]:
        numbers = [number for number, sheet in case.read(SHEET, Sheet) if holds(sheet)]
        if numbers:
            yield case.finding(name, "warning", numbers)

    return Rule(name=name, judge=judge, needs=(SHEET,), unfit=True)


def _art(case: Case) -> Iterator[Finding]:
    measured = ((number, looks.art, None) for number, looks in case.read(LOOKS, Looks))
    return over(case, "subject.art", "warning", measured, ART)


RULES = (
    _instead("subject.page", lambda sheet: sheet.page),
    _instead("subject.blank", lambda sheet: sheet.blank),
    Rule(name="subject.art", judge=_art, needs=(LOOKS,), unit="probability"),
)
