"""Whom does a face look like, among people on file, and how often does a stranger look as like?

Each person is their mean template. How much a cosine says is calibrated on the people on file
themselves: every picture of each is compared with the templates of all others, which are false
matches by definition. A rate is claimed only as far as the number of *people* supports it: a
thousand pictures of five people hold five strangers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sosie.audit.intervals import Interval, rate_interval
from sosie.audit.retrieval import template
from sosie.core.errors import BadInput
from sosie.core.records import Record

Vector = NDArray[np.float32]


class Resemblance(Record):
    """One person on file against the face that was asked about."""

    name: str
    cosine: float
    """To the mean template, in [-1, 1]."""
    picture: int
    """Position of the person's nearest picture."""
    picture_cosine: float
    false_matches: Interval | None
    """Share of comparisons of two other people that score as high, over people; None if there is
    no such comparison."""
    bound: float
    """No smaller false-match rate can be claimed for this cosine: one more stranger than was seen,
    among the people on file."""
    alike: bool
    """Whether the false-match rate that can be claimed is within the one asked for."""


class Resemblances(Record):
    """All people asked about, the most alike first."""

    people: int
    rate: float
    """False-match rate asked for, for each person."""
    supported: bool
    """Whether so many people can show such a rate at all."""
    found: tuple[Resemblance, ...]


def resemblances(
    face: Vector,
    gallery: Mapping[str, Sequence[Vector]],
    *,
    among: Sequence[str] | None = None,
    rate: float = 0.01,
) -> Resemblances:
    """Compare a face with people, calibrated on all of `gallery`: unit embeddings by name.

    `among` names those asked about; None is all. Raises BadInput if nobody has a picture with a
    face, or one of `among` has none.
    """
    people = {name: np.stack(list(vectors)) for name, vectors in gallery.items() if len(vectors)}
    if not people:
        raise BadInput("Nobody on file has a picture with a face.")
    asked = list(people) if among is None else list(among)
    if lacking := [name for name in asked if name not in people]:
        raise BadInput(f'"{lacking[0]}" has no picture with a face on file.')
    names = list(people)
    templates = np.stack([template(list(people[name])) for name in names])
    strangers = {name: people[name] @ templates.T for name in names}
    found = []
    for name in asked:
        own = people[name] @ face
        cosine = float(templates[names.index(name)] @ face)
        false, bound = _false_matches(cosine, name, names, strangers)
        found.append(
            Resemblance(
                name=name,
                cosine=cosine,
                picture=int(own.argmax()),
                picture_cosine=float(own.max()),
                false_matches=false,
                bound=bound,
                alike=bound <= rate,
            )
        )
    found.sort(key=lambda one: -one.cosine)
    return Resemblances(
        people=len(names),
        rate=rate,
        supported=len(names) >= needed_people(rate),
        found=tuple(found),
    )


def needed_people(rate: float) -> int:
    """People on file from which on a false-match rate can be shown: 100 for 1%."""
    return int(np.ceil(1 / rate - 1e-9))


def _false_matches(
    cosine: float, asked: str, names: Sequence[str], strangers: Mapping[str, Vector]
) -> tuple[Interval | None, float]:
    """The share of strangers' comparisons at or above a cosine, and the bound: everybody but the
    one asked about counts by the share of their own comparisons, and one who always matches is
    added."""
    hits: list[bool] = []
    groups: list[int] = []
    shares = []
    for number, name in enumerate(names):
        if name != asked:
            reached = (np.delete(strangers[name], number, axis=1) >= cosine).ravel()
            hits += reached.tolist()
            groups += [number] * len(reached)
            shares.append(float(reached.mean()))
    return rate_interval(hits, groups=groups), min(1.0, (1 + sum(shares)) / len(names))
