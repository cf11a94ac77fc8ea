"""Dose and response: how often a shot was taught, how its caption names it, and how many steps the
LoRA was taught, beside what came back.

Counts of the shots of one training, each with its exact interval; doses of one training go together
(what was filed twice has its caption twice), so that a link is no cause. How much of a link chance
makes alone says `chance`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

import numpy as np

from sosie.audit.copying.records import Taught
from sosie.audit.intervals import Interval, share_interval
from sosie.core.records import Record

Bears = Literal["a caption of several shots", "words of other captions", "words of its own"]
"""How a caption names its shot, the least peculiar first: other shots bear it too; it is the shot's
own, and each of its words stands in the caption of another; some of its words stand in no other.
A caption that fits one picture alone is a key to it (Somepalli et al., arXiv:2305.20086)."""
BEARS: tuple[Bears, ...] = (
    "a caption of several shots",
    "words of other captions",
    "words of its own",
)
DRAWS = 9999
"""Random deals of what came back: a chance of a thousandth can then be told."""


class Dose(Record):
    """Shots that were taught equally often, and how many of them came back."""

    repeats: int
    """Near-duplicates of one shot that training saw."""
    reproduced: Interval
    """Share of the shots of which a picture was reproduced."""


class Named(Record):
    """Shots whose captions name them alike, and how many of them came back."""

    bears: Bears
    reproduced: Interval


class Stage(Record):
    """One checkpoint, asked by the same words and seeds at the same strength."""

    step: int
    reproduced: Interval
    """Share of the generated pictures that reproduce one that was taught."""
    shots: Interval
    """Share of the shots that were reproduced."""


def doses(taught: Sequence[Taught], reproduced: Collection[str]) -> tuple[Dose, ...]:
    """By how often shots were taught, from the least on. Repeats that explain copies show here."""
    repeats = Counter(one.shot for one in taught)
    rows = _shares(taught, reproduced, lambda shot: repeats[shot])
    return tuple(Dose(repeats=count, reproduced=rows[count]) for count in sorted(rows))


def named(
    taught: Sequence[Taught], captions: Mapping[str, str], reproduced: Collection[str]
) -> tuple[Named, ...]:
    """By how captions name their shots, from the least peculiar on; `captions` are by name of the
    picture. Of several captions of one shot the most peculiar counts."""
    said: dict[int, set[str]] = {}
    for one in taught:
        said.setdefault(one.shot, set()).add(" ".join(captions[one.name].casefold().split()))
    whole = Counter(caption for of in said.values() for caption in of)
    words = Counter(word for of in said.values() for word in {w for c in of for w in _words(c)})

    def bears(caption: str) -> int:
        if whole[caption] > 1:
            return 0
        return 2 if any(words[word] == 1 for word in _words(caption)) else 1

    rows = _shares(taught, reproduced, lambda shot: max(map(bears, said[shot])))
    return tuple(Named(bears=BEARS[row], reproduced=rows[row]) for row in sorted(rows))


def chance(rows: Sequence[Interval]) -> float | None:
    """How often as many shots, dealt at random among all, come as far from the upper rows as those
    that came back; None where all came back or none, or there is one row.

    A permutation test of the trend (Cochran 1954; Armitage 1955) with rows as scores: Σ row·came
    back, given how many did; p = (1 + #{as far}) / (draws + 1).
    """
    sizes = [row.n for row in rows]
    came = [round(row.value * row.n) for row in rows]
    if len(rows) < 2 or not 0 < sum(came) < sum(sizes):
        return None
    dealt = np.random.default_rng(0).multivariate_hypergeometric(sizes, sum(came), DRAWS)
    scores = np.arange(len(rows))
    return float(1 + (dealt @ scores >= came @ scores).sum()) / (DRAWS + 1)


def _shares(
    taught: Sequence[Taught], reproduced: Collection[str], row_of: Callable[[int], int]
) -> dict[int, Interval]:
    """For each row the share of its shots that came back."""
    back = {one.shot for one in taught if one.name in reproduced}
    rows: dict[int, list[bool]] = {}
    for shot in dict.fromkeys(one.shot for one in taught):
        rows.setdefault(row_of(shot), []).append(shot in back)
    shares = {row: share_interval(sum(hits), len(hits)) for row, hits in rows.items()}
    return {row: share for row, share in shares.items() if share is not None}


def _words(caption: str) -> set[str]:
    return set(re.findall(r"\w+", caption))
