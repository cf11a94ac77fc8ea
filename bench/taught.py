"""LoRAs of synthetic people and writers, trained through the studio as a user would.

Those that are asked for again are kept, so that an interrupted run goes on; with another base,
recipe or code they are taught anew, and what benchmarks make of them is kept apart.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bench.kept import FOLDER, Ledger, code_sha256, side_by_side
from demo.people import write_pictures
from demo.writers import write_notes
from sosie.core.files import sha256_bytes
from sosie.core.records import Adapter, Record
from sosie.core.terms import Kind
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.diffusion.resolve import load_base
from sosie.studio import Studio
from sosie.train.events import OnEvent

BASE = os.environ.get("SOSIE_BENCH_BASE", "pocket")
"""The embedded one; or a folder, so that what a training of it gave is measured before it ships."""
LESSONS = FOLDER / "lessons"
PICTURES = {"person": 15, "handwriting": 30}
"""What a LoRA is taught from."""
_WRITE = {"person": write_pictures, "handwriting": write_notes}
MAKERS = (
    *("sosie.world", "demo.people", "demo.writers"),
    *("sosie.train", "sosie.models.lora", "sosie.models.diffusion"),
)
"""The code that draws what a LoRA is taught from, and that teaches it."""
_WORLD = {"person": "people.person", "handwriting": "hands.writer"}


def taught(
    seed: int,
    folder: Path,
    overrides: Mapping[str, Any],
    *,
    kind: Kind = "person",
    n: int | None = None,
    on_event: OnEvent = lambda kind, data: None,
) -> tuple[Studio, Adapter]:
    """Train a LoRA of the person or writer `seed` on `n` pictures by the base's recipe, changed by
    `overrides`; on `PICTURES` of them unless `n` is given.

    The workspace lies in `folder`/home, where several subjects may share it.
    """
    studio, name = Studio(folder / "home"), subject(kind, seed)
    studio.new(name, kind)
    _WRITE[kind](folder / name, seed=seed, trigger=name, n=PICTURES[kind] if n is None else n)
    studio.add(name, [folder / name])
    studio.consent(name, relation="synthetic", evidence=f"sosie.world.{_WORLD[kind]}({seed})")
    return studio, studio.train(name, base=BASE, overrides=dict(overrides), on_event=on_event)


def subject(kind: Kind, seed: int) -> str:
    """The name that a person or writer has here, and the trigger word."""
    return f"{'subject' if kind == 'person' else 'hand'}{seed}"


class Lesson(Record):
    """One LoRA that was taught."""

    kind: Kind
    seed: int
    recipe: str
    """What `recipe` gave."""
    minutes: float
    """On one core, from the pictures to the file, loading included."""

    @property
    def file(self) -> Path:
        """Where the LoRA lies."""
        return LESSONS / f"{self.subject}-{self.recipe[:12]}.safetensors"

    @property
    def subject(self) -> str:
        """Name and trigger word."""
        return subject(self.kind, self.seed)


def teach(whom: tuple[Kind, int]) -> Lesson:
    """Train a LoRA of somebody through the studio, and keep it."""
    begun = time.perf_counter()
    kind, seed = whom
    with tempfile.TemporaryDirectory() as name:
        studio, adapter = taught(seed, Path(name), {"preview_every": 0}, kind=kind)
        minutes = (time.perf_counter() - begun) / 60
        lesson = Lesson(kind=kind, seed=seed, recipe=recipe(), minutes=minutes)
        LESSONS.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(studio.registry.blobs.path(adapter.file_sha256), lesson.file)
    return lesson


def lessons(kind: Kind, seeds: Sequence[int]) -> dict[int, Lesson]:
    """A LoRA for each of them, taught unless it is kept."""
    ledger, of = Ledger(LESSONS / "lessons.jsonl", Lesson), recipe()
    made = {
        row.seed: row
        for row in ledger.rows()
        if (row.kind, row.recipe) == (kind, of) and row.file.exists()
    }
    for lesson in side_by_side(teach, [(kind, seed) for seed in seeds if seed not in made]):
        ledger.add(lesson)
        made[lesson.seed] = lesson
    return made


@cache
def base() -> DiffusionBase:
    """`BASE`, loaded once in each process."""
    return load_base(BASE)


def kept() -> Path:
    """Where a benchmark keeps what it makes of this base, recipe and code."""
    return FOLDER / recipe()[:12]


@cache
def recipe() -> str:
    """Hash of the base's weights, of the settings that it recommends, and of `MAKERS`."""
    settings = (base().info.folder / "sosie.json").read_bytes()
    made_of = base().info.content_sha256 + code_sha256(*MAKERS)
    return sha256_bytes(made_of.encode() + settings)
