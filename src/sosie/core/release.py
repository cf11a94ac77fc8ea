"""A release: one published version of a LoRA, with all that a card says of it.

It is made once and never changed; its hash is that of its canonical JSON, and that is what is
signed. Whatever comes from elsewhere is checked here field by field: a text is of one line unless
it is prose, a file's name is no path, and every list has an end.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from sosie.core.canonical import canonical_json
from sosie.core.records import Record
from sosie.core.terms import Commercial, FileRole, Kind, Relation, Verdict

LATEST = "latest"
"""The alias that every name has: its newest version."""
LARGEST_REPORT = 65_536
"""Bytes of canonical JSON that the figures of a report may take."""

# Marks that turn the direction of writing could show another text than the one that is signed.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def _plain(text: str) -> str:
    """`text`, if it can be shown as it is. Raises ValueError for control characters."""
    for character in text:
        unseen = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        if (unseen and character != "\n") or character in _TURNING:
            raise ValueError(f"it holds {character!r}, which cannot be shown")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("it has more than one line")
    return _plain(text)


def _no_number(version: str) -> str:
    if version.isdigit():
        raise ValueError("a number alone is a step of training")
    return version


def _worded(version: str) -> str:
    if version == LATEST:
        raise ValueError(f'"{LATEST}" is always the newest version')
    return _no_number(version)


def _in_utc(at: datetime) -> datetime:
    """`at` in UTC, so that times sort as texts. Raises ValueError for one without a zone."""
    if at.tzinfo is None:
        raise ValueError("it lacks a time zone")
    return at.astimezone(UTC).replace(microsecond=0)


def _portable(name: str) -> str:
    """`name`, if it is a file's on every system. Raises ValueError."""
    if not _FILE.fullmatch(name):
        raise ValueError("it is no plain name of a file: letters, digits, - _ . and blanks")
    if name.split(".")[0].upper() in _DEVICES:
        raise ValueError("it is the name of a device on Windows")
    return _one_line(name)


_FILE = re.compile(r"\w([\w. -]*\w)?")
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{d}{n}" for d in ("COM", "LPT") for n in range(1, 10))}

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
]
Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(_plain),
]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=40),
    AfterValidator(_one_line),
]
Name = Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=64)]
Version = Annotated[str, Field(pattern=r"^\w([\w.-]*\w)?$", max_length=64), AfterValidator(_worded)]
FileName = Annotated[str, Field(max_length=120), AfterValidator(_portable)]


class Price(Record):
    """What the author asks for the file."""

    amount: Decimal = Field(gt=0, max_digits=12, decimal_places=2)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO 4217."""


class Terms(Record):
    """What the author allows, beside what the permission of the person shown allows."""

    commercial: tuple[Commercial, ...] = ()
    """Commercial use, of: pictures made with it, renting out its use, selling the file. Empty:
    none."""
    derivatives: bool = False
    """Whether it may be merged, or trained further."""
    credit: bool = True
    """Whether its author must be named."""
    ethics: Prose | None = None
    """What the author asks of those who use it, in words."""
    price: Price | None = None
    """None: it costs nothing."""


class Span(Record):
    """From one whole number to another, both included."""

    first: int = Field(ge=0, le=9999)
    last: int = Field(ge=0, le=9999)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"{self.first} to {self.last} runs backwards")
        return self

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


class Covered(Record):
    """A permission that a release stands on; the person's name stays where the permission lies."""

    consent_sha256: Sha256
    relation: Relation


class ReleasedFile(Record):
    """A file of a release, frozen by its hash."""

    name: FileName
    role: FileRole
    file_sha256: Sha256
    size: int = Field(ge=1)
    """Bytes."""
    crc32: str = Field(pattern=r"^[0-9a-f]{8}$")


class Example(Record):
    """A picture that was drawn with the LoRA, and what it was drawn from."""

    file_sha256: Sha256
    """Of its file, which the release holds."""
    prompt: Annotated[str, Field(max_length=4000), AfterValidator(_plain)]
    """As typed, LoRA tags included."""
    negative: Annotated[str, Field(max_length=4000), AfterValidator(_plain)] = ""
    seed: int = Field(ge=0, lt=2**32)
    weight: float = Field(default=1.0, allow_inf_nan=False)
    """How strongly the LoRA acted."""


class Report(Record):
    """An examination in short: the doctor's of the pictures, or an audit of the LoRA."""

    verdict: Line
    report_sha256: Sha256
    """Of the whole report's canonical JSON, so that it can be shown later and recognised."""
    figures: dict[str, Any] = Field(default_factory=dict)
    """What was measured, as the stage names it."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if len(canonical_json(self.figures)) > LARGEST_REPORT:
            raise ValueError("its figures are too many")
        return self


class Search(Report):
    """An audit that looked for copies of the pictures, in short: publishing may hang on it."""

    verdict: Verdict


class Release(Record):
    """One published version. None in a field says that nothing is known, and a card says so."""

    format: Literal[1] = 1
    name: Name
    version: Version
    kind: Kind
    about: Prose | None = None
    author: Line | None = None
    """Who made the LoRA."""
    terms: Terms = Terms()
    tags: tuple[Tag, ...] = Field(default=(), max_length=32)
    base: Line
    """The base it was trained on, as named then."""
    base_sha256: Sha256 | None = None
    base_licence: Line | None = None
    family: Line
    trigger_words: tuple[Line, ...] = Field(default=(), max_length=32)
    strength: float | None = Field(default=None, ge=-10, le=10)
    """The weight that is recommended."""
    strength_by: Literal["author", "audit"] | None = None
    """Who recommends it: the author, for this version or an earlier one; or the audit of these very
    weights, whose word holds for no others. None where nobody does, and where that was not kept:
    such releases are written without this field."""
    steps: int | None = Field(default=None, ge=0)
    """Steps of training."""
    epochs: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """How often training saw each picture."""
    pictures: int | None = Field(default=None, ge=0)
    """Pictures that were trained on."""
    filtered: Line | None = None
    """What was done to the weights after training. None where nothing was, and in releases from
    before it was kept: such are written without this field."""
    ages: Span | None = None
    """The person's age, in years."""
    years: Span | None = None
    """Calendar years that the pictures are of."""
    permissions: tuple[Covered, ...] = Field(min_length=1, max_length=1000)
    """Of everybody shown."""
    doctor: Report | None = None
    audit: Report | None = None
    """Of its likeness."""
    copying: Search | None = None
    """Whether it copies its pictures. Releases from before that was asked are written without this
    field."""
    examples: tuple[Example, ...] = Field(default=(), max_length=32)
    cover_sha256: Sha256 | None = None
    tensors_sha256: Sha256
    """Of the LoRA's bytes after the header: what A1111 and Forge know it by."""
    files: tuple[ReleasedFile, ...] = Field(min_length=1, max_length=64)
    published: Annotated[datetime, AfterValidator(_in_utc)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if sum(file.role == "lora" for file in self.files) != 1:
            raise ValueError("it needs exactly one LoRA file")
        names = {file.name.casefold() for file in self.files}
        if len(names) != len(self.files):
            raise ValueError("two of its files have one name")
        held = {file.file_sha256 for file in self.files if file.role == "picture"}
        shown = {example.file_sha256 for example in self.examples}
        if self.cover_sha256:
            shown.add(self.cover_sha256)
        if shown - held:
            raise ValueError("it shows a picture that it does not hold")
        return self

    @model_serializer(mode="wrap")
    def _as_signed(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        for later in ("copying", "strength_by", "filtered"):
            if getattr(self, later) is None:
                written.pop(later, None)
        return written

    @property
    def title(self) -> str:
        """What a prompt calls it: NAME@VERSION."""
        return f"{self.name}@{self.version}"

    @property
    def lora(self) -> ReleasedFile:
        """The file with the weights."""
        return next(file for file in self.files if file.role == "lora")

    def file(self, file_sha256: str) -> ReleasedFile:
        """The file with this hash, which must be one of its own."""
        return next(file for file in self.files if file.file_sha256 == file_sha256)
