"""Likeness on made-up identities whose figures are known beforehand."""

import itertools

import numpy as np
import pytest

from sosie.audit.intervals import mean_interval, share_interval
from sosie.audit.likeness import Known, expected_maximum, found
from sosie.core.errors import BadInput
from sosie.models.faces import Embedder

ANGLES = {0: 0.0, 1: 30.0, 2: 60.0, 3: 90.0, 4: 180.0}


def face(number: int) -> np.ndarray:
    """Identity as an angle in the plane."""
    angle = np.deg2rad(ANGLES[number])
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def known(held_out, training=()) -> Known:  # type: ignore[no-untyped-def]
    held, taught = ({i: face(i) for i in numbers} for numbers in (held_out, training))
    return Known(held_out=held, training=taught)


def test_the_mean_cosine_and_the_unit_it_is_read_in() -> None:
    assert known([0, 2]).cosine(face(1)) == pytest.approx(np.cos(np.pi / 6))
    assert known([0, 2]).own_median == pytest.approx(0.5)  # 0° and 60°
    assert known([0, 2]).cosine(None) is None
    # 0°-60° (held out, training) is the only pair with a held-out picture.
    assert known([0], [2]).own_median == pytest.approx(0.5)
    assert known([0]).own_median is None


def test_pictures_without_a_face_are_not_known_by() -> None:
    embed = Embedder("angles", "0" * 64, lambda rgb: face(0) if rgb[0, 0, 0] else None)
    pictures = [np.full((4, 4, 3), level, np.uint8) for level in (0, 9, 0, 9)]
    assert list(found(pictures, embed)) == [1, 3]


def test_few_or_unlike_pictures_are_no_unit() -> None:
    with pytest.raises(BadInput, match="Only 2 of the held-out"):
        _ = known([0, 1]).unit
    with pytest.raises(BadInput, match="not like each other"):
        _ = known([0, 2, 4]).unit


def test_a_lean_says_which_side_is_nearer() -> None:
    assert known([3], [0, 1]).lean(face(1)) > 0.3
    assert known([3], [0]).lean(face(3)) == pytest.approx(-1)


def test_more_training_pictures_do_not_look_like_copying() -> None:
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(200):
        values = rng.normal(size=12).astype(np.float32)
        gaps.append(expected_maximum(values[:9], 3) - values[9:].max())
    assert abs(np.mean(gaps)) < 0.15


def test_expected_maximum_is_the_mean_over_subsets() -> None:
    values = np.array([0.1, 0.5, 0.9, 0.2, 0.7], np.float32)
    for size in range(1, 6):
        subsets = [max(subset) for subset in itertools.combinations(values.tolist(), size)]
        assert expected_maximum(values, size) == pytest.approx(np.mean(subsets))


def test_intervals() -> None:
    assert mean_interval([]) is None
    assert share_interval(0, 0) is None
    one = mean_interval([0.3])
    assert (one.value, one.low, one.high, one.n) == (0.3, None, None, 1)
    many = mean_interval(np.random.default_rng(1).normal(5, 1, 100).tolist())
    assert many.low < many.value < many.high
    assert many.high - many.low == pytest.approx(2 * 1.96 / 10, rel=0.25)
    # Tables: 0 of 10 gives [0, .3085]; 5 of 10 gives [.1871, .8129].
    none_, half, all_ = (share_interval(k, 10) for k in (0, 5, 10))
    assert (none_.low, none_.high) == pytest.approx((0, 0.3085), abs=1e-4)
    assert (half.low, half.high) == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert (all_.low, all_.high) == pytest.approx((0.6915, 1), abs=1e-4)
