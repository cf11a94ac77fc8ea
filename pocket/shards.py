"""Drawn pictures with their truths, kept in shards that are whole or absent: a stopped drawing goes
on where it was."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from sosie.core.files import write_atomically

SHARD = 500
"""Pictures in one shard."""
_TRIES = 4
"""Numbers set aside for each picture of a shard: some draw nothing."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One picture, (height, width, 3), uint8, and the truth about it."""

    picture: np.ndarray
    truth: Mapping[str, object]


One = Callable[[int, int], Drawn | None]
"""From a number and a seed to what is drawn then; None: nothing that may be taught."""


def draw(folder: Path, n: int, one: One, *, workers: int, seed: int) -> list[Path]:
    """Draw `n` pictures (rounded up to whole shards) with `workers` processes."""
    numbers = range(-(-n // SHARD))
    with ProcessPoolExecutor(workers) as pool:
        paths = []
        for path in pool.map(partial(shard, folder, one, seed), numbers):
            paths.append(path)
            print(f"{len(paths) * SHARD} pictures", flush=True)
    return paths


def shard(folder: Path, one: One, seed: int, number: int) -> Path:
    """Draw shard `number` unless it is there; the same number and seed give the same pictures."""
    path = folder / f"{number:05d}.npz"
    if path.exists():
        return path
    drawn: list[Drawn] = []
    index = number * SHARD * _TRIES
    while len(drawn) < SHARD:
        index += 1
        if (made := one(index, seed)) is not None:
            drawn.append(made)
    file = io.BytesIO()
    np.savez(
        file,
        pictures=np.stack([made.picture for made in drawn]),
        truths=np.array([json.dumps(made.truth) for made in drawn]),
    )
    write_atomically(path, file.getvalue())
    return path
