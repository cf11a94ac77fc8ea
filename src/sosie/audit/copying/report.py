"""What an audit of a LoRA's copying found, as one record to be signed, filed and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import Field

from sosie.audit.copying.counterfactual import Counterfactual
from sosie.audit.copying.doses import Dose, Named, Stage
from sosie.audit.copying.inside import Inside
from sosie.audit.copying.probes import Probe
from sosie.audit.copying.records import Copying, Taught, Verdict
from sosie.audit.copying.rights import Row
from sosie.audit.intervals import Interval
from sosie.core.records import Record


class Tried(Record):
    """One LoRA at one strength, as far as the choice between several needs it."""

    adapter: str
    step: int | None
    strength: float
    verdict: Verdict
    likeness: float | None
    reproduced: Interval
    remedies: tuple[str, ...] = ()
    """What was changed against copying, of a run that repeats another or in the weights: "repeats",
    "rank", "spectrum"…"""


class CopyAudit(Record):
    """An audit of whether a LoRA gives back the pictures that taught it."""

    format: int = 1
    sosie: str
    adapter: str
    subject: str
    base: str
    base_sha256: str
    tensors_sha256: str
    step: int | None
    """After how many steps the weights were written."""
    strength: float
    """That is meant; `raised strength` is that much more."""
    taken: datetime
    seed: int
    each: int = Field(ge=1)
    """Pictures of each probe, and as many of the base alone."""
    probes: tuple[Probe, ...]
    """The mixture that the rates hold for."""
    remedies: tuple[str, ...] = ()
    """What was changed against copying, in a run that repeats another or in the weights."""
    taught: tuple[Taught, ...]
    gone: int
    """Training pictures no longer on file, of which nothing can be said."""
    unasked: int = 0
    """Captions by which no picture was asked for."""
    explored: bool = False
    """Whether its pictures helped to choose it among several that were tried: then they cannot also
    show that it copies nothing."""
    bars: tuple[str, ...] = ()
    """Why it does not pass, whatever `copying` says: sentences, each with what mends it."""
    copying: Copying
    likeness: Interval | None
    """Mean cosine of the pictures by held-out prompts to the withheld ones, by SFace, as a share of
    the person's own median: what less copying may cost. None where it could not be measured."""
    tried: tuple[Tried, ...]
    """What is on file of the same subject's LoRAs, the latest of each, and this one at last."""
    rights: tuple[Row, ...]
    doses: tuple[Dose, ...]
    named: tuple[Named, ...] = ()
    """By how their captions name them, the same."""
    stages: tuple[Stage, ...] = ()
    """By checkpoint, this one too: audits on file that asked by the same words and seeds, at the
    same strength."""
    inside: tuple[Inside, ...]
    """What the weights tell of each shot that was taught and each picture that was withheld."""
    counterfactual: Counterfactual | None = None
    """What adapters tell that were trained without a part of the pictures, where that was asked."""
    mends: tuple[str, ...]
    """Commands that may mend it, the surest first; none where nothing was reproduced."""
    seconds: float
    """Of the last process that worked at it."""

    @property
    def verdict(self) -> Verdict:
        """What `copying` says; never passed while a training picture could not be looked for or
        asked for."""
        found = self.copying.verdict
        return "not measured" if found == "passed" and (self.gone or self.bars) else found

    @property
    def reasons(self) -> tuple[str, ...]:
        """Those of `copying`, and what bars it from passing."""
        return (*self.copying.reasons, *self.bars)

    def as_tried(self) -> Tried:
        """This audit beside others."""
        return Tried(
            adapter=self.adapter,
            step=self.step,
            strength=self.strength,
            verdict=self.verdict,
            likeness=None if self.likeness is None else self.likeness.value,
            reproduced=self.copying.reproduced,
            remedies=self.remedies,
        )


def frontier(tried: Sequence[Tried]) -> tuple[bool, ...]:
    """Of each, whether no other is at least as like and copies less, or more like and copies as
    little: what is left to choose from. One without likeness is never on it."""

    def beats(other: Tried, one: Tried) -> bool:
        if other.likeness is None or one.likeness is None:
            return False
        better = other.likeness - one.likeness, one.reproduced.value - other.reproduced.value
        return min(better) >= 0 and max(better) > 0

    return tuple(
        one.likeness is not None and not any(beats(other, one) for other in tried) for one in tried
    )


def stages(audits: Iterable[CopyAudit]) -> tuple[Stage, ...]:
    """By checkpoint, from the earliest on; the last audit of each counts. All are of one LoRA."""
    found = {
        one.step: Stage(
            step=one.step, reproduced=one.copying.reproduced, shots=one.copying.by_cluster
        )
        for one in audits
        if one.step is not None
    }
    return tuple(found[step] for step in sorted(found))
