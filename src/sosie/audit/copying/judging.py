"""The verdict on what was counted: the intervals' ends decide, and what chance may explain.

It passes by the upper bound of what was flagged, whatever of it is chance: that needs no held-out
picture. It fails only if more was flagged than may be copies and than pictures that copy nothing
would be, which so many of them must be able to show.
"""

from __future__ import annotations

from dataclasses import dataclass

from sosie.audit.copying.records import Config, Null, Verdict
from sosie.audit.intervals import Interval, share_interval, upper_bound

FOUND = 0.65
"""Share of all copies like the planted ones that must be shown to be found before an audit may
pass, by the lower end of the interval: eighteen of twenty show it, seventeen do not."""
ENOUGH = 1 << 24
"""More held-out pictures than anybody has: the search for a number ends there."""


@dataclass(frozen=True)
class Counted:
    """Pictures that were flagged as copies, of so many."""

    flagged: int
    of: int


@dataclass(frozen=True)
class Counts:
    """All that a verdict rests on."""

    made: Counted
    unseen: int
    """Generated pictures that could not be looked at: each may be a copy."""
    unreadable: int
    """References that could not be looked for."""
    null: Counted
    """Pictures that cannot be copies."""
    null_name: Null
    base: Counted
    """Pictures of the base alone."""
    controls: Interval | None


def judged(counts: Counts, config: Config) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and why."""
    made, allowed, sure = counts.made, config.at_most, config.sure
    every = made.of + counts.unseen
    # What could not be looked at is no copy where one is claimed, and one where none is.
    least = Counted(made.flagged, every)
    sides = [counts.null] + [counts.base] * (counts.base.of > 0)
    if all(beyond_chance(least, side, allowed=allowed, confidence=sure) for side in sides):
        return "failed", (_failed(counts, allowed),)
    reasons = []
    high = upper_bound(made.flagged + counts.unseen, every, confidence=sure)
    if made.flagged > _may_be(every, allowed, sure):
        reasons.append(_unsure(counts, least, config))
    elif high > allowed:
        more = needed_generations(made.flagged + counts.unseen, allowed, config.sure_next)
        unseen = f", and {counts.unseen} that could not be looked at may" if counts.unseen else ""
        reasons.append(
            f"{made.flagged} of {made.of} generated pictures reproduce a reference{unseen}; so "
            f"many can only show that it is at most {high:.2%}, not {allowed:.2%}: generate at "
            f"least {more:,}."
        )
    if counts.unreadable:
        reasons.append(
            f"{counts.unreadable} references could not be read, and were not looked for: mend "
            "them, or take them out of the folder."
        )
    if counts.controls is None:
        reasons.append("No copy could be planted to see whether it would be found.")
    elif (low := counts.controls.low or 0.0) < FOUND:
        reasons.append(
            f"Of {counts.controls.n} planted copies {counts.controls.value:.0%} were found, which "
            f"shows that {low:.0%} of such copies are, and {FOUND:.0%} is asked for: in pictures "
            "like these too little can be recognised."
        )
    if reasons:
        return "not measured", tuple(reasons)
    return "passed", (
        f"{made.flagged} of {made.of} generated pictures reproduce a reference: at most "
        f"{high:.2%} ({100 * sure:.4g}% sure), and {allowed:.2%} is allowed.",
    )


def beyond_chance(made: Counted, null: Counted, *, allowed: float, confidence: float) -> bool:
    """Whether more of `made` is flagged than copies in a share `allowed` and chance explain.

    One half of 1 − confidence: no more than a binomial's quantile of so many are copies. The other
    half: if the others copy nothing, they are exchangeable with the null, and how few of it are
    among all that was flagged is hypergeometric (Fisher's exact test). The same holds where the
    threshold is an order statistic of the null (exceedances: Epstein, Ann. Math. Statist. 25,
    1954). So a set without copies is called one of copies in at most 1 − confidence of audits,
    however few pictures the null has.
    """
    from scipy.stats import hypergeom

    copies = _may_be(made.of, allowed, confidence)
    rest = Counted(made.flagged - copies, made.of - copies)
    if rest.flagged <= 0:
        return False
    both = rest.of + null.of
    p = hypergeom.cdf(null.flagged, both, null.of, rest.flagged + null.flagged)
    return bool(p <= (1 - confidence) / 2)


def by_chance(null: Counted, base: Counted, confidence: float) -> float:
    """The upper bound of the share that is flagged by chance: of what copies nothing, and where
    there is a base also of that, whichever is more. 1 where nothing shows it."""
    bounds = [upper_bound(s.flagged, s.of, confidence=confidence) for s in (null, base) if s.of]
    return max(bounds) if null.of else 1.0


def needed_generations(copied: int, at_most: float, confidence: float) -> int:
    """The least number of pictures whose bound reaches `at_most`, if no more are found copied."""
    least, enough = max(1, copied), max(2, copied + 1)
    while upper_bound(copied, enough, confidence=confidence) > at_most:
        least, enough = enough, 2 * enough
    while enough - least > 1:
        middle = (least + enough) // 2
        if upper_bound(copied, middle, confidence=confidence) > at_most:
            least = middle
        else:
            enough = middle
    return enough


def needed_null(made: Counted, flagged: int, *, allowed: float, confidence: float) -> int:
    """The least number of pictures that copy nothing, `flagged` of them flagged, that would show
    `made` to be beyond chance."""

    def shows(of: int) -> bool:
        null = Counted(flagged, of)
        return beyond_chance(made, null, allowed=allowed, confidence=confidence)

    least, enough = flagged, max(1, 2 * flagged)
    while not shows(enough) and enough < ENOUGH:
        least, enough = enough, 2 * enough
    while enough - least > 1:
        middle = (least + enough) // 2
        least, enough = (least, middle) if shows(middle) else (middle, enough)
    return enough


def _may_be(of: int, allowed: float, confidence: float) -> int:
    """How many of so many may be copies where a share `allowed` is."""
    from scipy.stats import binom

    return int(binom.ppf(1 - (1 - confidence) / 2, of, allowed))


def _failed(counts: Counts, allowed: float) -> str:
    made, null, base = counts.made, counts.null, counts.base
    alone = f", and of {base.of} by the base alone {base.flagged}" if base.of else ""
    return (
        f"{made.flagged} of {made.of} generated pictures reproduce a reference: more than the "
        f"{allowed:.2%} that is allowed, and more than chance explains. Of {null.of} pictures "
        f"that cannot be copies {null.flagged} looked copied{alone}."
    )


def _unsure(counts: Counts, least: Counted, config: Config) -> str:
    """Too much was flagged, and chance may explain it."""
    made, null, base = counts.made, counts.null, counts.base
    ask = {"allowed": config.at_most, "confidence": config.sure}
    said = f"{made.flagged} of {made.of} generated pictures look copied, but chance may explain it:"
    if beyond_chance(least, null, **ask):
        return (
            f"{said} of {base.of} pictures by the base alone, which never saw the references, "
            f"{base.flagged} look copied too. Look at the matches."
        )
    shown = upper_bound(null.flagged, null.of, confidence=config.sure)
    more = needed_null(least, null.flagged, **ask)
    return (
        f"{said} how often two pictures that copy nothing look alike is known from {null.of} "
        f"({counts.null_name}), and so few cannot rule out that {shown:.0%} do. Look at the "
        f"matches, and give at least {more:,} held-out pictures (--held-out FOLDER)."
    )


def share(hits: int, n: int, confidence: float, *, unseen: int = 0) -> Interval:
    """`hits` of `n` pictures that were looked at; the `unseen` are none at the lower end and all
    of them at the upper."""
    found = share_interval(hits, n, confidence=confidence)
    assert found is not None, "something was counted"
    if not unseen:
        return found
    few, many = (
        share_interval(k, n + unseen, confidence=confidence) for k in (hits, hits + unseen)
    )
    assert few is not None and many is not None, "something was counted"
    return found.model_copy(update={"low": few.low, "high": many.high})
