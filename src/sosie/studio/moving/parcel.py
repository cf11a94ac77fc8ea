"""A parcel: all that another workspace needs to honour a release, in one signed record.

It holds the release with its publisher's signature, and of everybody shown the whole history of
permissions, withdrawals included, with the signatures under them. Files travel beside it, named by
their hashes alone. Whatever is read here was written by strangers: it is parsed strictly, within
bounds, and every signature is checked before anything of it is used.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sosie import rights
from sosie.core.consent import Consent
from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes
from sosie.core.records import Record, first_complaint, now
from sosie.core.release import Line, Name, Release
from sosie.core.terms import Kind
from sosie.registry import Registry, Shelved
from sosie.rights import Signature
from sosie.studio import drawing, permission

LARGEST = 8 << 20
"""Bytes of a parcel's record; a history of a thousand permissions takes one."""
LARGEST_PICTURE = 64 << 20
"""Bytes."""


class Given(Record):
    """A permission or a withdrawal, and who signed it."""

    consent: Consent
    signatures: tuple[Signature, ...] = Field(min_length=1, max_length=16)


class Person(Record):
    """Somebody whom a release shows."""

    name: Name
    """Under which they are filed where the parcel comes from."""
    kind: Kind
    trigger: Line
    history: tuple[Given, ...] = Field(min_length=1, max_length=10_000)
    """Oldest first."""

    def consents(self) -> tuple[Consent, ...]:
        """The history without the signatures."""
        return tuple(given.consent for given in self.history)


class Parcel(Record):
    """A release on its way."""

    format: Literal[1] = 1
    release: Release
    signature: Signature
    """Of the release, by the workspace that published it."""
    people: Annotated[tuple[Person, ...], Field(min_length=1, max_length=1000)]
    """The first is whom the release is filed under."""
    packed: datetime

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({person.name.casefold() for person in self.people}) != len(self.people):
            raise ValueError("two people in it have one name")
        return self


class Sent(Record):
    """A parcel under the seal of the workspace that packed it."""

    parcel: Parcel
    seal: Signature


def pack(registry: Registry, shelved: Shelved) -> Sent:
    """The parcel of a release on this workspace's shelf; asking for permission is the caller's."""
    adapter = drawing.released(shelved, registry).adapter
    parcel = Parcel(
        release=shelved.release,
        signature=shelved.signature,
        people=tuple(_person(registry, name) for name in permission.shown_by(registry, adapter)),
        packed=now(),
    )
    seal = rights.sign(registry.key(), parcel.sha256(), role="trainer", at=parcel.packed)
    return Sent(parcel=parcel, seal=seal)


def opened(data: bytes) -> Sent:
    """The parcel that `data` holds, if all in it is signed and belongs together.

    Raises BadInput with the reason.
    """
    if len(data) > LARGEST:
        raise _refused(f"its record has more than {LARGEST >> 20} MiB")
    try:
        sent = Sent.model_validate_json(data)
        _check(sent)
    except ValidationError as error:
        first = first_complaint(error)
        raise _refused(f"{first.field or 'its record'}: {first.what}") from None
    except ValueError as error:
        # What has no canonical form cannot have been signed.
        raise _refused(str(error)) from None
    return sent


def _check(sent: Sent) -> None:
    parcel = sent.parcel
    release, signature = parcel.release, parcel.signature
    if sent.seal.about != parcel.sha256() or not sent.seal.holds():
        raise _refused("it was changed after it was packed")
    if signature.role != "trainer" or signature.about != release.sha256() or not signature.holds():
        raise _refused(f"the signature under {release.title} is forged")
    known: set[str] = set()
    for person in parcel.people:
        for given in person.history:
            sha256 = given.consent.sha256()
            if any(one.about != sha256 or not one.holds() for one in given.signatures):
                raise _refused("a signature under a permission is forged")
            if given.consent.subject != person.name:
                raise _refused(f"a permission in the history of {person.name} is another person's")
            rights.checked_consent(given.consent)
            known.add(sha256)
    if any(one.consent_sha256 not in known for one in release.permissions):
        raise _refused(f"{release.title} names a permission that is not in it")
    for file in release.files:
        if file.role == "picture" and file.size > LARGEST_PICTURE:
            raise _refused(f"the picture {file.name} has {file.size / 1e6:.0f} MB")


def _refused(why: str) -> BadInput:
    return BadInput(f"The parcel is refused: {why}.", advice="Ask for it again where it was made.")


def _person(registry: Registry, name: str) -> Person:
    subject = registry.subject(name)
    return Person(
        name=subject.name,
        kind=subject.kind,
        trigger=subject.trigger,
        history=tuple(
            Given(consent=consent, signatures=registry.signatures.of(consent.sha256()))
            for consent in registry.consents(subject.name)
        ),
    )


def encoded(sent: Sent) -> bytes:
    """The bytes of a parcel's record."""
    return sent.canonical()


def named(sent: Sent) -> str:
    """The hash that a parcel's record goes by."""
    return sha256_bytes(encoded(sent))
