"""The story of a run: told to a callback and appended, line by line, to `events.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from sosie.core.canonical import plain_json
from sosie.core.files import as_workspace_error
from sosie.core.records import now

OnEvent = Callable[[str, dict[str, Any]], None]


class Story:
    """Appends to the events of a run's folder; a line torn by a crash is removed first."""

    def __init__(self, folder: Path, on_event: OnEvent | None) -> None:
        self._path = folder / "events.jsonl"
        self._on_event = on_event
        with as_workspace_error(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            self._number = self._mend()
            self._file: IO[bytes] = self._path.open("ab")

    def tell(self, kind: str, **data: Any) -> None:
        """Write one event, so that a second process can read it at once, and call back."""
        self._number += 1
        line = {"number": self._number, "kind": kind, "at": now().isoformat(), "data": data}
        with as_workspace_error(self._path):
            self._file.write(plain_json(line) + b"\n")
            self._file.flush()
        if self._on_event is not None:
            self._on_event(kind, data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _mend(self) -> int:
        if not self._path.exists():
            return 0
        with self._path.open("r+b") as file:
            lines = file.read().splitlines(keepends=True)
            while lines and not _whole(lines[-1]):
                lines.pop()
            file.truncate(sum(map(len, lines)))
        return int(json.loads(lines[-1])["number"]) if lines else 0


def _whole(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return False
    try:
        return "number" in json.loads(line)
    except ValueError:
        return False
