"""What is around the person: a wall, shirt or hair seen too often is learned with them.

A practitioner's rule allows three pictures each; Hugging Face's guide agrees, and DreamBooth's
authors saw the seen settings come back. Backgrounds fade from about 15 varied pictures on; at about
10 even a captioned one leaks. Cut-offs are calibrated on drawn people (bench/doctor.py).

Hairstyles cannot be told reliably. On 96 drawn heads (four people, eight styles) a person's equal
and different styles were told apart at an area under the curve of .79 by what the hair is made of,
.83 by a scene network, .60 by its outline; where one pair in 20 is wrongly taken for equal, a third
of the equal ones are found, mostly those in one light. So that rule is advice, and the proposal
does not go by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from sosie.core.records import Box, Record
from sosie.doctor.records import Config, Finding, Severity
from sosie.doctor.regions import Portrait, alike, described, patterned
from sosie.doctor.rule import NO_FACE, Case, Clustering, Family, Rule, Unread, packed, unpacked
from sosie.doctor.view import View

SAME_PLACE = 0.84
"""Likeness of two backgrounds from which they count as one: of drawn pairs 5% of the equal ones lie
below and 1% of the different ones above .80."""
SAME_OUTFIT = 0.8
"""Likeness of two outfits from which they count as one: of drawn pairs 3% of the equal ones lie
below, 1% of those of another colour above .78. Two cuts of one colour count as one outfit."""
SAME_HAIR = 0.984
"""Likeness of two hairstyles from which they count as one: 5% of the different drawn pairs, and 34%
of the equal ones, lie above."""
MANY = 1 / 3
"""Share of a set from which a repetition above the cap is a warning rather than advice."""
SHARE_AT_10, SHARE_AT_15 = 0.3, 0.4
"""Share of the largest background that is let pass in a set of 10, and of 15 and more: the fewer
pictures, the more of its background is learned. A practitioner's rule; on the embedded base a third
of fifteen pictures hardly leaks, and two thirds do (docs/studies/rules.md)."""
LOUD = 10.0
"""CIELAB distance of cloth from its mean colour from which a pattern stands out: plain drawn cloth
reaches 4 and suits 8 in nine of ten, a photographed suit with a white shirt 9; stripes begin at 12
and an astronaut's suit has 15."""
LEAST_SEEN = 0.02
"""Share of a picture below which a part of it shows too little to be described."""
EDGES_BEHIND, EDGES_WORN, EDGES_IN_HAIR = 0.5, 0.4, 0.9
"""Weight of edges against colours where likeness separates drawn backgrounds, clothes and styles of
hair best: a person's hair keeps its colour."""

HIDDEN = "too little of it shows"


class Place(Record):
    """What is behind the person."""

    look: str
    """`regions.described`, packed."""


class Outfit(Record):
    """What is worn."""

    look: str
    """`regions.described`, packed."""
    pattern: float
    """`regions.patterned`: how far most of the cloth is from its mean colour, in CIELAB."""
    box: Box
    """Where it was seen, in pixels of the stored picture."""


class Hair(Record):
    """The hair, or a hat."""

    look: str
    """`regions.described`, packed."""


def _place(view: View) -> Record:
    portrait = view.once(Portrait.of)
    where = portrait.background
    if where.mean() < LEAST_SEEN:
        return Unread(reason=HIDDEN)
    return Place(look=packed(described(portrait.lab, where, EDGES_BEHIND)))


def _outfit(view: View) -> Record:
    if view.face is None:
        return Unread(reason=NO_FACE)
    portrait = view.once(Portrait.of)
    where = portrait.torso
    if where.mean() < LEAST_SEEN:
        return Unread(reason=HIDDEN)
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    box = Box(
        left=int(columns[0] / portrait.zoom),
        top=int(rows[0] / portrait.zoom),
        right=min(view.rgb.shape[1], int((columns[-1] + 1) / portrait.zoom)),
        bottom=min(view.rgb.shape[0], int((rows[-1] + 1) / portrait.zoom)),
    )
    return Outfit(
        look=packed(described(portrait.adapted(), where, EDGES_WORN)),
        pattern=round(patterned(portrait.lab, where, portrait.unit), 2),
        box=box,
    )


def _hair(view: View) -> Record:
    if view.face is None:
        return Unread(reason=NO_FACE)
    portrait = view.once(Portrait.of)
    where = portrait.hair
    if where.mean() < LEAST_SEEN:
        return Unread(reason=HIDDEN)
    return Hair(look=packed(described(portrait.lab, where, EDGES_IN_HAIR)))


PLACE = Family("place", 1, Place, _place)
OUTFIT = Family("outfit", 1, Outfit, _outfit)
HAIR = Family("hair", 1, Hair, _hair)


def _groups(case: Case, family: Family, least: float) -> Sequence[tuple[int, ...]]:
    """Groups of two or more pictures that look the same in one part, the largest first."""
    read = list(case.read(family, family.reading))
    if len(read) < 2:
        return ()
    looks = np.stack([unpacked(reading.look) for _, reading in read])  # type: ignore[attr-defined]
    found = ([read[row][0] for row in group] for group in alike(looks, least))
    return tuple(tuple(group) for group in found if len(group) > 1)


@lru_cache(maxsize=1)
def places(case: Case) -> Sequence[tuple[int, ...]]:
    """Groups of two or more pictures before one background, the largest first."""
    return _groups(case, PLACE, SAME_PLACE)


@lru_cache(maxsize=1)
def outfits(case: Case) -> Sequence[tuple[int, ...]]:
    """Groups of two or more pictures in one outfit, the largest first."""
    return _groups(case, OUTFIT, SAME_OUTFIT)


@lru_cache(maxsize=1)
def hairstyles(case: Case) -> Sequence[tuple[int, ...]]:
    """Groups of two or more pictures with one hairstyle, the largest first."""
    return _groups(case, HAIR, SAME_HAIR)


def _repeated(
    case: Case, rule: str, groups: Sequence[tuple[int, ...]], *, sure: bool = True
) -> Iterator[Finding]:
    cap = case.config.cap
    for group in groups:
        if len(group) > cap:
            grave = sure and len(group) > MANY * len(case.dataset.items)
            severity: Severity = "warning" if grave else "advice"
            which = case.dataset.items[group[0]].file_name
            yield case.finding(
                rule, severity, group, value=len(group), threshold=cap, which=which, cap=cap
            )


def _background(case: Case) -> Iterator[Finding]:
    return _repeated(case, "setting.background", places(case))


def _same_outfit(case: Case) -> Iterator[Finding]:
    return _repeated(case, "setting.outfit", outfits(case))


def _same_hair(case: Case) -> Iterator[Finding]:
    return _repeated(case, "setting.hair", hairstyles(case), sure=False)


def share_let_pass(pictures: int) -> float:
    """Share of the largest background that a set of so many pictures may have."""
    return float(np.interp(pictures, [10, 15], [SHARE_AT_10, SHARE_AT_15]))


def _share(case: Case) -> Iterator[Finding]:
    have = len(case.dataset.items)
    limit = share_let_pass(have)
    for group in places(case)[:1]:
        share = len(group) / have
        if share > limit and len(group) > case.config.cap:
            yield case.finding(
                "setting.share",
                "warning",
                value=round(share, 2),
                threshold=round(limit, 2),
                percent=round(100 * share),
                have=have,
            )


def _loud(case: Case) -> Iterator[Finding]:
    """Advisory: what is distinctive is a matter of taste, and leaks of it are only reported."""
    found = [
        (number, reading) for number, reading in case.read(OUTFIT, Outfit) if reading.pattern > LOUD
    ]
    if found:
        found.sort(key=lambda entry: -entry[1].pattern)
        yield case.finding(
            "setting.clothes",
            "advice",
            [number for number, _ in found],
            value=found[0][1].pattern,
            threshold=LOUD,
            boxes=[(number, reading.box) for number, reading in found],
        )


RULES = (
    Rule(
        name="setting.background",
        judge=_background,
        needs=(PLACE,),
        unit="pictures",
        fix="replace-background",
        against=False,
    ),
    Rule(name="setting.share", judge=_share, needs=(PLACE,), unit="of the set"),
    Rule(
        name="setting.outfit",
        judge=_same_outfit,
        needs=(OUTFIT,),
        unit="pictures",
        fix="crop-head",
        against=False,
    ),
    Rule(
        name="setting.hair",
        judge=_same_hair,
        needs=(HAIR,),
        unit="pictures",
        advisory=True,
        against=False,
    ),
    Rule(
        name="setting.clothes",
        judge=_loud,
        needs=(OUTFIT,),
        unit="CIELAB",
        fix="crop-head",
        advisory=True,
    ),
)


def _cap(config: Config) -> int:
    return config.cap


SAME_BACKGROUND = Clustering(rules=("setting.background",), cap=_cap, groups=places, firm=False)
SAME_CLOTHES = Clustering(rules=("setting.outfit",), cap=_cap, groups=outfits, firm=False)
