"""Good sets for the doctor, the faults that are planted in them, and their examination.

A person's set is fifteen pictures of one drawn person held out from the base: all views, plain
clothes, and colours, hair and places that change, as the doctor asks. A writer's is ten notes
that hold together every letter, digit and usual mark.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import numpy as np
from PIL import ExifTags, Image

from bench import notes, plants
from bench.plants import Good, Plant, Shot
from bench.plants.pose import age_of
from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset, Item
from sosie.core.terms import Kind
from sosie.doctor import Checkup, Config, examine
from sosie.world import tables
from sosie.world.captions import caption
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import photo

SIDE = {"person": 256, "handwriting": 512}
"""Pixels of the base that a set is examined for; a person's pictures have as many."""
PICTURES, NOTES = 15, 10
FIRST_WRITER = 5000
"""Far from the writers on whom the rules' numbers were found."""
VIEWS = ("front view", "three-quarter view to the left", "three-quarter view to the right")
HAIR = tuple(style for style in tables.HAIR_STYLES if style != "bald")
COLOURS = tuple(tables.COLOURS)
ISO = (100, 200, 400, 800)


def good_set(number: int) -> list[Shot]:
    """Fifteen pictures of one held-out person, each in a setting of its own."""
    who = HELD_OUT_EVERY * (number + 1) + HELD_OUT_EVERY - 1
    return [_portrait(who, setting) for setting in range(PICTURES)]


def _portrait(who: int, setting: int) -> Shot:
    drawn: dict[str, object] = {
        "age": age_of(who),
        "pattern": "plain",
        "hair_style": HAIR[(who + setting) % len(HAIR)],
        "garment_colour": COLOURS[(who + setting) % len(COLOURS)],
    }
    if setting < len(VIEWS):
        drawn |= {"view": VIEWS[setting]}
    taken = photo(person(who), seed=setting, size=SIDE["person"], **drawn)
    if taken.truth.glasses == "sunglasses":
        drawn |= {"glasses": "none"}
        taken = photo(person(who), seed=setting, size=SIDE["person"], **drawn)
    words = caption(taken.truth, rng=np.random.default_rng([who, setting]), subject="ada")
    return Shot(taken.picture, words, setting, who, drawn, ISO[setting % len(ISO)])


def good_notes(number: int) -> list[Shot]:
    """Ten notes by one writer."""
    return notes.shots(FIRST_WRITER + number, NOTES, 3)


def good(kind: Kind, number: int) -> list[Shot]:
    """The good set of a kind and a number."""
    return good_set(number) if kind == "person" else good_notes(number)


class Kept(dict[str, str]):
    """Readings of one set and of all its spoilt versions: what was not spoilt is read once."""

    def get(self, keys: Sequence[str]) -> dict[str, str]:  # type: ignore[override]
        return {key: self[key] for key in keys if key in self}

    put = dict.update


def examined(
    shots: Sequence[Shot],
    folder: Path,
    shelf: Kept,
    *,
    kind: Kind = "person",
    only: Collection[str] | None = None,
    settings: Mapping[str, object] | None = None,
) -> Checkup:
    """The checkup of a set, filed in a folder; `settings` are fields of the doctor's `Config`."""
    dataset = dataset_of(shots, folder, kind)
    config = Config.model_validate({"side": SIDE[kind], **(settings or {})})
    originals = {item.sample: _original(item.path) for item in dataset.items}
    there = {sample: path for sample, path in originals.items() if path.exists()}
    return examine(dataset, config, originals=there, shelf=shelf, only=only)


def dataset_of(shots: Sequence[Shot], folder: Path, kind: Kind = "person") -> Dataset:
    """A set as training would see it, filed in a folder."""
    items = []
    for number, shot in enumerate(shots):
        sample = name_of(shot)
        path = folder / f"{sample}.png"
        if not path.exists():
            picture = Image.fromarray(shot.rgb)
            picture.save(path, compress_level=1)
            if shot.iso is not None:
                exif = Image.Exif()
                exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = shot.iso
                picture.save(_original(path), compress_level=1, exif=exif.tobytes())
        items.append(
            Item(
                sample=sample,
                pixels_sha256=sha256_bytes(shot.rgb.tobytes()),
                file_name=f"{number:03d}.png",
                path=path,
                caption=shot.caption,
            )
        )
    return Dataset(subject="ada", kind=kind, trigger="ada", items=tuple(items))


def name_of(shot: Shot) -> str:
    """The hash by which findings name a picture."""
    return sha256_bytes(shot.rgb.tobytes() + str(shot.iso).encode())


def _original(path: Path) -> Path:
    """Where the picture lies with what its camera said."""
    return path.with_name(f"given-{path.name}")


def planted() -> dict[str, Plant]:
    """Rule -> how its fault is planted, from every module of `bench.plants`."""
    return {rule: plant for module in _plants() for rule, plant in module.PLANTS.items()}


def bettered() -> dict[str, Good]:
    """Rule -> what of a good set it would call good, where not every one is."""
    good = (getattr(module, "GOOD", {}) for module in _plants())
    return {rule: better for found in good for rule, better in found.items()}


def _plants() -> Iterator[ModuleType]:
    for module in iter_modules(plants.__path__):
        yield import_module(f"bench.plants.{module.name}")
