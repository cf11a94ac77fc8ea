"""How fast the doctor examines, and whether her memory stays flat however long a set is.

Sets of drawn pictures, those of 1,024 pixels a few under many names, are read by all rules onto a
shelf on disk, as they are for a user; the slope of memory over the second half of a set says what
5,000 pictures would take. Judging compares pictures with each other: it is timed apart, over names
of those of 256 pixels that were read already, with the most memory on the way. Rows come as they
are measured; `SOSIE_BENCH_LONG` takes longer sets. Drawn pictures are kept: those of 1,024 pixels
take most of a minute each.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.kept import FOLDER, code_sha256
from bench.plants import Shot
from bench.sets import HELD_OUT_EVERY, Kept, dataset_of
from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset
from sosie.doctor import Config, Shelf, examine, table
from sosie.doctor.examine import read
from sosie.doctor.rule import Case
from sosie.registry.database import Database
from sosie.registry.examinations import Readings
from sosie.studio.drawing import pixels
from sosie.world.people import person
from sosie.world.photo import photo

LONG = int(os.environ.get("SOSIE_BENCH_LONG", "200"))
"""Pictures of the long set of 256 pixels; that of 1,024 has a fifth of them."""
OTHERS = {256: 200, 1024: 8}
"""Different pictures in each, by their side."""
ASKED = 5000
JUDGED = 1000
"""Pictures that judging is timed of: any two may be compared, so it grows with the square."""
PERSONAL = tuple(rule for rule in table.RULES if "person" in rule.kinds)


def drawn(side: int) -> list[Shot]:
    """Pictures of one person."""
    who, shots = HELD_OUT_EVERY - 1, []
    folder = FOLDER / "pace" / code_sha256("sosie.world")[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(OTHERS[side]):
        path = folder / f"{side}-{number}.png"
        if not path.exists():
            rgb = photo(person(who), seed=number, age=40, size=side).picture
            Image.fromarray(rgb).save(path)
        shots.append(Shot(pixels(path), f"photo of ada, number {number}", number, who))
    return shots


def other_name(number: int) -> str:
    """The hash that the picture of a number goes by in a long set."""
    return sha256_bytes(str(number).encode())


def repeated(dataset: Dataset, count: int) -> Dataset:
    """A set of `count` pictures, each with a hash of its own."""
    items = []
    for number in range(count):
        item = dataset.items[number % len(dataset.items)]
        name = other_name(number)
        items.append(item.model_copy(update={"sample": name, "pixels_sha256": name}))
    return dataset.model_copy(update={"items": tuple(items)})


class Renamed:
    """The shelf of a few pictures, on which those of a long set lie already."""

    def __init__(self, few: Dataset, shelf: Kept, count: int) -> None:
        samples = [item.sample for item in few.items]
        self._known = {other_name(n): samples[n % len(samples)] for n in range(count)}
        self._shelf = shelf

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """What was read of the pictures that these are copies of."""
        names = {key: key.split(":", 1) for key in keys}
        asked = {key: f"{self._known[sample]}:{rest}" for key, (sample, rest) in names.items()}
        kept = self._shelf.get(list(asked.values()))
        return {key: kept[name] for key, name in asked.items() if name in kept}

    def put(self, texts: Mapping[str, str]) -> None:
        """Nothing is read anew."""
        raise AssertionError(f"{len(texts)} readings were taken again")


def resident(peak: bool = False) -> float:
    """MiB of this process in memory, or the most since `forget_peak`."""
    gc.collect()
    told = Path("/proc/self/status").read_text(encoding="ascii")
    name = "VmHWM:" if peak else "VmRSS:"
    return int(next(line.split()[1] for line in told.splitlines() if line.startswith(name))) / 1024


def forget_peak() -> None:
    """Let the peak begin anew (Linux, proc(5))."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def weighed(
    dataset: Dataset, config: Config, shelf: Shelf
) -> tuple[Case, float, Sequence[tuple[int, float]]]:
    """A set as it was read, the seconds it took, and (pictures read, MiB) on the way."""
    families = {f.name: f for rule in PERSONAL for f in rule.needs}
    every, sizes = max(1, len(dataset.items) // 20), []

    def on_picture(done: int, of: int) -> None:
        if done % every == 0:
            sizes.append((done, resident()))

    begun = time.perf_counter()
    case = read(dataset, config, list(families.values()), shelf=shelf, on_picture=on_picture)
    return case, time.perf_counter() - begun, sizes


def judged(case: Case) -> tuple[float, float]:
    """Seconds that all rules take over what was read, and by how many MiB memory rose."""
    forget_peak()
    before, begun = resident(), time.perf_counter()
    for rule in PERSONAL:
        list(rule.judge(case))
    return time.perf_counter() - begun, resident(peak=True) - before


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
            yield (
                f"{OTHERS[side]} unchanged pictures of {side} px again",
                f"{again:.2f} s",
                "under 1 s",
            )
            on_disk = Readings(Database(Path(name) / "readings.sqlite"))
            _, seconds, sizes = weighed(repeated(few, count), config, on_disk)
            yield f"all rules, {side} px", f"{count / seconds:.1f} pictures/s", "4/s at 1024 px"
            grown = slope(sizes)
            yield (
                f"memory for each picture more, {count} of {side} px",
                f"{grown:.0f} KiB, from {sizes[0][1]:.0f} to {sizes[-1][1]:.0f} MiB: "
                f"{grown * ASKED / 1024:.0f} MiB over {ASKED:,}",
                "flat",
            )
            if side > 256:
                continue
            case, _, _ = weighed(repeated(few, JUDGED), config, Renamed(few, shelf, JUDGED))
            seconds, more = judged(case)
            yield (
                f"judging what was read of {JUDGED:,}",
                f"{seconds:.0f} s, {more:.0f} MiB more",
                "",
            )
