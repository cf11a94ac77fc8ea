"""Training runs and their events: what a second process, the web page and a crash all read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sosie.core.canonical import plain_json
from sosie.core.errors import NotFound, WorkspaceError
from sosie.core.records import Event, Run, now
from sosie.registry.database import Database, insert
from sosie.registry.processes import birth, is_alive

KILLED = "The process ended without a word (killed, or a power cut); the run can be resumed."


class RunBook:
    """The runs and events of one workspace. A run's folder is kept relative to `home`."""

    def __init__(self, home: Path, db: Database) -> None:
        self.home = home
        self._db = db

    def add_run(self, run: Run) -> None:
        """File a new run.

        Raises WorkspaceError if a living process already trains the same subject.
        """
        with self._db.writing() as db:
            self._refuse_rival(db, run)
            insert(db, "runs", self._columns(run))

    def update_run(self, run: Run) -> None:
        """Replace the record of the run `run.id`.

        Raises NotFound if there is none, and WorkspaceError if it is set running while another
        living process trains it or the same subject.
        """
        with self._db.writing() as db:
            self._refuse_rival(db, run, but=(run.id, run.pid))
            self._replace(db, run)

    def resume_run(self, run_id: str, *, pid: int) -> Run:
        """Set a run that has ended running again, in process `pid`, and return it.

        Of several that ask at the same time, processes or threads, one gets it.
        Raises NotFound if there is none, and WorkspaceError if a living process trains it or the
        same subject.
        """
        with self._db.writing() as db:
            row = db.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                raise self._no_run(run_id)
            going = {"state": "running", "pid": pid, "ended": None, "message": None}
            run = self._read(row).model_copy(update=going)
            self._refuse_rival(db, run)
            self._replace(db, run)
        return run

    def run(self, run_id: str) -> Run:
        """The run `run_id`; told as "stopped" if its process has died.

        Raises NotFound with the nearest known id.
        """
        row = self._db.row("SELECT * FROM runs WHERE id = ?", (run_id,))
        if row is None:
            raise self._no_run(run_id)
        return self._read(row)

    def runs(self, subject: str | None = None) -> tuple[Run, ...]:
        """All runs, or those of one subject, oldest first; dead ones are told as "stopped"."""
        rows = self._db.rows(
            "SELECT * FROM runs WHERE ?1 IS NULL OR subject = ?1 ORDER BY started, rowid",
            (subject,),
        )
        return tuple(self._read(row) for row in rows)

    def add_event(self, run_id: str, kind: str, data: Mapping[str, Any]) -> Event:
        """Add one line to the story of the run and return it with its number (from 1).

        Raises NotFound if there is no such run.
        """
        with self._db.writing() as db:
            if not db.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone():
                raise self._no_run(run_id)
            last = db.execute(
                "SELECT coalesce(max(number), 0) FROM events WHERE run = ?", (run_id,)
            ).fetchone()[0]
            event = Event(run=run_id, number=last + 1, kind=kind, at=now(), data=dict(data))
            columns = event.model_dump(mode="json", exclude={"data"})
            insert(
                db,
                "events",
                columns | {"data": plain_json(event.data).decode()},
            )
        return event

    def events(self, run_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """The events of the run with a number greater than `after`, in order."""
        rows = self._db.rows(
            "SELECT * FROM events WHERE run = ? AND number > ? ORDER BY number", (run_id, after)
        )
        return tuple(
            Event.model_validate({**dict(row), "data": json.loads(row["data"])}) for row in rows
        )

    def _replace(self, db: sqlite3.Connection, run: Run) -> None:
        columns = self._columns(run)
        marks = ", ".join(f'"{column}" = ?' for column in columns)
        done = db.execute(f"UPDATE runs SET {marks} WHERE id = ?", (*columns.values(), run.id))
        if not done.rowcount:
            raise self._no_run(run.id)

    def _refuse_rival(
        self, db: sqlite3.Connection, run: Run, *, but: tuple[str, int | None] | None = None
    ) -> None:
        """Raise WorkspaceError if `run` is to run and a living process trains its subject.

        `but` is the run and process that go on with what they have.
        """
        if run.state != "running":
            return
        rows = db.execute(
            "SELECT * FROM runs WHERE subject = ? AND state = 'running'", (run.subject,)
        ).fetchall()
        for rival in map(self._read, rows):
            if rival.state == "running" and (rival.id, rival.pid) != but:
                raise WorkspaceError(
                    f'"{run.subject}" is already being trained: run {rival.id}, '
                    f"process {rival.pid}, step {rival.step} of {rival.steps}.",
                    advice="Wait for it to end, or stop it with Ctrl-C where it runs.",
                )

    def _columns(self, run: Run) -> dict[str, Any]:
        columns = run.model_dump(mode="json")
        # Relative where it can be, so that a workspace can be moved to another disk.
        if run.folder.is_relative_to(self.home):
            columns["folder"] = run.folder.relative_to(self.home).as_posix()
        running = run.state == "running" and run.pid is not None
        columns["pid_born"] = birth(run.pid) if running and run.pid else None
        return columns

    def _read(self, row: sqlite3.Row) -> Run:
        columns = dict(row)
        born = columns.pop("pid_born")
        run = Run.model_validate({**columns, "folder": self.home / columns["folder"]})
        if run.state != "running" or (run.pid is not None and is_alive(run.pid, born)):
            return run
        return run.model_copy(update={"state": "stopped", "message": KILLED})

    def _no_run(self, run_id: str) -> NotFound:
        known = [row["id"] for row in self._db.rows("SELECT id FROM runs")]
        return NotFound.among("run", run_id, known)
