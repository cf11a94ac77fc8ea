"""Trials of the doctor's rules, kept as they are made: an interrupted run goes on where it stopped.

A trial is one set with one rule's fault planted in it, or a good set. It holds for as long as the
modules of the rule and of its plant say the same; when one changes, its trials are made again.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from bench.kept import FOLDER, Ledger, code_sha256
from bench.plants import Shot
from bench.sets import Kept, bettered, examined, good, name_of, planted
from sosie.core.records import Record
from sosie.core.terms import Kind
from sosie.doctor import Finding, table
from sosie.doctor.records import SEVERITIES, Severity
from sosie.doctor.rule import Rule

KEPT = FOLDER / "doctor.jsonl"
KINDS: tuple[Kind, ...] = ("person", "handwriting")
CLEAN = -1
"""The strength of a fault that is not there."""
WEAK, MIDDLE, STRONG = range(3)
SETTINGS: dict[str, dict[str, object]] = {
    "safe.unsafe": {"guarded": True},
    "pixels.wasted": {"side": 128},
}
"""What else is said of a set when a rule is tried. Doubtful pictures block where a guardian signed,
and no explicit ones are at hand; pixels are wasted where a smaller base needs fewer."""


class Trial(Record):
    """What one rule said of one set."""

    rule: str
    kind: Kind
    set: int
    strength: int
    said: Severity | None
    """The gravest finding; of a planted set, of those that name a picture with the fault, or no
    picture. None: silence."""
    of: str
    """What the rule and the plant were, as `fingerprint` tells."""


def rules(kind: Kind) -> list[Rule]:
    """The rules for sets of a kind."""
    return [rule for rule in table.RULES if kind in rule.kinds]


def kept(path: Path = KEPT) -> list[Trial]:
    """The trials on file that still hold."""
    known = {rule.name for rule in table.RULES}
    return [
        trial
        for trial in Ledger(path, Trial).rows()
        if trial.rule in known and trial.of == fingerprint(trial.rule)
    ]


def go_on(count: int, path: Path = KEPT) -> None:
    """Make the trials that are missing until each rule has been tried on `count` sets.

    The middle strength, which alone counts towards what is asked, comes first.
    """
    ledger = Ledger(path, Trial)
    done = {(trial.rule, trial.kind, trial.set, trial.strength) for trial in kept(path)}
    for strengths, number in product(((CLEAN, MIDDLE), (WEAK, STRONG)), range(count)):
        for kind in KINDS:
            wanted = [
                (rule.name, strength)
                for rule in rules(kind)
                for strength in strengths
                if (rule.name, kind, number, strength) not in done
            ]
            for trial in _tried(kind, number, wanted):
                ledger.add(trial)
                done.add((trial.rule, trial.kind, trial.set, trial.strength))


def _tried(kind: Kind, number: int, wanted: Sequence[tuple[str, int]]) -> Iterator[Trial]:
    """Trials on one set and its spoilt versions: what was not spoilt is read once."""
    if not wanted:
        return
    plant_of, better, shots, shelf = planted(), bettered(), good(kind, number), Kept()
    made: dict[tuple[object, int], list[Shot]] = {}
    with tempfile.TemporaryDirectory() as name:
        for rule, strength in sorted(wanted, key=lambda pair: pair[1]):
            spoilt = shots
            if strength == CLEAN and rule in better:
                spoilt = better[rule](shots)
            elif strength != CLEAN:
                plant = plant_of[rule]
                if (plant, strength) not in made:
                    draw = np.random.default_rng([number, strength])
                    made[plant, strength] = plant(shots, strength, draw)
                spoilt = made[plant, strength]
            settings = SETTINGS.get(rule, {})
            found = examined(
                spoilt, Path(name), shelf, kind=kind, only=(rule,), settings=settings
            ).findings
            about = found if strength == CLEAN else _of(found, _changed(shots, spoilt))
            said = min((f.severity for f in about), key=SEVERITIES.index, default=None)
            yield Trial(
                rule=rule,
                kind=kind,
                set=number,
                strength=strength,
                said=said,
                of=fingerprint(rule),
            )


def _changed(shots: Sequence[Shot], spoilt: Sequence[Shot]) -> set[str]:
    """Names of the pictures that are new in the spoilt set, or there once more."""
    counted = (Counter((name_of(shot), shot.caption) for shot in part) for part in (shots, spoilt))
    before, after = counted
    return {name for name, _ in after - before}


def _of(findings: Sequence[Finding], changed: set[str]) -> list[Finding]:
    return [f for f in findings if not f.samples or changed.intersection(f.samples)]


@cache
def fingerprint(rule: str) -> str:
    """Changes with the modules of a rule, of what it reads, and of its plant; not with their words,
    nor with what is said of a rule's own figures."""
    known = table.rule(rule)
    modules = {known.judge.__module__, *(family.measure.__module__ for family in known.needs)}
    modules.add(planted()[rule].__module__)
    return code_sha256(*modules)[:12]
