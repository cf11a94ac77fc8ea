"""One SQLite file: how it is opened, read and written, and how its refusals are told."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sosie.core.errors import WorkspaceError
from sosie.registry.migrating import migrate

PATIENCE = 30.0
"""Seconds a writer waits for another process's write before it gives up."""

WAL_PAGES = 8_000
"""Pages of 4 KiB that the write-ahead log gathers before they are carried over into the file."""

Values = Sequence[Any] | Mapping[str, Any]
"""For the marks of a statement, by place or by name."""

_REASONS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("another process is writing", "Wait for it to end, then try again."),
    sqlite3.SQLITE_LOCKED: ("another process is writing", "Wait for it to end, then try again."),
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space and run the command again."),
    sqlite3.SQLITE_READONLY: (
        "it is read-only",
        "Check the folder's permissions, or choose another with --home.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "Check the folder's permissions, or choose another with --home.",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk refused",
        "Check the disk's space and health, then try again.",
    ),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "Restore it from a backup."),
    sqlite3.SQLITE_NOTADB: ("it is not a database", "Move it away, or restore it from a backup."),
}


class Database:
    """A connection that several threads may share; writers of all processes queue.

    Readers never wait for writers (WAL). Every refusal of SQLite becomes a WorkspaceError, except
    `sqlite3.IntegrityError`, which tells the caller that a row stands in the way.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        """Open `path`, creating and migrating it as needed; `patience` in seconds.

        Raises WorkspaceError if it cannot be opened or a newer Sosie has written it.
        """
        self.path = path
        self._lock = threading.RLock()
        with self._told():
            # No implicit transactions: each write below says where it begins and ends.
            self._db = sqlite3.connect(
                path, timeout=patience, isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            try:
                self._db.execute("PRAGMA foreign_keys = ON")
                # What is deleted of a person is overwritten in the file.
                self._db.execute("PRAGMA secure_delete = ON")
                self._use_wal(patience)
                # Many small writes touch the same pages: each is carried over once, not each time.
                self._db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
                migrate(self._db)
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with self._lock:
            self._db.close()

    def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """All rows of a SELECT."""
        with self._lock, self._told():
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """The first row of a SELECT, or None."""
        with self._lock, self._told():
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start; it commits whole or never.

        One within another is part of it.
        """
        with self._lock, self._told():
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk may already have ended the transaction.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _use_wal(self, patience: float) -> None:
        """Switch to write-ahead logging; SQLite's own timeout does not cover this switch."""
        deadline = time.monotonic() + patience
        while self._db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
                continue
            return

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            # The low byte is the primary code; the rest tells where in SQLite it arose.
            code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
            if code not in _REASONS:
                raise
            reason, advice = _REASONS[code]
            raise WorkspaceError(f"{self.path}: {reason}.", advice=advice) from error


def insert(db: sqlite3.Connection, table: str, values: Mapping[str, Any], clause: str = "") -> int:
    """Insert one row and return how many rows were written (0 if `clause` let it pass)."""
    columns = ", ".join(f'"{column}"' for column in values)
    marks = ", ".join("?" for _ in values)
    sql = f"INSERT INTO {table} ({columns}) VALUES ({marks}) {clause}"
    return db.execute(sql, tuple(values.values())).rowcount
