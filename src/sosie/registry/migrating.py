"""How the schema is brought up to date: step by step, each with its own count.

Each step of `migrations` runs in one transaction together with its count, so a crash leaves the
schema before it or after it. SQLite's `user_version` holds how many have run.
"""

from __future__ import annotations

import sqlite3

from sosie.core.errors import WorkspaceError
from sosie.registry.migrations import MIGRATIONS


def migrate(db: sqlite3.Connection) -> None:
    """Bring the schema up to date.

    Raises WorkspaceError if a newer Sosie has written this database.
    """
    if _version(db) == len(MIGRATIONS):
        return
    for number, step in enumerate(MIGRATIONS, start=1):
        db.execute("BEGIN IMMEDIATE")
        try:
            # Read again inside the transaction: another process may have migrated meanwhile.
            if _version(db) < number:
                step(db)
                db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def _version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise WorkspaceError(
            f"This workspace was written by a newer Sosie (schema {version}; this one knows "
            f"{len(MIGRATIONS)}).",
            advice="Update Sosie, or choose another workspace with --home.",
        )
    return version
