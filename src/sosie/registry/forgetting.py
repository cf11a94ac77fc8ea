"""Forgetting a subject: what is to be destroyed is written down before anything is.

The rows go, and the list of files comes, in one transaction; then the files go. A process that is
killed in between leaves the list, and the next call goes on from it. Permissions and their
signatures stay.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Literal

from sosie.core.errors import BadInput, WorkspaceError
from sosie.core.files import as_workspace_error, sha256_file
from sosie.core.records import Record, Run, now
from sosie.registry.blobs import Blobs
from sosie.registry.database import Database, insert
from sosie.registry.processes import is_alive
from sosie.registry.sweep import INCOMING, remove

_BLOBS = """SELECT 'original' AS what, original_sha256 AS file_sha256
    FROM samples WHERE subject = ?1
    UNION SELECT 'picture', picture_sha256 FROM samples WHERE subject = ?1
    UNION SELECT 'picture', before_sha256 FROM mends WHERE subject = ?1
    UNION SELECT 'picture', picture_sha256 FROM mends WHERE subject = ?1
    UNION SELECT 'LoRA', file_sha256 FROM adapters WHERE subject = ?1
    UNION SELECT 'release', f.sha256 FROM release_files AS f JOIN releases AS r ON r.id = f.release
    WHERE r.subject = ?1 ORDER BY 1, 2"""
_ROWS = (
    "DELETE FROM events WHERE run IN (SELECT id FROM runs WHERE subject = ?)",
    "DELETE FROM releases WHERE subject = ?",
    "DELETE FROM audits WHERE subject = ?",
    "DELETE FROM adapters WHERE subject = ?",
    "DELETE FROM runs WHERE subject = ?",
    "DELETE FROM mends WHERE subject = ?",
    "DELETE FROM dismissals WHERE subject = ?",
    "DELETE FROM samples WHERE subject = ?",
    "DELETE FROM readings WHERE key GLOB 'checkup:*' AND json_extract(text, '$.subject') = ?",
)
_UNSHELVED = (
    "DELETE FROM usage_events WHERE release NOT IN (SELECT id FROM releases)",
    "DELETE FROM usage_days WHERE release NOT IN (SELECT id FROM releases)",
    "DELETE FROM usage_windows WHERE release NOT IN (SELECT id FROM releases)",
    "DELETE FROM release_words WHERE rowid NOT IN (SELECT id FROM releases)",
    # The index keeps the words of deleted rows until it is merged.
    "INSERT INTO release_words (release_words) VALUES ('optimize')",
)
"""What stands beside releases; done after these are gone."""


def audits_of(home: Path, subject: str) -> Path:
    """Where what audits drew with LoRAs of a subject lies that no run here made."""
    return home / "audits" / subject


class Doomed(Record):
    """A file that is to be destroyed."""

    what: Literal["original", "picture", "LoRA", "release", "run"]
    file_sha256: str


class Plan(Record):
    """What is to be destroyed of a subject."""

    number: int
    """Of this forgetting, in this workspace."""
    subject: str
    files: tuple[Doomed, ...]
    folders: tuple[str, ...]
    """Of runs and of audits, below the workspace."""


class Forgetting:
    """Destroys what a workspace holds of a subject."""

    def __init__(self, home: Path, db: Database, blobs: Blobs, named: str) -> None:
        """`named` is the SELECT of all hashes that something on file names."""
        self._home, self._db, self._blobs, self._named = home, db, blobs, named

    def begin(self, subject: str, runs: Iterable[Run]) -> Plan:
        """Take everything of a subject off file, and note which files are to go, together with
        those that an earlier call, which was killed, has left. `runs` are the subject's.

        Raises WorkspaceError if it is being trained or audited, BadInput if there is nothing of it.
        """
        runs = tuple(runs)
        going = [run for run in runs if run.state == "running"]
        if going:
            raise WorkspaceError(
                f'"{subject}" is being trained: run {going[0].id}, process {going[0].pid}.',
                advice="Stop it first: Ctrl-C where it runs.",
            )
        folders = [run.folder.relative_to(self._home).as_posix() for run in runs]
        audited = audits_of(self._home, subject)
        if audited.is_dir():
            folders.append(audited.relative_to(self._home).as_posix())
        of_runs = [Doomed(what="run", file_sha256=sha256) for sha256 in self._hashes(folders)]
        with self._db.writing() as db:
            known = {row["id"] for row in db.execute(
                "SELECT id FROM runs WHERE subject = ?", (subject,)
            )}  # fmt: skip
            if known != {run.id for run in runs}:
                raise WorkspaceError(f'A run of "{subject}" has just begun.', advice="Stop it.")
            self._refuse_audits(db, subject)
            rows = db.execute(_BLOBS, (subject,)).fetchall()
            found = [*(Doomed.model_validate(dict(row)) for row in rows), *of_runs]
            before = self._open(db, subject)
            if not found and not runs and before is None:
                raise BadInput(f'Nothing of "{subject}" is on file but its permissions.')
            plan = Plan(
                number=before.number if before else _next(db),
                subject=subject,
                files=tuple(dict.fromkeys([*(before.files if before else ()), *found])),
                folders=tuple(dict.fromkeys([*(before.folders if before else ()), *folders])),
            )
            if before is not None:
                db.execute("DELETE FROM forgettings WHERE id = ?", (before.number,))
            columns = {"id": plan.number, "subject": subject, "plan": plan.model_dump_json()}
            insert(db, "forgettings", columns)
            for sql in _ROWS:
                db.execute(sql, (subject,))
            if any(file.what == "release" for file in found):
                for sql in _UNSHELVED:
                    db.execute(sql)
        return plan

    def destroy(self, plan: Plan) -> tuple[Doomed, ...]:
        """Delete the files of a plan, and what was read off them. Returns those that another
        subject shares, which are kept. May be called again after it was killed.

        Raises WorkspaceError if the disk refuses.
        """
        kept = []
        # Under the write lock, so that nobody files the same picture meanwhile.
        with self._db.writing() as db:
            for file in plan.files:
                if file.what == "run":
                    continue
                sql = f"SELECT 1 FROM ({self._named}) WHERE sha256 = ?"
                if db.execute(sql, (file.file_sha256,)).fetchone():
                    kept.append(file)
                    continue
                self._blobs.drop(file.file_sha256)
                db.execute("DELETE FROM readings WHERE key GLOB ?", (f"{file.file_sha256}:*",))
        for folder in plan.folders:
            path = self._home / PurePosixPath(folder)
            if path.exists():
                remove(path)
        # Whom a file shows that has not come whole yet, nobody can tell.
        if (self._home / INCOMING).exists():
            remove(self._home / INCOMING)
        return tuple(kept)

    def close(self, plan: Plan) -> None:
        """Note that a plan was carried out, and leave nothing of it in the database's journal."""
        with self._db.writing() as db:
            at = now().isoformat()
            db.execute(
                "UPDATE forgettings SET plan = '{}', done = ? WHERE id = ?", (at, plan.number)
            )
        self._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def _refuse_audits(self, db: sqlite3.Connection, subject: str) -> None:
        """Raise WorkspaceError if a living process audits a LoRA that shows the subject: it would
        draw on.
        """
        sql = "SELECT adapter, pid, pid_born FROM auditing WHERE subject = ?"
        for row in db.execute(sql, (subject,)):
            if is_alive(row["pid"], row["pid_born"]):
                raise WorkspaceError(
                    f'"{subject}" is being audited: LoRA {row["adapter"]}, process {row["pid"]}.',
                    advice="Stop it first: Ctrl-C where it runs.",
                )
        db.execute("DELETE FROM auditing WHERE subject = ?", (subject,))

    def _open(self, db: sqlite3.Connection, subject: str) -> Plan | None:
        row = db.execute(
            "SELECT plan FROM forgettings WHERE subject = ? AND done IS NULL", (subject,)
        ).fetchone()
        return Plan.model_validate_json(row["plan"]) if row else None

    def _hashes(self, folders: Iterable[str]) -> list[str]:
        """The hashes of all files in the folders of runs."""
        paths = [p for f in folders for p in sorted((self._home / f).rglob("*")) if p.is_file()]
        with as_workspace_error(self._home):
            return [sha256_file(path) for path in paths]


def _next(db: sqlite3.Connection) -> int:
    number: int = db.execute("SELECT coalesce(max(id), 0) + 1 FROM forgettings").fetchone()[0]
    return number
