"""What a list of releases can be narrowed to, and what a search reads.

Every filter is a label, `what:value`, so that any set of filters is a set of labels that a release
must bear, and one index answers them all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from sosie.core.records import Record
from sosie.core.release import Release
from sosie.core.terms import Commercial, Kind, Period, Relation, Sort
from sosie.registry.names import folded

OLDEST = 150
"""Years; ages beyond are labelled with this."""


class Wanted(Record):
    """What to list. None and empty set no limit."""

    words: str = ""
    """To be found in its name, tags, text, trigger words, author or base; all of them, as words or
    beginnings of words."""
    base: str | None = None
    """A base's name, or a family."""
    tags: tuple[str, ...] = ()
    """All of them."""
    kind: Kind | None = None
    author: str | None = None
    name: str | None = None
    """Every version of this name."""
    age: int | None = None
    """Of the person, in years."""
    year: int | None = None
    """In which pictures were taken."""
    allows: tuple[Commercial, ...] = ()
    derivatives: bool = False
    """Only what may be merged or trained further."""
    no_credit: bool = False
    """Only what may be used without naming its author."""
    free: bool = False
    """Only what costs nothing."""
    audited: bool = False
    """Only what was audited for likeness."""
    no_copies: bool = False
    """Only that in which an audit looked for copies of the pictures and found none."""
    by: Relation | None = None
    """Only where all who are shown are permitted so: "synthetic" is where nobody is real."""
    period: Period = "all"
    """For downloads and pictures, when they were counted; else, when it was published."""
    sort: Sort = "downloads"

    def labels(self) -> tuple[str, ...]:
        """What a release must bear."""
        found = [f"tag:{folded(tag)}" for tag in self.tags]
        found += [f"allows:{use}" for use in self.allows]
        named = {"base": self.base, "kind": self.kind, "author": self.author, "name": self.name}
        named |= {"by": self.by}
        found += [f"{what}:{folded(value)}" for what, value in named.items() if value]
        if self.age is not None:
            found.append(f"age:{min(self.age, OLDEST)}")
        if self.year is not None:
            found.append(f"year:{self.year}")
        flags = {
            "allows:derivatives": self.derivatives,
            "allows:no credit": self.no_credit,
            "price:free": self.free,
            "audited": self.audited,
            "no copies": self.no_copies,
        }
        return tuple(dict.fromkeys([*found, *(label for label, asked in flags.items() if asked)]))


def list_release(db: sqlite3.Connection, number: int, release: Release) -> None:
    """Within a transaction, enter a release, by its number on the shelf, in what lists read."""
    at = (number, release.published.isoformat())
    db.execute("INSERT INTO release_dates VALUES (?, ?)", at)
    label_anew(db, number, release)
    words = (number, *words_of(release))
    db.execute("INSERT INTO release_words (rowid, name, tags, rest) VALUES (?, ?, ?, ?)", words)


def label_anew(db: sqlite3.Connection, number: int, release: Release) -> None:
    """Within a transaction, give a release the labels that it lacks."""
    labels = [(label, number) for label in labels_of(release)]
    db.executemany("INSERT OR IGNORE INTO release_labels (label, release) VALUES (?, ?)", labels)


def labels_of(release: Release) -> tuple[str, ...]:
    """What a release bears."""
    return tuple(dict.fromkeys(_labels(release)))


def words_of(release: Release) -> tuple[str, str, str]:
    """What a search reads: name, tags, the rest. A name found counts more than a tag, and that more
    than the rest."""
    rest = [release.about, release.author, release.base, release.family, release.kind]
    texts = [*release.trigger_words, *(text for text in rest if text)]
    return release.title, " ".join(release.tags), " ".join(texts)


def _labels(release: Release) -> Iterator[str]:
    terms = release.terms
    for base in (release.base, release.family):
        yield f"base:{folded(base)}"
    for tag in release.tags:
        yield f"tag:{folded(tag)}"
    yield f"kind:{release.kind}"
    yield f"name:{folded(release.name)}"
    if release.author:
        yield f"author:{folded(release.author)}"
    if release.ages:
        ages = range(release.ages.first, release.ages.last + 1)
        yield from (f"age:{min(age, OLDEST)}" for age in ages)
    if release.years:
        yield from (f"year:{year}" for year in range(release.years.first, release.years.last + 1))
    for use in terms.commercial:
        yield f"allows:{use}"
    if terms.derivatives:
        yield "allows:derivatives"
    if not terms.credit:
        yield "allows:no credit"
    if terms.price is None:
        yield "price:free"
    if release.audit:
        yield "audited"
    if release.copying and release.copying.verdict == "passed":
        yield "no copies"
    if len(relations := {one.relation for one in release.permissions}) == 1:
        yield f"by:{relations.pop()}"
