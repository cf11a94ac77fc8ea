"""The registry: who is on file, with which pictures, permissions, runs and LoRAs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import platformdirs

from sosie.core.consent import Consent
from sosie.core.errors import BadInput, NotFound, WorkspaceError
from sosie.core.files import as_workspace_error, sha256_bytes
from sosie.core.records import Adapter, Sample, Subject, now
from sosie.registry.audits import Audits
from sosie.registry.blobs import Blobs
from sosie.registry.database import PATIENCE, Database, insert
from sosie.registry.examinations import Dismissals, Readings
from sosie.registry.finding import Finding
from sosie.registry.forgetting import Forgetting
from sosie.registry.mends import Mends
from sosie.registry.names import checked_name, composed, folded
from sosie.registry.releases import RELEASED, Releases
from sosie.registry.rows import columns_of, sample_of
from sosie.registry.runs import RunBook
from sosie.registry.signatures import Signatures
from sosie.registry.sweep import DAY, Swept, remove, temporaries, unnamed
from sosie.registry.tokens import Tokens
from sosie.registry.usage import Usage
from sosie.registry.watermarks import Watermarks
from sosie.rights import (
    HOME_CHAIN,
    HOME_KEY,
    SLACK,
    Chain,
    Key,
    Signature,
    checked_consent,
    home_chain,
    home_key,
)

_NAMED = f"""SELECT original_sha256 AS sha256 FROM samples
    UNION ALL SELECT picture_sha256 FROM samples
    UNION ALL SELECT before_sha256 FROM mends
    UNION ALL SELECT file_sha256 FROM adapters
    UNION ALL {RELEASED}"""
"""The blobs that are named on file: a table that names more of them belongs here."""

_TAUGHT = f"{_NAMED} UNION ALL SELECT picture_sha256 FROM mends"
"""What a run was taught may have been mended since, or its mend undone: the log of mends names
both."""


def home_folder(option: Path | None = None) -> Path:
    """Where the workspace lies: `option` (--home), else SOSIE_HOME, else the platform's folder."""
    chosen = option or os.environ.get("SOSIE_HOME") or platformdirs.user_data_dir("sosie", False)
    return Path(chosen).expanduser().absolute()


class Registry(RunBook):
    """One workspace: `sosie.sqlite3` and `blobs/` under `home`.

    Threads may share it and several processes may open one workspace; writers queue. What a blob
    holds is written before the row that names it, so a crash at any moment leaves a readable
    workspace.
    """

    def __init__(self, home: Path, db: Database) -> None:
        super().__init__(home, db)
        self.blobs = Blobs(home / "blobs")
        self.readings = Readings(db)
        self.dismissals = Dismissals(db)
        self.mends = Mends(db, self.blobs)
        self.signatures = Signatures(db)
        self.watermarks = Watermarks(db)
        self.releases = Releases(db, self.blobs, self.signatures)
        self.usage = Usage(db)
        self.finding = Finding(db, self.releases, self.usage)
        self.audits = Audits(db, self.signatures)
        self.tokens = Tokens(db)
        self.forgetting = Forgetting(home, db, self.blobs, _TAUGHT)

    @classmethod
    def open(cls, home: Path, *, patience: float = PATIENCE) -> Self:
        """Open the workspace in `home`, creating it if needed.

        `patience` is how many seconds a writer waits for another process.
        Raises WorkspaceError if the folder cannot be used or a newer Sosie has written it.
        """
        home = home.expanduser().absolute()
        with as_workspace_error(home):
            try:
                # Pictures of people: for the owner's eyes only.
                home.mkdir(mode=0o700, parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise WorkspaceError(
                    f"{home} is a file, or lies in one: no workspace can be there.",
                    advice="Choose a folder with --home.",
                ) from error
        return cls(home, Database(home / "sosie.sqlite3", patience))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Subjects

    def add_subject(self, subject: Subject) -> Subject:
        """File a new subject and return it as filed (its name in Unicode's composed form).

        Raises BadInput if the name or the trigger word cannot be used, or the name is taken.
        """
        name = checked_name(subject.name)
        trigger = checked_name(subject.trigger, "trigger word")
        subject = subject.model_copy(update={"name": name, "trigger": trigger})
        columns = subject.model_dump(mode="json") | {"folded": folded(name)}
        self._insert_named("subjects", columns)
        return subject

    def subject(self, name: str) -> Subject:
        """The subject called `name`. Raises NotFound with the nearest known name."""
        row = self._db.row(
            'SELECT name, kind, "trigger", created FROM subjects WHERE name = ?', (composed(name),)
        )
        if row is None:
            raise NotFound.among("subject", name, [subject.name for subject in self.subjects()])
        return Subject.model_validate(dict(row))

    def subjects(self) -> tuple[Subject, ...]:
        """All subjects, by name."""
        rows = self._db.rows('SELECT name, kind, "trigger", created FROM subjects ORDER BY folded')
        return tuple(Subject.model_validate(dict(row)) for row in rows)

    # Samples

    def add_sample(self, sample: Sample, original: bytes, picture: bytes) -> bool:
        """File a picture with its original bytes and its stored PNG.

        Returns False, and changes nothing, if the subject already has these pixels.
        Raises NotFound if there is no such subject, WorkspaceError if the disk refuses.
        """
        assert sample.original_sha256 == sha256_bytes(original)
        assert sample.picture_sha256 == sha256_bytes(picture)
        self.subject(sample.subject)
        with self._db.writing() as db:
            # Under the write lock, so that nobody drops these blobs before the row names them.
            self.blobs.put(original)
            self.blobs.put(picture)
            return bool(insert(db, "samples", columns_of(sample), "ON CONFLICT DO NOTHING"))

    def samples(self, subject: str) -> tuple[Sample, ...]:
        """The samples of a subject in the order they were added. Raises NotFound."""
        name = self.subject(subject).name
        rows = self._db.rows("SELECT * FROM samples WHERE subject = ? ORDER BY id", (name,))
        return tuple(sample_of(row) for row in rows)

    def find_samples(
        self,
        *,
        original_sha256: str | None = None,
        pixels_sha256: str | None = None,
        subject: str | None = None,
    ) -> tuple[Sample, ...]:
        """Samples with these original bytes and these pixels, of one subject or of all."""
        rows = self._db.rows(
            """SELECT * FROM samples WHERE (?1 IS NULL OR original_sha256 = ?1)
            AND (?2 IS NULL OR pixels_sha256 = ?2) AND (?3 IS NULL OR subject = ?3) ORDER BY id""",
            (original_sha256, pixels_sha256, subject),
        )
        return tuple(sample_of(row) for row in rows)

    def set_captions(self, subject: str, captions: Mapping[str, str | None]) -> None:
        """Set captions by the samples' `picture_sha256`: all of them, or none if one is unknown.

        Raises NotFound if the subject or one of the pictures is not on file.
        """
        name = self.subject(subject).name
        with self._db.writing() as db:
            for picture, caption in captions.items():
                done = db.execute(
                    "UPDATE samples SET caption = ? WHERE subject = ? AND picture_sha256 = ?",
                    (caption, name, picture),
                )
                if not done.rowcount:
                    raise NotFound(f'"{name}" has no picture {picture[:12]}…')

    def set_caption(self, subject: str, picture_sha256: str, caption: str | None) -> None:
        """Set one caption; None removes it. Raises NotFound."""
        self.set_captions(subject, {picture_sha256: caption})

    def remove_sample(self, subject: str, picture_sha256: str) -> None:
        """Take a sample off file and delete its pictures unless another sample uses them; those
        that it was mended from go as well, and their rows in the log.

        Raises NotFound if the subject has no such picture.
        """
        name = self.subject(subject).name
        found = self._db.row(
            "SELECT * FROM samples WHERE subject = ? AND picture_sha256 = ?",
            (name, picture_sha256),
        )
        if found is None:
            raise NotFound(f'"{name}" has no picture {picture_sha256[:12]}…')
        with self._db.writing() as db:
            db.execute("DELETE FROM samples WHERE id = ?", (found["id"],))
            gone = [found["original_sha256"], found["picture_sha256"]]
            gone += self.mends.forget(db, name, found["original_sha256"])
        # After the row is gone for good: a crash in between leaves a file too many, never one
        # too few.
        self.drop_unnamed(gone)

    # Consents

    def record_consent(self, consent: Consent, signatures: Sequence[Signature] = ()) -> str:
        """Append a permission (or, with no acts, its withdrawal) with those who signed it, and
        return its hash.

        Raises BadInput if the record contradicts itself, is dated to come (after it, no clock could
        be trusted) or a signature is of another, NotFound if there is no such subject.
        """
        if consent.recorded > now() + SLACK:
            raise BadInput(f"The permission is dated {consent.recorded:%Y-%m-%d %H:%M}, to come.")
        name = self.subject(consent.subject).name
        consent = checked_consent(consent.model_copy(update={"subject": name}))
        sha256, record = consent.sha256(), consent.canonical().decode()
        if any(s.about != sha256 or not s.holds() for s in signatures):
            raise BadInput("A signature is not of this permission.", advice="Sign it anew.")
        with self._db.writing() as db:
            insert(db, "consents", {"subject": name, "sha256": sha256, "record": record})
            for signature in signatures:
                self.signatures.add(db, signature)
        return sha256

    def consents(self, subject: str) -> tuple[Consent, ...]:
        """All that was recorded for a subject, oldest first.

        Raises NotFound, and WorkspaceError if a record, or a signature of it, is not what was
        written: nothing is decided by such records.
        """
        name = self.subject(subject).name
        rows = self._db.rows("SELECT * FROM consents WHERE subject = ? ORDER BY id", (name,))
        return tuple(self._sound(row["sha256"], row["record"]) for row in rows)

    def consent(self, sha256: str) -> Consent | None:
        """The permission with this hash, whosoever it is of, if it is on file."""
        row = self._db.row("SELECT * FROM consents WHERE sha256 = ?", (sha256,))
        return self._sound(sha256, row["record"]) if row else None

    def _sound(self, sha256: str, record: str) -> Consent:
        signed = all(signature.holds() for signature in self.signatures.of(sha256))
        if sha256_bytes(record.encode()) != sha256 or not signed:
            raise WorkspaceError(
                f"The permission {sha256[:12]}… was changed after it was recorded.",
                advice="Restore the workspace from a backup.",
            )
        return Consent.model_validate_json(record)

    def latest(self) -> datetime | None:
        """The latest time that anything on file bears: before it, the clock was set back."""
        row = self._db.row(
            """SELECT max(at) AS at FROM (
            SELECT max(added) AS at FROM samples UNION ALL SELECT max(created) FROM adapters
            UNION ALL SELECT max(started) FROM runs UNION ALL SELECT max(ended) FROM runs
            UNION ALL SELECT max(json_extract(record, '$.recorded')) FROM consents)"""
        )
        return datetime.fromisoformat(row["at"]) if row and row["at"] else None

    def key(self) -> Key:
        """The workspace's own key, made on first need. Raises WorkspaceError."""
        if (self.home / HOME_KEY).exists():
            return home_key(self.home)
        with self._db.writing():
            return home_key(self.home)

    def chain(self) -> Chain:
        """What signs pictures for the workspace, made on first need. Raises WorkspaceError."""
        key = self.key()
        if (self.home / HOME_CHAIN).exists():
            return home_chain(self.home, key)
        with self._db.writing():
            return home_chain(self.home, key)

    # Adapters

    def add_adapter(self, adapter: Adapter) -> Adapter:
        """File a LoRA whose bytes are already a blob, and return it as filed.

        Raises BadInput if the name cannot be used or is taken, WorkspaceError if the blob is
        missing.
        """
        name = checked_name(adapter.name)
        if self.blobs.missing([adapter.file_sha256]):
            raise WorkspaceError(f'The file of the LoRA "{name}" is not stored in this workspace.')
        adapter = adapter.model_copy(update={"name": name})
        self._insert_named("adapters", adapter.model_dump(mode="json") | {"folded": folded(name)})
        return adapter

    def adapter(self, name: str) -> Adapter:
        """The LoRA called `name`. Raises NotFound with the nearest known name."""
        rows = self.adapters()
        for adapter in rows:
            if adapter.name == composed(name):
                return adapter
        raise NotFound.among("LoRA", name, [adapter.name for adapter in rows])

    def adapters(
        self, subject: str | None = None, *, tensors_sha256: str | None = None
    ) -> tuple[Adapter, ...]:
        """All LoRAs, those of one subject, or those with these weights; oldest first."""
        rows = self._db.rows(
            """SELECT * FROM adapters WHERE (?1 IS NULL OR subject = ?1)
            AND (?2 IS NULL OR tensors_sha256 = ?2) ORDER BY created, rowid""",
            (subject, tensors_sha256),
        )
        return tuple(
            Adapter.model_validate({k: row[k] for k in row.keys() if k != "folded"})  # noqa: SIM118
            for row in rows
        )

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is put on file within it is filed whole, or nothing of it is."""
        with self._db.writing():
            yield

    def drop_unnamed(self, hashes: Iterable[str]) -> None:
        """Delete those of some blobs that nothing on file names."""
        # Under the write lock, so that nobody files the same meanwhile.
        with self._db.writing() as db:
            for sha256 in hashes:
                named = db.execute(f"SELECT 1 FROM ({_NAMED}) WHERE sha256 = ?", (sha256,))
                if not named.fetchone():
                    self.blobs.drop(sha256)

    def missing_blobs(self) -> tuple[str, ...]:
        """Hashes that rows name and no file holds: none, unless files were taken away by hand."""
        rows = self._db.rows(f"SELECT DISTINCT sha256 FROM ({_NAMED}) ORDER BY 1")
        return self.blobs.missing(row["sha256"] for row in rows)

    def sweep(self, *, age: float = DAY) -> Swept:
        """Remove what processes that died left: blobs that nothing on file names, and half-written
        files among blobs and runs, all older than `age` seconds.

        Raises WorkspaceError if the disk refuses.
        """
        # Under the write lock, so that nobody names one of these blobs meanwhile.
        with self._db.writing() as db:
            named = {row["sha256"] for row in db.execute(_TAUGHT)}
            blobs = unnamed(self.blobs.stored(), named, age)
            freed = sum(map(remove, blobs))
        halves = temporaries(self.home, age)
        freed += sum(map(remove, halves))
        return Swept(blobs=tuple(blobs), temporaries=tuple(halves), bytes_freed=freed)

    def _insert_named(self, table: str, columns: Mapping[str, Any]) -> None:
        with self._db.writing() as db:
            taken = db.execute(
                f"SELECT name FROM {table} WHERE folded = ?", (columns["folded"],)
            ).fetchone()
            if taken:
                raise BadInput(
                    f'The name "{columns["name"]}" is taken by "{taken["name"]}".',
                    advice="Names that differ only in case are one name; choose another.",
                )
            insert(db, table, columns)
