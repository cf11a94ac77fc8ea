"""Is it like? Generated pictures against real ones that training never saw.

The figure is the one Meta-LoRA calls R-FaceSim (arXiv:2503.22352): the mean face cosine of
generated pictures to held-out real pictures. Here it comes with what it needs to be read: the
person's own real pictures as the unit, the base without the LoRA as the floor, the number of
pictures in which no face was found, and whether the faces lean to the training pictures more than
to the held-out ones.

The embedder must not have served in training, and cosines of two embedders never compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from sosie.audit.intervals import Interval, mean_interval, share_interval
from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.models.faces import Embedder, Picture

Vector = NDArray[np.float32]


class Likeness(Record):
    """Likeness of a set of generated pictures; every cosine lies in [-1, 1]."""

    embedder: str
    """Name of the identity network that judged."""
    embedder_sha256: str
    faces: Interval
    """Share of the generated pictures in which a face was found."""
    held_out: int
    """Held-out pictures with a face: what the others are compared with."""
    held_out_without_face: int
    cosine: Interval | None
    """Mean over the generated pictures that show a face; None if none does."""
    cosine_of_all: Interval
    """The same with 0 for each picture that shows no face: dropping bad pictures gains nothing."""
    per_picture: tuple[float | None, ...]
    """Each generated picture's mean cosine to the held-out ones; None where no face was found."""
    own_median: float | None
    """Median cosine of two real pictures of the person, at least one of them held out; None if
    there is no such pair."""
    share: Interval | None
    """`cosine` in units of `own_median` (whose own error it leaves out); None without that."""
    control: Interval | None
    """`cosine` of the base without the LoRA, for the same prompts and seeds."""
    lift: Interval | None
    """`cosine` less `control`, picture by picture, where both show a face."""
    copycat: Copycat | None
    """None if no training pictures were given or none shows a face."""


class Copycat(Record):
    """Whether generated faces lean to the training pictures. It speaks of faces, not of pixels."""

    training: Interval
    """Mean over generated pictures of the nearest training picture's cosine, as the expected
    maximum over as many training pictures as there are held-out ones (the more pictures, the nearer
    the nearest)."""
    held_out: Interval
    """Mean over generated pictures of the nearest held-out picture's cosine."""
    gap: Interval
    """`training` less `held_out`, picture by picture: above zero, training pictures are nearer than
    new pictures of the same person."""
    nearest_training: tuple[int | None, ...]
    """For each generated picture, the position of the nearest training picture."""


def likeness(
    generated: Sequence[Picture],
    held_out: Sequence[Picture],
    *,
    embed: Embedder,
    training: Sequence[Picture] = (),
    control: Sequence[Picture] | None = None,
) -> Likeness:
    """Compare `generated` with `held_out` by the identity network `embed`.

    `control` holds the base's own pictures, one for each generated one in the same order.
    Intervals are 95%, over pictures. Raises BadInput if there is nothing to compare, no held-out
    picture shows a face, or `control` does not match.
    """
    if not generated:
        raise BadInput("There is no generated picture to compare.")
    if control is not None and len(control) != len(generated):
        raise BadInput(f"{len(control)} control pictures cannot match {len(generated)} generated.")
    made = [embed(picture) for picture in generated]
    real = _found(held_out, embed)
    if not real:
        raise BadInput(
            f"None of the {len(held_out)} held-out pictures shows a face, so likeness cannot be "
            "measured.",
            advice="Withhold pictures in which the face is plain to see.",
        )
    taught = _found(training, embed)
    scores = tuple(_mean_cosine(vector, real) for vector in made)
    floor = tuple(_mean_cosine(embed(picture), real) for picture in control or ())
    seen = [score for score in scores if score is not None]
    cosine = mean_interval(seen)
    own = _own_median(real, taught)
    return Likeness(
        embedder=embed.name,
        embedder_sha256=embed.sha256,
        faces=_some(share_interval(len(seen), len(scores))),
        held_out=len(real),
        held_out_without_face=len(held_out) - len(real),
        cosine=cosine,
        cosine_of_all=_some(mean_interval([score or 0.0 for score in scores])),
        per_picture=scores,
        own_median=own,
        share=cosine.scaled(1 / own) if cosine and own and own > 0 else None,
        control=mean_interval([score for score in floor if score is not None]),
        lift=mean_interval(_differences(scores, floor)) if floor else None,
        copycat=_copycat(made, real, taught),
    )


def expected_maximum(values: Vector, size: int) -> float:
    """Mean of the maximum over all subsets of `size` of the n `values`, 1 ≤ size ≤ n.

    The k-th smallest is the maximum of C(k−1, size−1) of the C(n, size) subsets.
    """
    ordered = np.sort(values)
    n = len(ordered)
    weights = [comb(k, size - 1) / comb(n, size) for k in range(n)]
    return float(ordered @ np.array(weights))


def _found(pictures: Sequence[Picture], embed: Embedder) -> dict[int, Vector]:
    """Embeddings of the pictures that show a face, by position."""
    vectors = ((i, embed(picture)) for i, picture in enumerate(pictures))
    return {i: vector for i, vector in vectors if vector is not None}


def _mean_cosine(vector: Vector | None, references: dict[int, Vector]) -> float | None:
    if vector is None:
        return None
    return float(np.mean([vector @ reference for reference in references.values()]))


def _own_median(real: dict[int, Vector], taught: dict[int, Vector]) -> float | None:
    """Median cosine over pairs of real pictures of which at least one is held out."""
    vectors = list(real.values())
    within = [float(a @ b) for i, a in enumerate(vectors) for b in vectors[:i]]
    across = [float(a @ b) for a in vectors for b in taught.values()]
    return float(np.median(within + across)) if within or across else None


def _differences(scores: Sequence[float | None], floor: Sequence[float | None]) -> list[float]:
    pairs = zip(scores, floor, strict=True)
    return [a - b for a, b in pairs if a is not None and b is not None]


def _copycat(
    made: Sequence[Vector | None], real: dict[int, Vector], taught: dict[int, Vector]
) -> Copycat | None:
    vectors = [vector for vector in made if vector is not None]
    if not taught or not vectors:
        return None
    drawn = np.stack(vectors)
    to_training = drawn @ np.stack(list(taught.values())).T
    to_held_out = drawn @ np.stack(list(real.values())).T
    # Equal numbers on both sides: the larger group would win by its number alone.
    size = min(to_training.shape[1], to_held_out.shape[1])
    training = [expected_maximum(row, size) for row in to_training]
    held_out = [expected_maximum(row, size) for row in to_held_out]
    places = list(taught)
    nearest = iter(places[i] for i in to_training.argmax(axis=1))
    return Copycat(
        training=_some(mean_interval(training)),
        held_out=_some(mean_interval(held_out)),
        gap=_some(mean_interval(_differences(training, held_out))),
        nearest_training=tuple(None if vector is None else next(nearest) for vector in made),
    )


def _some(interval: Interval | None) -> Interval:
    assert interval is not None, "there was at least one observation"
    return interval
