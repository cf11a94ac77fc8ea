"""Explicit pictures that are on file: they came in before a guardian signed, or unexamined.

New ones are refused at the door by the same measure. The detector was never tried on unsafe
pictures, so how much it misses is unknown; it knows nothing of age.
"""

from __future__ import annotations

from collections.abc import Iterator

from sosie.core.records import Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import BOTH, Case, Family, Rule, over
from sosie.doctor.view import View
from sosie.models import unsafe

ADULT = 18
"""Years of stated age below which a picture is judged as if a guardian had signed."""


class Reading(Record):
    """What the detector says."""

    score: float
    """As `unsafe.score`."""


def _measure(view: View) -> Record:
    return Reading(score=round(unsafe.score(view.small), 4))


FAMILY = Family("safe", 1, Reading, _measure)


def _unsafe(case: Case) -> Iterator[Finding]:
    age = case.config.age
    limit = unsafe.limit(guarded=case.config.guarded or (age is not None and age < ADULT))
    measured = ((number, r.score, None) for number, r in case.read(FAMILY, Reading))
    return over(case, "safe.unsafe", "blocker", measured, limit)


RULES = (
    Rule(
        name="safe.unsafe",
        judge=_unsafe,
        needs=(FAMILY,),
        kinds=BOTH,
        unit="score up to 1",
        binding=True,
    ),
)
