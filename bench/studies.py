"""Two studies on the embedded base: likeness by the number of pictures, and by training steps.

Held-out people, pocket's own recipe, eight new prompts (those of `bench.likeness`), judged by
SFace, which teaches nothing. Likeness is the mean cosine to pictures as a share of the median that
two new pictures of the person have: to new ones, which nobody was taught, and to the taught ones,
apart. What is done is kept, so that an interrupted study goes on; `SOSIE_BENCH_PEOPLE` takes more
or fewer people. Plots go to docs/studies/.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.choice import new_pictures
from bench.kept import Ledger, side_by_side
from bench.likeness import SEEDS, pictures, ranked
from bench.plot import Point, chart
from bench.taught import kept, taught
from sosie.audit import Known, found
from sosie.audit.intervals import mean_interval
from sosie.core.records import Record
from sosie.models import faces
from sosie.studio.drawing import pixels
from sosie.train import Manifest

PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "4"))
PLOTS = Path("docs/studies")
NUMBERS = (3, 6, 12, 24, 40)
LENGTH, EVERY = 320, 40
"""Steps of the longer run, and between its checkpoints."""
WAIVED = ("pictures", "split", "steps")
"""Too few pictures, and too many rounds over them, are what is studied."""

Study = Literal["pictures", "steps"]


class Seen(Record):
    """What one LoRA drew."""

    study: Study
    person: int
    at: int
    """Pictures it was given, or steps it was taught."""
    new: float
    """Likeness to pictures that it was not taught, of 1 for two such pictures."""
    taught: float
    """The same to those that it was taught."""
    named: float
    """Share of its pictures that are named right among 100 people."""
    withheld_loss: float | None
    training_loss: float | None


def study(job: tuple[Study, int, int]) -> list[Seen]:
    """Teach a person so many pictures, and look at the LoRA or, in the study of steps, at all
    checkpoints. `job`: which study, the person, the number of pictures."""
    kind, seed, number = job
    losses: dict[int, dict[str, Any]] = {}

    def heard(what: str, data: dict[str, Any]) -> None:
        if what == "validation":
            losses[data["step"]] = data

    asked: dict[str, Any] = {"preview_every": 0, "keep": "last", "waive": WAIVED}
    if kind == "steps":
        asked |= {"steps": LENGTH, "checkpoint_every": EVERY, "validate_every": EVERY}
    with tempfile.TemporaryDirectory() as name:
        studio, adapter = taught(seed, Path(name), asked, n=number, on_event=heard)
        folder = studio.run_folder(adapter.name)
        manifest = Manifest.read(folder / "manifest.json")
        lessons = [
            pixels(studio.registry.blobs.path(picture.sample))
            for picture in manifest.pictures
            if not picture.withheld
        ]
        new = Known(held_out=found(new_pictures(seed), faces.identity), training={})
        old = Known(held_out=found(lessons, faces.identity), training={})
        rows = []
        for file in sorted(folder.glob("checkpoints/step-*/adapter.safetensors")):
            step = int(file.parent.name.removeprefix("step-"))
            if kind == "pictures" and step != manifest.config.steps:
                continue
            drawn = pictures(manifest.trigger, file)
            seen = [faces.identity(picture) for picture in drawn]
            loss = losses.get(step, {})
            rows.append(
                Seen(
                    study=kind,
                    person=seed,
                    at=number if kind == "pictures" else step,
                    new=float(np.mean([new.cosine(face) or 0 for face in seen])) / new.unit,
                    taught=float(np.mean([old.cosine(face) or 0 for face in seen])) / new.unit
                    if old.held_out
                    else 0.0,
                    named=ranked(faces.identity, {f"subject{seed}": drawn}).rank1.value,
                    withheld_loss=loss.get("withheld"),
                    training_loss=loss.get("training"),
                )
            )
    return rows


def go_on() -> list[Seen]:
    """Make what is missing, one person after the other; gives all."""
    ledger = Ledger(kept() / "studies.jsonl", Seen)
    done = {(row.study, row.person, row.at) for row in ledger.rows()}
    jobs: list[tuple[Study, int, int]] = []
    for seed in SEEDS[:PEOPLE]:
        jobs += [("pictures", seed, n) for n in NUMBERS if ("pictures", seed, n) not in done]
        if ("steps", seed, LENGTH) not in done:
            jobs.append(("steps", seed, 15))
    for rows in side_by_side(study, jobs):
        ledger.add(*rows)
    return ledger.rows()


def course(rows: Sequence[Seen], value: str) -> list[Point]:
    """The mean over people at each place, with its interval."""
    points = []
    for at in sorted({row.at for row in rows}):
        values = [x for row in rows if row.at == at and (x := getattr(row, value)) is not None]
        mean = mean_interval(values)
        if mean is not None:
            points.append(Point(at, mean.value, mean.low, mean.high))
    return points


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    made, told, plots = go_on(), [], PLOTS
    plots.mkdir(parents=True, exist_ok=True)
    labels = {"new": "to new pictures", "taught": "to taught pictures", "named": "named right"}
    for kind, axis in (("pictures", "pictures given"), ("steps", "training steps")):
        rows = [row for row in made if row.study == kind]
        lines = {words: course(rows, value) for value, words in labels.items()}
        drawn = chart(lines, x=axis, y="likeness, of 1 for two real pictures; share named right")
        (plots / f"{kind}.svg").write_text(drawn, encoding="utf-8")
        people = len({row.person for row in rows})
        for value, words in labels.items():
            figures = ", ".join(f"{p.x:g}: {p.y:.2f}" for p in course(rows, value))
            told.append((f"{axis}, {words}, {people} people", figures, ""))
        losses = {
            "withheld pictures": course(rows, "withheld_loss"),
            "training pictures": course(rows, "training_loss"),
        }
        if kind == "steps":
            (plots / "losses.svg").write_text(chart(losses, x=axis, y="loss"), encoding="utf-8")
            for words, line in losses.items():
                figures = ", ".join(f"{p.x:g}: {p.y:.3f}" for p in line)
                told.append((f"{axis}, loss on {words}, {people} people", figures, ""))
    return told
