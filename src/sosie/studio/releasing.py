"""Publishing: from a LoRA on file to a release that never changes."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from sosie import rights
from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.records import Adapter, Record, first_complaint, now
from sosie.core.release import (
    Covered,
    Example,
    Price,
    Release,
    ReleasedFile,
    Report,
    Sha256,
    Span,
    Terms,
)
from sosie.core.terms import Commercial, FileRole, Metric
from sosie.registry import Registry, Shelved
from sosie.registry.finding import Hit
from sosie.registry.labels import Wanted
from sosie.registry.names import checked_name, checked_version
from sosie.registry.releases import taken_apart
from sosie.registry.usage import Use
from sosie.rights import xmp
from sosie.studio import card, drawing, permission, verifying
from sosie.studio.door import Door
from sosie.studio.marking import Marker

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
    # Whether these very weights were audited is asked below: a checkpoint has others than its LoRA.
    permission.require_shown(registry, "publish", found.adapter, audited=True)
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
    audit = _audited(registry, seal.tensors_sha256)
    consents = [
        permission.require(registry, "publish", one, audited=audit is not None, commercial=sold)
        for one in permission.shown_by(registry, found.adapter)
    ]
    stem = f"{title}-{version}"
    frozen = [_frozen(registry, found.path.read_bytes(), f"{stem}.safetensors", "lora")]
    examples, kept = _pictures(registry, found, seal, pictures, cover, say)
    for number, data in enumerate(kept, start=1):
        frozen.append(_frozen(registry, data, f"{stem}-{number}.png", "picture"))
    doctor = _examined(registry, seal)
    if doctor is None:
        say("Doctor's results: absent, and the card says so.")
    if audit is None:
        say("Audit: absent, and the card says so.")
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
            audit=audit,
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
    audited = shelved.release.audit is not None
    permission.require_shown(registry, "publish", drawing.as_adapter(shelved), audited=audited)
    return shelved


def listed(registry: Registry, wanted: Wanted, number: int) -> tuple[Hit, ...]:
    """The first `number` of what is wanted, without what those shown do not permit to be shown
    today. Raises BadInput if there is nothing to search for.
    """
    seen = registry.latest()
    allowed: dict[str, bool] = {}

    def may_be_shown(hit: Hit) -> bool:
        shown = permission.shown_by(registry, drawing.as_adapter(hit.shelved))
        for name in shown:
            if name not in allowed:
                context = permission.context(registry, name, seen=seen)
                allowed[name] = rights.decide("publish", name, context).allowed
        return all(allowed[name] for name in shown)

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
        write_atomically(out / name, data)
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
    kept = []
    if before is None:
        return stated
    for field in Said.model_fields.keys() - said.model_fields_set:
        owner = before.terms if field in Terms.model_fields else before
        if getattr(owner, field) != getattr(silent, field):
            stated[field] = getattr(owner, field)
            kept.append(field.replace("_", " "))
    if kept:
        say(f"As in {before.title}: {', '.join(sorted(kept))}.")
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
        drawn = _previews(registry, found, _Summary.of(seal).step, Marker(registry, say=say))
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
    registry: Registry, found: drawing.Found, step: int | None, marker: Marker
) -> list[tuple[Example, bytes]]:
    """The first previews that the run drew at the LoRA's step, signed."""
    from PIL import Image

    if not found.adapter.run or step is None:
        return []
    folder = registry.run(found.adapter.run).folder / "previews" / f"step-{step:06d}"
    made = []
    for path in sorted(folder.glob("*.png"))[:PREVIEWS]:
        with Image.open(path) as image:
            said = json.loads(image.info["sosie"])
        prompt, seed = said["prompt"], said["seed"]
        data = marker.signed(path.read_bytes(), _preview_claims(found.adapter, path.stem, prompt))
        made.append((Example(file_sha256=sha256_bytes(data), prompt=prompt, seed=seed), data))
    return made


def _preview_claims(adapter: Adapter, title: str, prompt: str) -> rights.Claims:
    return rights.Claims(
        title=title,
        source_type=xmp.SYNTHETIC,
        ingredients=(
            rights.Ingredient(title=adapter.name, kind="model", digest=adapter.tensors_sha256),
            rights.Ingredient(title="prompt", kind="prompt", said=prompt),
        ),
        consents=(adapter.consent_sha256,) if adapter.consent_sha256 else (),
    )


def _examined(registry: Registry, seal: Sealed) -> Report | None:
    """The doctor's results on the pictures that the LoRA was trained on; of several the gravest."""
    from sosie.doctor import Checkup

    dataset = seal.header.get("sosie.dataset_sha256")
    if dataset is None:
        return None
    kept = registry.readings.find("checkup:", "dataset_sha256", dataset)
    found = [Checkup.model_validate_json(text) for text in kept]
    if not found:
        return None
    order = ("blocked", "needs attention", "ready")
    worst = min(found, key=lambda checkup: (order.index(checkup.verdict), checkup.sha256()))
    figures: dict[str, Any] = {
        "pictures": worst.pictures,
        "findings": dict(Counter(finding.severity for finding in worst.open)),
        "dismissed": len(worst.findings) - len(worst.open),
        "rules passed": len(worst.passed),
        "rules that could not look": len({entry.rule for entry in worst.not_examined}),
    }
    return Report(verdict=worst.verdict, report_sha256=worst.sha256(), figures=figures)


def _audited(registry: Registry, tensors_sha256: str) -> Report | None:
    """The latest audit of the likeness of these weights that is on file."""
    from sosie.audit import Audit
    from sosie.audit.page import told

    filed = registry.audits.of_weights(tensors_sha256, "likeness")
    if not filed:
        return None
    found = Audit.model_validate_json(filed[-1].record)
    figures: dict[str, Any] = {}
    for figure in found.figures:
        row = told(figure)
        by = f" ({row.judge})" if row.judge else ""
        figures[f"{row.title}{by}"] = " ".join(part for part in (row.value, row.interval) if part)
    return Report(verdict=found.verdict, report_sha256=found.sha256(), figures=figures)
