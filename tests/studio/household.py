"""A user's folder and workspace, small enough that everything on it takes a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sosie.studio import Studio

QUICK: dict[str, Any] = {
    "steps": 4,
    "batch": 1,
    "rank": 2,
    "learning_rate": 1e-2,
    "checkpoint_every": 2,
    "validate_every": 4,
    "validation_times": 1,
    "preview_every": 0,
    "waive": ["who.no_face"],
}
"""Settings of a run that is over at once; the pictures are noise, which the doctor sees."""


def photo(folder: Path, name: str, seed: int, caption: str | None = None) -> Path:
    """One picture unlike those of other seeds, with a caption file beside it if one is given."""
    folder.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    path = folder / name
    Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(path)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return path


def photos(folder: Path, count: int = 6, trigger: str = "anna") -> Path:
    """A folder of captioned pictures."""
    for seed in range(count):
        photo(folder, f"{seed}.png", seed, f"photo of {trigger} number {seed}")
    return folder


def household(home: Path, pictures: Path, *, name: str = "anna", permit: bool = True) -> Studio:
    """A workspace with one person, her pictures, and her permission if `permit`."""
    studio = Studio(home)
    studio.new(name)
    studio.add(name, [pictures])
    if permit:
        studio.consent(name, relation="self", who="Anna Weber")
    return studio
