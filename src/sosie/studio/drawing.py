"""Pictures: from a prompt to files, with the LoRAs that the prompt calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sosie.core.errors import BadInput, NotFound, NotPermitted
from sosie.core.records import Adapter, Record, configured
from sosie.core.release import Release
from sosie.registry import Registry, Shelved
from sosie.registry.releases import taken_apart
from sosie.studio.marking import Marker

if TYPE_CHECKING:
    from sosie.generate import GenerateConfig, Picture, WordTrial
    from sosie.generate.words import Unit
    from sosie.models.diffusion.base import DiffusionBase


class Drawn(Record):
    """Files of one call."""

    files: tuple[Path, ...]
    sheet: Path


@dataclass(frozen=True)
class Found:
    """A LoRA file on disk, and whom it shows."""

    adapter: Adapter
    subject: str
    path: Path
    manifest: Path | None
    step: int | None
    """After how many steps the file was written, if it was trained here."""
    release: Release | None = None
    """The release, if one was meant."""


@dataclass(frozen=True)
class Call:
    """One `<lora:NAME:weight>` of a prompt, with what it names."""

    name: str
    weight: float
    found: Found


def find(registry: Registry, name: str) -> Found:
    """The LoRA that NAME means: a LoRA, a subject (its latest LoRA), or either with @STEP; with
    @VERSION or @ALIAS a release, and without one the newest of a name that only releases bear.

    Raises NotFound with the nearest known name.
    """
    bare, step = taken_apart(name)
    if step and not step.isdigit():
        return released(registry.releases.get(bare, step), registry)
    adapter = _adapter(registry, bare)
    if adapter is None:
        return released(registry.releases.get(bare), registry)
    if adapter.subject is None:
        raise NotFound(f'The LoRA "{bare}" is filed under no subject.')
    # What a filter made of a run's LoRA has none of the run's checkpoints.
    folder = registry.run(adapter.name).folder if adapter.run == adapter.name else None
    manifest = _manifest(registry, adapter.run)
    if not step or (adapter.run and int(step) == adapter.step):
        # Not the checkpoint's own file, whose weights may be averaged where the LoRA's are not.
        path = registry.blobs.path(adapter.file_sha256)
        return Found(adapter, adapter.subject, path, manifest, adapter.step)
    checkpoints = sorted(folder.glob("checkpoints/step-*")) if folder else []
    for checkpoint in checkpoints:
        if int(checkpoint.name.removeprefix("step-")) == int(step):
            (file,) = [f for f in checkpoint.glob("*.safetensors") if f.name != "state.safetensors"]
            return Found(adapter, adapter.subject, file, manifest, int(step))
    known = [str(int(checkpoint.name.removeprefix("step-"))) for checkpoint in checkpoints]
    raise NotFound.among(f"checkpoint of {bare}", step, known)


def released(shelved: Shelved, registry: Registry) -> Found:
    """The LoRA file of a release, and whom it shows."""
    adapter = as_adapter(shelved)
    path = registry.blobs.path(adapter.file_sha256)
    manifest = _manifest(registry, shelved.run)
    return Found(adapter, shelved.subject, path, manifest, adapter.step, shelved.release)


def as_adapter(shelved: Shelved) -> Adapter:
    """A release as the LoRA that it is."""
    release = shelved.release
    return Adapter(
        name=release.title,
        subject=shelved.subject,
        family=release.family,
        base=release.base,
        trigger=release.trigger_words[0] if release.trigger_words else None,
        file_sha256=release.lora.file_sha256,
        tensors_sha256=release.tensors_sha256,
        run=shelved.run,
        step=release.steps,
        consent_sha256=release.permissions[0].consent_sha256,
        created=release.published,
    )


def _manifest(registry: Registry, run: str | None) -> Path | None:
    """Where the manifest of a run lies, if it does."""
    path = registry.run(run).folder / "manifest.json" if run else None
    return path if path and path.is_file() else None


def _adapter(registry: Registry, name: str) -> Adapter | None:
    """The LoRA, or the latest of the subject, called `name`; None if only releases are. What a
    filter made of a run's LoRA is meant by its own name alone."""
    adapters = registry.adapters()
    for adapter in adapters:
        if adapter.name == name:
            return adapter
    of_subject = [a for a in adapters if a.subject == name and a.run in (None, a.name)]
    if of_subject:
        return of_subject[-1]
    if registry.releases.versions(name):
        return None
    subjects = {adapter.subject for adapter in adapters if adapter.subject}
    raise NotFound.among("LoRA", name, {adapter.name for adapter in adapters} | subjects)


def called(
    registry: Registry, prompt: str, say: Callable[[str], None]
) -> tuple[str, tuple[Call, ...]]:
    """The text of a prompt, and the LoRAs that it calls. Tells what a name stands for, and a
    trigger word left out.
    """
    from sosie.generate import parse

    parsed = parse(prompt)
    calls = []
    for call in parsed.loras:
        found = find(registry, call.name)
        if found.adapter.name not in (call.name, taken_apart(call.name)[0]):
            bare = "@" not in call.name and not found.release
            latest = f", the latest LoRA of {call.name}" if bare else ""
            say(f"<lora:{call.name}> is {found.adapter.name}{latest}.")
        trigger = found.adapter.trigger
        if trigger and trigger.casefold() not in parsed.text.casefold():
            say(f'The prompt lacks "{trigger}", the trigger word of {found.adapter.name}.')
        calls.append(Call(call.name, call.weight, found))
    return parsed.text, tuple(calls)


def configure(prompt: str, **settings: Any) -> GenerateConfig:
    """The settings as the stage takes them. Raises BadInput naming an unusable one."""
    from sosie.generate import GenerateConfig

    return configured(GenerateConfig, {"prompt": prompt, **settings})


def as_taught(
    calls: Sequence[Call], settings: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """The settings, with the shape of its notes where a handwriting is called and none is given: a
    line is long, and in a square nobody would have it written."""
    from sosie.train import Manifest

    given = dict(settings)
    if given.get("width") is not None or given.get("height") is not None:
        return given
    for call in calls:
        if call.found.manifest and (size := Manifest.read(call.found.manifest).drawn_in):
            say(f"Drawn at {size[0]}x{size[1]}, as the notes of {call.name} were taught.")
            return given | {"width": size[0], "height": size[1]}
    return given


class Desk:
    """Keeps the base that was drawn with last, so that the next call need not load it again."""

    def __init__(self) -> None:
        self._key: tuple[str, str] | None = None
        self._base: DiffusionBase | None = None

    def base(self, name: str, device: str) -> DiffusionBase:
        """The base called `name` on a device ("auto" is CUDA where it is there)."""
        key = (name, choose_device(device))
        if self._base is None or self._key != key:
            self._key, self._base = key, load(*key)
        return self._base

    def clear(self) -> None:
        """Let go of it, before something else needs the room."""
        self._key = self._base = None


def load(base: str, device: str) -> DiffusionBase:
    """The base on a device: in bfloat16 on a GPU, in float32 on a CPU."""
    import torch

    from sosie.models.diffusion.resolve import load_base

    place = choose_device(device)
    return load_base(settled(base), place, torch.float32 if place == "cpu" else torch.bfloat16)


def require_base(base: str) -> None:
    """Raise NotFound or WeightsRefused if there is no whole base here; weights stay unread."""
    from sosie.models.diffusion.folder import content_files
    from sosie.models.diffusion.resolve import resolve

    content_files(resolve(settled(base)).folder)


def settled(base: str) -> str:
    """A base's name; a folder's in full, so that it is found from wherever a command is given."""
    from sosie.models.diffusion import BASES

    folder = Path(base).expanduser()
    known = any(base == row.name for row in BASES)
    return base if known or not folder.is_dir() else str(folder.resolve())


def draw(
    base: DiffusionBase,
    config: GenerateConfig,
    calls: Sequence[Call],
    *,
    out: Path,
    consents: Mapping[str, str],
    init: Path | None,
    marker: Marker,
    passes: Callable[[Picture], bool],
    say: Callable[[str], None],
) -> Drawn:
    """Draw into `out`: one PNG a picture that `passes`, marked and written as soon as it is drawn,
    and a contact sheet.

    Raises NotPermitted if none passes.
    """
    from sosie import generate
    from sosie.models import lora
    from sosie.registry.intake import read

    start = None if init is None else pixels(BytesIO(read(init).picture))
    subject = calls[0].found.subject if calls else None
    name = subject or "picture"
    files: list[Path] = []
    kept: list[Picture] = []

    def keep(drawn: Picture) -> None:
        if passes(drawn):
            picture, bits = marker.drawn(drawn, subject)
            finish = marker.finish([picture.made], f"{name}-{picture.made.seed}", bits)
            files.append(generate.save(picture, out, name, finish))
            kept.append(picture)

    generate.draw(
        base,
        config,
        [(call.name, lora.read(call.found.path), call.weight) for call in calls],
        consents=consents,
        init=start,
        say=say,
        on_picture=keep,
    )
    if not kept:
        raise NotPermitted("None of the pictures may be shown.", advice="Ask for something else.")
    finish = marker.finish([picture.made for picture in kept], f"{name}-sheet")
    return Drawn(files=tuple(files), sheet=generate.save_sheet(kept, out, name, finish))


def words(
    base: DiffusionBase,
    config: GenerateConfig,
    calls: Sequence[Call],
    *,
    unit: Unit | None,
    out: Path,
    consents: Mapping[str, str],
    marker: Marker,
    look: Callable[[Picture], None],
    on_picture: Callable[[int, int], None],
    say: Callable[[str], None],
) -> tuple[WordTrial, Path]:
    """What each part of a prompt does, and where in `out` the sheet of it lies; `look` sees every
    picture before that, and may raise."""
    from sosie import generate
    from sosie.models import lora

    trial, sheet = generate.try_words(
        base,
        config,
        [(call.name, lora.read(call.found.path), call.weight) for call in calls],
        unit=unit,
        consents=consents,
        look=look,
        on_picture=on_picture,
        say=say,
        finish=lambda made: marker.finish(made, "words"),
    )
    return trial, generate.save_beside(sheet, out, "words")


def pixels(path: Path | BinaryIO) -> Any:
    """A picture file as (H, W, 3) bytes."""
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def choose_device(device: str) -> str:
    """`device`, with "auto" meaning CUDA where it is there. Raises BadInput for an unusable one."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda"):
        raise BadInput(f"Unknown device: {device}.", advice="Known: auto, cpu, cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("This machine has no CUDA device, or torch cannot use it.")
    return device
