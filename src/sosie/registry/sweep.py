"""What processes that died leave behind: blobs that no row names, and temporary files.

A blob is written before the row that names it, and a row goes before its blob, so that nothing on
file ever lacks its bytes. The price is a file too many after a crash. Young ones stay: their row
may be on its way.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from sosie.core.files import as_workspace_error, is_temporary
from sosie.core.records import Record

INCOMING = "incoming"
"""The folder of files that are still on their way from another workspace."""
DAY = 86_400.0
"""Seconds for which a leftover is left alone."""


class Swept(Record):
    """What was removed."""

    blobs: tuple[Path, ...]
    """Stored files that nothing on file named."""
    temporaries: tuple[Path, ...]
    """Half-written files and folders."""
    bytes_freed: int


def unnamed(blobs: Iterable[Path], named: Collection[str], age: float) -> list[Path]:
    """The blobs older than `age` seconds whose hash is not in `named`."""
    return [path for path in blobs if path.name not in named and _older(path, age)]


def temporaries(home: Path, age: float) -> list[Path]:
    """Temporary files and folders older than `age` seconds, among the blobs and the runs, and what
    has come of files that never came whole.
    """
    found = [
        path
        for top in (home / "blobs", home / "runs")
        for path in _walk(top)
        if is_temporary(path.name)
    ]
    return [path for path in (*found, *_walk(home / INCOMING)) if _older(path, age)]


def remove(path: Path) -> int:
    """Delete a file or a folder and return how many bytes it held.

    Raises WorkspaceError if the folder cannot be written.
    """
    with as_workspace_error(path):
        if path.is_symlink() or not path.is_dir():
            size = path.lstat().st_size
            path.unlink()
            return size
        size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
        shutil.rmtree(path)
        return size


def _walk(top: Path) -> Iterator[Path]:
    """All files and folders below `top` in order; temporary folders are not entered."""
    if not top.is_dir():
        return
    for path in sorted(top.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink() and not is_temporary(path.name):
            yield from _walk(path)


def _older(path: Path, age: float) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > age
    except FileNotFoundError:
        # Another process has just finished it.
        return False
