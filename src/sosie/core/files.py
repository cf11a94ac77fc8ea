"""Files that are either whole or absent."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sosie.core.errors import WorkspaceError

FOLDER_PREFIX = ".writing-"
"""A folder of that name is being written; when it is whole it gets its own."""
_TEMPORARY = re.compile(r"\.(writing-)?[a-z0-9_]{8}(\.\w+)?")
"""A dot, perhaps a word, and what `tempfile` or `secrets` adds."""


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of `data`, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Write `data` to `path` so that a crash leaves the old file or the new one, never a part.

    It is for its owner's eyes only; what is given out is `shared` with whom the umask lets read it:
    another account on a shared drive, or a program that runs as one. Raises WorkspaceError if the
    disk is full or the folder cannot be written.
    """
    save_atomically(path, lambda temporary: temporary.write_bytes(data), shared=shared)


def save_atomically(path: Path, save: Callable[[Path], object], *, shared: bool = False) -> None:
    """Let `save` write a temporary sibling of `path`, sync it, then rename it into place.

    Raises WorkspaceError if the disk is full or the folder cannot be written.
    """
    with as_workspace_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{secrets.token_hex(4)}{path.suffix}")
        mode = 0o666 if shared else 0o600
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        try:
            save(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Whether a file or folder of that name was still being written, by the ways of this house."""
    return _TEMPORARY.fullmatch(name) is not None


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut (no-op where folders cannot be opened)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def as_workspace_error(path: Path) -> Iterator[None]:
    """Turn an operating-system refusal while writing `path` into a WorkspaceError with advice."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorkspaceError(
                f"The disk is full: {path} was not written, and nothing stored before is lost.",
                advice="Free some space and run the command again.",
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise WorkspaceError(
                f"{path} cannot be written: {error.strerror}.",
                advice="Check the folder's permissions, or choose another with --home.",
            ) from error
        raise
