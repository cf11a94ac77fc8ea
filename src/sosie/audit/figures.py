"""The figures of an audit: each with its interval, what it means, and where it must lie.

One set of generated pictures is measured, against the base alone at the same prompts and seeds and
against the person's real pictures. Groups of the bootstrap are the scenes (see `ratio_interval`): a
scene's prompts and seeds are drawn again together. A gate looks at the interval's ends, never at
the figure itself, and what is unsure or could not be measured does not pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from sosie.audit.intervals import (
    Interval,
    mean_interval,
    rate_interval,
    ratio_interval,
    share_interval,
)
from sosie.audit.kinds import KINDS, Kind
from sosie.audit.likeness import Known
from sosie.audit.panel import Look
from sosie.audit.prompts import Prompt
from sosie.core.records import Record

State = Literal["passed", "failed", "unsure", "not measured", "told"]
"""A figure without a gate is told. What must be reached is unsure where it may have been; what must
not happen fails where it may have."""

JUDGES = 2
"""Identity networks that it takes to say that a person was learned: one may be fooled."""
FLOOR = 8
"""Pictures by the base alone with a face from which a floor is taken: of fewer, one odd face would
move it."""
SPLITS = 999
"""Random splits of the real pictures: a chance of a thousandth can then be told."""


class Figure(Record):
    """One figure of an audit."""

    name: str
    """A key of `KINDS`."""
    judge: str | None
    """The identity network that it rests on, if it rests on one."""
    interval: Interval | None
    state: State
    why: str | None = None
    """Why it was not measured."""
    mend: str | None = None
    """The command that mends what failed, or tells more of what is unsure; None for others, and
    where there is none."""
    least: float | None = None
    """Where the interval's lower end had to lie when it was judged; `most` likewise the upper."""
    most: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:
        """With the bounds of the table, where it says none: it is judged now, or was by an audit
        that did not say."""
        if not isinstance(given, dict) or {"least", "most"} & given.keys():
            return given
        kind = KINDS.get(given.get("name", ""))
        return given if kind is None else {**given, "least": kind.least, "most": kind.most}

    @property
    def kind(self) -> Kind:
        """What it means and where it must lie."""
        return KINDS[self.name]


@dataclass(frozen=True, eq=False)
class Shown:
    """Generated pictures as the panel sees them, with the prompt of each."""

    prompts: Sequence[Prompt]
    looks: Sequence[Look]

    @property
    def scenes(self) -> list[int]:
        """The group of each picture."""
        return [prompt.scene for prompt in self.prompts]

    def by_scene(self, values: Sequence[float]) -> tuple[float, ...]:
        """The mean over each scene's pictures of their `values`, in the order of the prompts."""
        found: dict[int, list[float]] = {}
        for scene, value in zip(self.scenes, values, strict=True):
            found.setdefault(scene, []).append(value)
        return tuple(sum(few) / len(few) for few in found.values())

    def cosines(self, judge: str, known: Known) -> list[float]:
        """Each picture's mean cosine to the held-out pictures; 0 where it shows no face, so that
        a bad picture gains nothing."""
        return [known.cosine(look.face(judge)) or 0.0 for look in self.looks]

    def floor(self, judge: str, known: Known) -> list[float] | None:
        """Each picture's cosine as anybody's: where it shows no face the mean of those that do, so
        that whoever draws any face at all gains nothing; None where fewer than `FLOOR` do."""
        seen = [known.cosine(look.face(judge)) for look in self.looks]
        shown = [cosine for cosine in seen if cosine is not None]
        if len(shown) < FLOOR:
            return None
        usual = sum(shown) / len(shown)
        return [usual if cosine is None else cosine for cosine in seen]

    def faces(self, judge: str) -> NDArray[np.float32]:
        """The faces that `judge` finds, (n, D)."""
        seen = [look.face(judge) for look in self.looks]
        return np.array([face for face in seen if face is not None], np.float32)

    def leans(self, judge: str, known: Known) -> tuple[list[float], list[int]]:
        """For each picture that shows a face, by how much training is nearer, and its scene."""
        found, scenes = [], []
        for scene, look in zip(self.scenes, self.looks, strict=True):
            if (face := look.face(judge)) is not None:
                found.append(known.lean(face))
                scenes.append(scene)
        return found, scenes


def measure(made: Shown, base: Shown, known: Mapping[str, Known]) -> list[Figure]:
    """All figures of `made`, pictures of prompts that `base` answers at the same seeds in the same
    order; `known` has the real pictures for every judge that could be asked, the first first.
    """
    found = []
    for judge, real in known.items():
        found += _by_judge(made, base, judge, real)
    if len(known) < JUDGES:
        (alone,) = known
        found.append(
            unmeasured("learned", f"it takes two independent networks; {alone} alone judges")
        )
    first = next(iter(known))
    shows = [look.faces[first] is not None for look in made.looks]
    found.append(judged("faces", rate_interval(shows, groups=made.scenes)))
    if all(look.reads is not None for look in made.looks):
        obeys = [
            all((look.reads or {}).get(ask) == asked for ask, asked in prompt.asks.items())
            for prompt, look in zip(made.prompts, made.looks, strict=True)
        ]
        found.append(judged("obedience", rate_interval(obeys, groups=made.scenes)))
    if all(look.scene is not None for look in (*made.looks, *base.looks)):
        apart, of_base = _apart(made), _apart(base)
        if apart:
            groups = [prompt.scene for prompt, _ in apart]
            above, below = ([far for _, far in pairs] for pairs in (apart, of_base))
            found.append(judged("diversity", ratio_interval(above, below, groups=groups)))
    return in_order(found)


def in_order(found: Sequence[Figure]) -> list[Figure]:
    """Figures in the order in which they are told."""
    order = list(KINDS)
    return sorted(found, key=lambda figure: order.index(figure.name))


def _by_judge(made: Shown, base: Shown, judge: str, known: Known) -> list[Figure]:
    scores, scenes = made.cosines(judge, known), made.scenes
    likeness = mean_interval(scores, groups=scenes)
    assert likeness is not None, "there is at least one picture"
    return [
        *_over_base(made, base, scores, judge, known),
        judged("likeness", likeness.scaled(1 / known.unit), judge),
        *leaning(made, judge, known),
        *spread(made, judge, known),
    ]


def _over_base(
    made: Shown, base: Shown, scores: Sequence[float], judge: str, known: Known
) -> list[Figure]:
    """What stands on the difference to the base alone."""
    floor = base.floor(judge, known)
    if floor is None:
        why = f"fewer than {FLOOR} pictures by the base alone show {known.shows}"
        return [unmeasured(name, why, judge) for name in ("learned", "lift", "garments")]
    lifts = [score - low for score, low in zip(scores, floor, strict=True)]
    way = [known.unit - low for low in floor]
    learned = judged("learned", ratio_interval(lifts, way, groups=made.scenes), judge)
    if sum(way) <= 0:
        why = "the base alone is already as like as two real pictures are to each other"
        learned = unmeasured("learned", why, judge)
    lift = mean_interval(lifts, groups=made.scenes)
    return [learned, judged("lift", lift, judge), _garments(made, lifts, judge)]


def leaning(made: Shown, judge: str, known: Known) -> list[Figure]:
    """Whether the pictures are nearer to the training pictures than to the held-out ones."""
    if not known.training:
        return [unmeasured("repeats", f"no training picture on file shows {known.shows}", judge)]
    leans, of = made.leans(judge, known)
    if not leans:
        return [unmeasured("repeats", f"no picture shows {known.shows}", judge)]
    scaled = known.leaning(leans)
    lean = unmeasured("repeats", "a training picture given back would hardly lean itself", judge)
    if scaled is not None:
        lean = judged("repeats", mean_interval(scaled, groups=of), judge)
    chance = known.interchanged(made.faces(judge), SPLITS)
    return [
        judged("copycat", rate_interval([one > 0 for one in leans], groups=of), judge),
        lean,
        judged("chance", share_interval(round(chance * SPLITS), SPLITS), judge),
    ]


def spread(made: Shown, judge: str, known: Known) -> list[Figure]:
    """How much the likeness changes from seed to seed; nothing with one seed."""
    found = _spread(made, made.cosines(judge, known))
    return [] if found is None else [judged("spread", found.scaled(1 / known.unit), judge)]


def judged(name: str, interval: Interval | None, judge: str | None = None) -> Figure:
    """A figure with its state: the interval's ends against the gate."""
    kind = KINDS[name]
    if interval is None or interval.low is None or interval.high is None:
        return unmeasured(name, "the pictures cannot say how sure it is", judge, interval)
    state: State = "told"
    if kind.least is not None:
        state = "passed" if interval.low >= kind.least else "failed"
        if interval.low < kind.least <= interval.high:
            state = "unsure"
    if kind.most is not None:
        state = "passed" if interval.high <= kind.most else "failed"
    return Figure(name=name, judge=judge, interval=interval, state=state)


def unmeasured(
    name: str, why: str, judge: str | None = None, interval: Interval | None = None
) -> Figure:
    """A figure that could not be measured."""
    return Figure(name=name, judge=judge, interval=interval, state="not measured", why=why)


def _garments(made: Shown, lifts: Sequence[float], judge: str) -> Figure:
    """Σ lift over the base with a garment / Σ lift of the same scenes and seeds without one."""
    rows = list(zip(made.prompts, lifts, strict=True))
    dressed = [(prompt.scene, lift) for prompt, lift in rows if prompt.garment]
    plain = [(prompt.scene, lift) for prompt, lift in rows if not prompt.garment]
    groups = [scene for scene, _ in dressed]
    assert groups == [scene for scene, _ in plain], "each scene is drawn both ways"
    above, below = ([lift for _, lift in side] for side in (dressed, plain))
    whole = mean_interval(below, groups=groups)
    if whole is None or whole.low is None or whole.low <= 0:
        # A share of what may be nothing may be anything.
        why = "it is not sure that without a garment the pictures are more like than the base's"
        return unmeasured("garments", why, judge)
    return judged("garments", ratio_interval(above, below, groups=groups), judge)


def _apart(shown: Shown) -> list[tuple[Prompt, float]]:
    """One less the cosine of what is shown, over the pairs of pictures of one prompt."""
    by_prompt: dict[str, list[int]] = {}
    for i, prompt in enumerate(shown.prompts):
        by_prompt.setdefault(prompt.key, []).append(i)
    scenes = [np.array(look.scene) for look in shown.looks]
    return [
        (shown.prompts[i], float(max(0.0, 1 - scenes[i] @ scenes[j])))
        for places in by_prompt.values()
        for i, j in combinations(places, 2)
    ]


def _spread(made: Shown, scores: Sequence[float]) -> Interval | None:
    """Standard deviation over the seeds of one prompt, pooled over prompts; None with one seed."""
    by_prompt: dict[str, list[float]] = {}
    scene_of = {prompt.key: prompt.scene for prompt in made.prompts}
    for prompt, score in zip(made.prompts, scores, strict=True):
        by_prompt.setdefault(prompt.key, []).append(score)
    squares = [float(np.var(few)) * len(few) for few in by_prompt.values()]
    freedom = [len(few) - 1.0 for few in by_prompt.values()]
    groups = [scene_of[key] for key in by_prompt]
    variance = ratio_interval(squares, freedom, groups=groups)
    if variance is None or variance.low is None or variance.high is None:
        return None
    ends = {name: math.sqrt(getattr(variance, name)) for name in ("value", "low", "high")}
    return variance.model_copy(update={**ends, "n": len(scores)})
