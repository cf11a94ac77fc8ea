"""A synthetic person's pictures, written to a folder as a user would have them: JPEG and .txt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sosie.world.captions import caption
from sosie.world.people import person
from sosie.world.photo import photo


def age_of(seed: int) -> int:
    """The age in years at which a person's pictures are taken."""
    return int(np.random.default_rng([seed, 1]).integers(20, 70))


def write_pictures(folder: Path, *, seed: int, trigger: str, n: int = 15) -> list[Path]:
    """Draw `n` pictures of the held-out person `seed` at one age, each in its own setting."""
    folder.mkdir(parents=True, exist_ok=True)
    who = person(seed)
    written = []
    for number in range(n):
        drawn = photo(who, seed=seed * 1000 + number, age=age_of(seed))
        path = folder / f"{trigger}-{number + 1:02d}.jpg"
        Image.fromarray(drawn.picture).save(path, quality=95)
        words = caption(drawn.truth, rng=np.random.default_rng([seed, number]), subject=trigger)
        path.with_suffix(".txt").write_text(words + "\n", encoding="utf-8")
        written.append(path)
    return written
