"""The doctor against faults planted in photographs of real people.

The portraits are those of `bench.portraits`, public domain, read out of the packages that carry
them and never kept. A set is all of them, with one rule's fault planted at middle strength by
degrading some: faults that would need the person drawn again (a blink, a shirt) have no plant here.
A fault counts as found if the rule names a picture that has it. Beside it stands how many of the
untouched portraits the rule names: some are what it says, such as the two crops of one photograph
among them. `SOSIE_BENCH_SETS` takes more or fewer sets, which differ in where the fault is.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from bench.figures import FOUND, share
from bench.plants import Shot
from bench.portraits import archived
from bench.sets import Kept, examined, name_of, planted
from bench.trials import MIDDLE, SETTINGS
from sosie.doctor import table
from sosie.registry.intake import decode

SETS = int(os.environ.get("SOSIE_BENCH_SETS", "10"))
SIDE = 512
"""Longer side of a portrait in pixels: what is planted is then of the same size on each."""
FAMILIES = ("twins", "skin", "letters", "frames", "focus", "light", "grain", "pixels")
"""Whose plants degrade a picture rather than draw it again."""
DRAWN = ("grain.fine",)
"""Of these, what needs a camera's word."""


def portraits() -> list[Shot]:
    """The portraits as a set, no larger than `SIDE`."""
    shots = []
    for number, (name, data) in enumerate(archived()):
        picture = Image.open(io.BytesIO(decode(data, name).picture)).convert("RGB")
        picture.thumbnail((SIDE, SIDE))
        shots.append(Shot(np.asarray(picture), f"photo of ada, number {number}", number, -1))
    return shots


def named(shots: list[Shot], rule: str, folder: Path, shelf: Kept) -> set[str]:
    """The pictures that a rule names."""
    found = examined(shots, folder, shelf, only=(rule,), settings=SETTINGS.get(rule, {})).findings
    return {sample for finding in found for sample in finding.samples}


def run() -> Iterator[tuple[str, str, str]]:
    """Rows (what, figure, bound), each as soon as it is measured."""
    good, plant_of, shelf = portraits(), planted(), Kept()
    with tempfile.TemporaryDirectory() as name:
        for rule in table.RULES:
            if rule.name.partition(".")[0] not in FAMILIES or rule.name in DRAWN:
                continue
            before = named(good, rule.name, Path(name), shelf)
            found = 0
            for number in range(SETS):
                draw = np.random.default_rng([number, MIDDLE])
                spoilt = plant_of[rule.name](good, MIDDLE, draw)
                changed = {name_of(shot) for shot in spoilt} - {name_of(shot) for shot in good}
                after = named(spoilt, rule.name, Path(name), shelf)
                # An equal copy bears the name of its original.
                found += bool(after & changed if changed else after - before)
            yield (
                f"`{rule.name}`, {SETS} sets",
                f"found {share((found, SETS))}; names {len(before)} of {len(good)} untouched",
                f"{FOUND:.2f}",
            )
