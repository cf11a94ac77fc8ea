"""Do the intervals cover what they promise? Against simulations whose truth is known."""

import numpy as np
import pytest

from sosie.audit.intervals import mean_interval, rate_interval, ratio_interval

SCENES, EACH = 8, 4
GROUPS = np.repeat(range(SCENES), EACH).tolist()


def coverage(draw, truth, interval, audits=600):
    """Share of simulated audits whose interval holds the truth."""
    held = 0
    for number in range(audits):
        found = interval(draw(np.random.default_rng([7, number])), number)
        held += found.low <= truth <= found.high
    return held / audits


def clustered(rng, mean=0.5, between=0.05, within=0.1):
    """Scores of scenes that differ, with seeds that differ within each."""
    return (
        mean + rng.normal(0, between, (SCENES, 1)) + rng.normal(0, within, (SCENES, EACH))
    ).ravel()


def test_the_mean_over_scenes_and_seeds_is_covered() -> None:
    share = coverage(
        clustered, 0.5, lambda values, seed: mean_interval(values, groups=GROUPS, seed=seed)
    )
    assert 0.93 <= share <= 0.97


def test_for_these_very_scenes_it_is_too_wide() -> None:
    """What is promised is of scenes like these, drawn anew."""
    scenes = np.random.default_rng(1).normal(0, 0.1, (SCENES, 1))
    share = coverage(
        lambda rng: (0.5 + scenes + rng.normal(0, 0.1, (SCENES, EACH))).ravel(),
        0.5 + scenes.mean(),
        lambda values, seed: mean_interval(values, groups=GROUPS, seed=seed),
        audits=300,
    )
    assert share > 0.98


def test_seeds_of_one_scene_are_no_independent_witnesses() -> None:
    alone = coverage(
        lambda rng: clustered(rng, between=0.2),
        0.5,
        lambda values, seed: mean_interval(values, seed=seed),
        audits=200,
    )
    assert alone < 0.85


def test_a_share_of_the_way_is_covered() -> None:
    def draw(rng):
        return clustered(rng), clustered(rng, mean=0.1, within=0.15)

    def learned(both, seed):
        made, base = both
        return ratio_interval(made - base, 0.7 - base, groups=GROUPS, seed=seed)

    assert 0.93 <= coverage(draw, 0.4 / 0.6, learned) <= 0.97


def test_no_difference_is_found_where_there_is_none() -> None:
    """LoRA and base alike: 95 of 100 intervals of the lift hold zero."""
    share = coverage(
        lambda rng: clustered(rng) - clustered(rng),
        0.0,
        lambda values, seed: mean_interval(values, groups=GROUPS, seed=seed),
    )
    assert 0.93 <= share <= 0.97


def test_a_rate_is_covered_whether_or_not_the_seeds_of_a_scene_agree() -> None:
    def draw(rng):
        return (rng.random((SCENES, EACH)) < rng.beta(2, 2, (SCENES, 1))).ravel().tolist()

    share = coverage(draw, 0.5, lambda hits, seed: rate_interval(hits, groups=GROUPS), audits=300)
    assert share >= 0.93
    assert rate_interval([True] * 32, groups=GROUPS).low == pytest.approx(0.891, abs=1e-3)


def test_one_scene_says_nothing_of_others() -> None:
    found = mean_interval([0.1, 0.2], groups=[3, 3])
    assert (found.value, found.low, found.high) == (pytest.approx(0.15), None, None)
    assert ratio_interval([1.0], [0.0]) is None
