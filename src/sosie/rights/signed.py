"""Signatures as records: who has put their name to what.

What is signed is a SHA-256: of a permission's canonical JSON, of a file as it is without its
signature, of a receipt. The signature covers the record that it stands in, role and date included,
so that none of it can be exchanged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from sosie.core.canonical import canonical_json
from sosie.core.records import Record
from sosie.core.terms import Relation
from sosie.rights.keys import Key, fingerprint, verified

Role = Literal["subject", "guardian", "estate", "trainer"]
"""As what one signs."""

ROLES: dict[Relation, Role] = {"self": "subject", "guardian": "guardian", "estate": "estate"}
"""The role in which the signer of a permission signs; a synthetic subject is nobody who could."""

_PURPOSE = "sosie signature 1"
"""Stands in what is signed, so that no signature made for another purpose passes for one."""

_Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class Signature(Record):
    """One signature."""

    about: _Hex32
    """SHA-256 of what is signed."""
    role: Role
    public_key: _Hex32
    at: datetime | None = None
    """By the signer's clock. None inside a file, which has a date of its own: so that equal files
    are signed equally."""
    signature: _Hex64

    @property
    def key(self) -> str:
        """The fingerprint of the key that signed."""
        return fingerprint(self.public_key)

    def holds(self) -> bool:
        """Whether the key did sign this record; that it is about the right thing is not asked."""
        return verified(self.public_key, self.signature, self.message())

    def message(self) -> bytes:
        """The bytes that are signed: this record without the signature, with its purpose."""
        content = self.model_dump(mode="json", exclude={"signature"})
        return canonical_json({**content, "purpose": _PURPOSE})


def sign(key: Key, about: str, *, role: Role, at: datetime | None = None) -> Signature:
    """The signature by `key` of what has the SHA-256 `about`."""
    blank = Signature(about=about, role=role, public_key=key.public, at=at, signature="0" * 2 * 64)
    return blank.model_copy(update={"signature": key.sign(blank.message())})


def parsed(text: str | bytes) -> Signature | None:
    """The signature that `text` is as JSON, or None if it is none, whatever else it is."""
    try:
        return Signature.model_validate_json(text)
    except ValidationError:
        return None
