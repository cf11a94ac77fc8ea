"""The status list: which permissions of a workspace still hold, signed, for others to fetch.

It names permissions by their hashes alone, so it can be published. What a reader may conclude:

    withdrawn, ended    for ever, however old the list: a new permission has another hash
    stands              until `good_until`; from then on nothing
    not in the list     nothing

Of two lists of one key the one issued later counts.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from sosie.core.errors import BadInput
from sosie.core.records import Record, first_complaint
from sosie.core.terms import Act
from sosie.rights.keys import Key
from sosie.rights.signed import Signature, sign

Standing = Literal["stands", "withdrawn", "ended"]
LARGEST_LIST = 100_000_000
"""Bytes that are read at most: an entry takes about two hundred."""


class Entry(Record):
    """One permission."""

    consent_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    standing: Standing
    acts: tuple[Act, ...] = ()
    """What it permits, where it stands."""
    until: date | None = None
    """Its last day; None is without end."""
    since: AwareDatetime | None = None
    """When it was withdrawn."""


class StatusList(Record):
    """What is signed."""

    kind: Literal["sosie status list 1"] = "sosie status list 1"
    issued: AwareDatetime
    good_until: AwareDatetime
    entries: tuple[Entry, ...]


class Status(Record):
    """The file."""

    list: StatusList
    signature: Signature
    """By the workspace, of the SHA-256 of the list's canonical JSON."""

    def entry(self, consent_sha256: str) -> Entry | None:
        """What the list says of a permission."""
        return next((e for e in self.list.entries if e.consent_sha256 == consent_sha256), None)

    def told(self, consent_sha256: str, at: datetime) -> Standing | None:
        """What may be concluded of a permission from the list at a time; None is nothing."""
        entry = self.entry(consent_sha256)
        if entry is None or (entry.standing == "stands" and at > self.list.good_until):
            return None
        return entry.standing


def issued(entries: tuple[Entry, ...], key: Key, *, at: datetime, days: int) -> Status:
    """A list as of the time `at` that is good for so many days, signed."""
    made = StatusList(issued=at, good_until=at + timedelta(days=days), entries=entries)
    return Status(list=made, signature=sign(key, made.sha256(), role="trainer", at=at))


def read_status(data: bytes) -> Status:
    """The list in a file.

    Raises BadInput if it is none, was changed after it was signed, or is forged.
    """
    if len(data) > LARGEST_LIST:
        raise BadInput("The file is too large to be a status list.")
    try:
        status = Status.model_validate_json(data)
        sha256 = status.list.sha256()
    except ValidationError as error:
        first = first_complaint(error)
        where = f" at {first.field}" if first.field else ""
        raise BadInput(f"The file is no status list{where}: {first.what}.") from None
    except ValueError as error:
        raise BadInput(f"The file is no status list: {error}.") from None
    if status.signature.role != "trainer" or not status.signature.holds():
        raise BadInput("Its signature was not made by the key it names: it is forged.")
    if status.signature.about != sha256:
        raise BadInput("The status list was changed after it was signed.")
    return status
