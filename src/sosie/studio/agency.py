"""An agency's list of releases: a CSV with a row for each, and what becomes of every row.

Each row stands for itself: what can be recorded is, what cannot is refused with its reason, and
running the list again records nothing twice. Columns:

    name                the subject; made if there is none (`kind`: person or handwriting)
    relation            self, guardian, estate or synthetic; self if empty
    who, signed_by      as for `sosie consent`
    acts                with blanks or commas between; train, generate and export if empty
    until               the last day, YYYY-MM-DD
    evidence            a file beside the list is looked for, and its hash recorded
    any term            (see `Terms`) as text or JSON; lists may have ";" between
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

from sosie.core.consent import Consent, Terms
from sosie.core.errors import BadInput, NotFound
from sosie.core.files import sha256_file
from sosie.core.records import Record, Subject, now
from sosie.core.terms import ACTS, Act, Kind, Relation
from sosie.registry import Registry
from sosie.registry.names import checked_name, composed, folded
from sosie.studio import consenting, permission

OWN = ("name", "kind", "relation", "who", "signed_by", "acts", "until", "evidence")
WRITTEN = ("schema_version", "language", "text", "trainer_key")
"""Terms that Sosie writes itself."""
COLUMNS = (*OWN, *(field for field in Terms.model_fields if field not in WRITTEN))
USUAL: tuple[Act, ...] = ("train", "generate", "export")
LARGEST = 20_000_000
"""Bytes of a list."""

_PAPER = re.compile(r".+\.(pdf|jpe?g|png|tiff?|heic|docx?)", re.IGNORECASE)


class Row(Record):
    """What became of one row."""

    number: int
    """Line of the file, the heading being the first."""
    name: str
    outcome: Literal["recorded", "known", "refused"]
    told: str
    """What is permitted, or why not."""
    new: bool = False
    """Whether the subject was not on file before."""


def take(registry: Registry, path: Path, *, dry_run: bool) -> tuple[Row, ...]:
    """Record the releases of a list, or with `dry_run` only tell what would become of them.

    Raises NotFound, and BadInput if it is no list or has an unknown column; then nothing of it is
    recorded.
    """
    taking = _Taking(registry, path.parent, dry_run)
    return tuple(taking.row(number, row) for number, row in _rows(path))


class _Taking:
    """One pass through a list."""

    def __init__(self, registry: Registry, folder: Path, dry_run: bool) -> None:
        self._registry, self._folder, self._dry_run = registry, folder, dry_run
        self._subjects = {folded(subject.name): subject for subject in registry.subjects()}
        self._seen: dict[tuple[str, Relation, str], tuple[int, Consent]] = {}

    def row(self, number: int, row: dict[str, str]) -> Row:
        """What becomes of one row."""
        name = composed(row.get("name", ""))
        try:
            subject = self._subject(name, row)
            settings = _settings(row, self._folder)
            consent = consenting.drawn_up(self._registry, subject, **settings)
            new = folded(name) not in self._subjects
            if not self._speaks_anew(number, consent, new=new):
                return Row(number=number, name=name, outcome="known", told="on file already")
            gone = [] if new else self._left_out(consent)
            if not self._dry_run:
                if new:
                    self._registry.add_subject(subject)
                consenting.record(self._registry, consent, None)
        except (BadInput, NotFound) as error:
            return Row(number=number, name=name, outcome="refused", told=str(error))
        self._subjects[folded(name)] = subject
        end = f" until {consent.until}" if consent.until else ""
        told = f"{consent.who}, signed by {consent.signed_by}: {', '.join(consent.acts)}{end}"
        if gone:
            told += f"; no longer: {', '.join(gone)}"
        return Row(number=number, name=name, outcome="recorded", told=told, new=new)

    def _left_out(self, consent: Consent) -> list[Act]:
        """What is permitted today, and no longer by a record that leaves it out."""
        if consent.subject not in {subject.name for subject in self._registry.subjects()}:
            return []
        today = permission.decisions(self._registry, consent.subject)
        return [one.act for one in today if one.allowed and one.act not in consent.acts]

    def _subject(self, name: str, row: Mapping[str, str]) -> Subject:
        """The subject of a row, on file or not."""
        kind, known = _kind(row), self._subjects.get(folded(checked_name(name)))
        if known is None:
            return Subject(name=name, kind=kind, trigger=name, created=now())
        if known.name != name:
            raise BadInput(f'The name is taken by "{known.name}".')
        if row.get("kind") and known.kind != kind:
            raise BadInput(f'"{name}" is on file as a {known.kind}.')
        return known

    def _speaks_anew(self, number: int, consent: Consent, *, new: bool) -> bool:
        """Whether a record says what is not on file yet. Raises BadInput if the list has said
        otherwise before, in the name of the same signer.
        """
        key = (consent.subject, consent.relation, consent.signed_by.casefold())
        before, said = self._seen.setdefault(key, (number, consent))
        if not _equal(said, consent):
            raise BadInput(f"It contradicts line {before}, by the same signer.")
        if new or before != number:
            return new and before == number
        return not any(_equal(one, consent) for one in self._registry.consents(consent.subject))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows that hold anything, with their line numbers."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    if path.stat().st_size > LARGEST:
        raise BadInput(f"{path} is too large to be a list of releases.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        # A spreadsheet writes what its language uses as the decimal comma does not.
        heading = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=heading.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        rows = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError:
        raise BadInput(f"{path} is no text in UTF-8.", advice="Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise BadInput(f"{path} is no list: {error}.") from None
    for column in columns:
        if column not in COLUMNS:
            raise BadInput(str(NotFound.among("column", column, COLUMNS)))
    if "name" not in columns or len(set(columns)) < len(columns):
        raise BadInput(f"{path} needs a column called name, and none twice.")
    found = []
    for number, row in rows:
        if None in row:
            raise BadInput(f"Line {number} of {path} has more cells than the heading.")
        values = {key: (value or "").strip() for key, value in row.items()}
        if any(values.values()):
            found.append((number, values))
    return found


def _settings(row: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """The row as `drawn_up` takes it."""
    relation = row.get("relation") or "self"
    if relation not in get_args(Relation):
        raise BadInput(f'Nobody signs as "{relation}".', advice=", ".join(get_args(Relation)) + ".")
    acts = row.get("acts", "").replace(",", " ").replace(";", " ").split()
    if unknown := sorted(set(acts) - set(ACTS)):
        raise BadInput(f"Unknown act: {', '.join(unknown)}.", advice=f"Known: {', '.join(ACTS)}.")
    terms = {key: _value(key, text) for key, text in row.items() if text and key not in OWN}
    return {
        "relation": relation,
        "who": row.get("who") or None,
        "signed_by": row.get("signed_by") or None,
        "acts": tuple(act for act in ACTS if act in acts) or USUAL,
        "until": _day(row.get("until", "")),
        "evidence": _evidence(row.get("evidence", ""), folder),
        "terms": terms,
        "holders": {},
    }


def _kind(row: Mapping[str, str]) -> Kind:
    kind = row.get("kind") or "person"
    if kind == "person":
        return "person"
    if kind == "handwriting":
        return "handwriting"
    raise BadInput(f'The kind "{kind}" is unknown.', advice="Known: person, handwriting.")


def _value(field: str, text: str) -> Any:
    """A cell as the value of a term."""
    if not isinstance(Terms.model_fields[field].default, tuple) and field != "ages":
        return text
    if not text.startswith("["):
        return [part.strip() for part in text.split(";") if part.strip()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(f"{field} is no list: {text}.") from None


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f'"{text}" is no day as in 2031-12-24.') from None


def _evidence(text: str, folder: Path) -> str | None:
    """Where the paper lies; with its hash where it is a file beside the list."""
    if not _PAPER.fullmatch(text):
        return text or None
    path = folder / text
    if not path.is_file():
        raise BadInput(f"The paper {text} does not lie beside the list.")
    return f"{text}, SHA-256 {sha256_file(path)}"


def _equal(one: Consent, other: Consent) -> bool:
    """Whether two records say the same, whenever they were recorded."""
    return one.model_copy(update={"recorded": other.recorded}) == other
