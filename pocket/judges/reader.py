"""The reader of lines: what is written? It judges no base and no LoRA: it teaches LoRAs of hands.

Half of its texts are invented, as the base's are, so that it reads letters and does not guess
words. Three lines in four are set alike and begun in one place, as lines cut from scans are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from torch import Tensor

from pocket.judges import training
from pocket.judges.augment import worsened
from pocket.judges.lines import inked
from pocket.lines import words
from sosie.core.files import save_atomically
from sosie.models.judges.network import ReaderNetwork
from sosie.models.judges.reader import missed
from sosie.world.hands import is_held_out_writer
from sosie.world.writing import WORD


@dataclass(frozen=True, kw_only=True)
class ReaderRecipe:
    """How the reader is trained."""

    writers: int = 2000
    lines: int = 8
    """Drawn of each."""
    steps: int = 3000
    batch: int = 64
    matrix_rate: float = 2e-3
    vector_rate: float = 3e-3
    seed: int = 14


def drawn(seed: int, lines: int, *, of: int) -> list[tuple[np.ndarray, str]]:
    """The ink of up to `lines` lines of a writer, (64, 256) bytes, and what each says."""
    rng, found = np.random.default_rng([of, seed]), list[tuple[np.ndarray, str]]()
    width, height = WORD
    for number in range(4 * lines):  # some hands lack a character, or need more room
        said = words(rng)
        seen = inked(seed, said, rng, cut=number % 4 > 0, width=width, height=height)
        if seen is not None:
            found.append((seen, said))
        if len(found) == lines:
            break
    return found


def train(recipe: ReaderRecipe, run: Path) -> tuple[ReaderNetwork, str]:
    """Train, or go on where the state in `run` left off; the reader and the letters it knows."""
    lines, texts = _lines(recipe, run / "read.npz")
    letters = "".join(sorted({letter for text in texts for letter in text}))
    pupil = ReaderNetwork(len(letters))

    def step(number: int) -> Tensor:
        rng = np.random.default_rng([recipe.seed, number])
        rows = rng.choice(len(lines), recipe.batch, replace=False)
        seen = worsened(lines[rows][..., None], rng)
        return missed(pupil(seen), [texts[row] for row in rows], letters).mean()

    training.train(
        pupil,
        step,
        steps=recipe.steps,
        rates=(recipe.matrix_rate, recipe.vector_rate),
        ends=("letters",),
        state=run / "reader.pt",
    )
    return pupil, letters


def _lines(recipe: ReaderRecipe, file: Path) -> tuple[np.ndarray, list[str]]:
    """(lines, 64, 256) ink, as bytes, and their texts."""
    if not file.exists():
        taught = (seed for seed in count() if not is_held_out_writer(seed))
        known = [
            one
            for _, seed in zip(range(recipe.writers), taught, strict=False)
            for one in drawn(seed, recipe.lines, of=recipe.seed)
        ]
        ink_of, said = zip(*known, strict=True)
        save_atomically(
            file, lambda path: np.savez(path, ink=np.array(ink_of), said=np.array(said))
        )
    with np.load(file) as kept:
        return np.asarray(kept["ink"]), kept["said"].tolist()
