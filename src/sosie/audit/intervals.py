"""How sure a figure is: the intervals that every audit reports."""

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
    values: Sequence[float],
    *,
    groups: Sequence[int] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """The mean of `values` with its bootstrap interval; None where there is no value.

    `groups` names the group (the prompt) of each value: see `ratio_interval`.
    """
    return ratio_interval(
        values, [1.0] * len(values), groups=groups, confidence=confidence, seed=seed
    )


def ratio_interval(
    above: Sequence[float],
    below: Sequence[float],
    *,
    groups: Sequence[int] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Σ `above` / Σ `below` with its bootstrap interval; None unless Σ `below` > 0.

    What is drawn again are whole groups (prompts with all their seeds): values of one prompt are
    no independent witnesses. None takes each value as its own group. It knows the spread of these
    prompts and nothing of others.

    The quantiles are widened so that the mean of n normal groups is covered as by Student's t,
    which plain percentiles of few groups miss: α′ = Φ(−√(n/(n−1))·t(1−α/2; n−1)). Hesterberg,
    "What Teachers Should Know about the Bootstrap" (arXiv:1411.5279), section 3.4.
    """
    from scipy.stats import norm, t

    groups = range(len(above)) if groups is None else groups
    names = {name: place for place, name in enumerate(dict.fromkeys(groups))}
    n = len(names)
    places = [names[name] for name in groups]
    tops, bottoms = (np.bincount(places, weights=side, minlength=n) for side in (above, below))
    if not n or bottoms.sum() <= 0:
        return None
    value = float(tops.sum() / bottoms.sum())
    if n == 1:
        return Interval(value=value, low=None, high=None, n=len(places), confidence=confidence)
    drawn = np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))
    over, under = tops[drawn].sum(axis=1), bottoms[drawn].sum(axis=1)
    # A resample whose denominator vanishes says that the ratio may be anything.
    ratios = np.divide(over, under, out=np.full(RESAMPLES, np.inf), where=under > 0)
    tail = norm.cdf(-np.sqrt(n / (n - 1)) * t.ppf(1 - (1 - confidence) / 2, n - 1))
    low, high = np.quantile(ratios, [tail, 1 - tail], method="nearest")
    if not np.isfinite([low, high]).all():
        low = high = None
    return Interval(
        value=value,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        n=len(places),
        confidence=confidence,
    )


def rate_interval(
    hits: Sequence[bool], *, groups: Sequence[int] | None = None, confidence: float = 0.95
) -> Interval | None:
    """The share of `hits`, by the wider of `share_interval` and the bootstrap over `groups`.

    Where all trials agree the bootstrap has no width, and where a group's trials agree with each
    other the exact interval is too narrow.
    """
    exact = share_interval(sum(hits), len(hits), confidence=confidence)
    drawn = mean_interval([float(hit) for hit in hits], groups=groups, confidence=confidence)
    if exact is None or drawn is None or drawn.low is None or drawn.high is None:
        return exact
    assert exact.low is not None and exact.high is not None, "an exact interval has both ends"
    wider = {"low": min(exact.low, drawn.low), "high": max(exact.high, drawn.high)}
    return exact.model_copy(update=wider)


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
