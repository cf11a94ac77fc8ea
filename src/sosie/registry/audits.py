"""The audits on file: what was found of a LoRA, signed, the latest last."""

from __future__ import annotations

from typing import Literal, NamedTuple

from sosie.core.files import sha256_bytes
from sosie.registry.database import Database, insert
from sosie.registry.signatures import Signatures
from sosie.rights import Signature

AuditKind = Literal["likeness", "copying"]


class FiledAudit(NamedTuple):
    """One audit as it is on file."""

    kind: AuditKind
    adapter: str
    tensors_sha256: str
    """Of the weights that were audited: another checkpoint of the LoRA has others."""
    record: str
    """Canonical JSON."""
    signatures: tuple[Signature, ...]
    """Of the record's SHA-256; they may not hold."""


class Audits:
    """The audits of a workspace."""

    def __init__(self, db: Database, signatures: Signatures) -> None:
        self._db, self._signatures = db, signatures

    def add(
        self,
        subject: str,
        adapter: str,
        tensors_sha256: str,
        record: bytes,
        signature: Signature,
        *,
        kind: AuditKind,
    ) -> None:
        """File an audit of weights, as canonical JSON, with the signature of its SHA-256."""
        columns = {
            "subject": subject,
            "adapter": adapter,
            "tensors_sha256": tensors_sha256,
            "kind": kind,
        }
        about = sha256_bytes(record)
        with self._db.writing() as db:
            insert(db, "audits", columns | {"sha256": about, "record": record.decode()})
            self._signatures.add(db, signature)

    def of(self, adapter: str) -> tuple[FiledAudit, ...]:
        """The audits of a LoRA, the latest last."""
        return self._rows("adapter = ?", adapter)

    def of_weights(self, tensors_sha256: str, kind: AuditKind) -> tuple[FiledAudit, ...]:
        """The audits of a kind of these very weights, the latest last."""
        return self._rows("tensors_sha256 = ? AND kind = ?", tensors_sha256, kind)

    def _rows(self, where: str, *values: str) -> tuple[FiledAudit, ...]:
        rows = self._db.rows(f"SELECT * FROM audits WHERE {where} ORDER BY id", values)
        return tuple(
            FiledAudit(
                kind=row["kind"],
                adapter=row["adapter"],
                tensors_sha256=row["tensors_sha256"],
                record=row["record"],
                signatures=self._signatures.of(row["sha256"]),
            )
            for row in rows
        )
