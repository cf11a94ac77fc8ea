"""How many pictures there are: about 15 good and varied ones teach well.

DreamBooth's objects peak near four pictures; MyTimeMachine's identity rises from .58 at 10 to .67
at 50. Nobody published a figure for 15, which is a practitioner's rule. Several of one shot count
as one, and a picture without a face as none.
"""

from __future__ import annotations

from collections.abc import Iterator

from sosie.doctor.records import Finding, Severity
from sosie.doctor.rule import BOTH, Case, Rule
from sosie.doctor.rules import twins, who

LEAST = 4
"""Below it nothing can be withheld, so nothing could be measured."""
FEW = 10
"""Below it backgrounds and clothes are learned with the person."""


def _few(case: Case) -> Iterator[Finding]:
    have, which = len(case.dataset.items), "all"
    shown = _shown(case)
    if shown < have:
        have, which = shown, "shown"
    if have < FEW:
        severity: Severity = "blocker" if have < LEAST else "warning"
        which = {"all": "one", "shown": "shown_one"}[which] if have == 1 else which
        yield case.finding("count.few", severity, value=have, threshold=FEW, have=have, which=which)


def _shown(case: Case) -> int:
    """How many different shots show a face, as far as other rules' readings tell.

    Where most pictures show none, `who.no_face` stops the set, and all are counted.
    """
    count = len(case.dataset.items)
    without = {number for number, faces in case.read(who.FACES, who.Faces) if not faces.boxes}
    if len(without) > who.NOBODY * count:
        without = set()
    groups = twins.groups(case)
    alone = set(range(count)).difference(*groups) - without
    return len(alone) + sum(not without.issuperset(group) for group in groups)


RULES = (Rule(name="count.few", judge=_few, kinds=BOTH, unit="pictures", missing=True),)
