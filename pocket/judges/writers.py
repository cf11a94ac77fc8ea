"""The judge of handwritings: whose hand is this? Learned by contrast, as for people.

Two lines of a writer say different things, mostly on other paper, often with another pen: what is
left to tell them by is the hand. Half of them are as cut from scans, begun in one place and set
alike; and lines are cut short, so that a word is judged as well as a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from torch import Tensor

from pocket.judges import training
from pocket.judges.augment import worsened
from pocket.judges.lines import inked
from sosie.core.files import save_atomically
from sosie.models.judges.network import LINE_HEIGHT, WriterNetwork
from sosie.world.hands import is_held_out_writer
from sosie.world.texts import text


@dataclass(frozen=True, kw_only=True)
class WriterRecipe:
    """How the judge of writers is trained."""

    writers: int = 2000
    lines: int = 8
    """Drawn of each."""
    width: int = 320
    """Pixels of a training line."""
    shortest: int = 160
    """Pixels that are left of it at least."""
    steps: int = 3000
    batch: int = 64
    """Writers in it, with two lines each."""
    matrix_rate: float = 1e-3
    vector_rate: float = 2e-3
    temperature: float = 0.1
    seed: int = 12


def drawn(seed: int, count: int, *, width: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The ink of `count` lines of a writer, (64, width), each with a text of its own."""
    found: list[np.ndarray] = []
    while len(found) < count:
        words = text(rng, shortest=8, longest=width // 13)
        seen = inked(seed, words, rng, cut=len(found) % 2 > 0, width=width)
        if seen is not None:
            found.append(seen)
    return found


def train(recipe: WriterRecipe, run: Path) -> WriterNetwork:
    """Train, or go on where the state in `run` left off."""
    pupil = WriterNetwork()

    @cache
    def lessons() -> np.ndarray:
        return _lines(recipe, run / "lines.npy")

    def step(number: int) -> Tensor:
        lines = lessons()
        rng = np.random.default_rng([recipe.seed, number])
        rows = rng.choice(len(lines), recipe.batch, replace=False)
        two = np.stack([lines[row, rng.choice(recipe.lines, 2, replace=False)] for row in rows])
        width = int(rng.integers(recipe.shortest, recipe.width + 1))
        flat = two.reshape(-1, LINE_HEIGHT, recipe.width, 1)[:, :, :width]
        return training.contrast(pupil(worsened(flat, rng)), recipe.temperature)

    training.train(
        pupil,
        step,
        steps=recipe.steps,
        rates=(recipe.matrix_rate, recipe.vector_rate),
        ends=("embedding",),
        state=run / "writers.pt",
    )
    return pupil


def _lines(recipe: WriterRecipe, file: Path) -> np.ndarray:
    """(writers, lines, 64, width): ink, as bytes."""
    if not file.exists():
        rng = np.random.default_rng(recipe.seed)
        seeds = [s for s in range(2 * recipe.writers) if not is_held_out_writer(s)]
        known = [
            drawn(seed, recipe.lines, width=recipe.width, rng=rng)
            for seed in seeds[: recipe.writers]
        ]
        save_atomically(file, lambda path: np.save(path, np.array(known)))
    return np.asarray(np.load(file))
