"""How sure a figure is: the intervals and bounds that audits report."""

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
    no independent witnesses. None takes each value as its own group. It speaks of prompts like
    these, drawn anew; for these very ones it is too wide.

    The quantiles are widened so that the mean of n normal groups is covered as by Student's t,
    which plain percentiles of few groups miss: α′ = Φ(−√(n/(n−1))·t(1−α/2; n−1)). Hesterberg,
    "What Teachers Should Know about the Bootstrap" (arXiv:1411.5279), section 3.4.
    """
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
    tail = _tail(n, confidence)
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


Sums = tuple[Sequence[float], Sequence[float], Sequence[int]]
"""What is summed above and below, and the group of each."""
PAIRS = 3
"""Groups on both sides from which they are drawn as pairs."""


def difference_interval(
    first: Sums, second: Sums, *, confidence: float = 0.95, seed: int = 0
) -> Interval | None:
    """The ratio of `first` less that of `second`, with its bootstrap interval; None unless both
    have something below.

    A group that both have (one text that two wrote) is drawn again on both sides at once, which
    takes out of the difference what makes that text hard; the groups of one side alone are drawn
    for themselves. The quantiles are widened by the number of groups of the smaller side, as in
    `ratio_interval`.
    """
    sides = [_by_group(side) for side in (first, second)]
    if any(sum(below for _, below in side.values()) <= 0 for side in sides):
        return None
    shared = sides[0].keys() & sides[1].keys()
    if len(shared) < PAIRS:
        shared = set()
    rng = np.random.default_rng(seed)
    paired = sorted(shared)
    places = rng.integers(max(1, len(paired)), size=(RESAMPLES, len(paired)))
    values, drawn = [], []
    for side in sides:
        alone = sorted(side.keys() - shared)
        own = rng.integers(max(1, len(alone)), size=(RESAMPLES, len(alone)))
        both, only = (
            np.array([side[name] for name in names]).reshape(-1, 2) for names in (paired, alone)
        )
        sums = both[places].sum(axis=1) + only[own].sum(axis=1)
        drawn.append(sums[:, 0] / np.maximum(sums[:, 1], 1e-12))
        above, below = both.sum(axis=0) + only.sum(axis=0)
        values.append(float(above / below))
    count, value = len(first[0]), values[0] - values[1]
    n = min(map(len, sides))
    if n == 1:
        return Interval(value=value, low=None, high=None, n=count, confidence=confidence)
    tail = _tail(n, confidence)
    low, high = np.quantile(drawn[0] - drawn[1], [tail, 1 - tail], method="nearest")
    return Interval(value=value, low=float(low), high=float(high), n=count, confidence=confidence)


def _by_group(side: Sums) -> dict[int, tuple[float, float]]:
    found: dict[int, tuple[float, float]] = {}
    for above, below, name in zip(*side, strict=True):
        sums = found.get(name, (0.0, 0.0))
        found[name] = (sums[0] + above, sums[1] + below)
    return found


def _tail(n: int, confidence: float) -> float:
    """The quantile of a bootstrap over n groups where its interval ends: see `ratio_interval`."""
    from scipy.stats import norm, t

    return float(norm.cdf(-np.sqrt(n / (n - 1)) * t.ppf(1 - (1 - confidence) / 2, n - 1)))


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
