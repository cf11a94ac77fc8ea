"""Counterfactual memorization: how much better a picture is known for having been taught.

Feldman & Zhang, "What neural networks memorize and why" (arXiv:2008.03703); Zhang et al.,
"Counterfactual memorization in neural language models" (arXiv:2112.12938):

    mem(x) = E[score of x | x was taught] − E[score of x | x was left out]

The pictures are dealt into K folds, near-duplicates together, and for each fold one adapter is
trained by the recipe without it. Each picture is then known to K − 1 of them and new to one, and
all of them were taught about as many pictures. Two scores: by how much the adapter lowers the
loss, and whether its caption gives the picture back. A likeness is learned from the others too
and stays when one picture goes; what goes with the picture was learned from it alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from sosie.audit.copying.calibration import p_value, smallest_rate
from sosie.audit.intervals import Interval, mean_interval, rate_interval, share_interval
from sosie.core.records import Record

Losses = Mapping[str, Sequence[float]]
"""Of each picture by name: its loss at several fixed noises."""
Hits = Mapping[str, Sequence[bool]]
"""Of each picture by name: whether each picture drawn by its caption reproduces it."""


class LeftOut(Record):
    """One shot, with the adapters that were taught it beside the one that was not."""

    name: str
    fold: int
    """Which of the adapters was trained without it, from 0."""
    loss: Interval
    """By how much more those lower its loss, as a share of the base's: the interval is over noises,
    for these very trainings."""
    p: float | None
    """Conformal p-value of `loss` among the withheld pictures, which no training saw: by chance of
    the training an adapter may be the worse one. None where nothing was withheld."""
    taught: Interval
    """Share of pictures by its caption that reproduce it, of adapters that were taught it."""
    left_out: Interval
    """The same of the one that was not."""


class Counterfactual(Record):
    """What the adapters tell that were trained without a part of the pictures."""

    folds: int = Field(ge=2)
    adapters: tuple[str, ...]
    """SHA-256 of each one's tensors."""
    step: int
    """After how many steps each was taken, as the audited one was."""
    each: int
    """Pictures of each caption by each adapter."""
    shots: tuple[LeftOut, ...]
    """The most counterfactual loss first."""
    loss: Interval
    """Mean over the shots; the trainings are taken as they are."""
    taught: Interval
    """Share of all pictures by the shots' captions that reproduce the shot, of adapters that were
    taught it; over shots and their pictures."""
    left_out: Interval
    """The same of those that were not."""
    withheld: int
    """Pictures that no training saw."""
    least_p: float
    """The least p-value that so many support."""


def deal(sizes: Sequence[int], folds: int, seed: int) -> list[int]:
    """The fold of each group of near-duplicates: large groups first, each to the smallest fold."""
    order = list(range(len(sizes)))
    random.Random(seed).shuffle(order)
    filled, dealt = [0] * folds, [0] * len(sizes)
    for group in sorted(order, key=lambda group: -sizes[group]):
        fold = filled.index(min(filled))
        dealt[group] = fold
        filled[fold] += sizes[group]
    return dealt


def counterfactual(
    fold_of: Mapping[str, int],
    *,
    adapters: Sequence[str],
    step: int,
    base: Losses,
    losses: Sequence[Losses],
    hits: Sequence[Hits],
) -> Counterfactual:
    """`fold_of` each taught shot; `losses` and `hits` of each fold's adapter, `base` those of the
    base alone. Losses of pictures without a fold are of withheld ones."""
    folds = len(losses)
    withheld = [name for name in base if name not in fold_of]

    def gained(name: str, fold: int) -> list[float]:
        """Fall of the loss, noise by noise: of the other adapters less that of the fold's."""
        alone = np.asarray(base[name])
        falls = np.stack([1 - np.asarray(one[name]) / alone for one in losses])
        others = np.delete(falls, fold, axis=0).mean(axis=0)
        return [float(gain) for gain in others - falls[fold]]

    null = [[float(np.mean(gained(name, fold))) for name in withheld] for fold in range(folds)]
    shots = []
    for name, fold in fold_of.items():
        loss = mean_interval(gained(name, fold))
        known = [hit for k, one in enumerate(hits) if k != fold for hit in one[name]]
        taught, left_out = (share_interval(sum(s), len(s)) for s in (known, hits[fold][name]))
        assert loss and taught and left_out, "something was measured of every shot"
        p = p_value(loss.value, null[fold]) if withheld else None
        shots.append(
            LeftOut(name=name, fold=fold, loss=loss, p=p, taught=taught, left_out=left_out)
        )
    mean = mean_interval([shot.loss.value for shot in shots])
    sides = {
        taught: [
            (place, hit)
            for place, (name, fold) in enumerate(fold_of.items())
            for k, one in enumerate(hits)
            if (k != fold) == taught
            for hit in one[name]
        ]
        for taught in (True, False)
    }
    came, stayed = (
        rate_interval([hit for _, hit in side], groups=[place for place, _ in side])
        for side in sides.values()
    )
    assert mean and came and stayed, "something was taught"
    return Counterfactual(
        folds=folds,
        adapters=tuple(adapters),
        step=step,
        each=shots[0].left_out.n,
        shots=tuple(sorted(shots, key=lambda shot: -shot.loss.value)),
        loss=mean,
        taught=came,
        left_out=stayed,
        withheld=len(withheld),
        least_p=smallest_rate(len(withheld)),
    )
