"""Readings of a whole set -> for each picture what can be said of it, and why the rest cannot.

Nothing is guessed: a picture between two words gets neither, and it is said why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from sosie.core.quoted import quoted
from sosie.core.records import Dataset, Record
from sosie.doctor.examine import read
from sosie.doctor.records import Config
from sosie.doctor.rule import Case, Family, Unread
from sosie.doctor.rules import light, pose
from sosie.doctor.seen import note, person
from sosie.doctor.shelf import Shelf
from sosie.doctor.view import View
from sosie.rights import birthday

FRONT = 0.18
"""`pose.Reading.turn` up to which a view is from the front. The rules draw the line a little
nearer, since they ask whether a set has such views at all."""
SMILES, RESTS = 0.605, 0.575
"""`Features.smile` from which a mouth smiles, and up to which it is at rest: between them, nothing
is said."""
SMILING, LAUGHING = 0.042, 0.075
NEUTRAL, SURPRISED = 0.028, 0.045
"""`Features.gap` up to which a smiling mouth only smiles, and from which it laughs; up to which one
at rest is neutral, and from which it is open in surprise. The mesh sees small gaps badly."""
GLASSES, BARE = 9.0, 7.5
"""`Features.rims` from which there are glasses, and up to which there are none."""
DARK_LENSES = 17.0
"""`Features.lenses` from which glasses are sunglasses: drawn ones have 17 and more, 2% of bare
faces as much."""
FROM_THE_SIDE, SOFT = 0.8, 0.24
"""Stops between the halves of a face from which the light comes from the side, and up to which it
is soft. Between them it has no name."""
WARMER, COOLER = 3.5, 25
"""b* of the skin above the person's own in neutral light, from which light is warm; and the
percentile of their pictures that is taken for neutral."""
LEAST_TO_COMPARE = 4
"""Pictures of the person from which their own tone is known."""
CLOSE_UP, PORTRAIT, HALF, FULL = 1.25, 3.2, 6.0, 8.0
"""Heights of the face that a picture shows from the face's top down: up to the first it is a
close-up, then a portrait, up to the waist a half-length; from the last on all of the person."""

UNMEASURED = ("hair", "make-up", "beard", "hat")
"""Parts of a caption for which nothing here has a measure."""

NO_MEASURE = "nothing here measures it"
NO_BIRTH_DATE = "no permission states a birth date"
UNDATED = "the picture does not say when it was taken"
EARLIER = "the picture says that it was taken before the birth"
UNCLEAR = "not clear enough to be named"


class Described(Record):
    """What can be said of one picture."""

    sample: str
    """`picture_sha256`."""
    words: dict[str, str]
    """Part -> what is said of it; glasses and monochrome may be "none"."""
    untold: dict[str, str]
    """Part -> why nothing is said of it."""


def describe(
    dataset: Dataset,
    *,
    originals: Mapping[str, Path] | None = None,
    born: date | None = None,
    shelf: Shelf | None = None,
    on_picture: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Described, ...]:
    """What can be said of each picture of a set, in its order.

    `originals` are files as they were given, by `picture_sha256`: with the day on which the person
    was born, when a picture was taken tells the age. Readings are kept on the `shelf`; `on_picture`
    hears how many pictures are read, of how many.
    """
    tellers = NOTES if dataset.kind == "handwriting" else PORTRAITS
    families = list(dict.fromkeys(family for family, _ in tellers.values()))
    case = read(dataset, Config(), families, shelf=shelf, on_picture=on_picture)
    found = []
    for number, item in enumerate(dataset.items):
        words: dict[str, str] = {}
        untold: dict[str, str] = {}
        if dataset.kind == "person":
            untold = dict.fromkeys(UNMEASURED, NO_MEASURE)
            age = _age(View(item, (originals or {}).get(item.sample)), born)
            (words if age.isdigit() else untold)["age"] = age
        for part, (family, tell) in tellers.items():
            reading = case.taken[family.name][number]
            told = None if isinstance(reading, Unread) else tell(case, number, reading)
            if told is None:
                untold[part] = reading.reason if isinstance(reading, Unread) else UNCLEAR
            else:
                words[part] = told
        if dataset.kind == "handwriting" and (text := quoted(item.caption)):
            words["text"] = text
        found.append(Described(sample=item.sample, words=words, untold=untold))
    return tuple(found)


def _age(view: View, born: date | None) -> str:
    """Years at which a picture shows somebody, or why they are not known. Nobody's age is guessed
    from a face.
    """
    if born is None:
        return NO_BIRTH_DATE
    try:
        taken = datetime.strptime(str(view.exif.get("DateTimeOriginal"))[:10], "%Y:%m:%d").date()
    except ValueError:
        return UNDATED
    if taken < born:
        return EARLIER
    years = taken.year - born.year
    return str(years if taken >= birthday(born, years) else years - 1)


def _framing(case: Case, number: int, reading: person.Framing) -> str | None:
    if reading.faces < CLOSE_UP:
        return "close-up"
    if reading.faces < PORTRAIT:
        return "portrait"
    if reading.faces < HALF:
        return "half-length"
    return "full-body" if reading.faces >= FULL else None


def _tint(case: Case, number: int, reading: person.Tint) -> str:
    return "black and white" if reading.colourless else "none"


def _view(case: Case, number: int, reading: pose.Reading) -> str:
    return "front" if abs(reading.turn) < FRONT else pose.view_of(reading.turn)


def _expression(case: Case, number: int, reading: person.Features) -> str | None:
    if reading.smile >= SMILES:
        return _between(reading.gap, SMILING, LAUGHING, "smiling", "laughing")
    if reading.smile <= RESTS:
        return _between(reading.gap, NEUTRAL, SURPRISED, "neutral", "surprised")
    return None


def _between(value: float, low: float, high: float, below: str, above: str) -> str | None:
    """One word up to `low`, another from `high`, and none where neither is sure."""
    return below if value <= low else above if value >= high else None


def _glasses(case: Case, number: int, reading: person.Features) -> str | None:
    if reading.lenses >= DARK_LENSES:
        return "sunglasses"
    return _between(reading.rims, BARE, GLASSES, "none", "glasses")


def _clothes(case: Case, number: int, reading: person.Worn) -> str | None:
    return f"{' and '.join(reading.colours)} clothes" if reading.colours else None


def _background(case: Case, number: int, reading: person.Behind) -> str | None:
    if reading.place is not None:
        return reading.place
    if not reading.colours:
        return None
    article = "an" if reading.colours[0] == "orange" else "a"
    return f"against {article} {' and '.join(reading.colours)} background"


def _light(case: Case, number: int, reading: light.Reading) -> str | None:
    """Where the light comes from, and whether it is warm, as the person's other pictures tell."""
    uneven = reading.uneven
    worn = dict(case.read(person.WORN, person.Worn))
    warm = False
    if number in worn and len(worn) >= LEAST_TO_COMPARE:
        neutral = np.percentile([one.skin[2] for one in worn.values()], COOLER)
        warm = worn[number].skin[2] >= neutral + WARMER
    if uneven is not None and uneven >= FROM_THE_SIDE:
        return "warm side light" if warm else "side light"
    if warm:
        return "warm light"
    return "soft light" if uneven is not None and uneven <= SOFT else None


Tell = Callable[[Case, int, Any], str | None]

PORTRAITS: Mapping[str, tuple[Family, Tell]] = {
    "framing": (person.FRAMING, _framing),
    "monochrome": (person.TINT, _tint),
    "view": (pose.FAMILY, _view),
    "expression": (person.FEATURES, _expression),
    "glasses": (person.FEATURES, _glasses),
    "clothes": (person.WORN, _clothes),
    "background": (person.BEHIND, _background),
    "light": (light.FAMILY, _light),
}
NOTES: Mapping[str, tuple[Family, Tell]] = {
    "ink": (note.STATIONERY, lambda case, number, reading: reading.ink),
    "paper": (note.STATIONERY, lambda case, number, reading: reading.paper),
}
"""Part of a caption -> from which reading it is told, and how."""
