"""Whom does a picture look like, among people on file, and how often does a stranger look as like?

Each person is their mean template. How much a cosine says is calibrated on the people on file
themselves: every picture of each is compared with the templates of all others, which are false
matches by definition. Whoever asks about a thousand people has a thousand chances of one, so that a
face counts as alike by how often a stranger's *best* match among all who are asked about is as high
(the maximum of a family of tests; Westfall & Young, "Resampling-based multiple testing", 1993). One
rate for each pair, divided by the number of pairs, could never be shown: P people support 1 / P. A
rate is claimed only as far as the number of *people* supports it: a thousand pictures of five
people hold five strangers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sosie.audit.intervals import Interval, ratio_interval, share_interval
from sosie.audit.retrieval import template
from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.models import neighbours

Vector = NDArray[np.float32]

LISTED = 10
"""People, the most alike first, of whom it is told how often two others score as high."""
ROWS = 1024
"""Pictures whose products are looked through at a time."""


class Resemblance(Record):
    """One person on file against the faces of the picture that was asked about."""

    name: str
    face: int
    """Position of the face that is most like the person."""
    cosine: float
    """Of that face to the mean template, in [-1, 1]."""
    picture: int
    """Position of the person's nearest picture."""
    picture_cosine: float
    false_matches: Interval | None
    """Share of comparisons of two other people that score as high, over people; None if there is
    no such comparison, and below the `LISTED` first."""
    bound: float
    """No smaller rate can be claimed at which a stranger's picture with so many faces matches
    anybody who was asked about as well: one more stranger than was seen, among the people on
    file, for each face."""
    alike: bool
    """Whether the false-match rate that can be claimed is within the one asked for."""


class Resemblances(Record):
    """All people asked about, the most alike first."""

    people: int
    """On file, with whom it was calibrated."""
    faces: int = 1
    """Of the picture."""
    rate: float
    """Share of strangers' pictures that may be taken for anybody who was asked about."""
    supported: bool
    """Whether so many people can show such a rate at all."""
    found: tuple[Resemblance, ...]


def resemblances(
    faces: Sequence[Vector],
    gallery: Mapping[str, Sequence[Vector]],
    *,
    among: Sequence[str] | None = None,
    rate: float = 0.01,
) -> Resemblances:
    """Compare the faces of a picture with people, calibrated on all of `gallery`: unit embeddings
    by name; at least one face.

    `among` names those asked about; None is all. Raises BadInput if nobody has a picture with a
    face, or one of `among` has none.
    """
    people = {name: np.stack(list(vectors)) for name, vectors in gallery.items() if len(vectors)}
    if not people:
        raise BadInput("Nobody on file has a picture with a face.")
    asked = list(people) if among is None else list(dict.fromkeys(among))
    if lacking := [name for name in asked if name not in people]:
        raise BadInput(f'"{lacking[0]}" has no picture with a face on file.')
    place = {name: number for number, name in enumerate(people)}
    templates = np.stack([template(list(own)) for own in people.values()])
    counts = np.array([len(own) for own in people.values()])
    owner = np.repeat(np.arange(len(people)), counts)
    pictures = np.concatenate(list(people.values()))
    numbers = np.array([place[name] for name in asked])
    scores = np.stack(list(faces)) @ templates[numbers].T
    best = _best_of_others(pictures, owner, templates, numbers)
    weight = 1 / counts[owner]
    order = np.argsort(best)
    ordered = best[order]
    above = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
    found = []
    for name, number, column in zip(asked, numbers, scores.T, strict=True):
        face = int(column.argmax())
        cosine, own = float(column[face]), people[name] @ faces[face]
        strangers = above[np.searchsorted(ordered, cosine)]
        strangers -= float((best[owner == number] >= cosine).mean())
        # Several faces are as many chances of a stranger's match: Bonferroni.
        bound = min(1.0, float(len(faces) * (1 + max(0.0, strangers)) / len(people)))
        found.append(
            Resemblance(
                name=name,
                face=face,
                cosine=cosine,
                picture=int(own.argmax()),
                picture_cosine=float(own.max()),
                false_matches=None,
                bound=bound,
                # Sums of shares are rounded.
                alike=bound <= rate * (1 + 1e-9),
            )
        )
    found.sort(key=lambda one: -one.cosine)
    shares = _false_matches(
        [(place[one.name], one.cosine) for one in found[:LISTED]], pictures, owner, templates
    )
    told = [
        one.model_copy(update={"false_matches": share})
        for one, share in zip(found, shares, strict=False)
    ]
    return Resemblances(
        people=len(people),
        faces=len(faces),
        rate=rate,
        supported=len(people) >= needed_people(rate, len(faces)),
        found=(*told, *found[LISTED:]),
    )


def needed_people(rate: float, faces: int = 1) -> int:
    """People on file from which on a rate can be shown for a picture of so many faces: 100 for
    1% and one face."""
    return int(np.ceil(faces / rate - 1e-9))


def _best_of_others(
    pictures: Vector, owner: NDArray[np.int64], templates: Vector, asked: NDArray[np.int64]
) -> Vector:
    """Of each picture, its best cosine to anybody asked about but its owner; −inf for nobody."""
    nearest = neighbours.top_k(pictures, templates[asked], 2)
    mine = asked[nearest.rows] == owner[:, None]
    best: Vector = np.where(mine, np.float32(-np.inf), nearest.scores).max(axis=1)
    return best


def _false_matches(
    rows: Sequence[tuple[int, float]],
    pictures: Vector,
    owner: NDArray[np.int64],
    templates: Vector,
) -> list[Interval | None]:
    """For each person by number and their cosine: how many comparisons of two other people score as
    high, by the wider of the exact interval and the bootstrap over people."""
    hits = np.zeros((len(rows), len(templates)))
    for start in range(0, len(pictures), ROWS):
        whose = owner[start : start + ROWS]
        products = pictures[start : start + ROWS] @ templates.T
        products[np.arange(len(whose)), whose] = -np.inf
        for row, (_, cosine) in enumerate(rows):
            np.add.at(hits[row], whose, (products >= cosine).sum(axis=1))
    of = np.bincount(owner, minlength=len(templates)) * (len(templates) - 1)
    return [
        _share(np.delete(hit, person), np.delete(of, person))
        for hit, (person, _) in zip(hits, rows, strict=True)
    ]


def _share(hits: Vector, of: NDArray[np.int64]) -> Interval | None:
    exact = share_interval(int(hits.sum()), int(of.sum()))
    drawn = ratio_interval(hits.tolist(), of.tolist())
    if exact is None or drawn is None or drawn.low is None or drawn.high is None:
        return exact
    assert exact.low is not None and exact.high is not None, "an exact interval has both ends"
    wider = {"low": min(exact.low, drawn.low), "high": max(exact.high, drawn.high)}
    return exact.model_copy(update=wider)
