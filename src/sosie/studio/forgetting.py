"""Forgetting a subject, with a signed receipt of what was destroyed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sosie import rights
from sosie.core.files import write_atomically
from sosie.core.records import Record, now
from sosie.registry import Registry
from sosie.registry.forgetting import Doomed


class Receipt(Record):
    """What was destroyed of a subject, by the hash of each file."""

    subject: str
    at: datetime
    key: str
    """Fingerprint of the key of the workspace, which signs this."""
    destroyed: tuple[Doomed, ...]
    kept: tuple[Doomed, ...]
    """Files that another subject shares."""


class Signed(Record):
    """A receipt and its signature, as they lie in one file."""

    receipt: Receipt
    signature: rights.Signature
    """Of the SHA-256 of the receipt's canonical JSON."""


def forget(registry: Registry, name: str) -> tuple[Path, Receipt]:
    """Destroy everything of a subject but its permissions, and write the receipt.

    After a crash at any moment the next call goes on. Raises NotFound, BadInput, WorkspaceError.
    """
    subject = registry.subject(name).name
    plan = registry.forgetting.begin(subject, registry.runs(subject))
    kept = registry.forgetting.destroy(plan)
    key = registry.key()
    receipt = Receipt(
        subject=subject,
        at=now(),
        key=rights.fingerprint(key.public),
        destroyed=tuple(file for file in plan.files if file not in kept),
        kept=kept,
    )
    signature = rights.sign(key, receipt.sha256(), role="trainer", at=receipt.at)
    path = registry.home / "receipts" / f"{subject}-{plan.number}.json"
    signed = Signed(receipt=receipt, signature=signature)
    write_atomically(path, signed.model_dump_json(indent=1).encode() + b"\n")
    registry.forgetting.close(plan)
    return path, receipt
