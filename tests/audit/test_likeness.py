"""Likeness on made-up identities whose figures are known beforehand."""

import itertools

import numpy as np
import pytest

from sosie.audit.intervals import mean_interval, share_interval
from sosie.audit.likeness import expected_maximum, likeness
from sosie.core.errors import BadInput
from sosie.models.faces import Embedder

ANGLES = {0: 0.0, 1: 30.0, 2: 60.0, 3: 90.0, 4: 180.0}


def picture(number: int) -> np.ndarray:
    return np.full((4, 4, 3), number, np.uint8)


def embed(rgb: np.ndarray) -> np.ndarray | None:
    """Identity as an angle in the plane; a picture of 255 shows no face."""
    number = int(rgb[0, 0, 0])
    if number == 255:
        return None
    angle = np.deg2rad(ANGLES[number])
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def measured(generated, held_out, **more):  # type: ignore[no-untyped-def]
    pictures = {name: [picture(i) for i in numbers] for name, numbers in more.items()}
    return likeness(
        [picture(i) for i in generated],
        [picture(i) for i in held_out],
        embed=Embedder("angles", "0" * 64, embed),
        **pictures,
    )


def test_mean_cosine_and_share_of_the_persons_own_likeness() -> None:
    result = measured([1, 1], [0, 2])
    cosine = np.cos(np.pi / 6)
    assert result.cosine.value == pytest.approx(cosine)
    assert (result.cosine.low, result.cosine.high) == pytest.approx((cosine, cosine))
    assert result.own_median == pytest.approx(0.5)  # 0° and 60°
    assert result.share.value == pytest.approx(cosine / 0.5)
    assert result.embedder == "angles"
    assert result.control is None and result.lift is None and result.copycat is None


def test_pictures_without_a_face_are_told_and_gain_nothing() -> None:
    result = measured([0, 255, 255, 0], [0, 255])
    assert result.faces.value == 0.5
    assert (result.faces.n, result.held_out, result.held_out_without_face) == (4, 1, 1)
    assert result.cosine.value == pytest.approx(1)
    assert result.cosine_of_all.value == pytest.approx(0.5)
    assert result.per_picture == (pytest.approx(1), None, None, pytest.approx(1))
    assert result.own_median is None and result.share is None


def test_no_face_at_all_is_a_result_and_not_a_crash() -> None:
    result = measured([255], [0], training=[1])
    assert result.cosine is None and result.copycat is None
    assert result.cosine_of_all.value == 0


def test_lift_is_paired_with_the_base() -> None:
    result = measured([0, 0, 2], [0], control=[3, 255, 3])
    assert result.control.value == pytest.approx(0, abs=1e-6)
    assert result.lift.n == 2
    assert result.lift.value == pytest.approx((1 + 0.5) / 2)


def test_own_median_takes_training_pictures_in() -> None:
    # 0°-60° (held out, training) is the only pair with a held-out picture.
    assert measured([0], [0], training=[2]).own_median == pytest.approx(0.5)


def test_copycat_sees_who_is_nearer() -> None:
    copying = measured([1, 1], [3], training=[0, 1])
    assert copying.copycat.gap.value > 0.3
    assert copying.copycat.nearest_training == (1, 1)
    honest = measured([3, 255], [3], training=[255, 0])
    assert honest.copycat.gap.value == pytest.approx(-1)
    assert honest.copycat.nearest_training == (1, None)


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


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(BadInput, match="no generated"):
        measured([], [0])
    with pytest.raises(BadInput, match="None of the 1 held-out"):
        measured([0], [255])
    with pytest.raises(BadInput, match="1 control"):
        measured([0, 0], [0], control=[0])


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
