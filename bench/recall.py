"""What planted copies came to: how often they came back, and how many of these were found.

The records that `bench.planted` keeps, one for each person's LoRA, and the figures over people,
which are what every interval is over: pictures of one LoRA are no independent witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from bench.plot import Point, chart
from sosie.audit.intervals import Interval, rate_interval
from sosie.core.records import Record

DOSES = (1, 2, 4, 8, 16, 32, 64, 128)
WAYS: dict[str, str] = {
    "plain": "its caption",
    "unguided": "without guidance",
    "pushed": "extrapolated",
}
"""As the base draws best, without its classifier-free guidance, and with the attacker's push in the
place of that."""
NEW = 30
"""New pictures of the person that copy nothing."""


class Asked(Record):
    """The pictures that were asked for by one planted caption, in one way."""

    dose: int
    """How often it was taught."""
    way: str
    """A key of `WAYS`."""
    of: int
    came: int
    """How many of them reproduce its picture, by the adaptive distance."""
    found: int
    """Of these, how many the search says so of: of this picture, and of no other."""
    besides: int
    """Of the others, how many it says so of."""


class Move(Record):
    """How far training moved one caption: its conditional noise magnitude against the base."""

    dose: int
    """How often it was taught; 0: training never saw it."""
    by: float


class Outcome(Record):
    """What one person's LoRA came to."""

    taught_as: str
    """What `setup` gave."""
    person: int
    asked: tuple[Asked, ...]
    mistakes: int
    """How many of `NEW` the search flagged."""
    moves: tuple[Move, ...]

    def came_back(self) -> set[int]:
        """The doses whose picture its own caption gave back, asked plainly."""
        return {one.dose for one in self.asked if one.came and one.way == "plain"}


def auc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """The chance that one of `higher` is above one of `lower`."""
    pairs = [(a > b) + 0.5 * (a == b) for a in higher for b in lower]
    return float(np.mean(pairs))


Counts = list[tuple[int, int, int]]
"""Group, hits, of how many; a group is a person, whose pictures are no independent witnesses."""


def rate(counts: Counts) -> Interval | None:
    """A share over people."""
    hits = [number < hit for _, hit, of in counts for number in range(of)]
    return rate_interval(hits, groups=[who for who, _, of in counts for _ in range(of)])


def back(people: Sequence[Outcome], doses: Sequence[int], way: str) -> Interval | None:
    """How often pictures that were taught so often came back."""
    return rate([(who, one.came, one.of) for who, one in _asked(people, doses, way)])


def recall(people: Sequence[Outcome], doses: Sequence[int], way: str) -> Interval | None:
    """How many of those that came back were found."""
    return rate([(who, one.found, one.came) for who, one in _asked(people, doses, way)])


def _asked(
    people: Sequence[Outcome], doses: Sequence[int], way: str
) -> Iterator[tuple[int, Asked]]:
    """What was asked in one way for pictures that were taught so often, and of whose LoRA."""
    for who in people:
        yield from ((who.person, one) for one in who.asked if one.dose in doses and one.way == way)


def plotted(people: Sequence[Outcome]) -> str:
    """How often pictures came back, and how many of these were found, against their repeats."""
    lines = {
        "came back, by its caption": partial(back, way="plain"),
        "came back, extrapolated": partial(back, way="pushed"),
        "of these found, by its caption": partial(recall, way="plain"),
    }
    points = {
        name: [
            Point(dose, share.value, share.low, share.high)
            for dose in DOSES
            if (share := of(people, [dose])) is not None
            and share.low is not None
            and share.high is not None
        ]
        for name, of in lines.items()
    }
    return chart(points, x="how often the picture was taught", y="share", doubling=True)


def rows(people: Sequence[Outcome]) -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    asked = sum(one.of for who in people for one in who.asked)
    table = [("people; pictures asked for", f"{len(people)}; {asked}", "20 people")]
    of_new = rate([(who.person, who.mistakes, NEW) for who in people])
    table.append(("flagged among new pictures of the person", told(of_new), "1%"))
    for way, told_as in WAYS.items():
        for doses in (*([dose] for dose in DOSES), DOSES):
            of = f"k = {doses[0]}" if len(doses) == 1 else "any k"
            besides = sum(one.besides for _, one in _asked(people, doses, way))
            shares = [told(share(people, doses, way)) for share in (back, recall)]
            what = f"{told_as}, {of}: came back; of these found; found besides"
            table.append((what, f"{'; '.join(shares)}; {besides}", "found 95%"))
    ways = [told(back(people, DOSES, way)) for way in reversed(WAYS)]
    what = "came back: extrapolated; without guidance; as the base draws best"
    table.append((what, "; ".join(ways), "more when extrapolated"))
    never = [one.by for who in people for one in who.moves if not one.dose]
    for least in (2, 8, 32):
        often = [one.by for who in people for one in who.moves if one.dose >= least]
        table.append(told_apart(often, never, f"planted {least} times or more"))
    given = [one.by for who in people for one in who.moves if one.dose in who.came_back()]
    if given:
        table.append(told_apart(given, never, "whose picture came back"))
    return table


def told_apart(often: Sequence[float], never: Sequence[float], what: str) -> tuple[str, str, str]:
    """The row that says how well captions of a kind are told from those of unseen pictures."""
    whom = f"{len(often)} captions {what}, {len(never)} unseen"
    return f"AUC of the noise magnitude, {whom}", f"{auc(often, never):.2f}", "0.95"


def told(interval: Interval | None) -> str:
    """A share with its interval and the number that it rests on."""
    if interval is None or interval.low is None or interval.high is None:
        return "–"
    return f"{interval.value:.1%} ({interval.low:.1%} to {interval.high:.1%}) of {interval.n}"
