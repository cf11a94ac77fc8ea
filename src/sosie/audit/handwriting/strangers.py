"""Other hands: lines by drawn writers, beside which a judge is to know the writer's own.

Without them nobody knows what "90% like" says: any two hands are rather like each other. They are
of `sosie.world`, since no others come with Sosie: real strangers may be nearer to a real writer
than drawn ones are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sosie.audit.intervals import Interval, share_interval
from sosie.audit.likeness import Known
from sosie.models.faces import Embedder, Picture
from sosie.world.hands import writer
from sosie.world.people import HELD_OUT_EVERY
from sosie.world.writing import CannotWrite, DoesNotFit, line

STRANGERS = 40
"""Drawn writers: if all of them are told from the writer, 91% of all are (at 95%)."""
FIRST = 90_000
"""Number of the first of them among those that no judge was taught with."""


@dataclass(frozen=True)
class Strangers:
    """Other hands as one judge sees them beside the writer's."""

    usual: float
    """The median of their lines' mean cosines to the writer's held-out lines: what anybody gets."""
    told_apart: Interval
    """Share of them that are less like the writer than two of the writer's own lines are."""


def beside(
    judges: Sequence[Embedder], known: Mapping[str, Known], texts: Sequence[str]
) -> dict[str, Strangers]:
    """How like the writer, who is `known` to each judge, other hands are that write these texts."""
    near: dict[str, list[float]] = {judge.name: [] for judge in judges}
    for picture in _lines(tuple(texts)):
        for judge in judges:
            cosine = known[judge.name].cosine(judge(picture))
            if cosine is not None:
                near[judge.name].append(cosine)
    return {name: _strangers(cosines, known[name].unit) for name, cosines in near.items()}


def _strangers(near: Sequence[float], own: float) -> Strangers:
    told = share_interval(sum(cosine < own for cosine in near), len(near))
    assert told is not None, "drawn lines hold writing"
    return Strangers(usual=float(np.median(near)), told_apart=told)


@lru_cache(maxsize=1)
def _lines(texts: tuple[str, ...]) -> tuple[Picture, ...]:
    """A line by each of `STRANGERS` writers, who write the texts in turn."""
    found: list[Picture] = []
    number = FIRST
    while len(found) < STRANGERS:
        who = writer(HELD_OUT_EVERY * number + HELD_OUT_EVERY - 1)
        try:
            found.append(line(who, texts[number % len(texts)], seed=number).picture)
        except (CannotWrite, DoesNotFit):
            # A hand without that character, or a text that is too long for one line.
            found += _usual(who.seed, number)
        number += 1
    return tuple(found)


def _usual(seed: int, number: int) -> list[Picture]:
    """A line of the alphabet alone, which every hand has."""
    return [line(writer(seed), "A quick word for you", seed=number).picture]
