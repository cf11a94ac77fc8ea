"""Rates and bounds against simulated audits whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.audit.intervals import share_interval, simultaneous, upper_bound, wilson_interval

AUDITS = 400


def covered(interval, truth):
    return interval.low is not None and interval.low <= truth <= interval.high


def counts(rate, n, *, seed=0):
    return np.random.default_rng(seed).binomial(n, rate, AUDITS).tolist()


@pytest.mark.parametrize(("rate", "n"), [(0.35, 100), (0.1, 1000), (0.35, 1000)])
def test_the_exact_interval_covers_what_it_says(rate, n):
    share = np.mean([covered(share_interval(k, n), rate) for k in counts(rate, n)])
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize(("rate", "n"), [(0.01, 20), (0.002, 1000), (0.01, 100)])
def test_where_hits_are_rare_the_exact_interval_errs_on_the_wide_side(rate, n):
    """Counts are whole numbers: with few to choose from, no interval has just 95%."""
    exact = np.mean([covered(share_interval(k, n), rate) for k in counts(rate, n)])
    assert 0.97 < exact <= 1


def test_wilsons_interval_covers_on_average_over_rates():
    shares = [
        np.mean([covered(wilson_interval(k, 100), rate) for k in counts(rate, 100)])
        for rate in np.linspace(0.02, 0.5, 25)
    ]
    assert 0.93 <= np.mean(shares) <= 0.97
    article = wilson_interval(35, 100)
    assert (article.low, article.high) == pytest.approx((0.264, 0.447), abs=1e-3)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1])
def test_the_upper_bound_is_passed_by_the_truth_at_most_as_often_as_it_says(rate):
    assert np.mean([upper_bound(k, 1000) < rate for k in counts(rate, 1000)]) <= 0.06


def test_nothing_found_is_the_rule_of_three():
    assert (
        upper_bound(0, 1000)
        == pytest.approx(1 - 0.05 ** (1 / 1000))
        == pytest.approx(3 / 1000, rel=0.01)
    )
    assert upper_bound(0, 0) == upper_bound(5, 5) == 1


def test_simultaneous_intervals_hold_all_at_once():
    rates = np.concatenate([np.full(25, 0.01), np.full(5, 0.2)])
    draws = np.random.default_rng(1).binomial(300, rates, (300, len(rates)))
    together = [all(map(covered, simultaneous(row.tolist(), 300), rates.tolist())) for row in draws]
    assert np.mean(together) >= 0.93
    assert simultaneous([0] * 30, 3000)[0].high == pytest.approx(1 - (0.025 / 30) ** (1 / 3000))


@given(st.integers(1, 400), st.data())
def test_every_interval_holds_its_share(n, data):
    hits = data.draw(st.integers(0, n))
    for interval in (share_interval(hits, n), wilson_interval(hits, n)):
        assert (
            0 <= interval.low <= interval.value + 1e-12 and interval.value <= interval.high + 1e-12
        )
    assert hits / n <= upper_bound(hits, n) <= 1
