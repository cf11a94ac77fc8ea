"""Mends against planted faults: does the rule fall silent, and does the face stay who it is?

Sets and faults are those of `bench.sets`, planted at middle strength or at STRENGTH. Every picture
that a rule names is mended by what the rule offers, with its usual options. A rule that is not to
fall silent is judged by what it measures. `SOSIE_BENCH_MENDED` takes more sets or fewer.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.plants import Shot
from bench.sets import Kept, dataset_of, examined, good_set, planted
from bench.trials import MIDDLE, SETTINGS, STRONG, WEAK
from sosie.core.errors import BadInput
from sosie.doctor import table
from sosie.doctor.mends import table as mends
from sosie.doctor.mends.apply import apply
from sosie.doctor.mends.kept import PERSON, SAME
from sosie.doctor.mends.kept import Kept as Face
from sosie.doctor.mends.known import known
from sosie.doctor.rule import Rule

SETS = int(os.environ.get("SOSIE_BENCH_MENDED", "3"))
STRENGTH = {"focus.soft": WEAK, "marks.kept": STRONG}
"""A blur of middle strength is refused, as it must be; a mole of middle strength is rarely seen in
so small a face."""
KEPT_ON = ("marks.kept",)
"""Rules that go on speaking: a mark that was strengthened is to be seen all the better."""


@dataclass
class Tally:
    """What became of the pictures that one rule named, over all sets."""

    named: int = 0
    refused: int = 0
    silent: int = 0
    faces: list[Face] = field(default_factory=list)
    values: list[tuple[float, float]] = field(default_factory=list)
    """What was measured of the clearest case, before and after, where the rule speaks again."""


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    plant_of = planted()
    rules = [rule for rule in table.RULES if rule.fix is not None and rule.name in plant_of]
    rules = [rule for rule in rules if "person" in rule.kinds]
    tallies = {rule.name: Tally() for rule in rules}
    for number in range(SETS):
        shots, shelf = good_set(number), Kept()
        for rule in rules:
            strength = STRENGTH.get(rule.name, MIDDLE)
            draw = np.random.default_rng([number, strength])
            spoilt = plant_of[rule.name](shots, strength, draw)
            _mend(rule, spoilt, shelf, tallies[rule.name])
    return [_row(rule, tallies[rule.name]) for rule in rules]


def _mend(rule: Rule, shots: Sequence[Shot], shelf: Kept, tally: Tally) -> None:
    mend, after = mends.mend(str(rule.fix)), list(shots)
    with tempfile.TemporaryDirectory() as name:
        folder, settings = Path(name), SETTINGS.get(rule.name, {})
        found = examined(shots, folder, shelf, only=(rule.name,), settings=settings)
        dataset = dataset_of(shots, folder)
        know = known(dataset, found, shelf)
        named = {sample for finding in found.findings for sample in finding.samples}
        done = []
        for number, item in enumerate(dataset.items):
            if item.sample not in named:
                continue
            tally.named += 1
            rgb = shots[number].rgb
            try:
                made = apply(mend, rgb, mend.options(), know(item.sample, mend), rgb)
            except BadInput:
                tally.refused += 1
                continue
            done.append(number)
            after[number] = replace(shots[number], rgb=made.rgb)
            tally.faces += [made.kept] if made.kept else []
        again = examined(after, folder, shelf, only=(rule.name,), settings=settings)
        for one, two in zip(found.findings, again.findings, strict=False):
            if one.value is not None and two.value is not None:
                tally.values.append((one.value, two.value))
        left = {sample for finding in again.findings for sample in finding.samples}
        items = dataset_of(after, folder).items
        tally.silent += sum(items[number].sample not in left for number in done)


def _row(rule: Rule, tally: Tally) -> tuple[str, str, str]:
    done = tally.named - tally.refused
    figure = f"{done} of {tally.named} mended, {tally.refused} refused"
    if rule.name not in KEPT_ON:
        figure += f", {tally.silent} then silent"
    elif tally.values:
        before, after = np.mean(tally.values, axis=0)
        figure += f", {rule.unit} from {before:.2f} to {after:.2f}"
    if tally.faces:
        identity = min(face.identity for face in tally.faces)
        shape = max(face.shape for face in tally.faces)
        figure += f"; identity at least {identity:.2f}, shape at most {shape:.1f}%"
    mend = mends.mend(str(rule.fix))
    return f"`{mend.name}` for `{rule.name}`", figure, f"identity {SAME if mend.safe else PERSON}"
