"""The signatures on file: only ever added to, like the permissions that they confirm."""

from __future__ import annotations

import sqlite3

from sosie.registry.database import Database, insert
from sosie.rights import Signature


class Signatures:
    """The signatures of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, about: str) -> tuple[Signature, ...]:
        """All signatures of what has the SHA-256 `about`, oldest first; they may not hold."""
        rows = self._db.rows("SELECT record FROM signatures WHERE about = ? ORDER BY id", (about,))
        return tuple(Signature.model_validate_json(row["record"]) for row in rows)

    def add(self, db: sqlite3.Connection, signature: Signature) -> None:
        """Within a transaction, file a signature."""
        record = signature.canonical().decode()
        insert(db, "signatures", {"about": signature.about, "record": record})
