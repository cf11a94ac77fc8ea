"""Sets for the doctor: drawn people, or plain noise where only the frame of things matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset, Item
from sosie.core.terms import Kind

Pictures = Sequence[NDArray[np.uint8]]
MakeSet = Callable[..., Dataset]


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """`make_set(pictures, kind="person", captions=None)` files RGB arrays and gives the dataset."""

    def make(
        pictures: Pictures, kind: Kind = "person", captions: Sequence[str] | None = None
    ) -> Dataset:
        items = []
        for number, rgb in enumerate(pictures):
            path = tmp_path / f"{number:03d}.png"
            Image.fromarray(rgb).save(path)
            items.append(
                Item(
                    sample=sha256_bytes(path.read_bytes() + bytes([number])),
                    pixels_sha256=sha256_bytes(rgb.tobytes()),
                    file_name=path.name,
                    path=path,
                    caption=captions[number] if captions else f"photo of anna, number {number}",
                )
            )
        return Dataset(subject="anna", kind=kind, trigger="anna", items=tuple(items))

    return make


@pytest.fixture(scope="session")
def portraits() -> list[NDArray[np.uint8]]:
    """Sixteen pictures of one drawn person, each in another setting."""
    from sosie.world.people import person
    from sosie.world.photo import photo

    who = person(29)
    return [photo(who, seed=n, age=40, hat="none", size=192).picture for n in range(16)]
