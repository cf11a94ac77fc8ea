"""Publishing: from a LoRA on file to a release that never changes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from sosie import rights
from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.records import Record, first_complaint, now
from sosie.core.release import (
    Covered,
    Example,
    Price,
    Release,
    ReleasedFile,
    Sha256,
    Span,
    Terms,
)
from sosie.core.terms import Commercial, FileRole, Metric, Verdict
from sosie.registry import Registry, Shelved
from sosie.registry.finding import Hit
from sosie.registry.labels import Wanted
from sosie.registry.names import checked_name, checked_version
from sosie.registry.releases import taken_apart
from sosie.registry.usage import Use
from sosie.rights import xmp
from sosie.studio import card, drawing, filtering, permission, reports, verifying
from sosie.studio.door import Door
from sosie.studio.marking import Marker, mark_of_drawn

if TYPE_CHECKING:
    from sosie.models.lora import Sealed

PREVIEWS = 4
"""How many of a run's own previews are shown where the author names no picture."""

Say = Callable[[str], None]


class Said(Record):
    """What an author says of a release, as in `Release` and `Terms`. What is left out is as in the
    version before it."""

    about: str | None = None
    author: str | None = None
    tags: tuple[str, ...] = ()
    trigger_words: tuple[str, ...] = ()
    """Beside the subject's own."""
    strength: float | None = None
    ages: Span | None = None
    years: Span | None = None
    commercial: tuple[Commercial, ...] = ()
    derivatives: bool = False
    credit: bool = True
    ethics: str | None = None
    price: Price | None = None


class _Summary(BaseModel):
    """What the header of a LoRA that was trained here says of its run."""

    base: Sha256 | None = None
    step: int | None = None
    batch: int | None = None
    pictures: int | None = None

    @classmethod
    def of(cls, seal: Sealed) -> _Summary:
        """Nothing, if the header says nothing that can be read: it may be a stranger's."""
        try:
            return cls.model_validate_json(seal.header.get("sosie.manifest", "{}"))
        except ValidationError:
            return cls()


def publish(
    registry: Registry,
    name: str,
    version: str,
    said: Said,
    *,
    lora: str | None,
    pictures: Sequence[Path],
    cover: Path | None,
    aliases: Sequence[str],
    say: Say,
) -> Shelved:
    """Freeze a LoRA with its card as NAME@VERSION; `say` hears what is absent and what was taken
    over.

    Raises NotFound if there is no such LoRA, NotPermitted, and BadInput for what cannot stand.
    """
    found = drawing.find(registry, lora or name)
    # What an audit of these very weights says is asked below: they have not been read yet.
    permission.require_shown(registry, "publish", found.adapter, copying="passed")
    title, version = checked_name(taken_apart(name)[0]), checked_version(version)
    before = registry.releases.versions(title)
    _refuse_stranger(registry, title, found.subject, before)
    subject = registry.subject(found.subject)
    stated = _stated(said, before[-1].release if before else None, say)
    words = [found.adapter.trigger, *stated.pop("trigger_words")]
    terms = {field: stated.pop(field) for field in Terms.model_fields}
    # An author cannot allow to sell what those shown do not.
    sold = bool(terms["commercial"] or terms["price"])
    from sosie.models import lora as files

    seal = files.sealed(found.path)
    audited = reports.likeness(registry, seal.tensors_sha256)
    copying = reports.copying(registry, seal.tensors_sha256)
    meant = {"lora": lora or name, "copying": copying and copying.verdict, "commercial": sold}
    consents = [
        permission.require(registry, "publish", one, **meant)
        for one in permission.shown_by(registry, found.adapter)
    ]
    stem = f"{title}-{version}"
    frozen = [_frozen(registry, found.path.read_bytes(), f"{stem}.safetensors", "lora")]
    examples, kept = _pictures(registry, found, seal, pictures, cover, say)
    for number, data in enumerate(kept, start=1):
        frozen.append(_frozen(registry, data, f"{stem}-{number}.png", "picture"))
    doctor = reports.doctor(registry, seal)
    if doctor is None:
        say("Doctor's results: absent, and the card says so.")
    if audited is None:
        say("Audit of likeness: absent, and the card says so.")
        if other := reports.chosen_instead(registry, found.adapter.name):
            say(f"Audited was {other}: publish that with --lora {other}.")
    elif stated["strength"] is None:
        stated |= {"strength": audited[1].strength, "strength_by": "audit"}
        say(f"Recommended strength: {stated['strength']:g}, as the audit chose.")
    if copying is None:
        say("Audit of copies: absent, and the card says so.")
    try:
        release = Release(
            name=title,
            version=version,
            kind=subject.kind,
            **stated,
            terms=Terms(**terms),
            **_made(found, seal),
            family=found.adapter.family,
            trigger_words=tuple(dict.fromkeys(word for word in words if word)),
            permissions=tuple(
                Covered(consent_sha256=one.sha256(), relation=one.relation) for one in consents
            ),
            doctor=doctor,
            audit=audited and audited[0],
            copying=copying,
            examples=tuple(examples),
            cover_sha256=sha256_bytes(kept[0]) if kept else None,
            tensors_sha256=seal.tensors_sha256,
            files=tuple(frozen),
            published=now(),
        )
    except ValidationError as error:
        first = first_complaint(error)
        raise BadInput(f"{first.field} cannot be {first.given!r}: {first.what}.") from None
    signature = rights.sign(registry.key(), release.sha256(), role="trainer", at=release.published)
    shelved = Shelved(
        release=release, signature=signature, subject=subject.name, run=found.adapter.run
    )
    return registry.releases.add(shelved, aliases)


def require(registry: Registry, title: str) -> Shelved:
    """The release NAME@VERSION (or @ALIAS, or the newest), if it may be shown today.

    Raises NotFound and NotPermitted.
    """
    name, version = taken_apart(title)
    shelved = registry.releases.get(name, version or "latest")
    copying = reports.copying_today(registry, shelved.release)
    meant = {"lora": shelved.release.title, "copying": copying}
    permission.require_shown(registry, "publish", drawing.as_adapter(shelved), **meant)
    return shelved


def listed(registry: Registry, wanted: Wanted, number: int) -> tuple[Hit, ...]:
    """The first `number` of what is wanted, without what those shown do not permit to be shown
    today. Raises BadInput if there is nothing to search for.
    """
    seen = registry.latest()
    allowed: dict[tuple[str, Verdict | None], bool] = {}

    def may_be_shown(hit: Hit) -> bool:
        copying = reports.copying_today(registry, hit.shelved.release)
        shown = permission.shown_by(registry, drawing.as_adapter(hit.shelved))
        for name in shown:
            if (name, copying) not in allowed:
                context = permission.context(registry, name, seen=seen, copying=copying)
                allowed[name, copying] = rights.decide("publish", name, context).allowed
        return all(allowed[name, copying] for name in shown)

    return tuple(islice(filter(may_be_shown, registry.finding.hits(wanted)), number))


def count(registry: Registry, found: drawing.Found, metric: Metric, number: int = 1) -> None:
    """Note that a release was used; what is no release is not counted."""
    if found.release is not None:
        sha256 = found.release.sha256()
        registry.usage.add([Use.just_now(sha256, metric) for _ in range(number)])


def write_card(registry: Registry, shelved: Shelved, out: Path) -> tuple[Path, ...]:
    """Write the card of a release and its pictures into a folder, whose files it replaces."""
    release = shelved.release
    pictures = [file for file in release.files if file.role == "picture"]
    contents = {card.PAGE: card.page(shelved).encode(), card.RECORD: card.record(shelved)}
    contents |= {file.name: registry.blobs.read(file.file_sha256) for file in pictures}
    for name, data in contents.items():
        write_atomically(out / name, data, shared=True)
    return tuple(out / name for name in contents)


def _refuse_stranger(
    registry: Registry, title: str, subject: str, before: Sequence[Shelved]
) -> None:
    """Raise BadInput if the name is another's: of a subject, a LoRA, or a release of another."""
    owners = {one.subject for one in before}
    owners |= {one.name for one in registry.subjects() if one.name == title}
    owners |= {one.subject for one in registry.adapters() if one.name == title and one.subject}
    if others := owners - {subject}:
        raise BadInput(
            f'"{title}" stands for {min(others)}, and the LoRA shows {subject}.',
            advice="Publish it under a name of its own.",
        )


def _stated(said: Said, before: Release | None, say: Say) -> dict[str, Any]:
    """What the author says, or said of the version before."""
    silent = Said()
    stated = {field: getattr(said, field) for field in Said.model_fields}
    if before is not None:
        left_out = Said.model_fields.keys() - said.model_fields_set
        if before.strength_by == "audit" and "strength" in left_out:
            left_out.remove("strength")
            say(f"The strength of {before.title} was its audit's, and is not taken over.")
        kept = []
        for field in left_out:
            owner = before.terms if field in Terms.model_fields else before
            if getattr(owner, field) != getattr(silent, field):
                stated[field] = getattr(owner, field)
                kept.append(field.replace("_", " "))
        if kept:
            say(f"As in {before.title}: {', '.join(sorted(kept))}.")
    if stated["strength"] is not None:
        stated["strength_by"] = "author"
    return stated


def _frozen(registry: Registry, data: bytes, name: str, role: FileRole) -> ReleasedFile:
    sha256 = registry.blobs.put(data)
    return ReleasedFile(
        name=name, role=role, file_sha256=sha256, size=len(data), crc32=f"{zlib.crc32(data):08x}"
    )


def _made(found: drawing.Found, seal: Sealed) -> dict[str, Any]:
    """What the file and its run say of how it was made; None for what they do not say."""
    summary = _Summary.of(seal)
    step = summary.step or found.adapter.step
    made: dict[str, Any] = {
        "base": Path(found.adapter.base).name,
        "base_sha256": summary.base,
        "steps": step,
        "pictures": summary.pictures,
        "filtered": filtering.done_to(seal.header),
    }
    if summary.pictures and summary.batch and step:
        made["epochs"] = round(summary.batch * step / summary.pictures, 2)
    if found.manifest is not None:
        from sosie.train import Manifest

        base = Manifest.read(found.manifest).base
        made |= {"base": base.name, "base_licence": base.licence}
    return made


def _pictures(
    registry: Registry,
    found: drawing.Found,
    seal: Sealed,
    given: Sequence[Path],
    cover: Path | None,
    say: Say,
) -> tuple[list[Example], list[bytes]]:
    """What is shown, and the bytes of the files: the cover is the first of them."""
    guarded = rights.guarded(found.subject, registry.consents(found.subject))
    door = Door(person=False, guarded=guarded)
    chosen = [path for path in given if path != cover]
    if cover is not None:
        chosen.insert(0, cover)
    drawn = [_drawn(registry, path, seal.tensors_sha256) for path in chosen]
    if not drawn:
        marker = Marker(registry, watermark=True, say=say)
        drawn = _previews(registry, found, seal, marker)
    for example, data in drawn:
        if objection := door.look(data).objection:
            raise BadInput(f"The picture of seed {example.seed} {objection}")
    for note in door.notes:
        say(note)
    if not drawn:
        say("No picture: name some with --picture, drawn with this LoRA.")
    by_hash = {example.file_sha256: (example, data) for example, data in drawn}
    return [e for e, _ in by_hash.values()], [data for _, data in by_hash.values()]


def _drawn(registry: Registry, path: Path, tensors_sha256: str) -> tuple[Example, bytes]:
    """A picture file that was drawn with the LoRA. Raises BadInput for any other: a photograph is
    not published."""
    account = verifying.verify(registry, path)
    made = account.said.get("made", {})
    uses = [one for one in made.get("loras", ()) if one["tensors_sha256"] == tensors_sha256]
    if account.verdict != "as signed" or not uses:
        why = account.verdict if account.verdict != "as signed" else "drawn without this LoRA"
        raise BadInput(
            f"{path} cannot be shown with it: {why}.",
            advice="Show pictures that sosie generate drew with it, as they are.",
        )
    data = path.read_bytes()
    example = Example(
        file_sha256=sha256_bytes(data),
        prompt=made["prompt"],
        negative=made["negative"],
        seed=made["seed"],
        weight=uses[0]["weight"],
    )
    return example, data


def _previews(
    registry: Registry, found: drawing.Found, seal: Sealed, marker: Marker
) -> list[tuple[Example, bytes]]:
    """The first previews that the run drew at the LoRA's step, with every mark."""
    import numpy as np
    from PIL import Image

    from sosie.generate.files import png, synthetic_chunks
    from sosie.train import previews_of

    step = _Summary.of(seal).step
    if not found.adapter.run or step is None or filtering.filtered(seal.header):
        return []
    previews = registry.run(found.adapter.run).folder / "previews"
    folder = previews_of(previews, step, seal.header)
    made = []
    for path in sorted(folder.glob("*.png"))[:PREVIEWS]:
        with Image.open(path) as image:
            record, rgb = image.info["sosie"], np.asarray(image.convert("RGB"))
        prompt, seed = (json.loads(record)[key] for key in ("prompt", "seed"))
        lora = found.adapter
        consents = (lora.consent_sha256,) if lora.consent_sha256 else ()
        mark = mark_of_drawn(rgb, found.subject, [(lora.name, lora.tensors_sha256)], consents)
        rgb, bits = marker.watermarked(rgb, mark)
        chunks = synthetic_chunks()
        chunks.add_itxt("sosie", record)
        model = rights.Ingredient(title=lora.name, kind="model", digest=lora.tensors_sha256)
        claims = rights.Claims(
            title=path.stem,
            source_type=xmp.SYNTHETIC,
            ingredients=(model, rights.Ingredient(title="prompt", kind="prompt", said=prompt)),
            consents=consents,
            watermark=bits,
        )
        data = marker.signed(png(Image.fromarray(rgb), chunks), claims)
        made.append((Example(file_sha256=sha256_bytes(data), prompt=prompt, seed=seed), data))
    return made
