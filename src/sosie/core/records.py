"""The nouns of the house, as frozen records.

Sizes are in pixels, times are timezone-aware UTC, hashes are lower-case hexadecimal SHA-256.
Records that belong to one stage alone (its Config and its result) lie beside that stage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput
from sosie.core.terms import Kind, RunState

Settings = TypeVar("Settings", bound=BaseModel)


class Record(BaseModel):
    """A frozen value; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self) -> bytes:
        """This record as canonical JSON (RFC 8785), to be hashed or signed."""
        return canonical_json(self.model_dump(mode="json"))

    def sha256(self) -> str:
        """SHA-256 of `canonical()`."""
        return hashlib.sha256(self.canonical()).hexdigest()


class Complaint(NamedTuple):
    """Why values do not make a record."""

    field: str
    """With dots, if it lies deeper."""
    given: Any
    what: str
    """In words, without a full stop."""
    unknown: bool
    """Whether there is no such field."""


def first_complaint(error: ValidationError) -> Complaint:
    """The first of what a failed validation complains of."""
    first = error.errors()[0]
    return Complaint(
        field=".".join(map(str, first["loc"])),
        given=first["input"],
        what=first["msg"],
        unknown=first["type"] == "extra_forbidden",
    )


def configured(kind: type[Settings], given: Mapping[str, Any]) -> Settings:
    """Settings as a stage takes them. Raises BadInput naming the first that cannot be used."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = first_complaint(error)
        raise BadInput(f"{first.field} cannot be {first.given!r}: {first.what}.") from None


def now() -> datetime:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


class Box(Record):
    """A rectangle in pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


class Subject(Record):
    """A person or a handwriting that pictures are collected of."""

    name: str
    kind: Kind
    trigger: str
    """The word that stands for the subject in captions and prompts."""
    created: datetime


class Sample(Record):
    """One picture of a subject, as filed: upright, sRGB, without location."""

    subject: str
    file_name: str
    """Name of the file it came from; two samples may share it."""
    original_sha256: str
    """Hash of the bytes the user gave; they are kept as a blob."""
    picture_sha256: str
    """Hash of the stored PNG (the blob that training reads)."""
    pixels_sha256: str
    """Hash of size and RGB values: equal pictures in two formats share it."""
    width: int
    height: int
    source_format: str
    caption: str | None = None
    face: Box | None = None
    """The largest face, or None if none was found (or the subject is a handwriting)."""
    changes: tuple[str, ...] = ()
    """What was done on the way in, in words: "turned upright", "location removed"…"""
    added: datetime


class Item(Record):
    """One picture as training sees it."""

    sample: str
    """`picture_sha256` of the sample."""
    pixels_sha256: str
    file_name: str
    path: Path
    """The PNG to read; not part of any hash."""
    caption: str
    face: Box | None = None


class Dataset(Record):
    """What is trained on: exactly what `sosie show` prints."""

    subject: str
    kind: Kind
    trigger: str
    items: tuple[Item, ...]

    def content_sha256(self) -> str:
        """Hash of trigger, pixels, captions and face boxes; independent of where files lie."""
        rows = [
            [i.pixels_sha256, i.caption, i.face.model_dump() if i.face else None]
            for i in self.items
        ]
        return hashlib.sha256(canonical_json([self.kind, self.trigger, rows])).hexdigest()


class Adapter(Record):
    """A LoRA on file."""

    name: str
    """What `<lora:NAME:weight>` calls it; unique."""
    subject: str | None
    """None for a file imported from elsewhere."""
    family: str
    base: str
    """The base it was trained on, as named then; "unknown" for a stranger's."""
    trigger: str | None
    file_sha256: str
    tensors_sha256: str
    run: str | None = None
    step: int | None = Field(default=None, ge=0)
    consent_sha256: str | None = None
    created: datetime


class Run(Record):
    """One training run; its folder holds manifest, events and checkpoints."""

    id: str
    subject: str
    base: str
    state: RunState
    step: int
    steps: int
    folder: Path
    pid: int | None
    started: datetime
    ended: datetime | None = None
    message: str | None = None
    """Why it stopped or failed, in words."""


class Event(Record):
    """One line of a run's story, so that a second process can follow."""

    run: str
    number: int
    kind: str
    """"check", "step", "checkpoint", "preview", "validation", "stopped", "done", …"""
    at: datetime
    data: dict[str, Any]
