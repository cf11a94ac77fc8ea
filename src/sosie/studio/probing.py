"""Audits of copying: from a LoRA on file to how often it gives back the pictures that taught it.

One job: the base is loaded once, every picture is kept as soon as it is drawn, and an audit that
was interrupted goes on where it stopped. The base alone draws each picture too, as the control.

    runs/RUN/audit/copies/KEY/base/training_captions_03-200003.png
                              0a1b2c3d4e5f-1/training_captions_03-200003.png   weights and strength
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput, UnreadablePicture
from sosie.core.files import sha256_bytes
from sosie.core.records import now
from sosie.registry import Registry
from sosie.studio import (
    comparing,
    drawing,
    filing,
    looks,
    references,
    remedies,
    retraining,
)
from sosie.studio.drawing import Found
from sosie.studio.easel import Easel, OnEvent, Story, Wanted
from sosie.studio.folding import Folds
from sosie.studio.looks import ProbeConfig
from sosie.studio.photos import Photos
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from torch import Tensor

    from sosie.audit.copying import Ask, CopyAudit, Match, Shot, Tried
    from sosie.audit.copying.inside import Inside
    from sosie.audit.intervals import Interval
    from sosie.core.consent import Consent
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.faces import Picture
    from sosie.models.lora.read import LoraFile
    from sosie.train import Manifest


@dataclass(frozen=True)
class Probed:
    """What an audit of copying left."""

    audit: CopyAudit
    record: Path
    """The signed JSON."""
    page: Path


def manifest_of(found: Found) -> Manifest:
    """The manifest of the run that made a LoRA of a person. Raises BadInput for a LoRA that was not
    trained here, and for one of a handwriting."""
    from sosie.train import Manifest

    if found.manifest is None:
        raise BadInput(
            f"{found.adapter.name} was not trained here: which pictures taught it is unknown.",
            advice="If you have them: sosie audit --pictures FOLDER --against FOLDER",
        )
    manifest = Manifest.read(found.manifest)
    if manifest.kind != "person":
        raise BadInput(
            f"Whether {found.adapter.name} gives back the notes that taught it cannot be measured: "
            "of copied lines the search finds too few, and would acquit what copies.",
            advice="Without --copies it is audited for its hand and its text.",
        )
    return manifest


def asked(registry: Registry, manifest: Manifest, config: ProbeConfig) -> tuple[Ask, ...]:
    """What is asked of the LoRA: its permission is weighed by these prompts."""
    from sosie.audit.copying import mixture

    captions = _captions(registry, manifest)
    return mixture(captions, manifest.trigger, each=config.each, seed=config.seed)


def _captions(registry: Registry, manifest: Manifest) -> tuple[str, ...]:
    captions = (picture.caption for picture in manifest.pictures if not picture.withheld)
    # Whoever has the captions has those that were cut short, too.
    return (*retraining.captions_before(registry, manifest.name), *captions)


def audit(
    registry: Registry,
    base: DiffusionBase,
    found: Found,
    manifest: Manifest,
    config: ProbeConfig,
    asks: Sequence[Ask],
    *,
    consent: Consent,
    held_out: Path | None,
    statuses: Path | None,
    screen: Screen,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
    may_train: Callable[[], bool],
) -> Probed:
    """Draw, search, judge; sign and file what was found. Goes on where it stopped.

    `may_train` is `should_stop` while a training goes on, which needs a permission of its own.
    `held_out` is a folder of further pictures that nothing was taught with; `statuses` a CSV table
    of file and status of the training pictures. Raises BadInput, Interrupted, NotPermitted.
    """
    from sosie.audit import copying as stage
    from sosie.audit.copying import page, probes
    from sosie.audit.copying import rights as owned
    from sosie.models import lora

    begun = time.perf_counter()
    photos = Photos(registry, base, manifest)
    more = comparing.Folder(held_out, at_most=comparing.LOOKED_AT, seed=1) if held_out else None
    said = photos.rights(statuses, consent)
    taught = photos.taught(said)
    read = lora.read(found.path)
    folds = None
    if config.folds is not None:
        folds = Folds(
            registry=registry,
            base=base,
            found=found,
            manifest=manifest,
            taught=taught,
            count=config.folds,
            seed=config.seed,
            screen=screen,
            on_event=on_event,
            should_stop=may_train,
        )
    easel = Easel(
        registry=registry,
        base=base,
        name=found.adapter.name,
        consent=consent.sha256(),
        screen=screen,
        on_event=on_event,
        should_stop=should_stop,
        total=2 * len(asks) + (folds.pictures if folds else 0),
    )
    folder = registry.run(manifest.name).folder / "audit"
    story = Story(registry, manifest.name, on_event)
    story.tell(
        "copies",
        f"copies: {easel.total} pictures, half of them by the base alone",
        pictures=easel.total,
        strength=config.strength,
    )
    if folds:
        minutes = folds.minutes()
        story.tell(
            "counterfactual",
            f"training {folds.count} times without a part of the pictures: about "
            f"{minutes:.0f} minutes",
            folds=folds.count,
            minutes=minutes,
        )
    captions = _captions(registry, manifest)
    unasked = len(probes.unasked(captions, asks))
    bars = looks.bars(found, config, unasked, probes.enough(captions), photos.gone)
    for bar in bars:
        story.tell("note", bar)
    look, explored = looks.look(
        registry, found, config, base.info.content_sha256, read.tensors_sha256
    )
    if explored:
        bars = (*bars, looks.chosen_by(found, config))
    made, alone = drawn(easel, folder / "copies", read, config, asks, all_needed=False)
    hidden = 2 * len(asks) - len(made) - len(alone)
    if hidden:
        story.tell("hidden", f"{hidden} pictures may not be shown: left out", pictures=hidden)
    copying = stage.search(
        # One that may not be shown may be a copy: it counts as one that cannot be looked at.
        [*made, *_hidden(asks, made)],
        photos.shots(withheld=False),
        [*photos.shots(withheld=True), *photos.others(more)],
        base=alone,
        config=stage.Config(at_most=config.at_most, look=look),
        figure=comparing.figure(),
        on_picture=lambda what, done, of: on_event(
            "looked", {"what": what, "done": done, "of": len(asks) if of is None else of}
        ),
    )
    if hidden:
        line = f"{hidden} of {2 * len(asks)} pictures may not be shown and were not looked at."
        copying = copying.model_copy(update={"remarks": (*copying.remarks, line)})
    on_event("note", {"message": "looking at what the weights tell"})
    inside = _inside(photos, base, [(read, config.strength)], manifest)
    left_out = None
    if folds:
        left_out = folds.measure(photos, copying.thresholds, easel, config.strength)
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
        remedies=remedies.taken(registry, manifest.name, read.header),
        taught=taught,
        gone=photos.gone,
        unasked=unasked,
        explored=explored,
        bars=bars,
        copying=copying,
        rights=owned.table(
            list(said), copying.reproduced_references, said, copying.near_duplicates
        ),
        likeness=_likeness(registry, manifest, made),
        tried=(),
        doses=stage.doses(taught, copying.reproduced_references),
        named=stage.named(taught, photos.captions, copying.reproduced_references),
        inside=inside,
        counterfactual=left_out,
        mends=remedies.mends(registry, found, config, taught, copying.reproduced_references),
        seconds=round(time.perf_counter() - begun, 1),
    )
    before, steps = _tried(registry, report), (*looks.beside(registry, report), report)
    update = {"tried": (*before, report.as_tried()), "stages": stage.stages(steps)}
    report = report.model_copy(update=update)
    files = {shot.name: shot for shot in made}

    def pair(match: Match) -> tuple[Picture, Picture]:
        return photos.as_taught(match.reference), files[match.made].read()

    about = f"{report.adapter} at strength {config.strength:g}, {report.taken:%Y-%m-%d}"
    text = page.render(copying, report.rights, pair, about=about, whole=report)
    record, html = filing.file(registry, report, text, folder, "copying")
    story.tell("copied", f"copies: {report.verdict}", verdict=report.verdict)
    return Probed(audit=report, record=record, page=html)


def drawn(
    easel: Easel,
    folder: Path,
    read: LoraFile,
    config: ProbeConfig,
    asks: Sequence[Ask],
    *,
    all_needed: bool = True,
) -> tuple[list[Shot], list[Shot]]:
    """What the LoRA and what the base alone makes of everything that is asked, drawn if missing.

    What may not be shown is in neither, unless `all_needed`: then it ends the audit.
    """
    from sosie.audit import PROMPTS
    from sosie.audit.copying import PROBES, Shot

    mixture = [[probe.model_dump() for probe in PROBES], [prompt.text for prompt in PROMPTS]]
    place = folder / sha256_bytes(canonical_json([easel.base.info.content_sha256, *mixture]))[:12]
    mine = place / f"{read.tensors_sha256[:12]}-{config.strength:g}"
    by_probe = groupby(asks, key=lambda ask: ask.probe)
    for probe, some in ((probe, list(some)) for probe, some in by_probe):
        how = {"guided": probe.guided, "all_needed": all_needed}
        weight = config.strength * probe.strength
        easel.draw(_wanted(mine, some), (read, weight), push=probe.push, **how)
        easel.draw(_wanted(place / "base", some), **how)

    def shots(cell: Path) -> list[Shot]:
        return [
            Shot(one.file.stem, partial(drawing.pixels, one.file), ask.probe.name)
            for ask, one in zip(asks, _wanted(cell, asks), strict=True)
            if one.file.is_file()
        ]

    return shots(mine), shots(place / "base")


def _hidden(asks: Sequence[Ask], made: Sequence[Shot]) -> list[Shot]:
    """What was asked for and may not be shown."""
    from sosie.audit.copying import Shot

    def read(name: str) -> Picture:
        raise UnreadablePicture(f"{name} may not be shown, and was not looked at.")

    drawn = {shot.name for shot in made}
    named = (
        (one.file.stem, ask.probe.name)
        for ask, one in zip(asks, _wanted(Path(), asks), strict=True)
    )
    return [Shot(name, partial(read, name), probe) for name, probe in named if name not in drawn]


def _wanted(cell: Path, asks: Sequence[Ask]) -> list[Wanted]:
    return [Wanted(cell, ask.key, ask.prompt, ask.seed) for ask in asks]


def _likeness(registry: Registry, manifest: Manifest, made: Sequence[Shot]) -> Interval | None:
    """Likeness of the pictures by held-out prompts; None where too few were withheld."""
    from sosie.audit import Known, found
    from sosie.audit.copying.probes import HELD_OUT
    from sosie.audit.intervals import mean_interval
    from sosie.models.faces import identity

    real = references.reals(registry, manifest)
    sides = (real.held_out, real.training)
    held_out, training = (found([drawing.pixels(p) for p in side], identity) for side in sides)
    known = Known(held_out=held_out, training=training)
    try:
        unit = known.unit
    except BadInput:
        return None
    asked = [shot for shot in made if shot.probe == HELD_OUT.name]
    # A picture without a face is like nobody.
    cosines = [known.cosine(identity(shot.read())) or 0.0 for shot in asked]
    # Two seeds of one prompt are no two witnesses: what is drawn again are prompts.
    prompts = [shot.name.rpartition("-")[0] for shot in asked]
    mean = mean_interval(cosines, groups=[prompts.index(prompt) for prompt in prompts])
    return None if mean is None else mean.scaled(1 / unit)


def _tried(registry: Registry, report: CopyAudit) -> tuple[Tried, ...]:
    """The latest audit on file of every other LoRA, checkpoint and strength of the subject."""
    from sosie.audit.copying import CopyAudit

    latest: dict[tuple[str, float], Tried] = {}
    for adapter in registry.adapters():
        if adapter.subject != report.subject:
            continue
        for filed in registry.audits.of(adapter.name):
            if filed.kind == "copying":
                one = CopyAudit.model_validate_json(filed.record)
                latest[one.tensors_sha256, one.strength] = one.as_tried()
    latest.pop((report.tensors_sha256, report.strength), None)
    return tuple(latest.values())


def _inside(
    photos: Photos,
    base: DiffusionBase,
    loras: Sequence[tuple[LoraFile, float]],
    manifest: Manifest,
) -> tuple[Inside, ...]:
    """Loss of every lesson by the base alone and with the LoRA, and how far its caption moved."""
    from sosie.audit.copying.inside import Inside, answer, moved
    from sosie.models import lora
    from sosie.train.cache import Cache
    from sosie.train.validation import measure

    lessons = photos.lessons()
    cache = Cache(base)
    buckets = cache.buckets(list(lessons.values()))
    captions = [lesson.caption for lesson in lessons.values()]

    def told() -> tuple[dict[int, float], list[Tensor]]:
        losses = measure(base, buckets, cache.bank(), manifest.config)
        return losses, [answer(base, caption) for caption in captions]

    before, alone = told()
    with lora.applied(base, loras):
        after, taught = told()
    return tuple(
        Inside(
            name=name,
            withheld=photos.withheld(name),
            loss_base=before[lesson.picture],
            loss=after[lesson.picture],
            moved=moved(alone[number], taught[number]),
        )
        for number, (name, lesson) in enumerate(lessons.items())
    )
