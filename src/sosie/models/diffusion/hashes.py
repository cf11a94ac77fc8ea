"""SHA-256 of weight files, remembered: 33 GB need not be read again for a name they had before.

A file is the same one while its path, size, times (modification and status change, in nanoseconds)
and inode are. Who copies other bytes over it changes at least the status time, even where a tool
sets the modification time back. The memory is one JSON file in the platform's cache folder; lost,
damaged or read-only, it costs time and nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs
from pydantic import Field, TypeAdapter, ValidationError

from sosie.core.errors import WorkspaceError
from sosie.core.files import sha256_file, write_atomically
from sosie.core.records import Record

WORTHWHILE = 1 << 20
"""Bytes; a smaller file is read in less time than is worth remembering."""
SETTLED = 2.0
"""Seconds that a file must have lain still: the clocks of file systems are coarse, and a change
within one tick would go unseen."""


class Known(Record):
    """A file as it lay when it was read, and the hash of its bytes."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int
    digest: str = Field(pattern="^[0-9a-f]{64}$")

    def describes(self, found: os.stat_result) -> bool:
        """Whether `found` is still that file."""
        now = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        return now == (self.size, self.modified_ns, self.changed_ns, self.inode)


_MEMORY = TypeAdapter(dict[str, Known])


def memory_file() -> Path:
    """Where hashes are remembered, by the full path of the file."""
    return platformdirs.user_cache_path("sosie", False) / "weights.json"


def sha256_files(files: Sequence[Path]) -> tuple[str, ...]:
    """SHA-256 of each file's bytes, in order; read only where it is not known already."""
    memory = _recall()
    fresh: dict[str, Known] = {}
    hashes = []
    for file in files:
        place = str(file.resolve())
        before = file.stat()
        known = memory.get(place)
        if known is not None and known.describes(before):
            hashes.append(known.digest)
            continue
        made = _read(file, before)
        hashes.append(made.digest)
        still = time.time() - max(before.st_mtime, before.st_ctime) > SETTLED
        if made.size >= WORTHWHILE and still and made.describes(file.stat()):
            fresh[place] = made
    if fresh:
        _remember(fresh)
    return tuple(hashes)


def _read(file: Path, found: os.stat_result) -> Known:
    return Known(
        size=found.st_size,
        modified_ns=found.st_mtime_ns,
        changed_ns=found.st_ctime_ns,
        inode=found.st_ino,
        digest=sha256_file(file),
    )


def _recall() -> dict[str, Known]:
    try:
        return _MEMORY.validate_json(memory_file().read_bytes())
    except (OSError, ValidationError):
        return {}


def _remember(fresh: Mapping[str, Known]) -> None:
    """Add to the memory what another process has not; forget files that are gone."""
    kept = {place: known for place, known in _recall().items() if Path(place).is_file()}
    try:
        write_atomically(memory_file(), _MEMORY.dump_json({**kept, **fresh}, indent=1))
    except (OSError, WorkspaceError):
        # A memory that cannot be kept is no reason not to draw.
        return
