"""The way in: files and folders -> samples on file, with a report on every one of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sosie.core.errors import UnreadablePicture
from sosie.core.files import sha256_bytes
from sosie.core.records import Box, Sample, Subject, now
from sosie.registry.gather import Gathered, Refusal, gather
from sosie.registry.intake import Intake, decode, read_bytes, shown_name
from sosie.registry.store import Registry


@dataclass(frozen=True)
class Seen:
    """What a look at a picture tells before it is filed."""

    face: Box | None = None
    """The largest face."""
    objection: str | None = None
    """Why it is not to be filed: a sentence that its name begins."""


Look = Callable[[bytes], Seen]
"""Looks at a PNG; called from several threads."""

Found = tuple[Intake, Seen] | Sample | UnreadablePicture
"""A new picture and what was seen in it, a known one, or why it is none."""


@dataclass(frozen=True)
class Known:
    """A file whose picture was on file already."""

    file: Path
    sample: Sample


@dataclass(frozen=True)
class AddReport:
    """What became of every file that was named."""

    subject: str
    added: tuple[Sample, ...]
    known: tuple[Known, ...]
    refused: tuple[Refusal, ...]
    captions_matched: tuple[Path, ...]
    """Pictures whose caption file was filed with them."""
    captions_missing: tuple[Path, ...]
    """Pictures without a caption, neither beside them nor on file."""
    captions_orphaned: tuple[Path, ...]
    """Caption files without a picture."""
    captions_kept: tuple[Path, ...]
    """Pictures whose caption on file differs from the file beside them; the one on file stays."""
    notes: tuple[str, ...]
    """What else is worth knowing, one line each."""

    @property
    def changes(self) -> dict[str, tuple[str, ...]]:
        """What was done to each added picture that was changed, in words, by file name and hash."""
        return {
            f"{sample.file_name} ({sample.picture_sha256[:8]})": sample.changes
            for sample in self.added
            if sample.changes
        }


def add_files(
    registry: Registry,
    subject: str,
    paths: Iterable[Path],
    *,
    look: Look = lambda png: Seen(),
    on_file: Callable[[Path], None] | None = None,
) -> AddReport:
    """File every picture that `paths` (files and folders) hold, with its caption if it has one.

    A broken file hinders no other. `look` gives the samples' face boxes, and of what it objects to
    nothing is kept; `on_file` is called once a file, after it is done.
    Raises NotFound for an unknown subject, BadInput for paths or captions that cannot be meant,
    WorkspaceError if the disk refuses; what was filed before stays filed.
    """
    intake = _Adding(registry, registry.subject(subject), gather(paths))
    for file, found in _decoded(intake.gathered.pictures, intake.find, look):
        intake.take(file, found)
        if on_file is not None:
            on_file(file)
    return intake.report()


class _Adding:
    """The growing report."""

    def __init__(self, registry: Registry, subject: Subject, gathered: Gathered) -> None:
        self.registry, self.subject, self.gathered = registry, subject, gathered
        self.added: list[Sample] = []
        self.known: list[Known] = []
        self.refused = list(gathered.refused)
        self.matched: list[Path] = []
        self.missing: list[Path] = []
        self.kept: list[Path] = []
        self.notes: list[str] = []

    def find(self, original: bytes) -> Sample | None:
        """The sample that was made of exactly these bytes."""
        return self._filed(original_sha256=sha256_bytes(original))

    def take(self, file: Path, found: Found) -> None:
        """File one picture, recognise it, or note why it was refused."""
        if isinstance(found, UnreadablePicture):
            self.refused.append(Refusal(file, str(found)))
            return
        if isinstance(found, Sample):
            known: Sample | None = found
        else:
            intake, seen = found
            known = self._filed(pixels_sha256=intake.pixels_sha256)
            if known is None and seen.objection is not None:
                reason = f"{intake.file_name} {seen.objection}"
                self.refused.append(Refusal(file, reason))
                return
            known = known or self._add(file, intake, seen.face)
        if known is not None:
            self.known.append(Known(file, known))
            self._caption_known(file, known)

    def report(self) -> AddReport:
        return AddReport(
            subject=self.subject.name,
            added=tuple(self.added),
            known=tuple(self.known),
            refused=tuple(self.refused),
            captions_matched=tuple(self.matched),
            captions_missing=tuple(self.missing),
            captions_orphaned=self.gathered.orphans,
            captions_kept=tuple(self.kept),
            notes=tuple(self.notes),
        )

    def _filed(self, **by: str) -> Sample | None:
        found = self.registry.find_samples(
            subject=self.subject.name,
            original_sha256=by.get("original_sha256"),
            pixels_sha256=by.get("pixels_sha256"),
        )
        return found[0] if found else None

    def _add(self, file: Path, intake: Intake, face: Box | None) -> Sample | None:
        """File a new picture; returns the sample on file if another process was quicker."""
        caption = self.gathered.captions.get(file)
        sample = Sample(
            subject=self.subject.name,
            file_name=intake.file_name,
            original_sha256=intake.original_sha256,
            picture_sha256=intake.picture_sha256,
            pixels_sha256=intake.pixels_sha256,
            width=intake.width,
            height=intake.height,
            source_format=intake.source_format,
            caption=caption,
            face=face,
            changes=intake.changes,
            added=now(),
        )
        if not self.registry.add_sample(sample, intake.original, intake.picture):
            return self._filed(pixels_sha256=intake.pixels_sha256)
        self.added.append(sample)
        (self.missing if caption is None else self.matched).append(file)
        if intake.note:
            self.notes.append(f"{file}: {intake.note}.")
        return None

    def _caption_known(self, file: Path, sample: Sample) -> None:
        caption = self.gathered.captions.get(file)
        if caption is None:
            if sample.caption is None:
                self.missing.append(file)
        elif sample.caption is None:
            self.registry.set_caption(sample.subject, sample.picture_sha256, caption)
            self.matched.append(file)
        elif sample.caption != caption:
            self.kept.append(file)


def _decoded(
    files: tuple[Path, ...], find: Callable[[bytes], Sample | None], look: Look
) -> Iterator[tuple[Path, Found]]:
    """Each file with what it holds, in order, decoded by as many threads as there are cores."""

    def one(file: Path) -> Found:
        try:
            data = read_bytes(file)
            if (known := find(data)) is not None:
                return known
            intake = decode(data, shown_name(file))
        except UnreadablePicture as error:
            return error
        return intake, look(intake.picture)

    workers = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        # In small groups, so that decoded pictures never pile up in memory.
        for start in range(0, len(files), workers):
            group = files[start : start + workers]
            yield from zip(group, pool.map(one, group), strict=True)
