"""What planted copies came to: how often they came back, and how many of these were found.

The records that `bench.planted` keeps, one for each person's LoRA, and the figures over people,
which are what every interval is over: pictures of one LoRA are no independent witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from bench.plot import Point, chart
from sosie.audit.copying.calibration import MORE
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
FALSE_POSITIVES = 0.01
"""The share of them that may be taken for copies where recall is told."""


class Made(Record):
    """One picture that was asked for by a planted caption."""

    away: float
    """Its adaptive distance to the planted picture: below 1, it reproduces that."""
    excess: float
    """By how much the search's usual thresholds are passed, against that picture alone: 0 at one of
    them, 1 for what is equal."""


class Asked(Record):
    """The pictures that were asked for by one planted caption, in one way."""

    dose: int
    """How often it was taught."""
    way: str
    """A key of `WAYS`."""
    made: tuple[Made, ...]

    def came(self) -> tuple[Made, ...]:
        """Those that reproduce the planted picture."""
        return tuple(one for one in self.made if one.away < 1)

    def besides(self, limit: float) -> int:
        """How many of the others are taken for copies of it from an excess on."""
        return sum(one.excess >= limit for one in self.made if one.away >= 1)


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
    new: tuple[float, ...]
    """The excess of each of `NEW`, against whichever reference it is greatest."""
    limit: float
    """The excess from which an audit of this LoRA flags, 0 unless its own pictures asked for more:
    one that is lower may not be taken."""
    moves: tuple[Move, ...]

    def came_back(self) -> set[int]:
        """The doses whose picture its own caption gave back, asked plainly."""
        return {one.dose for one in self.asked if one.came() and one.way == "plain"}

    @property
    def mistakes(self) -> int:
        """How many of `new` its audit flags."""
        return sum(excess >= self.limit for excess in self.new)


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
    return rate(
        [(who.person, len(one.came()), len(one.made)) for who, one in _asked(people, doses, way)]
    )


def recall(
    people: Sequence[Outcome], doses: Sequence[int], way: str, *, limit: float | None = None
) -> Interval | None:
    """How many of those that came back are found from an excess on, or as each person's audit
    finds them."""
    counts = []
    for who, one in _asked(people, doses, way):
        least = who.limit if limit is None else limit
        came = one.came()
        counts.append((who.person, sum(made.excess >= least for made in came), len(came)))
    return rate(counts)


def measured(people: Sequence[Outcome], false_positives: float) -> float:
    """The least excess from which at most that share of all new pictures is flagged."""
    ordered = sorted((excess for who in people for excess in who.new), reverse=True)
    return ordered[int(false_positives * len(ordered) + 1e-9)] + MORE


def _asked(
    people: Sequence[Outcome], doses: Sequence[int], way: str
) -> Iterator[tuple[Outcome, Asked]]:
    """What was asked in one way for pictures that were taught so often, and whose LoRA."""
    for who in people:
        yield from ((who, one) for one in who.asked if one.dose in doses and one.way == way)


def plotted(people: Sequence[Outcome]) -> str:
    """How often pictures came back, and how many of these were found, against their repeats."""
    found = partial(recall, limit=measured(people, FALSE_POSITIVES))
    lines = {
        "came back, by its caption": partial(back, way="plain"),
        "came back, extrapolated": partial(back, way="pushed"),
        "of these found, by its caption": partial(found, way="plain"),
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
    asked = sum(len(one.made) for who in people for one in who.asked)
    table = [("people; pictures asked for", f"{len(people)}; {asked}", "20 people")]
    of_new = rate([(who.person, who.mistakes, len(who.new)) for who in people])
    table.append(("flagged among new pictures of the person", told(of_new), "1%"))
    raised = sum(who.limit > 0 for who in people)
    table.append(("audits whose own pictures raised the thresholds", str(raised), ""))
    limit = measured(people, FALSE_POSITIVES)
    of = f"excess over the usual thresholds at which {FALSE_POSITIVES:.0%} of the new are flagged"
    table.append((of, f"{limit:.2f}", ""))
    for way, told_as in WAYS.items():
        for doses in (*([dose] for dose in DOSES), DOSES):
            of = f"k = {doses[0]}" if len(doses) == 1 else "any k"
            shares = [
                back(people, doses, way),
                recall(people, doses, way, limit=limit),
                recall(people, doses, way),
            ]
            besides = sum(one.besides(limit) for _, one in _asked(people, doses, way))
            what = f"{told_as}, {of}: came back; of these found at that; as audited; found besides"
            table.append((what, f"{'; '.join(map(told, shares))}; {besides}", "found 95%"))
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
