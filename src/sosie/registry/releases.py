"""Published versions: filed once with their signature, looked up by version, alias or hash."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sosie.core.errors import BadInput, NotFound, WorkspaceError
from sosie.core.files import sha256_bytes
from sosie.core.records import Record, now
from sosie.core.release import LATEST, Release
from sosie.registry.blobs import Blobs
from sosie.registry.database import Database, insert
from sosie.registry.labels import list_release
from sosie.registry.names import checked_name, checked_version, composed, folded
from sosie.registry.signatures import Signatures
from sosie.rights import Signature

RELEASED = "SELECT sha256 FROM release_files"
"""The blobs that releases name."""


class Shelved(Record):
    """A release as it stands on this workspace's shelf."""

    release: Release
    signature: Signature
    """Of the release's hash, by the workspace that published it."""
    subject: str
    """Whom it shows, as filed here: that permission governs it."""
    run: str | None = None
    """The run that made it, if that was here."""


class Releases:
    """The shelf of a workspace."""

    def __init__(self, db: Database, blobs: Blobs, signatures: Signatures) -> None:
        self._db, self._blobs, self._signatures = db, blobs, signatures

    def add(self, shelved: Shelved, aliases: Iterable[str] = ()) -> Shelved:
        """File a release whose files are already blobs, under a subject that is on file, with words
        that stand for it.

        Raises BadInput if its name or version cannot be used, the version was published before, an
        alias is taken, or the signature is not of it; WorkspaceError if a file is missing.
        """
        release, signature = shelved.release, shelved.signature
        checked_name(release.name)
        checked_version(release.version)
        record = release.canonical()
        sha256 = sha256_bytes(record)
        if signature.about != sha256 or not signature.holds():
            raise BadInput(f"The signature is not of {release.title}.", advice="Sign it anew.")
        with self._db.writing() as db:
            self._refuse_taken(db, release)
            # Under the write lock, so that nobody drops a blob before the row names it.
            if missing := self._blobs.missing(file.file_sha256 for file in release.files):
                raise WorkspaceError(f"A file of {release.title} is not stored: {missing[0][:12]}…")
            insert(
                db,
                "releases",
                {
                    "sha256": sha256,
                    "name": release.name,
                    "version": release.version,
                    "folded": folded(release.name),
                    "folded_version": folded(release.version),
                    "subject": shelved.subject,
                    "run": shelved.run,
                    "tensors_sha256": release.tensors_sha256,
                    "record": record.decode(),
                },
            )
            number = _number(db, release.name, release.version)
            for file in dict.fromkeys(file.file_sha256 for file in release.files):
                insert(db, "release_files", {"release": number, "sha256": file})
            list_release(db, number, release)
            self._signatures.add(db, signature)
            for alias in aliases:
                self._point(db, release.name, alias, number, move=False)
        return shelved

    def get(self, name: str, version: str = LATEST) -> Shelved:
        """The release of a name that a version or an alias means.

        Raises NotFound with the nearest known, and WorkspaceError if it is not as it was signed.
        """
        rows = self._rows("folded = ?", folded(name))
        if not rows:
            known = [row["name"] for row in self._db.rows("SELECT DISTINCT name FROM releases")]
            raise NotFound.among("release", name, known)
        if folded(version) == LATEST:
            return self._sound(rows[-1])
        meant = self.aliases(name).get(folded(version), folded(version))
        for row in rows:
            if row["folded_version"] == folded(meant):
                return self._sound(row)
        known = [*(row["version"] for row in rows), *self.aliases(name), LATEST]
        raise NotFound.among(f"version of {rows[0]['name']}", version, known)

    def versions(self, name: str) -> tuple[Shelved, ...]:
        """Every release of a name, oldest first; none if nothing bears it."""
        return tuple(self._sound(row) for row in self._rows("folded = ?", folded(name)))

    def all(self) -> tuple[Shelved, ...]:
        """Every release, oldest first."""
        return tuple(self._sound(row) for row in self._rows("1"))

    def showing(self, subject: str) -> tuple[Shelved, ...]:
        """The releases that show a subject: filed under it, of weights that are filed under it, or
        standing on one of its permissions.
        """
        return tuple(
            self._sound(row)
            for row in self._rows(
                """subject = ?1 OR tensors_sha256 IN
                (SELECT tensors_sha256 FROM adapters WHERE subject = ?1) OR EXISTS
                (SELECT 1 FROM json_each(releases.record, '$.permissions') AS named JOIN consents ON
                consents.sha256 = json_extract(named.value, '$.consent_sha256')
                WHERE consents.subject = ?1)""",
                subject,
            )
        )

    def numbered(self, number: int) -> Shelved:
        """The release with this number of the shelf, which must be there."""
        (row,) = self._rows("id = ?", number)
        return self._sound(row)

    def by_file(self, sha256: str) -> tuple[Shelved, ...]:
        """The releases that hold a file with this hash, oldest first."""
        return tuple(
            self._sound(row)
            for row in self._rows("id IN (SELECT release FROM release_files WHERE sha256 = ?)",
                                  sha256)
        )  # fmt: skip

    def with_hash(self, start: str) -> tuple[Shelved, ...]:
        """The releases of which the LoRA file or its weights have a hash that begins so."""
        rows = self._rows(
            """tensors_sha256 BETWEEN ?1 AND ?1 || 'g' OR id IN
            (SELECT release FROM release_files WHERE sha256 BETWEEN ?1 AND ?1 || 'g')""",
            start,
        )
        found = (self._sound(row) for row in rows)
        return tuple(
            one
            for one in found
            if one.release.lora.file_sha256.startswith(start)
            or one.release.tensors_sha256.startswith(start)
        )

    def beginning(self, start: str) -> Shelved:
        """The release whose own hash begins so. Raises NotFound."""
        rows = self._rows("sha256 BETWEEN ?1 AND ?1 || 'g'", start)
        if not rows:
            raise NotFound(f"There is no release {start}….")
        return self._sound(rows[0])

    def permissions(self, tensors_sha256: str) -> tuple[str, ...]:
        """The hashes of all permissions that releases of these weights stand on."""
        rows = self._db.rows(
            """SELECT DISTINCT json_extract(value, '$.consent_sha256') AS sha256 FROM releases,
            json_each(record, '$.permissions') WHERE tensors_sha256 = ?""",
            (tensors_sha256,),
        )
        return tuple(row["sha256"] for row in rows)

    def aliases(self, name: str) -> dict[str, str]:
        """What stands for which version of a name, but for "latest"."""
        rows = self._db.rows(
            """SELECT alias, version FROM release_aliases AS a
            JOIN releases AS r ON r.id = a.release WHERE a.folded = ? ORDER BY a.id""",
            (folded(name),),
        )
        return {row["alias"]: row["version"] for row in rows}

    def set_alias(self, name: str, version: str, alias: str, *, move: bool = False) -> None:
        """Let a word stand for a version, for good; with `move`, also one that stood for another.

        Raises BadInput if the alias cannot be used or is taken, NotFound if there is no such
        version.
        """
        release = self.get(name, version).release
        with self._db.writing() as db:
            number = _number(db, release.name, release.version)
            self._point(db, release.name, alias, number, move=move)

    def _point(
        self, db: sqlite3.Connection, name: str, alias: str, number: int, *, move: bool
    ) -> None:
        alias = folded(checked_version(alias, "alias"))
        taken = db.execute(
            "SELECT version FROM releases WHERE folded = ? AND folded_version = ?",
            (folded(name), alias),
        ).fetchone()
        if taken:
            raise BadInput(f'"{taken["version"]}" is itself a version of {name}.')
        before = db.execute(
            """SELECT release, version FROM release_aliases AS a JOIN releases ON
            releases.id = release WHERE a.folded = ? AND alias = ? ORDER BY a.id DESC""",
            (folded(name), alias),
        ).fetchone()
        if before and before["release"] == number:
            return
        if before and not move:
            raise BadInput(
                f"{name}@{alias} stands for {before['version']}, and whoever uses it counts on "
                "that.",
                advice="Choose another word, or move it with --move.",
            )
        columns = {"folded": folded(name), "alias": alias, "release": number}
        insert(db, "release_aliases", columns | {"at": now().isoformat()})

    def _refuse_taken(self, db: sqlite3.Connection, release: Release) -> None:
        row = db.execute(
            "SELECT name, version FROM releases WHERE folded = ? AND folded_version = ?",
            (folded(release.name), folded(release.version)),
        ).fetchone()
        if row:
            before = f"{row['name']}@{row['version']}"
            raise BadInput(
                f"{before} was published before, and a release never changes.",
                advice="Give this one another version.",
            )
        alias = db.execute(
            "SELECT 1 FROM release_aliases WHERE folded = ? AND alias = ?",
            (folded(release.name), folded(release.version)),
        ).fetchone()
        if alias:
            raise BadInput(
                f"{release.title} is an alias of another version.", advice="Choose another version."
            )

    def _rows(self, where: str, *values: str | int) -> list[sqlite3.Row]:
        return self._db.rows(f"SELECT * FROM releases WHERE {where} ORDER BY id", values)

    def _sound(self, row: sqlite3.Row) -> Shelved:
        """The release in a row, if it is what was signed. Raises WorkspaceError."""
        signed = [one for one in self._signatures.of(row["sha256"]) if one.role == "trainer"]
        whole = sha256_bytes(row["record"].encode()) == row["sha256"]
        if not whole or not signed or not signed[0].holds():
            raise WorkspaceError(
                f"The release {row['name']}@{row['version']} was changed after it was published.",
                advice="Restore the workspace from a backup.",
            )
        release = Release.model_validate_json(row["record"])
        return Shelved(release=release, signature=signed[0], subject=row["subject"], run=row["run"])


def _number(db: sqlite3.Connection, name: str, version: str) -> int:
    number: int = db.execute(
        "SELECT id FROM releases WHERE name = ? AND version = ?", (name, version)
    ).fetchone()[0]
    return number


def taken_apart(title: str) -> tuple[str, str]:
    """NAME and VERSION of `NAME@VERSION`; "" as version if none is given."""
    name, _, version = title.partition("@")
    return composed(name), composed(version)
