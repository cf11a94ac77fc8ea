"""What a set tells of its pictures that a mend must know: the usual skin, who the person is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sosie.core.records import Box, Dataset
from sosie.doctor.examine import read
from sosie.doctor.mends.mend import Known, Mend
from sosie.doctor.records import Checkup, Finding
from sosie.doctor.rules import skin, who
from sosie.doctor.shelf import Shelf

Know = Callable[[str, Mend], Known]
"""By a picture's hash, what is known of it for a mend."""


def known(dataset: Dataset, found: Checkup, shelf: Shelf) -> Know:
    """What a set and its checkup tell; the readings that the checkup took lie on `shelf`."""
    if dataset.kind == "person":
        case = read(dataset, found.config, (skin.FAMILY, who.FAMILY), shelf=shelf)
        usual = skin.usual_of(list(case.read(skin.FAMILY, skin.Reading)))
        people = {case.sample(number): box for number, box in who.person_of(case).items()}
    else:
        usual, people = None, {}

    def of(sample: str, mend: Mend) -> Known:
        return Known(
            side=found.config.side,
            usual=usual,
            person=people.get(sample),
            marked=_marked(found, sample, lambda finding: finding.mend == mend.name),
            marks=_marked(found, sample, lambda finding: finding.rule.startswith("marks.")),
        )

    return of


def _marked(found: Checkup, sample: str, wanted: Callable[[Finding], bool]) -> tuple[Box, ...]:
    """Where findings of a kind point on a picture."""
    marks = (mark for finding in found.findings if wanted(finding) for mark in finding.marks)
    return tuple(dict.fromkeys(mark.box for mark in marks if mark.sample == sample))


def offered(found: Checkup) -> Mapping[str, tuple[str, ...]]:
    """By the name of a mend, the pictures for which open findings ask for it.

    Of pictures that share a setting, those that may stay as they are do.
    """
    asked: dict[str, list[str]] = {}
    for finding in found.open:
        if finding.mend is not None:
            spared = int(finding.said.get("cap", 0))
            asked.setdefault(finding.mend, []).extend(finding.samples[spared:])
    return {name: tuple(dict.fromkeys(samples)) for name, samples in asked.items()}
