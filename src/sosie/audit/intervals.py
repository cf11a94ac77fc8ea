"""How sure a figure is: the two intervals that every audit reports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from sosie.core.records import Record

RESAMPLES = 2000
"""Bootstrap resamples: the ends of a 95% interval then move by a few hundredths of its width."""


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
