"""Lists of releases: the most downloaded, the newest, those with these words.

There are two ways to the first few of many. One walks along the ranking and looks at the labels of
each release; it is short when many bear them. The other takes all that bear the rarest label and
sorts them; it is short when few do. How many bear a label is counted up to `FEW`, which decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from sosie.core.errors import BadInput
from sosie.core.records import Record, now
from sosie.core.terms import METRICS, PERIODS, Metric, Sort
from sosie.registry.database import Database
from sosie.registry.labels import Wanted
from sosie.registry.releases import Releases, Shelved
from sosie.registry.usage import Usage

FEW = 8_000
"""Releases that are sorted rather than walked past."""
PAGE = 50
"""Rows that are asked for at once."""

_WORD = re.compile(r"\w+")
_WEIGHTS = "10.0, 5.0, 1.0"
"""Of name, tags and the rest, in `bm25`."""


class Hit(Record):
    """A release on a list."""

    shelved: Shelved
    number: int | None
    """How often it was downloaded or drawn with in the period; None where the order is another."""


class Finding:
    """The lists of a workspace's shelf."""

    def __init__(self, db: Database, releases: Releases, usage: Usage) -> None:
        self._db, self._releases, self._usage = db, releases, usage

    def hits(self, wanted: Wanted) -> Iterator[Hit]:
        """What is wanted, in its order, read as far as it is asked for.

        Lists by downloads or pictures hold what was used in the period, those of all time the rest
        after it, the newest first; searches hold everything. Raises BadInput if there is nothing to
        search for.
        """
        self._usage.turn()
        yield from self._read(*self._query(wanted))
        metric = _metric(wanted)
        if metric and wanted.period == "all" and not wanted.words:
            never = self._query(wanted.model_copy(update={"sort": "newest"}), never=metric)
            yield from self._read(*never)

    def _read(self, sql: str, values: dict[str, str | int]) -> Iterator[Hit]:
        offset = 0
        while rows := self._db.rows(f"{sql} LIMIT {PAGE} OFFSET {offset}", values):
            for row in rows:
                yield Hit(shelved=self._releases.numbered(row["release"]), number=row["number"])
            offset += PAGE

    def _query(
        self, wanted: Wanted, *, never: Metric | None = None
    ) -> tuple[str, dict[str, str | int]]:
        """A SELECT of release and number, in order; `never` leaves only what was never used so.
        SQLite reads tables that are joined with CROSS JOIN in the order in which they stand; left
        to itself it would guess."""
        counts = {label: self._bearing(label) for label in wanted.labels()}
        labels = sorted(counts, key=counts.__getitem__)
        values: dict[str, str | int] = {f"label{i}": label for i, label in enumerate(labels)}
        metric = _metric(wanted)
        if metric:
            values |= {"metric": metric, "period": wanted.period}
        asked = range(len(labels))
        if wanted.words or wanted.sort == "relevance":
            values["match"] = _match(wanted.words)
            source = _searched(wanted.sort)
        elif labels and counts[labels[0]] < FEW:
            source, asked = _labelled(wanted.sort), asked[1:]
        else:
            source = _walked(wanted.sort)
        conditions = [source.where] if source.where else []
        conditions += [_BEARS.format(i=i, release=source.release) for i in asked]
        days = PERIODS[wanted.period]
        if not metric and days:
            values["since"] = (now() - timedelta(days=days)).isoformat()
            conditions.append(f"{source.published} > :since")
        if never:
            values["never"] = never
            conditions.append(_NEVER.format(release=source.release))
            source = source._replace(number="0")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        chosen = f"SELECT {source.release} AS release, {source.number} AS number"
        return f"{chosen} FROM {source.tables} {where} ORDER BY {source.order}", values

    def _bearing(self, label: str) -> int:
        """How many releases bear a label, counted up to `FEW`."""
        row = self._db.row(
            """SELECT count(*) AS number FROM
            (SELECT 1 FROM release_labels WHERE label = ? LIMIT ?)""",
            (label, FEW),
        )
        assert row is not None
        number: int = row["number"]
        return number


class _Source(NamedTuple):
    """Where a list is read from, in SQL."""

    tables: str
    where: str
    order: str
    release: str = "r.release"
    """The expression of a release's number on the shelf."""
    number: str = "NULL"
    published: str = "r.published"


_BEARS = """EXISTS (SELECT 1 FROM release_labels AS b
    WHERE b.label = :label{i} AND b.release = {release})"""
_NEVER = """NOT EXISTS (SELECT 1 FROM usage_windows AS u WHERE u.kind = :never
    AND u.period = 'all' AND u.release = {release})"""
_BY_TIME = {"newest": "r.published DESC, r.release DESC", "oldest": "r.published, r.release"}
_BY_NUMBER = "w.number DESC, w.release"
_IN_WINDOW = "w.kind = :metric AND w.period = :period"


def _metric(wanted: Wanted) -> Metric | None:
    """What a list is ranked by, if it is by use."""
    return next((one for one in METRICS if one == wanted.sort), None)


def _walked(sort: Sort) -> _Source:
    """Along the ranking, or along the dates."""
    if sort in _BY_TIME:
        return _Source("release_dates AS r", "", _BY_TIME[sort])
    return _Source("usage_windows AS w", _IN_WINDOW, _BY_NUMBER, "w.release", "w.number")


def _labelled(sort: Sort) -> _Source:
    """All that bear the rarest label."""
    bearing = "release_labels AS l CROSS JOIN"
    if sort in _BY_TIME:
        tables = f"{bearing} release_dates AS r ON r.release = l.release"
        return _Source(tables, "l.label = :label0", _BY_TIME[sort])
    tables = f"{bearing} usage_windows AS w ON w.release = l.release AND {_IN_WINDOW}"
    return _Source(tables, "l.label = :label0", _BY_NUMBER, "w.release", "w.number")


def _searched(sort: Sort) -> _Source:
    """All that hold the words; what was never used comes last."""
    tables, match = "release_words AS t", "release_words MATCH :match"
    if sort == "relevance":
        order = f"bm25(release_words, {_WEIGHTS}), t.rowid"
        published = "(SELECT published FROM release_dates WHERE release = t.rowid)"
        return _Source(tables, match, order, "t.rowid", published=published)
    if sort in _BY_TIME:
        tables += " CROSS JOIN release_dates AS r ON r.release = t.rowid"
        return _Source(tables, match, _BY_TIME[sort])
    tables += f" LEFT JOIN usage_windows AS w ON w.release = t.rowid AND {_IN_WINDOW}"
    number = "coalesce(w.number, 0)"
    return _Source(tables, match, f"{number} DESC, t.rowid", "t.rowid", number)


def _match(words: str) -> str:
    """An FTS5 query for all words, each as the beginning of one. Nothing in them is read as syntax.

    Raises BadInput if there is no letter or digit in them.
    """
    found = _WORD.findall(words)
    if not found:
        raise BadInput("There is no word to search for.", advice="Give letters or digits.")
    return " ".join(f'"{word}"*' for word in found)
