"""Equal pictures, near-equal ones and bursts: they teach one moment several times."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property, lru_cache

from PIL import Image

from sosie.core.records import Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import BOTH, Case, Clustering, Family, Rule
from sosie.doctor.view import View
from sosie.models import near

BURST = 5
"""From so many of one shot on it is a burst rather than a few retakes."""
TIMED_BURST = 3
"""The same where the camera tells when: so many in a row that look alike from afar."""
PATIENCE = 100
"""Pages up to which every pair is searched for one page scanned twice, which takes milliseconds."""
STEP = 2.0
"""Seconds between two pictures of a burst."""


class Reading(Record):
    """What is compared of one picture."""

    shrunk: str
    """`near.shrunk`, base64."""
    taken: float | None
    """When the camera says it was taken, in seconds since 1970 on its own clock."""


def _measure(view: View) -> Record:
    shrunk = near.shrunk(Image.fromarray(view.small))
    return Reading(
        shrunk=base64.b64encode(shrunk).decode(),
        taken=_taken(view),
    )


def _taken(view: View) -> float | None:
    told = view.exif.get("DateTimeOriginal")
    try:
        moment = datetime.strptime(str(told), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    part = str(view.exif.get("SubsecTimeOriginal", "")).strip("\0 ")
    since = (moment - datetime(1970, 1, 1)).total_seconds()
    return since + (float(f"0.{part}") if part.isdigit() else 0.0)


FAMILY = Family("twins", 3, Reading, _measure, original=True)


class _Pairs:
    """The pictures of a case in pairs: each question is answered once."""

    def __init__(self, case: Case) -> None:
        read = list(case.read(FAMILY, Reading))
        self.numbers = [number for number, _ in read]
        self._prints = [near.fingerprint(base64.b64decode(one.shrunk)) for _, one in read]
        self._taken = [one.taken for _, one in read]
        self._pages = case.dataset.kind == "handwriting" and len(read) <= PATIENCE

    @cached_property
    def _worth(self) -> Sequence[Sequence[int]]:
        """Pairs of rows, the later one first, that may be one shot."""
        if self._pages:
            return [(i, j) for i in range(len(self._prints)) for j in range(i)]
        pairs: list[list[int]] = near.alike(self._prints).tolist()
        return pairs

    @cached_property
    def near(self) -> list[tuple[int, ...]]:
        """Groups of two or more item numbers that are near each other."""
        return self._groups(self._are_near)

    @cached_property
    def bursts(self) -> list[tuple[int, ...]]:
        """Groups of two or more that were taken in a row."""
        return self._groups(self._are_close)

    @cached_property
    def shots(self) -> list[tuple[int, ...]]:
        """Groups of two or more that are one or the other."""
        of = {number: index for index, group in enumerate(self.near) for number in group}

        def one_shot(i: int, j: int) -> bool:
            first, second = (of.get(self.numbers[row]) for row in (i, j))
            return (first is not None and first == second) or self._are_close(i, j)

        return self._groups(one_shot)

    def _groups(self, together: Callable[[int, int], bool]) -> list[tuple[int, ...]]:
        found = near.joined(len(self.numbers), self._worth, together)
        return [tuple(self.numbers[i] for i in group) for group in found if len(group) > 1]

    def _are_near(self, i: int, j: int) -> bool:
        if self._pages and near.near_page(self._prints[i], self._prints[j]):
            return True
        return near.near(self._prints[i], self._prints[j])

    def _are_close(self, i: int, j: int) -> bool:
        """Taken one right after the other, and alike from afar."""
        one, other = self._taken[i], self._taken[j]
        close = one is not None and other is not None and abs(one - other) <= STEP
        return close and near.similar(self._prints[i], self._prints[j])


@lru_cache(maxsize=1)
def _pairs(case: Case) -> _Pairs:
    """Kept, since several rules and the proposal ask the same of one case."""
    return _Pairs(case)


def groups(case: Case) -> Sequence[tuple[int, ...]]:
    """Groups of two or more pictures of one shot, of which one may be taught."""
    return _pairs(case).shots


def _equal(case: Case) -> Iterator[Finding]:
    by_pixels: dict[str, list[int]] = {}
    for number, item in enumerate(case.dataset.items):
        by_pixels.setdefault(item.pixels_sha256, []).append(number)
    for same in by_pixels.values():
        if len(same) > 1:
            which = case.dataset.items[same[0]].file_name
            yield case.finding("twins.equal", "warning", same, value=len(same), which=which)


def _bursts(case: Case) -> list[tuple[int, ...]]:
    timed = [group for group in _pairs(case).bursts if len(group) >= TIMED_BURST]
    known = {number for group in timed for number in group}
    many = [group for group in _pairs(case).near if len(group) >= BURST]
    return [*timed, *(group for group in many if not known & set(group))]


def _burst(case: Case) -> Iterator[Finding]:
    return _named(case, "twins.burst", _bursts(case))


def _near(case: Case) -> Iterator[Finding]:
    known = {number for group in _bursts(case) for number in group}
    few = [group for group in _pairs(case).near if not known & set(group)]
    return _named(case, "twins.near", few)


def _named(case: Case, rule: str, found: Sequence[tuple[int, ...]]) -> Iterator[Finding]:
    for group in found:
        if len({case.dataset.items[number].pixels_sha256 for number in group}) > 1:
            which = case.dataset.items[group[0]].file_name
            yield case.finding(rule, "warning", group, value=len(group), threshold=1, which=which)


RULES = (
    Rule(name="twins.equal", judge=_equal, kinds=BOTH, unit="pictures", against=False),
    Rule(
        name="twins.near",
        judge=_near,
        needs=(FAMILY,),
        kinds=BOTH,
        unit="pictures",
        against=False,
    ),
    Rule(
        name="twins.burst",
        judge=_burst,
        needs=(FAMILY,),
        kinds=BOTH,
        unit="pictures",
        against=False,
    ),
)
SAME_SHOT = Clustering(
    rules=("twins.near", "twins.burst", "twins.equal"), cap=lambda config: 1, groups=groups
)
