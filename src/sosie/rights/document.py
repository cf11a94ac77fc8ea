"""A record that travels: itself, who signed it, and the same as an ODRL policy, in one file."""

from __future__ import annotations

import json
from typing import Any

from pydantic import JsonValue, ValidationError

from sosie.core.consent import Consent
from sosie.core.errors import BadInput
from sosie.core.records import Record, first_complaint
from sosie.rights.odrl import policy
from sosie.rights.signed import Signature

LARGEST = 4_000_000
"""Bytes that are read at most: a record names some thousand pictures by their hashes."""


class Document(Record):
    """What the file holds."""

    consent: Consent
    signatures: tuple[Signature, ...]
    """Of the SHA-256 of the record's canonical JSON."""
    policy: dict[str, JsonValue]


def written(consent: Consent, signatures: tuple[Signature, ...]) -> bytes:
    """The file."""
    document = Document(consent=consent, signatures=signatures, policy=policy(consent))
    return document.model_dump_json(indent=1).encode() + b"\n"


def read(data: bytes) -> Document:
    """The document in a file, if all in it holds together.

    Raises BadInput if it is none, if the record was changed after it was signed, if a signature was
    not made by the key it names, or if the policy says other than the record.
    """
    if len(data) > LARGEST:
        raise BadInput("The file is too large to be a permission.")
    try:
        document = Document.model_validate_json(data)
    except ValidationError as error:
        first = first_complaint(error)
        where = f" at {first.field}" if first.field else ""
        raise BadInput(f"The file is no permission{where}: {first.what}.") from None
    try:
        sha256 = document.consent.sha256()
    except ValueError as error:
        raise BadInput(f"The file is no permission: {error}.") from None
    for signature in document.signatures:
        if not signature.holds():
            raise BadInput("A signature was not made by the key it names: it is forged.")
        if signature.about != sha256:
            raise BadInput("The permission was changed after it was signed.")
    if document.policy != _plain(policy(document.consent)):
        raise BadInput("The policy in the file says other than the record, which was signed.")
    return document


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(value))
    return plain
