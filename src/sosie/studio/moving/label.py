"""What is told of a LoRA wherever it goes: nothing that is not in the file or on its card."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from sosie.core.files import sha256_file
from sosie.core.records import Record
from sosie.core.release import Release, Terms
from sosie.registry import Registry
from sosie.studio.drawing import Found

_SYNTHETIC = "What it draws is synthetic, and is to be marked so."


class Label(Record):
    """What other programs show of a LoRA."""

    name: str
    """File name without suffix."""
    family: str
    base: str
    triggers: tuple[str, ...]
    strength: float = Field(default=1.0, ge=-1, le=2)
    """Recommended weight."""
    title: str
    version: str
    about: str
    """In sentences, for people."""
    author: str = ""
    tags: tuple[str, ...] = ()
    real: bool = True
    """Whether it may show a real person."""
    terms: Terms = Terms()
    """What its author allows: nothing before it is published."""
    file_sha256: str
    tensors_sha256: str
    size: int
    """Of the file, in bytes."""
    consent_sha256: str | None
    made: datetime


def label_of(found: Found, name: str) -> Label:
    """The label of a LoRA file that is to be called `name`: what the card says, if it is a release.

    Raises WeightsRefused if it is damaged. A checkpoint has another hash than the LoRA it led to,
    so the file itself is asked.
    """
    from sosie.models import lora

    adapter, file = found.adapter, lora.sealed(found.path)
    if found.release is not None:
        return label_of_release(found.release).model_copy(update={"name": name})
    told = [f"A LoRA for {adapter.family} bases."]
    if adapter.trigger:
        told.append(f'Say "{adapter.trigger}" in the prompt.')
    if adapter.consent_sha256:
        told.append(f"Made with permission {adapter.consent_sha256[:12]}….")
    told.append(_SYNTHETIC)
    return Label(
        name=name,
        family=adapter.family,
        base=adapter.base,
        triggers=(adapter.trigger,) if adapter.trigger else (),
        title=adapter.name,
        version=f"step {found.step}" if found.step is not None else "",
        about=" ".join(told),
        file_sha256=sha256_file(found.path),
        tensors_sha256=file.tensors_sha256,
        size=found.path.stat().st_size,
        consent_sha256=adapter.consent_sha256,
        made=adapter.created,
    )


def label_of_release(release: Release) -> Label:
    """The label of a published version."""
    permissions = ", ".join(f"{one.consent_sha256[:12]}…" for one in release.permissions)
    real = any(one.relation != "synthetic" for one in release.permissions)
    told = [release.about or f"A LoRA for {release.family} bases.", f"Permission {permissions}."]
    if release.terms.ethics:
        told.append(release.terms.ethics)
    told.append(_SYNTHETIC)
    return Label(
        name=release.lora.name.removesuffix(".safetensors"),
        family=release.family,
        base=release.base,
        triggers=release.trigger_words,
        strength=min(2.0, max(-1.0, release.strength)) if release.strength is not None else 1.0,
        title=release.name,
        version=release.version,
        about=" ".join(told),
        author=release.author or "",
        tags=release.tags,
        real=real and release.kind == "person",
        terms=release.terms,
        file_sha256=release.lora.file_sha256,
        tensors_sha256=release.tensors_sha256,
        size=release.lora.size,
        consent_sha256=release.permissions[0].consent_sha256 if release.permissions else None,
        made=release.published,
    )


def cover_of(registry: Registry, found: Found) -> bytes | None:
    """The cover of a release, or else the first picture that was previewed when the LoRA was as it
    is; None if there is none. A PNG that says that it was generated.
    """
    if found.release is not None:
        cover = found.release.cover_sha256
        return registry.blobs.read(cover) if cover else None
    if found.manifest is None or found.step is None:
        return None
    from sosie.models import lora
    from sosie.train import previews_of

    header = lora.sealed(found.path).header
    pictures = previews_of(found.manifest.parent / "previews", found.step, header).glob("*.png")
    first = min(pictures, key=lambda path: int(path.stem), default=None)
    return first.read_bytes() if first else None
