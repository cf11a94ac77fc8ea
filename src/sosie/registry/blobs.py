"""Files named by the hash of what they hold."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sosie.core.errors import WorkspaceError
from sosie.core.files import (
    as_workspace_error,
    save_atomically,
    sha256_bytes,
    sha256_file,
    write_atomically,
)

_HASH = re.compile("[0-9a-f]{64}")


class Blobs:
    """Content-addressed files under `folder`: FOLDER/ab/abcdef….

    A blob is whole or absent, never a part. Writing one twice is writing it once. Safe to use from
    several threads and processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the blob lies (or would lie)."""
        return self.folder / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Store `data` and return its SHA-256; a damaged copy from before is replaced.

        Raises WorkspaceError if it cannot be written.
        """
        sha256 = sha256_bytes(data)
        if not self._renewed(sha256):
            write_atomically(self.path(sha256), data)
        return sha256

    def put_file(self, source: Path) -> str:
        """Store a copy of the file `source` and return its SHA-256; never held in memory whole.

        Raises WorkspaceError if it cannot be written or changes while it is copied.
        """
        sha256 = sha256_file(source)
        if not self._renewed(sha256):
            save_atomically(self.path(sha256), lambda copy: _copy(source, copy, sha256))
        return sha256

    def read(self, sha256: str) -> bytes:
        """The blob's bytes, checked against its name.

        Raises WorkspaceError if it is missing, damaged or unreadable.
        """
        path = self.path(sha256)
        try:
            with as_workspace_error(path):
                data = path.read_bytes()
        except FileNotFoundError as error:
            raise WorkspaceError(
                f"A stored file is missing: {path}.",
                advice="Restore it from a backup, or add the original again.",
            ) from error
        if sha256_bytes(data) != sha256:
            raise WorkspaceError(
                f"A stored file is damaged: {path} no longer holds what was written.",
                advice="Restore it from a backup, or add the original again.",
            )
        return data

    def missing(self, hashes: Iterable[str]) -> tuple[str, ...]:
        """Those of `hashes` that have no file, in their order."""
        return tuple(sha256 for sha256 in hashes if not self.path(sha256).is_file())

    def drop(self, sha256: str) -> None:
        """Delete the blob if it is there. Raises WorkspaceError if the folder is read-only."""
        path = self.path(sha256)
        with as_workspace_error(path):
            path.unlink(missing_ok=True)

    def stored(self) -> Iterator[Path]:
        """Every blob's file, in the order of their hashes."""
        yield from sorted(path for path in self.folder.glob("??/*") if _HASH.fullmatch(path.name))

    def _renewed(self, sha256: str) -> bool:
        """Whether the blob is there and sound. It counts as young again: a sweep spares it until
        the row that will name it is written."""
        path = self.path(sha256)
        with as_workspace_error(path):
            sound = path.is_file() and sha256_file(path) == sha256
            if sound:
                path.touch()
        return sound


def _copy(source: Path, copy: Path, sha256: str) -> None:
    shutil.copyfile(source, copy)
    if sha256_file(copy) != sha256:
        raise WorkspaceError(f"{source} changed while it was being copied.", advice="Try again.")
