"""The doctor against planted faults: does each rule find its own, and leave good sets alone?

Good sets are 15 pictures of one drawn person each, of people held out from the base. A rule's
sensitivity is the share of sets with its fault planted in which it speaks; its false alarms, the
share of good sets in which it speaks above advice. `SOSIE_BENCH_SETS` takes fewer sets, for a quick
look.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Sequence
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
from PIL import Image

from bench import plants
from bench.plants import Plant, Shot
from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset, Item
from sosie.doctor import Checkup, Config, examine, table
from sosie.world.captions import caption
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import photo

SETS = int(os.environ.get("SOSIE_BENCH_SETS", "50"))
SIDE = 256
"""Pixels of the pictures."""
PICTURES = 15


def good_set(number: int) -> list[Shot]:
    """Fifteen pictures of one held-out person, each in a setting of its own."""
    who = HELD_OUT_EVERY * (number + 1) + HELD_OUT_EVERY - 1
    shots = []
    for setting in range(PICTURES):
        drawn = photo(person(who), seed=setting, age=25 + who % 40, size=SIDE)
        words = caption(drawn.truth, rng=np.random.default_rng([who, setting]), subject="ada")
        shots.append(Shot(drawn.picture, words, setting, who))
    return shots


class Kept(dict[str, str]):
    """Readings of one set and of all its spoilt versions: what was not spoilt is read once."""

    def get(self, keys: Sequence[str]) -> dict[str, str]:  # type: ignore[override]
        return {key: self[key] for key in keys if key in self}

    put = dict.update


def examined(
    shots: Sequence[Shot], folder: Path, shelf: Kept, *, only: Collection[str] | None = None
) -> Checkup:
    """The checkup of a set, filed in a folder."""
    dataset = dataset_of(shots, folder)
    return examine(dataset, Config(side=SIDE), shelf=shelf, only=only)


def dataset_of(shots: Sequence[Shot], folder: Path) -> Dataset:
    """A set as training would see it, filed in a folder."""
    items = []
    for number, shot in enumerate(shots):
        pixels = sha256_bytes(shot.rgb.tobytes())
        path = folder / f"{pixels}.png"
        if not path.exists():
            Image.fromarray(shot.rgb).save(path, compress_level=1)
        items.append(
            Item(
                sample=pixels,
                pixels_sha256=pixels,
                file_name=f"{number:03d}.png",
                path=path,
                caption=shot.caption,
            )
        )
    return Dataset(subject="ada", kind="person", trigger="ada", items=tuple(items))


def planted() -> dict[str, Plant]:
    """Rule -> how its fault is planted, from every module of `bench.plants`."""
    found: dict[str, Plant] = {}
    for module in iter_modules(plants.__path__):
        found |= import_module(f"bench.plants.{module.name}").PLANTS
    return found


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    alarms: Counter[str] = Counter()
    hits: Counter[tuple[str, int]] = Counter()
    tried: Counter[int] = Counter()
    plant_of, seconds = planted(), 0.0
    rules = [rule.name for rule in table.RULES if "person" in rule.kinds and rule.name in plant_of]
    for number in range(SETS):
        shots, kept = good_set(number), Kept()
        # Weak and strong only show where the middle lies: fewer sets tell that.
        strengths = range(3) if number % 5 == 0 else (1,)
        tried.update(strengths)
        with tempfile.TemporaryDirectory() as name:
            begun = time.perf_counter()
            clean = examined(shots, Path(name), kept)
            seconds += time.perf_counter() - begun
            alarms.update({f.rule for f in clean.findings if f.severity != "advice"})
            for rule, strength in product(rules, strengths):
                draw = np.random.default_rng([number, strength])
                spoilt = plant_of[rule](shots, strength, draw)
                hits[rule, strength] += bool(
                    examined(spoilt, Path(name), kept, only=(rule,)).findings
                )
    rows = []
    for rule in rules:
        found = ", ".join(f"{hits[rule, k] / max(tried[k], 1):.2f}" for k in range(3))
        figure = f"found {found}; false alarms {alarms[rule] / SETS:.2f}"
        rows.append((f"`{rule}`, weak, middle, strong", figure, "middle 0.90; at most 0.05"))
    rate = f"{SETS * PICTURES / seconds:.1f} pictures/s at {SIDE} px"
    return [*rows, ("all rules", rate, "4/s at 1024 px")]
