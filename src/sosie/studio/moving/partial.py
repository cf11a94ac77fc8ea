"""A file that comes in pieces: what has come outlives a process that dies, and is gone on from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sosie.core.errors import BadInput, WorkspaceError
from sosie.core.files import as_workspace_error, sha256_file
from sosie.core.release import ReleasedFile

Pieces = Callable[[int], Iterator[bytes]]
"""The bytes of a file from an offset on."""


def completed(path: Path, file: ReleasedFile, pieces: Pieces) -> None:
    """Write to `path` what it still lacks of a file, and check its hash.

    Raises BadInput if too little comes, and then what has come stays; or more than was announced,
    or something else, and then nothing stays.
    """
    with held(path) as out, _nothing_empty(path):
        have = size(out, file)
        if have < file.size:
            for piece in pieces(have):
                have = append(out, file, have, piece)
        os.fsync(out.fileno())
        if have < file.size:
            raise BadInput(
                f"{file.name} broke off after {have:,} of {file.size:,} bytes.",
                advice="Run the command again: it goes on from there.",
            )
        if sha256_file(path) != file.file_sha256:
            path.unlink()
            raise BadInput(
                f"{file.name} is not the file that was published: its hash is another.",
                advice="Nothing of it was kept. Ask for it again where it was made.",
            )


@contextmanager
def _nothing_empty(path: Path) -> Iterator[None]:
    """Where it fails before anything has come, no file is left."""
    try:
        yield
    except BaseException:
        if path.is_file() and not path.stat().st_size:
            path.unlink()
        raise


def size(out: BinaryIO, file: ReleasedFile) -> int:
    """How many bytes of a file have come; more than there are to come are none of it."""
    have = out.seek(0, os.SEEK_END)
    return have if have <= file.size else out.truncate(0)


def append(out: BinaryIO, file: ReleasedFile, have: int, piece: bytes) -> int:
    """Write a piece behind the `have` bytes that are there; gives how many there are then.

    Raises BadInput if that is more than the file has.
    """
    if have + len(piece) > file.size:
        out.truncate(0)
        raise BadInput(
            f"{file.name} is longer than the {file.size:,} bytes that were announced.",
            advice="Nothing of it was kept.",
        )
    with as_workspace_error(Path(out.name)):
        out.write(piece)
        out.flush()
    return have + len(piece)


@contextmanager
def held(path: Path) -> Iterator[BinaryIO]:
    """The open file, which no other process can hold meanwhile. Raises WorkspaceError."""
    with as_workspace_error(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        out = path.open("a+b")
    with out:
        if os.name == "posix":
            import fcntl

            try:
                # The system lets go of it when the process dies. Some shared drives know no locks:
                # there the hash finds what two writers made of it.
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise WorkspaceError(
                    "Another process is fetching the same file.", advice="Wait for it to end."
                ) from error
            except OSError:
                pass
        yield out
