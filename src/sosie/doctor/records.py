"""What an examination takes and what it gives. Every figure has its unit beside it."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import Field

from sosie.core.canonical import canonical_json
from sosie.core.records import Box, Record

Severity = Literal["blocker", "warning", "advice"]
"""A blocker stops training unless it is waived; advice never changes the verdict."""
Verdict = Literal["ready", "needs attention", "blocked"]

SEVERITIES: tuple[Severity, ...] = ("blocker", "warning", "advice")
"""Gravest first."""


class Config(Record):
    """What the examination is for."""

    wanted: int = Field(default=15, ge=1)
    """Pictures to propose for training."""
    hold_out: int = Field(default=5, ge=0)
    """Pictures to propose for judging, which training never sees."""
    cap: int = Field(default=3, ge=2)
    """How many pictures may share a background, an outfit or a hairstyle."""
    side: int = Field(default=512, ge=16)
    """Pixels of the square that the base is trained at."""
    age: int | None = Field(default=None, ge=0, le=130)
    """Age in years, if it was stated: lines and faces are read against it."""
    guarded: bool = False
    """Whether a guardian signed for the person: pictures must not be revealing either."""


class Mark(Record):
    """A place on a picture that shows what a finding is about."""

    sample: str
    """`picture_sha256`."""
    box: Box
    """In pixels of the stored picture."""


class Finding(Record):
    """One thing to know about a set, with the evidence for it."""

    rule: str
    severity: Severity
    samples: tuple[str, ...] = ()
    """`picture_sha256` of the pictures concerned, the clearest case first; empty: the whole set."""
    value: float | None = None
    """What was measured, in the rule's unit: of the clearest case."""
    threshold: float | None = None
    """What it was compared with."""
    marks: tuple[Mark, ...] = ()
    said: dict[str, str | int] = Field(default_factory=dict)
    """What the wording names, such as a number of pictures or a view. By `which` and `at` findings
    of one rule about the same pictures are told apart."""
    dismissed: bool = False
    mend: str | None = None
    """The mend that answers it, by its name in `mends.table`."""

    @property
    def id(self) -> str:
        """Twelve digits that stay the same as long as the rule says as grave a thing of the same
        pictures: what was set aside as a hint does not silence a blocker.

        Of the whole set, it must say the same. Boxes are left out, for mending moves them.
        """
        said: dict[str, str | int | float] = dict(self.said)
        if self.samples:
            said = {name: said[name] for name in ("which", "at") if name in said}
        elif self.value is not None:
            said["value"] = float(f"{self.value:.1g}")
        about = canonical_json([self.rule, self.severity, sorted(self.samples), said])
        return hashlib.sha256(about).hexdigest()[:12]


class NotExamined(Record):
    """A rule that could not look, at some pictures or at all: never to be read as passed."""

    rule: str
    samples: tuple[str, ...] = ()
    """Empty: the whole set."""
    reason: str
    lacking: bool = False
    """A detector is not installed: another time the rule may be able to look."""


class LeftOut(Record):
    """A picture that is not proposed, and the rules that spoke against it."""

    sample: str
    rules: tuple[str, ...]


class Proposal(Record):
    """Which pictures to train on and which to hold out, best first."""

    train: tuple[str, ...] = ()
    hold_out: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Checkup(Record):
    """The whole examination of one set."""

    subject: str
    dataset_sha256: str
    """`Dataset.content_sha256` of what was examined."""
    config: Config
    names: dict[str, str]
    """`picture_sha256` -> file name, for every picture examined."""
    findings: tuple[Finding, ...]
    """Gravest first, then in the order of the table of rules."""
    passed: tuple[str, ...]
    """Rules that looked at every picture and found nothing."""
    not_examined: tuple[NotExamined, ...]
    proposal: Proposal

    @property
    def pictures(self) -> int:
        """How many pictures were examined."""
        return len(self.names)

    @property
    def open(self) -> tuple[Finding, ...]:
        """Findings that were not dismissed."""
        return tuple(finding for finding in self.findings if not finding.dismissed)

    @property
    def verdict(self) -> Verdict:
        """The gravest open finding decides; there is no score."""
        grave = {finding.severity for finding in self.open}
        if "blocker" in grave:
            return "blocked"
        return "needs attention" if "warning" in grave else "ready"
