"""What a search of copies is asked, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from sosie.audit.copying.evidence import Evidence, Part
from sosie.audit.copying.rights import Status
from sosie.audit.intervals import Interval
from sosie.core.records import Record
from sosie.models.faces import Picture

Kind = Literal["whole", "template", "figure", "background", "face"]
KINDS: tuple[Kind, ...] = ("whole", "template", "figure", "background", "face")
"""From the gravest on: all of the reference, the face's pixels too; all but the face; the person's
clothes and hair before another background; the background behind another figure; the face's pixels
alone."""
REPRODUCED: tuple[Kind, ...] = ("whole", "template")
"""Kinds that count as a reproduced picture; of the others a part was copied."""
Verdict = Literal["passed", "failed", "not measured"]
Null = Literal["held-out pictures", "the references among themselves"]


@dataclass(frozen=True)
class Shot:
    """A picture by name, read when it is needed."""

    name: str
    read: Callable[[], Picture]
    """(H, W, 3) bytes. Raises UnreadablePicture."""
    probe: str | None = None
    """How it was asked for, where that is known: rates are then told for each way."""


class Taught(Record):
    """One picture that training saw."""

    sample: str
    name: str
    """Of the file that it came from, and among equal names a part of the hash: what `Copying` calls
    it."""
    shot: int
    """Near-duplicates share it: they were taught as one picture, so many times as often."""
    rights: Status


LOOKS = 40
"""Looks that are told apart: what later ones may err by is nothing that a computer counts."""


class Config(Record):
    """What is asked of the audit."""

    false_positives: float = Field(default=0.01, gt=0, lt=1)
    """Of pictures that copy nothing, the share that may be taken for a copy."""
    at_most: float = Field(default=0.01, gt=0, lt=1)
    """Share of generated pictures that may reproduce a reference."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Of all looks at one thing together."""
    look: int = Field(default=0, ge=0, le=LOOKS)
    """Which look at one thing it is, from 1; 0 where there is only one."""
    controls: int = Field(default=20, ge=1, le=1000)
    """Copies that are planted to see whether they would be found."""
    seed: int = Field(default=1, ge=0)
    """Of the sample, where there are too many pictures to look at all."""

    @property
    def sure(self) -> float:
        """The confidence of this look: the k-th may err by one 2^k-th of what all may, so that who
        draws more until it passes errs no more often than who looks once (alpha spending; Lan &
        DeMets, Biometrika 70, 1983)."""
        return 1 - (1 - self.confidence) / 2.0**self.look

    @property
    def sure_next(self) -> float:
        """That of the look after it."""
        return self.model_copy(update={"look": self.look + 1}).sure if self.look else self.sure


class Threshold(Record):
    """From which correlation on a part counts as copied, and what that is worth."""

    part: Part
    value: float
    """In [-1, 1]."""
    false_positives: float
    """Share of exchangeable pictures that are flagged by chance at most, in the mean over nulls of
    this size: what the share is for this one, `Copying.by_chance` bounds."""
    raised: bool
    """Whether the audit's own pictures asked for more than the usual threshold."""
    of_base: float | None = None
    """The same bound for pictures of the base alone at the same prompts and seeds, where there are
    any."""


class Match(Record):
    """A generated picture that copies a reference, or a part of it."""

    made: str
    reference: str
    kind: Kind
    evidence: Evidence
    p: float
    """Conformal p-value of `rest`: (1 + pictures of the null that score as high) / (null + 1)."""


class Point(Record):
    """One threshold of the curve for `rest`."""

    threshold: float
    generated: Interval
    """Share of generated pictures at or above it."""
    null: Interval
    """The same of pictures that cannot be copies."""
    base: Interval | None
    """The same of the base's own pictures at the same seeds."""


class Probed(Record):
    """One way of asking, and what came of it."""

    probe: str
    reproduced: Interval
    """Share of its pictures that reproduce a reference, for its very prompts."""
    upper_bound: float
    """One-sided upper bound of that share."""
    pictures: int
    """Shots that it reproduced at least once: near-duplicates count as one."""
    base: Interval | None
    """The same share of the base alone, at the same prompts and seeds."""


class Copying(Record):
    """What a search of copies found. Shares are of pictures that could be read."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """Why, in sentences; each low figure with what mends it."""
    generated: int
    """Those that could be looked at."""
    unseen: int = 0
    """Those that could not: at the lower end of `reproduced` none of them is a copy, at its upper
    end and in `upper_bound` each."""
    references: int
    clusters: int
    """References with near-duplicates counted once."""
    null: Null
    null_size: int
    null_flagged: int = 0
    """How many of them look copied."""
    base_size: int
    """Pictures of the base alone."""
    base_flagged: int = 0
    by_chance: float = 1.0
    """One-sided upper bound of the share that looks copied by chance, by the null or the base,
    whichever allows more."""
    thresholds: tuple[Threshold, ...]
    controls: Interval | None
    """Share of planted copies that were found; None if none could be planted."""
    reproduced: Interval
    """Share of generated pictures that reproduce a reference (whole or template)."""
    upper_bound: float
    """One-sided upper bound of that share, at the configured confidence."""
    by_probe: tuple[Probed, ...] = ()
    """Where it is known how each picture was asked for."""
    by_kind: dict[Kind, Interval]
    """Share of generated pictures by the gravest kind found."""
    pictures: Interval
    """Share of references that were reproduced at least once: with one its near-duplicates, since
    which of them a copy is nearest to is an accident."""
    picture_bound: float
    """No single shot is reproduced in a larger share: one bound that holds for all at once."""
    by_cluster: Interval
    """Share of clusters of which a picture was reproduced."""
    near_duplicates: tuple[tuple[str, ...], ...] = ()
    """References that are one shot, where several are."""
    curve: tuple[Point, ...]
    matches: tuple[Match, ...]
    """The gravest first."""
    leaked: tuple[str, ...]
    """Held-out pictures that also lie among the references; left out of the null."""
    reproduced_references: tuple[str, ...]
    """With their near-duplicates."""
    unreadable_references: tuple[str, ...]
    unreadable: tuple[str, ...]
    """Why files were not looked at."""
    remarks: tuple[str, ...]
    """What else limits the figures."""
    config: Config
