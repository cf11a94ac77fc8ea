"""What an audit of a LoRA's copying found, as one record to be signed, filed and shown."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from sosie.audit.copying.probes import Probe
from sosie.audit.copying.records import Copying, Verdict
from sosie.audit.copying.rights import Row, Status
from sosie.core.records import Record


class Taught(Record):
    """One picture that training saw."""

    sample: str
    name: str
    """Of the file that it came from, and among equal names a part of the hash: what `Copying` calls
    it."""
    shot: int
    """Near-duplicates share it: they were taught as one picture, so many times as often."""
    rights: Status


class CopyAudit(Record):
    """An audit of whether a LoRA gives back the pictures that taught it."""

    format: int = 1
    sosie: str
    adapter: str
    subject: str
    base: str
    base_sha256: str
    tensors_sha256: str
    step: int | None
    """After how many steps the weights were written."""
    strength: float
    """That is meant; `raised strength` is that much more."""
    taken: datetime
    seed: int
    each: int = Field(ge=1)
    """Pictures of each probe, and as many of the base alone."""
    probes: tuple[Probe, ...]
    """The mixture that the rates hold for."""
    taught: tuple[Taught, ...]
    gone: int
    """Training pictures no longer on file, of which nothing can be said."""
    copying: Copying
    rights: tuple[Row, ...]
    seconds: float
    """Of the last process that worked at it."""

    @property
    def verdict(self) -> Verdict:
        """What `copying` says; never passed while a training picture could not be looked for."""
        found = self.copying.verdict
        return "not measured" if found == "passed" and self.gone else found
