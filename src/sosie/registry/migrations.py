"""The schema, as a list of steps that only ever grows.

A step that has been released is never changed: a new need is a new function at the end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sosie.core.release import Release
from sosie.registry.labels import label_anew, list_release

Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: list[Migration] = []


def migration(step: Migration) -> Migration:
    """Append `step` to the list; the order in this file is the order in which they run."""
    MIGRATIONS.append(step)
    return step


@migration
def m001_ground_floor(db: sqlite3.Connection) -> None:
    """Subjects, samples, consents, adapters, runs and their events."""
    db.execute(
        """CREATE TABLE subjects (
            name TEXT PRIMARY KEY,
            folded TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            "trigger" TEXT NOT NULL,
            created TEXT NOT NULL
        )"""
    )
    db.execute(
        """CREATE TABLE samples (
            id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL REFERENCES subjects(name),
            file_name TEXT NOT NULL,
            original_sha256 TEXT NOT NULL,
            picture_sha256 TEXT NOT NULL,
            pixels_sha256 TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            source_format TEXT NOT NULL,
            caption TEXT,
            face TEXT,
            changes TEXT NOT NULL,
            added TEXT NOT NULL,
            UNIQUE (subject, pixels_sha256),
            UNIQUE (subject, picture_sha256)
        )"""
    )
    db.execute("CREATE INDEX samples_original ON samples (original_sha256)")
    db.execute("CREATE INDEX samples_picture ON samples (picture_sha256)")
    db.execute("CREATE INDEX samples_pixels ON samples (pixels_sha256)")
    db.execute(
        """CREATE TABLE consents (
            id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL REFERENCES subjects(name),
            sha256 TEXT NOT NULL,
            record TEXT NOT NULL
        )"""
    )
    # A permission is withdrawn by a later record; what was once said stays on file.
    for act in ("UPDATE", "DELETE"):
        db.execute(
            f"""CREATE TRIGGER consents_no_{act.lower()} BEFORE {act} ON consents
            BEGIN SELECT RAISE(ABORT, 'consents are append-only'); END"""
        )
    db.execute(
        """CREATE TABLE adapters (
            name TEXT PRIMARY KEY,
            folded TEXT NOT NULL UNIQUE,
            subject TEXT REFERENCES subjects(name),
            family TEXT NOT NULL,
            base TEXT NOT NULL,
            "trigger" TEXT,
            file_sha256 TEXT NOT NULL,
            tensors_sha256 TEXT NOT NULL,
            run TEXT REFERENCES runs(id),
            step INTEGER,
            consent_sha256 TEXT,
            created TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX adapters_file ON adapters (file_sha256)")
    db.execute(
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            subject TEXT NOT NULL REFERENCES subjects(name),
            base TEXT NOT NULL,
            state TEXT NOT NULL,
            step INTEGER NOT NULL,
            steps INTEGER NOT NULL,
            folder TEXT NOT NULL,
            pid INTEGER,
            pid_born REAL,
            started TEXT NOT NULL,
            ended TEXT,
            message TEXT
        )"""
    )
    db.execute("CREATE INDEX runs_subject ON runs (subject, started)")
    db.execute(
        """CREATE TABLE events (
            run TEXT NOT NULL REFERENCES runs(id),
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID"""
    )


@migration
def m002_examinations(db: sqlite3.Connection) -> None:
    """What the doctor read off pictures, and the findings that a user has dismissed."""
    db.execute("CREATE TABLE readings (key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")
    db.execute(
        """CREATE TABLE dismissals (
            subject TEXT NOT NULL REFERENCES subjects(name),
            finding TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (subject, finding)
        ) WITHOUT ROWID"""
    )


@migration
def m003_mends(db: sqlite3.Connection) -> None:
    """What was changed on pictures after they were filed, with all that undoing it takes."""
    db.execute(
        """CREATE TABLE mends (
            id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL REFERENCES subjects(name),
            picture_sha256 TEXT NOT NULL,
            before_sha256 TEXT NOT NULL,
            before TEXT NOT NULL,
            mend TEXT NOT NULL,
            options TEXT NOT NULL,
            at TEXT NOT NULL,
            undone TEXT
        )"""
    )
    db.execute("CREATE INDEX mends_picture ON mends (subject, picture_sha256)")
    db.execute("CREATE INDEX mends_before ON mends (before_sha256)")


@migration
def m004_mended_samples(db: sqlite3.Connection) -> None:
    """The sample as mended beside the one before: a run may have been taught either."""
    db.execute("ALTER TABLE mends ADD COLUMN after TEXT")


@migration
def m005_signatures(db: sqlite3.Connection) -> None:
    """Who has put their name to what, by the SHA-256 of what was signed."""
    db.execute(
        """CREATE TABLE signatures (
            id INTEGER PRIMARY KEY,
            about TEXT NOT NULL,
            record TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX signatures_about ON signatures (about)")
    for act in ("UPDATE", "DELETE"):
        db.execute(
            f"""CREATE TRIGGER signatures_no_{act.lower()} BEFORE {act} ON signatures
            BEGIN SELECT RAISE(ABORT, 'signatures are append-only'); END"""
        )


@migration
def m006_forgettings(db: sqlite3.Connection) -> None:
    """What is to be destroyed of a subject, until it is."""
    db.execute(
        """CREATE TABLE forgettings (
            id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL REFERENCES subjects(name),
            plan TEXT NOT NULL,
            done TEXT
        )"""
    )


@migration
def m007_releases(db: sqlite3.Connection) -> None:
    """Published versions, the files they hold, and the words that stand for versions."""
    db.execute(
        """CREATE TABLE releases (
            id INTEGER PRIMARY KEY,
            sha256 TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            folded TEXT NOT NULL,
            folded_version TEXT NOT NULL,
            subject TEXT NOT NULL REFERENCES subjects(name),
            run TEXT,
            tensors_sha256 TEXT NOT NULL,
            record TEXT NOT NULL,
            UNIQUE (folded, folded_version)
        )"""
    )
    db.execute("CREATE INDEX releases_subject ON releases (subject)")
    db.execute("CREATE INDEX releases_tensors ON releases (tensors_sha256)")
    # What was published stays as it was; only forgetting takes it away.
    db.execute(
        """CREATE TRIGGER releases_no_update BEFORE UPDATE ON releases
        BEGIN SELECT RAISE(ABORT, 'releases never change'); END"""
    )
    db.execute(
        """CREATE TABLE release_files (
            release INTEGER NOT NULL REFERENCES releases(id) ON DELETE CASCADE,
            sha256 TEXT NOT NULL,
            PRIMARY KEY (release, sha256)
        ) WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX release_files_sha256 ON release_files (sha256)")
    db.execute(
        """CREATE TABLE release_aliases (
            id INTEGER PRIMARY KEY,
            folded TEXT NOT NULL,
            alias TEXT NOT NULL,
            release INTEGER NOT NULL REFERENCES releases(id) ON DELETE CASCADE,
            at TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX release_aliases_folded ON release_aliases (folded, alias)")


@migration
def m008_audits(db: sqlite3.Connection) -> None:
    """What audits found of LoRAs; their signatures lie with the others."""
    db.execute(
        """CREATE TABLE audits (
            id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL REFERENCES subjects(name),
            adapter TEXT NOT NULL,
            tensors_sha256 TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            record TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX audits_adapter ON audits (adapter)")


@migration
def m009_tokens(db: sqlite3.Connection) -> None:
    """Who may look into the catalogue from outside; of the tokens, the hashes alone."""
    db.execute(
        """CREATE TABLE tokens (
            name TEXT PRIMARY KEY,
            sha256 TEXT NOT NULL UNIQUE,
            scopes TEXT NOT NULL,
            made TEXT NOT NULL,
            until TEXT,
            revoked TEXT
        )"""
    )


@migration
def m010_finding(db: sqlite3.Connection) -> None:
    """What lists of releases are narrowed to, sorted by and searched in."""
    db.execute(
        """CREATE TABLE release_dates (
            release INTEGER PRIMARY KEY REFERENCES releases(id) ON DELETE CASCADE,
            published TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX release_dates_published ON release_dates (published)")
    db.execute(
        """CREATE TABLE release_labels (
            label TEXT NOT NULL,
            release INTEGER NOT NULL REFERENCES releases(id) ON DELETE CASCADE,
            PRIMARY KEY (label, release)
        ) WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX release_labels_release ON release_labels (release)")
    db.execute(
        """CREATE VIRTUAL TABLE release_words
        USING fts5 (name, tags, rest, tokenize = 'unicode61 remove_diacritics 2')"""
    )
    for number, record in db.execute("SELECT id, record FROM releases").fetchall():
        list_release(db, number, Release.model_validate_json(record))
    # A list asks for the permission of everybody on it.
    db.execute("CREATE INDEX consents_sha256 ON consents (sha256)")
    db.execute("CREATE INDEX consents_subject ON consents (subject)")
    db.execute("CREATE INDEX consents_recorded ON consents (json_extract(record, '$.recorded'))")
    db.execute("CREATE INDEX adapters_tensors ON adapters (tensors_sha256)")


@migration
def m011_usage(db: sqlite3.Connection) -> None:
    """Downloads and pictures of releases: each event once, their sums by day, and the sums of the
    windows that end today, so that a ranking is one walk along an index.
    """
    db.execute(
        """CREATE TABLE usage_events (
            id BLOB PRIMARY KEY,
            release INTEGER NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL
        ) WITHOUT ROWID"""
    )
    db.execute(
        """CREATE TRIGGER usage_events_no_update BEFORE UPDATE ON usage_events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"""
    )
    db.execute(
        """CREATE TRIGGER usage_events_no_delete BEFORE DELETE ON usage_events
        WHEN EXISTS (SELECT 1 FROM releases WHERE id = OLD.release)
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"""
    )
    db.execute(
        """CREATE TABLE usage_days (
            day INTEGER NOT NULL,
            kind TEXT NOT NULL,
            release INTEGER NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (day, kind, release)
        ) WITHOUT ROWID"""
    )
    db.execute(
        """CREATE TABLE usage_windows (
            kind TEXT NOT NULL,
            period TEXT NOT NULL,
            release INTEGER NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (kind, period, release)
        ) WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX usage_ranking ON usage_windows (kind, period, number DESC, release)")
    db.execute("CREATE TABLE usage_calendar (today INTEGER NOT NULL)")
    db.execute("INSERT INTO usage_calendar VALUES (0)")


@migration
def m012_watermarks(db: sqlite3.Connection) -> None:
    """Which picture bears which watermark: 32 bits by which a copy without its words is known."""
    db.execute(
        """CREATE TABLE watermarks (
            number INTEGER PRIMARY KEY,
            about TEXT NOT NULL UNIQUE,
            record TEXT NOT NULL
        )"""
    )


@migration
def m013_verdicts(db: sqlite3.Connection) -> None:
    """What an audit looked for, and whether it passed; before, all looked for likeness."""
    db.execute("ALTER TABLE audits ADD COLUMN kind TEXT NOT NULL DEFAULT 'likeness'")
    db.execute("ALTER TABLE audits ADD COLUMN verdict TEXT NOT NULL DEFAULT 'not measured'")
    state = "SELECT json_extract(value, '$.state') FROM json_each(record, '$.figures')"
    db.execute(f"UPDATE audits SET verdict = 'failed' WHERE 'failed' IN ({state})")
    db.execute(
        f"""UPDATE audits SET verdict = 'passed' WHERE 'passed' IN ({state})
        AND 'failed' NOT IN ({state}) AND 'not measured' NOT IN ({state})"""
    )
    db.execute("CREATE INDEX audits_tensors ON audits (tensors_sha256)")


@migration
def m014_labels(db: sqlite3.Connection) -> None:
    """By whom those shown are permitted, and whether an audit found no copies, to narrow lists."""
    for number, record in db.execute("SELECT id, record FROM releases").fetchall():
        label_anew(db, number, Release.model_validate_json(record))


@migration
def m015_auditing(db: sqlite3.Connection) -> None:
    """Whom the LoRAs show that are being audited, and by which process: none is forgotten then."""
    db.execute(
        """CREATE TABLE auditing (
            mark TEXT NOT NULL,
            subject TEXT NOT NULL,
            adapter TEXT NOT NULL,
            pid INTEGER NOT NULL,
            pid_born REAL,
            PRIMARY KEY (mark, subject)
        )"""
    )
