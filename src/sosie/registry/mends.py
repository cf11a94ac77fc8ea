"""Mended pictures: each change is logged with the sample as it was, so that it can be undone."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from sosie.core.errors import BadInput, NotFound
from sosie.core.files import sha256_bytes
from sosie.core.records import Record, Sample, now
from sosie.registry.blobs import Blobs
from sosie.registry.database import Database, insert
from sosie.registry.rows import columns_of


class Mended(Record):
    """One change of one picture."""

    file_name: str
    """Of the file that the picture came from."""

    picture_sha256: str
    """The picture as mended."""
    before_sha256: str
    """The picture that it took the place of; its bytes are kept."""
    mend: str
    options: dict[str, Any]
    at: str
    undone: str | None = None
    """When it was taken back; such rows stay in the log."""


_COLUMNS = ("picture_sha256", "before_sha256", "mend", "at", "undone")


class Mends:
    """The log of a workspace's mends."""

    def __init__(self, db: Database, blobs: Blobs) -> None:
        self._db, self._blobs = db, blobs

    def of(self, subject: str) -> tuple[Mended, ...]:
        """Every mend of a subject's pictures, oldest first, those undone among them."""
        rows = self._db.rows("SELECT * FROM mends WHERE subject = ? ORDER BY id", (subject,))
        return tuple(
            Mended(
                file_name=Sample.model_validate_json(row["before"]).file_name,
                options=json.loads(row["options"]),
                **{name: row[name] for name in _COLUMNS},
            )
            for row in rows
        )

    def holding(self, subject: str, picture_sha256: str) -> tuple[Mended, ...]:
        """The mends that made a picture what it is now, the last first."""
        found: list[Mended] = []
        for entry in reversed(self.of(subject)):
            if entry.undone is None and entry.picture_sha256 == picture_sha256:
                found.append(entry)
                picture_sha256 = entry.before_sha256
        return tuple(found)

    def samples(self, subject: str) -> tuple[Sample, ...]:
        """Every state in which the log has known a subject's pictures, the oldest first."""
        rows = self._db.rows(
            "SELECT before, after FROM mends WHERE subject = ? ORDER BY id", (subject,)
        )
        kept = [text for row in rows for text in (row["before"], row["after"]) if text]
        return tuple(Sample.model_validate_json(text) for text in kept)

    def replace(
        self, before: Sample, after: Sample, picture: bytes, *, mend: str, options: dict[str, Any]
    ) -> None:
        """Put `after` (its stored PNG is `picture`) in the place of `before`, and log it.

        The caption, the original and the place in the set stay. Raises NotFound if `before` is not
        on file any more, BadInput if the subject has the mended picture already.
        """
        assert after.picture_sha256 == sha256_bytes(picture)
        assert after.subject == before.subject
        with self._db.writing() as db:
            self._blobs.put(picture)
            _put(db, before.picture_sha256, after)
            entry = {
                "subject": before.subject,
                "picture_sha256": after.picture_sha256,
                "before_sha256": before.picture_sha256,
                "before": before.model_dump_json(),
                "after": after.model_dump_json(),
                "mend": mend,
                "options": json.dumps(options),
                "at": now().isoformat(),
            }
            insert(db, "mends", entry)

    def undo(self, subject: str, picture_sha256: str) -> Sample:
        """Bring back the picture as it was before its last mend, with the caption of today.

        Raises NotFound if it was not mended.
        """
        with self._db.writing() as db:
            last = db.execute(
                """SELECT * FROM mends WHERE subject = ? AND picture_sha256 = ?
                AND undone IS NULL ORDER BY id DESC""",
                (subject, picture_sha256),
            ).fetchone()
            if last is None:
                raise NotFound(f'"{subject}" has no mended picture {picture_sha256[:12]}…')
            row = db.execute(
                "SELECT caption FROM samples WHERE subject = ? AND picture_sha256 = ?",
                (subject, picture_sha256),
            ).fetchone()
            caption = {"caption": row["caption"]} if row else {}
            before = Sample.model_validate_json(last["before"]).model_copy(update=caption)
            _put(db, picture_sha256, before)
            db.execute("UPDATE mends SET undone = ? WHERE id = ?", (now().isoformat(), last["id"]))
        return before

    def forget(self, db: sqlite3.Connection, subject: str, original_sha256: str) -> list[str]:
        """Within a transaction, delete the log of the picture that came from an original.

        Gives the hashes that it named.
        """
        rows = db.execute(
            """DELETE FROM mends WHERE subject = ?
            AND json_extract(before, '$.original_sha256') = ?
            RETURNING before_sha256, picture_sha256""",
            (subject, original_sha256),
        ).fetchall()
        return [row[name] for row in rows for name in ("before_sha256", "picture_sha256")]


def _put(db: sqlite3.Connection, picture_sha256: str, sample: Sample) -> None:
    """Give the row of a picture the columns of another sample."""
    columns = columns_of(sample)
    assigned = ", ".join(f"{name} = ?" for name in columns)
    try:
        done = db.execute(
            f"UPDATE samples SET {assigned} WHERE subject = ? AND picture_sha256 = ?",
            (*columns.values(), sample.subject, picture_sha256),
        )
    except sqlite3.IntegrityError as error:
        raise BadInput(f"{sample.file_name} would become a picture that is on file.") from error
    if not done.rowcount:
        raise NotFound(f'"{sample.subject}" has no picture {picture_sha256[:12]}…')
