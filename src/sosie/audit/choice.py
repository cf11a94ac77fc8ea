"""Which checkpoint, at which strength: the curve over both, and the choice with its reason.

The choice is made on one set of seeds and its figures are taken on another: the best of many is
partly luck, and pictures that chose it would flatter it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sosie.audit.figures import Shown
from sosie.audit.intervals import Interval, mean_interval
from sosie.audit.likeness import Known
from sosie.core.records import Record
from sosie.core.terms import LEVEL

UPRIGHT = 0.25
"""The same of the lean, of which 1 is a training picture given back."""


class Point(Record):
    """One checkpoint at one strength."""

    step: int
    strength: float
    likeness: dict[str, Interval]
    """By judge: mean cosine to the held-out pictures as a share of the person's own median."""
    lean: float | None
    """By how much training pictures are nearer than held-out ones, by the first judge, as
    `Known.leaning` scales it; None where there is no scale, or no face at all."""

    error: float | None = None
    """Of a handwriting: the share of characters that are misread."""
    scenes: tuple[float, ...] = ()
    """The score of each scene, in the order of the prompts; their mean is `score`. Points of one
    curve share their seeds, so that they are compared scene by scene."""

    @property
    def score(self) -> float:
        """Likeness by the first judge, which chooses; less what is misread, of a handwriting."""
        return next(iter(self.likeness.values())).value - (self.error or 0.0)

    @property
    def told(self) -> str:
        """Likeness, and what is misread, in words."""
        said = f"{next(iter(self.likeness.values())).value:.0%}"
        return said if self.error is None else f"{said}, {self.error:.0%} misread"

    @property
    def leaning(self) -> float:
        """`lean`, where leaning away counts as none."""
        return max(0.0, self.lean or 0.0)


class Choice(Record):
    """The checkpoint and the strength that were chosen."""

    step: int
    strength: float
    why: str
    worse_after: int | None
    """The step after which, at the chosen strength, every later checkpoint is surely worse; None
    if one may be as good."""
    rising: bool | None = None
    """Whether the last checkpoint at the chosen strength is surely better than each before it, so
    that longer training may help; None where there is but one."""


def point(step: int, strength: float, shown: Shown, known: Mapping[str, Known]) -> Point:
    """The point of the curve that pictures of one checkpoint at one strength make."""
    likeness, lean = {}, None
    scenes: tuple[float, ...] = ()
    for number, (judge, real) in enumerate(known.items()):
        own = real.unit
        interval = mean_interval(shown.cosines(judge, real), groups=shown.scenes)
        assert interval is not None, "there is at least one picture"
        likeness[judge] = interval.scaled(1 / own)
        if number == 0:
            scenes = shown.by_scene([score / own for score in shown.cosines(judge, real)])
            leans = real.leaning(shown.leans(judge, real)[0]) if real.training else None
            lean = sum(leans) / len(leans) if leans else None
    return Point(step=step, strength=strength, likeness=likeness, lean=lean, scenes=scenes)


def choose(points: Sequence[Point]) -> Choice:
    """The best by `Point.score`; of those level with it those that lean least to their training
    pictures, and of these the earliest step at the lowest strength. Raises ValueError for no point.
    """
    if not points:
        raise ValueError("there is nothing to choose from")
    best = max(points, key=lambda p: p.score)
    level = [p for p in points if p.score >= best.score - LEVEL]
    least = min(p.leaning for p in level)
    upright = [p for p in level if p.leaning <= least + UPRIGHT]
    chosen = min(upright, key=lambda p: (p.step, p.strength))
    beside = sorted((p for p in points if p.strength == chosen.strength), key=lambda p: p.step)
    later = [p for p in beside if p.step > chosen.step]
    worse = bool(later) and all(_surely_better(chosen, p) for p in later)
    *before, last = beside
    return Choice(
        step=chosen.step,
        strength=chosen.strength,
        why=_why(points, best, chosen, later, worse=worse),
        worse_after=chosen.step if worse else None,
        rising=all(_surely_better(last, p) for p in before) if before else None,
    )


def _surely_better(one: Point, other: Point) -> bool:
    """Whether the interval of the difference, scene by scene, lies above 0."""
    above = mean_interval([a - b for a, b in zip(one.scenes, other.scenes, strict=True)])
    return above is not None and above.low is not None and above.low > 0


def _why(
    points: Sequence[Point], best: Point, chosen: Point, later: Sequence[Point], *, worse: bool
) -> str:
    if len(points) == 1:
        return f"It is the only one that was looked at (likeness {chosen.told})."
    if chosen == best:
        most = "most like" if chosen.error is None else "most like and best to read"
        said = f"It is the {most} of {len(points)} ({chosen.told})."
    else:
        leans = best.leaning > chosen.leaning + UPRIGHT
        better = "leans less to its training pictures" if leans else "is earlier or weaker"
        said = (
            f"{_name(best)} is as good ({best.told} beside {chosen.told}, which so few "
            f"pictures cannot tell apart), and this one {better}."
        )
    if later and (worse or chosen == best):
        how, last = "worse" if worse else "no better", later[-1]
        said += f" Later checkpoints are {how}: at step {last.step} {last.told}."
    return said


def _name(point: Point) -> str:
    return f"Step {point.step} at strength {point.strength:g}"
