"""The figures of an audit of a handwriting: is it the hand, and is it written right?

Groups of the bootstrap are the texts, each with all its seeds. The base alone answers the same
prompts at the same seeds. A judge that takes other hands for this one may not speak of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sosie.audit.choice import Point
from sosie.audit.figures import (
    Figure,
    Shown,
    in_order,
    judged,
    leaning,
    spread,
    unmeasured,
)
from sosie.audit.handwriting.notes import TEXT
from sosie.audit.handwriting.reading import Misread, above, error, misread
from sosie.audit.handwriting.strangers import Strangers
from sosie.audit.intervals import mean_interval, rate_interval, ratio_interval
from sosie.audit.likeness import Known

TRUSTED = 0.75
"""Share of other hands that a judge must tell from the writer's, at the lower end, to be heard."""


@dataclass(frozen=True, eq=False)
class Writer:
    """The writer's own lines, as the judges and the reader see them."""

    known: Mapping[str, Known]
    """By judge; the first chooses."""
    strangers: Mapping[str, Strangers]
    """By judge."""
    own: Mapping[int, Misread]
    """What the reader makes of the writer's own notes; a note whose text is asked for has its
    scene as its key."""


def point(step: int, strength: float, shown: Shown, writer: Writer) -> Point:
    """The point of the curve that pictures of one checkpoint at one strength make."""
    from sosie.audit.choice import point as of_likeness

    found = of_likeness(step, strength, shown, writer.known)
    lines = _misread(shown)
    missed = error(lines)
    assert missed is not None, "there is at least one picture"
    # A long text weighs in a scene as it does in the whole.
    usual = sum(line.of for line in lines) / len(lines)
    wrong = shown.by_scene([line.wrong / usual for line in lines])
    scenes = tuple(like - share for like, share in zip(found.scenes, wrong, strict=True))
    return found.model_copy(update={"error": missed.value, "scenes": scenes})


def measure(made: Shown, base: Shown, writer: Writer) -> list[Figure]:
    """All figures of `made`, pictures of prompts that `base` answers at the same seeds in the same
    order."""
    found = []
    for judge, known in writer.known.items():
        found += _by_judge(made, base, judge, known, writer.strangers[judge])
    holds = [bool((look.reads or {}).get(TEXT)) for look in made.looks]
    lines, alone = _misread(made), _misread(base)
    right = [line.wrong == 0 for line in lines]
    found += [
        judged("written", rate_interval(holds, groups=made.scenes)),
        judged("error_above_own", above(lines, made.scenes, writer.own)),
        judged("error", error(lines, made.scenes)),
        judged("error_of_own", error(list(writer.own.values()))),
        judged("error_of_base", error(alone, base.scenes)),
        judged("right", rate_interval(right, groups=made.scenes)),
    ]
    return in_order(found)


def _by_judge(
    made: Shown, base: Shown, judge: str, known: Known, strangers: Strangers
) -> list[Figure]:
    own, scenes = known.unit, made.scenes
    scores, alone = made.cosines(judge, known), base.cosines(judge, known)
    # A base that does not write at all is less like the writer than anybody's hand, and coming from
    # there to anybody's hand is no way to the writer.
    floor = [max(score, strangers.usual) for score in alone]
    learned = ratio_interval(
        [score - low for score, low in zip(scores, floor, strict=True)],
        [own - low for low in floor],
        groups=scenes,
    )
    lifts = [score - score_alone for score, score_alone in zip(scores, alone, strict=True)]
    likeness, lift = (mean_interval(values, groups=scenes) for values in (scores, lifts))
    assert likeness is not None, "there is at least one picture"
    told = strangers.told_apart
    assert told.low is not None, "an exact interval has both ends"
    way = judged("hand", learned, judge)
    if told.low < TRUSTED:
        why = f"this judge is sure to tell only {told.low:.0%} of other hands from this one"
        way = unmeasured("hand", why, judge, learned)
    return [
        way,
        judged("hand_likeness", likeness.scaled(1 / own), judge),
        judged("lift", lift, judge),
        judged("other_hands", told, judge),
        *leaning(made, judge, known),
        *spread(made, judge, known),
    ]


def _misread(shown: Shown) -> Sequence[Misread]:
    return [
        misread((look.reads or {}).get(TEXT, ""), prompt.asks[TEXT])
        for prompt, look in zip(shown.prompts, shown.looks, strict=True)
    ]
