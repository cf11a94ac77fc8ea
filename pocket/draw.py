"""Draw the pictures that the base model learns from: `python -m pocket.draw --out DIR --n N`.

Pictures are kept in shards that are whole or absent, so a stopped drawing goes on where it was.
"""

from __future__ import annotations

import argparse
import io
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from sosie.core.files import write_atomically
from sosie.world.people import is_held_out, person
from sosie.world.photo import as_dict, photo

SHARD = 500
"""Pictures in one shard."""
PER_PERSON = 2
"""Pictures of each person: few, so that there are many people."""


def is_unseen(garment: str, colour: str, place: str) -> bool:
    """Combinations that are kept from training, to see whether words combine: some clothes in some
    colours, and one garment in one place."""
    return (garment, colour) in {("coat", "turquoise"), ("hoodie", "pink"), ("suit", "green")} or (
        garment == "dress" and place == "mountains"
    )


def draw_shard(folder: Path, number: int, seed: int) -> Path:
    """Draw shard `number` unless it is there; the same number and seed give the same pictures."""
    path = folder / f"{number:05d}.npz"
    if path.exists():
        return path
    pictures, truths = [], []
    index = number * SHARD * 4
    while len(pictures) < SHARD:
        index += 1
        who = index // PER_PERSON
        if is_held_out(who):
            continue
        drawn = photo(person(who), seed=seed + index)
        t = drawn.truth
        if is_unseen(t.garment, t.garment_colour, t.place):
            continue
        pictures.append(drawn.picture)
        truths.append(json.dumps(as_dict(t)))
    file = io.BytesIO()
    np.savez(file, pictures=np.stack(pictures), truths=np.array(truths))
    write_atomically(path, file.getvalue())
    return path


def draw(folder: Path, n: int, *, workers: int, seed: int) -> list[Path]:
    """Draw `n` pictures (rounded up to whole shards) with `workers` processes."""
    numbers = range(-(-n // SHARD))
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(draw_shard, folder, number, seed) for number in numbers]
        paths = []
        for job in jobs:
            paths.append(job.result())
            print(f"{len(paths) * SHARD} pictures", flush=True)
    return paths


def main() -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=24_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw(options.out, options.n, workers=options.workers, seed=options.seed)


if __name__ == "__main__":
    main()
