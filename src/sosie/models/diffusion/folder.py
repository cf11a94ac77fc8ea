"""A base model's folder, read strictly and without torch: what is in it, what is wrong with it.

The layout is diffusers' own: `model_index.json` names the pipeline class and its parts; each part
is a folder with a configuration and, for models, weights in safetensors. Beside it Sosie reads
`sosie.json` (see `FolderSettings`), which no other program needs.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from sosie.core.canonical import canonical_json
from sosie.core.errors import WeightsRefused
from sosie.core.records import Record, first_complaint
from sosie.core.terms import Kind
from sosie.models.diffusion import PIPELINES, Defaults
from sosie.models.diffusion.hashes import sha256_files

INDEX = "model_index.json"
SETTINGS = "sosie.json"

_WEIGHT_STEMS = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}
_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_TEXT_FILES = (".json", ".txt", ".model")
_NEVER_LOADED = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that diffusers treats as optional and no family of Sosie uses."""


class Part(Record):
    """One component of a pipeline."""

    name: str
    library: str
    class_name: str
    folder: Path

    @property
    def is_model(self) -> bool:
        """Whether it holds weights; tokenizers and schedulers only have a configuration."""
        return not self.name.startswith(("tokenizer", "scheduler"))


class Index(Record):
    """What a `model_index.json` says."""

    folder: Path
    pipeline: str
    parts: tuple[Part, ...]

    @property
    def family(self) -> str:
        """The family of the pipeline class. Raises WeightsRefused if Sosie has none for it."""
        if self.pipeline not in PIPELINES:
            raise WeightsRefused(
                f"{self.folder} holds a {self.pipeline}, which Sosie cannot drive.",
                advice="It drives: " + ", ".join(PIPELINES) + ".",
            )
        return PIPELINES[self.pipeline]

    def part(self, name: str) -> Part:
        """The part of that name. Raises WeightsRefused if the index or the folder lacks it."""
        for part in self.parts:
            if part.name == name:
                if not part.folder.is_dir():
                    raise _missing(f"{name}/", self.folder)
                return part
        raise WeightsRefused(
            f"{self.folder / INDEX} names no {name}, which a {self.pipeline} needs.",
            advice="Fetch the whole diffusers folder again.",
        )


class FolderSettings(Record):
    """`sosie.json`: what a base says of itself to Sosie; every key may be left out."""

    name: str | None = None
    licence: str | None = None
    defaults: Defaults | None = None
    training: dict[str, Any] = Field(default_factory=dict)
    """Settings with which training on this base begins, as `sosie.train.TrainConfig` names them."""
    training_of: dict[Kind, dict[str, Any]] = Field(default_factory=dict)
    """What differs from these where one kind of subject is taught."""


def read_index(folder: Path) -> Index:
    """Read a folder's `model_index.json`. Raises WeightsRefused if there is no usable one."""
    path = folder / INDEX
    if not path.is_file():
        raise WeightsRefused(
            f"{folder} is not a diffusers folder: it has no {INDEX}.",
            advice="Name the folder that holds it, or a base that `sosie bases` lists.",
        )
    entries = read_json(path)
    pipeline = entries.get("_class_name")
    if not isinstance(pipeline, str):
        raise WeightsRefused(f"{path} names no pipeline class (`_class_name`).")
    parts = []
    for name, value in entries.items():
        if name.startswith("_") or not isinstance(value, list) or value == [None, None]:
            continue
        if len(value) != 2 or not all(isinstance(word, str) for word in value):
            raise WeightsRefused(f'{path} is unusable: "{name}" is not [library, class].')
        parts.append(Part(name=name, library=value[0], class_name=value[1], folder=folder / name))
    return Index(folder=folder, pipeline=pipeline, parts=tuple(parts))


def read_settings(folder: Path) -> FolderSettings:
    """Read a folder's `sosie.json`; absent, it says nothing. Raises WeightsRefused if unusable."""
    path = folder / SETTINGS
    if not path.is_file():
        return FolderSettings()
    try:
        return FolderSettings.model_validate(read_json(path))
    except ValidationError as error:
        first = first_complaint(error)
        raise WeightsRefused(f'{path} is unusable: "{first.field}": {first.what}.') from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises WeightsRefused if it is not one."""
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise WeightsRefused(f"{path} is not readable JSON: {error}.") from error
    if not isinstance(value, dict):
        raise WeightsRefused(f"{path} is unusable: it holds no JSON object.")
    return value


def weight_files(part: Part) -> tuple[Path, ...]:
    """The safetensors files of a model part, with their index if sharded.

    Raises WeightsRefused if a file is missing, or if there are only pickles, which can run code.
    """
    stem = _WEIGHT_STEMS.get(part.library)
    if stem is None:
        raise WeightsRefused(
            f"{part.folder} is refused: its class comes from {part.library!r}, and Sosie loads "
            "classes of diffusers and transformers only."
        )
    single = part.folder / f"{stem}.safetensors"
    if single.is_file():
        return (single,)
    index = part.folder / f"{stem}.safetensors.index.json"
    if index.is_file():
        return (index, *_shards(index))
    pickles = sorted(p.name for p in part.folder.iterdir() if p.suffix in _PICKLES)
    if pickles:
        raise WeightsRefused(
            f"{part.folder / pickles[0]} is a pickle, which can run code when it is opened.",
            advice=f"Fetch {single.name} instead; Sosie opens safetensors only.",
        )
    raise _missing(f"{part.name}/{single.name}", part.folder.parent)


def _shards(index: Path) -> list[Path]:
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise WeightsRefused(f"{index} is unusable: it has no weight_map.")
    shards = []
    for name in sorted({str(value) for value in names.values()}):
        if Path(name).name != name:
            raise WeightsRefused(f"{index} is refused: it points outside its folder ({name}).")
        if not (index.parent / name).is_file():
            raise _missing(f"{index.parent.name}/{name}", index.parent.parent)
        shards.append(index.parent / name)
    return shards


def _missing(part: str, folder: Path) -> WeightsRefused:
    return WeightsRefused(
        f"{folder} is incomplete: {part} is missing.",
        advice="Fetch the missing part and try again.",
    )


def content_files(folder: Path) -> list[Path]:
    """The files that decide what the base draws: its index, and each used part's configuration and
    weights, in the order of their paths. Weights that are not loaded (other precisions, pickles) do
    not count. Raises WeightsRefused if a part is missing."""
    index = read_index(folder)
    files = [folder / INDEX]
    for named in index.parts:
        if named.name in _NEVER_LOADED:
            continue
        part = index.part(named.name)
        files += [
            path
            for path in part.folder.iterdir()
            if path.suffix in _TEXT_FILES and ".index." not in path.name
        ]
        if part.is_model:
            files += weight_files(part)
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def content_sha256(folder: Path) -> str:
    """Hash over `content_files`, by relative path and bytes: equal wherever the folder lies."""
    files = content_files(folder)
    names = [path.relative_to(folder).as_posix() for path in files]
    rows = [list(row) for row in zip(names, sha256_files(files), strict=True)]
    return hashlib.sha256(canonical_json(rows)).hexdigest()


def size_bytes(folder: Path) -> int:
    """Size of `content_files` in bytes."""
    return sum(path.stat().st_size for path in content_files(folder))
