"""A LoRA whose training pictures nobody knows: does it draw one picture again and again?

What is known by heart comes back from many seeds, and what was understood is drawn anew each time:
Carlini et al. (arXiv:2301.13188) found training pictures without looking at the training set, as
cliques of near-equal pictures among those of one caption. Here two pictures are joined where one
would be called a copy of the other, by the thresholds that the base's own pictures from the same
words and seeds ask for. A picture that is given back once, or not by these words, is not found so:
nothing found is no acquittal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from pydantic import Field

from sosie.audit.copying.calibration import needed, thresholds
from sosie.audit.copying.evidence import PARTS, Part
from sosie.audit.copying.look import Figure, look
from sosie.audit.copying.probes import Probe
from sosie.audit.copying.records import REPRODUCED, Shot, Threshold, Verdict
from sosie.audit.copying.references import References, Seen
from sosie.audit.copying.tally import kind_of
from sosie.audit.intervals import Interval, ratio_interval, share_interval
from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.models import near

FEWEST = 3
"""Pictures of a clique: two seeds may meet by chance."""
RATE = 0.01
"""Share of the base's own pictures that may be taken for another's copy."""


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
    thresholds: tuple[Threshold, ...]
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
    on_picture: Callable[[str, int, int | None], None] = lambda what, done, of: None,
) -> Repeating:
    """Look for pictures that `made` repeats. `base` are the base's own, from the same words and
    seeds, and `prompts` are those words, one for each.

    Raises BadInput if there are fewer than two pictures of either.
    """
    if min(len(made), len(base)) < 2:
        raise BadInput("Two pictures at least have to be compared.")
    alone = _among(base, figure, "base", on_picture)
    limits = thresholds([seen.scores for seen in alone], RATE)
    own = _among(made, figure, "generated", on_picture)
    groups, of_base = _cliques(own, limits), _cliques(alone, limits)
    within = {number for group in groups for number in group}
    chance = {number for group in of_base for number in group}
    details = [[look(shot.read()).screen for shot in side] for side in (made, base)]
    by_probe = []
    for probe in dict.fromkeys(shot.probe for shot in made):
        numbers = [number for number, shot in enumerate(made) if shot.probe == probe]
        by_probe.append(
            Asked(
                probe=probe or "",
                repeated=_share(within, numbers),
                base=_share(chance, numbers),
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
        thresholds=tuple(limits[part] for part in PARTS),
        cliques=tuple(found),
        repeated=_share(within, range(len(made))),
        by_probe=tuple(by_probe),
    )


def judged(found: Repeating) -> tuple[Verdict, tuple[str, ...]]:
    """Failed where it repeats itself more than chance explains; else nothing is claimed."""
    limit = found.thresholds[0].false_positives
    share = found.repeated
    if found.cliques and (share.low or 0.0) > limit:
        largest = found.cliques[0]
        return "failed", (
            f"{round(share.value * share.n)} of {share.n} pictures are one of "
            f"{len(found.cliques)} pictures that it draws again and again, one of them from "
            f"{len(largest.pictures)} seeds: at least {share.low:.1%}, and chance explains "
            f"{limit:.1%}. What comes back so is known by heart.",
        )
    reasons = [
        "Which pictures taught it is unknown. It can be seen only whether it draws one picture "
        "again and again, never that it copies none.",
    ]
    if found.cliques:
        reasons.append(
            f"{len(found.cliques)} pictures came back from {FEWEST} seeds or more, which "
            f"{found.generated} pictures cannot tell from chance: look at them, and draw at least "
            f"{needed(RATE)} of each."
        )
    return "not measured", tuple(reasons)


def _among(
    shots: Sequence[Shot],
    figure: Figure | None,
    what: str,
    on_picture: Callable[[str, int, int | None], None],
) -> list[Seen]:
    """Each picture against all the others."""
    known = References(shots, figure=figure)
    seen = []
    for number, shot in enumerate(shots):
        seen.append(known.see(shot.read(), without=(number,)))
        on_picture(what, number + 1, len(shots))
    return seen


def _cliques(seen: Sequence[Seen], limits: dict[Part, Threshold]) -> list[tuple[int, ...]]:
    pairs = [
        (number, other)
        for number, one in enumerate(seen)
        for other, evidence in one.closest.items()
        if kind_of(evidence, limits) in REPRODUCED
    ]
    groups = near.joined(len(seen), pairs, lambda i, j: True)
    return [group for group in groups if len(group) >= FEWEST]


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
