"""How fast the doctor examines, and whether her memory stays flat however long a set is.

Sets repeat a few drawn pictures under other names, with no shelf: all rules read each anew. What a
reading weighs is left of every picture, so memory cannot stand quite still; its slope over the
second half of a set says what 5,000 pictures would take. Judging, which compares pictures with each
other, is timed apart. Rows come as they are measured; `SOSIE_BENCH_LONG` takes longer sets. Drawn
pictures are kept: those of 1,024 pixels take most of a minute each.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.kept import FOLDER, code_sha256
from bench.plants import Shot
from bench.sets import HELD_OUT_EVERY, Kept, dataset_of
from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset
from sosie.doctor import Config, examine, table
from sosie.doctor.examine import read
from sosie.doctor.rule import Case
from sosie.studio.drawing import pixels
from sosie.world.people import person
from sosie.world.photo import photo

LONG = int(os.environ.get("SOSIE_BENCH_LONG", "200"))
"""Pictures of the long set of 256 pixels; that of 1,024 has a fifth of them."""
OTHERS = 8
"""Different pictures in it."""
ASKED = 5000
PAGE = os.sysconf("SC_PAGE_SIZE")
PERSONAL = tuple(rule for rule in table.RULES if "person" in rule.kinds)


def drawn(side: int) -> list[Shot]:
    """Pictures of one person."""
    who, shots = HELD_OUT_EVERY - 1, []
    folder = FOLDER / "pace" / code_sha256("sosie.world")[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(OTHERS):
        path = folder / f"{side}-{number}.png"
        if not path.exists():
            rgb = photo(person(who), seed=number, age=40, size=side).picture
            Image.fromarray(rgb).save(path)
        shots.append(Shot(pixels(path), f"photo of ada, number {number}", number, who))
    return shots


def repeated(dataset: Dataset, count: int) -> Dataset:
    """A set of `count` pictures, each with a hash of its own."""
    items = []
    for number in range(count):
        item = dataset.items[number % len(dataset.items)]
        name = sha256_bytes(str(number).encode())
        items.append(item.model_copy(update={"sample": name, "pixels_sha256": name}))
    return dataset.model_copy(update={"items": tuple(items)})


def resident() -> float:
    """MiB of this process in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE / 2**20


def weighed(dataset: Dataset, config: Config) -> tuple[Case, float, Sequence[tuple[int, float]]]:
    """A set as it was read, the seconds it took, and (pictures read, MiB) on the way."""
    families = {f.name: f for rule in PERSONAL for f in rule.needs}
    every, sizes = max(1, len(dataset.items) // 20), []

    def on_picture(done: int, of: int) -> None:
        if done % every == 0:
            sizes.append((done, resident()))

    begun = time.perf_counter()
    case = read(dataset, config, list(families.values()), on_picture=on_picture)
    return case, time.perf_counter() - begun, sizes


def judged(case: Case) -> float:
    """Seconds that all rules take over what was read."""
    begun = time.perf_counter()
    for rule in PERSONAL:
        list(rule.judge(case))
    return time.perf_counter() - begun


def slope(sizes: Sequence[tuple[int, float]]) -> float:
    """KiB for each picture, by least squares over the second half."""
    half = np.array(sizes[len(sizes) // 2 :])
    return float(np.polyfit(half[:, 0], half[:, 1], 1)[0]) * 1024


def run() -> Iterator[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    for side, count in ((256, LONG), (1024, LONG // 5)):
        with tempfile.TemporaryDirectory() as name:
            few, config = dataset_of(drawn(side), Path(name)), Config(side=side)
            shelf = Kept()
            examine(few, config, shelf=shelf)  # loads the models
            begun = time.perf_counter()
            examine(few, config, shelf=shelf)
            again = time.perf_counter() - begun
            yield f"{OTHERS} unchanged pictures of {side} px again", f"{again:.2f} s", "under 1 s"
            case, seconds, sizes = weighed(repeated(few, count), config)
            yield f"all rules, {side} px", f"{count / seconds:.1f} pictures/s", "4/s at 1024 px"
            yield f"judging what was read of {count} pictures", f"{judged(case):.1f} s", ""
            grown = slope(sizes)
            yield (
                f"memory for each picture more, {count} of {side} px",
                f"{grown:.0f} KiB, from {sizes[0][1]:.0f} to {sizes[-1][1]:.0f} MiB: "
                f"{grown * ASKED / 1024:.0f} MiB over {ASKED:,}",
                "flat",
            )
