"""Equal pictures, near-equal ones and bursts: they teach one moment several times."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from PIL import Image

from sosie.core.records import Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import BOTH, Case, Clustering, Family, Rule
from sosie.doctor.view import View
from sosie.models import near

BURST = 5
"""From so many of one shot on it is a burst rather than a few retakes."""


class Reading(Record):
    """What is compared of one picture."""

    shrunk: str
    """`near.shrunk`, base64."""


def _measure(view: View) -> Record:
    shrunk = near.shrunk(Image.fromarray(view.small))
    return Reading(shrunk=base64.b64encode(shrunk).decode())


FAMILY = Family("twins", 2, Reading, _measure)


def groups(case: Case) -> Sequence[tuple[int, ...]]:
    """Groups of two or more pictures of one shot."""
    read = list(case.read(FAMILY, Reading))
    prints = [near.fingerprint(base64.b64decode(reading.shrunk)) for _, reading in read]
    numbers = [number for number, _ in read]
    found = ([numbers[i] for i in group] for group in near.groups(prints))
    return [tuple(group) for group in found if len(group) > 1]


def _equal(case: Case) -> Iterator[Finding]:
    by_pixels: dict[str, list[int]] = {}
    for number, item in enumerate(case.dataset.items):
        by_pixels.setdefault(item.pixels_sha256, []).append(number)
    for same in by_pixels.values():
        if len(same) > 1:
            which = case.dataset.items[same[0]].file_name
            yield case.finding("twins.equal", "warning", same, value=len(same), which=which)


def _near(case: Case) -> Iterator[Finding]:
    for group in groups(case):
        if len({case.dataset.items[number].pixels_sha256 for number in group}) > 1:
            rule = "twins.burst" if len(group) >= BURST else "twins.near"
            which = case.dataset.items[group[0]].file_name
            yield case.finding(rule, "warning", group, value=len(group), threshold=1, which=which)


def _only(name: str, case: Case) -> Iterator[Finding]:
    return (finding for finding in _near(case) if finding.rule == name)


RULES = (
    Rule(name="twins.equal", judge=_equal, kinds=BOTH, unit="pictures"),
    Rule(
        name="twins.near",
        judge=lambda case: _only("twins.near", case),
        needs=(FAMILY,),
        kinds=BOTH,
        unit="pictures",
    ),
    Rule(
        name="twins.burst",
        judge=lambda case: _only("twins.burst", case),
        needs=(FAMILY,),
        kinds=BOTH,
        unit="pictures",
    ),
)
SAME_SHOT = Clustering(rule="twins.near", cap=lambda config: 1, groups=groups)
