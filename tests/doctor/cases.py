"""Sets of which only the readings are made up: no picture is drawn, and none is opened."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sosie.core.records import Box, Dataset, Item
from sosie.core.terms import Kind
from sosie.doctor import Config
from sosie.doctor.rule import Case
from sosie.doctor.rules import twins
from sosie.models import near

BOX = Box(left=10, top=10, right=60, bottom=60)


def case_of(
    count: int,
    config: Config | None = None,
    kind: Kind = "person",
    captions: Sequence[str] = (),
    **taken: Any,
) -> Case:
    """A case of so many pictures; `taken` gives the readings by the names of families."""
    items = tuple(
        Item(
            sample=f"{number:064x}",
            pixels_sha256=f"{number:064x}",
            file_name=f"{number:02d}.jpg",
            path=Path("never-opened"),
            caption=captions[number] if captions else "anna",
        )
        for number in range(count)
    )
    dataset = Dataset(subject="anna", kind=kind, trigger="anna", items=items)
    return Case(dataset, config or Config(), taken)


def numbers(samples: Sequence[str]) -> list[int]:
    """The numbers of pictures by their hashes."""
    return [int(sample, 16) for sample in samples]


def twin(seed: int) -> twins.Reading:
    """What is compared of a picture: of one seed, one shot."""
    rgb = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
    shrunk = near.shrunk(Image.fromarray(rgb).resize((256, 256)))
    return twins.Reading(shrunk=base64.b64encode(shrunk).decode(), taken=None)
