"""Who is it? Generated faces against a gallery of people, by their mean templates.

Closed-set identification as in face recognition reports (NIST FRTE 1:N): each person of the gallery
is one template, the mean of their pictures' unit embeddings, and a picture's rank is the place of
the right person when all are ordered by cosine. Chance is one in the size of the gallery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sosie.audit.intervals import Interval, mean_interval, share_interval
from sosie.core.errors import BadInput
from sosie.core.records import Record

Vector = NDArray[np.float32]


class Retrieval(Record):
    """How often the right person comes first."""

    gallery: int
    """People to choose from."""
    rank1: Interval
    """Share of the pictures for which the right person comes first; exact interval, which takes
    pictures as independent."""
    rank1_by_person: Interval
    """Mean over people of each one's share, bootstrapped over people: the wider and honester one
    where some people succeed and others fail."""
    without_face: int
    """Pictures in which no face was found; they count as misses."""
    ranks: dict[str, tuple[int | None, ...]]
    """For each person asked for, every picture's rank, from 1; None where no face was found."""


def rank(
    queries: Mapping[str, Sequence[Vector | None]], gallery: Mapping[str, Sequence[Vector]]
) -> Retrieval:
    """Rank every query against the gallery's templates.

    `queries` holds unit embeddings, (D,), of pictures by the person they should show, None where no
    face was found; `gallery` at least one unit embedding a person. A tie counts against the right
    person. Raises BadInput if there is no query or a person is missing from the gallery.
    """
    names = list(gallery)
    missing = sorted(set(queries) - set(names))
    if missing:
        raise BadInput(f'"{missing[0]}" is asked for and not in the gallery.')
    if not any(len(pictures) for pictures in queries.values()):
        raise BadInput("There is no picture to rank.")
    templates = np.stack([template(gallery[name]) for name in names])
    ranks = {
        person: tuple(_rank(picture, templates, names.index(person)) for picture in pictures)
        for person, pictures in queries.items()
        if len(pictures)
    }
    flat = [place for places in ranks.values() for place in places]
    shares = [sum(place == 1 for place in places) / len(places) for places in ranks.values()]
    rank1, by_person = share_interval(flat.count(1), len(flat)), mean_interval(shares)
    assert rank1 is not None and by_person is not None, "there is at least one query"
    return Retrieval(
        gallery=len(names),
        rank1=rank1,
        rank1_by_person=by_person,
        without_face=flat.count(None),
        ranks=ranks,
    )


def template(vectors: Sequence[Vector]) -> Vector:
    """The mean of unit embeddings, scaled to unit length again. Raises BadInput for none."""
    if not len(vectors):
        raise BadInput("A person of the gallery has no picture with a face.")
    mean = np.mean(np.stack(list(vectors)), axis=0)
    unit: Vector = mean / np.linalg.norm(mean)
    return unit


def _rank(query: Vector | None, templates: Vector, right: int) -> int | None:
    if query is None:
        return None
    cosines = templates @ query
    return int((cosines >= cosines[right]).sum())
