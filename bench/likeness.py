"""Likeness in the synthetic world: does the LoRA of an unseen person draw that person?

For each of 20 people held out from the base's training: 15 pictures, a LoRA by the base's own
recipe, 8 pictures from prompts with new clothes and places. An identity network that no training
used (SFace) then names each picture among 100 held-out people, by templates of 5 pictures that
training never saw. The control is the base without LoRA at the same prompts and seeds.
`SOSIE_BENCH_PEOPLE` takes fewer people, for a quicker look.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.people import age_of, write_pictures
from sosie.audit import Interval, rank
from sosie.generate import GenerateConfig, draw
from sosie.models import faces, lora
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.diffusion.resolve import load_base
from sosie.studio import Studio
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import photo

Embedding = NDArray[np.float32]
PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "20"))
GALLERY = 100
REFERENCES = 5
PROMPTS = (
    "photo of {}, smiling, red coat, on a beach",
    "photo of {}, green hoodie, in a city street",
    "photo of {}, yellow sweater, in a library",
    "photo of {}, black suit, in a city at night",
    "portrait of {}, navy coat, grey background",
    "photo of {}, blue shirt, in a garden, three-quarter view to the left",
    "photo of {}, white t-shirt, in the mountains, three-quarter view to the right",
    "portrait of {}, serious, pink sweater, turquoise background",
)
SEEDS = tuple(100 + HELD_OUT_EVERY * n + HELD_OUT_EVERY - 1 for n in range(GALLERY))
"""All held out from the base; the first `PEOPLE` are taught."""


def references(seed: int) -> list[Embedding]:
    """Embeddings of pictures that neither a LoRA nor the base has seen."""
    who, found = person(seed), []
    for number in range(20 * REFERENCES):
        drawn = photo(who, seed=900_000 + number, age=age_of(seed), hat="none")
        vector = faces.identity(drawn.picture)
        if vector is not None:
            found.append(vector)
        if len(found) == REFERENCES:
            break
    return found


def teach(seed: int, folder: Path) -> tuple[Path, float]:
    """Train a LoRA of a person through the studio; gives its file and the minutes it took."""
    studio, name = Studio(folder / "home"), f"subject{seed}"
    studio.new(name)
    write_pictures(folder / name, seed=seed, trigger=name)
    studio.add(name, [folder / name])
    studio.consent(name, relation="synthetic", evidence=f"sosie.world.people.person({seed})")
    begun = time.perf_counter()
    adapter = studio.train(name, base="pocket", overrides={"preview_every": 0})
    minutes = (time.perf_counter() - begun) / 60
    return studio.registry.blobs.path(adapter.file_sha256), minutes


def pictures(base: DiffusionBase, subject: str, file: Path | None) -> list[Embedding | None]:
    """Embeddings of one picture a prompt, with the LoRA in `file` or without."""
    found = []
    for number, prompt in enumerate(PROMPTS):
        config = GenerateConfig(prompt=prompt.format(subject), seed=500 + number)
        loras = [("person", lora.read(file), 1.0)] if file else []
        (picture,) = draw(base, config, loras)
        found.append(faces.identity(picture.rgb))
    return found


def percent(interval: Interval) -> str:
    """A share with its interval."""
    return f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    base = load_base("pocket")
    gallery = {f"subject{seed}": references(seed) for seed in SEEDS}
    real, taught, control, minutes = {}, {}, {}, []
    with tempfile.TemporaryDirectory() as name:
        for seed in SEEDS[:PEOPLE]:
            subject = f"subject{seed}"
            real[subject] = [
                faces.identity(photo(person(seed), seed=800_000 + n, age=age_of(seed)).picture)
                for n in range(len(PROMPTS))
            ]
            file, took = teach(seed, Path(name))
            minutes.append(took)
            taught[subject] = pictures(base, subject, file)
            control[subject] = pictures(base, "a person", None)
    seen, ceiling, floor = (rank(queries, gallery) for queries in (taught, real, control))
    top = f"rank 1 among {GALLERY}, {PEOPLE} unseen people, {len(PROMPTS)} pictures each"
    return [
        (f"LoRA: {top}", percent(seen.rank1), "at least 70%"),
        ("the same, interval over people", percent(seen.rank1_by_person), ""),
        ("pictures in which no face was found", str(seen.without_face), ""),
        ("new pictures drawn by the world: the ceiling", percent(ceiling.rank1), ""),
        ("base without LoRA: the floor", percent(floor.rank1), "chance (1%)"),
        ("training one LoRA", f"{sum(minutes) / len(minutes):.1f} min", ""),
    ]
