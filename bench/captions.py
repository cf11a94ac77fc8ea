"""Captions suggested for drawn pictures, whose truth is known: what is said, and is it right?

Five pictures each of people held out from the base, and lines by writers. Nothing is counted as
wrong that is not said; the share that is said stands beside the share that is right.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset, Item
from sosie.core.terms import Kind
from sosie.doctor.seen import Described, describe
from sosie.world import photo, writing
from sosie.world.hands import writer
from sosie.world.people import HELD_OUT_EVERY, person

PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "12"))
EACH = 5
NOTES = 40
SIDE = 256
"""Pixels of the portraits."""
TEXTS = ("The garden needs it", "We arrived on the 7th", "bread, tea and oranges")

PLACES = {"beach": "on a beach", "mountains": "in the mountains", "library": "in a library"}
PLACES |= {"city street": "in a street", "kitchen": "in a kitchen"}

Truth = photo.Truth
Right = Callable[[str, Truth], bool]


def _garment(said: str, truth: Truth) -> bool:
    """The cloth's colour is among the one or two said; a lining or stripes may be the other."""
    return truth.garment_colour in said.split()


def _light(said: str, truth: Truth) -> bool:
    """Evening light is warm, and from the side as well."""
    side = truth.light in ("side light", "evening light")
    warm = truth.light in ("warm light", "evening light")
    return {
        "side light": side,
        "warm side light": side and warm,
        "warm light": warm,
        "soft light": truth.light == "soft light",
    }[said]


PARTS: dict[str, Right] = {
    "view": lambda said, truth: truth.view.startswith(said),
    "expression": lambda said, truth: (
        said == truth.expression or (said, truth.expression) == ("neutral", "serious")
    ),
    "glasses": lambda said, truth: said in truth.glasses,
    "clothes": _garment,
    "light": _light,
}
"""Part -> whether what is said of it is true. Serious faces count as neutral ones."""


def described(pictures: list[NDArray[np.uint8]], kind: Kind) -> tuple[Described, ...]:
    """What is said of pictures of one subject."""
    with tempfile.TemporaryDirectory() as folder:
        items = []
        for number, rgb in enumerate(pictures):
            path = Path(folder) / f"{number}.png"
            Image.fromarray(rgb).save(path, compress_level=1)
            sha = sha256_bytes(rgb.tobytes())
            items.append(Item(sample=sha, pixels_sha256=sha, file_name="", path=path, caption=""))
        return describe(Dataset(subject="ada", kind=kind, trigger="ada", items=tuple(items)))


def portraits() -> Iterator[tuple[Described, Truth]]:
    """What is said of each picture of each person, and the truth."""
    for number in range(PEOPLE):
        who = person(HELD_OUT_EVERY * (number + 1) + HELD_OUT_EVERY - 1)
        shots = [photo.photo(who, seed=900 + seed, size=SIDE) for seed in range(EACH)]
        told = described([shot.picture for shot in shots], "person")
        yield from zip(told, (shot.truth for shot in shots), strict=True)


def notes() -> Iterator[tuple[Described, writing.Truth]]:
    """What is said of a line by each of several writers, and the truth."""
    for seed in range(NOTES):
        text = TEXTS[seed % len(TEXTS)]
        try:
            line = writing.line(writer(seed), text, seed=seed, width=640, height=120)
        except (writing.CannotWrite, writing.DoesNotFit):
            continue
        (told,) = described([line.picture], "handwriting")
        yield told, line.truth


PAPERS = {"plain": "white", "school": "squared", "kraft": "brown"}
"""The world's words where they are not ours."""


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    said, right, of = Counter[str](), Counter[str](), Counter[str]()

    def count(part: str, told: str | None, true: Callable[[str], bool]) -> None:
        of[part] += 1
        if told is not None:
            said[part] += 1
            right[part] += true(told)

    for told, truth in portraits():
        for part, is_right in PARTS.items():
            count(part, told.words.get(part), lambda word: is_right(word, truth))  # noqa: B023
        behind = told.words.get("background")
        if truth.place == "plain wall":
            wall = f"{truth.wall_colour} background"
            count("colour of a wall", behind, lambda word: word.endswith(f" {wall}"))  # noqa: B023
        else:
            # The colours of a place are true as measured; only its name can be wrong.
            named = behind if behind is None or not behind.startswith("against") else None
            place = PLACES.get(truth.place)
            count("name of a place", named, lambda word: word == place)  # noqa: B023
    for line, note in notes():
        ink = "pencil" if note.pen == "pencil" else f"{note.ink} ink"
        paper = f"{PAPERS.get(note.paper, note.paper)} paper"
        count("ink", line.words.get("ink"), lambda word: word == ink)  # noqa: B023
        count("paper", line.words.get("paper"), lambda word: word == paper)  # noqa: B023
    return [
        (
            part,
            f"said of {said[part]} in {of[part]}; right {right[part] / max(said[part], 1):.2f}",
            "right 0.90",
        )
        for part in of
    ]
