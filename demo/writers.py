"""A synthetic writer's notes, written to a folder as a user would have them: PNG and .txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from sosie.world.hands import evened, writer
from sosie.world.notes import handwriting_caption
from sosie.world.texts import is_held_out_text, text, word
from sosie.world.writing import CUT, WORD, CannotWrite, DoesNotFit, Written, line

LONGEST = 12
"""Characters of a text."""


def write_notes(folder: Path, *, seed: int, trigger: str, n: int = 30) -> list[Path]:
    """Draw `n` lines by the writer `seed`, each another text on the writer's own paper."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, (drawn, _) in zip(range(n), notes(seed, held_out=False), strict=False):
        path = folder / f"{trigger}-{number + 1:02d}.png"
        Image.fromarray(drawn.picture).save(path)
        rng = np.random.default_rng([seed, number])
        words = handwriting_caption(drawn.truth, rng=rng, subject=trigger)
        path.with_suffix(".txt").write_text(words + "\n", encoding="utf-8")
        written.append(path)
    return written


def notes(seed: int, *, held_out: bool, of: int = 0) -> Iterator[tuple[Written, str]]:
    """Lines by a writer, as cut from scans and set alike, that say words and short sentences, no
    text twice, without end; and what they say. Texts that are `held_out` from all training, or only
    others; `of` gives other ones."""
    who, rng, said = evened(writer(seed)), np.random.default_rng([seed, of, held_out]), set[str]()
    width, height = WORD
    while True:
        words = word(rng) if rng.random() < 0.6 else text(rng, shortest=3, longest=LONGEST)
        if not 2 <= len(words) <= LONGEST or words in said or is_held_out_text(words) != held_out:
            continue
        said.add(words)
        try:
            seed = len(said) + 1000 * of
            yield line(who, words, seed=seed, width=width, height=height, begin=CUT), words
        except (CannotWrite, DoesNotFit):
            continue
