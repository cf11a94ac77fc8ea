"""Audits of copying: from a LoRA on file to how often it gives back the pictures that taught it.

One job: the base is loaded once, every picture is kept as soon as it is drawn, and an audit that
was interrupted goes on where it stopped. The base alone draws each picture too, as the control.

    runs/RUN/audit/copies/KEY/base/training_captions_03-200003.png
                              0a1b2c3d4e5f-1/training_captions_03-200003.png   weights and strength

A training picture is compared as this base could give it back at best: cropped as it was taught,
and once through the base's autoencoder. So are the pictures that nothing was taught with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from sosie import rights
from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.records import Record, first_complaint, now
from sosie.registry import Registry
from sosie.studio import comparing, drawing
from sosie.studio.auditing import Signed
from sosie.studio.drawing import Found
from sosie.studio.easel import Easel, OnEvent, Story
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.audit.copying import Ask, CopyAudit, Match, Shot, Taught
    from sosie.audit.copying.rights import Status
    from sosie.core.consent import Consent
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.faces import Picture
    from sosie.models.lora.read import LoraFile
    from sosie.train import Manifest
    from sosie.train.crops import Window
    from sosie.train.manifest import TaughtPicture


class ProbeConfig(Record):
    """What an audit of copying draws, and what it allows."""

    strength: float = Field(default=1.0, gt=0, le=3)
    """Weight of the LoRA that is meant."""
    each: int = Field(default=60, ge=1, lt=100_000)
    """Pictures of each of the five probes: 300 without a copy support the bound of 1%."""
    at_most: float = Field(default=0.01, gt=0, lt=1)
    """Share of generated pictures that may reproduce a training picture."""
    seed: int = Field(default=1, ge=0, lt=2**31)


@dataclass(frozen=True)
class Probed:
    """What an audit of copying left."""

    audit: CopyAudit
    record: Path
    """The signed JSON."""
    page: Path


def configure(settings: Mapping[str, Any]) -> ProbeConfig:
    """The settings of an audit. Raises BadInput naming an unusable one."""
    try:
        return ProbeConfig.model_validate(settings)
    except ValidationError as error:
        first = first_complaint(error)
        raise BadInput(f"{first.field} cannot be {first.given!r}: {first.what}.") from None


def manifest_of(found: Found) -> Manifest:
    """The manifest of the run that made a LoRA of a person.

    Raises BadInput for a LoRA that was not trained here, and for one of a handwriting.
    """
    from sosie.train import Manifest

    if found.manifest is None:
        raise BadInput(
            f"{found.adapter.name} was not trained here: which pictures taught it is unknown.",
            advice="If you have them: sosie audit --pictures FOLDER --against FOLDER",
        )
    manifest = Manifest.read(found.manifest)
    if manifest.kind != "person":
        raise BadInput("Copies are looked for in LoRAs of persons; a handwriting has no probes.")
    return manifest


def asked(manifest: Manifest, config: ProbeConfig) -> tuple[Ask, ...]:
    """What is asked of the LoRA: its permission is weighed by these prompts."""
    from sosie.audit.copying import mixture

    captions = [picture.caption for picture in manifest.pictures if not picture.withheld]
    return mixture(captions, manifest.trigger, each=config.each, seed=config.seed)


def audit(
    registry: Registry,
    base: DiffusionBase,
    found: Found,
    manifest: Manifest,
    config: ProbeConfig,
    *,
    consent: Consent,
    held_out: Path | None,
    statuses: Path | None,
    screen: Screen,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
) -> Probed:
    """Draw, search, judge; sign and file what was found. Goes on where it stopped.

    `held_out` is a folder of further pictures that nothing was taught with; `statuses` a CSV table
    of file and status of the training pictures. Raises BadInput, Interrupted, NotPermitted.
    """
    from sosie.audit import copying as stage
    from sosie.audit.copying import page
    from sosie.audit.copying import rights as owned
    from sosie.models import lora

    begun = time.perf_counter()
    photos = Photos(registry, base, manifest)
    more = comparing.Folder(held_out, at_most=comparing.LOOKED_AT, seed=1) if held_out else None
    said = photos.rights(statuses, consent)
    asks = asked(manifest, config)
    read = lora.read(found.path)
    easel = Easel(
        registry=registry,
        base=base,
        name=found.adapter.name,
        consent=consent.sha256(),
        screen=screen,
        on_event=on_event,
        should_stop=should_stop,
        total=2 * len(asks),
    )
    folder = registry.run(manifest.name).folder / "audit"
    story = Story(registry, manifest.name, on_event)
    story.tell(
        "copies",
        f"copies: {easel.total} pictures, half of them by the base alone",
        pictures=easel.total,
        strength=config.strength,
    )
    made, alone = _drawn(easel, folder / "copies", read, config, asks)
    copying = stage.search(
        made,
        photos.shots(withheld=False),
        [*photos.shots(withheld=True), *photos.others(more)],
        base=alone,
        config=stage.Config(at_most=config.at_most),
        figure=comparing.figure(),
        on_picture=lambda what, done, of: on_event(
            "looked", {"what": what, "done": done, "of": len(asks) if of is None else of}
        ),
    )
    report = stage.CopyAudit(
        sosie=version("sosie"),
        adapter=found.adapter.name,
        subject=manifest.subject,
        base=manifest.base.name,
        base_sha256=base.info.content_sha256,
        tensors_sha256=read.tensors_sha256,
        step=found.step,
        strength=config.strength,
        taken=now(),
        seed=config.seed,
        each=config.each,
        probes=stage.PROBES,
        taught=photos.taught(said),
        gone=photos.gone,
        copying=copying,
        rights=owned.table(list(said), copying.reproduced_references, said),
        seconds=round(time.perf_counter() - begun, 1),
    )
    files = {shot.name: shot for shot in made}

    def pair(match: Match) -> tuple[Picture, Picture]:
        return photos.as_taught(match.reference), files[match.made].read()

    about = f"{report.adapter} at strength {config.strength:g}, {report.taken:%Y-%m-%d}"
    text = page.render(copying, report.rights, pair, about=about, asked=report.probes)
    filed = _file(registry, report, folder, text)
    story.tell("copied", f"copies: {report.verdict}", verdict=report.verdict)
    return filed


class Photos:
    """The pictures of a run, as its base could give them back at best."""

    def __init__(self, registry: Registry, base: DiffusionBase, manifest: Manifest) -> None:
        self._registry, self._base, self._manifest = registry, base, manifest
        self._samples = {one.picture_sha256: one for one in registry.samples(manifest.subject)}
        there = [p for p in manifest.pictures if registry.blobs.path(p.sample).is_file()]
        self.gone = sum(not p.withheld for p in manifest.pictures) - sum(
            not p.withheld for p in there
        )
        self._named: dict[str, TaughtPicture] = {}
        """Pictures by file name, those of an equal one by a part of their hash too."""
        for picture in there:
            sample = self._samples.get(picture.sample)
            name = sample.file_name if sample else picture.sample[:12]
            taken = name in self._named
            self._named[f"{name} ({picture.sample[:8]})" if taken else name] = picture
        if not any(self._taught(p) for p in self._named.values()):
            raise BadInput(f"None of the pictures that taught {manifest.name} is on file any more.")

    def shots(self, *, withheld: bool) -> list[Shot]:
        """The pictures that were taught, or those that were withheld."""
        from sosie.audit.copying import Shot

        return [
            Shot(name, partial(self._given_back, picture))
            for name, picture in self._named.items()
            if (picture.withheld if withheld else self._taught(picture))
        ]

    def others(self, folder: comparing.Folder | None) -> Iterator[Shot]:
        """Pictures of a folder, cut about their middle to the base's own shape."""
        from sosie.audit.copying import Shot

        if folder is None:
            return
        for name in folder.names:
            yield Shot(name, partial(self._like, folder, name))

    def rights(self, table: Path | None, consent: Consent) -> dict[str, Status]:
        """What is known of the rights of each taught picture: what the table says; else whether the
        permission names who holds its copyright."""
        names = [name for name, picture in self._named.items() if self._taught(picture)]
        given = comparing.statuses_of(table, names)
        terms = consent.bounds
        holders = {one.original_sha256: one.copyright_holder for one in terms.pictures}
        found: dict[str, Status] = {}
        for name in names:
            sample = self._samples.get(self._named[name].sample)
            own = holders.get(sample.original_sha256) if sample else None
            named = own or terms.copyright_holder
            found[name] = given.get(name, "consent on file" if named else "unknown")
        return found

    def taught(self, said: Mapping[str, Status]) -> tuple[Taught, ...]:
        """What training saw, for the record."""
        from sosie.audit.copying import Taught

        samples = {name: self._named[name].sample for name in said}
        first = {one: group[0] for group in self._manifest.near_duplicates for one in group}
        numbers: dict[str, int] = {}
        for sample in samples.values():
            numbers.setdefault(first.get(sample, sample), len(numbers))
        return tuple(
            Taught(
                sample=sample,
                name=name,
                shot=numbers[first.get(sample, sample)],
                rights=said[name],
            )
            for name, sample in samples.items()
        )

    def as_taught(self, name: str) -> Picture:
        """A picture as it was cropped, for people to look at."""
        import numpy as np
        from PIL import Image

        box, size = self._crop(self._named[name])
        with Image.open(self._registry.blobs.path(self._named[name].sample)) as image:
            return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))

    def _given_back(self, picture: TaughtPicture) -> Picture:
        from PIL import Image

        with Image.open(self._registry.blobs.path(picture.sample)) as image:
            return self._through(image, *self._crop(picture))

    def _like(self, folder: comparing.Folder, name: str) -> Picture:
        from PIL import Image

        image = Image.fromarray(folder.read(name))
        return self._through(image, *self._middle(image.size))

    @staticmethod
    def _taught(picture: TaughtPicture) -> bool:
        return not picture.withheld and bool(picture.crops)

    def _crop(self, picture: TaughtPicture) -> tuple[Window, tuple[int, int]]:
        """The widest crop that was taught, and its size."""
        from PIL import Image

        if picture.crops:
            left, top, right, bottom, width, height = max(
                picture.crops, key=lambda crop: crop[2] - crop[0]
            )
            return (left, top, right, bottom), (width, height)
        with Image.open(self._registry.blobs.path(picture.sample)) as image:
            return self._middle(image.size)

    def _middle(self, size: tuple[int, int]) -> tuple[Window, tuple[int, int]]:
        from sosie.train.crops import window

        usual = self._base.info.defaults
        box = window(size, usual.width / usual.height, None)
        assert box is not None, "nothing has to be kept"
        return box, (usual.width, usual.height)

    def _through(self, image: Any, box: Window, size: tuple[int, int]) -> Picture:
        """A part of a picture at a size, once through the autoencoder."""
        import numpy as np
        import torch
        from PIL import Image

        cut = image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box)
        pixels = torch.from_numpy(np.array(cut, np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
        with torch.no_grad():
            code = self._base.encode_pixels(pixels.to(self._base.device, self._base.dtype))
            back = self._base.decode(code)[0].float().cpu().permute(1, 2, 0)
        return np.asarray(((back + 1) * 127.5).round().clamp(0, 255), np.uint8)


def _drawn(
    easel: Easel, folder: Path, read: LoraFile, config: ProbeConfig, asks: Sequence[Ask]
) -> tuple[list[Shot], list[Shot]]:
    """What the LoRA and what the base alone makes of everything that is asked, drawn if missing."""
    from sosie.audit import PROMPTS
    from sosie.audit.copying import PROBES, Shot
    from sosie.generate import safe

    mixture = [[probe.model_dump() for probe in PROBES], [prompt.text for prompt in PROMPTS]]
    place = folder / sha256_bytes(canonical_json([easel.base.info.content_sha256, *mixture]))[:12]
    mine = place / f"{read.tensors_sha256[:12]}-{config.strength:g}"
    sides: tuple[list[Shot], list[Shot]] = ([], [])
    for ask in asks:
        weight = config.strength * ask.probe.strength
        for shots, cell, lora, push in (
            (sides[0], mine, (read, weight), ask.probe.push),
            (sides[1], place / "base", None, 0.0),
        ):
            file = cell / f"{safe(ask.key)}-{ask.seed}.png"
            if not file.is_file():
                easel.draw(cell, ask.key, ask.prompt, ask.seed, lora, push=push)
            easel.step()
            shots.append(Shot(file.stem, partial(drawing.pixels, file), ask.probe.name))
    return sides


def _file(registry: Registry, report: CopyAudit, folder: Path, page: str) -> Probed:
    """Sign the record, put it on file, and write it and its page beside the pictures."""
    signature = rights.sign(registry.key(), report.sha256(), role="trainer", at=report.taken)
    registry.audits.add(
        report.subject,
        report.adapter,
        report.tensors_sha256,
        report.canonical(),
        signature,
        kind="copying",
    )
    signed = Signed(audit=report.model_dump(mode="json"), signature=signature)
    stem = f"copies-{report.taken:%Y%m%d-%H%M%S}"
    record, html = folder / f"{stem}.json", folder / f"{stem}.html"
    write_atomically(record, signed.model_dump_json(indent=1).encode() + b"\n")
    write_atomically(html, page.encode())
    return Probed(audit=report, record=record, page=html)
