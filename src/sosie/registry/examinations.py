"""What is kept of examinations: readings by content, and dismissals by subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sosie.core.records import now
from sosie.registry.database import Database

AT_ONCE = 500
"""Keys asked for in one statement; SQLite's oldest bound is 999."""


class Readings:
    """A shelf for texts under keys that name what they were read off, and how."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The texts kept under some of the keys."""
        found: dict[str, str] = {}
        for at in range(0, len(keys), AT_ONCE):
            some = keys[at : at + AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._db.rows(f"SELECT key, text FROM readings WHERE key IN ({marks})", some)
            found |= {row["key"]: row["text"] for row in rows}
        return found

    def find(self, prefix: str, field: str, value: str) -> tuple[str, ...]:
        """The texts under keys that begin with `prefix` whose JSON has `value` in a field."""
        rows = self._db.rows(
            "SELECT text FROM readings WHERE key GLOB ? AND json_extract(text, ?) = ?",
            (f"{prefix}*", f"$.{field}", value),
        )
        return tuple(row["text"] for row in rows)

    def put(self, texts: Mapping[str, str]) -> None:
        """Keep texts; what was under their keys is replaced."""
        with self._db.writing() as db:
            db.executemany("INSERT OR REPLACE INTO readings VALUES (?, ?)", texts.items())


class Dismissals:
    """Findings that a user has looked at and set aside, subject by subject."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, subject: str) -> frozenset[str]:
        """The ids of the subject's dismissed findings."""
        rows = self._db.rows("SELECT finding FROM dismissals WHERE subject = ?", (subject,))
        return frozenset(row["finding"] for row in rows)

    def add(self, subject: str, findings: Iterable[str]) -> None:
        """Set findings aside."""
        rows = [(subject, finding, now().isoformat()) for finding in findings]
        with self._db.writing() as db:
            db.executemany("INSERT OR IGNORE INTO dismissals VALUES (?, ?, ?)", rows)

    def remove(self, subject: str, findings: Iterable[str]) -> None:
        """Bring findings back."""
        rows = [(subject, finding) for finding in findings]
        with self._db.writing() as db:
            db.executemany("DELETE FROM dismissals WHERE subject = ? AND finding = ?", rows)
