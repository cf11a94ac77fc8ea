"""A run again from its manifest: same pictures, captions and settings, and the files compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sosie import captions
from sosie.core.errors import NotFound
from sosie.core.files import sha256_file
from sosie.core.records import Dataset, Record
from sosie.registry import Registry
from sosie.studio import drawing, examining, permission, references
from sosie.studio.screening import Screen
from sosie.studio.training import OnEvent

if TYPE_CHECKING:
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.train import Manifest


class Reproduction(Record):
    """What came of training again from a manifest."""

    same: bool
    """Whether it is the same file but for its signature, which is of the house that trained it."""
    file_sha256: str
    recorded_sha256: str
    unsigned_sha256: str
    """Of the file trained now, without its signature."""
    differences: tuple[str, ...] = ()
    """What is not as it was then (library versions, code), as sentences."""


def reproduce(
    registry: Registry,
    path: Path,
    manifest: Manifest,
    *,
    screen: Screen,
    base: str | None,
    device: str,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
) -> Reproduction:
    """Train again with the recorded pictures, captions and settings, and compare the file; `screen`
    looks at every preview, since a checkpoint is chosen by those that were written.
    """
    from sosie import train as stage
    from sosie.models import lora
    from sosie.train.manifest import differences

    recorded = recorded_file(registry, path, manifest)
    loaded = recorded_base(registry, manifest, base, device)
    dataset = dataset_of(registry, manifest)
    with tempfile.TemporaryDirectory() as folder:
        result = stage.train(
            dataset,
            loaded,
            manifest.config,
            folder=Path(folder),
            consent=manifest.consent_sha256,
            on_event=on_event,
            # The same choice of a checkpoint as then.
            on_checkpoint=references.scorer(registry, dataset, loaded),
            should_stop=should_stop,
            examined=examining.on_record(manifest),
            sign=permission.seal(registry),
            keep=lambda drawn: drawn.png() if screen.lets(drawn.rgb, drawn.seed) else None,
        )
        unsigned = lora.sealed(result.adapter).unsigned_sha256
        again = stage.Manifest.read(result.manifest)
    before = lora.sealed(recorded)
    then, today = manifest.environment, again.environment
    changed = [
        f"{key} was {then.get(key)}, is {today[key]}"
        for key in today
        if then.get(key) != today[key]
    ]
    return Reproduction(
        same=before.as_written and unsigned == before.unsigned_sha256,
        file_sha256=result.file_sha256,
        recorded_sha256=sha256_file(recorded),
        unsigned_sha256=unsigned,
        differences=(*differences(manifest, again), *changed),
    )


def dataset_of(registry: Registry, manifest: Manifest) -> Dataset:
    """What a run was taught and what it withheld. Raises NotFound if a picture is gone."""
    subject = registry.subject(manifest.subject)
    return captions.dataset_again(
        subject,
        # A picture may have been mended since, or its mend undone.
        (*registry.mends.samples(subject.name), *registry.samples(subject.name)),
        {picture.pixels_sha256: picture.caption for picture in manifest.pictures},
        registry.blobs.path,
    )


def recorded_base(
    registry: Registry, manifest: Manifest, base: str | None, device: str
) -> DiffusionBase:
    """The base of a run: where the user says it lies, else where it lay, under the name of then."""
    known = {run.id: run.base for run in registry.runs()}
    try:
        loaded = drawing.load(base or known.get(manifest.name, manifest.base.name), device)
    except NotFound as error:
        if base is not None:
            raise
        raise NotFound(error.message, advice="Say where it lies now with --base.") from error
    if loaded.info.content_sha256 == manifest.base.content_sha256:
        # The same files may lie in a folder of another name, and the name stands in the manifest.
        loaded.info = loaded.info.model_copy(update={"name": manifest.base.name})
    return loaded


def manifest_of(registry: Registry, given: Path) -> Path:
    """The manifest file that the user means: a file, or the run of that name. Raises NotFound."""
    if given.is_file() or len(given.parts) > 1 or given.suffix == ".json":
        return given
    return registry.run(str(given)).folder / "manifest.json"


def recorded_file(registry: Registry, path: Path, manifest: Manifest) -> Path:
    """The LoRA that a manifest describes: the file beside it, else the one on file."""
    stem = path.name.removesuffix(".json").removesuffix(".sosie")
    for name in (manifest.name, stem):
        beside = path.with_name(f"{name}.safetensors")
        if beside.is_file():
            return beside
    return registry.blobs.path(registry.adapter(manifest.name).file_sha256)
