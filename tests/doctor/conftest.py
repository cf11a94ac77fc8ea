"""Sets for the doctor: drawn people, or plain noise where only the frame of things matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.plants import Plant, Shot
from bench.plants.pose import age_of
from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset, Item
from sosie.core.terms import Kind
from sosie.doctor import Config, Finding, examine, table
from sosie.doctor.rule import Case
from sosie.doctor.shelf import Memory
from sosie.doctor.view import View

Pictures = Sequence[NDArray[np.uint8]]
MakeSet = Callable[..., Dataset]

CLEAR_EYED = 29
"""A drawn person none of whose first fifteen pictures shows dark glasses."""


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """`make_set(pictures, kind="person", captions=None)` files RGB arrays and gives the dataset."""

    def make(
        pictures: Pictures, kind: Kind = "person", captions: Sequence[str] | None = None
    ) -> Dataset:
        items = []
        for number, rgb in enumerate(pictures):
            path = tmp_path / f"{number:03d}.png"
            Image.fromarray(rgb).save(path)
            items.append(
                Item(
                    sample=sha256_bytes(path.read_bytes() + bytes([number])),
                    pixels_sha256=sha256_bytes(rgb.tobytes()),
                    file_name=path.name,
                    path=path,
                    caption=captions[number] if captions else f"photo of anna, number {number}",
                )
            )
        return Dataset(subject="anna", kind=kind, trigger="anna", items=tuple(items))

    return make


@pytest.fixture(scope="session")
def portraits() -> list[NDArray[np.uint8]]:
    """Sixteen pictures of one drawn person, each in another setting."""
    from sosie.world.people import person
    from sosie.world.photo import photo

    who = person(29)
    return [photo(who, seed=n, age=40, hat="none", size=192).picture for n in range(16)]


@pytest.fixture(scope="session")
def memory() -> Memory:
    """A shelf for the whole session: the clean portraits are read once."""
    return Memory()


@pytest.fixture
def findings(make_set: MakeSet, memory: Memory) -> Callable[..., list[Finding]]:
    """`findings(pictures, rule, **config)`: what one rule says of RGB arrays."""

    def find(pictures: Pictures, rule: str, **config: Any) -> list[Finding]:
        dataset = make_set(pictures)
        checkup = examine(dataset, Config(**{"side": 192, **config}), shelf=memory)
        return [finding for finding in checkup.findings if finding.rule == rule]

    return find


@pytest.fixture
def planted(portraits: list[NDArray[np.uint8]]) -> Callable[..., Any]:
    """`planted(plant, strength)`: the portraits with a fault, and the numbers of those with it."""

    def plant_in(plant: Plant, strength: int = 1) -> tuple[list[NDArray[np.uint8]], set[int]]:
        shots = [Shot(rgb, "", number, 29) for number, rgb in enumerate(portraits)]
        spoiled = plant(shots, strength, np.random.default_rng(7))
        whole = {id(rgb) for rgb in portraits}
        pictures = [shot.rgb for shot in spoiled]
        return pictures, {n for n, rgb in enumerate(pictures) if id(rgb) not in whole}

    return plant_in


@pytest.fixture
def numbers(make_set: MakeSet) -> Callable[..., set[int]]:
    """`numbers(findings, pictures)`: which pictures findings name."""

    def named(found: Sequence[Finding], pictures: Pictures) -> set[int]:
        items = make_set(pictures).items
        samples = {sample for finding in found for sample in finding.samples}
        return {number for number, item in enumerate(items) if item.sample in samples}

    return named


@pytest.fixture(scope="session")
def shots() -> list[Shot]:
    """Fifteen pictures of another drawn person, as faults are planted in: no dark glasses."""
    from sosie.world.people import person
    from sosie.world.photo import photo

    age = age_of(CLEAR_EYED)
    return [
        Shot(
            rgb=photo(person(CLEAR_EYED), seed=n, age=age, size=224).picture,
            caption=f"photo of anna, number {n}",
            setting=n,
            who=CLEAR_EYED,
        )
        for n in range(15)
    ]


Judge = Callable[..., list[tuple[Finding, list[int]]]]


@pytest.fixture
def judge(make_set: MakeSet) -> Judge:
    """`judge(rule, pictures, captions=None, age=None)`: findings, each with its picture numbers."""

    def run(
        name: str,
        pictures: Pictures,
        captions: Sequence[str] | None = None,
        age: int | None = None,
        original: Path | None = None,
    ) -> list[tuple[Finding, list[int]]]:
        dataset, rule = make_set(pictures, captions=captions), table.rule(name)
        views = [View(item, original) for item in dataset.items]
        taken = {family.name: [family.measure(view) for view in views] for family in rule.needs}
        case = Case(dataset, Config(age=age), taken)
        order = [item.sample for item in dataset.items]
        found = [said for said in rule.judge(case) if isinstance(said, Finding)]
        return [(f, sorted(map(order.index, f.samples))) for f in found]

    return run


@pytest.fixture(scope="session")
def notes_set() -> list[Shot]:
    """Eight pages of one synthetic writer, in a plain hand that does not join."""
    from bench.notes import shots

    return shots(1, 8, 3)


@pytest.fixture
def judged(make_set: MakeSet) -> Callable[[Sequence[Shot], str], tuple[list[Finding], list[int]]]:
    """`judged(shots, rule)`: the rule's findings on notes, and the numbers they name."""

    def judge(shots: Sequence[Shot], rule: str) -> tuple[list[Finding], list[int]]:
        captions = [shot.caption for shot in shots]
        dataset = make_set([shot.rgb for shot in shots], "handwriting", captions)
        findings = list(examine(dataset, only=(rule,)).findings)
        order = {item.sample: number for number, item in enumerate(dataset.items)}
        return findings, sorted({order[sample] for f in findings for sample in f.samples})

    return judge
