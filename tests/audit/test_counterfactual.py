"""What leaving a picture out changes: the dealing, the score and its sign, on numbers made up."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.audit.copying.counterfactual import Counterfactual, counterfactual, deal

NOISES = 4


@given(
    sizes=st.lists(st.integers(1, 6), min_size=4, max_size=20),
    folds=st.integers(2, 4),
    seed=st.integers(0, 9),
)
def test_parts_are_level_and_none_is_empty(sizes, folds, seed):
    dealt = deal(sizes, folds, seed)
    filled = [
        sum(s for s, f in zip(sizes, dealt, strict=True) if f == fold) for fold in range(folds)
    ]
    assert min(filled) > 0 and max(filled) - min(filled) <= max(sizes)
    assert dealt == deal(sizes, folds, seed)


def told(gain, *, better=0.0, withheld=8, shots=6, folds=3):
    """Adapters that lower a loss by a tenth, and by `gain` more where they were taught; the first
    is by `better` the better one at everything."""
    names = [f"{n}.png" for n in range(shots)]
    fold_of = {name: n % folds for n, name in enumerate(names)}
    draw = np.random.default_rng(0)
    others = [f"held{n}" for n in range(withheld)]
    base = {name: (1 + 0.1 * draw.random(NOISES)).tolist() for name in [*names, *others]}

    def loss(name, fold):
        knows = name in fold_of and fold_of[name] != fold
        fall = 0.1 + gain * knows + better * (fold == 0) + 0.01 * draw.standard_normal()
        return [(1 - fall) * value for value in base[name]]

    return counterfactual(
        fold_of,
        adapters=["a", "b", "c"][:folds],
        step=10,
        base=base,
        losses=[{name: loss(name, fold) for name in base} for fold in range(folds)],
        hits=[{name: [fold_of[name] != fold, False] for name in names} for fold in range(folds)],
    )


def test_what_was_learned_from_a_picture_alone_goes_with_it():
    found = told(0.2)
    assert found.loss.value == pytest.approx(0.2, abs=0.02) and found.loss.low > 0.1
    assert (found.taught.value, found.taught.n, found.each) == (0.5, 24, 2)
    assert (found.left_out.value, found.left_out.n) == (0, 12) and found.left_out.high > 0.2
    assert all(shot.p == pytest.approx(1 / 9) == found.least_p for shot in found.shots)
    assert {(shot.taught.n, shot.left_out.n) for shot in found.shots} == {(4, 2)}
    losses = [shot.loss.value for shot in found.shots]
    assert losses == sorted(losses, reverse=True)
    assert Counterfactual.model_validate(json.loads(found.model_dump_json())) == found


def test_what_others_teach_as_well_does_not_count():
    found = told(0.0)
    assert abs(found.loss.value) < 0.02 and found.loss.low < 0 < found.loss.high
    assert max(shot.p for shot in found.shots) > 0.2


def test_a_training_that_went_worse_is_no_memory():
    """Without the first, which is the better one at everything, withheld pictures lose as much."""
    found = told(0.0, better=0.3)
    first = [shot for shot in found.shots if shot.fold == 0]
    assert all(abs(shot.loss.value) > 0.2 for shot in first)
    assert (
        max(shot.p for shot in found.shots) > 0.2 and min(s.p for s in found.shots) > 1 / 9 - 1e-9
    )


def test_without_withheld_pictures_there_is_no_p():
    found = told(0.2, withheld=0)
    assert {shot.p for shot in found.shots} == {None} and found.least_p == 1
