"""How many pictures there are: about 15 good and varied ones teach well.

DreamBooth's objects peak near four pictures; MyTimeMachine's identity rises from .58 at 10 to .67
at 50. Nobody published a figure for 15, which is a practitioner's rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from sosie.doctor.records import Finding, Severity
from sosie.doctor.rule import BOTH, Case, Rule

LEAST = 4
"""Below it nothing can be withheld, so nothing could be measured."""
FEW = 10
"""Below it backgrounds and clothes are learned with the person."""


def _few(case: Case) -> Iterator[Finding]:
    count = len(case.dataset.items)
    if count < FEW:
        severity: Severity = "blocker" if count < LEAST else "warning"
        yield case.finding("count.few", severity, value=count, threshold=FEW, have=count)


RULES = (Rule(name="count.few", judge=_few, kinds=BOTH, unit="pictures", missing=True),)
