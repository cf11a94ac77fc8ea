"""Is it like? Generated pictures against real ones that training never saw.

The figure is the one Meta-LoRA calls R-FaceSim (arXiv:2503.22352): the mean face cosine of
generated pictures to held-out real pictures. Here it comes with what it needs to be read: the
person's own real pictures as the unit, the base without the LoRA as the floor, the number of
pictures in which no face was found, and whether the faces lean to the training pictures more than
to the held-out ones.

The embedder must not have served in training, and cosines of two embedders never compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import comb

import numpy as np
from numpy.typing import NDArray

from sosie.audit.intervals import Interval, mean_interval
from sosie.core.errors import BadInput
from sosie.models.faces import Embedder, Picture

Vector = NDArray[np.float32]

FEWEST = 3
"""Held-out pictures with a face from which likeness has a unit: with fewer, whatever those happen
to show would be taken for the person."""


@dataclass(frozen=True, eq=False)
class Known:
    """Real pictures of one person as one identity network sees them, by position."""

    held_out: Mapping[int, Vector]
    """Those that training never saw; at least one."""
    training: Mapping[int, Vector]
    shows: str = "a face"
    """What a picture must show to be among them."""

    @property
    def own_median(self) -> float | None:
        """Median cosine over pairs of which at least one is held out; None if there is no pair."""
        vectors = list(self.held_out.values())
        within = [float(a @ b) for i, a in enumerate(vectors) for b in vectors[:i]]
        across = [float(a @ b) for a in vectors for b in self.training.values()]
        return float(np.median(within + across)) if within or across else None

    @property
    def unit(self) -> float:
        """`own_median`, by which likeness is divided. Raises BadInput where it cannot be."""
        own = self.own_median
        if len(self.held_out) < FEWEST:
            raise BadInput(
                f"Only {len(self.held_out)} of the held-out pictures show {self.shows}, and "
                f"likeness is measured against at least {FEWEST}.",
                advice="Add pictures with `sosie add` and train again: more are then withheld.",
            )
        if own is None or own <= 0:
            raise BadInput(
                "The real pictures are not like each other, so likeness has no unit.",
                advice="Let `sosie doctor` look whether they are of one person.",
            )
        return own

    def cosine(self, made: Vector | None) -> float | None:
        """Mean cosine of a generated face to the held-out ones; None where there is no face."""
        if made is None:
            return None
        return float(np.mean([made @ reference for reference in self.held_out.values()]))

    def lean(self, made: Vector) -> float:
        """By how much a generated face is nearer to the nearest training picture than to the
        nearest held-out one."""
        taught = np.array([made @ vector for vector in self.training.values()])
        unseen = np.array([made @ vector for vector in self.held_out.values()])
        # Equal numbers on both sides: the larger group would win by its number alone.
        size = min(len(taught), len(unseen))
        return float(expected_maximum(taught, size) - expected_maximum(unseen, size))

    @cached_property
    def copied(self) -> tuple[float, Interval | None]:
        """The scale of leaning: what the training faces lean beside the others that were taught, as
        another real picture of the person would, and by how much more they lean with themselves
        among the taught, as a picture would that gives one back.

        Which pictures happened to be withheld moves both alike, so that their difference is sure
        where neither is. None with fewer than two of them, for which there is no other.
        """
        if len(self.training) < 2:
            return 0.0, None
        others = [
            replace(self, training={k: v for k, v in self.training.items() if k != own}).lean(face)
            for own, face in self.training.items()
        ]
        more = [
            self.lean(face) - other
            for face, other in zip(self.training.values(), others, strict=True)
        ]
        return sum(others) / len(others), mean_interval(more)

    def leaning(self, leans: Sequence[float]) -> list[float] | None:
        """`leans` of generated faces on that scale: 0 leans as another real picture of the person
        does, 1 as a training picture that is given back. None where that difference is not surely
        above 0.
        """
        usual, more = self.copied
        if more is None or more.low is None or more.low <= 0:
            return None
        return [(lean - usual) / more.value for lean in leans]

    def interchanged(self, made: NDArray[np.float32], times: int, seed: int = 0) -> float:
        """How surprising it is that `made`, (n, D), leans to the training pictures as it does: the
        share of random splits of the real pictures, into as many on either side, in which it leans
        as far to the first side.

        A permutation test, p = (1 + #{lean ≥ observed}) / (times + 1): had training not used the
        one side, the two could be interchanged. It knows which pictures happened to be withheld,
        which an interval over generated pictures does not.
        """
        real = np.stack([*self.training.values(), *self.held_out.values()])
        cosines, taught = made @ real.T, len(self.training)
        size = min(taught, len(real) - taught)

        def lean(order: NDArray[np.intp]) -> float:
            sides = cosines[:, order[:taught]], cosines[:, order[taught:]]
            first, second = (expected_maximum(side, size).mean() for side in sides)
            return float(first - second)

        rng = np.random.default_rng(seed)
        # Rounding must not make a split less than itself.
        observed = lean(np.arange(len(real))) - 1e-9
        as_far = sum(lean(rng.permutation(len(real))) >= observed for _ in range(times))
        return (1 + as_far) / (times + 1)


def found(pictures: Sequence[Picture], embed: Embedder) -> dict[int, Vector]:
    """Embeddings of the pictures that show a face, by position."""
    vectors = ((i, embed(picture)) for i, picture in enumerate(pictures))
    return {i: vector for i, vector in vectors if vector is not None}


def expected_maximum(values: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """Mean of the maximum over all subsets of `size` of the n values along the last axis,
    1 ≤ size ≤ n.

    The k-th smallest is the maximum of C(k−1, size−1) of the C(n, size) subsets.
    """
    ordered = np.sort(values, axis=-1)
    n = ordered.shape[-1]
    weights = [comb(k, size - 1) / comb(n, size) for k in range(n)]
    return np.asarray(ordered @ np.array(weights))
