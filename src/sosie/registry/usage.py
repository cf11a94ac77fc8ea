"""How often releases are fetched and drawn with: exact, whoever writes and whatever is killed.

Each event has an id, and counts once however often it is told: a writer that died before it was
answered tells all again. Nothing is recorded of who fetched. In the transaction that files an event
its day is summed, and the windows that end today (the last 1, 7, 30 and 365 days, and all time). On
the first call of a new day the days that fall out of a window are taken off it and those that come
in are added, so the windows always are the sums of their days.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from sosie.core.records import Record, now
from sosie.core.release import Sha256
from sosie.core.terms import METRICS, PERIODS, Metric, Period
from sosie.registry.database import Database

DAY = 86_400
"""Seconds."""

_ADD = """INSERT INTO {table} VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET number = number + excluded.number"""
_TURN = """INSERT INTO usage_windows
    SELECT kind, :period, release, sum(number) FROM (
        SELECT kind, release, -number AS number FROM usage_days
        WHERE day > :before - :days AND day <= min(:before, :today - :days)
        UNION ALL SELECT kind, release, number FROM usage_days
        WHERE day > max(:before, :today - :days) AND day <= :today)
    GROUP BY kind, release HAVING sum(number) != 0
    ON CONFLICT DO UPDATE SET number = number + excluded.number"""


class Use(Record):
    """A release was used once."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """The same for the same event, however often it is told."""
    release: Sha256
    """Hash of the release."""
    metric: Metric
    at: datetime

    @classmethod
    def just_now(cls, release: str, metric: Metric) -> Self:
        """A new event, with an id that begins with the time (RFC 9562 §5.7, version 7): ids in
        their order are written to one place of the file."""
        random = secrets.randbits(74)
        number = time.time_ns() // 1_000_000 << 80 | 7 << 76 | (random >> 62) << 64
        number |= 2 << 62 | random & (1 << 62) - 1
        return cls(id=f"{number:032x}", release=release, metric=metric, at=now())


class Counted(Record):
    """What became of events."""

    new: int
    known: int
    """Told before; they count once."""
    strange: int
    """Of releases that are not on this shelf; they are not filed."""


class Usage:
    """The uses of a workspace's releases."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, uses: Iterable[Use]) -> Counted:
        """File events; when this returns, they are on disk. Many at once are filed much faster."""
        told = [
            (bytes.fromhex(use.id), use.release, use.metric, int(use.at.timestamp()))
            for use in uses
        ]
        filed: Counter[tuple[int, Metric, int]] = Counter()
        numbers: dict[str, int | None] = {}
        strange = 0
        with self._db.writing() as db:
            today = _turned(db, _day(time.time()))
            for id_, release, metric, at in told:
                if release not in numbers:
                    numbers[release] = _number(db, release)
                number = numbers[release]
                if number is None:
                    strange += 1
                    continue
                done = db.execute(
                    "INSERT OR IGNORE INTO usage_events VALUES (?, ?, ?, ?)",
                    (id_, number, metric, at),
                )
                filed[_day(at), metric, number] += done.rowcount
            rows = [(*key, count) for key, count in filed.items() if count]
            db.executemany(_ADD.format(table="usage_days"), rows)
            for period, days in PERIODS.items():
                sums: Counter[tuple[Metric, Period, int]] = Counter()
                for day, metric, number, count in rows:
                    if days is None or today - days < day <= today:
                        sums[metric, period, number] += count
                windows = [(*key, count) for key, count in sums.items()]
                db.executemany(_ADD.format(table="usage_windows"), windows)
        new = sum(filed.values())
        return Counted(new=new, known=len(told) - new - strange, strange=strange)

    def turn(self, today: int | None = None) -> None:
        """Let the windows end today (days since 1970), if that is later than they do."""
        today = _day(time.time()) if today is None else today
        row = self._db.row("SELECT today FROM usage_calendar")
        assert row is not None
        if row["today"] < today:
            with self._db.writing() as db:
                _turned(db, today)

    def number(self, release: str, metric: Metric, period: Period = "all") -> int:
        """How often a release (by its hash) was used."""
        self.turn()
        row = self._db.row(
            """SELECT number FROM usage_windows AS u JOIN releases AS r ON r.id = u.release
            WHERE r.sha256 = ? AND kind = ? AND period = ?""",
            (release, metric, period),
        )
        return row["number"] if row else 0


def _day(seconds: float) -> int:
    return int(seconds // DAY)


def _number(db: sqlite3.Connection, release: str) -> int | None:
    row = db.execute("SELECT id FROM releases WHERE sha256 = ?", (release,)).fetchone()
    return row[0] if row else None


def _turned(db: sqlite3.Connection, today: int) -> int:
    """Turn the calendar to `today`, if that is later, and return the day that it shows."""
    before: int = db.execute("SELECT today FROM usage_calendar").fetchone()[0]
    if today <= before:
        return before
    for period, days in PERIODS.items():
        if days is not None:
            values = {"period": period, "days": days, "before": before, "today": today}
            db.execute(_TURN, values)
            for metric in METRICS:
                db.execute(
                    "DELETE FROM usage_windows WHERE kind = ? AND period = ? AND number = 0",
                    (metric, period),
                )
    db.execute("UPDATE usage_calendar SET today = ?", (today,))
    return today
