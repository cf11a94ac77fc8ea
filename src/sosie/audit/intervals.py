"""How sure a figure is: the intervals and bounds that audits report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sosie.core.records import Record

RESAMPLES = 2000
"""Bootstrap resamples: the ends of a 95% interval then move by a few hundredths of its width."""


FEWEST_CLUSTERS = 10
"""Clusters below which a bootstrap over them covers less than it says."""


class Interval(Record):
    """A figure with its interval."""

    value: float
    low: float | None
    """None, with `high`, where one observation cannot say how sure it is."""
    high: float | None
    n: int = Field(ge=1)
    """Observations it rests on."""
    confidence: float = Field(default=0.95, gt=0, lt=1)

    def scaled(self, factor: float) -> Interval:
        """The same figure in units of `1 / factor`; `factor` > 0 is taken as exact."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return self.model_copy(update={"value": self.value * factor, "low": low, "high": high})


def mean_interval(
    values: Sequence[float], *, confidence: float = 0.95, seed: int = 0
) -> Interval | None:
    """The mean of `values` with its percentile bootstrap interval; None where there is no value.

    Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. With fewer than about
    ten values it is too narrow; it knows the spread of these values and nothing of other prompts.
    """
    if not len(values):
        return None
    data = np.asarray(values, dtype=np.float64)
    if len(data) == 1:
        return Interval(value=float(data[0]), low=None, high=None, n=1, confidence=confidence)
    draws = np.random.default_rng(seed).integers(len(data), size=(RESAMPLES, len(data)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(data[draws].mean(axis=1), [tail, 1 - tail])
    return Interval(
        value=float(data.mean()),
        low=float(low),
        high=float(high),
        n=len(data),
        confidence=confidence,
    )


def share_interval(hits: int, n: int, *, confidence: float = 0.95) -> Interval | None:
    """`hits` of `n` independent trials with the two-sided exact interval; None for no trial.

    Clopper & Pearson, Biometrika 26 (1934): [Beta⁻¹(α/2; k, n−k+1), Beta⁻¹(1−α/2; k+1, n−k)].
    """
    from scipy.stats import beta

    if n == 0:
        return None
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return Interval(value=hits / n, low=low, high=high, n=n, confidence=confidence)


def upper_bound(hits: int, n: int, *, confidence: float = 0.95) -> float:
    """The one-sided exact upper bound of a rate after `hits` in `n` independent trials, n ≥ 0.

    Without a hit it is 1 − (1 − confidence)^(1/n), about 3/n at 95% (the rule of three; Hanley &
    Lippman-Hand, JAMA 249, 1983). It speaks of trials drawn as these were, and of no others.
    """
    from scipy.stats import beta

    return 1.0 if hits >= n else float(beta.ppf(confidence, hits + 1, n - hits))


def simultaneous(hits: Sequence[int], n: int, *, confidence: float = 0.95) -> tuple[Interval, ...]:
    """Exact intervals of several rates over the same `n` trials that hold all at once.

    Bonferroni: each at 1 − (1 − confidence) / m, whatever depends on what. Holm's steps would
    sharpen a decision on each rate, but give no interval for it.
    """
    each = 1 - (1 - confidence) / max(1, len(hits))
    found = (share_interval(count, n, confidence=each) for count in hits)
    return tuple(
        interval.model_copy(update={"confidence": confidence})
        for interval in found
        if interval is not None
    )


def wilson_interval(hits: int, n: int, *, confidence: float = 0.95) -> Interval | None:
    """`hits` of `n` with Wilson's score interval (JASA 22, 1927); None for no trial.

    It covers 95% on average over rates, where the exact one covers at least 95% at each: right for
    a table that is read as a whole, wrong for a bound that must hold.
    """
    from scipy.stats import norm

    if n == 0:
        return None
    z, share = float(norm.ppf((1 + confidence) / 2)), hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Interval(value=share, low=low, high=high, n=n, confidence=confidence)


def cluster_interval(
    clusters: Sequence[Sequence[float]], *, confidence: float = 0.95, seed: int = 0
) -> Interval | None:
    """The mean of values that come in clusters (prompts, people, shoots); None without a value.

    The bootstrap-t over whole clusters (Efron & Tibshirani, 1993, section 12.5): clusters are what
    is drawn anew, so that a thousand seeds of three prompts count as three prompts. Studentized,
    because the plain percentile bootstrap is too narrow for fewer than some thirty clusters. Fewer
    than `FEWEST_CLUSTERS`, or equal ones, cannot say how sure they are.
    """
    filled = [np.asarray(values, np.float64) for values in clusters if len(values)]
    if not filled:
        return None
    sums = np.array([values.sum() for values in filled])
    sizes = np.array([len(values) for values in filled], np.float64)
    n = int(sizes.sum())
    value = float(sums.sum() / sizes.sum())
    error = _ratio_error(sums, sizes)
    if len(filled) < FEWEST_CLUSTERS or error == 0:
        return Interval(value=value, low=None, high=None, n=n, confidence=confidence)
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(filled), size=(RESAMPLES, len(filled)))
    means = sums[draws].sum(1) / sizes[draws].sum(1)
    errors = _ratio_error(sums[draws], sizes[draws])
    steps = (means - value)[errors > 0] / errors[errors > 0]
    tail = (1 - confidence) / 2
    low, high = np.quantile(steps, [tail, 1 - tail])
    return Interval(
        value=value,
        low=float(value - high * error),
        high=float(value - low * error),
        n=n,
        confidence=confidence,
    )


def _ratio_error(sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> Any:
    """The standard error of Σ sums / Σ sizes over clusters on the last axis, linearised."""
    count = sums.shape[-1]
    ratio = sums.sum(-1, keepdims=True) / sizes.sum(-1, keepdims=True)
    residuals = sums - ratio * sizes
    scale = np.sqrt(count / max(1, count - 1)) / sizes.sum(-1)
    return np.sqrt((residuals**2).sum(-1)) * scale
