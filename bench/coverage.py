"""Do the intervals of an audit cover the truth? Simulated audits, whose truth is known.

Eight scenes of four pictures, as a standard audit has them; scenes differ, and seeds within each.
Every figure's interval must hold the truth in 93 to 97 of 100 audits. 2,000 audits, since 200 would
tell such shares apart by no more than three points.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.obeys import percent
from sosie.audit.intervals import (
    Interval,
    mean_interval,
    ratio_interval,
    share_interval,
    upper_bound,
    wilson_interval,
)

AUDITS = 2000
SCENES, EACH = 8, 4
GROUPS = np.repeat(range(SCENES), EACH).tolist()

Scores = NDArray[np.float64]


def scores(rng: np.random.Generator, mean: float, each: int = EACH) -> Scores:
    """Cosines of one audit's pictures."""
    scenes, seeds = rng.normal(0, 0.05, (SCENES, 1)), rng.normal(0, 0.1, (SCENES, each))
    return (mean + scenes + seeds).ravel()


def likeness(rng: np.random.Generator, seed: int) -> Interval | None:
    """A mean of 0.5."""
    return mean_interval(scores(rng, 0.5).tolist(), groups=GROUPS, seed=seed)


def no_lift(rng: np.random.Generator, seed: int) -> Interval | None:
    """A LoRA that does nothing."""
    lifts = scores(rng, 0.1) - scores(rng, 0.1)
    return mean_interval(lifts.tolist(), groups=GROUPS, seed=seed)


def learned(rng: np.random.Generator, seed: int) -> Interval | None:
    """0.4 of a way of 0.6."""
    made, base = scores(rng, 0.5), scores(rng, 0.1)
    return ratio_interval(made - base, 0.7 - base, groups=GROUPS, seed=seed)


def garments(rng: np.random.Generator, seed: int) -> Interval | None:
    """0.3 above the base with a garment, 0.4 without, half of the pictures each."""
    half = EACH // 2
    dressed, plain = (scores(rng, mean, half) - scores(rng, 0.1, half) for mean in (0.4, 0.5))
    groups = np.repeat(range(SCENES), half).tolist()
    return ratio_interval(dressed, plain, groups=groups, seed=seed)


def seeds_alone(rng: np.random.Generator, seed: int) -> Interval | None:
    """The mean as if every picture were a witness of its own, which it is not."""
    return mean_interval(scores(rng, 0.5).tolist(), seed=seed)


def copied(rng: np.random.Generator, seed: int) -> Interval | None:
    """A tenth of a thousand pictures."""
    return share_interval(int(rng.binomial(1000, 0.1)), 1000)


def rarely_copied(rng: np.random.Generator, seed: int) -> Interval | None:
    """Two of a thousand."""
    return share_interval(int(rng.binomial(1000, 0.002)), 1000)


def at_most(rng: np.random.Generator, seed: int) -> Interval | None:
    """Two of a thousand, from above."""
    hits = int(rng.binomial(1000, 0.002))
    return Interval(value=hits / 1000, low=0, high=upper_bound(hits, 1000), n=1000)


def of_a_status(rng: np.random.Generator, seed: int) -> Interval | None:
    """35 of a hundred reproduced pictures."""
    return wilson_interval(int(rng.binomial(100, 0.35)), 100)


FIGURES: tuple[tuple[str, float, Callable[..., Interval | None], str], ...] = (
    ("likeness", 0.5, likeness, "93% to 97%"),
    ("lift of a LoRA that does nothing", 0.0, no_lift, "93% to 97%"),
    ("the way from anybody to the person", 0.4 / 0.6, learned, "93% to 97%"),
    ("likeness kept with a garment", 0.75, garments, "93% to 97%"),
    ("likeness, without regard to scenes: too narrow", 0.5, seeds_alone, ""),
    ("a rate of copies of 10%", 0.1, copied, "93% to 97%"),
    # Counts are whole: no interval of so few has just 95%, and the exact one never has less.
    ("a rate of copies of 0.2%", 0.002, rarely_copied, "at least 93%"),
    ("a rate of copies of 0.2%, bounded from above", 0.002, at_most, "at least 93%"),
    ("share of the reproduced by rights", 0.35, of_a_status, "93% to 97%"),
)


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    rows = []
    for what, truth, figure, bound in FIGURES:
        held = 0
        for number in range(AUDITS):
            found = figure(np.random.default_rng([3, number]), number)
            assert found is not None and found.low is not None and found.high is not None
            held += found.low <= truth <= found.high
        share = share_interval(held, AUDITS)
        assert share is not None
        rows.append(
            (f"intervals that hold the truth, {AUDITS} audits: {what}", percent(share), bound)
        )
    return rows
