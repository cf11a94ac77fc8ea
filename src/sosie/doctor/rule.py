"""What a family of rules is made of: a reading of each picture, and judgements over the set.

A family's `measure` looks at one picture and returns a frozen record of plain values, which is kept
by the picture's content and the family's version; so a second examination reads nothing again. Its
rules judge the readings of a whole set. A new rule is one function and one line in a family's
`RULES`; a new family is one file and one line in `table.FAMILIES`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Dataset, Record
from sosie.core.terms import Kind
from sosie.doctor.records import Config, Finding, Mark, NotExamined, Severity
from sosie.doctor.view import View

R = TypeVar("R", bound=Record)
NO_FACE = "no face was found"
"""Why many a reading cannot be taken."""
TOO_FEW = "too few pictures to compare: it needs {}"
"""Why a rule that compares pictures does not judge."""

BOTH: tuple[Kind, ...] = ("person", "handwriting")


class Unread(Record):
    """Why a picture could not be read: a rule that needs the reading does not judge it."""

    reason: str
    lacking: bool = False
    """The detector is not installed: another time there may be a reading."""


@dataclass(frozen=True)
class Family:
    """How one kind of thing is read off a picture."""

    name: str
    version: int
    """Raise it when `measure` changes: readings under another version are taken again."""
    reading: type[Record]
    measure: Callable[[View], Record]
    """Gives a `reading`, or Unread where the picture has nothing to read."""
    original: bool = False
    """Whether it also reads what the file as given says of itself."""


@dataclass(frozen=True)
class Rule:
    """One judgement. Its words, in every language, stand under its name in `words.toml`."""

    name: str
    """`family.fault`, as a user types it after `--despite`."""
    judge: Callable[[Case], Iterable[Finding | NotExamined]]
    """What it finds, and where it declines to judge although there are readings."""
    needs: tuple[Family, ...] = ()
    """Whose readings it judges; where one is missing, the picture is not examined."""
    least: int = 0
    """Readings without which it cannot compare: of fewer it is not examined."""
    kinds: tuple[Kind, ...] = ("person",)
    unit: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    """By a finding's `which`, the unit where it is another."""
    fix: str | None = None
    """The mend that is offered, by its name in `mends.table`."""
    missing: bool = False
    """It speaks of what a set lacks rather than of what is wrong with a picture."""
    advisory: bool = False
    """Measured, it finds too few of its faults or speaks in too many good sets: reports say so."""
    against: bool = True
    """Whether its findings speak against the pictures that they name: praise, a question, and what
    only the set has too much of cost no picture its seat."""
    unfit: bool = False
    """Pictures that it names show nothing of the person: they are not proposed, however few there
    are."""
    binding: bool = False
    """Its findings can be neither waived nor dismissed: the pictures must go or be mended."""


@dataclass(frozen=True)
class Clustering:
    """Pictures that share something of which a set should not have too much."""

    rules: tuple[str, ...]
    """The rules that speak when there is too much of it; the first is given as the reason."""
    cap: Callable[[Config], int]
    """How many of one group the proposal may take."""
    groups: Callable[[Case], Sequence[tuple[int, ...]]]
    """Groups of two or more item numbers; a picture may be in none."""
    firm: bool = True
    """Whether the proposal rather stays short than takes more."""


@dataclass(frozen=True, eq=False)
class Case:
    """The set before a rule: all pictures, and the readings taken of them."""

    dataset: Dataset
    config: Config
    taken: dict[str, Sequence[Any]] = field(default_factory=dict)
    """Family name -> for each item a reading or why there is none."""

    def read(self, family: Family, kind: type[R]) -> Iterator[tuple[int, R]]:
        """Item number and reading, for every picture that has one."""
        for number, reading in enumerate(self.taken.get(family.name, ())):
            if isinstance(reading, kind):
                yield number, reading

    def sample(self, number: int) -> str:
        """The hash by which findings name a picture."""
        return self.dataset.items[number].sample

    def finding(
        self,
        rule: str,
        severity: Severity,
        numbers: Sequence[int] = (),
        *,
        value: float | None = None,
        threshold: float | None = None,
        boxes: Sequence[tuple[int, Box]] = (),
        **said: str | int,
    ) -> Finding:
        """A finding about pictures by their numbers; `pictures` is always among what is said."""
        return Finding(
            rule=rule,
            severity=severity,
            samples=tuple(self.sample(number) for number in numbers),
            value=value,
            threshold=threshold,
            marks=tuple(Mark(sample=self.sample(number), box=box) for number, box in boxes),
            said={"pictures": len(numbers), **said},
        )

    def unexamined(self, rule: str, reason: str, numbers: Sequence[int] = ()) -> NotExamined:
        """That a rule does not judge pictures by their numbers, or the set, though they were read.

        `reason` has words in every language in `terms.toml`.
        """
        samples = tuple(self.sample(number) for number in numbers)
        return NotExamined(rule=rule, samples=samples, reason=reason)

    def too_few(self, rule: str, least: int) -> NotExamined:
        """That a rule has fewer readings than it needs."""
        return self.unexamined(rule, TOO_FEW.format(least))


def over(
    case: Case,
    rule: str,
    severity: Severity,
    measured: Iterable[tuple[int, float, Box | None]],
    threshold: float,
    *,
    below: bool = False,
) -> Iterator[Finding]:
    """One finding naming every picture whose value is above (or below) the threshold, worst first.

    `measured` gives item number, value, and where on the picture it was measured.
    """
    sign = -1 if below else 1
    bad = [entry for entry in measured if sign * entry[1] > sign * threshold]
    if not bad:
        return
    bad.sort(key=lambda entry: -sign * entry[1])
    yield case.finding(
        rule,
        severity,
        [number for number, _, _ in bad],
        value=round(bad[0][1], 4),
        threshold=threshold,
        boxes=[(number, box) for number, _, box in bad if box is not None],
    )


def naming(which: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, each saying which of its rule's cases it is."""
    for finding in findings:
        yield finding.model_copy(update={"said": {**finding.said, "which": which}})


def packed(vector: NDArray[np.floating[Any]]) -> str:
    """A vector as text for a reading: base64 of float16."""
    return base64.b64encode(np.asarray(vector, np.float16).tobytes()).decode()


def unpacked(text: str) -> NDArray[np.float32]:
    """The vector again, scaled to unit length."""
    vector = np.frombuffer(base64.b64decode(text), np.float16).astype(np.float32)
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
