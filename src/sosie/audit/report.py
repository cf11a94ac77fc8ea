"""What an audit of likeness found, as one record to be signed, filed and shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from sosie.audit.choice import Choice, Point
from sosie.audit.figures import Figure
from sosie.audit.intervals import Interval
from sosie.audit.panel import Unmeasured
from sosie.core.records import Record
from sosie.core.terms import Kind, Verdict


class Held(Record):
    """The pictures that training never saw."""

    withheld: int
    """By the run's manifest."""
    gone: int
    """No longer on file."""
    taught_gone: int = 0
    """Training pictures that are no longer on file: a copy of one of these shows nowhere."""
    leaked: tuple[str, ...]
    """Samples that nearly equal a training picture, found by content: nothing is judged by them."""
    with_face: dict[str, int]
    """By judge: those that show a face, or writing, and so likeness is measured against."""
    cosines: dict[str, tuple[float, ...]]
    """By judge: the chosen pictures' mean cosine to each of them. Where these are far apart, the
    figure depends on which pictures were withheld more than its interval tells."""
    own_median: dict[str, float]
    """By judge: median cosine of two real pictures, the unit of likeness."""


class Worth(Record):
    """What a judge of hands is worth: measured on drawn writers that it never saw, not on real
    ones."""

    judge: str
    pairs: Interval
    """Area under the ROC curve: how often two lines of one writer are more alike to it than one
    line each of two."""
    named: Interval
    """Share of lines whose writer it names, by four other lines each."""
    among: int
    """Writers that it names among."""


class Audit(Record):
    """An audit of likeness."""

    format: int = 1
    kind: Kind = "person"
    """What the pictures show."""
    sosie: str
    adapter: str
    subject: str
    base: str
    base_sha256: str
    tensors_sha256: str
    """Of the checkpoint that was chosen, whose figures these are."""
    taken: datetime
    seed: int
    """Seeds of the pictures follow from it (`prompts.seed_of`)."""
    prompts: tuple[str, ...]
    """With the trigger as "{trigger}"."""
    chosen_on: int = Field(ge=1)
    """Pictures of each checkpoint at each strength by which one was chosen."""
    measured_on: int = Field(ge=1)
    """Other pictures, of other seeds, by which the figures of that one were taken."""
    judges: dict[str, str]
    """Hashes of the identity networks by name; the first chose."""
    worth: tuple[Worth, ...] = ()
    """Of the judges of a handwriting."""
    averaged: bool | None = None
    """Whether these weights are the running average of the run's; None where it averaged none."""
    held: Held
    curve: tuple[Point, ...]
    choice: Choice
    figures: tuple[Figure, ...]
    not_measured: tuple[Unmeasured, ...]
    seconds: float
    """Of the last process that worked at it."""

    verdict: Verdict = "not measured"
    """As it was when the figures were judged: see `verdict_of`."""
    own_step: int | None = None
    """The step whose weights a prompt calls by the LoRA's bare name; None in audits that did not
    say."""

    @model_validator(mode="before")
    @classmethod
    def _judged(cls, given: Any) -> Any:
        """With the verdict of its figures, where it says none: it is made now, or by a version that
        did not say."""
        if not isinstance(given, dict) or "verdict" in given:
            return given
        figures = [Figure.model_validate(one) for one in given.get("figures", ())]
        return {**given, "verdict": verdict_of(figures)}

    @property
    def elsewhere(self) -> str | None:
        """What the figures are of, where the LoRA's bare name draws with something else."""
        step, strength = self.choice.step, self.choice.strength
        if self.own_step is None or (step, strength) == (self.own_step, 1.0):
            return None
        return (
            f"This speaks of {self.adapter}@{step} at strength {strength:g}. {self.adapter} alone "
            f"draws with step {self.own_step} at strength 1: call the one that was audited, and "
            f"publish it with --lora {self.adapter}@{step}."
        )


def verdict_of(figures: Iterable[Figure]) -> Verdict:
    """Failed if a gated figure did; else not measured if one could not be, or is unsure; else
    passed."""
    states = {figure.state for figure in figures}
    gated = bool(states & {"failed", "passed"})
    if "failed" in states:
        return "failed"
    return "passed" if gated and not states & {"unsure", "not measured"} else "not measured"
