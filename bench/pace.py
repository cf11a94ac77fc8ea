"""How fast the doctor examines, and whether her memory stays flat however long a set is.

Drawn pictures are put on file and examined twice, as a user does. Sets of them, those of 1,024
pixels a few under many names, are examined by all rules, with a shelf on disk; then read once more
for what memory they take: its slope over the second half of a set says what 5,000 pictures would.
Judging compares pictures with each other: it is timed apart, over names of those of 256 pixels that
were read already, with the most memory on the way. Rows come as they are measured;
`SOSIE_BENCH_LONG` takes longer sets. Drawn pictures are kept: those of 1,024 pixels take most of a
minute each.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
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
from sosie.doctor.rule import Case, Family
from sosie.registry.database import Database
from sosie.registry.examinations import Readings
from sosie.studio import Studio
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
WHO = HELD_OUT_EVERY - 1
PERSONAL = tuple(rule for rule in table.RULES if "person" in rule.kinds)


def kept_drawn(side: int) -> tuple[Path, ...]:
    """The files of pictures of one person."""
    files = []
    folder = FOLDER / "pace" / code_sha256("sosie.world")[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(OTHERS[side]):
        path = folder / f"{side}-{number}.png"
        if not path.exists():
            rgb = photo(person(WHO), seed=number, age=40, size=side).picture
            Image.fromarray(rgb).save(path)
        files.append(path)
    return tuple(files)


def again(files: Sequence[Path], home: Path) -> tuple[float, float]:
    """Seconds of a second examination of pictures on file, and of the whole command."""
    studio = Studio(home)
    studio.new("ada")
    studio.add("ada", files)
    studio.doctor("ada")
    begun = time.perf_counter()
    studio.doctor("ada")
    alone = time.perf_counter() - begun
    sosie = Path(sys.executable).with_name("sosie")
    command = [str(sosie), "--home", str(home), "doctor", "ada"]
    begun = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)  # a set that is not ready is no error
    return alone, time.perf_counter() - begun


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


def personal() -> list[Family]:
    """What is read of a person's pictures."""
    return list({family.name: family for rule in PERSONAL for family in rule.needs}.values())


def timed(dataset: Dataset, config: Config, shelf: Shelf) -> float:
    """Seconds of the whole examination of a set, read and judged."""
    begun = time.perf_counter()
    examine(dataset, config, shelf=shelf)
    return time.perf_counter() - begun


def weighed(
    dataset: Dataset, config: Config, shelf: Shelf
) -> tuple[Case, Sequence[tuple[int, float]]]:
    """A set as it was read, and (pictures read, MiB) on the way; weighing takes its own time."""
    every, sizes = max(1, len(dataset.items) // 20), []

    def on_picture(done: int, of: int) -> None:
        if done % every == 0:
            sizes.append((done, resident()))

    return read(dataset, config, personal(), shelf=shelf, on_picture=on_picture), sizes


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
            files, folder = kept_drawn(side), Path(name)
            alone, command = again(files, folder / "home")
            yield (
                f"{len(files)} unchanged pictures of {side} px again",
                f"{alone:.2f} s",
                "under 1 s",
            )
            yield "the same, the whole command", f"{command:.2f} s", ""
            shots = [Shot(pixels(file), f"photo of ada, {file.stem}", 0, WHO) for file in files]
            few, config, shelf = dataset_of(shots, folder), Config(side=side), Kept()
            examine(few, config, shelf=shelf)
            long = repeated(few, count)
            seconds = timed(long, config, Readings(Database(folder / "timed.sqlite")))
            yield f"all rules, {side} px", f"{count / seconds:.1f} pictures/s", "4/s at 1024 px"
            _, sizes = weighed(long, config, Readings(Database(folder / "weighed.sqlite")))
            grown = slope(sizes)
            yield (
                f"memory for each picture more, {count} of {side} px",
                f"{grown:.0f} KiB, from {sizes[0][1]:.0f} to {sizes[-1][1]:.0f} MiB: "
                f"{grown * ASKED / 1024:.0f} MiB over {ASKED:,}",
                "flat",
            )
            if side > 256:
                continue
            case, _ = weighed(repeated(few, JUDGED), config, Renamed(few, shelf, JUDGED))
            seconds, more = judged(case)
            yield (
                f"judging what was read of {JUDGED:,}",
                f"{seconds:.0f} s, {more:.0f} MiB more",
                "",
            )
