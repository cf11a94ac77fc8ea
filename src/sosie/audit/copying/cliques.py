"""A LoRA whose training pictures nobody knows: does it draw one picture again and again?

What is known by heart comes back from many seeds, and what was understood is drawn anew each time:
Carlini et al. (arXiv:2301.13188) found training pictures without looking at the training set, as
cliques of near-equal pictures among those of one caption. Here two pictures are joined where one
would be called a copy of the other by the usual thresholds, and what the base repeats from the same
words and seeds says what of that is chance (`chance`). A picture that is given back once, or not by
these words, is not found so: nothing found is no acquittal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sosie.audit.copying.calibration import thresholds
from sosie.audit.copying.look import Figure, look
from sosie.audit.copying.probes import Probe
from sosie.audit.copying.records import REPRODUCED, Shot, Threshold, Verdict
from sosie.audit.copying.references import References
from sosie.audit.copying.tally import kind_of
from sosie.audit.intervals import Interval, ratio_interval, share_interval
from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.models import near

FEWEST = 3
"""Pictures of a clique: two seeds may meet by chance."""
RATE = 0.05
"""How often a LoRA that repeats itself no more than its base may be said to, in all looks at it."""
SWAPS = 999
"""Random swaps of LoRA and base, at least: a chance of a thousandth can then be told."""
FARTHEST = 10
"""The last look that more swaps are made for than for the one before."""
LIMITS = thresholds([], 1.0)
"""The usual ones: those of either side would depend on what the other draws."""


class Clique(Record):
    """Pictures of different seeds that are one picture."""

    pictures: tuple[str, ...]
    probes: tuple[str, ...]
    """How they were asked for."""


class Asked(Record):
    """One way of asking."""

    probe: str
    repeated: Interval
    """Share of its pictures that lie in a clique."""
    base: Interval
    """The same of the base alone, at the same words and seeds."""
    variety: Interval | None
    """How much its pictures of one prompt differ, as a multiple of the base's: the mean of one less
    the cosine of their details, over prompts. None for a single prompt with a single seed."""


class Repeating(Record):
    """What the pictures of a LoRA say of themselves."""

    generated: int
    thresholds: tuple[Threshold, ...] = ()
    """Of audits from before these were the usual ones: what the base's own pictures asked for."""
    chance: float | None = None
    """Of `chance`; None where there is no clique, and in audits that did not ask."""
    cliques: tuple[Clique, ...]
    """The largest first."""
    repeated: Interval
    by_probe: tuple[Asked, ...]


class StrangerAudit(Record):
    """An audit of a LoRA whose training pictures are unknown."""

    format: int = 1
    sosie: str
    adapter: str
    subject: str
    base: str
    base_sha256: str
    tensors_sha256: str
    strength: float
    taken: datetime
    seed: int
    each: int = Field(ge=1)
    """Pictures of each way of asking, and as many of the base alone."""
    look: int = Field(default=0, ge=0)
    """Which look at the LoRA it is, from 1 on; 0 in audits that did not count."""
    probes: tuple[Probe, ...]
    prompts: tuple[str, ...]
    """What was asked, in the order of the pictures' names."""
    repeating: Repeating
    verdict: Verdict
    """Never passed: what came back only once, nobody here can know."""
    reasons: tuple[str, ...]
    seconds: float
    """Of the last process that worked at it."""


def repeating(
    made: Sequence[Shot],
    base: Sequence[Shot],
    prompts: Sequence[str],
    *,
    figure: Figure | None,
    nth: int = 1,
    on_picture: Callable[[str, int, int | None], None] = lambda what, done, of: None,
) -> Repeating:
    """Look for pictures that `made` repeats. `base` are the base's own, from the same words and
    seeds, and `prompts` are those words, one for each. It is the `nth` look at the LoRA: a later
    one must tell smaller chances.

    Raises BadInput if there are fewer than two pictures of either.
    """
    assert len(made) == len(base), "the base drew from the same words and seeds"
    if len(made) < 2:
        raise BadInput("Two pictures at least have to be compared.")
    count, pairs = len(made), _pairs(made, base, figure, on_picture)
    groups, of_base = _cliques(range(count), pairs), _cliques(range(count, 2 * count), pairs)
    within = {number for group in groups for number in group}
    alone = {number - count for group in of_base for number in group}
    details = [[look(shot.read()).screen for shot in side] for side in (made, base)]
    by_probe = []
    for probe in dict.fromkeys(shot.probe for shot in made):
        numbers = [number for number, shot in enumerate(made) if shot.probe == probe]
        by_probe.append(
            Asked(
                probe=probe or "",
                repeated=_share(within, numbers),
                base=_share(alone, numbers),
                variety=_variety(details, [(prompts[number], number) for number in numbers]),
            )
        )
    found = [
        Clique(
            pictures=tuple(made[number].name for number in group),
            probes=tuple(dict.fromkeys(made[number].probe or "" for number in group)),
        )
        for group in sorted(groups, key=len, reverse=True)
    ]
    return Repeating(
        generated=len(made),
        chance=chance(count, pairs, swaps_at(nth)) if groups else None,
        cliques=tuple(found),
        repeated=_share(within, range(len(made))),
        by_probe=tuple(by_probe),
    )


def swaps_at(nth: int) -> int:
    """Swaps with which the `nth` look may fail: `judged` asks it for a chance of half of that which
    it asks the look before."""
    return max(SWAPS, round(4 * 2.0 ** min(nth, FARTHEST) / RATE) - 1)


def chance(count: int, pairs: Sequence[tuple[int, int]], swaps: int = SWAPS) -> float:
    """How often swapping LoRA and base by lot, prompt by prompt and seed by seed, leaves as many
    more pictures in cliques on the LoRA's side than on the base's.

    `pairs` joins pictures by number: the LoRA's are 0 to `count` - 1, and `count` + i is the base's
    from the words and the seed of i. A permutation test (Fisher, "The design of experiments",
    1935), p = (1 + #{as many}) / (swaps + 1): where the LoRA draws as its base does, the two from
    one seed can be interchanged, however alike the pictures of one prompt are. So it holds where
    pictures of a clique are no independent witnesses, which the interval of a share takes them for.
    """
    joined = {number for pair in pairs for number in pair}

    def more(swapped: NDArray[np.bool_]) -> int:
        sides: list[list[int]] = [[], []]
        for number in joined:
            sides[(number >= count) != bool(swapped[number % count])].append(number)
        mine, others = (sum(map(len, _cliques(side, pairs))) for side in sides)
        return mine - others

    rng = np.random.default_rng(0)
    observed = more(np.zeros(count, np.bool_))
    as_many = sum(more(rng.random(count) < 0.5) >= observed for _ in range(swaps))
    return (1 + as_many) / (swaps + 1)


def judged(found: Repeating, look: int) -> tuple[Verdict, tuple[str, ...]]:
    """Failed where it repeats itself more than chance explains; else nothing is claimed.

    The k-th look may err by one 2^k-th of `RATE`, so that who looks until it fails errs no more
    often than who looks once (alpha spending; Lan & DeMets, Biometrika 70, 1983).
    """
    share = found.repeated
    if found.chance is not None and found.chance <= RATE / 2.0**look:
        largest = found.cliques[0]
        return "failed", (
            f"{round(share.value * share.n)} of {share.n} pictures are one of "
            f"{len(found.cliques)} pictures that it draws again and again, one of them from "
            f"{len(largest.pictures)} seeds. What comes back so is known by heart: by chance as "
            f"much more than by the base alone is seen in {_percent(found.chance)} of cases.",
        )
    reasons = [
        "Which pictures taught it is unknown. It can be seen only whether it draws one picture "
        "again and again, never that it copies none.",
    ]
    if found.chance is not None:
        reasons.append(
            f"{len(found.cliques)} pictures came back from {FEWEST} seeds or more, and chance "
            f"makes as much of that in {_percent(found.chance)} of cases; at look {look} at a LoRA "
            f"{_percent(RATE / 2.0**look)} would say more: look at them, and draw more of each."
        )
    return "not measured", tuple(reasons)


def _percent(share: float) -> str:
    """With two digits that count: what many swaps tell is far below a hundredth."""
    return f"{100 * share:.2g}%"


def _pairs(
    made: Sequence[Shot],
    base: Sequence[Shot],
    figure: Figure | None,
    on_picture: Callable[[str, int, int | None], None],
) -> list[tuple[int, int]]:
    """Pictures, of either side, of which one would be called a copy of the other; never the two
    from one seed, which no swap brings to one side."""
    shots, count = [*made, *base], len(made)
    known = References(shots, figure=figure)
    found = []
    for number, shot in enumerate(shots):
        seen = known.see(shot.read(), without=(number, (number + count) % len(shots)))
        found += [
            (number, other)
            for other, evidence in seen.closest.items()
            if kind_of(evidence, LIMITS) in REPRODUCED
        ]
        what, done = ("generated", number) if number < count else ("base", number - count)
        on_picture(what, done + 1, count)
    return found


def _cliques(side: Iterable[int], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Groups of pictures of one side that are joined among themselves."""
    place = {number: at for at, number in enumerate(side)}
    numbers = list(place)
    within = [(place[a], place[b]) for a, b in pairs if a in place and b in place]
    groups = near.joined(len(numbers), within, lambda i, j: True)
    return [tuple(numbers[at] for at in group) for group in groups if len(group) >= FEWEST]


def _share(among: set[int], numbers: Sequence[int]) -> Interval:
    share = share_interval(sum(number in among for number in numbers), len(numbers))
    assert share is not None, "something was drawn"
    return share


def _variety(
    details: Sequence[Sequence[np.ndarray]], numbered: Sequence[tuple[str, int]]
) -> Interval | None:
    """How much pictures of one prompt differ, the LoRA's over the base's."""
    prompts = list(dict.fromkeys(prompt for prompt, _ in numbered))
    sides: list[list[float]] = [[], []]
    for prompt in prompts:
        numbers = [number for own, number in numbered if own == prompt]
        if len(numbers) < 2:
            continue
        for side, of in zip(sides, details, strict=True):
            rows = np.stack([of[number] for number in numbers])
            upper = np.triu_indices(len(rows), 1)
            side.append(float((1 - rows @ rows.T)[upper].mean()))
    return ratio_interval(*sides)
